"""Questions with their candidates as arrays: what refitting, calibrating and judging a model are done on.

The batch engine leaves such a table behind, and it can be weighed again under another model in a second, as
levels do not depend on the weights. Few distinct level vectors occur: each is weighed once, by the scorer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from linkage.compare import FIELDS, VOCABULARY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from linkage.person import Person
    from linkage.score import Scorer

Vector = tuple[str, ...]

SIZES: Final = tuple(len(VOCABULARY[field]) for field in FIELDS)
"""How many levels each field has, in the order of `linkage.compare.FIELDS`."""


@dataclass(frozen=True)
class Contests:
    """One row a candidate; the candidates of one question and its absence from the index compete.

    ``asked`` [n] numbers the questions; rows of a question stand together. ``levels`` [n, fields] holds each
    level's place in its field's vocabulary; ``adjustment`` [n] the bits that the names' own frequencies add;
    ``right`` [n] whether this is the person. ``weight`` [n] counts a question more or less than once, the same on
    all its rows; None: once.

    Raises:
        ValueError: on construction, when the arrays differ in length or a question's rows do not stand together.
    """

    asked: NDArray[np.int32]
    levels: NDArray[np.uint8]
    adjustment: NDArray[np.float64]
    right: NDArray[np.bool_]
    weight: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        rows = len(self.asked)
        weights = rows if self.weight is None else len(self.weight)
        if self.levels.shape != (rows, len(FIELDS)) or {len(self.adjustment), len(self.right), weights} != {rows}:
            raise ValueError("the arrays of contests have one row a candidate each, and one column a field")
        if len(np.unique(self.asked)) != len(self.starts):
            raise ValueError("the rows of one question stand together")

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """The first row of each question [questions]."""
        if not len(self.asked):
            return np.empty(0, np.intp)
        return np.concatenate(([0], np.flatnonzero(self.asked[1:] != self.asked[:-1]) + 1)).astype(np.intp)

    @cached_property
    def question(self) -> NDArray[np.intp]:
        """Which question, counted from 0, each row belongs to [n]."""
        counts = np.diff(self.starts, append=len(self.asked))
        return np.repeat(np.arange(len(self.starts)), counts)

    @cached_property
    def patterns(self) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
        """The distinct level vectors [vectors, fields], and which of them each row is [n]."""
        code = np.zeros(len(self.asked), np.int64)
        for place, size in enumerate(SIZES):
            code = code * size + self.levels[:, place]
        _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
        return self.levels[first], inverse

    def vectors(self) -> list[Vector]:
        """The distinct level vectors in words, in the order of `patterns`."""
        names = [VOCABULARY[field] for field in FIELDS]
        return [
            tuple(levels[place] for levels, place in zip(names, row, strict=True)) for row in self.patterns[0].tolist()
        ]

    def only(self, rows: NDArray[np.bool_]) -> Contests:
        """The contests with some of their rows [n]; a question without rows is gone."""
        weight = None if self.weight is None else self.weight[rows]
        return Contests(self.asked[rows], self.levels[rows], self.adjustment[rows], self.right[rows], weight)


class Rival(NamedTuple):
    """One candidate of a question: whether their location must not be looked at, and whether they are the person."""

    person: Person
    hide_location: bool
    right: bool


def compared(scorer: Scorer, questions: Iterable[tuple[Person, Iterable[Rival]]]) -> Contests:
    """The contests of people asked about, numbered in order, compared one by one; who has no candidate has no rows."""
    asked, levels, adjustment, right = [], [], [], []
    places = [{level: place for place, level in enumerate(VOCABULARY[field])} for field in FIELDS]
    for number, (person, rivals) in enumerate(questions):
        for rival in rivals:
            bits, vector, _ = scorer.score(person, rival.person, hide_location=rival.hide_location)
            asked.append(number)
            levels.append([table[level] for table, level in zip(places, vector, strict=True)])
            adjustment.append(bits - scorer.fixed(vector))
            right.append(rival.right)
    return Contests(
        np.array(asked, np.int32),
        np.array(levels, np.uint8).reshape(-1, len(FIELDS)),
        np.array(adjustment, np.float64),
        np.array(right, bool),
    )


@dataclass(frozen=True, slots=True)
class Best:
    """The heaviest candidate of every question, one entry a question.

    ``row``: its row among the contests; ``bits``: its weight; ``absence``: its log2 odds against the person being
    absent; ``odds``: its log2 odds against absence and all other candidates together, uncalibrated; ``gap``: its
    lead over the next one in bits, infinite without one; ``right``: whether it is the person.
    """

    asked: NDArray[np.int32]
    row: NDArray[np.intp]
    bits: NDArray[np.float64]
    absence: NDArray[np.float64]
    odds: NDArray[np.float64]
    gap: NDArray[np.float64]
    right: NDArray[np.bool_]


def weigh(scorer: Scorer, contests: Contests) -> NDArray[np.float64]:
    """The bits of every row under a scorer: its level vector's, and its names' adjustment."""
    fixed = np.array([scorer.fixed(vector) for vector in contests.vectors()], np.float64)
    return np.asarray(fixed[contests.patterns[1]] + contests.adjustment, np.float64)


def best(scorer: Scorer, contests: Contests) -> Best:
    """The heaviest candidate of every question under a scorer; the first one of equals."""
    bits = weigh(scorer, contests)
    starts, question = contests.starts, contests.question
    # heaviest first within each question; lexsort is stable, so equals stay in their order
    row = np.lexsort((-bits, question))[starts]
    others = bits.copy()
    others[row] = -inf
    second = np.maximum.reduceat(others, starts) if len(starts) else np.empty(0)
    absence = bits[row] - scorer.prior_bits
    rest = np.logaddexp2(0.0, log2_of_sums(others - scorer.prior_bits, starts, question))
    return Best(contests.asked[row], row, bits[row], absence, absence - rest, bits[row] - second, contests.right[row])


def log2_of_sums(
    odds: NDArray[np.float64], starts: NDArray[np.intp], question: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Each question's log2 of the sum of 2 to the power of its rows; minus infinity for a sum of nothing."""
    if not len(starts):
        return np.empty(0)
    top = np.maximum.reduceat(odds, starts)
    safe = np.where(np.isfinite(top), top, 0.0)
    sums = np.add.reduceat(np.exp2(odds - safe[question]), starts)
    with np.errstate(divide="ignore"):
        return safe + np.log2(sums)
