"""Clerks: they read the rows of a file into tables for DuckDB, keep them, and write the answers that come back.

That is most of the work of tracing a large file, and needs neither index nor ledger, so for a large file it is done in
processes of their own, one for each core; a part of the file stays with the clerk that read it.
"""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, Protocol, TypeVar

import pyarrow as pa

from gateway.errors import InputError
from gateway.services.processes import helpers, many
from gateway.services.tracing.outcomes import refused_cells
from linkage.compilers.people import Placed, table
from linkage.keys import KEYS, named_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import ProcessPoolExecutor

    from gateway.services.tracing.request_files import Cells, Form

_KINDS: Final = {name: place for place, name in enumerate(KEYS)}
_KEY_SCHEMA: Final = pa.schema([("hash", pa.int64()), ("person", pa.int32()), ("kind", pa.uint8())])

Raw = TypeVar("Raw")
R = TypeVar("R")


class Reading(NamedTuple):
    """Some rows read: the people they ask about and their keys (Arrow streams), and the rules that others break.

    A person's id is ``first`` and the row's place among these; ``kind`` of a key is its place in `linkage.keys.KEYS`.
    """

    rows: int
    people: bytes
    keys: bytes
    refused: tuple[str, ...]


class Clerk(Generic[Raw, R]):
    """One clerk, in this process. ``told`` are cells that every answer has."""

    def __init__(self, form: Form[Raw, R], told: Cells) -> None:
        self._form = form
        self._told = told
        self._kept: dict[int, list[tuple[R, str | None]]] = {}

    def read(self, part: int, first: int, rows: Sequence[Raw]) -> Reading:
        """Read the rows of a part of the file, whose first has the id ``first``, and keep them."""
        people: list[Placed] = []
        refused: list[str] = []
        kept = self._kept[part] = list[tuple[R, str | None]]()
        for place, raw in enumerate(rows, first):
            asked = self._form.asked(raw)
            if isinstance(asked.person, InputError):
                refused.append(asked.person.reason)
                kept.append((asked.row, asked.person.reason))
            else:
                people.append(Placed(place, asked.person))
                kept.append((asked.row, None))
        return Reading(len(kept), _stream(table(people)), _stream(_keys(people)), tuple(refused))

    def write(self, part: int, cells: Sequence[Cells]) -> bytes:
        """Write the lines of a part that was read; ``cells`` are of the rows that were not refused, in order.

        Raises:
            InputError: a row cannot be written back.
        """
        answers = iter(cells)
        return b"".join(
            [
                self._form.line(row, {**self._told, **(refused_cells(reason) if reason else next(answers))})
                for row, reason in self._kept.pop(part)
            ]
        )


def _keys(people: Sequence[Placed]) -> pa.Table:
    hashes: list[int] = []
    whose: list[int] = []
    kinds: list[int] = []
    for place, person in ((one.id, one.person) for one in people):
        for name, key in named_keys(person):
            hashes.append(key)
            whose.append(place)
            kinds.append(_KINDS[name])
    arrays = [pa.array(hashes, pa.int64()), pa.array(whose, pa.int32()), pa.array(kinds, pa.uint8())]
    return pa.table(arrays, schema=_KEY_SCHEMA)


def _stream(columns: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, columns.schema) as writer:
        writer.write_table(columns)
    return bytes(sink.getvalue())


def of_stream(stream: bytes) -> pa.Table:
    """Return the table of a `Reading`."""
    return pa.ipc.open_stream(stream).read_all()


class Desk(Protocol):
    """Where a clerk sits: what is asked of it comes back when it is done."""

    def read(self, part: int, first: int, rows: Sequence[Any]) -> Future[Reading]:
        """Have a part read, as `Clerk.read`."""

    def write(self, part: int, cells: Sequence[Cells]) -> Future[bytes]:
        """Have a part written by the clerk that read it, as `Clerk.write`."""


class Office:
    """Some clerks, who take the parts of a file in turn."""

    def __init__(self, desks: Sequence[Desk]) -> None:
        self._desks = desks

    def of(self, part: int) -> Desk:
        """Return the desk of a part."""
        return self._desks[part % len(self._desks)]


@contextmanager
def office(form: Form[Any, Any], told: Cells, *, apart: bool) -> Iterator[Office]:
    """Open an office: in processes of their own where the file is worth their beginning (``apart``)."""
    with ExitStack() as stack:
        desks: list[Desk] = [_Here(Clerk(form, told))]
        if apart:
            desks = [_Apart(stack.enter_context(helpers(1, _sit_down, form, told))) for _ in range(many())]
        yield Office(desks)


class _Here:
    """In this process: it answers at once."""

    def __init__(self, clerk: Clerk[Any, Any]) -> None:
        self._clerk = clerk

    def read(self, part: int, first: int, rows: Sequence[Any]) -> Future[Reading]:
        return _done(self._clerk.read(part, first, rows))

    def write(self, part: int, cells: Sequence[Cells]) -> Future[bytes]:
        return _done(self._clerk.write(part, cells))


T = TypeVar("T")


def _done(value: T) -> Future[T]:
    future: Future[T] = Future()
    future.set_result(value)
    return future


class _Apart:
    """In a process of its own."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def read(self, part: int, first: int, rows: Sequence[Any]) -> Future[Reading]:
        return self._pool.submit(_read, part, first, rows)

    def write(self, part: int, cells: Sequence[Cells]) -> Future[bytes]:
        return self._pool.submit(_write, part, cells)


_seat: list[Clerk[Any, Any]] = []
"""The clerk of this process, if it is one of theirs."""


def _sit_down(form: Form[Any, Any], told: Cells) -> None:
    _seat[:] = [Clerk(form, told)]


def _read(part: int, first: int, rows: Sequence[Any]) -> Reading:
    return _seat[0].read(part, first, rows)


def _write(part: int, cells: Sequence[Cells]) -> bytes:
    return _seat[0].write(part, cells)
