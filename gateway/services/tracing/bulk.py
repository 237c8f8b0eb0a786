"""A file traced in DuckDB over a snapshot of the index: the same answers as one trace at a time, for many at once."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from itertools import count, islice
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa

from gateway import ids
from gateway.services.tracing.batch import RESPONSE_COLUMNS, Algorithm, house_cells, told_of
from gateway.services.tracing.clerks import of_stream, office
from gateway.services.tracing.engines import Engine
from gateway.services.tracing.snapshot import KEYS, PEOPLE, kept, snapshot
from gateway.services.tracing.work import Piece
from linkage.batch import Report, known_of, trace
from linkage.decide import Outcome
from linkage.keys import KEYS as KINDS
from linkage.nhs_number import NhsNumber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.tracing.against import CheckedAgainst
    from gateway.services.tracing.clerks import Office, Reading
    from gateway.services.tracing.request_files import Cells, Exchange

FEW: Final = 5_000
"""Files of fewer rows are answered sooner one by one."""

_ROWS_PER_PERSON: Final = 0.1
"""A snapshot takes as long to make as tracing so many rows of each person of the index one by one."""

_MEMORY: Final = "512MiB"
PART: Final = 20_000
PARTS: Final = 4
"""Rows that a clerk reads at once, and how many such parts DuckDB has at once."""
_WORTH_PROCESSES: Final = 1 << 22
"""Bytes of a file (some thirty thousand rows) for which clerks in processes of their own pay."""


def fitting(house: House, rows: int) -> Engine:
    """Return the engine that answers a file of so many rows sooner, over this index as it is now."""
    info = house.stores.index.describe()
    if rows < FEW or info is None:
        return Engine.PYTHON
    pays = rows >= _ROWS_PER_PERSON * info.people
    return Engine.DUCKDB if pays or kept(house) else Engine.PYTHON


class BulkTracer:
    """The house model over a snapshot, a stretch of rows at a time. One passage of the gate, one snapshot.

    While DuckDB has one stretch, the clerks read the next and write the one before.
    """

    def __init__(self, house: House, passage: Passage, against: CheckedAgainst) -> None:
        self._engine, self._passage, self._against = house.engine(), passage, against
        self._formers = house.stores.whole_index.formers()
        folder = snapshot(house, passage.permit)
        self._connection = _opened(folder)
        self._known = known_of(self._connection, self._engine.matcher, "held")

    def pieces(self, exchange: Exchange[Any, Any], skip: int, tell: Callable[[int], None]) -> Iterator[Piece]:
        """Answer the rows, a stretch to a piece.

        Raises:
            Unavailable: a process that helps was killed.
        """
        rows = islice(exchange.rows(), skip, None)
        apart = exchange.source.stat().st_size > _WORTH_PROCESSES
        with office(exchange.form, told_of(self._against), apart=apart) as clerks:
            yield from self._stretches(clerks, rows, tell)

    def _stretches(self, clerks: Office, rows: Iterator[Any], tell: Callable[[int], None]) -> Iterator[Piece]:
        parts = count()
        written: _Written | None = None
        ahead = _begun(clerks, rows, parts)
        while stretch := ahead:
            ahead = _begun(clerks, rows, parts)
            answered = self._answered(clerks, stretch)
            if written:
                yield written.piece(tell)
            written = answered
        if written:
            yield written.piece(tell)

    def _answered(self, clerks: Office, stretch: Sequence[tuple[int, Future[Reading]]]) -> _Written:
        """Answer the rows of a stretch, and have them written."""
        readings = [(part, reading.result()) for part, reading in stretch]
        self._take([reading for _, reading in readings])
        report = Report()
        answers = self._found(report)
        written = _Written([], 0, [], Counter(), Counter(), Counter())
        for part, reading in readings:
            own = list(islice(answers, reading.rows - len(reading.refused)))
            written.parts.append(clerks.of(part).write(part, [cells for _, _, cells in own]))
            written.rows += reading.rows
            written.named += [number.digits for _, number, _ in own if number]
            written.outcomes.update(outcome for outcome, _, _ in own)
            written.refused.update(reading.refused)
        written.capped = self._kinds(report)
        self._passage.disclose(
            [ids.person_id(NhsNumber.trusted(number)) for number in written.named], rows=written.outcomes.total()
        )
        return written

    def _take(self, readings: Sequence[Reading]) -> None:
        """Lay the people of some rows and their keys before DuckDB."""
        self._hand_over("asked", pa.concat_tables([of_stream(reading.people) for reading in readings]))
        self._hand_over("asked_keys", pa.concat_tables([of_stream(reading.keys) for reading in readings]))
        self._hand_over("never", _pairs(self._sealed()))

    def _found(self, report: Report) -> Iterator[tuple[Outcome, NhsNumber | None, Cells]]:
        """What became of each, in order, and the cells that tell it."""
        answers = list(
            trace(
                self._connection,
                self._engine.matcher,
                asked="asked",
                asked_keys="asked_keys",
                held="held",
                held_keys="held_keys",
                never="never",
                stretch=PART * PARTS,
                cap=self._engine.most,
                report=report,
                known=self._known,
            )
        )
        named = [one.held if one.outcome is Outcome.MATCHED else None for one in answers]
        numbers = self._numbers_of({row for row in named if row is not None})
        for answer, row in zip(answers, named, strict=True):
            # who is only near is named to nobody, be it that another row of the file matches them
            number = None if row is None else numbers[row]
            yield answer.outcome, number, house_cells(answer, number, answer.posterior, self._against, answer.close)

    def _kinds(self, report: Report) -> Counter[str]:
        """How many questions met more candidates than are looked at, by the kind of their largest key."""
        capped = pa.table(
            {
                "person": pa.array([one.asked for one in report.capped], pa.int32()),
                "hash": pa.array([one.hash for one in report.capped], pa.int64()),
            }
        )
        self._hand_over("capped", capped)
        found = self._connection.execute("SELECT k.kind FROM asked_keys k SEMI JOIN capped c USING (person, hash)")
        return Counter(KINDS[kind] for (kind,) in found.fetchall())

    def _sealed(self) -> Iterator[tuple[int, int]]:
        """The rows that a former number must not lead to, as `gateway.engine.Engine` rules them out."""
        if not self._formers:
            return
        index, permit = self._engine.index, self._passage.permit
        asked = self._connection.execute("SELECT id, number FROM asked WHERE number_valid ORDER BY id").fetchall()
        for place, number in ((place, NhsNumber.trusted(digits)) for place, digits in asked):
            if ids.person_id(number) not in self._formers:
                continue
            for person in self._engine.sealed_off(permit, number, index.by_number(permit, number)):
                held = index.by_person(permit, person)
                if held is not None and held.person.nhs_number is not None:
                    found = self._connection.execute(
                        "SELECT id FROM held WHERE number = ?", [held.person.nhs_number.digits]
                    ).fetchall()
                    yield from ((place, of) for (of,) in found)

    def _numbers_of(self, rows: set[int]) -> dict[int, NhsNumber]:
        self._hand_over("found", pa.table({"id": pa.array(list(rows), pa.int32())}))
        found = self._connection.execute("SELECT h.id, h.number FROM held h SEMI JOIN found f ON f.id = h.id")
        return {place: NhsNumber.trusted(digits) for place, digits in found.fetchall()}

    def _hand_over(self, table: str, columns: pa.Table) -> None:
        self._connection.register("handed_over", columns)
        self._connection.execute(f"CREATE OR REPLACE TABLE {table} AS FROM handed_over").fetchall()
        self._connection.unregister("handed_over")


@dataclass(slots=True)
class _Written:
    """A stretch that was answered and is being written."""

    parts: list[Future[bytes]]
    rows: int
    named: list[str]
    outcomes: Counter[str]
    refused: Counter[str]
    capped: Counter[str]

    def piece(self, tell: Callable[[int], None]) -> Piece:
        lines = b"".join([part.result() for part in self.parts])
        tell(self.rows)
        return Piece(self.rows, lines, self.named, self.outcomes, self.refused, self.capped)


def _begun(clerks: Office, rows: Iterator[Any], parts: Iterator[int]) -> list[tuple[int, Future[Reading]]]:
    """Have the next stretch read: so many parts of so many rows, those that there are."""
    stretch = []
    for first in range(0, PART * PARTS, PART):
        taken = list(islice(rows, PART))
        if not taken:
            break
        part = next(parts)
        stretch.append((part, clerks.of(part).read(part, first, taken)))
    return stretch


def _pairs(pairs: Iterable[tuple[int, int]]) -> pa.Table:
    asked, held = zip(*found, strict=True) if (found := list(pairs)) else ((), ())
    return pa.table({"asked": pa.array(asked, pa.int64()), "held": pa.array(held, pa.int32())})


def _opened(folder: Path) -> duckdb.DuckDBPyConnection:
    """A connection over the snapshot; what does not fit into memory is spilt beside it, where nobody else looks."""
    spill = folder.parent / f".spill-{os.getpid()}"
    options: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "temp_directory": str(spill),
        "preserve_insertion_order": "false",
    }
    connection = duckdb.connect(config=options)
    connection.execute("SET enable_progress_bar = false").fetchall()
    for view, name in (("held", PEOPLE), ("held_keys", KEYS)):
        path = str(folder / name).replace("'", "''")
        connection.execute(f"CREATE VIEW {view} AS FROM read_parquet('{path}')").fetchall()
    return connection


BULK: Final = Algorithm("house", RESPONSE_COLUMNS, BulkTracer)
"""The house model over a snapshot: what ``gateway trace --engine duckdb`` answers with."""
