"""Progress of long work: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gateway.cli.context import err

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Report = Callable[[int, int | None], None]

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def progress(what: str) -> Iterator[Report]:
    """Yield ``report(done, total)``; ``total`` may be None while it is not known."""
    if err.is_terminal:
        with _bar(what) as report:
            yield report
        return
    yield _lines(what)


@contextmanager
def _bar(what: str) -> Iterator[Report]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bars:
        task = bars.add_task(what, total=None)

        def report(done: int, total: int | None) -> None:
            bars.update(task, completed=done, total=total)

        yield report


def _lines(what: str) -> Report:
    last = monotonic()

    def report(done: int, total: int | None) -> None:
        nonlocal last
        if monotonic() - last >= _SECONDS_BETWEEN_LINES:
            last = monotonic()
            err.print(f"{what}: {done:,}" + (f" of {total:,}" if total else ""))

    return report
