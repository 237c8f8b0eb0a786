"""Use cases of clerical review: the open doubts, one with its evidence, and a decision that outlives the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import InputError
from gateway.storage.links import Basis, LinkKind, NewLink
from ig.decide import Described
from ig.purpose import Dataset, Element, Level

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.storage.reviews import Case


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case in a list: nothing in it is about anybody."""

    case_id: str
    reason: str
    candidates: int


def open_cases(house: House, caller: Caller, limit: int = 50) -> list[CaseLine]:
    """Return open cases by id.

    Raises:
        NotPermitted: the caller's agreement shows them no evidence.
    """
    with _gate(house, caller) as passage:
        cases = house.stores.reviews.list(passage.permit, limit=limit)
        passage.disclose((), rows=len(cases))
    return [CaseLine(one.case_id, one.reason, len(one.candidates)) for one in cases]


def case(house: House, caller: Caller, case_id: str) -> Case:
    """Return one case with the evidence for each candidate.

    Raises:
        NotPermitted: the caller's agreement shows them no evidence.
        NotFound: there is no such case.
    """
    with _gate(house, caller) as passage:
        found = house.stores.reviews.show(passage.permit, case_id)
        passage.disclose([one.person_id for one in found.candidates], rows=len(found.candidates))
    return found


def decide_case(house: House, caller: Caller, case_id: str, person_id: str, note: str = "") -> None:
    """Decide: the record is ``person_id``, or (empty) none of the candidates. A fact that no model overrides.

    Raises:
        InputError: the person is not a candidate of the case.
        Conflict: somebody has decided already.
    """
    found = case(house, caller, case_id)
    candidates = {one.person_id for one in found.candidates}
    if person_id and person_id not in candidates:
        raise InputError("PERSON_ID: not a candidate of this case", reason="not-a-candidate", field="person_id")
    house.gate.administer(caller, "review:decide", case_id, decision="is" if person_id else "none")
    ruled_out = sorted(candidates - {person_id})
    facts = [_fact(found, one, LinkKind.NEVER, caller) for one in ruled_out]
    if person_id:
        number = _number(house, caller, person_id)
        facts.append(_fact(found, person_id, LinkKind.IS, caller, number))
    with house.stores.transaction() as tx:
        house.stores.reviews.decide(
            tx, case_id, "is" if person_id else "none", person_id=person_id, actor=caller.subject, note=note
        )
        house.stores.links.append(tx, facts)


def _gate(house: House, caller: Caller) -> AbstractContextManager[Passage]:
    return house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER, Element.EVIDENCE},
        subject=Described(),
        filtered_on={Element.EVIDENCE},
    )


def _fact(found: Case, person_id: str, kind: LinkKind, caller: Caller, number: str = "") -> NewLink:
    return NewLink(
        found.source_person_id, person_id, kind, Basis.PERSON, caller.subject, found.model, nhs_number=number
    )


def _number(house: House, caller: Caller, person_id: str) -> str:
    with _gate(house, caller) as passage:
        held = house.stores.index.by_person(passage.permit, person_id)
        passage.disclose([person_id], rows=1)
    return held.person.nhs_number.digits if held and held.person.nhs_number else ""
