"""What a bench hands to the table: one line a measurement, with its bar and, where there is one, its peer."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement.

    Attributes:
        work: what was done, and at what size.
        measure: what was measured of it: p50, p99, rate, peak memory.
        value: the figure, in ``unit``.
        at_most: the bar, where lower is better.
        at_least: the bar, where higher is better.
        peer: what it is compared with, measured in the same run on the same data.
        ratio: how many times better than the peer (more than 1 is better).
        note: what a reader needs to judge the figure.
    """

    work: str
    measure: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    peer: str = ""
    ratio: float | None = None
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the bar, if there is one, is met."""
        low = self.at_most is not None and self.value > self.at_most
        short = self.at_least is not None and self.value < self.at_least
        return not (low or short)

    def as_dict(self) -> dict[str, Any]:
        """The fields, for handing from one process to another."""
        return asdict(self)


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least ``share`` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def milliseconds(calls: Iterable[T], what: Callable[[T], object]) -> list[float]:
    """Time ``what`` on each of ``calls``, one after another, in milliseconds."""
    timed = []
    for call in calls:
        start = time.perf_counter()
        what(call)
        timed.append(1000 * (time.perf_counter() - start))
    return timed
