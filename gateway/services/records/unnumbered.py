"""People whom the index does not know, met in more than one place: joined to each other, never to a number.

The same model weighs them against one another at the thresholds of analytics, and a person's "never" keeps two apart
whatever the order of arrivals. Such a join stands on the ground ``own``: it is good for counting somebody once, and
never shows one record beside another in direct care.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

from gateway.ids import person_id, person_id_without_number
from gateway.storage.links import Basis, LinkKind, NewLink
from linkage.cluster import clusters
from linkage.decide import Candidate, Outcome
from linkage.keys import index_keys, named_keys
from linkage.model import Use
from linkage.nhs_number import NhsNumber
from linkage.person import Person

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gateway.engine import Engine
    from gateway.house import House
    from gateway.storage.permit import Permit
    from gateway.storage.records import SourcePerson

    Pair = tuple[str, str]

_LARGEST_BLOCK: Final = 200
_ACTOR: Final = "gateway:link"


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of joining: ``moved`` records have another person than before.

    ``crowded`` counts, by the kind of key, the blocks of more records than are compared: only their first are.
    """

    moved: int
    crowded: Counter[str]


def join_unnumbered(house: House, engine: Engine, permit: Permit) -> Joined:
    """Give one person id to records of the same person without a number.

    What comes out is worked out anew from all of them, so it does not depend on what came first, and a record that
    is not like the others any more leaves them.
    """
    held = house.stores.links.on_ground(permit, Basis.OWN)
    rows = house.stores.records.people(permit, held)
    people = {row.source_person_id: Person.unpack(row.packed) for row in rows}
    apart = _apart(house, permit, rows)
    near, crowded = _near(people, apart)
    bits = _pairs(engine, people, near)
    nevers = [(one, other) for one, others in apart.items() for other in others]
    first = {record: min(cluster) for cluster in clusters(bits, nevers, bits) for record in cluster}
    wanted = {record: person_id_without_number(first.get(record, record)) for record in sorted(people)}
    moved = [(record, person) for record, person in wanted.items() if held[record] != person]
    # by way of a person of its own, so that taking the join back leaves a record alone, and not with whom it left
    alone = [(record, own) for record, _ in moved if held[record] != (own := person_id_without_number(record))]
    with house.stores.transaction() as tx:
        for facts in (alone, moved):
            house.stores.links.append(tx, [_fact(record, person, engine) for record, person in facts])
    return Joined(len(moved), crowded)


def _pairs(engine: Engine, people: Mapping[str, Person], near: Iterable[Pair]) -> dict[Pair, float]:
    """Return those of the pairs that are to be joined, with their weight in bits.

    Several records may well be one person, so those that match a record do not compete with each other as people of
    the index do; but a record that matches two which do not match each other could be either, and is joined to one
    of them only when it leads. Both records must take the other.
    """
    bits = {pair: weight for pair in near if (weight := _weight(engine, people, pair)) is not None}
    around: dict[str, set[str]] = defaultdict(set)
    for one, other in bits:
        around[one].add(other)
        around[other].add(one)
    taken = {record: _taken(engine, people, record, others, bits) for record, others in around.items()}
    return {(one, other): bits[one, other] for one, other in bits if other in taken[one] and one in taken[other]}


def _near(people: Mapping[str, Person], apart: Mapping[str, set[str]]) -> tuple[list[Pair], Counter[str]]:
    """Pairs that share a key, each once, without those that were separated; and the blocks cut short."""
    blocks: dict[int, list[str]] = defaultdict(list)
    for record in sorted(people):
        for key in index_keys(people[record]):
            blocks[key].append(record)
    near: set[Pair] = set()
    crowded: dict[int, str] = {}
    for record in people:
        for kind, key in named_keys(people[record]):
            block = blocks.get(key, ())
            near.update(_pair(record, other) for other in block[:_LARGEST_BLOCK] if other != record)
            if len(block) > _LARGEST_BLOCK:
                crowded[key] = kind
    return sorted(pair for pair in near if pair[1] not in apart.get(pair[0], ())), Counter(crowded.values())


def _pair(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


def _weight(engine: Engine, people: Mapping[str, Person], pair: Pair) -> float | None:
    one, other = pair
    return _match(engine, people, one, (other,)).get(other)


def _match(engine: Engine, people: Mapping[str, Person], record: str, others: Iterable[str]) -> dict[str, float]:
    """Whom a record matches among others, at most one, with the weight."""
    candidates = [Candidate(other, people[other]) for other in sorted(others)]
    finding = engine.matcher.trace(people[record], candidates, use=Use.ANALYTICS)
    best = finding.best if finding.outcome is Outcome.MATCHED else None
    return {best.candidate.person_id: best.bits} if best is not None else {}


def _taken(
    engine: Engine, people: Mapping[str, Person], record: str, others: set[str], bits: Mapping[Pair, float]
) -> set[str]:
    """Whom a record is joined to of those that it matches: all, when they match each other; else who leads, if any."""
    if all(pair in bits for pair in combinations(sorted(others), 2)):
        return others
    return set(_match(engine, people, record, others))


def _apart(house: House, permit: Permit, rows: Sequence[SourcePerson]) -> dict[str, set[str]]:
    """Return for each record those it must not be joined to, whichever of the two it was said of.

    A never between two records says so itself; one that names a numbered person bars whoever goes by that number.
    """
    rulings = house.stores.links.rulings(permit, [row.source_person_id for row in rows])
    apart = defaultdict(set, {record: set(ruling.separated) for record, ruling in rulings.items()})
    by_person: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.nhs_number:
            by_person[person_id(NhsNumber(row.nhs_number))].append(row.source_person_id)
    for record, ruling in rulings.items():
        for other in {name for person in ruling.nevers for name in by_person.get(person, ())}:
            apart[record].add(other)
            apart[other].add(record)
    return apart


def _fact(record: str, person: str, engine: Engine) -> NewLink:
    return NewLink(record, person, LinkKind.IS, Basis.OWN, _ACTOR, engine.model)
