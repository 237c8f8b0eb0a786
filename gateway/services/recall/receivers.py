"""Who received a link that was wrong: found in the ledger and the outbox, noted once each, and told.

The ledger says of every disclosure whom it was about, batches and releases included, under tokens. A disclosure may
have carried the link when it was permitted, was about the person wrongly named, and was decided between the making of
the link and its end, or is of a file that may have been under way when the link was made; what the house does for
itself (processing) and reading the ledger carry no link. Subscribers who were told of the record in that time are
found in the outbox. All of this runs as a named system caller under its processing grant, and may be repeated: a file
that was being answered when the link was taken back writes its row only when it ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

import orjson

from gateway.services.governance.callers import SYSTEM_OUTBOUND, named_caller
from gateway.storage.outbox import Outgoing, Topic
from gateway.storage.recalls import Notice, NoticeKind
from ig.decide import Described
from ig.disclosure import Event
from ig.purpose import Dataset, LedgerField, Level, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from gateway.gate import Passage
    from gateway.house import House
    from gateway.storage.ledger import LedgerRow
    from gateway.storage.outbox import Webhook
    from gateway.storage.recalls import Incident

_NAMESPACE: Final = UUID("8f5f2c7e-33b0-5d8c-9d4a-6d6f0d5b1e90")
_PAGE: Final = 1000
_WRITTEN_AT_ONCE: Final = (Event.ADMINISTRATION.value, Event.REFUSAL.value)
_CARRYING: Final = (Event.DISCLOSURE.value, Event.BATCH.value)
_READ: Final = frozenset(
    {
        *(LedgerField.WHEN, LedgerField.EVENT, LedgerField.ACTOR, LedgerField.ORGANISATION, LedgerField.PURPOSE),
        *(LedgerField.AGREEMENT, LedgerField.SUBJECT),
    }
)
SETTLING: Final = timedelta(days=1)
"""How long after its end a recall is looked at again: work that had begun before it may still write its row."""


@dataclass(frozen=True, slots=True)
class Told:
    """What looking came to: receivers newly noted, and receipts that subscribers' systems acknowledged since."""

    noted: int = 0
    acknowledged: int = 0


def find_receivers(house: House, incident_id: str = "") -> Told:
    """Note and tell whoever received a wrong link and is not noted yet: of one recall, or of all that may still grow.

    Raises:
        NotPermitted: the system caller is not registered, or its processing grant is gone.
        NotFound: there is no such recall.
        Unavailable: the ledger or a store cannot serve; what was noted stays, the rest is found next time.
    """
    recalls, recent = house.stores.recalls, house.now() - SETTLING
    if not incident_id and not recalls.unsettled(recent):
        return Told()
    with house.gate.permit(
        named_caller(house, SYSTEM_OUTBOUND, Purpose.PROCESSING),
        level=Level.PATIENT,
        datasets={Dataset.LEDGER},
        fields=_READ,
        subject=Described(),
    ) as passage:
        if incident_id:
            concerned = [recalls.incident(passage.permit, incident_id)]
        else:
            concerned = [one for one in recalls.incidents(passage.permit) if one.until is None or one.until > recent]
        return Told(sum(_find(house, passage, one) for one in concerned), _hear(house, passage))


def _find(house: House, passage: Passage, incident: Incident) -> int:
    ended = incident.until or house.now()
    known = replace(incident, until=ended)
    receipts = {notice.notice_id: notice for notice in (*_from_ledger(house, known), *_from_outbox(house, known))}
    passage.disclose(incident.persons, rows=len(receipts))
    with house.stores.transaction() as tx:
        house.stores.recalls.close_window(tx, incident.incident_id, ended)
        new = house.stores.recalls.tell(tx, list(receipts.values()))
        house.stores.outbox.put(tx, list(_retractions(house, incident, new)))
    return len(new)


def _from_ledger(house: House, incident: Incident) -> Iterator[Notice]:
    """Every row about the person, from the time when the record was linked to them: batches and releases included."""
    for person, since in incident.persons.items():
        ended = _ended_before(house, since)
        for row in _rows(house, house.stores.keys.subject_token(person), ended):
            if _may_have_carried(row, since, incident):
                yield _notice(house, incident, row)


