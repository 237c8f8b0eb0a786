"""Differences between a record and the index: what stands, what became of it, and its place in the feed.

A row is one (record, field, kind). Whatever opens, decides or overtakes it gives it the next place in the feed, so a
reader who goes on from a place meets every later change once. Places are counted under one row's lock, held until the
writer commits: none becomes visible before an earlier one, on SQLite and on PostgreSQL alike, and none is left out.

Whoever a seal protects is in no answer here, also where a row was written before the seal arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from gateway.errors import Conflict, NotFound, NotPermitted
from gateway.storage.compared import SEALED, of_sources
from gateway.storage.differing import BEGINS, BY_RULE, PRIORITY, Difference, Field, Found, Kind, Moved, State
from gateway.storage.permit import require
from gateway.storage.schema import now
from gateway.storage.schema.base import utc
from ig.decision import FilterKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from gateway.storage.database import Database, Reading, Tx
    from gateway.storage.permit import Permit


@dataclass(frozen=True, slots=True)
class FeedHead:
    """Where the feed is: which feed, its last place, and the last place that was cleared away."""

    epoch: str
    last: int
    horizon: int


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One page of the feed: what changed, in order, and the place to go on from; ``more`` says that there is more."""

    changes: tuple[Difference, ...]
    place: int
    more: bool


_COLUMNS: Final = (
    "difference_id",
    "source_person_id",
    "person_id",
    "source",
    "organisation",
    "field",
    "kind",
    "state",
    "about",
    "other",
    "actor",
    "note",
    "opened_at",
    "decided_at",
    "seq",
)
_READ: Final = (
    "d.difference_id, d.source_person_id, d.person_id, d.source, d.organisation, s.person_ref, d.field, d.kind, "
    "d.state, d.about, d.other, d.actor, d.note, d.opened_at, d.decided_at, d.seq"
)
_FROM: Final = "difference d JOIN source_person s ON s.source_person_id = d.source_person_id"


