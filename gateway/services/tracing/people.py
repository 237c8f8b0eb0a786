"""Use cases of the Patient under ``/fhir/R4``: read one by id, and search as IHE PDQm (ITI-78) asks.

The same people, found by the same rules as on the PDS surface. Here a Patient's id is the person's own and says
nothing; the NHS number is an identifier. A person whose number was replaced is a Patient that is not active and links
to the one in force; withdrawn people are nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gateway.errors import NotFound
from gateway.ids import person_id
from gateway.services.tracing.against import checked_against
from gateway.services.tracing.fitting import MOST, TooManyMatches, best_first, findable, scored, searched_on
from gateway.services.tracing.likeness import PatientQuery, likeness
from gateway.services.tracing.patients import ELEMENTS
from gateway.services.tracing.presented import retrieved
from ig.decide import Described, Known, SubjectRef
from ig.purpose import CARE_USES, Dataset, Element, Level, Section
from linkage.person import Security

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.tracing.against import CheckedAgainst
    from linkage.decide import Candidate
    from linkage.nhs_number import NhsNumber

    Resource = dict[str, Any]

SHOWN: Final = ELEMENTS | {Section.DEMOGRAPHICS, Section.REGISTRATION}
"""What a Patient may show: elements where an agreement is on tracing, sections where it is on care."""


@dataclass(frozen=True, slots=True)
class PersonRead:
    """A Patient, its version, which is the ETag, and the decision it rests on."""

    body: Resource
    version: str
    decision_id: str


@dataclass(frozen=True, slots=True)
class Sought:
    """A search. Whoever is meant fits any of ``queries`` and passes ``keeps``, which sees only what may be shown.

    ``person`` is an id and ``numbers`` are NHS numbers, any of which may be theirs; without either the queries must be
    narrow enough to look people up by. ``uses`` are the elements that ``keeps`` looks at.
    """

    queries: tuple[PatientQuery, ...] = ()
    person: str = ""
    numbers: tuple[NhsNumber, ...] = ()
    uses: frozenset[str] = frozenset()
    keeps: Callable[[Resource], bool] = bool
    most: int = MOST


@dataclass(frozen=True, slots=True)
class PeopleFound:
    """Who fits, best first, no more than were wanted; ``total`` counts all who fit."""

    patients: tuple[tuple[Resource, float], ...]
    total: int
    against: CheckedAgainst
    decision_id: str


def number_used(caller: Caller) -> str:
    """Name the NHS number as the agreements of the caller's purpose name it: asking by it is a use of it."""
    return Section.DEMOGRAPHICS if caller.purpose in CARE_USES else Element.NHS_NUMBER


def read_person(house: House, caller: Caller, person: str) -> PersonRead:
    """Return the Patient of a person id.

    Raises:
        NotFound: nobody in the index has this id, or they were withdrawn.
        NotPermitted: no agreement lets this caller see this person; the answer does not tell whether they exist.
        Unavailable: no usable index, or the ledger could not take the row; nothing leaves.
    """
    against = checked_against(house)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields=SHOWN,
        subject=Known(SubjectRef(person)),
    ) as passage:
        held = house.stores.index.by_person(passage.permit, person)
        body = None if held is None else _whoever(house, passage, held, against)
        passage.disclose([person] if body else (), rows=int(body is not None), outcome="" if body else "not-found")
    if body is None:
        raise NotFound("Patient not found", reason="patient-not-found")
    return PersonRead(body, str(body.get("meta", {}).get("versionId", "1")), passage.decision_id)


