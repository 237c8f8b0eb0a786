"""People whom the index does not know, met in more than one place: joined to each other, never to a number.

The same model weighs them against one another at the thresholds of analytics, and a person's "never" keeps two apart
whatever the order of arrivals. Such a join stands on the ground ``own``: it is good for counting somebody once, and
never shows one record beside another in direct care.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from gateway.ids import person_id, person_id_without_number
from gateway.storage.links import Basis, LinkKind, NewLink
from linkage.cluster import clusters
from linkage.decide import Candidate, Outcome
from linkage.keys import index_keys, probe_keys
from linkage.model import Use
from linkage.nhs_number import NhsNumber
from linkage.person import Person

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gateway.engine import Engine
    from gateway.house import House
    from gateway.storage.permit import Permit
    from gateway.storage.records import SourcePerson

_LARGEST_BLOCK: Final = 200
_ACTOR: Final = "gateway:link"


def join_unnumbered(house: House, engine: Engine, permit: Permit) -> int:
    """Give one person id to records of the same person without a number. Returns how many records moved.

    What comes out is worked out anew from all of them, so it does not depend on what came first, and a record that
    is not like the others any more leaves them.
    """
    held = house.stores.links.on_ground(permit, Basis.OWN)
    rows = house.stores.records.people(permit, held)
    people = {row.source_person_id: Person.unpack(row.packed) for row in rows}
    apart = _apart(house, permit, rows)
    bits = dict(_pairs(engine, people, apart))
    nevers = [(one, other) for one, others in apart.items() for other in others]
    first = {record: min(cluster) for cluster in clusters(bits, nevers, bits) for record in cluster}
    wanted = {record: person_id_without_number(first.get(record, record)) for record in sorted(people)}
    moved = [(record, person) for record, person in wanted.items() if held[record] != person]
    # by way of a person of its own, so that taking the join back leaves a record alone, and not with whom it left
    alone = [(record, own) for record, _ in moved if held[record] != (own := person_id_without_number(record))]
    with house.stores.transaction() as tx:
        for facts in (alone, moved):
            house.stores.links.append(tx, [_fact(record, person, engine) for record, person in facts])
    return len(moved)


def _pairs(
    engine: Engine, people: Mapping[str, Person], apart: Mapping[str, set[str]]
) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield the pairs that share a key and match, with their weight in bits; never one that was separated."""
    blocks: dict[int, list[str]] = defaultdict(list)
    for record in sorted(people):
        for key in index_keys(people[record]):
            blocks[key].append(record)
    for record in sorted(people):
        near = {other for key in probe_keys(people[record]) for other in blocks.get(key, ())[:_LARGEST_BLOCK]}
        others = [Candidate(other, people[other]) for other in sorted(near - {record})]
        never = frozenset(apart.get(record, ()))
        finding = engine.matcher.trace(people[record], others, use=Use.ANALYTICS, never=never)
        if finding.outcome is Outcome.MATCHED and finding.best is not None:
            one, other = sorted((record, finding.best.candidate.person_id))
            yield (one, other), finding.best.bits


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