class Differences:
    """The repository of differences and of their feed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- finding -------------------------------------------------------------------------------------------------

    def settle(
        self, tx: Tx, records: Collection[str], found: Sequence[Found], fields: Collection[Field]
    ) -> list[Moved]:
        """Make ``found`` all that stands about ``fields`` of ``records``. Returns what that changed.

        What stands about the same two values stays as it is, decided or not; about others it begins anew; what was
        not found does not stand any more.
        """
        place, at = _lock(tx), now().isoformat()
        held = {row[0]: row for row in _held(tx, records) if row[4] in set(fields)}
        wanted = {one.difference_id: one for one in found}
        begin = [one for name, one in sorted(wanted.items()) if _is_new(one, held.get(name))]
        gone = sorted(name for name, row in held.items() if name not in wanted and row[5] != State.SUPERSEDED)
        rows = [_row(one, at, place + step) for step, one in enumerate(begin, 1)]
        sets = ",".join(f"{name}=excluded.{name}" for name in _COLUMNS[1:])
        tx.merge("difference", _COLUMNS, rows, f"(difference_id) DO UPDATE SET {sets}")
        place += len(begin)
        _overtake(tx, gone, at, place)
        _unlock(tx, place + len(gone))
        opened = [Moved(one.difference_id, one.source_person_id, one.organisation, BEGINS[one.kind]) for one in begin]
        return opened + [Moved(name, held[name][1], held[name][3], State.SUPERSEDED) for name in gone]

    def clear(self, tx: Tx, before: datetime) -> int:
        """Forget what has not stood since before an instant; the feed begins after it. Returns how many rows."""
        place = _lock(tx)
        old = "FROM difference WHERE state = 'superseded' AND decided_at < ?"
        ((count, highest),) = tx.raw(f"SELECT count(*), max(seq) {old}", (before.isoformat(),))
        if count:
            tx.change(f"DELETE {old}", (before.isoformat(),))
            tx.change("UPDATE change_feed SET horizon = ?, last = ?", (highest, place))
        return int(count)

    # --- deciding ------------------------------------------------------------------------------------------------

    def decide(self, tx: Tx, difference_id: str, state: State, *, actor: str, note: str) -> None:
        """Record what a person decided: ``applied`` or ``dismissed``.

        Raises:
            Conflict: it is not open any more.
        """
        place = _lock(tx) + 1
        sql = (
            "UPDATE difference SET state = ?, actor = ?, note = ?, decided_at = ?, seq = ? "
            "WHERE difference_id = ? AND state = 'open'"
        )
        if not tx.change(sql, (state.value, actor, note, now().isoformat(), place, difference_id)):
            raise Conflict("this difference is not open any more", reason="difference-decided")
        _unlock(tx, place)

    # --- reading -------------------------------------------------------------------------------------------------

    def show(self, permit: Permit, difference_id: str) -> Difference:
        """Return one difference of the permit's own organisation.

        Raises:
            NotFound: there is none of that id that the permit's holder may know of.
        """
        require(permit)
        sql = f"SELECT {_READ} FROM {_FROM} WHERE d.difference_id = ? AND {_shown(permit)}"  # noqa: S608 - our own names
        with self._database.read() as view:
            rows = view.raw(sql, (difference_id, permit.organisation))
        if not rows:
            raise NotFound("there is no such difference", reason="difference")
        return _difference(rows[0])

    def list(
        self, permit: Permit, state: State, *, sources: Collection[str] = (), limit: int = 100
    ) -> list[Difference]:
        """Return the differences of the permit's own organisation in one state, most pressing first, then oldest."""
        require(permit)
        order = " ".join(f"WHEN '{kind}' THEN {place}" for place, kind in enumerate(PRIORITY))
        with self._database.read() as view:
            conditions, values = of_sources(view, sources)
            sql = (
                f"SELECT {_READ} FROM {_FROM} WHERE d.state = ? AND {_shown(permit)}{conditions} "  # noqa: S608
                f"ORDER BY CASE d.kind {order} END, d.seq LIMIT ?"
            )
            return [_difference(row) for row in view.raw(sql, (state.value, permit.organisation, *values, limit))]

    def counts(self) -> dict[str, dict[str, int]]:
        """Return kind → state → how many; figures only, so no permit."""
        found: dict[str, dict[str, int]] = {}
        with self._database.read() as view:
            for kind, state, count in view.raw("SELECT kind, state, count(*) FROM difference GROUP BY kind, state"):
                found.setdefault(kind, {})[state] = count
        return found

    def head(self) -> FeedHead | None:
        """Return where the feed is, or None before anything was ever found; nothing in it is about anybody."""
        with self._database.read() as view:
            return _head(view)

    def feed(self, permit: Permit, after: int, limit: int) -> FeedPage:
        """Return what changed about the permit's own organisation's records after a place, at most ``limit``."""
        require(permit)
        with self._database.read() as view:
            # the head is read first: on a server the second statement may see more, and what it sees of more is cut off
            head = _head(view)
            if head is None:
                return FeedPage((), after, more=False)
            sql = (
                f"SELECT {_READ} FROM {_FROM} WHERE {_shown(permit)} AND d.seq > ? AND d.seq <= ? "  # noqa: S608
                "ORDER BY d.seq LIMIT ?"
            )
            rows = view.raw(sql, (permit.organisation, after, head.last, limit + 1))
        changes = tuple(_difference(row) for row in rows[:limit])
        more = len(rows) > limit
        return FeedPage(changes, changes[-1].seq if more else head.last, more=more)


