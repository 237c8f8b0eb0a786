"""People whom the index does not know, met in more than one place: joined to each other, never to a number.

The same model weighs them against one another at the thresholds of analytics, and a person's "never" keeps two apart
whatever the order of arrivals. Such a join stands on the ground ``own``: it is good for counting somebody once, and
never shows one record beside another in direct care.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from gateway.ids import person_id_without_number
from gateway.storage.links import Basis, LinkKind, NewLink
from linkage.cluster import clusters
from linkage.decide import Candidate, Outcome
from linkage.keys import index_keys, probe_keys
from linkage.model import Use
from linkage.person import Person

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.engine import Engine
    from gateway.house import House
    from gateway.storage.permit import Permit

_LARGEST_BLOCK: Final = 200
_ACTOR: Final = "gateway:link"


def join_unnumbered(house: House, engine: Engine, permit: Permit) -> int:
    """Give one person id to records of the same person without a number. Returns how many records were joined."""
    held = house.stores.links.on_ground(permit, Basis.OWN)
    people = {record: Person.unpack(packed) for record, packed in house.stores.records.packed_of(permit, held).items()}
    bits = dict(_pairs(engine, people))
    nevers = _nevers(house, permit, held)
    together = [cluster for cluster in clusters(bits, nevers, bits) if len(cluster) > 1]
    facts = [_fact(record, min(cluster), engine) for cluster in together for record in sorted(cluster)]
    with house.stores.transaction() as tx:
        house.stores.links.append(tx, facts)
    return len(facts)


def _pairs(engine: Engine, people: Mapping[str, Person]) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield the pairs that share a key and match, with their weight in bits."""
    blocks: dict[int, list[str]] = defaultdict(list)
    for record in sorted(people):
        for key in index_keys(people[record]):
            blocks[key].append(record)
    for record in sorted(people):
        near = {other for key in probe_keys(people[record]) for other in blocks.get(key, ())[:_LARGEST_BLOCK]}
        others = [Candidate(other, people[other]) for other in sorted(near - {record})]
        finding = engine.matcher.trace(people[record], others, use=Use.ANALYTICS)
        if finding.outcome is Outcome.MATCHED and finding.best is not None:
            one, other = sorted((record, finding.best.candidate.person_id))
            yield (one, other), finding.best.bits


def _nevers(house: House, permit: Permit, held: Mapping[str, str]) -> list[tuple[str, str]]:
    """A never names a person; between two records it stands when one is never the person that the other is."""
    ruled_out = house.stores.links.nevers(permit, list(held))
    return [
        (record, other) for record, persons in ruled_out.items() for other, person in held.items() if person in persons
    ]


def _fact(record: str, first: str, engine: Engine) -> NewLink:
    person = person_id_without_number(first)
    return NewLink(record, person, LinkKind.IS, Basis.OWN, _ACTOR, engine.model)
