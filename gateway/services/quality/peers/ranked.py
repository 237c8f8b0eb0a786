"""What every peer run takes and gives back, so that one table can compare them."""

from __future__ import annotations

import resource
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from gateway.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ABSENT: Final = float("-inf")
"""The score of a question for which a run names nobody: below every score there is."""

_KIB_PER_MIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Tables:
    """Where one population lies: its CSV files, and the same people as the batch engine reads them.

    The four Parquet files are those of a snapshot: people with the columns of `linkage.compilers.duckdb`, whose ``id``
    is the row's position in the CSV, counted from 0, and their hashed keys (hash, person).
    """

    index_people: Path
    index_keys: Path
    query_people: Path
    query_keys: Path
    index_csv: Path
    queries_csv: Path


@dataclass(frozen=True, slots=True)
class Ranked:
    """One run: an answer for every question, and what it cost.

    Attributes:
        name: the engine and the way it was used.
        answers: (position in the queries file, NHS number of the best candidate's person or None, score); higher is
            surer, and nobody goes with `ABSENT`. In the order of the questions.
        seconds: wall-clock seconds from the files to the answers.
        peak_mib: the most memory that the process had held when the run ended.
        note: what a reader needs to judge the run.
    """

    name: str
    answers: list[tuple[int, str | None, float]]
    seconds: float
    peak_mib: float
    note: str


class Clock:
    """Seconds since the run began, and the part of them that was training."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self.training = 0.0

    @property
    def seconds(self) -> float:
        """Wall-clock seconds so far."""
        return time.perf_counter() - self._start

    @contextmanager
    def trains(self) -> Iterator[None]:
        """Count what happens inside as training."""
        start = time.perf_counter()
        yield
        self.training += time.perf_counter() - start


def peak_mib() -> float:
    """The most memory this process has held so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB_PER_MIB


def library(name: str) -> Any:  # noqa: ANN401 - a module without published types
    """Import an engine of the extra ``[evaluation]``.

    Raises:
        InputError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        raise InputError(f"{name} is not installed: install the extra [evaluation]", reason="extra-missing") from None
