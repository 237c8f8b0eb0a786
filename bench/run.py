"""Run every ``bench_*.py`` beside this file, print one table, write ``docs/benchmarks.md``: ``make bench``.

A bench is a module with ``measure(scratch: Path, scale: float) -> Iterator[Result]``. Each runs in a process of its
own, so that one's memory is not another's. ``--scale 0.1`` makes every size a tenth, for a quick look; only a run at
full scale writes the page. Exits 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from bench.result import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parent / "docs" / "benchmarks.md"
NAMED: Final = ("duckdb", "orjson", "pysqlite3", "rapidfuzz", "recordlinkage", "SQLAlchemy", "pyarrow", "flask")
HEAD: Final = ("Work", "Measure", "Figure", "Bar", "Met", "Peer in the same run", "Ratio", "Note")


def names(only: Sequence[str]) -> list[str]:
    """The benches there are, or those asked for."""
    found = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    return [name for name in found if not only or name in only]


def measure_here(name: str, scale: float) -> None:
    """Run one bench in this process and print its results as JSON lines."""
    with tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as scratch:
        for result in import_module(f"bench.bench_{name}").measure(Path(scratch), scale):
            print(json.dumps(result.as_dict()), flush=True)


def measure_apart(name: str, scale: float) -> list[Result]:
    """Run one bench in a process of its own and read its results."""
    command = [sys.executable, str(Path(__file__).resolve()), "--here", name, "--scale", str(scale)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [Result(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]


def figure(value: float, unit: str) -> str:
    """A figure as people read it."""
    text = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{text} {unit}"


def cells(result: Result) -> tuple[str, ...]:
    """One line of the table."""
    at_most, at_least = result.at_most, result.at_least
    bar = f"≤ {figure(at_most, result.unit)}" if at_most is not None else ""
    bar = f"≥ {figure(at_least, result.unit)}" if at_least is not None else bar
    met = ("yes" if result.met else "**no**") if bar else ""
    ratio = f"{result.ratio:,.3g} x" if result.ratio is not None else ""
    return (result.work, result.measure, figure(result.value, result.unit), bar, met, result.peer, ratio, result.note)


def machine() -> str:
    """The processor, cores and memory, without the machine's name."""
    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = (line for line in cpuinfo.read_text("utf-8").splitlines() if line.startswith("model name"))
        model = next(lines, "").partition(":")[2].strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model or platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}"


def versions() -> str:
    """What it ran on."""
    held = [f"{name} {metadata.version(name)}" for name in NAMED]
    return ", ".join([f"Python {platform.python_version()}", *held])


def commit() -> str:
    """The commit measured, marked when the tree differs from it."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=HERE, check=True, capture_output=True, text=True).stdout.strip()

    return git("rev-parse", "--short=12", "HEAD") + (" with changes" if git("status", "--porcelain", "-uno") else "")


def busy() -> str:
    """How much else the machine was doing: the runnable processes of the last minute, before the benches began."""
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def page(results: Sequence[Result], load: str) -> str:
    """The document."""
    rows = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    rows += ["| " + " | ".join(cells(result)) + " |" for result in results]
    table = "\n".join(rows)
    return (
        "# Benchmarks\n\n"
        "Written by `make bench`. A ratio compares with the peer on the same data in the same run: more than 1 is "
        "better for us. Figures drift with the machine; ratios less so.\n\n"
        f"- Commit: {commit()}\n- When: {datetime.now(UTC):%d %B %Y}\n"
        f"- Machine: {machine()}\n- Versions: {versions()}\n"
        f"- Load average before the run: {load}; where that is not near nothing, times by the clock say little, and "
        "processor time says more.\n\n"
        f"{table}\n"
    )


def show(results: Sequence[Result]) -> None:
    """Print the table."""
    drawn = Table(*HEAD)
    for result in results:
        drawn.add_row(*cells(result))
    Console(width=None if sys.stdout.isatty() else 200).print(drawn)


def main() -> int:
    """Run what was asked for; return 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description="run the benches and print one table")
    parser.add_argument("only", nargs="*", help="names of benches, all unless given")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full sizes")
    parser.add_argument("--here", metavar="NAME", help="run one bench in this process, printing JSON lines")
    asked = parser.parse_args()
    if asked.here:
        measure_here(asked.here, asked.scale)
        return 0
    load = busy()
    results = [result for name in names(asked.only) for result in measure_apart(name, asked.scale)]
    show(results)
    if asked.scale == 1 and not asked.only:
        PAGE.write_text(page(results, load), "utf-8")
        print(f"wrote {PAGE.relative_to(HERE.parent)}")
    return 0 if all(result.met for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
