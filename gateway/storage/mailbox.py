"""Messages that came through a mailbox: one row each, from its first sight to its acknowledgement; and who may send.

A message is answered once however often a poller is killed, because every step it takes is committed before the next
is begun, and only by who holds its lease. Nothing in a row is about a person, so none of it needs a permit.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

import sqlalchemy as sa

from gateway.errors import Conflict, NotFound
from gateway.storage.jobs import is_alive, worker_name
from gateway.storage.schema import mailbox as tables
from gateway.storage.schema import now

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from gateway.storage.database import Database, Tx

_NAMESPACE: Final = UUID("5f0c1f8e-6a0b-5d0e-8f51-1f3a70e0b7ad")
_MESSAGE: Final = tables.mesh_message
_SENDER: Final = tables.mesh_sender
_POLL: Final = tables.mesh_poll
LEASE: Final = timedelta(minutes=15)
"""How long a poller of another machine is believed to be at a message; of this machine's, their processes tell."""
STUCK_AFTER: Final = 3
"""Tries after which a message that still is not answered is called stuck."""
ANSWER_MARK: Final = "gateway-answer-"
"""What the local id of every response begins with, so that no gateway answers another's answers."""


class MessageState(StrEnum):
    """Where a message is on its way to being answered."""

    RECEIVED = "received"
    KEPT = "kept"
    ANSWERED = "answered"
    SENDING = "sending"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    GONE = "gone"


_S = MessageState
TRANSITIONS: Final[dict[MessageState, frozenset[MessageState]]] = {
    # a report of MESH's own wants no response: it is as good as sent
    _S.RECEIVED: frozenset({_S.ANSWERED, _S.KEPT, _S.SENT, _S.GONE}),
    # its workflow was made known, or somebody fetched it
    _S.KEPT: frozenset({_S.RECEIVED, _S.ACKNOWLEDGED}),
    _S.ANSWERED: frozenset({_S.SENDING, _S.RECEIVED}),
    # back: MESH would not take it, or has never heard of it, or what was to be sent is no longer here
    _S.SENDING: frozenset({_S.SENT, _S.ANSWERED, _S.RECEIVED}),
    _S.SENT: frozenset({_S.ACKNOWLEDGED}),
    _S.ACKNOWLEDGED: frozenset(),
    _S.GONE: frozenset(),
}
"""Which state may follow which."""

AT_WORK: Final = (_S.RECEIVED, _S.ANSWERED, _S.SENDING, _S.SENT)
"""The states in which a poller has something to do."""


class Outcome(StrEnum):
    """What became of a message."""

    NONE = ""
    ANSWERED = "answered"
    REFUSED = "refused"
    REPORT = "report"
    FETCHED = "fetched"


@dataclass(frozen=True, slots=True)
class Message:
    """A message and how far it has come.

    ``reason`` and ``trouble`` are stable codes: why it was refused or kept; what stood in the way the last time it was
    tried, or of the response's delivery. ``edition`` counts responses whose upload was begun and given up, none of
    which was delivered.
    """

    message_id: str
    mailbox: str
    state: MessageState
    seen_at: datetime
    sender: str = ""
    workflow: str = ""
    outcome: Outcome = Outcome.NONE
    reason: str = ""
    trouble: str = ""
    caller: str = ""
    rows: int = 0
    response_name: str = ""
    response_hash: str = ""
    edition: int = 0
    sent_id: str = ""
    attempts: int = 0
    sending_at: datetime | None = None

    @property
    def local_id(self) -> str:
        """The response's own id, the same however often its sending is tried: what MESH is asked about it by."""
        return f"{ANSWER_MARK}{uuid5(_NAMESPACE, f'{self.mailbox}|{self.message_id}|{self.edition}')}"


