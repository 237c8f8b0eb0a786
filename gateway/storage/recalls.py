"""Recalls: the incident that a wrong link was, who received it, and whether they have said that they heard."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import orjson
import sqlalchemy as sa

from gateway.errors import Conflict, NotFound
from gateway.storage.permit import require
from gateway.storage.schema import now, recall
from gateway.storage.schema.base import utc

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from gateway.storage.database import Database, Tx
    from gateway.storage.permit import Permit

_INCIDENT = recall.incident
_NOTICE = recall.recall_notice


class NoticeKind(StrEnum):
    """How a wrong link was received: shown to a user, in a file, by a webhook, or in a release."""

    USER = "user"
    FILE = "file"
    WEBHOOK = "webhook"
    RELEASE = "release"


class NoticeState(StrEnum):
    """Whether the receiver has said that they heard. A webhook says so by accepting its retraction."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class Incident:
    """A link that was taken back: of which record, wrong from ``since`` until ``until`` (None until it was listed).

    ``persons`` are the ids of the person it was wrongly linked to, under every number they had, each with the instant
    of the link, and are shown to nobody. ``records`` are all that the link made theirs: more than the one where people
    without a number were joined. ``decision`` is that of the unlinking itself, whose reviewer needs no telling.
    """

    incident_id: str
    source_person_id: str
    organisation: str
    persons: Mapping[str, datetime]
    records: tuple[str, ...]
    decision: str
    actor: str
    since: datetime
    until: datetime | None
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """One receipt of the wrong link, to be acknowledged by the organisation that received it.

    ``recipient`` is a caller's subject, or a webhook's id; ``disclosure`` the decision id of the row in the ledger,
    empty for a webhook.
    """

    notice_id: str
    incident_id: str
    kind: NoticeKind
    recipient: str
    organisation: str
    disclosure: str
    job: str
    agreement: str
    received_at: datetime
    sent_at: datetime
    state: NoticeState = NoticeState.OPEN
    actor: str = ""
    acknowledged_at: datetime | None = None


class Recalls:
    """The repository of incidents and notices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, tx: Tx, incident: Incident) -> None:
        """Open an incident, in the transaction that takes the link back."""
        row = {name: getattr(incident, name) for name in _PLAIN}
        lists = {"persons": orjson.dumps(dict(incident.persons)), "records": orjson.dumps(list(incident.records))}
        tx.insert(_INCIDENT, [row | lists], update=())

    def close_window(self, tx: Tx, incident_id: str, until: datetime) -> None:
        """Record when the link could be received no more; said once, and kept."""
        unset = sa.update(_INCIDENT).where(_INCIDENT.c.incident_id == incident_id, _INCIDENT.c.until.is_(None))
        tx.run(unset.values(until=until))

    def tell(self, tx: Tx, notices: Sequence[Notice]) -> list[Notice]:
        """Keep the notices that are not there yet, and return them; what was acknowledged stays so."""
        known = {
            row[0]
            for row in tx.raw(
                f"SELECT notice_id FROM recall_notice WHERE {tx.among('notice_id')}",  # noqa: S608 - our own names
                (tx.listed([one.notice_id for one in notices]),),
            )
        }
        new = [one for one in notices if one.notice_id not in known]
        rows = [{column.name: getattr(one, column.name) for column in _NOTICE.columns} for one in new]
        tx.insert(_NOTICE, rows, update=())
        return new

    def acknowledge(self, tx: Tx, notice_id: str, actor: str, at: datetime | None = None) -> None:
        """Record that the receiver has heard.

        Raises:
            Conflict: they have said so before, or there is no such notice.
        """
        waiting = sa.update(_NOTICE).where(_NOTICE.c.notice_id == notice_id, _NOTICE.c.state == NoticeState.OPEN.value)
        values = {"state": NoticeState.ACKNOWLEDGED.value, "actor": actor, "acknowledged_at": at or now()}
        if not tx.run(waiting.values(values)):
            raise Conflict("this has been acknowledged already", reason="recall-acknowledged")

    def incidents(self, permit: Permit) -> list[Incident]:
        """Return every incident, newest first."""
        require(permit)
        statement = sa.select(_INCIDENT).order_by(_INCIDENT.c.opened_at.desc(), _INCIDENT.c.incident_id)
        with self._database.read() as view:
            return [_incident(row) for row in view.rows(statement)]

    def incident(self, permit: Permit, incident_id: str) -> Incident:
        """Return one incident.

        Raises:
            NotFound: there is none of that id.
        """
        require(permit)
        with self._database.read() as view:
            row = view.row(sa.select(_INCIDENT).where(_INCIDENT.c.incident_id == incident_id))
        if row is None:
            raise NotFound("there is no such recall", reason="recall")
        return _incident(row)

    def unsettled(self, since: datetime) -> bool:
        """Whether a recall that ended after ``since`` may still grow, or a retraction has arrived; so no permit."""
        window = sa.or_(_INCIDENT.c.until.is_(None), _INCIDENT.c.until > since)
        with self._database.read() as view:
            growing = view.row(sa.select(_INCIDENT.c.incident_id).where(window).limit(1))
            return growing is not None or bool(view.raw(_ARRIVED))

    def waiting(self, permit: Permit) -> list[Notice]:
        """Return every notice that nobody has acknowledged."""
        require(permit)
        statement = sa.select(_NOTICE).where(_NOTICE.c.state == NoticeState.OPEN.value).order_by(_NOTICE.c.notice_id)
        with self._database.read() as view:
            return [_notice(row) for row in view.rows(statement)]

    def notices(
        self, permit: Permit, organisations: Collection[str] | None = None, incident_id: str = ""
    ) -> list[Notice]:
        """Return notices in the order of receipt: of these organisations or of all, of one incident or of all."""
        require(permit)
        statement = sa.select(_NOTICE).order_by(_NOTICE.c.received_at, _NOTICE.c.notice_id)
        if organisations is not None:
            statement = statement.where(_NOTICE.c.organisation.in_(sorted(organisations)))
        if incident_id:
            statement = statement.where(_NOTICE.c.incident_id == incident_id)
        with self._database.read() as view:
            return [_notice(row) for row in view.rows(statement)]


_ARRIVED: Final = (
    "SELECT 1 FROM recall_notice n JOIN incident i ON i.incident_id = n.incident_id "
    "JOIN outgoing o ON o.source_person_id = i.source_person_id AND o.reference = n.notice_id "
    "JOIN delivery d ON d.message_id = o.message_id WHERE n.state = 'open' AND d.state = 'delivered' LIMIT 1"
)
_PLAIN: Final = tuple(column.name for column in _INCIDENT.columns if column.name not in {"persons", "records"})


def _incident(row: sa.Row[Any]) -> Incident:
    told = {name: getattr(row, name) for name in _PLAIN}
    persons = {person: utc(since) for person, since in orjson.loads(row.persons).items()}
    return Incident(persons=persons, records=tuple(orjson.loads(row.records)), **told)


def _notice(row: sa.Row[Any]) -> Notice:
    told = {column.name: getattr(row, column.name) for column in _NOTICE.columns}
    return Notice(**told | {"kind": NoticeKind(row.kind), "state": NoticeState(row.state)})