def search_people(house: House, caller: Caller, sought: Sought) -> PeopleFound:
    """Return who fits a search, best first.

    Raises:
        TooManyMatches: more people fit than may be shown; none is.
        InputError: a date is impossible, or a range too wide to search.
        NotPermitted: no agreement lets this caller search.
        Unavailable: no usable index, or the ledger could not take the row; nothing leaves.
    """
    against = checked_against(house)
    one = sought.person or (person_id(sought.numbers[0]) if len(sought.numbers) == 1 else "")
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields=SHOWN,
        subject=Known(SubjectRef(one)) if one else Described(),
        filtered_on=_used(caller, sought),
    ) as passage:
        found = _known(house, passage, sought) if sought.person or sought.numbers else _fitting(house, passage, sought)
        too_many = len(found) > MOST
        shown = [] if too_many else [(as_patient(house, passage, who, against), score, who) for who, score in found]
        kept = [each for each in shown if sought.keeps(each[0])]
        given = kept[: sought.most]
        passage.disclose([who.person_id for _, _, who in given], rows=len(given))
    if too_many:
        raise TooManyMatches
    return PeopleFound(tuple((body, score) for body, score, _ in given), len(kept), against, passage.decision_id)


def as_patient(house: House, passage: Passage, held: Candidate, against: CheckedAgainst) -> Resource:
    """Return the Patient of an index row under ``/fhir/R4``, as far as the decision and their protection allow."""
    body = retrieved(house, passage, held, against)
    return {"resourceType": "Patient", "id": held.person_id, **_without_id(body), "active": True}


def in_force(house: House, passage: Passage, held: Candidate) -> Candidate | None:
    """Return the row in force for a row of the index, or None where it was withdrawn or leads to nobody."""
    living: Candidate | None = held
    if held.superseded_by is not None and held.person.nhs_number is not None:
        _, living = house.engine().in_force(passage.permit, held.person.nhs_number)
    withdrawn = living is None or Security.INVALIDATED in {held.security, living.security}
    return None if withdrawn else living


def _whoever(house: House, passage: Passage, held: Candidate, against: CheckedAgainst) -> Resource | None:
    living = in_force(house, passage, held)
    if living is None:
        return None
    if living is held:
        return as_patient(house, passage, held, against)
    whole = retrieved(house, passage, held, against)
    kept: Resource = {name: whole[name] for name in ("meta", "identifier") if name in whole}
    link = {"other": {"reference": f"Patient/{living.person_id}"}, "type": "replaced-by"}
    return {"resourceType": "Patient", "id": held.person_id, **kept, "active": False, "link": [link]}


def _without_id(body: Resource) -> Resource:
    return {name: value for name, value in body.items() if name not in {"resourceType", "id"}}


def _used(caller: Caller, sought: Sought) -> frozenset[str]:
    """Name every element that the search uses."""
    used = sought.uses.union(*(searched_on(query) for query in sought.queries))
    return used | {number_used(caller)} if sought.numbers else used


def _fitting(house: House, passage: Passage, sought: Sought) -> list[tuple[Candidate, float]]:
    """Everybody who fits any of the queries, each once with their best score."""
    best: dict[str, tuple[Candidate, float]] = {}
    for query in sought.queries:
        for who, score in scored(house, passage, query):
            if score > best.get(who.person_id, (who, 0))[1]:
                best[who.person_id] = (who, score)
    return sorted(best.values(), key=best_first)


def _known(house: House, passage: Passage, sought: Sought) -> list[tuple[Candidate, float]]:
    """Who is named, as far as they are in force and fit the queries too."""
    rows = [house.stores.index.by_person(passage.permit, sought.person)] if sought.person else []
    living = {who.person_id: who for who in _in_force_of(house, passage, rows)} if sought.person else None
    if sought.numbers:
        held = house.stores.index.by_numbers(passage.permit, sought.numbers).values()
        named = {who.person_id: who for who in _in_force_of(house, passage, held)}
        living = named if living is None else {name: who for name, who in living.items() if name in named}
    pairs = [(who, _score(who, sought)) for who in (living or {}).values()]
    return sorted([pair for pair in pairs if pair[1]], key=best_first)


def _in_force_of(house: House, passage: Passage, rows: Iterable[Candidate | None]) -> list[Candidate]:
    found = [in_force(house, passage, row) for row in rows if row is not None]
    return [who for who in found if who is not None]


def _score(who: Candidate, sought: Sought) -> float:
    """How nearly somebody who was named fits the rest; 0 where what was asked may not find them."""
    if not sought.queries:
        return 1
    # by number a very restricted person is read, as on the PDS surface; by anything else they are not found
    return max(likeness(who.person, query) if findable(who, query) else 0 for query in sought.queries)
