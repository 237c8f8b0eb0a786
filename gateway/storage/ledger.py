"""The ledger's store: rows chained as they are committed, found again by whom and by whose.

Each process chains under a lock that all processes share (a blocking file lock, then BEGIN IMMEDIATE; on PostgreSQL
an advisory lock), so there is one unbroken chain. The arithmetic is ``ig.ledger``; the bodies are
``ig.disclosure``'s. Nothing here updates or deletes a row, and triggers refuse whoever tries.
"""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from gateway.errors import GatewayError, InputError, Unavailable
from gateway.storage.database import Database
from gateway.storage.engines import LEFT_ALONE
from gateway.storage.faults import translated
from gateway.storage.groupcommit import GroupCommit
from gateway.storage.schema import now
from ig.disclosure import subject_digest
from ig.ledger import GENESIS, NotCanonical, Row, canonical, seal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from gateway.storage.database import Place
    from gateway.storage.keyring import Keyring
    from ig.ledger import Json

_ADVISORY: Final = 0x6C6564676572  # "ledger"
_PAGE: Final = 5_000


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One row as an audit reads it."""

    seq: int
    kind: str
    at: datetime
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed note over the first ``size`` rows."""

    size: int
    note: str


@dataclass(frozen=True, slots=True)
class _Draft:
    """A row before it is chained: canonical bytes made once, in the thread that asks."""

    kind: str
    body: bytes
    shelf: tuple[str, str, str, str]
    subjects: tuple[str, ...]


