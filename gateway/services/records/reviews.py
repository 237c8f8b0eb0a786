"""Use cases of clerical review: the open doubts, one with its evidence, and a decision that outlives the model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gateway.errors import Conflict, InputError
from gateway.ids import person_id_without_number
from gateway.services.records.decided import standing
from gateway.services.records.protected import withheld
from gateway.storage.links import Basis, LinkKind, NewLink
from gateway.storage.reviews import CaseState
from ig.decide import Described
from ig.purpose import Dataset, Element, Level
from linkage.person import Security

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.storage.permit import Permit
    from gateway.storage.reviews import Case, CaseCandidate


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
    """Return one case with the evidence for each candidate that is still one, as things stand now.

    A case that was overtaken closes itself and says by what: whoever opens it is not asked to decide what is settled.

    Raises:
        NotPermitted: the caller's agreement shows them no evidence.
        NotFound: there is no such case.
        Conflict: the case was open, and is not in doubt any more; the reason is in the words.
    """
    with _gate(house, caller) as passage:
        found = house.stores.reviews.show(passage.permit, case_id)
        shown, overtaken = _as_of_now(house, passage.permit, found)
        passage.disclose([one.person_id for one in shown.candidates], rows=len(shown.candidates))
    if overtaken:
        with house.stores.transaction() as tx:
            house.stores.reviews.close(tx, case_id, overtaken)
        raise Conflict(f"this case has closed itself: {OVERTAKEN[overtaken]}", reason=overtaken)
    return shown


OVERTAKEN: Final = {
    "record-gone": "its record was merged into another by the source, or is not held any more",
    "decided-elsewhere": "a person has decided who the record is",
    "settled": "the record has been joined since",
    "candidates-gone": "nobody is left whom the record may be",
}
"""Why a case is not open any more → the words for it."""


def _as_of_now(house: House, permit: Permit, found: Case) -> tuple[Case, str]:
    """The case with the candidates that still are, and why it is not open any more, or empty."""
    if found.state is not CaseState.OPEN:
        sealed = house.stores.links.rulings(permit, [found.source_person_id])[found.source_person_id].sealed
        return replace(found, candidates=tuple(one for one in found.candidates if one.person_id not in sealed)), ""
    people = house.stores.records.people(permit, [found.source_person_id])
    if not people:
        return replace(found, candidates=()), "record-gone"
    at = standing(house, permit, people)
    held = at.link(found.source_person_id)
    if at.is_decided(found.source_person_id):
        return replace(found, candidates=()), "decided-elsewhere"
    if held is not None and held.basis is not Basis.OWN:
        return replace(found, candidates=()), "settled"
    never = at.never[found.source_person_id]
    left = (one for one in found.candidates if one.person_id not in never)
    candidates = tuple(told for one in left if (told := _told(house, permit, one)) is not None)
    return replace(found, candidates=candidates), "" if candidates else "candidates-gone"


def _told(house: House, permit: Permit, one: CaseCandidate) -> CaseCandidate | None:
    """A candidate as it may be shown today, or None where it has gone from the index or been withdrawn."""
    held = house.stores.index.by_person(permit, one.person_id)
    if held is None or held.security is Security.INVALIDATED or held.superseded_by is not None:
        return None
    return replace(one, evidence=withheld(one.evidence)) if held.security.hides_location else one


def decide_case(house: House, caller: Caller, case_id: str, person_id: str, note: str = "") -> None:
    """Decide: the record is ``person_id``, or (empty) none of the candidates. A fact that no model overrides.

    The candidates not chosen are ruled out with it, so that no later doubt offers them again.

    Raises:
        InputError: the person is not a candidate of the case.
        Conflict: somebody has decided already, or decided what this would contradict.
    """
    found = case(house, caller, case_id)
    if found.state is not CaseState.OPEN:
        raise Conflict("this case is not open any more", reason="review-decided")
    candidates = {one.person_id for one in found.candidates}
    if person_id and person_id not in candidates:
        raise InputError("PERSON_ID: not a candidate of this case", reason="not-a-candidate", field="person_id")
    number, others = _whose(house, caller, found.source_person_id, person_id) if person_id else ("", [])
    house.gate.administer(caller, "review:decide", case_id, decision="is" if person_id else "none")
    facts = [_fact(found, one, LinkKind.NEVER, caller) for one in sorted(candidates - {person_id})]
    # a record of another person than this one, by a person's word, makes way for what a person decides now
    facts += [_own(other, found.model) for other in others]
    if person_id:
        facts.append(_fact(found, person_id, LinkKind.IS, caller, number))
    with house.stores.transaction() as tx:
        house.stores.reviews.decide(
            tx, case_id, "is" if person_id else "none", person_id=person_id, actor=caller.subject, note=note
        )
        house.stores.links.append(tx, facts)
        house.stores.traces.forget(tx, others)


def take_back(house: House, caller: Caller, case_id: str, reason: str) -> None:
    """Take a decision back, exactly: what stood before it stands again, and the case is open as it was.

    Raises:
        NotPermitted: the caller's agreement shows them no evidence.
        NotFound: there is no such case.
        Conflict: the case is not decided, or nothing that was decided in it stands any more.
    """
    with _gate(house, caller) as passage:
        found = house.stores.reviews.show(passage.permit, case_id)
        families = house.stores.successions.families(passage.permit, [one.person_id for one in found.candidates])
        passage.disclose([one.person_id for one in found.candidates], rows=len(found.candidates))
    house.gate.administer(caller, "review:take-back", case_id, reason=reason)
    with house.stores.transaction() as tx:
        house.stores.reviews.reopen(tx, case_id)
        people = frozenset().union(*families.values())
        house.stores.links.take_back(tx, found.source_person_id, people, caller.subject)
        house.stores.records.untrace(tx, [found.source_person_id])


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


def _own(record: str, model: str) -> NewLink:
    person = person_id_without_number(record)
    return NewLink(record, person, LinkKind.IS, Basis.OWN, "gateway:review", model)


def _whose(house: House, caller: Caller, record: str, person_id: str) -> tuple[str, list[str]]:
    """The number of the person decided for, and the records separated from this one that the model gave that person.

    Raises:
        Conflict: somebody decided that one of those is this person.
    """
    with _gate(house, caller) as passage:
        held = house.stores.index.by_person(passage.permit, person_id)
        ruling = house.stores.links.rulings(passage.permit, [record])[record]
        there = house.stores.links.of_person(passage.permit, person_id)
        passage.disclose([person_id], rows=1)
    others = [link for link in there if link.source_person_id in ruling.separated]
    if any(link.basis is Basis.PERSON for link in others):
        raise Conflict(
            "a person decided that another record is this person, and that the two records are not the same",
            reason="separated",
        )
    digits = held.person.nhs_number.digits if held and held.person.nhs_number else ""
    return digits, [link.source_person_id for link in others]
