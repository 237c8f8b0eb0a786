"""Calibration: what a posterior of the model has meant, where the truth was known (`linkage.calibrate` fits it).

A model's `calibration` is a line of knots from log2 odds to calibrated log2 odds, both strictly increasing: straight
between the knots, one for one outside them. No knots, no change. It works on the odds of a candidate against everybody
else and "not in this index" together, and so keeps candidates in their order.
"""

from __future__ import annotations

from bisect import bisect_right
from math import exp2, log2
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FARTHEST: Final = 60.0
"""Log2 odds beyond which a probability is not told from 0 or 1."""


class Knot(Protocol):
    """A point of the line."""

    @property
    def odds(self) -> float:
        """Log2 odds as the model claims them."""

    @property
    def calibrated(self) -> float:
        """Log2 odds as they turned out."""


def calibrated_odds(knots: Sequence[Knot], odds: float) -> float:
    """Log2 odds, calibrated."""
    if not knots:
        return odds
    place = bisect_right(knots, odds, key=lambda knot: knot.odds)
    if place == 0:
        return odds + knots[0].calibrated - knots[0].odds
    left = knots[place - 1]
    if place == len(knots):
        return odds + left.calibrated - left.odds
    right = knots[place]
    slope = (right.calibrated - left.calibrated) / (right.odds - left.odds)
    return left.calibrated + slope * (odds - left.odds)


def calibrated(knots: Sequence[Knot], posterior: float) -> float:
    """A posterior, calibrated."""
    if posterior <= 0 or posterior >= 1:
        odds = FARTHEST if posterior >= 1 else -FARTHEST
    else:
        odds = log2(posterior / (1 - posterior))
    return probability(calibrated_odds(knots, odds))


def calibrated_array(knots: Sequence[Knot], posteriors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Posteriors [n], calibrated; what `calibrated` says of each."""
    return np.array([calibrated(knots, posterior) for posterior in posteriors.tolist()], np.float64)


def probability(odds: float) -> float:
    """The probability behind log2 odds."""
    return 1 / (1 + exp2(-max(-FARTHEST, min(FARTHEST, odds))))
