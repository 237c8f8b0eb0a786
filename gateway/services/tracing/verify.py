"""Use case: a practitioner holds a number and a person; are they one?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gateway.ids import person_id
from gateway.services.tracing.against import checked_against
from gateway.services.tracing.asked import asked_person, elements_used
from gateway.services.tracing.outcomes import OF_VERIFICATION, status_of
from gateway.services.tracing.tries import LOCKED, is_locked, refusal
from ig.decide import Described
from ig.purpose import Dataset, Element, Level
from linkage.decide import Verdict, Verification
from linkage.explain import agrees, differs
from linkage.nhs_number import NhsNumber, NotAnNhsNumber

if TYPE_CHECKING:
    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.tracing.against import CheckedAgainst
    from linkage.decide import Flag
    from linkage.explain import Evidence
    from linkage.person import Demographics, Person

_NOTHING: Final = Verification(Verdict.INVALID_NUMBER, None, frozenset(), (), "check-digit")


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What came of it. ``current`` differs from ``number`` when the one asked about was superseded.

    ``agreed`` names the fields that agree and ``unlike`` those that do not, only when the number is confirmed: a failed
    verification never says which field failed (DESIGN section 7). ``evidence`` is for roles whose agreement grants it.
    """

    verdict: Verdict
    flags: frozenset[Flag]
    number: NhsNumber | None
    current: NhsNumber | None
    evidence: tuple[Evidence, ...]
    agreed: tuple[str, ...]
    unlike: tuple[str, ...]
    checked_against: CheckedAgainst | None
    advice: str
    status: str
    decision_id: str


def verify_number(house: House, caller: Caller, number: str, demographics: Demographics) -> VerifyResult:
    """Confirm, under an agreement, that ``number`` is this person's.

    Raises:
        InputError: the demographics cannot be searched with.
        NotPermitted: no agreement lets this caller trace, or they have failed at this number too often.
        Unavailable: no usable index, or the ledger could not take the row; nothing leaves.
    """
    asked = asked_person(demographics)
    against = checked_against(house)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER, Element.EVIDENCE},
        subject=Described(),
        filtered_on=elements_used(demographics) | {Element.NHS_NUMBER},
    ) as passage:
        parsed = _parse(number)
        holder = _holder(house, passage, parsed)
        locked = holder is not None and is_locked(house, caller, holder)
        finding = _NOTHING if parsed is None or locked else _verified(house, passage, parsed, asked)
        about = person_id(finding.current) if finding.current else holder
        outcome = LOCKED if locked else finding.verdict
        passage.disclose([about] if about else (), rows=int(finding.current is not None), outcome=outcome)
    if locked:
        raise refusal(passage)
    return _result(finding, parsed, against, passage)


def _parse(number: str) -> NhsNumber | None:
    try:
        return NhsNumber.parse(number)
    except NotAnNhsNumber:
        return None


def _verified(house: House, passage: Passage, number: NhsNumber, asked: Person) -> Verification:
    return house.engine().verify(passage.permit, number, replace(asked, nhs_number=number))


def _holder(house: House, passage: Passage, number: NhsNumber | None) -> str | None:
    """Whose the number is: a failed try at it is a look at its holder, for so are people snooped on."""
    held, current = house.engine().in_force(passage.permit, number) if number else (None, None)
    return next((one.person_id for one in (current, held) if one is not None), None)


def _result(finding: Verification, number: NhsNumber | None, against: CheckedAgainst, passage: Passage) -> VerifyResult:
    row = OF_VERIFICATION[finding.verdict]
    confirmed = finding.verdict is Verdict.CONFIRMED
    return VerifyResult(
        verdict=finding.verdict,
        flags=finding.flags,
        number=number,
        current=finding.current if confirmed else None,
        evidence=finding.evidence if passage.allows(Element.EVIDENCE) else (),
        agreed=tuple(piece.field for piece in finding.evidence if agrees(piece)) if confirmed else (),
        unlike=tuple(piece.field for piece in finding.evidence if differs(piece)) if confirmed else (),
        checked_against=against,
        advice=row.advice,
        status=status_of(row, index_source=against.source),
        decision_id=passage.decision_id,
    )
