"""One database as the repositories see it: reading, one write transaction at a time, and the bare driver."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy.dialects import sqlite

from gateway.storage import engines
from gateway.storage.faults import translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import sqlalchemy as sa

    from gateway.settings import Settings

Rows = list[Any]  # of sa.Row: columns of any type


def spelt(sql: str, *, postgres: bool) -> str:
    """Return a statement with the driver's own mark for each ``?``."""
    return sql.replace("?", "%s") if postgres else sql


@dataclass(frozen=True, slots=True)
class Reading:
    """A consistent view of the database. Every failure leaves as one of ``gateway.errors``."""

    connection: sa.Connection
    postgres: bool

    def rows(self, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Rows:
        """Run a query and return all its rows."""
        with translated:
            return list(self.connection.execute(statement, values or {}))

    def row(self, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - an sa.Row of any columns, or None
        """Run a query and return its first row, or None."""
        with translated:
            return self.connection.execute(statement, values or {}).first()

    def value(self, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - any column
        """Run a query and return the first column of its first row, or None."""
        found = self.row(statement, values)
        return found[0] if found else None

    def raw(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement on the bare driver, ``?`` for each value, and return its rows."""
        with translated:
            cursor = self._cursor()
            cursor.execute(self._spelt(sql), values)
            return list(cursor.fetchall())

    def among(self, column: str) -> str:
        """Return the condition ``column`` is one of a list; its one ``?`` takes :meth:`listed`."""
        return column + (" = ANY(?)" if self.postgres else " IN (SELECT value FROM json_each(?))")  # noqa: S608 - a column of ours

    def listed(self, values: Iterable[int] | Iterable[str]) -> object:
        """Return a list of any length as the one value that :meth:`among` takes."""
        return list(values) if self.postgres else orjson.dumps(list(values)).decode()

    def _cursor(self) -> Any:  # noqa: ANN401 - a DB-API cursor
        return self.connection.connection.cursor()

    def _spelt(self, sql: str) -> str:
        return spelt(sql, postgres=self.postgres)


@dataclass(frozen=True, slots=True)
class Tx(Reading):
    """One write transaction: all of it is committed when the ``with`` block ends, or none of it."""

    def run(self, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> int:
        """Run a statement and return how many rows it changed."""
        with translated:
            return self.connection.execute(statement, values or {}).rowcount

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> int:
        """Run one statement for many rows on the bare driver (``?`` for each value); return rows changed."""
        if not rows:
            return 0
        with translated:
            cursor = self._cursor()
            cursor.executemany(self._spelt(sql), rows)
            return int(cursor.rowcount)

    def change(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement on the bare driver (``?`` for each value) and return rows changed."""
        with translated:
            cursor = self._cursor()
            cursor.execute(self._spelt(sql), values)
            return int(cursor.rowcount)

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows that are known not to be there yet, by the quickest way that the database has."""
        names = ",".join(columns)
        if not self.postgres:
            self.many(f"INSERT INTO {table} ({names}) VALUES ({','.join('?' * len(columns))})", rows)  # noqa: S608 - our own names
            return
        with translated, self._cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def merge(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], conflict: str) -> None:
        """Insert rows, no two with the same key, by the quickest way; ``conflict`` says what ON CONFLICT does."""
        names = ",".join(columns)
        if not self.postgres:
            marks = ",".join("?" * len(columns))
            self.many(f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT {conflict}", rows)  # noqa: S608 - our own names
            return
        # COPY cannot resolve conflicts: the rows go beside the table first. A statement a row is five times slower.
        self.change(f"CREATE TEMP TABLE IF NOT EXISTS staged_{table} (LIKE {table}) ON COMMIT DROP")
        self.change(f"TRUNCATE staged_{table}")
        self.load(f"staged_{table}", columns, rows)
        self.change(f"INSERT INTO {table} ({names}) SELECT {names} FROM staged_{table} ON CONFLICT {conflict}")  # noqa: S608

    def insert(self, table: sa.Table, rows: Iterable[Mapping[str, Any]], *, update: Sequence[str] | None = None) -> int:
        """Insert rows; where the primary key is there already, set the columns ``update``.

        ``None`` sets every other column; an empty sequence keeps the row as it is. Returns rows changed.
        """
        given = list(rows)
        if not given:
            return 0
        statement = self._insert(table)
        keys = [column.name for column in table.primary_key]
        changing = [name for name in given[0] if name not in keys] if update is None else update
        if changing:
            new = {name: statement.excluded[name] for name in changing}
            statement = statement.on_conflict_do_update(index_elements=keys, set_=new)
        else:
            statement = statement.on_conflict_do_nothing(index_elements=keys)
        with translated:
            return self.connection.execute(statement, given).rowcount

    def _insert(self, table: sa.Table) -> Any:  # noqa: ANN401 - either dialect's, alike in what we use
        if not self.postgres:
            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - a house on SQLite never waits for it

        return postgresql.insert(table)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one of the two databases is: a SQLite file, or a schema behind a URL."""

    schema: str
    path: Path
    url: str | None

    @classmethod
    def gateway(cls, settings: Settings) -> Place:
        """The system of record."""
        return cls("gateway", settings.gateway_db, settings.database_url)

    @classmethod
    def ledger(cls, settings: Settings) -> Place:
        """The ledger."""
        return cls("ledger", settings.ledger_db, settings.database_url)

    @property
    def postgres(self) -> bool:
        """Whether a server keeps it."""
        return self.url is not None

    def engine(self, *, writer: bool) -> sa.Engine:
        """Open it through SQLAlchemy."""
        if self.url is not None:
            return engines.postgres_engine(self.url, self.schema, writer=writer)
        return engines.sqlite_engine(self.path, writer=writer)

    def connect(self, *, writer: bool) -> Any:  # noqa: ANN401 - a DB-API connection
        """Open it with the bare driver."""
        if self.url is not None:
            return engines.connect_postgres(self.url, self.schema, writer=writer)
        engines.refuse_old_sqlite()
        return engines.connect_sqlite(self.path, writer=writer)


class Database:
    """The readers and the writer of one place. Nothing is opened before it is used."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.postgres = place.postgres
        self._engines = engines.Engines(lambda writer: place.engine(writer=writer))
        self.raw_readers = engines.RawPool(lambda: place.connect(writer=False))

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """Open a view that cannot write and that no writer holds up.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with translated, self._engines.get(writer=False).connect() as connection:
            yield Reading(connection, self.postgres)

    def ask(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one query on the bare driver and return its rows: what every request asks, at a fifth of the cost.

        Values come as the driver has them: on SQLite an instant or a date is text.

        Raises:
            Unavailable: the database cannot be reached, or could not answer.
        """
        with self.raw_readers.use() as connection:
            return list(connection.execute(spelt(sql, postgres=self.postgres), values).fetchall())

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Open the one write transaction; commits at the end, or leaves nothing.

        Raises:
            Unavailable: the database cannot be reached, or another writer kept it for 30 seconds.
            Conflict: a constraint was broken.
        """
        with translated, self._engines.get(writer=True).begin() as connection:
            yield Tx(connection, self.postgres)

    def close(self) -> None:
        """Give every connection back."""
        self.raw_readers.close()
        self._engines.close()
