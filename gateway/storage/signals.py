"""Whom the national services say to read anew: one row a number, waiting until it has been read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from gateway.storage.permit import require

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from gateway.storage.database import Database, Tx
    from gateway.storage.permit import Permit
    from linkage.nhs_number import NhsNumber

_WAITS: Final = "waiting = 1"


@dataclass(frozen=True, slots=True)
class Mark:
    """Somebody to be read anew; ``wanted`` is the version of the national record at least, 0 where nobody said."""

    nhs_number: str
    event: str
    wanted: int
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A number that waits; ``told_at`` is the latest signal's instant, as the driver gives it."""

    nhs_number: str
    told_at: object


class Signals:
    """The repository of what signals told."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ours(self, permit: Permit, numbers: Collection[NhsNumber]) -> set[str]:
        """Return those numbers that the index holds: of whoever it does not, nothing is kept."""
        require(permit)
        with self._database.read() as view:
            sql = f"SELECT nhs_number FROM index_person WHERE {view.among('id')}"  # noqa: S608 - our own names
            rows = view.raw(sql, (view.listed(sorted({int(number.digits[:9]) for number in numbers})),))
        return {row[0] for row in rows}

    def mark(self, tx: Tx, marks: Sequence[Mark]) -> int:
        """Mark whom a signal concerns, unless that version has been read already. Returns how many wait for it now."""
        sql = (
            "INSERT INTO signalled (nhs_number, event, wanted, held, waiting, told_at) VALUES (?, ?, ?, 0, 1, ?) "
            "ON CONFLICT (nhs_number) DO UPDATE SET event = excluded.event, waiting = 1, told_at = excluded.told_at, "
            "wanted = CASE WHEN excluded.wanted > signalled.wanted THEN excluded.wanted ELSE signalled.wanted END "
            "WHERE excluded.wanted = 0 OR excluded.wanted > signalled.held"
        )
        return sum(
            tx.change(sql, (one.nhs_number, one.event, one.wanted, one.told_at.isoformat())) > 0 for one in marks
        )

    def waiting(self, permit: Permit, after: str = "", limit: int = 100) -> list[Waiting]:
        """Return whoever waits to be read anew, in order of number after one."""
        require(permit)
        sql = (
            f"SELECT nhs_number, told_at FROM signalled WHERE {_WAITS} AND nhs_number > ? "  # noqa: S608 - our own words
            "ORDER BY nhs_number LIMIT ?"
        )
        with self._database.read() as view:
            return [Waiting(*row) for row in view.raw(sql, (after, limit))]

    def waiting_count(self) -> int:
        """Return how many wait; a figure only, so no permit."""
        with self._database.read() as view:
            return int(view.raw(f"SELECT count(*) FROM signalled WHERE {_WAITS}")[0][0])  # noqa: S608 - our own words

    def read(self, tx: Tx, read: Sequence[tuple[Waiting, int]]) -> None:
        """Record who was read, at which version (0 unknown). Whoever was signalled again meanwhile waits on."""
        sql = (
            "UPDATE signalled SET held = ?, waiting = CASE WHEN told_at = ? THEN 0 ELSE waiting END "
            "WHERE nhs_number = ?"
        )
        tx.many(sql, [(version, one.told_at, one.nhs_number) for one, version in read])

    def covered(self, tx: Tx) -> int:
        """Let nobody wait whom the index holds as of a later day than the signal's. Returns how many."""
        sql = (
            "SELECT g.nhs_number, g.told_at, i.as_of FROM signalled g "
            "JOIN index_person i ON i.nhs_number = g.nhs_number WHERE g.waiting = 1"
        )
        late = [(row[0],) for row in tx.raw(sql) if _day(row[2]) > _day(row[1])]
        tx.many("UPDATE signalled SET waiting = 0 WHERE nhs_number = ?", late)
        return len(late)


def _day(value: object) -> date:
    """A date or an instant, as either driver gives it, as a day."""
    return date.fromisoformat(str(value)[:10])
