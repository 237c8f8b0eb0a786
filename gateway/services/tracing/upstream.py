"""Use case: a number confirmed here is confirmed by PDS itself, and so may be recorded as present and verified (01)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from adapters.person import to_demographics
from gateway.ids import person_id
from gateway.services.tracing.asked import asked_person, elements_used
from gateway.services.tracing.outcomes import VERIFIED
from ig.decide import Known, SubjectRef
from ig.purpose import Dataset, Element, Level
from linkage.decide import Candidate, Verdict
from linkage.normalise import normalise

if TYPE_CHECKING:
    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.services.tracing.verify import VerifyResult
    from linkage.nhs_number import NhsNumber
    from linkage.person import Demographics


class Pds(Protocol):
    """Whatever can say who an NHS number belongs to. Raises UpstreamError when it cannot."""

    def patient(self, number: NhsNumber) -> dict[str, Any] | None:
        """Return the Patient now known by ``number``, or None."""


def confirm_with_pds(
    house: House, caller: Caller, result: VerifyResult, demographics: Demographics, pds: Pds
) -> VerifyResult:
    """Ask PDS about a number that this box has confirmed; status 01 where PDS agrees, unchanged where it does not.

    Sending the number to PDS is itself decided and recorded. Anything but a confirmed verdict is returned as it is.

    Raises:
        NotPermitted: the caller may not trace.
        UpstreamError: PDS did not answer as its specification says.
    """
    if result.verdict is not Verdict.CONFIRMED or result.current is None:
        return result
    who = person_id(result.current)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER},
        subject=Known(SubjectRef(who)),
        filtered_on=elements_used(demographics) | {Element.NHS_NUMBER},
    ) as passage:
        patient = pds.patient(result.current)
        passage.disclose([who], rows=int(patient is not None), outcome="asked-pds")
    if patient is None:
        return result
    asked = replace(asked_person(demographics), nhs_number=result.current)
    held = Candidate(who, normalise(to_demographics(patient)))
    agreed = held.person.nhs_number == result.current and house.engine().matcher.cross_check(asked, held) is not None
    return replace(result, status=VERIFIED) if agreed else result
