"""A national request file in, its response out, in one command: time, processor, memory, and what it is beside.

The whole of the command is timed, its disclosure row and subject tokens included, over an index in SQLite. The first
run makes the snapshot of the index as well; the next find it there. The peer is the published national algorithm on
the same machine (``--algorithm mps``), by rows a second. Memory is that of the command and its helpers together,
looked at several times a second; a file ten times as long must not take more of it.
"""

from __future__ import annotations

import csv
import resource
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from adapters.spine import mpt
from adapters.spine.asked import asked_of
from adapters.spine.trace_people import request_of
from bench.house import SEED, demo_house, system
from bench.result import Result
from fixtures import tuning
from fixtures.rates import AS_OF
from gateway.services.records.index import IndexSource, load_index

if TYPE_CHECKING:
    from collections.abc import Iterator

PEOPLE: Final = 1_000_000
ROWS: Final = (50_000, 50_000, 500_000)
"""The first makes the snapshot, so that the second shows what that took."""
NATIONAL_ROWS: Final = 2_000
_MIB: Final = 2**20
_STAMP: Final = 20_260_312_093_000
_PROGRAM: Final = "import sys; from gateway.cli import main; main(sys.argv[1:], prog_name='gateway')"


class Took(NamedTuple):
    """What a command took: seconds by the clock and of processor, and the most memory of it and its helpers."""

    seconds: float
    processor: float
    mib: float


def measure(scratch: Path, scale: float) -> Iterator[Result]:
    """Trace files of growing length, then a short one by the national algorithm."""
    people = int(PEOPLE * scale)
    population = scratch / "population"
    tuning.write(population, people, int(ROWS[-1] * scale), SEED)
    with demo_house(scratch) as house:
        load_index(house, system(house, "system-index"), IndexSource(population / "index.csv", "demo", AS_OF))
    found: list[tuple[int, Took]] = []
    for place, rows in enumerate(int(each * scale) for each in ROWS):
        request = _request(population / "queries.csv", scratch, rows, _STAMP + place)
        took = _traced(scratch, request)
        _check(request, scratch / "out.csv")
        found.append((rows, took))
        yield from _told(rows, people, took, first=not place, last=rows == int(ROWS[-1] * scale))
    short, long = found[1], found[-1]
    work = f"trace of an MPT file, {long[0]:,} rows beside {short[0]:,}"
    yield Result(work, "peak memory", long[1].mib / short[1].mib, "x", at_most=1.5, note="constant in its length")
    rows = int(NATIONAL_ROWS * scale)
    national = _traced(scratch, _request(population / "queries.csv", scratch, rows, _STAMP + 9), "--algorithm", "mps")
    ratio = (long[0] / long[1].seconds) / (rows / national.seconds)
    yield Result(
        f"trace of an MPT file, {long[0]:,} rows x {people:,} people",
        "rows a second",
        long[0] / long[1].seconds,
        "rows/s",
        peer="the national algorithm, one by one",
        ratio=ratio,
        note=f"{rows / national.seconds:.0f} rows/s",
    )


def _told(rows: int, people: int, took: Took, *, first: bool, last: bool) -> Iterator[Result]:
    work = f"trace of an MPT file, {rows:,} rows x {people:,} people, one command"
    note = f"{took.processor:.1f} s of processor" + (", the snapshot of the index among them" if first else "")
    yield Result(work, "time", took.seconds, "s", at_most=60 if last else None, note=note)
    yield Result(work, "peak memory", took.mib, "MiB", at_most=1536)


def _request(queries: Path, folder: Path, rows: int, stamp: int) -> Path:
    """So many of the questions as an MPT request."""
    reference = mpt.reference(str(stamp))
    path = folder / f"{reference}.csv"
    with queries.open(encoding="utf-8", newline="") as opened:
        asked = (request_of(asked_of(row), row["row_id"]) for row in islice(csv.DictReader(opened), rows))
        path.write_bytes(b"".join(mpt.write_requests(mpt.Header(reference, str(stamp), rows), asked)))
    return path


def _traced(folder: Path, request: Path, *words: str) -> Took:
    """Run the command and watch it."""
    command = [sys.executable, "-c", _PROGRAM, "--data-dir", str(folder / "var"), "trace", str(request)]
    before, start, most = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), 0.0
    words = ("--format", "mpt", "--out", str(folder / "out.csv"), *words)
    with subprocess.Popen([*command, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        while running.poll() is None:
            most = max(most, sum(map(_memory, _family(running.pid))))
            time.sleep(0.2)
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(time.perf_counter() - start, processor, most)


def _family(process: int) -> list[int]:
    """A process and those that it began."""
    try:
        threads = Path(f"/proc/{process}/task").glob("*/children")
        begun = [child for each in threads for child in each.read_text("ascii").split()]
    except OSError:
        return []
    return [process, *(one for child in begun for one in _family(int(child)))]


def _memory(process: int) -> float:
    """The memory of a process in MiB, its share of what it has in common with others."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / _MIB


def _check(request: Path, response: Path) -> None:
    """Every row is answered, in order, and the header says so."""
    with request.open(encoding="utf-8", newline="") as asked, response.open(encoding="utf-8", newline="") as answered:
        questions, answers = csv.reader(asked), csv.reader(answered)
        count, head = next(questions)[3], next(answers)
        if head[2:] != [count, "00"]:
            raise AssertionError("the header does not say what there is")
        for question, answer in zip(questions, answers, strict=True):
            if question[0] != answer[0]:
                raise AssertionError("the answers are not in the order of the questions")