class Ledger:
    """The repository of the ledger."""

    def __init__(self, place: Place, keys: Keyring) -> None:
        self._place = place
        self._database = Database(place)
        self._keys = keys
        self._local: _Writer | None = None
        self._opening = threading.Lock()

    def append(self, kind: str, body: Mapping[str, Json], subjects: Sequence[str] = (), *, wait: bool = True) -> None:
        """Add a row about ``subjects`` (tokens). With ``wait`` it is durable when this returns.

        Without ``wait`` it is durable within some 20 ms, with the next batch; ``lost`` counts those that failed.

        What the body leaves out of ``at``, ``event`` and ``subjects`` is filled in, so that all a row is searched by
        is hashed with it.

        Raises:
            Unavailable: the row could not be made durable. Nothing may leave.
            InputError: the body has no canonical form, or names another event or other subjects than the row.
        """
        self._writer().group.add(_draft(kind, body, subjects), wait=wait)

    def check_appendable(self) -> None:
        """Begin the transaction that a row would need, and leave nothing behind.

        Raises:
            Unavailable: the ledger cannot be written now, or its key is missing.
        """
        self._keys.ledger_mac()
        with self._database.write():
            pass

    def flush(self) -> None:
        """Make every queued row of this process durable."""
        if self._local is not None and self._local.pid == os.getpid():
            self._local.group.flush()

    @property
    def lost(self) -> int:
        """How many rows that nobody waited for could not be written by this process."""
        return self._writer().group.lost

    def _writer(self) -> _Writer:
        # A lock file or a connection opened before fork() is shared by all workers and keeps nobody out.
        writer = self._local
        if writer is None or writer.pid != os.getpid():
            with self._opening:
                writer = self._local
                if writer is None or writer.pid != os.getpid():
                    # The parent's connection must not be closed here: that would drop the parent's locks.
                    LEFT_ALONE.append(writer)
                    writer = self._local = _Writer(self._place, self._keys.ledger_mac())
        return writer

    # --- reading -------------------------------------------------------------------------------------------------

    def search(  # noqa: PLR0913 - one argument for each thing that an officer asks by
        self,
        *,
        subject: str | None = None,
        actor: str | None = None,
        organisations: Collection[str] | None = None,
        agreement: str | None = None,
        kinds: Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before_seq: int | None = None,
        limit: int = 100,
    ) -> list[LedgerRow]:
        """Return rows newest first, at most ``limit``; ``agreement`` is the id before the ``@`` or the whole reference.

        ``until`` is exclusive. Searching is itself a decided and ledgered read: the service sees to that.
        """
        tables, conditions, values = "ledger_entry e", ["1 = 1"], list[Any]()

        def where(condition: str, *given: object) -> None:
            conditions.append(condition)
            values.extend(given)

        with self._database.read() as view:
            if subject is not None:
                tables += " JOIN ledger_subject s ON s.seq = e.seq"
                where("s.token = ?", subject)
            if actor is not None:
                where("e.caller = ?", actor)
            if organisations is not None:
                where(view.among("e.organisation"), view.listed(organisations))
            if kinds is not None:
                where(view.among("e.kind"), view.listed(kinds))
            if agreement is not None:
                where(
                    "(e.agreement = ? OR substr(e.agreement, 1, ?) = ?)", agreement, len(agreement) + 1, agreement + "@"
                )
            if since is not None:
                where("e.at >= ?", _stamp(since))
            if until is not None:
                where("e.at < ?", _stamp(until))
            if before_seq is not None:
                where("e.seq < ?", before_seq)
            sql = (
                f"SELECT e.seq, e.kind, e.at, e.body FROM {tables} WHERE {' AND '.join(conditions)} "  # noqa: S608
                "ORDER BY e.seq DESC LIMIT ?"
            )
            rows = view.raw(sql, (*values, limit))
        return [LedgerRow(row[0], row[1], datetime.fromisoformat(row[2]), orjson.loads(_bytes(row[3]))) for row in rows]

    def rows(self, from_seq: int = 1) -> Iterator[Row]:
        """Yield every row from ``from_seq`` on, in order of seq, as stored: what verification reads."""
        last = from_seq - 1
        sql = "SELECT seq, body, prev_hash, hash, mac FROM ledger_entry WHERE seq > ? ORDER BY seq LIMIT ?"
        while True:
            with self._database.read() as view:
                page = view.raw(sql, (last, _PAGE))
            if not page:
                return
            for seq, *parts in page:
                yield Row(seq, *map(_bytes, parts))
            last = page[-1][0]

    def misfiled(self) -> int | None:
        """Return the first row that searching would file wrongly, or None.

        The columns and subject tokens that searches use repeat the hashed body; somebody who alters them alone hides
        an access without breaking the chain. This finds that.
        """
        sql = (
            "SELECT seq, kind, at, caller, organisation, agreement, body FROM ledger_entry "
            "WHERE seq > ? ORDER BY seq LIMIT ?"
        )
        last = 0
        while True:
            with self._database.read() as view:
                page = view.raw(sql, (last, _PAGE))
                tokens: dict[int, list[str]] = {}
                between = "SELECT seq, token FROM ledger_subject WHERE seq BETWEEN ? AND ? ORDER BY token"
                for seq, token in view.raw(between, (last + 1, page[-1][0])) if page else ():
                    tokens.setdefault(seq, []).append(token)
            for seq, kind, *filed, data in page:
                body = orjson.loads(_bytes(data))
                if kind != body["event"] or tuple(filed) != _shelf(body) or not _names(body, tokens.get(seq, [])):
                    return int(seq)
            if not page:
                return None
            last = page[-1][0]

    def size(self) -> int:
        """Return the seq of the last row, which is how many there are."""
        with self._database.read() as view:
            return int(view.raw("SELECT COALESCE(max(seq), 0) FROM ledger_entry")[0][0])

    def clock(self) -> datetime:
        """Return the effective clock: the system's, or the last row's where the system's was put back."""
        rows = self._database.ask("SELECT at FROM ledger_entry ORDER BY seq DESC LIMIT 1")
        system = now()
        return max(system, datetime.fromisoformat(rows[0][0])) if rows else system

    # --- checkpoints ---------------------------------------------------------------------------------------------

    def put_checkpoint(self, size: int, note: str) -> None:
        """Keep a signed note over the first ``size`` rows; one kept before for that size stays."""
        with self._database.write() as tx:
            tx.change(
                "INSERT INTO checkpoint (size, note, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (size, note, now().isoformat()),
            )

    def checkpoints(self) -> list[StoredCheckpoint]:
        """Return the signed notes, smallest first."""
        with self._database.read() as view:
            return [StoredCheckpoint(*row) for row in view.raw("SELECT size, note FROM checkpoint ORDER BY size")]

    def close(self) -> None:
        """Make queued rows durable and close this process's connections."""
        if self._local is not None and self._local.pid == os.getpid():
            self._local.close()
            self._local = None
        self._database.close()


