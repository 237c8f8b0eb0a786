"""Numbers that were replaced: whoever a record is follows to the number in force, and subscribers hear of it.

The index says that one number took the place of another; the human being is the same, so a link keeps its grounds and
its evidence and names the person of the surviving number, as one more fact. A person's decision outranks: a record that
somebody said is never the survivor, or that was separated from a record of theirs, stays where it is. Nobody follows a
ring of numbers, or a number that the index does not hold. Opt-outs and relationships need no moving: they are read
under every number that a person ever had, and the stricter wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from gateway.errors import Conflict
from gateway.storage.links import FOLLOWED, LinkKind, NewLink
from gateway.storage.outbox import Outgoing, Topic
from linkage.person import Security

if TYPE_CHECKING:
    from gateway.house import House
    from gateway.storage.links import Link, Ruling
    from gateway.storage.permit import Permit
    from linkage.findings import Candidate

FEED: Final = "/fhir/R4/changes"
"""Where whoever is told of a change fetches what it is."""


@dataclass(frozen=True, slots=True)
class Followed:
    """How many links moved to a surviving number, how many a decision held back, how many people are in a ring."""

    moved: int = 0
    held_back: int = 0
    rings: int = 0


def follow_numbers(house: House, permit: Permit) -> Followed:
    """Move every live link whose person has another number now. May be repeated; what is done is left as it is."""
    stores = house.stores
    overtaken = stores.successions.overtaken(permit)
    rulings = stores.links.rulings(permit, overtaken)
    organisations = {who.source_person_id: who.organisation for who in stores.records.people(permit, overtaken)}
    moved = 0
    for record, survivor in overtaken.items():
        fact = _fact(house, permit, rulings[record], survivor)
        if fact is None:
            continue
        try:
            with stores.transaction() as tx:
                added = stores.links.append(tx, [fact])
                stores.outbox.put(tx, [number_changed(link, organisations[record]) for link in added])
                moved += len(added)
        except Conflict:
            # somebody separated it from a record of the survivor: whose it is is for a person to say
            continue
    return Followed(moved, len(overtaken) - moved, stores.successions.rings())


def number_changed(link: Link, organisation: str) -> Outgoing:
    """The message that a record of ``organisation`` goes by another number now; which one it says to nobody."""
    body = {"record": link.source_person_id, "code": "superseded", "fetch": FEED}
    return Outgoing(
        Topic.NUMBER_CHANGED, link.link_id, orjson.dumps(body), organisation, source_person_id=link.source_person_id
    )


def _fact(house: House, permit: Permit, ruling: Ruling, survivor: str) -> NewLink | None:
    held, known = ruling.link, house.stores.index.by_person(permit, survivor)
    if held is None or not _in_force(known) or survivor in house.stores.index.survivors(permit, ruling.nevers):
        return None
    assert known is not None
    assert known.person.nhs_number is not None
    return NewLink(
        held.source_person_id,
        survivor,
        LinkKind.IS,
        held.basis,
        FOLLOWED,
        held.model,
        held.bits,
        held.posterior,
        held.evidence,
        known.person.nhs_number.digits,
    )


def _in_force(known: Candidate | None) -> bool:
    return known is not None and known.security is not Security.INVALIDATED and known.person.nhs_number is not None
