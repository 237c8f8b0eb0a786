"""Rows that could not be used, kept whole until the map or the source is mended. Looking at one needs a permit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from gateway.errors import NotFound
from gateway.storage.permit import require
from gateway.storage.schema import now
from gateway.storage.schema.base import utc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from adapters.feed import Quarantined
    from gateway.storage.database import Database, Tx
    from gateway.storage.permit import Permit

_NAMESPACE: Final = UUID("0b7a4f0e-8f9d-5d7c-8c4e-0f6d2c3b1a90")


class QuarantineState(StrEnum):
    """Whether a row still waits."""

    HELD = "held"
    REPLAYED = "replayed"


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """What may be listed without a permit: where, which field and rule; never the row itself."""

    quarantine_id: str
    source: str
    feed: str
    row: int
    field: str
    rule: str
    message: str
    state: QuarantineState
    at: datetime


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A row whole: what it takes to read it again."""

    row: QuarantinedRow
    header: bytes
    original: bytes


@dataclass(frozen=True, slots=True)
class QuarantineCount:
    """How many rows of a source broke a rule."""

    source: str
    rule: str
    state: QuarantineState
    rows: int


_LISTED: Final = "quarantine_id, source, feed, row, field, rule, message, state, at"


QuarantinedRows = list[QuarantinedRow]
QuarantineCounts = list[QuarantineCount]


class Quarantine:
    """The repository of quarantined rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_many(self, tx: Tx, source: str, rows: Sequence[Quarantined]) -> int:
        """Keep rows. One seen before, in the same place with the same bytes and rule, is not kept twice.

        Returns how many were offered.
        """
        at = now().isoformat()
        sql = (
            "INSERT INTO quarantine (quarantine_id, source, feed, row, field, rule, message, local_id, original, "
            "header, state, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'held', ?) ON CONFLICT DO NOTHING"
        )
        tx.many(sql, [(_id(source, row), source, *_told(row), at) for row in rows])
        return len(rows)

    def list(  # noqa: PLR0913 - one argument for each thing that can be asked for
        self,
        *,
        source: str | None = None,
        feed: str | None = None,
        rule: str | None = None,
        state: QuarantineState = QuarantineState.HELD,
        after: str = "",
        limit: int = 100,
    ) -> QuarantinedRows:
        """Return rows in order of id after ``after``, at most ``limit``, without what they say of people."""
        wanted = {"source": source, "feed": feed, "rule": rule, "state": state.value}
        given = {name: value for name, value in wanted.items() if value is not None}
        conditions = " AND ".join(f"{name} = ?" for name in given)
        sql = (
            f"SELECT {_LISTED} FROM quarantine WHERE {conditions} AND quarantine_id > ? "  # noqa: S608 - our own names
            "ORDER BY quarantine_id LIMIT ?"
        )
        with self._database.read() as view:
            return [_listed(row) for row in view.raw(sql, (*given.values(), after, limit))]

    def get(self, permit: Permit, quarantine_id: str) -> HeldRow:
        """Return a row with its original bytes and the header line it stood under.

        Raises:
            NotFound: there is none of that id.
        """
        require(permit)
        sql = f"SELECT {_LISTED}, header, original FROM quarantine WHERE quarantine_id = ?"  # noqa: S608 - our own names
        with self._database.read() as view:
            rows = view.raw(sql, (quarantine_id,))
        if not rows:
            raise NotFound("there is no such quarantined row", reason="quarantine")
        return HeldRow(_listed(rows[0][:9]), bytes(rows[0][9]), bytes(rows[0][10]))

    def mark(self, tx: Tx, quarantine_ids: Sequence[str], state: QuarantineState) -> None:
        """Say what became of rows."""
        sql = "UPDATE quarantine SET state = ? WHERE quarantine_id = ?"
        tx.many(sql, [(state.value, one) for one in quarantine_ids])

    def counts(self) -> QuarantineCounts:
        """Return how many rows of each source broke each rule."""
        sql = "SELECT source, rule, state, count(*) FROM quarantine GROUP BY source, rule, state ORDER BY 1, 2, 3"
        with self._database.read() as view:
            return [QuarantineCount(row[0], row[1], QuarantineState(row[2]), row[3]) for row in view.raw(sql)]


def _id(source: str, row: Quarantined) -> str:
    digest = hashlib.sha256(row.original).hexdigest()
    return str(uuid5(_NAMESPACE, f"{source}|{row.feed}|{row.row}|{row.field}|{row.rule}|{digest}"))


def _told(row: Quarantined) -> tuple[Any, ...]:
    return (row.feed, row.row, row.field, row.rule, row.message, row.local_id, row.original, row.header)


def _listed(row: tuple[Any, ...]) -> QuarantinedRow:
    values = (*row[:7], QuarantineState(row[7]), utc(row[8]))
    return QuarantinedRow(*values)
