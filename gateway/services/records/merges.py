"""Records that their source merged into another of its people (HL7 A40): they follow it to whoever it is joined to.

A person's decision outranks the merge: a record that somebody said is never that person, is somebody else, or is not
the same as the surviving record, stays where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.errors import Conflict
from gateway.storage.links import Basis, LinkKind, NewLink

if TYPE_CHECKING:
    from gateway.house import House
    from gateway.storage.links import Link
    from gateway.storage.permit import Permit

_ACTOR: Final = "gateway:merge"


def follow_merges(house: House, permit: Permit) -> int:
    """Join merged records to the person of the record they went into. Returns how many moved."""
    stores = house.stores
    merged = stores.records.merged(permit)
    standing = stores.links.standing(permit, {*merged, *merged.values()})
    moved = 0
    for record, into in merged.items():
        fact = _fact(record, standing.get(into), standing.get(record))
        if fact is None:
            continue
        try:
            with stores.transaction() as tx:
                moved += len(stores.links.append(tx, [fact]))
                stores.reviews.close_of(tx, [record], "merged")
        except Conflict:
            # somebody separated it from another record of that person: it stays a person of its own
            continue
    return moved


def _fact(record: str, there: Link | None, here: Link | None) -> NewLink | None:
    if there is None or (here is not None and here.person_id == there.person_id):
        return None
    return NewLink(record, there.person_id, LinkKind.IS, Basis.MERGED, _ACTOR, there.model)
