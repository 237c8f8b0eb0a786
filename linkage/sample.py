"""Rates from a stratified sample that people have judged blind: how many to draw where, and what the answers say.

A share of a whole population of ``N`` pairs in strata of ``N_h``, of which ``n_h`` were judged and ``x_h`` are so, is
estimated by ``p = sum(W_h * x_h / n_h)`` with ``W_h = N_h / N``, and its variance by
``v = sum(W_h^2 * (1 - n_h / N_h) * p_h * (1 - p_h) / (n_h - 1))`` (Cochran, Sampling Techniques, 3rd edition 1977,
sections 5.3 and 5.10). Errors are rare and whole strata often have none, where the normal interval says nothing; the
interval is therefore Wilson's with an effective sample size (Korn and Graubard, Survey Methodology 1998;24:193):
the smaller of ``p * (1 - p) / v`` and Kish's ``1 / sum(W_h^2 / n_h)``, so that a stratum without an error is not taken
for one that cannot have any.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_Z95: Final = 1.959963984540054
_LEAST: Final = 2
"""Judgements a stratum needs for a variance of its own."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """One stratum: ``size`` pairs in the population, ``judged`` of them with an answer, ``hits`` of those counted."""

    size: int
    judged: int
    hits: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share of the population with its 95 % interval and variance.

    ``covered`` is the part of the population that lies in strata with at least one answer: the estimate speaks of it
    alone. ``size`` is that part in pairs. Without any answer the share is unknown: 0, and the interval from 0 to 1.
    """

    value: float
    low: float
    high: float
    variance: float
    size: int
    covered: float


def estimate(strata: Sequence[Stratum]) -> Estimate:
    """Estimate the share of the population that is as the hits are."""
    everybody = sum(stratum.size for stratum in strata)
    known = [stratum for stratum in strata if stratum.judged]
    size = sum(stratum.size for stratum in known)
    if not size:
        return Estimate(0.0, 0.0, 1.0, 0.0, 0, 0.0)
    value = variance = kish = 0.0
    for stratum in known:
        weight, share = stratum.size / size, stratum.hits / stratum.judged
        value += weight * share
        unseen = 1 - stratum.judged / stratum.size
        variance += weight * weight * unseen * share * (1 - share) / max(stratum.judged - 1, 1)
        # of a stratum that was judged whole nothing is left to chance
        kish += weight * weight * unseen / stratum.judged
    low, high = _wilson(value, _effective(value, variance, kish)) if kish else (value, value)
    return Estimate(value, low, high, variance, size, size / everybody)


def missed_rate(joined: Sequence[Stratum], apart: Sequence[Stratum]) -> Estimate:
    """The share of people not joined to themselves, of all who are in the index.

    ``joined`` are pairs that were joined, with the wrong ones as hits; ``apart`` pairs that were not, with those that
    are one person after all as hits. With ``R`` right joins and ``M`` missed ones it is ``M / (M + R)``. The interval
    takes each of the two at the end of its own 95 % interval, and so is wider than it need be; the variance is that of
    the linearised ratio (Cochran, section 6.3). Somebody joined wrongly whose own record is in the index is missed
    too, which the wrong pair alone cannot say: read the rate as a lower bound by the false rate. It is unknown as
    long as there is no answer about either of the two.
    """
    false, lost = estimate(joined), estimate(apart)
    right, missed = (1 - false.value) * false.size, lost.value * lost.size
    unasked = (joined and not false.covered) or (apart and not lost.covered)
    if unasked or not right + missed:
        return Estimate(0.0, 0.0, 1.0, 0.0, 0, 0.0)
    whole = right + missed
    spread = (right * lost.size) ** 2 * lost.variance + (missed * false.size) ** 2 * false.variance
    return Estimate(
        missed / whole,
        _part(lost.low * lost.size, (1 - false.low) * false.size),
        _part(lost.high * lost.size, (1 - false.high) * false.size),
        spread / whole**4,
        false.size + lost.size,
        min(false.covered, lost.covered),
    )


def allocate(sizes: Mapping[str, int], total: int) -> dict[str, int]:
    """How many to draw from each stratum: in proportion to the root of its size, and two at least.

    The root (Bankier, The American Statistician 1988;42:174) lies between equal numbers, which know the small strata
    near the threshold best, and proportional ones, which know the whole best.

    Raises:
        ValueError: ``total`` is too small for two of each.
    """
    least = {name: min(_LEAST, size) for name, size in sizes.items()}
    if total < sum(least.values()):
        raise ValueError(f"a sample of these strata needs at least {sum(least.values())}")
    drawn = dict(least)
    left = min(total, sum(sizes.values())) - sum(drawn.values())
    for _ in range(left):
        # the stratum that is furthest behind its due gets the next one
        open_strata = [name for name in sizes if drawn[name] < sizes[name]]
        drawn[min(open_strata, key=lambda name: (drawn[name] / sqrt(sizes[name]), name))] += 1
    return drawn


def _effective(value: float, variance: float, kish: float) -> float:
    by_variance = value * (1 - value) / variance if variance else 1 / kish
    return min(by_variance, 1 / kish)


def _wilson(value: float, size: float) -> tuple[float, float]:
    spread = _Z95 * _Z95 / size
    centre = (value + spread / 2) / (1 + spread)
    half = _Z95 * sqrt(value * (1 - value) / size + spread / (4 * size)) / (1 + spread)
    # at the ends the two terms are equal, but for rounding
    return (centre - half if value else 0.0), (centre + half if value < 1 else 1.0)


def _part(some: float, others: float) -> float:
    return some / (some + others) if some else 0.0
