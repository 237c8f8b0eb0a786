"""A file traced in DuckDB over a snapshot of the index: the same answers as one trace at a time, for many at once."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa

from gateway import ids
from gateway.engine import kind_of_key
from gateway.services.tracing.batch import RESPONSE_COLUMNS, Algorithm, house_cells
from gateway.services.tracing.engines import Engine
from gateway.services.tracing.snapshot import KEYS, PEOPLE, kept, snapshot
from linkage.batch import Report, trace
from linkage.compilers.people import as_arrow, row
from linkage.decide import Outcome
from linkage.keys import probe_keys
from linkage.nhs_number import NhsNumber

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.tracing.against import CheckedAgainst
    from linkage.batch import Answer
    from linkage.person import Demographics, Person

FEW: Final = 5_000
"""Files of fewer rows are answered sooner one by one."""

_ROWS_PER_PERSON: Final = 0.1
"""A snapshot takes as long to make as tracing so many rows of each person of the index one by one."""

_MEMORY: Final = "1GiB"
_STRETCH: Final = 50_000


def fitting(house: House, rows: int) -> Engine:
    """Return the engine that answers a file of so many rows sooner, over this index as it is now."""
    info = house.stores.index.describe()
    if rows < FEW or info is None:
        return Engine.PYTHON
    pays = rows >= _ROWS_PER_PERSON * info.people
    return Engine.DUCKDB if pays or kept(house) else Engine.PYTHON


class BulkTracer:
    """The house model over a snapshot, a stretch of rows at a time. One passage of the gate, one snapshot."""

    stretch = _STRETCH

    def __init__(self, house: House, passage: Passage, against: CheckedAgainst) -> None:
        self._engine, self._passage, self._against = house.engine(), passage, against
        self._formers = house.stores.whole_index.formers()
        folder = snapshot(house, passage.permit)
        self._connection = _opened(folder)
        self._answers: Iterator[tuple[Answer, NhsNumber | None]] = iter(())
        self.capped: Counter[str] = Counter()

    def take(self, people: Sequence[Person]) -> None:
        """Answer the people of the rows that come next."""
        self._hand_over("asked", as_arrow(row(place, one) for place, one in enumerate(people)))
        keys = [(key, place) for place, one in enumerate(people) for key in probe_keys(one)]
        self._hand_over("asked_keys", _numbers(("hash", "person"), keys))
        self._hand_over("never", _numbers(("asked", "held"), self._sealed(people)))
        report = Report()
        answers = list(
            trace(
                self._connection,
                self._engine.matcher,
                asked="asked",
                asked_keys="asked_keys",
                held="held",
                held_keys="held_keys",
                never="never",
                stretch=self.stretch,
                cap=self._engine.most,
                report=report,
            )
        )
        self.capped.update(kind_of_key(people[one.asked], one.hash) for one in report.capped)
        named = [one.held if one.outcome is Outcome.MATCHED else None for one in answers]
        numbers = self._numbers_of({row for row in named if row is not None})
        # who is only near is named to nobody, be it that another row of the file matches them
        found = [None if row is None else numbers[row] for row in named]
        self._answers = zip(answers, found, strict=True)

    def found(self, said: Demographics, asked: Person) -> tuple[Outcome, dict[str, str]]:  # noqa: ARG002 - taken before
        """Return the answer of the next row taken, and disclose whom it names."""
        answer, number = next(self._answers)
        self._passage.disclose([ids.person_id(number)] if number else (), rows=1)
        return answer.outcome, house_cells(answer, number, answer.posterior, self._against)

    def _sealed(self, people: Sequence[Person]) -> Iterator[tuple[int, int]]:
        """The rows that a former number must not lead to, as `gateway.engine.Engine` rules them out."""
        index, permit = self._engine.index, self._passage.permit
        for place, one in enumerate(people) if self._formers else ():
            number = one.nhs_number
            if number is None or ids.person_id(number) not in self._formers:
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


def _numbers(names: tuple[str, str], pairs: Iterable[tuple[int, int]]) -> pa.Table:
    one, other = zip(*found, strict=True) if (found := list(pairs)) else ((), ())
    return pa.table({names[0]: pa.array(one, pa.int64()), names[1]: pa.array(other, pa.int32())})


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


BULK: Final = Algorithm(RESPONSE_COLUMNS, BulkTracer)
"""The house model over a snapshot: what ``gateway trace --engine duckdb`` answers with."""
