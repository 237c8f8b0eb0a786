"""The demo from nothing to ready: county written, index loaded, feeds taken in, linked, released."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

PEOPLE: Final = 20_000


def measure(scratch: Path, scale: float) -> Iterator[Result]:
    """Run the command itself, and ask the system how long it took and how much memory it held at most."""
    people = int(PEOPLE * scale)
    command = str(Path(sys.executable).parent / "gateway")
    words = [command, "--data-dir", str(scratch / "var"), "demo", "--people", str(people), "--no-serve"]
    start = time.perf_counter()
    with (scratch / "demo.txt").open("wb") as said:
        child = os.posix_spawn(command, words, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, said.fileno(), 1)])
        _, status, used = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    if code := os.waitstatus_to_exitcode(status):
        message = f"gateway demo ended with {code}"
        raise RuntimeError(message)
    work = f"demo of {people:,} people, whole process"
    yield Result(work, "time", seconds, "s", at_most=90)
    yield Result(work, "processor time", used.ru_utime + used.ru_stime, "s")
    yield Result(work, "peak memory", used.ru_maxrss / 2**20, "GiB", at_most=2)
