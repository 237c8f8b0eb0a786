"""Weights from answers that are known: a model refitted so that it predicts who is right among all candidates.

The answers come from reviewers ("is", "never is") or from a truth that was planted. For each question every
candidate and "not in this index" compete: a softmax over their bits, so that the fit sees what the decision sees,
dependence between fields and relatives included. Refitted are the levels' bits, the interactions and the prior's
coverage; what is missing or withheld weighs what it weighed, names' own frequencies enter as they are, and what few
people share keeps growing with the index. A ridge draws every number towards the model that the fit started from, so
what the answers say nothing about does not move. Questions may be chosen by what is seen of them (reviewers see the
doubtful ones): a fit of "right, given what is seen" is not skewed by that, only less sure elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from linkage.refine_contests import weigh
from linkage.refine_fit import NOBODY, Fit
from linkage.score import Scorer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from linkage.model import Model
    from linkage.refine_contests import Contests

RIDGE: Final = 4.0
"""How firmly numbers hold to the starting model, unless told otherwise: to move one by a bit, the answers together must
become likelier by half of this, in bits."""

WITHIN: Final = 40.0
"""Candidates this many bits behind the best of their question, under the starting model, are left out of the fit."""

_FEWEST_QUESTIONS: Final = 50


class TooFewQuestions(ValueError):
    """Fewer questions than a refit can rest on, or none in which anybody is right."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} answered questions are too few to refit on; at least {_FEWEST_QUESTIONS} are needed")


@dataclass(frozen=True, slots=True)
class Move:
    """One number of the model before and after, in bits (the coverage: log2 odds); ``rows`` that it took part in."""

    name: str
    before: float
    after: float
    rows: int


@dataclass(frozen=True, slots=True)
class Refined:
    """A model's content, for `orjson.dumps` and `linkage.model.load`, and how it came about.

    ``before`` and ``after`` are mean log2-likelihoods of a question's answer, without the ridge.
    """

    content: dict[str, Any]
    moves: tuple[Move, ...]
    questions: int
    candidates: int
    before: float
    after: float


def refine(  # noqa: PLR0913 - all but three are how firmly to hold and what to call the result
    model: Model,
    contests: Contests,
    index_size: int,
    *,
    version: str,
    ridge: float = RIDGE,
    within: float = WITHIN,
    seed: int = 0,
    notes: Mapping[str, str | int | float] | None = None,
) -> Refined:
    """Refit a model on answered questions about an index of ``index_size`` people.

    ``seed`` is that of whatever chose the questions, for the provenance, as ``notes`` are: the fit itself draws
    nothing. The model's calibration is dropped, since it was fitted to other weights.

    Raises:
        TooFewQuestions: fewer than 50, or nobody is right in any.
    """
    questions = len(contests.starts)
    if questions < _FEWEST_QUESTIONS or not contests.right.any():
        raise TooFewQuestions(questions if contests.right.any() else 0)
    near = _near(Scorer(model, NOBODY, index_size), contests, within)
    fit = Fit(model, near, index_size, ridge)
    known, found = fit.parameters, fit.best()
    moves = tuple(
        Move(name, float(old), float(new), int(rows))
        for name, old, new, rows in zip(known.names, known.start, found, fit.rows(), strict=True)
    )
    before, after = fit.likelihood(known.start), fit.likelihood(found)
    content = known.written(model, found)
    content["version"] = version
    # what corrected other weights corrects nothing here
    content["calibration"] = []
    content["provenance"] = {
        "refined-from": model.hash,
        "questions": questions,
        "questions-right": int(np.add.reduceat(contests.right, contests.starts).astype(bool).sum()),
        "candidates": len(near.asked),
        "index-people": index_size,
        "ridge": ridge,
        "seed": seed,
        "log-likelihood-before": round(before, 6),
        "log-likelihood-after": round(after, 6),
        **(notes or {}),
    }
    return Refined(content, moves, questions, len(near.asked), before, after)


def _near(scorer: Scorer, contests: Contests, within: float) -> Contests:
    """Without the candidates far below the best of their question; the right one is never far."""
    bits = weigh(scorer, contests)
    top = np.maximum.reduceat(bits, contests.starts)[contests.question]
    keep: NDArray[np.bool_] = (bits >= top - within) | contests.right
    return contests if keep.all() else contests.only(keep)
