"""People of two CSV files as the batch engine reads them: normalised, keyed, in Parquet; made once, kept beside them.

The kept copy is named after everything it depends on: the code that normalises and keys, the columns of the batch
engine, and the size and time of the files. Two processes share the work where there is enough of it.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from adapters.feed import Feed
from adapters.spine import Death as KnownDeath
from adapters.spine import IndexRow
from gateway.services.files import named
from gateway.services.quality.files import index_people, questions
from linkage.compilers import people as columns
from linkage.compilers.people import KEY_SCHEMA
from linkage.findings import Death
from linkage.frequencies import Frequencies
from linkage.keys import index_keys, probe_keys
from linkage.nhs_number import NhsNumber
from linkage.normalise import normalise
from linkage.person import Security

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.services.progress import Report
    from linkage.person import Person

PROCESSES: Final = 2
BATCH: Final = 20_000
_KEPT: Final = ".prepared-"
_DEPENDS_ON: Final = ("normalise", "folding", "person", "placeholders", "customs*", "names", "keys", "compilers/people")
_WHOSE: Final = pa.schema([("number", pa.string()), ("person", pa.int32())])
_KINDS: Final = ("people", "keys", "whose")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A folder of Parquet files (see `gateway.services.quality.peers.Tables`), and what is small enough for memory.

    ``people`` counts the rows of the index, ``frequencies`` their names; ``row_ids`` are those of the questions in
    order. ``index_whose.parquet`` beside the others gives every row of the index (``person``) the number in force, its
    own or the one that superseded it.
    """

    folder: Path
    people: int
    frequencies: Frequencies
    row_ids: Sequence[str]


class _Task(NamedTuple):
    """A stretch of a file for one process: bytes ``start`` to ``start + length``, from row position ``first`` on."""

    path: Path
    header: bytes
    start: int
    length: int
    first: int
    target: Path
    questions: bool


@dataclass(slots=True)
class _Part:
    """What came of a stretch, besides its Parquet files."""

    people: int = 0
    row_ids: list[str] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)


def prepare(index: Path, queries: Path, beside: Path, report: Report) -> Prepared:
    """Return both files ready for the batch engine, from the kept copy or made now.

    Raises:
        InputError: a file is missing or unusable, or a row of it breaks a rule of the index.
    """
    kept = beside / f"{_KEPT}{_digest(index, queries)}"
    if not kept.exists():
        for old in beside.glob(f"{_KEPT}*"):
            shutil.rmtree(old)
        with named(beside), tempfile.TemporaryDirectory(dir=beside, prefix=".part-") as scratch:
            _make(index, queries, Path(scratch), report)
            (Path(scratch) / "whole").rename(kept)
    about = json.loads((kept / "about.json").read_text(encoding="utf-8"))
    people = about["people"]
    return Prepared(kept, people, Frequencies(about["counts"], people), about["row_ids"])


def _digest(*files: Path) -> str:
    """Name everything the kept copy depends on; a model's keys and versions are in the code that is hashed."""
    digest = hashlib.sha256()
    room = Path(str(columns.__file__)).parent.parent
    for module in sorted(path for name in _DEPENDS_ON for path in room.glob(f"{name}.py")):
        digest.update(module.read_bytes())
    for path in files:
        with named(path):
            known = path.stat()
        digest.update(f"{path.name} {known.st_size} {known.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def _make(index: Path, queries: Path, scratch: Path, report: Report) -> None:
    whole = scratch / "whole"
    whole.mkdir()
    held = _normalise(index, scratch / "held", report, questions=False)
    asked = _normalise(queries, scratch / "asked", report, questions=True)
    for name, folder in (("index", "held"), ("query", "asked")):
        for kind in _KINDS:
            _join(scratch / folder, kind, whole / f"{name}_{kind}.parquet")
    about = {**asdict(held), "row_ids": asked.row_ids}
    (whole / "about.json").write_text(json.dumps(about), encoding="utf-8")


def _normalise(path: Path, target: Path, report: Report, *, questions: bool) -> _Part:
    """Normalise and key a whole file, in as many processes as it has stretches, and two at most."""
    target.mkdir()
    tasks = list(_tasks(path, target, questions=questions))
    found = _Part()
    counts: dict[str, Counter[str]] = {}
    for part in _run(tasks):
        found.people += part.people
        found.row_ids += part.row_ids
        for name, values in part.counts.items():
            counts.setdefault(name, Counter()).update(values)
        report(found.people, None)
    found.counts = {name: dict(values) for name, values in counts.items()}
    return found


def _run(tasks: Sequence[_Task]) -> Iterator[_Part]:
    if len(tasks) < PROCESSES:
        yield from map(_stretch, tasks)
        return
    # A fresh interpreter: a forked one would inherit the threads of DuckDB and Arrow half-way through their work.
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_stretch, tasks)


