"""The numbers of a model as one vector, and the vector under which known answers are likeliest.

The score of a candidate is linear in these numbers, so that the likelihood of a softmax over a question's candidates
and its absence is concave (where one candidate is right) and L-BFGS finds its only summit. The work per round is a few
passes over the rows; levels, interactions and what depends on them are worked out once per distinct level vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.optimize import Bounds, minimize
from scipy.sparse import csc_array, csr_array

from linkage.compare import FIELDS, VOCABULARY
from linkage.frequencies import Frequencies
from linkage.refine_contests import SIZES
from linkage.score import Scorer, compiled, holds
from linkage.train import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from linkage.model import Model
    from linkage.refine_contests import Contests

COVERAGE: Final = "prior.coverage"
NOBODY: Final = Frequencies({}, 0)
"""Names' frequencies enter a fit with the rows, not through the scorer."""

DIFFERS: Final = "differs"

LEAST_SHARED: Final = 1.0
"""What few people share is never refitted below this in the index at hand: the scorer weighs it no less."""

_MOST_BITS: Final = 60.0
_SURELY: Final = 12.0
_ROUNDS: Final = 500
_DECIMALS: Final = 3
_STILL: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Parameters:
    """A model's numbers in a fixed order: every level of every field, the interactions, the prior.

    ``best`` names for each number the one that it must not exceed (itself where there is none); ``shared`` marks the
    levels that few people share.
    """

    names: tuple[str, ...]
    start: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    best: NDArray[np.intp]
    shared: NDArray[np.bool_]

    @classmethod
    def of(cls, model: Model, growth: float) -> Parameters:
        """The numbers of a model for an index in which shared values weigh ``growth`` bits more than written."""
        names: list[str] = []
        best: list[int] = []
        start, lower, upper, shared, held = [], [], [], [], []
        for field, levels in VOCABULARY.items():
            first = len(names)
            unknown = max(model.comparisons[field][level].bits for level in levels if level in UNKNOWN)
            for level in levels:
                weight = model.comparisons[field][level]
                names.append(f"{field}.{level}")
                start.append(weight.bits)
                # the best of a field weighs no less than a value that is not known
                least = unknown if len(names) == first + 1 else -_MOST_BITS
                lower.append(max(least, LEAST_SHARED - growth) if weight.per_person else least)
                # what differs may be forgiven, and never speaks for a match
                upper.append(0.0 if level == DIFFERS else _MOST_BITS)
                held.append(level in UNKNOWN)
                # the best of a field with frequencies is weighed for a typical value: a rare one outweighs all others
                free = level in UNKNOWN or model.comparisons[field][levels[0]].frequency
                best.append(len(best) if free else first)
                shared.append(weight.per_person)
        for rule in model.interactions:
            names.append(f"interaction.{rule.name}")
            start.append(rule.bits)
        names.append(COVERAGE)
        start.append(log2(model.prior.coverage / (1 - model.prior.coverage)))
        others = len(names) - len(best)
        known = np.array(start)
        lowest = np.array([*lower, *[-_MOST_BITS] * (others - 1), -_SURELY])
        highest = np.array([*upper, *[_MOST_BITS] * (others - 1), _SURELY])
        fixed = np.array(held + [False] * others)
        return cls(
            tuple(names),
            known,
            np.where(fixed, known, lowest),
            np.where(fixed, known, highest),
            np.array([*best, *range(len(best), len(names))]),
            np.array(shared + [False] * others),
        )

    def written(self, model: Model, found: NDArray[np.float64]) -> dict[str, Any]:
        """The model's content with other numbers in it."""
        content: dict[str, Any] = model.model_dump(mode="json")
        by_name = dict(zip(self.names, (round(float(number), _DECIMALS) for number in found), strict=True))
        for field, levels in content["comparisons"].items():
            for level, weight in levels.items():
                weight["bits"] = by_name[f"{field}.{level}"]
        for rule in content["interactions"]:
            rule["bits"] = by_name[f"interaction.{rule['name']}"]
        content["prior"]["coverage"] = round(float(1 / (1 + 2 ** -found[-1])), 6)
        return content


