"""Questions as arrays: weighed as the scorer weighs, ranked as the decision ranks."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log2
from typing import TYPE_CHECKING

import numpy as np
import pytest

from linkage.compare import FIELDS, VOCABULARY
from linkage.frequencies import Frequencies
from linkage.normalise import normalise
from linkage.refine_contests import SIZES, Contests, Rival, best, compared, log2_of_sums, weigh
from linkage.refine_fit import NOBODY
from linkage.score import Scorer

if TYPE_CHECKING:
    from linkage.model import Model
    from tests.linkage.conftest import Town


def some(asked: list[int], seed: int = 1) -> Contests:
    rng = np.random.default_rng(seed)
    rows = len(asked)
    levels = np.column_stack([rng.integers(0, size, rows) for size in SIZES]).astype(np.uint8)
    return Contests(np.array(asked, np.int32), levels, rng.normal(0, 1, rows), rng.random(rows) < 0.3)


def test_arrays_that_do_not_fit_together_are_refused() -> None:
    whole = some([1, 1, 2])
    with pytest.raises(ValueError, match="one row a candidate"):
        replace(whole, right=whole.right[:2])
    with pytest.raises(ValueError, match="one row a candidate"):
        replace(whole, levels=whole.levels[:, 1:])
    with pytest.raises(ValueError, match="one row a candidate"):
        replace(whole, weight=np.ones(2))
    with pytest.raises(ValueError, match="stand together"):
        some([1, 2, 1])


def test_questions_are_told_apart_by_where_they_begin() -> None:
    contests = some([7, 7, 9, 3, 3, 3])
    assert contests.starts.tolist() == [0, 2, 3]
    assert contests.question.tolist() == [0, 0, 1, 2, 2, 2]
    kept = replace(contests, weight=np.arange(6.0)).only(np.array([True, False, False, True, True, False]))
    assert (kept.asked.tolist(), kept.starts.tolist()) == ([7, 3, 3], [0, 1])
    assert kept.weight is not None
    assert kept.weight.tolist() == [0, 3, 4]


def test_equal_level_vectors_are_one_pattern_and_different_ones_are_several() -> None:
    contests = some(list(range(40)))
    doubled = Contests(
        np.arange(80, dtype=np.int32),
        np.concatenate((contests.levels, contests.levels)),
        np.zeros(80),
        np.zeros(80, bool),
    )
    vectors, of_row = doubled.patterns
    assert np.array_equal(vectors[of_row], doubled.levels)
    assert len(vectors) == len(np.unique(contests.levels, axis=0))
    assert doubled.vectors()[of_row[3]] == tuple(
        VOCABULARY[field][level] for field, level in zip(FIELDS, contests.levels[3], strict=True)
    )


def test_pairs_weigh_what_the_scorer_weighs_them(town: Town, model: Model) -> None:
    people = [row.person for row in town.rows.values()]
    scorer = Scorer(model, Frequencies.of(people), len(people))
    levels, bits, adjustments = [], [], []
    for question in town.questions[:300]:
        asked = normalise(question.said)
        for candidate in town.candidates(asked)[:5]:
            weight, vector, evidence = scorer.score(asked, candidate.person)
            named = zip(FIELDS, vector, evidence, strict=False)
            adjustments.append(sum(piece.bits - scorer.fixed_bits(field)[level] for field, level, piece in named))
            levels.append([VOCABULARY[field].index(level) for field, level in zip(FIELDS, vector, strict=True)])
            bits.append(weight)
    rows = len(bits)
    contests = Contests(
        np.arange(rows, dtype=np.int32), np.array(levels, np.uint8), np.array(adjustments), np.zeros(rows, bool)
    )
    assert rows > 300
    assert weigh(scorer, contests) == pytest.approx(bits, abs=1e-9)


def test_people_asked_about_are_compared_with_their_rivals(town: Town, model: Model) -> None:
    """As the arrays of a batch: names weigh by their frequency, a hidden location says nothing, nobody has no rows."""
    people = [row.person for row in town.rows.values()]
    scorer = Scorer(model, Frequencies.of(people), len(people))
    asked = [normalise(question.said) for question in town.questions[:20]]
    rivals = [
        [Rival(candidate.person, place % 2 == 1, place == 0) for place, candidate in enumerate(town.candidates(one))]
        for one in asked
    ]
    contests = compared(scorer, [*zip(asked, rivals, strict=True), (asked[0], [])])
    wanted = [
        scorer.score(one, rival.person, hide_location=rival.hide_location)[0]
        for one, several in zip(asked, rivals, strict=True)
        for rival in several
    ]
    assert weigh(scorer, contests) == pytest.approx(wanted, abs=1e-9)
    assert contests.right.tolist() == [rival.right for several in rivals for rival in several]
    assert set(contests.asked.tolist()) == {place for place, several in enumerate(rivals) if several}
    assert len(compared(scorer, []).asked) == 0


def test_the_best_of_each_question_is_found_with_its_odds_and_its_lead(model: Model) -> None:
    contests = some([4, 4, 4, 8, 6, 6], seed=2)
    scorer = Scorer(model, NOBODY, 1_000)
    bits = weigh(scorer, contests).tolist()
    found = best(scorer, contests)
    assert found.asked.tolist() == [4, 8, 6]
    for place, rows in enumerate(([0, 1, 2], [3], [4, 5])):
        first, *rest = sorted(rows, key=lambda row: -bits[row])
        others = 1 + sum(2 ** (bits[row] - scorer.prior_bits) for row in rest)
        assert found.row[place] == first
        assert found.bits[place] == bits[first]
        assert found.right[place] == contests.right[first]
        assert found.absence[place] == pytest.approx(bits[first] - scorer.prior_bits)
        assert found.odds[place] == pytest.approx(bits[first] - scorer.prior_bits - log2(others))
        assert found.gap[place] == (bits[first] - bits[rest[0]] if rest else inf)


def test_equals_leave_the_first_one_best_without_a_lead(model: Model) -> None:
    one = some([1], seed=3)
    both = Contests(np.array([1, 1], np.int32), np.repeat(one.levels, 2, axis=0), np.zeros(2), np.array([False, True]))
    found = best(Scorer(model, NOBODY, 1_000), both)
    assert (found.row.tolist(), found.gap.tolist(), found.right.tolist()) == ([0], [0], [False])


def test_no_questions_have_no_best(model: Model) -> None:
    nobody = some([])
    assert len(best(Scorer(model, NOBODY, 1_000), nobody).odds) == 0
    assert nobody.question.tolist() == []


def test_a_sum_of_nothing_is_no_odds_at_all() -> None:
    sums = log2_of_sums(np.array([-inf, 3.0, 3.0]), np.array([0, 1]), np.array([0, 1, 1]))
    assert sums.tolist() == [-inf, 4.0]