def _tasks(path: Path, target: Path, *, questions: bool) -> Iterator[_Task]:
    """Cut a CSV into stretches of some twenty thousand lines, never inside quotes."""
    with named(path), path.open("rb") as file:
        header = file.readline()
        start, length, lines, first, quotes = len(header), 0, 0, 0, 0
        for line in file:
            length += len(line)
            quotes += line.count(b'"')
            lines += quotes % 2 == 0
            if lines == BATCH and quotes % 2 == 0:
                yield _Task(path, header, start, length, first, target, questions)
                start, length, lines, first = start + length, 0, 0, first + lines
        yield _Task(path, header, start, length, first, target, questions)


def _stretch(task: _Task) -> _Part:
    """Normalise one stretch and write its two Parquet files."""
    with task.path.open("rb") as file:
        file.seek(task.start)
        text = task.header + file.read(task.length)
    feed = Feed(task.path.name, lambda: BytesIO(text))
    part = _Part()
    people: list[Person] = []
    rows: list[tuple[object, ...]] = []
    hashes: list[tuple[int, int]] = []
    whose: list[tuple[str, int]] = []
    for position, (one, row, keys) in enumerate(_read(task, feed, part), task.first):
        people.append(one)
        successor = NhsNumber.parse(row.superseded_by) if row.superseded_by else None
        death = Death(row.death.value)
        rows.append(columns.row(position, one, row.sensitivity, superseded_by=successor, death=death))
        hashes.extend((key, position) for key in keys)
        whose.append((row.superseded_by or (one.nhs_number.digits if one.nhs_number else ""), position))
    part.people = len(people)
    part.counts = Frequencies.of(people).as_counts()
    stem = task.target / f"{task.first:09d}"
    pq.write_table(columns.as_arrow(rows), f"{stem}.people.parquet")
    _write(stem, "keys", KEY_SCHEMA, hashes)
    _write(stem, "whose", _WHOSE, whose)
    return part


def _read(task: _Task, feed: Feed, part: _Part) -> Iterator[tuple[Person, IndexRow, Sequence[int]]]:
    """Each person of a stretch with the row they stand in and the keys they are kept under, or looked for."""
    if task.questions:
        for row_id, demographics in questions(feed):
            part.row_ids.append(row_id)
            one = normalise(demographics)
            yield one, IndexRow(demographics, "", Security.UNRESTRICTED, KnownDeath.NONE), probe_keys(one)
        return
    for row in index_people(feed, task.first):
        one = normalise(row.demographics)
        yield one, row, stored_under(one, row.sensitivity)


def stored_under(one: Person, security: Security) -> Sequence[int]:
    """The keys of an index row; an invalidated one is known by its number alone, as in the store of the house."""
    return () if security is Security.INVALIDATED else index_keys(one, security)


def _write(stem: Path, kind: str, schema: pa.Schema, rows: Sequence[tuple[object, ...]]) -> None:
    values = list(zip(*rows, strict=True)) or [()] * len(schema)
    pq.write_table(pa.table(list(map(pa.array, values, schema.types)), schema=schema), f"{stem}.{kind}.parquet")


def _join(parts: Path, kind: str, whole: Path) -> None:
    """Write the parts of one table one after another into one file."""
    files = sorted(parts.glob(f"*.{kind}.parquet"))
    with pq.ParquetWriter(whole, pq.read_schema(files[0])) as writer:
        for file in files:
            writer.write_table(pq.read_table(file))
