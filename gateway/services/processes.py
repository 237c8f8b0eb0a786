"""Processes that help with one piece of work: fresh interpreters that leave when whoever began them is gone."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gateway.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
U = TypeVar("U")

AT_MOST: Final = 2
"""Processes that help at once: DuckDB, which they feed, takes every core as well."""


def many() -> int:
    """Return how many processes help."""
    return min(AT_MOST, os.cpu_count() or 1)


@contextmanager
def helpers(workers: int, sit_down: Callable[..., None] | None = None, *told: object) -> Iterator[ProcessPoolExecutor]:
    """Open a pool of processes, each of which begins with ``sit_down(*told)``.

    Raises:
        Unavailable: one of them was killed.
    """
    # a forked one would inherit the threads of DuckDB and the ledger half-way through their work
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin, (sit_down, told))
    try:
        yield pool
    except BrokenProcessPool:
        raise Unavailable("a process that helped was ended", reason="process-lost") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def in_order(pool: ProcessPoolExecutor, work: Callable[[T], U], what: Iterable[T], ahead: int) -> Iterator[U]:
    """Yield what ``work`` makes of each, in order; no more than ``ahead`` are taken before they are needed."""
    waiting: deque[Any] = deque()
    for one in what:
        waiting.append(pool.submit(work, one))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _begin(sit_down: Callable[..., None] | None, told: tuple[object, ...]) -> None:
    # an interruption is the affair of whoever began this; rows hold no rings for the collector to look for
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    threading.Thread(target=_leave_with, args=(multiprocessing.parent_process(),), daemon=True).start()
    if sit_down is not None:
        sit_down(*told)


def _leave_with(beginner: Any) -> None:  # noqa: ANN401 - multiprocessing has no public name for it
    """Leave when the process that began this one is gone; killed, it tells nobody."""
    beginner.join()
    os._exit(1)