def _ended_before(house: House, instant: datetime) -> int:
    """The seq of the last row that was written before an instant for certain, and so everything up to it.

    A row says when its question was decided, and of long work that is hours before it is written; acts upon the
    gateway and refusals are written at once.
    """
    found = house.stores.ledger.search(kinds=_WRITTEN_AT_ONCE, until=instant, limit=1)
    return found[0].seq if found else 0


def _rows(house: House, token: str, after: int) -> Iterator[LedgerRow]:
    before: int | None = None
    while page := house.stores.ledger.search(subject=token, kinds=_CARRYING, before_seq=before, limit=_PAGE):
        for row in page:
            if row.seq <= after:
                return
            yield row
        before = page[-1].seq


def _may_have_carried(row: LedgerRow, since: datetime, incident: Incident) -> bool:
    body = row.body
    return (
        incident.until is not None
        and row.at <= incident.until
        # a file that was begun before the link was made may still have met it
        and (row.at >= since or row.kind == Event.BATCH)
        and body["decision_id"] != incident.decision
        and body["purpose"] != Purpose.PROCESSING
        and set(body["datasets"]) != {Dataset.LEDGER}
    )


def _notice(house: House, incident: Incident, row: LedgerRow) -> Notice:
    body: dict[str, Any] = row.body
    job = str(body.get("job", ""))
    release = house.stores.releases.get(job) if job else None
    kind = NoticeKind.FILE if row.kind == Event.BATCH else NoticeKind.USER
    if body["level"] != Level.PATIENT:
        kind = NoticeKind.RELEASE
    return Notice(
        notice_id=_notice_id(incident, kind, body["decision_id"]),
        incident_id=incident.incident_id,
        kind=kind,
        recipient=body["actor"]["subject"],
        # whoever made a release is not who has it
        organisation=release.recipient if release else body["actor"]["organisation"],
        disclosure=body["decision_id"],
        job=job,
        agreement=body["agreement"],
        received_at=row.at,
        sent_at=house.now(),
    )


def _from_outbox(house: House, incident: Incident) -> Iterator[Notice]:
    assert incident.until is not None
    for received in house.stores.outbox.about(incident.records, incident.since, incident.until):
        webhook = received.webhook
        yield Notice(
            notice_id=_notice_id(incident, NoticeKind.WEBHOOK, webhook.webhook_id),
            incident_id=incident.incident_id,
            kind=NoticeKind.WEBHOOK,
            recipient=webhook.webhook_id,
            organisation=webhook.organisation,
            disclosure="",
            job="",
            agreement="",
            received_at=received.at,
            sent_at=house.now(),
        )


def _notice_id(incident: Incident, kind: NoticeKind, what: str) -> str:
    return str(uuid5(_NAMESPACE, f"{incident.incident_id}|{kind}|{what}"))


def _retractions(house: House, incident: Incident, notices: Iterable[Notice]) -> Iterator[Outgoing]:
    """A message for every receiver that has a way to be told: the subscriber itself, or that of whoever asked."""
    subscribers = house.stores.outbox.subscribers()
    for notice in notices:
        ways = frozenset(one.webhook_id for one in subscribers if _reaches(one, notice))
        own = notice.organisation == incident.organisation
        for webhook_id in sorted(ways):
            body = {"incident": incident.incident_id, "notice": notice.notice_id, "code": "link-retracted"}
            body |= {"disclosure": notice.disclosure} if notice.disclosure else {}
            # only who sent the record may know which one it was
            body |= {"record": incident.source_person_id} if own else {}
            yield Outgoing(
                Topic.LINK_RETRACTED,
                notice.notice_id,
                orjson.dumps(body),
                notice.organisation,
                incident.source_person_id,
                frozenset({webhook_id}),
            )


def _reaches(webhook: Webhook, notice: Notice) -> bool:
    if notice.kind is NoticeKind.WEBHOOK:
        return webhook.webhook_id == notice.recipient
    return webhook.caller == notice.recipient and Topic.LINK_RETRACTED in webhook.topics


def _hear(house: House, passage: Passage) -> int:
    """Take a retraction that arrived as acknowledged by the system that took it."""
    waiting = {one.notice_id: one for one in house.stores.recalls.waiting(passage.permit)}
    arrived = house.stores.outbox.arrived(list(waiting))
    with house.stores.transaction() as tx:
        for notice_id, at in arrived.items():
            house.stores.recalls.acknowledge(tx, notice_id, f"webhook:{waiting[notice_id].recipient}", at)
    return len(arrived)
