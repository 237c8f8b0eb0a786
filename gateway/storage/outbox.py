"""The outbox: what subscribers are to hear of, kept in the transaction that caused it, and sent from there.

Nothing in it is about a person: bodies hold opaque ids, codes and a link to fetch by, and whoever follows the link is
asked who they are. What is kept beside a body (``source_person_id``) stays here, so that a recall can find it.

A subscriber's messages go out in the order of ``seq``, one at a time: only the first that is not settled may be
claimed, by one worker, for the time of its lease. A worker that dies between sending and recording leaves the message
to be sent again under the same id: at least once, never lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import orjson

from gateway.errors import InputError
from gateway.storage.jobs import is_alive, worker_name
from gateway.storage.schema import now, outbox
from gateway.storage.schema.base import utc
from linkage.nhs_number import NhsNumber, NotAnNhsNumber

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from gateway.storage.database import Database, Tx

LEASE: Final = timedelta(minutes=2)
"""How long a claimed message is one worker's; longer than any one sending may take."""

_LONGEST: Final = 16 * 1024
_TEN_DIGITS: Final = re.compile(r"(?<!\w)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\w)")
_ADVISORY: Final = 0x6F7574626F78  # "outbox"
_ACTIVE: Final = "active"
_REMOVED: Final = "removed"


class Topic(StrEnum):
    """What a message is about; subscribers name the topics that they want."""

    RECORD_CHANGED = "record-changed"
    NUMBER_CHANGED = "number-changed"
    LINK_RETRACTED = "link-retracted"


class DeliveryState(StrEnum):
    """How far one message has come with one subscriber. ``dead``: given up, and reported until somebody looks."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent. ``reference`` is an opaque id; ``body`` a JSON object of ids, codes and links.

    ``organisation`` (ODS code) is whose record it is about: its subscribers hear of it and nobody else's.
    ``source_person_id`` is that record; it is kept and not sent. ``webhooks`` names the subscribers instead, whatever
    topics they asked for: a retraction goes to whoever received what it takes back.
    """

    topic: Topic
    reference: str
    body: bytes
    organisation: str
    source_person_id: str = ""
    webhooks: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """A subscription: whose, where to, and of which topics. Its secrets are in the keyring, not here."""

    webhook_id: str
    caller: str
    organisation: str
    url: str
    topics: frozenset[Topic]
    added_at: datetime

    def hears(self, message: Outgoing) -> bool:
        """Whether a message is for this subscriber."""
        if message.webhooks is not None:
            return self.webhook_id in message.webhooks
        return message.organisation == self.organisation and message.topic in self.topics


@dataclass(frozen=True, slots=True)
class Due:
    """One message claimed for one subscriber. ``at`` is when it was caused; ``attempts`` counts those before this."""

    webhook: Webhook
    seq: int
    message_id: str
    topic: Topic
    body: bytes
    at: datetime
    attempts: int
    lease: str


@dataclass(frozen=True, slots=True)
class Received:
    """That messages about a record went to a subscriber, the first of them at ``at``."""

    webhook: Webhook
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How a subscriber's messages stand, and why the oldest that waits has not arrived (a code, or empty)."""

    waiting: int = 0
    delivered: int = 0
    dead: int = 0
    reason: str = ""


