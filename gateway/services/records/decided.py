"""What people have decided about records, as a run of the model must take it: it cannot be overridden, only obeyed.

Three things bind the model: whom a record never is (a reviewer's decision, an unlinking, a protected identity), the
persons that replaced those by a new number, and the records that somebody separated it from. A fourth binds it as long
as a record's details stay as they are: what a national service found for these very details.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Final

from gateway.ids import person_id
from gateway.services.records.renew import renewed
from gateway.storage.factkinds import NEVER_LINK
from gateway.storage.links import Basis, LinkKind, NewLink
from linkage.decide import Candidate, Finding, Outcome
from linkage.nhs_number import NhsNumber
from linkage.person import Person

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gateway.engine import Engine
    from gateway.house import House
    from gateway.storage.links import Link, Ruling
    from gateway.storage.permit import Permit
    from gateway.storage.records import SourcePerson

CONTESTED: Final = "claimed-by-a-separated-record"
"""Why a match waits for a person: a record that somebody separated from this one matches the same person."""

Found = tuple["SourcePerson", Finding]


@dataclass(frozen=True, slots=True)
class Standing:
    """Some records and what binds the model about each of them. ``seals`` are never-links still to be stored.

    ``settled`` are joined to whom a national service named when it was asked with the details they still have.
    """

    people: tuple[SourcePerson, ...]
    rulings: dict[str, Ruling]
    never: dict[str, frozenset[str]]
    seals: tuple[NewLink, ...]
    settled: frozenset[str] = frozenset()

    def link(self, record: str) -> Link | None:
        """Who a record is now."""
        return self.rulings[record].link

    def is_decided(self, record: str) -> bool:
        """Whether a person or a national service has said who the record is, and no seal says otherwise."""
        ruling = self.rulings[record]
        return record in self.settled or (bool(ruling.decided) and ruling.decided not in self.never[record])


def standing(house: House, permit: Permit, people: Sequence[SourcePerson]) -> Standing:
    """Return what binds the model about ``people`` and about those whom somebody separated from them.

    Records that somebody separated are always looked at together, so that it does not matter which came first.
    """
    links = house.stores.links
    rulings = links.rulings(permit, [who.source_person_id for who in people])
    apart = {other for ruling in rulings.values() for other in ruling.separated} - rulings.keys()
    others = renewed(house, permit, house.stores.records.people(permit, apart)) if apart else []
    if apart:
        rulings |= links.rulings(permit, apart)
    everybody = (*people, *others)
    seals = _seals(house, everybody)
    sealed: dict[str, set[str]] = defaultdict(set)
    for fact in seals:
        sealed[fact.source_person_id].add(fact.person_id)
    names = {who.source_person_id for who in everybody}
    settled = _settled(house, permit, everybody, rulings, sealed)
    never = {name: _never(house, permit, name, rulings, sealed[name], names - settled) for name in names}
    return Standing(everybody, rulings, never, tuple(seals), settled)


def _settled(
    house: House,
    permit: Permit,
    people: Sequence[SourcePerson],
    rulings: Mapping[str, Ruling],
    sealed: Mapping[str, set[str]],
) -> frozenset[str]:
    """Return those who are joined to whom a national service named for the details that they have today."""
    details = {who.source_person_id: who.demographics_hash for who in people}
    found = set()
    for name, check in house.stores.onward.checks(permit, details).items():
        link = rulings[name].link
        named = person_id(NhsNumber(check.nhs_number)) if check.nhs_number else ""
        same = check.demographics_hash == details[name] and link is not None and link.person_id == named
        if same and named not in rulings[name].nevers | sealed[name]:
            found.add(name)
    return frozenset(found)


def _never(  # noqa: PLR0913, PLR0917 - what is known about a record
    house: House, permit: Permit, name: str, rulings: dict[str, Ruling], sealed: set[str], traced: set[str]
) -> frozenset[str]:
    """Whom a record may not be taken for: those ruled out, and those whom somebody apart from it is by decision."""
    ruling = rulings[name]
    barred = ruling.nevers | sealed
    for other in ruling.separated & rulings.keys():
        link = rulings[other].link
        # one that is not traced along keeps its person; of one that is, the findings are compared
        if link is not None and (link.basis is Basis.PERSON or other not in traced):
            barred |= {link.person_id}
    if not barred:
        return frozenset()
    decided = {ruling.decided} - sealed - ruling.nevers
    return frozenset(house.stores.index.survivors(permit, barred) - decided)


def uncontested(found: Sequence[Found], at: Standing) -> list[Found]:
    """Leave to a person whatever two records that somebody separated both match: one of the two would be wrong."""
    claims = {who.source_person_id: _claimed(finding) for who, finding in found}
    decided = []
    for who, finding in found:
        mine = claims[who.source_person_id]
        others = at.rulings[who.source_person_id].separated & claims.keys()
        if mine and any(claims[other] == mine for other in others if not at.is_decided(other)):
            finding = replace(finding, outcome=Outcome.REVIEW, reason=CONTESTED)  # noqa: PLW2901 - the same finding
        decided.append((who, finding))
    return decided


def _claimed(finding: Finding) -> str:
    best = finding.best if finding.outcome is Outcome.MATCHED else None
    return best.candidate.person_id if best else ""


def _seals(house: House, people: Iterable[SourcePerson]) -> list[NewLink]:
    """Never-links of protected identities: a record under a former number is not the person of today."""
    holders: dict[str, list[str]] = defaultdict(list)
    for who in people:
        if who.nhs_number:
            holders[person_id(NhsNumber(who.nhs_number))].append(who.source_person_id)
    return [
        _seal(name, fact.value)
        for fact in house.stores.governance.facts.of(holders, {NEVER_LINK})
        for name in holders[fact.subject]
    ]


def _seal(record: str, person: str) -> NewLink:
    return NewLink(record, person, LinkKind.NEVER, Basis.PERSON, "gateway:protected", sealed=True)


def pasts(house: House) -> dict[str, set[str]]:
    """Return protected person of today → their former identities, by person id."""
    found: dict[str, set[str]] = defaultdict(set)
    for fact in house.stores.governance.facts.of_kind(NEVER_LINK):
        found[fact.value].add(fact.subject)
    return found


def past_of(  # noqa: PLR0913, PLR0917 - what is known about a record
    engine: Engine, permit: Permit, known: Mapping[str, set[str]], who: SourcePerson, finding: Finding, held: str
) -> list[NewLink]:
    """Return the seals that a record needs although it carries no former number: its details are the former ones.

    Asked only of a record that is joined to a protected person, or might be: if it is more like the former identity
    than like today's, it is kept from today's.
    """
    scored = [*([finding.best] if finding.best else []), *finding.others]
    near = {one.candidate.person_id for one in scored} | {held}
    asked = Person.unpack(who.packed)
    found = []
    for today in sorted(near & known.keys()):
        rows = [engine.index.by_person(permit, name) for name in (today, *sorted(known[today]))]
        bits = {
            row.person_id: one.bits
            for row in rows
            if row is not None
            for one in engine.matcher.rank(asked, [Candidate(row.person_id, row.person)])
        }
        if any(bits.get(former, -inf) > bits.get(today, -inf) for former in known[today]):
            found.append(_seal(who.source_person_id, today))
    return found


def unsealed(house: House, permit: Permit) -> set[str]:
    """Return the records under a former number that nothing keeps from the person of today yet.

    A seal that arrives after the records must reach those traced long ago.
    """
    sealed: dict[str, set[str]] = defaultdict(set)
    for fact in house.stores.governance.facts.of_kind(NEVER_LINK):
        sealed[fact.subject].add(fact.value)
    if not sealed:
        return set()
    numbered = house.stores.records.own_numbers(permit)
    holders = {name: known for name, digits in numbered if (known := person_id(NhsNumber(digits))) in sealed}
    nevers = house.stores.links.nevers(permit, list(holders))
    return {name for name, known in holders.items() if not sealed[known] <= nevers[name]}
