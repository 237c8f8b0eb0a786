"""Claims are corrected towards the truth, never beyond what the answers support."""

from __future__ import annotations

from itertools import pairwise
from math import log2
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from linkage.calibrate import _end, fit
from linkage.calibration import FARTHEST
from linkage.evaluate import calibration_error, reliability

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from linkage.calibrate import Knots


def drawn(claimed: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
    return np.asarray(rng.random(len(claimed)) < 1 / (1 + np.exp2(-claimed)), bool)


def applied(knots: Knots, odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Knots as a model file means them: linear between, slope 1 outside, nothing changed by none."""
    if not knots:
        return odds
    xs, ys = (np.array([knot[name] for knot in knots]) for name in ("odds", "calibrated"))
    outside = np.minimum(odds - xs[0], 0) + np.maximum(odds - xs[-1], 0)
    return np.asarray(np.interp(odds, xs, ys) + outside, np.float64)


def error(odds: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    return calibration_error(reliability(1 / (1 + np.exp2(-odds)), right, 20))


def test_what_is_well_calibrated_hardly_changes() -> None:
    rng = np.random.default_rng(1)
    odds = rng.normal(4, 5, 200_000)
    knots = fit(odds, drawn(odds, rng))
    asked, sure = np.linspace(-7, 8, 50), np.linspace(8, 11, 10)
    assert applied(knots, asked) == pytest.approx(asked, abs=0.35)
    # beyond 8 bits a hundred answers of these are wrong, beyond 11 ten
    assert applied(knots, sure) == pytest.approx(sure, abs=1)
    assert 3 < len(knots) <= 16


def test_errors_as_frequent_among_the_surest_answers_are_told_of_all_of_them() -> None:
    """Some errors no weight foresees: one in five thousand, however much is claimed."""
    rng = np.random.default_rng(4)
    sure, doubtful = rng.uniform(8, 55, 200_000), rng.normal(-4, 5, 20_000)
    right = np.concatenate((rng.random(len(sure)) > 1 / 5_000, drawn(doubtful, rng)))
    found = applied(fit(np.concatenate((sure, doubtful)), right), np.array([20.0, 35.0, 50.0]))
    assert found == pytest.approx(log2(5_000), abs=0.8)


@pytest.mark.parametrize(("slope", "shift"), [(2.0, 3.0), (0.6, -2.0), (1.0, 6.0)])
def test_a_planted_distortion_is_undone(slope: float, shift: float) -> None:
    rng = np.random.default_rng(2)
    honest = rng.normal(3, 4, 150_000)
    right = drawn(honest, rng)
    claimed = honest * slope + shift
    knots = fit(claimed, right)
    fresh = rng.normal(3, 4, 400_000)
    truth = drawn(fresh, rng)
    assert error(fresh * slope + shift, truth) > 0.015
    assert error(applied(knots, fresh * slope + shift), truth) < 0.005
    middle = np.linspace(-5, 7, 30)
    assert applied(knots, middle * slope + shift) == pytest.approx(middle, abs=0.8)


def test_certainty_claimed_on_thin_evidence_is_cut_to_the_rule_of_three() -> None:
    rng = np.random.default_rng(3)
    doubtful = rng.normal(0, 2, 3_000)
    sure = rng.uniform(20, 50, 6_000)
    odds = np.concatenate((doubtful, sure))
    right = np.concatenate((drawn(doubtful, rng), np.ones(6_000, bool)))
    far = applied(fit(odds, right), np.array([30.0, 50.0]))
    assert (far < log2(6_000 / 3) + 1).all()
    assert far[0] < far[1]
    wrong = applied(fit(-odds, ~right), np.array([-30.0, -50.0]))
    assert (wrong > -log2(6_000 / 3) - 1).all()


def test_answers_that_hold_no_doubt_or_none_at_all_correct_nothing() -> None:
    assert fit(np.array([]), np.array([], bool)) == []
    assert fit(np.full(1_000, 40.0), np.ones(1_000, bool)) == []


def test_a_claim_far_from_the_truth_with_little_to_learn_from_is_shifted_whole() -> None:
    knots = fit(np.linspace(2.0, 2.1, 40), np.arange(40) % 2 == 0, knots=1)
    assert applied(knots, np.array([2.05])) == pytest.approx([0], abs=0.5)


def test_ends_that_lie_beyond_certainty_need_no_knots() -> None:
    """Odds of 58 that are right half the time: as claimed beyond that would pass what a posterior can tell."""
    knots = fit(np.full(400, 58.0), np.arange(400) % 2 == 0)
    assert [knot["odds"] for knot in knots][-1] == pytest.approx(58.0, abs=8.1)
    assert applied(knots, np.array([58.0])) == pytest.approx([0], abs=0.3)


def test_a_limit_that_is_met_only_beyond_certainty_bends_nothing() -> None:
    assert _end((FARTHEST - 1, 3.0), 9.0, 1) == []
    assert _end((1 - FARTHEST, -3.0), -9.0, -1) == []
    assert len(_end((5.0, 3.0), 9.0, 1)) == 2


def test_entries_come_in_pairs() -> None:
    with pytest.raises(ValueError, match="one entry"):
        fit(np.zeros(3), np.zeros(2, bool))


@settings(deadline=None)
@given(
    st.integers(1, 300).flatmap(
        lambda count: st.tuples(
            arrays(np.float64, count, elements=st.floats(-80, 80)), arrays(np.bool_, count, elements=st.booleans())
        )
    )
)
def test_knots_always_rise_and_stay_within_what_a_posterior_can_tell(
    answers: tuple[NDArray[np.float64], NDArray[np.bool_]],
) -> None:
    knots = fit(*answers)
    for name in ("odds", "calibrated"):
        values = [knot[name] for knot in knots]
        assert all(low < high for low, high in pairwise(values))
        assert all(-FARTHEST <= value <= FARTHEST for value in values)
