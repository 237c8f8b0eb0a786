"""Type 1 objections: recorded when a GP record comes in, carried to the person it turns out to be, enforced elsewhere.

They stop a practice's rows, and only those, from the secondary uses whose agreement names them; never direct care.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from gateway.storage.factkinds import opt_out
from gateway.storage.facts import StoredFact
from gateway.storage.records import source_person_id
from ig.optouts import NOT_OPTED_OUT, OPTED_OUT, TYPE1
from linkage.person import NotADate, PartialDate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.feed import SourceRecord
    from gateway.house import House
    from gateway.storage.permit import Permit
    from gateway.storage.records import Incoming

SOURCE_TYPE1: Final = "source-type1"
"""Fact kind: what one practice's record says of one of its patients. Subject: the source person."""

_STANDING: Final = {"dissent": OPTED_OUT, "withdrawn": NOT_OPTED_OUT}


def objections(batch: Iterable[Incoming]) -> list[StoredFact]:
    """Return the facts that a batch of records states; the latest dated of a person stands."""
    return [_fact(incoming.record) for incoming in batch if incoming.record.type1]


def _fact(record: SourceRecord) -> StoredFact:
    subject = source_person_id(record.source, record.organisation, record.person_ref)
    value = _STANDING[record.type1]
    at = _dated(record.occurred, late=value == OPTED_OUT)
    return StoredFact(SOURCE_TYPE1, subject, value, record.organisation, at)


def _dated(occurred: str, *, late: bool) -> datetime:
    """The instant that a whole or partial date counts as: in doubt an objection is late and its withdrawal early."""
    try:
        known = PartialDate.parse(occurred[:10])
    except NotADate:
        # an undated objection counts as the oldest: any dated withdrawal is later
        return datetime(1900, 1, 1, tzinfo=UTC)
    month = known.month or (12 if late else 1)
    day = known.day or (monthrange(known.year, month)[1] if late else 1)
    return datetime(known.year, month, day, tzinfo=UTC)


def carry_objections(house: House, permit: Permit) -> int:
    """Make what the practices say the person's own standing under Type 1. Returns how many people have one."""
    said = house.stores.governance.facts.of_kind(SOURCE_TYPE1)
    standing = house.stores.links.standing(permit, [fact.subject for fact in said])
    facts = [
        StoredFact(opt_out(TYPE1), standing[fact.subject].person_id, fact.value, fact.source, fact.as_of)
        for fact in said
        if fact.subject in standing
    ]
    with house.stores.transaction() as tx:
        return house.stores.governance.facts.replace(tx, opt_out(TYPE1), facts)
