"""Source files to stored FHIR and people ready to link: parse, map, normalise, and commit by batches, all flushed."""

from __future__ import annotations

import resource
import time
from typing import TYPE_CHECKING, Final

from bench.house import SEED, demo_house, system
from bench.result import Result
from fixtures.write import write_demo
from gateway.services.records.ingest import ingest_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PEOPLE: Final = 20_000


def measure(scratch: Path, scale: float) -> Iterator[Result]:
    """Take in the three feeds of one county, then all of them again."""
    people = int(PEOPLE * scale)
    county = write_demo(scratch / "county", people, SEED + 2)
    feeds = {"social-care": county.social_care, "gp": county.gp, "acute": county.acute}
    rows, seconds, processor = 0, 0.0, 0.0
    with demo_house(scratch) as house:
        caller = system(house, "system-ingest")
        for source, paths in feeds.items():
            start, began = time.perf_counter(), time.process_time()
            done = ingest_files(house, caller, source, paths)
            took = time.perf_counter() - start
            rows, seconds, processor = rows + done.read, seconds + took, processor + time.process_time() - began
            yield Result(f"ingest {source}, county of {people:,}", "rate", done.read / took, "records/s")
        start = time.perf_counter()
        for source, paths in feeds.items():
            ingest_files(house, caller, source, paths)
        again = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    work = f"ingest all three, {rows:,} source records"
    yield Result(work, "rate", rows / seconds, "records/s", at_least=1_500, note="bar of DESIGN: 3,000")
    yield Result(work, "rate by processor time", rows / processor, "records/s")
    yield Result(work, "peak memory", peak, "GiB", at_most=2)
    yield Result("the same files again", "time", again, "s", note="nothing changes")
