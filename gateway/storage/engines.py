"""Opening the two databases: SQLite files, or two schemas of one PostgreSQL database.

SQLite is pysqlite3's (3.51.3 or later; older ones can corrupt a log written by two processes), in WAL mode with
every commit flushed. Whoever writes begins IMMEDIATE, so that a transaction never fails half-way for want of the
lock; whoever reads is refused every write by the connection itself.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pysqlite3
import sqlalchemy as sa

from gateway.errors import InputError, Unavailable
from gateway.storage.faults import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OLDEST_SQLITE: Final = (3, 51, 3)
BUSY_MS: Final = 30_000

# What a process inherited across fork() is kept and never touched: closing it would drop the parent's locks.
LEFT_ALONE: Final[list[object]] = []


def sqlite_version() -> str:
    """The version of the SQLite library that opens our files."""
    return str(pysqlite3.sqlite_version)


def refuse_old_sqlite() -> None:
    """Stop before a file is touched by a SQLite that can corrupt it.

    Raises:
        Unavailable: the library is older than 3.51.3.
    """
    if pysqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise Unavailable(
            f"SQLite {sqlite_version()} can corrupt a write-ahead log; {oldest} is the oldest that is safe",
            reason="sqlite-too-old",
        )


def connect_sqlite(path: Path, *, writer: bool) -> Any:  # noqa: ANN401 - pysqlite3 publishes no types
    """Open ``path`` with the house's pragmas, outside SQLAlchemy; transactions are the caller's own."""
    connection = pysqlite3.connect(str(path), check_same_thread=False, isolation_level=None, timeout=BUSY_MS / 1000)
    _set_up_sqlite(connection, writer=writer)
    return connection


def _set_up_sqlite(connection: Any, *, writer: bool) -> None:  # noqa: ANN401 - pysqlite3 publishes no types
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    if writer:
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA trusted_schema=OFF")
    cursor.execute("PRAGMA cache_size=-32768")
    if not writer:
        cursor.execute("PRAGMA query_only=ON")
    cursor.close()


def sqlite_engine(path: Path, *, writer: bool) -> sa.Engine:
    """Return an engine on the file: an immediate writer, or a query-only deferred reader."""
    refuse_old_sqlite()
    engine = sa.create_engine(
        f"sqlite:///{path}",
        module=pysqlite3,
        hide_parameters=True,
        pool_size=4 if writer else 16,
        max_overflow=16,
        connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000},
    )
    begin = "BEGIN IMMEDIATE" if writer else "BEGIN DEFERRED"

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:  # noqa: ANN401 - pysqlite3 publishes no types
        _set_up_sqlite(connection, writer=writer)

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def postgres_options(schema: str, *, writer: bool) -> str:
    """The start-up options of a session: its schema, UTC, and whether it may write."""
    read_only = "" if writer else " -c default_transaction_read_only=on"
    return f"-c search_path={schema} -c timezone=UTC{read_only}"


def postgres_engine(url: str, schema: str, *, writer: bool) -> sa.Engine:
    """Return an engine whose sessions see one schema; the reader's transactions are read only."""
    return sa.create_engine(
        postgres_url(url),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=4 if writer else 8,
        max_overflow=16,
        connect_args={"options": postgres_options(schema, writer=writer)},
    )


def postgres_url(url: str) -> sa.URL:
    """Name psycopg 3 as the driver, whichever way the address was written.

    Raises:
        InputError: that is no address.
    """
    try:
        return sa.make_url(url).set(drivername="postgresql+psycopg")
    except sa.exc.ArgumentError:
        message = "GATEWAY_DATABASE_URL: must be postgresql://USER@HOST/DATABASE"
        raise InputError(message, reason="setting", field="GATEWAY_DATABASE_URL") from None


def connect_postgres(url: str, schema: str, *, writer: bool) -> Any:  # noqa: ANN401 - the same type as SQLite's
    """Open an autocommit psycopg connection outside SQLAlchemy, for the hot paths."""
    import psycopg  # noqa: PLC0415 - an extra: absent where SQLite is used

    address = postgres_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True, options=postgres_options(schema, writer=writer))


class RawPool:
    """Connections of the bare driver for the paths where SQLAlchemy costs a third of the throughput."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._idle: deque[Any] = deque()
        self._pid = os.getpid()

    @contextmanager
    def use(self) -> Iterator[Any]:
        """Lend a connection. One that failed is closed, not lent again.

        Raises:
            Unavailable: the database cannot be reached, or could not answer.
        """
        if self._pid != os.getpid():
            LEFT_ALONE.append(self._idle)
            self._idle, self._pid = deque(), os.getpid()
        with translated:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._connect()
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            self._idle.append(connection)

    def close(self) -> None:
        """Close what is idle."""
        while self._idle and self._pid == os.getpid():
            self._idle.pop().close()


class Engines:
    """A reader and a writer engine, made anew in every process that uses them."""

    def __init__(self, make: Callable[[bool], sa.Engine]) -> None:
        self._make = make
        self._made: dict[bool, sa.Engine] = {}
        self._pid = os.getpid()

    def get(self, *, writer: bool) -> sa.Engine:
        """Return this process's engine."""
        if self._pid != os.getpid():
            LEFT_ALONE.append(self._made)
            self._made, self._pid = {}, os.getpid()
        if writer not in self._made:
            self._made[writer] = self._make(writer)
        return self._made[writer]

    def close(self) -> None:
        """Close every pooled connection of this process."""
        if self._pid == os.getpid():
            for engine in self._made.values():
                engine.dispose()
