"""Which NHS number a record carries, and which its person has: replaced by another, on another record too, wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.ids import person_id
from gateway.services.changes.pairs import digest
from gateway.storage.differing import Field, Found, Kind
from linkage.nhs_number import NhsNumber

if TYPE_CHECKING:
    from gateway.house import House
    from gateway.storage.compared import Numbered
    from gateway.storage.permit import Permit


def number_difference(house: House, permit: Permit, one: Numbered) -> Found | None:
    """Return the difference in a record's number, or None where there is none (any more).

    A record whose number was replaced by one that another record of the same sender carries is a duplicate: writing
    the new number into it would give two records one number, so somebody has to merge them first.
    """
    own, current = one.nhs_number, one.current_number
    if own in {"", current}:
        return None
    kind, other = Kind.SUBSTANTIVE, ""
    if one.person_id in house.stores.index.survivors(permit, {person_id(NhsNumber(own))}):
        holding = house.stores.compared.holding(permit, one.source, one.organisation, current)
        other = next((name for name in holding if name != one.source_person_id), "")
        kind = Kind.DUPLICATE_NUMBER if other else Kind.SUPERSEDED
    about = digest(Field.NHS_NUMBER, kind, [own, current, other])
    whose = (one.source_person_id, one.person_id, one.source, one.organisation)
    return Found(*whose, Field.NHS_NUMBER, kind, about, other)
