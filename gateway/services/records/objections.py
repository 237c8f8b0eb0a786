"""Type 1 objections: recorded when a GP record comes in, carried to the person it turns out to be, enforced elsewhere.

They stop a practice's rows, and only those, from the secondary uses whose agreement names them; never direct care.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from gateway.ids import person_id
from gateway.storage.factkinds import opt_out
from gateway.storage.facts import StoredFact
from gateway.storage.records import source_person_id
from ig.optouts import NOT_OPTED_OUT, OPTED_OUT, TYPE1
from linkage.nhs_number import NhsNumber
from linkage.person import NotADate, PartialDate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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


def _subjects(house: House, permit: Permit, standing: Mapping[str, str]) -> dict[str, str]:
    """Return whose standing each record speaks for: the person it is, under the number that its practice has.

    Two people whose numbers turned out to be one's have spoken apart: what one of them withdrew, the other did not.
    """
    families = house.stores.successions.families(permit, standing.values())
    merged = [record for record, person in standing.items() if len(families[person]) > 1]
    own = {
        who.source_person_id: person_id(NhsNumber(who.nhs_number))
        for who in house.stores.records.people(permit, merged)
        if who.nhs_number
    }
    spoken = {record: known for record, known in own.items() if known in families[standing[record]]}
    return {**standing, **spoken}


def carry_objections(house: House, permit: Permit) -> int:
    """Make what the practices say the person's own standing under Type 1. Returns how many people have one."""
    said = house.stores.governance.facts.of_kind(SOURCE_TYPE1)
    standing = house.stores.links.standing(permit, [fact.subject for fact in said])
    subjects = _subjects(house, permit, {record: link.person_id for record, link in standing.items()})
    facts = [
        StoredFact(opt_out(TYPE1), subjects[fact.subject], fact.value, fact.source, fact.as_of)
        for fact in said
        if fact.subject in subjects
    ]
    with house.stores.transaction() as tx:
        return house.stores.governance.facts.replace(tx, opt_out(TYPE1), facts)
