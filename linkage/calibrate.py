"""Posteriors that mean what they say: the knots by which a model's `calibration` corrects them.

Fitted on answers whose truth is known: the log2 odds of the best candidate of each question, and whether it was the
person. Isotonic regression finds where the doubt lies; a few knots are placed by it; the rising line through them
under which the answers are likeliest is drawn a little towards what was claimed. At both
ends nothing more extreme is said than the answers support: of n answers without an error the rate of error is taken
as 3 / n (the rule of three, the upper end of a 95 % interval: Hanley and Lippman-Hand, JAMA 1983;249:1743), with k
errors as (k + 3) / n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import Bounds, isotonic_regression, minimize

from linkage.calibration import FARTHEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KNOTS: Final = 12
_LEAST_DOUBT: Final = 4.0
"""About so many errors among many right answers, or four times as many answers on the edge, make a knot."""

_LEAST_OF_A_BIT: Final = 1e-9
_AS_CLAIMED: Final = 0.5
_RULE_OF_THREE: Final = 3.0
_HARDLY: Final = 0.01
_GRAIN: Final = 64
_DECIMALS: Final = 4

Knots = list[dict[str, float]]


@dataclass(frozen=True, slots=True)
class _Answers:
    """Distinct log2 odds in rising order [values]: how many answers claimed each, and how many were right."""

    odds: NDArray[np.float64]
    count: NDArray[np.float64]
    right: NDArray[np.float64]


def fit(odds: NDArray[np.float64], right: NDArray[np.bool_], *, knots: int = _KNOTS) -> Knots:
    """The `calibration` of a model file, from uncalibrated log2 odds [n] and whether each answer was right [n].

    At most ``knots`` knots and two for each end; strictly increasing. Empty, and so no correction, when the answers
    hold too little doubt to learn from.

    Raises:
        ValueError: the arrays are not of one length.
    """
    if len(odds) != len(right):
        raise ValueError("one entry of right for each of odds")
    grains = np.round(np.clip(odds, -FARTHEST, FARTHEST) * _GRAIN)
    values, which = np.unique(grains, return_inverse=True)
    count = np.bincount(which, minlength=len(values)).astype(np.float64)
    answers = _Answers(values / _GRAIN, count, np.bincount(which[right], minlength=len(values)).astype(np.float64))
    places = _places(answers, knots)
    if not len(places):
        return []
    floor, ceiling = -_supported(count, count - answers.right), _supported(count[::-1], answers.right[::-1])
    heights = np.clip(_heights(answers, places), floor, ceiling)
    inner = list(zip(places.tolist(), heights.tolist(), strict=True))
    return _increasing([*_end(inner[0], floor, -1), *inner, *_end(inner[-1], ceiling, 1)])


def _places(answers: _Answers, knots: int) -> NDArray[np.float64]:
    """Where the knots stand: by shares of all doubt, as isotonic regression sees it; none where there is none."""
    if not len(answers.odds):
        return answers.odds
    share = isotonic_regression(answers.right / answers.count, weights=answers.count).x
    doubt = answers.count * share * (1 - share)
    number = min(knots, int(doubt.sum() / _LEAST_DOUBT))
    # the root of each bit's doubt, so that a few errors among very sure answers have their knots too
    _, bit = np.unique(np.floor(answers.odds), return_inverse=True)
    weight = doubt / np.sqrt(np.maximum(np.bincount(bit, doubt), _LEAST_OF_A_BIT))[bit]
    within = np.cumsum(weight) / max(weight.sum(), _LEAST_OF_A_BIT)
    # Chebyshev's places are closer together towards the ends, where a line is least held
    wanted = np.sin(np.pi / 2 * (np.arange(number) + 0.5) / max(number, 1)) ** 2
    return np.unique(answers.odds[np.searchsorted(within, wanted)])


def _heights(answers: _Answers, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The likeliest rising heights at the places; what was claimed counts like half an answer for each."""
    steps = np.diff(places)
    outside = np.minimum(answers.odds - places[0], 0) + np.maximum(answers.odds - places[-1], 0)
    climbed = np.clip((answers.odds[:, None] - places[:-1]) / steps, 0, 1)
    basis = np.column_stack((np.ones(len(answers.odds)), climbed))
    claimed = np.concatenate((places[:1], steps))
    total = answers.count.sum()

    def cost(numbers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        found = basis @ numbers + outside
        wrong, right = answers.count - answers.right, answers.right
        value = right @ np.logaddexp2(0, -found) + wrong @ np.logaddexp2(0, found)
        slope = answers.count / (1 + np.exp2(-found)) - right
        away = numbers - claimed
        value += _AS_CLAIMED / 2 * float(away @ away)
        return float(value / total), (basis.T @ slope + _AS_CLAIMED * away) / total

    bounds = Bounds(np.concatenate(([-np.inf], _HARDLY * steps)), np.full(len(claimed), np.inf))
    found = minimize(
        cost, claimed, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 1000, "ftol": 1e-13}
    )
    return np.cumsum(found.x)


def _supported(count: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """The highest log2 odds that some run of answers from the first on supports at 95 %; evens at least."""
    answers = np.cumsum(count)
    errors = answers - np.cumsum(true) + _RULE_OF_THREE
    return float(np.log2(np.maximum((answers - errors) / errors, 1.0)).max())


def _end(outermost: tuple[float, float], limit: float, side: int) -> list[tuple[float, float]]:
    """From the outermost knot outwards as claimed until the limit is reached, and from there on hardly any further."""
    x, y = outermost
    bend = x + limit - y
    if side * bend >= FARTHEST:
        return []
    farthest = (side * FARTHEST, limit + _HARDLY * (side * FARTHEST - bend))
    return [(bend, limit), farthest] if side > 0 else [farthest, (bend, limit)]


def _increasing(points: list[tuple[float, float]]) -> Knots:
    """The points as knots, without those that do not rise above the one before."""
    found: Knots = []
    for x, y in points:
        odds, calibrated = round(x, _DECIMALS), round(y, _DECIMALS)
        if not found or (odds > found[-1]["odds"] and calibrated > found[-1]["calibrated"]):
            found.append({"odds": odds, "calibrated": calibrated})
    return found