class Fit:
    """Answered questions with the numbers they are refitted in.

    ``ridge`` is in bits of log2-likelihood: half of it is lost for each number one bit away from where it started.
    """

    def __init__(self, model: Model, contests: Contests, index_size: int, ridge: float) -> None:
        people = Scorer(model, NOBODY, index_size).people
        growth = log2(people / model.prior.reference_people)
        self.parameters = Parameters.of(model, growth)
        self._contests = contests
        self._ridge = ridge
        vectors, self._of_row = contests.patterns
        self._design = _design(vectors, _corrected(model, contests))
        fixed = growth * _times(self._design, self.parameters.shared.astype(np.float64)) - log2(people)
        self._offset = fixed[self._of_row] + contests.adjustment
        starts, self._question = contests.starts, contests.question
        self._decided = np.logical_or.reduceat(contests.right, starts)
        self._weight = np.ones(len(starts)) if contests.weight is None else contests.weight[starts]
        self._total = float(self._weight.sum())

    def rows(self) -> NDArray[np.intp]:
        """How many rows each number takes part in."""
        return self._by_number(np.ones(len(self._of_row))).astype(np.intp)

    def likelihood(self, numbers: NDArray[np.float64]) -> float:
        """The mean log2-likelihood of a question's answer, without the ridge."""
        return self._likelihood(numbers)[0] / self._total

    def best(self) -> NDArray[np.float64]:
        """The likeliest numbers; a level that would outweigh its field's best is tied to it, and all fitted anew."""
        tied = np.arange(len(self.parameters.names))
        while True:
            found = self._summit(tied)
            above = found > found[self.parameters.best] + 10.0**-_DECIMALS / 2
            if not above.any():
                return found
            tied[above] = self.parameters.best[above]

    def _summit(self, tied: NDArray[np.intp]) -> NDArray[np.float64]:
        """The likeliest numbers of which each equals the one it is tied to; the search is scaled by the curvature."""
        known = self.parameters
        free, of_free = np.unique(tied, return_inverse=True)
        scale = 1 / np.sqrt(np.bincount(of_free, self._curvature() + self._ridge) / self._total + 1e-12)
        lower = np.maximum.reduceat(known.lower[np.argsort(of_free, kind="stable")], _first(of_free))
        upper = np.minimum.reduceat(known.upper[np.argsort(of_free, kind="stable")], _first(of_free))
        begin = np.clip(known.start[free], lower, upper)

        def cost(scaled: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            numbers = (scaled * scale)[of_free]
            value, slope = self._likelihood(numbers)
            away = numbers - known.start
            value -= self._ridge / 2 * float(away @ away)
            downhill = np.bincount(of_free, self._ridge * away - slope) * scale
            return -value / self._total, downhill / self._total

        found = minimize(
            cost,
            begin / scale,
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(lower / scale, upper / scale),
            options={"maxiter": _ROUNDS, "ftol": 1e-11, "gtol": 1e-8, "maxcor": 20},
        )
        numbers = np.clip(found.x * scale, lower, upper)[of_free]
        still = np.abs(numbers - known.start) < _STILL
        return np.asarray(np.where(still, known.start, numbers), np.float64)

    def _likelihood(self, numbers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """The weighted log2-likelihood and its slope by number."""
        starts, question, right = self._contests.starts, self._question, self._contests.right
        share, none = self._shares(numbers)
        found = np.add.reduceat(np.where(right, share, 0.0), starts)
        answer = np.where(self._decided, found, none)
        value = float(self._weight @ np.log2(answer))
        slope = np.where(right, share / np.where(self._decided, found, 1.0)[question], 0.0)
        slope -= share
        slope *= self._weight[question]
        return value, self._by_number(slope)

    def _shares(self, numbers: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The posterior of every row [n] and of each question's absence [questions]."""
        starts, question = self._contests.starts, self._question
        odds = _times(self._design, numbers)[self._of_row] + self._offset
        # absence stands at 0
        top = np.maximum(np.maximum.reduceat(odds, starts), 0.0)
        odds -= top[question]
        share = np.exp2(odds, out=odds)
        none = np.exp2(-top)
        total = np.add.reduceat(share, starts) + none
        share /= total[question]
        return share, none / total

    def _curvature(self) -> NDArray[np.float64]:
        """How much the likelihood bends along each number, at the start."""
        share, _ = self._shares(self.parameters.start)
        return self._by_number(share * (1 - share) * self._weight[self._question] * float(np.log(2)))

    def _by_number(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum of the rows' values [n] by the numbers that take part in each row."""
        by_vector = np.bincount(self._of_row, values, minlength=self._design.shape[0])
        return _times(self._design.T, np.asarray(by_vector, np.float64))


def _times(matrix: csr_array[np.float64] | csc_array[np.float64], vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(matrix @ vector, np.float64)


def _first(of_free: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where each group begins once its members stand together."""
    return np.concatenate(([0], np.cumsum(np.bincount(of_free))[:-1])).astype(np.intp)


def _corrected(model: Model, contests: Contests) -> NDArray[np.bool_]:
    """Which interactions apply to each distinct level vector [vectors, interactions]."""
    rules = [compiled(rule.when) for rule in model.interactions]
    found = [[holds(rule, vector) for rule in rules] for vector in contests.vectors()]
    return np.array(found, bool).reshape(-1, len(rules))


def _design(vectors: NDArray[np.uint8], corrections: NDArray[np.bool_]) -> csr_array[np.float64]:
    """Which numbers a level vector is the sum of [vectors, numbers]: its levels, its interactions, the prior."""
    count = len(vectors)
    first = np.concatenate(([0], np.cumsum(SIZES)))
    levels = (vectors + first[:-1]).astype(np.intp)
    row, rule = np.nonzero(corrections)
    prior = first[-1] + corrections.shape[1]
    rows = np.concatenate((np.repeat(np.arange(count), len(FIELDS)), row, np.arange(count)))
    columns = np.concatenate((levels.ravel(), first[-1] + rule, np.full(count, prior)))
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(count, prior + 1))