class Outbox:
    """The repository of subscribers, of messages and of their deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- subscribers ---------------------------------------------------------------------------------------------

    def subscribe(self, tx: Tx, webhook: Webhook) -> None:
        """Add a subscriber; it hears of what happens from now on."""
        topics = " ".join(sorted(webhook.topics))
        row = (webhook.webhook_id, webhook.caller, webhook.organisation, webhook.url, topics, _ACTIVE)
        columns = "webhook_id, caller, organisation, url, topics, state, added_at"
        tx.change(
            f"INSERT INTO webhook ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own names
            (*row, webhook.added_at.isoformat()),
        )

    def unsubscribe(self, tx: Tx, webhook_id: str) -> bool:
        """Stop telling a subscriber anything, what waits for it included. Returns whether there was one."""
        gone = tx.change(
            "UPDATE webhook SET state = ? WHERE webhook_id = ? AND state = ?", (_REMOVED, webhook_id, _ACTIVE)
        )
        given_up = (
            "UPDATE delivery SET state = 'dead', reason = 'unsubscribed', settled_at = ? "
            "WHERE webhook_id = ? AND state = 'waiting'"
        )
        tx.change(given_up, (now().isoformat(), webhook_id))
        return bool(gone)

    def subscribers(self) -> list[Webhook]:
        """Return the subscribers, oldest first."""
        with self._database.read() as view:
            return _subscribers(view)

    def standing(self) -> dict[str, Standing]:
        """Return by subscriber how its messages stand; of those removed too, as long as something is left to say."""
        counted = "SELECT webhook_id, state, count(*) FROM delivery GROUP BY webhook_id, state"
        stuck = (
            "SELECT d.webhook_id, d.reason FROM delivery d JOIN (SELECT webhook_id, min(seq) AS seq FROM delivery "
            "WHERE state = 'waiting' GROUP BY webhook_id) h ON h.webhook_id = d.webhook_id AND h.seq = d.seq"
        )
        found: dict[str, dict[str, Any]] = {}
        with self._database.read() as view:
            for webhook_id, state, count in view.raw(counted):
                found.setdefault(webhook_id, {})[state] = int(count)
            for webhook_id, reason in view.raw(stuck):
                found[webhook_id]["reason"] = reason
        return {webhook_id: Standing(**told) for webhook_id, told in found.items()}

    # --- messages ------------------------------------------------------------------------------------------------

    def put(self, tx: Tx, messages: Sequence[Outgoing]) -> int:
        """Keep messages, in order, for every subscriber who is to hear of them. Returns how many deliveries are due.

        A message that nobody is to hear of is not kept.

        Raises:
            InputError: a body is not a JSON object, is longer than 16 KiB, or holds an NHS number.
        """
        for message in messages:
            _refuse_unfit(message.body)
        hearing = _subscribers(tx) if messages else []
        told = [(message, found) for message in messages if (found := [one for one in hearing if one.hears(message)])]
        if not told:
            return 0
        if tx.postgres:
            # two writers must not take the same place; SQLite lets in one at a time anyway
            tx.change("SELECT pg_advisory_xact_lock(?)", (_ADVISORY,))
        ((last,),) = tx.raw("SELECT COALESCE(max(seq), 0) FROM outgoing")
        at = now().isoformat()
        kept = [(str(uuid4()), int(last) + place, message) for place, (message, _) in enumerate(told, 1)]
        tx.load("outgoing", _OUTGOING, [_row(name, seq, message, at) for name, seq, message in kept])
        due = [
            (one.webhook_id, seq, name, "waiting", 0, "", at, None, "", None)
            for (name, seq, _), (_, found) in zip(kept, told, strict=True)
            for one in found
        ]
        tx.load("delivery", _DELIVERY, due)
        return len(due)

    def is_due(self) -> bool:
        """Whether anything may be sent now; a figure, so no permit."""
        with self._database.read() as view:
            return bool(view.raw(f"{_HEADS} LIMIT 1", (now().isoformat(),)))

    def claim(self, *, by: datetime | None = None, webhooks: Collection[str] | None = None) -> list[Due]:
        """Take the first unsettled message of each subscriber whose turn has come, for the time of a lease.

        ``by`` leaves out what became due after it; ``webhooks`` narrows it to some subscribers. What another living
        worker holds is left to it.
        """
        at, lease = now(), f"{worker_name()}#{uuid4().hex[:8]}"
        with self._database.write() as tx:
            heads = tx.raw(_HEADS, ((by or at).isoformat(),))
            free = [
                (webhook_id, int(seq), owner)
                for webhook_id, seq, owner, until in heads
                if (webhooks is None or webhook_id in webhooks) and not _is_held(owner, until, at)
            ]
            until = (at + LEASE).isoformat()
            mine = [head for head in free if tx.change(_TAKE, (lease, until, *head))]
            known = {one.webhook_id: one for one in _subscribers(tx)}
            return [_due(tx, known[webhook_id], seq, lease) for webhook_id, seq, _ in mine]

    def settle(self, due: Due, state: DeliveryState, reason: str = "", *, again_at: datetime | None = None) -> bool:
        """Record how an attempt ended: delivered, dead, or waiting until ``again_at``. Returns whether it counted.

        It does not where the lease had run out and another worker took the message over.
        """
        at = now()
        settled = None if state is DeliveryState.WAITING else at.isoformat()
        sql = (
            "UPDATE delivery SET state = ?, attempts = attempts + 1, reason = ?, due_at = ?, settled_at = ?, "
            "lease = '', lease_until = NULL WHERE webhook_id = ? AND seq = ? AND lease = ? AND state = 'waiting'"
        )
        values = (
            state.value,
            reason,
            (again_at or at).isoformat(),
            settled,
            due.webhook.webhook_id,
            due.seq,
            due.lease,
        )
        with self._database.write() as tx:
            return bool(tx.change(sql, values))

    def about(self, source_people: Iterable[str], since: datetime, until: datetime) -> list[Received]:
        """Return who was to hear of these records between two instants, retractions left out; each subscriber once.

        Whatever became of a delivery: one that was given up may have arrived all the same.
        """
        with self._database.read() as view:
            sql = (
                "SELECT d.webhook_id, min(o.at) FROM outgoing o JOIN delivery d ON d.message_id = o.message_id "  # noqa: S608
                f"WHERE {view.among('o.source_person_id')} AND o.at >= ? AND o.at <= ? AND o.topic <> ? "
                "AND d.reason <> 'unsubscribed' GROUP BY d.webhook_id ORDER BY d.webhook_id"
            )
            listed = view.listed(sorted(set(source_people)))
            rows = view.raw(sql, (listed, since.isoformat(), until.isoformat(), Topic.LINK_RETRACTED.value))
            known = {one.webhook_id: one for one in _subscribers(view)}
        return [Received(known[webhook_id], utc(at)) for webhook_id, at in rows if webhook_id in known]

    def arrived(self, references: Collection[str]) -> dict[str, datetime]:
        """Return reference → when its message arrived, for those of ``references`` that did."""
        with self._database.read() as view:
            sql = (
                "SELECT o.reference, max(d.settled_at) FROM outgoing o JOIN delivery d ON d.message_id = o.message_id "  # noqa: S608
                f"WHERE d.state = 'delivered' AND {view.among('o.reference')} GROUP BY o.reference"
            )
            return {row[0]: utc(row[1]) for row in view.raw(sql, (view.listed(sorted(references)),))}


_OUTGOING: Final = tuple(column.name for column in outbox.outgoing.columns)
_DELIVERY: Final = tuple(column.name for column in outbox.delivery.columns)
_HEADS: Final = (
    "SELECT d.webhook_id, d.seq, d.lease, d.lease_until FROM delivery d JOIN (SELECT webhook_id, min(seq) AS seq "
    "FROM delivery WHERE state = 'waiting' GROUP BY webhook_id) h ON h.webhook_id = d.webhook_id AND h.seq = d.seq "
    "WHERE d.due_at <= ? ORDER BY d.webhook_id"
)
# whoever took it since has written their own lease over the one that was read
_TAKE: Final = (
    "UPDATE delivery SET lease = ?, lease_until = ? "
    "WHERE webhook_id = ? AND seq = ? AND lease = ? AND state = 'waiting'"
)


def _is_held(owner: str, until: Any, at: datetime) -> bool:  # noqa: ANN401 - an instant as the driver gives it
    return bool(owner) and until is not None and utc(until) > at and is_alive(owner.partition("#")[0])


def _due(tx: Tx, webhook: Webhook, seq: int, lease: str) -> Due:
    sql = (
        "SELECT o.message_id, o.topic, o.body, o.at, d.attempts FROM outgoing o "
        "JOIN delivery d ON d.message_id = o.message_id WHERE d.webhook_id = ? AND d.seq = ?"
    )
    ((message_id, topic, body, at, attempts),) = tx.raw(sql, (webhook.webhook_id, seq))
    return Due(webhook, seq, message_id, Topic(topic), bytes(body), utc(at), int(attempts), lease)


def _row(message_id: str, seq: int, message: Outgoing, at: str) -> tuple[Any, ...]:
    about = (message.reference, message.organisation, message.source_person_id)
    return (message_id, seq, message.topic.value, *about, message.body, at)


def _subscribers(view: Any) -> list[Webhook]:  # noqa: ANN401 - a Reading or a Tx
    sql = (
        "SELECT webhook_id, caller, organisation, url, topics, added_at FROM webhook WHERE state = 'active' "
        "ORDER BY added_at, webhook_id"
    )
    return [
        Webhook(row[0], row[1], row[2], row[3], frozenset(map(Topic, row[4].split())), utc(row[5]))
        for row in view.raw(sql)
    ]


def _refuse_unfit(body: bytes) -> None:
    """Nothing that could name a person is ever kept for sending."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict) or len(body) > _LONGEST:
        raise InputError("a message is a JSON object of at most 16 KiB", reason="message-shape")
    if any(_is_number(found) for found in _TEN_DIGITS.findall(body.decode())):
        raise InputError("a message names nobody: it holds an NHS number", reason="message-names-somebody")


def _is_number(text: str) -> bool:
    try:
        NhsNumber.parse(text)
    except NotAnNhsNumber:
        return False
    return True