class _Writer:
    """One process's way into the chain: its own lock file, its own connection, made after any fork."""

    def __init__(self, place: Place, mac_key: bytes) -> None:
        self.pid = os.getpid()
        self.group: GroupCommit[_Draft] = GroupCommit(self._write)
        self._place = place
        self._mac_key = mac_key
        self._connection: Any = None
        self._lock: Any = None

    def _write(self, drafts: Sequence[_Draft]) -> None:
        """Chain and commit a batch; called by one thread at a time."""
        try:
            with translated, self._exclusively() as cursor:
                cursor.execute("SELECT seq, hash FROM ledger_entry ORDER BY seq DESC LIMIT 1")
                seq, prev = cursor.fetchone() or (0, GENESIS)
                entries, subjects = [], []
                for draft in drafts:
                    row = seal(self._mac_key, bytes(prev), seq + 1, draft.body)
                    seq, prev = row.seq, row.hash
                    entries.append((seq, draft.kind, *draft.shelf, row.body, row.prev_hash, row.hash, row.mac))
                    subjects += [(token, seq) for token in draft.subjects]
                self._insert(cursor, entries, subjects)
        except GatewayError as refused:
            self._forget()
            raise Unavailable(f"the ledger took no row: {refused}", reason="ledger") from None

    @contextmanager
    def _exclusively(self) -> Iterator[Any]:
        """Open the one transaction that may look at the head and add to it."""
        if self._connection is None:
            self._connection = self._place.connect(writer=True)
        if self._place.postgres:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_ADVISORY,))
                yield cursor
            return
        # SQLite's own waiting is a poll with growing sleeps; the kernel's queue is fair and wakes at once.
        if self._lock is None:
            self._lock = self._place.path.with_suffix(".lock").open("ab")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            cursor = self._connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _insert(self, cursor: Any, entries: list[Any], subjects: list[Any]) -> None:  # noqa: ANN401
        mark = "%s" if self._place.postgres else "?"
        columns = "seq, kind, at, caller, organisation, agreement, body, prev_hash, hash, mac"
        marks = ",".join([mark] * 10)
        cursor.executemany(f"INSERT INTO ledger_entry ({columns}) VALUES ({marks})", entries)  # noqa: S608
        if subjects:
            cursor.executemany(f"INSERT INTO ledger_subject (token, seq) VALUES ({mark}, {mark})", subjects)  # noqa: S608

    def _forget(self) -> None:
        """After a failure the next batch begins with a new connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with translated:
                connection.close()

    def close(self) -> None:
        self.group.close()
        self._forget()
        if self._lock is not None:
            self._lock.close()


def _draft(kind: str, body: Mapping[str, Json], subjects: Sequence[str]) -> _Draft:
    tokens = sorted(set(subjects))
    defaults = {"at": _stamp(now()), "event": kind, "subjects": subject_digest(tokens)}
    whole: dict[str, Any] = {**defaults, **body}
    if whole["event"] != kind or not _names(whole, tokens):
        raise InputError("a ledger row and its body name different events or subjects", reason="ledger-body")
    try:
        return _Draft(kind, canonical(whole), _shelf(whole), tuple(tokens))
    except NotCanonical as refused:
        raise InputError(f"a ledger row: {refused}", reason="ledger-body") from None


def _shelf(body: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Return what a row is searched by, as its body says: instant, actor, their organisation, agreement."""
    actor = body.get("actor") or {}
    return (
        str(body["at"]),
        str(actor.get("subject", "")),
        str(actor.get("organisation", "")),
        str(body.get("agreement", "")),
    )


def _bytes(value: bytes | str | memoryview) -> bytes:
    """A stored value as bytes, also where somebody's UPDATE turned it into text: verification names the damage."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)


def _names(body: Mapping[str, Any], tokens: list[str]) -> bool:
    """Whether the tokens beside a row are those that its body counts and digests."""
    told, here = body["subjects"], subject_digest(tokens)
    return bool(told["count"] == here["count"] and told["digest"] == here["digest"])


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