def overtaken(tx: Tx, live: dict[str, str]) -> None:
    """Let no difference outlive the link it rests on; ``live`` is record → its person now, or empty.

    Called in the transaction that changes links. The record is compared again with whoever it is joined to next.
    """
    standing = [row for row in _held(tx, live) if row[5] != State.SUPERSEDED and live[row[1]] != row[2]]
    listed = tx.listed(sorted({row[1] for row in standing}))
    if standing:
        place, gone = _lock(tx), sorted(row[0] for row in standing)
        _overtake(tx, gone, now().isoformat(), place)
        _unlock(tx, place + len(gone))
        tx.change(f"DELETE FROM compared WHERE {tx.among('source_person_id')}", (listed,))  # noqa: S608 - our own names


_UNRESTRICTED: Final = "NOT EXISTS (SELECT 1 FROM index_person i WHERE i.person_id = d.person_id AND i.security <> 'U')"
_NO_PLACE: Final = "d.state = 'superseded' OR d.kind = 'restricted' OR d.field NOT IN ('address', 'telecom', 'gp')"
_SHOWN: Final = f"d.person_id NOT IN {SEALED} AND ({_NO_PLACE} OR {_UNRESTRICTED})"
"""Nobody protected, and no word of a place of whoever is restricted by now."""


def _shown(permit: Permit) -> str:
    """The condition of everything that is read: the permit's own organisation, and the filters it carries."""
    conditions = ["d.organisation = ?", _SHOWN]
    for kept in permit.row_filters:
        if kept.kind is FilterKind.NOT_RESTRICTED:
            conditions.append(_UNRESTRICTED)
        elif kept.kind is not FilterKind.PROVIDERS:
            raise NotPermitted(f"storage cannot apply the row filter {kept.kind}", reason="row-filter-unknown")
    return " AND ".join(conditions)


def _head(view: Reading) -> FeedHead | None:
    rows = view.raw("SELECT epoch, last, horizon FROM change_feed")
    return FeedHead(*rows[0]) if rows else None


def _lock(tx: Tx) -> int:
    """Take the feed for this transaction and return its last place. Nobody else counts on until this one commits."""
    sql = (
        "INSERT INTO change_feed (feed_id, epoch, last, horizon) VALUES (1, ?, 0, 0) "
        "ON CONFLICT (feed_id) DO UPDATE SET last = change_feed.last RETURNING last"
    )
    return int(tx.raw(sql, (uuid4().hex,))[0][0])


def _unlock(tx: Tx, place: int) -> None:
    tx.change("UPDATE change_feed SET last = ?", (place,))


def _held(tx: Tx, records: Iterable[str]) -> list[tuple[Any, ...]]:
    columns = "difference_id, source_person_id, person_id, organisation, field, state, about"
    sql = f"SELECT {columns} FROM difference WHERE {tx.among('source_person_id')}"  # noqa: S608 - our own names
    return tx.raw(sql, (tx.listed(sorted(records)),))


def _is_new(one: Found, held: tuple[Any, ...] | None) -> bool:
    return held is None or held[5] == State.SUPERSEDED or (held[2], held[6]) != (one.person_id, one.about)


def _overtake(tx: Tx, names: Sequence[str], at: str, place: int) -> None:
    sql = "UPDATE difference SET state = 'superseded', decided_at = ?, seq = ? WHERE difference_id = ?"
    tx.many(sql, [(at, place + step, name) for step, name in enumerate(names, 1)])


def _row(one: Found, at: str, place: int) -> tuple[Any, ...]:
    whose = (one.difference_id, one.source_person_id, one.person_id, one.source, one.organisation)
    begun = BEGINS[one.kind]
    actor = BY_RULE if begun is State.APPLIED else ""
    return (*whose, one.field.value, one.kind.value, begun.value, one.about, one.other, actor, "", at, None, place)


def _difference(row: tuple[Any, ...]) -> Difference:
    decided = utc(row[14]) if row[14] else None
    says = (Field(row[6]), Kind(row[7]), State(row[8]))
    values = (*row[:6], *says, *row[9:13], utc(row[13]), decided, row[15])
    return Difference(*values)