@dataclass(frozen=True, slots=True)
class Sender:
    """A mailbox that may send, and the registered caller in whose name its files are traced."""

    mailbox: str
    caller: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a mailbox stands: messages by state and outcome, those that wait for a person, and its last poll."""

    states: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    stuck: Sequence[Message] = ()
    kept: Sequence[Message] = ()
    undelivered: Sequence[Message] = ()
    polled_at: datetime | None = None
    poll_reason: str = ""


UNDELIVERED: Final = "undelivered"
"""The trouble of a response that MESH took and could not deliver."""
WORKFLOW_UNKNOWN: Final = "workflow-unknown"
"""The reason of a message kept because nobody has said what its workflow means."""
_MOST: Final = 1_000
_TEXTS: Final = (
    *("outcome", "reason", "trouble", "sender", "workflow", "caller"),
    *("response_name", "response_hash", "sent_id"),
)
_CHANGES: Final = (*_TEXTS, "rows", "edition", "sending_at")


class Mailbox:
    """The repository of messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def notice(self, mailbox: str, message_ids: Sequence[str]) -> int:
        """Write down messages that are in the inbox; those known already stay as they are. Returns how many are new."""
        blank: dict[str, Any] = dict.fromkeys((*_TEXTS, "lease_owner"), "")
        blank |= dict.fromkeys(("rows", "edition", "attempts"), 0)
        blank |= {"mailbox": mailbox, "state": _S.RECEIVED.value, "seen_at": now()}
        with self._database.write() as tx:
            known = f"SELECT message_id FROM mesh_message WHERE {tx.among('message_id')}"  # noqa: S608 - our own names
            held = {row[0] for row in tx.raw(known, (tx.listed(message_ids),))}
            new = [one for one in dict.fromkeys(message_ids) if one not in held]
            tx.insert(_MESSAGE, [{**blank, "message_id": one} for one in new], update=())
        return len(new)

    def take(self, mailbox: str, *, before: datetime, settled: datetime) -> Message | None:
        """Lease the next message that there is something to do for, or return None.

        Those tried least come first, so that one that fails holds nobody up. Left out are messages tried since
        ``before``, and those whose response has been under way since later than ``settled``: MESH may not know yet.
        """
        table = _MESSAGE
        waiting = (
            sa.select(table)
            .where(
                table.c.mailbox == mailbox,
                table.c.state.in_([state.value for state in AT_WORK]),
                sa.or_(table.c.tried_at.is_(None), table.c.tried_at < before),
                sa.or_(table.c.state != _S.SENDING.value, table.c.sending_at <= settled),
            )
            .order_by(table.c.attempts, table.c.seen_at, table.c.message_id)
            .limit(_MOST)
        )
        with self._database.write() as tx:
            for row in tx.rows(waiting):
                if not _is_held(row) and self._lease(tx, row):
                    return _message(row, attempts=row.attempts + 1)
        return None

    def _lease(self, tx: Tx, row: sa.Row[Any]) -> bool:
        """Take one over from whoever held it last; on a server somebody else may have been quicker."""
        ours = sa.update(_MESSAGE).where(
            _MESSAGE.c.message_id == row.message_id,
            _MESSAGE.c.lease_owner == row.lease_owner,
            _MESSAGE.c.state == row.state,
            _MESSAGE.c.attempts == row.attempts,
        )
        at = now()
        values = {"lease_owner": worker_name(), "lease_until": at + LEASE, "attempts": row.attempts + 1, "tried_at": at}
        return bool(tx.run(ours.values(values)))

    def move(self, message: Message, to: MessageState, **changes: Any) -> Message:  # noqa: ANN401 - columns by name
        """Commit the next state of a message that this process holds; ``changes`` are fields of a `Message`.

        Raises:
            Conflict: another poller has taken it over, or that state does not follow this one.
        """
        if to not in TRANSITIONS[message.state]:
            raise Conflict(f"a message that is {message.state} is not {to} next", reason="message-state")
        new = replace(message, state=to, **{"trouble": "", **changes})
        values = {name: getattr(new, name) for name in _CHANGES}
        self._hold(message, values | {"state": new.state.value, "outcome": new.outcome.value})
        return new

    def note(self, message: Message, *, sender: str, workflow: str) -> Message:
        """Commit what is written on a message that this process holds.

        Raises:
            Conflict: another poller has taken it over.
        """
        self._hold(message, {"sender": sender, "workflow": workflow})
        return replace(message, sender=sender, workflow=workflow)

    def renew(self, message: Message) -> None:
        """Go on holding a message for as long as a lease lasts.

        Raises:
            Conflict: another poller has taken it over.
        """
        self._hold(message, {})

    def _hold(self, message: Message, values: dict[str, Any]) -> None:
        ours = sa.update(_MESSAGE).where(
            _MESSAGE.c.message_id == message.message_id,
            _MESSAGE.c.lease_owner == worker_name(),
            _MESSAGE.c.state == message.state.value,
        )
        with self._database.write() as tx:
            if not tx.run(ours.values({**values, "lease_until": now() + LEASE})):
                raise Conflict("another poller has taken this message over", reason="message-lost")

    def release(self, message_id: str, trouble: str = "") -> None:
        """Give a message back that this process holds; ``trouble`` says what stood in its way, and is kept."""
        ours = sa.update(_MESSAGE).where(_MESSAGE.c.message_id == message_id, _MESSAGE.c.lease_owner == worker_name())
        values: dict[str, Any] = {"lease_owner": "", "lease_until": None}
        with self._database.write() as tx:
            tx.run(ours.values({**values, "trouble": trouble} if trouble else values))

    def settle(self, message_id: str, to: MessageState) -> None:
        """Commit what a person found out about a response whose sending was begun: it was sent, or it was not.

        Raises:
            Conflict: its sending has not been begun, has been found out meanwhile, or a poller is at it.
        """
        table = _MESSAGE
        with self._database.write() as tx:
            row = tx.row(sa.select(table).where(table.c.message_id == message_id))
            if row is None or row.state != _S.SENDING.value or to not in TRANSITIONS[_S.SENDING] or _is_held(row):
                raise Conflict("nobody waits to be told whether this was sent", reason="message-state")
            ours = sa.update(table).where(table.c.message_id == message_id, table.c.state == row.state)
            tx.run(ours.values(state=to.value, trouble="", lease_owner="", lease_until=None))

    def take_up_kept(self, mailbox: str, workflows: Iterable[str]) -> int:
        """Put messages back to work that were kept because their workflow was not known, and now is."""
        known = sa.update(_MESSAGE).where(
            _MESSAGE.c.mailbox == mailbox,
            _MESSAGE.c.state == _S.KEPT.value,
            _MESSAGE.c.reason == WORKFLOW_UNKNOWN,
            _MESSAGE.c.workflow.in_(list(workflows)),
        )
        with self._database.write() as tx:
            return tx.run(known.values(state=_S.RECEIVED.value, reason=""))

    def fetched(self, message_id: str) -> None:
        """Note that somebody took a message out of the mailbox that nobody answers."""
        kept = sa.update(_MESSAGE).where(_MESSAGE.c.message_id == message_id, _MESSAGE.c.state == _S.KEPT.value)
        with self._database.write() as tx:
            tx.run(kept.values(state=_S.ACKNOWLEDGED.value, outcome=Outcome.FETCHED.value))

    def undeliverable(self, sent_id: str) -> int:
        """Note that a response could not be delivered; returns how many are known by that id."""
        ours = sa.update(_MESSAGE).where(_MESSAGE.c.sent_id == sent_id, _MESSAGE.c.sent_id != "")
        with self._database.write() as tx:
            return tx.run(ours.values(trouble=UNDELIVERED))

    def get(self, message_id: str) -> Message:
        """Return one message.

        Raises:
            NotFound: there is none of that id.
        """
        with self._database.read() as view:
            row = view.row(sa.select(_MESSAGE).where(_MESSAGE.c.message_id == message_id))
        if row is None:
            raise NotFound("there is no such message", reason="message")
        return _message(row)

    def open_ids(self) -> list[str]:
        """Return the ids of the messages whose request or response may still be needed here."""
        needed = [state.value for state in (_S.RECEIVED, _S.ANSWERED, _S.SENDING)]
        with self._database.read() as view:
            return [row[0] for row in view.rows(sa.select(_MESSAGE.c.message_id).where(_MESSAGE.c.state.in_(needed)))]

    def last_sent(self, mailbox: str, since: datetime) -> Message | None:
        """Return the response that was sent last and after ``since``, or None."""
        table = _MESSAGE
        sent = sa.select(table).where(
            table.c.mailbox == mailbox,
            table.c.state.in_([_S.SENT.value, _S.ACKNOWLEDGED.value]),
            table.c.sent_id != "",
            table.c.sending_at > since,
        )
        with self._database.read() as view:
            row = view.row(sent.order_by(table.c.sending_at.desc(), table.c.message_id).limit(1))
        return _message(row) if row else None

    def polled(self, mailbox: str, reason: str = "") -> None:
        """Write down that the mailbox was looked into, and what stood in the way, if anything did."""
        with self._database.write() as tx:
            tx.insert(_POLL, [{"mailbox": mailbox, "polled_at": now(), "reason": reason}])

    def standing(self, mailbox: str) -> Standing:
        """Return how a mailbox stands."""
        table, mine = _MESSAGE, _MESSAGE.c.mailbox == mailbox
        stuck = sa.and_(table.c.state.in_([state.value for state in AT_WORK]), table.c.attempts >= STUCK_AFTER)
        with self._database.read() as view:

            def those(condition: sa.ColumnElement[bool]) -> list[Message]:
                found = sa.select(table).where(mine, condition).order_by(table.c.seen_at, table.c.message_id)
                return [_message(row) for row in view.rows(found.limit(_MOST))]

            poll = view.row(sa.select(_POLL).where(_POLL.c.mailbox == mailbox))
            return Standing(
                _counted(view.rows(sa.select(table.c.state, sa.func.count()).where(mine).group_by(table.c.state))),
                _counted(view.rows(sa.select(table.c.outcome, sa.func.count()).where(mine).group_by(table.c.outcome))),
                those(stuck),
                those(table.c.state.in_([_S.KEPT.value, _S.GONE.value])),
                those(table.c.trouble == UNDELIVERED),
                poll.polled_at if poll else None,
                poll.reason if poll else "",
            )

    def allow(self, tx: Tx, sender: Sender) -> None:
        """Let a mailbox send, in the name of a registered caller."""
        row = {"mailbox": sender.mailbox, "caller": sender.caller, "added_at": now()}
        tx.insert(_SENDER, [row], update=["caller"])

    def deny(self, tx: Tx, mailbox: str) -> None:
        """Let a mailbox send no longer.

        Raises:
            NotFound: it may not.
        """
        if not tx.run(sa.delete(_SENDER).where(_SENDER.c.mailbox == mailbox)):
            raise NotFound("this mailbox is not on the list", reason="mailbox-unknown")

    def senders(self) -> list[Sender]:
        """Return the mailboxes that may send, in order."""
        with self._database.read() as view:
            rows = view.rows(sa.select(_SENDER.c.mailbox, _SENDER.c.caller).order_by(_SENDER.c.mailbox))
        return [Sender(*row) for row in rows]

    def caller_of(self, mailbox: str) -> str:
        """Return the caller in whose name a mailbox sends, or an empty text."""
        with self._database.read() as view:
            return str(view.value(sa.select(_SENDER.c.caller).where(_SENDER.c.mailbox == mailbox)) or "")


def _is_held(row: sa.Row[Any]) -> bool:
    owner, until = str(row.lease_owner), row.lease_until
    return bool(owner) and until is not None and until > now() and owner != worker_name() and is_alive(owner)


def _counted(rows: Iterable[Any]) -> Counter[str]:
    return Counter({name: int(count) for name, count in rows})


def _message(row: sa.Row[Any], **other: Any) -> Message:  # noqa: ANN401 - fields by name
    told: dict[str, Any] = {name: getattr(row, name) for name in _CHANGES}
    told |= {"state": MessageState(row.state), "outcome": Outcome(row.outcome), "attempts": row.attempts, **other}
    return Message(message_id=row.message_id, mailbox=row.mailbox, seen_at=row.seen_at, **told)
