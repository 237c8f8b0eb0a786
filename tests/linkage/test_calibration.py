"""Calibration: a line through knots that keeps the order of candidates and says nothing where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.calibration import FARTHEST, calibrated, calibrated_array, calibrated_odds, probability
from linkage.model import Knot

KNOTS = tuple(Knot(odds=odds, calibrated=height) for odds, height in ((-5.0, -8.0), (3.0, 2.0), (9.0, 5.0)))
ODDS = st.floats(-80, 80)


@pytest.mark.parametrize(
    ("odds", "expected"),
    [(-6.0, -9.0), (-5.0, -8.0), (-1.0, -3.0), (3.0, 2.0), (6.0, 3.5), (9.0, 5.0), (11.0, 7.0)],
)
def test_it_is_straight_between_knots_and_one_for_one_outside(odds: float, expected: float) -> None:
    assert calibrated_odds(KNOTS, odds) == expected


@given(ODDS)
def test_without_knots_nothing_changes(odds: float) -> None:
    assert calibrated_odds((), odds) == odds


@given(ODDS, ODDS)
def test_candidates_keep_their_order(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert calibrated_odds(KNOTS, low) <= calibrated_odds(KNOTS, high)
    assert probability(low) <= probability(high)


@given(st.lists(st.floats(0, 1), max_size=20))
def test_an_array_is_calibrated_as_each_of_its_posteriors(posteriors: list[float]) -> None:
    found = calibrated_array(KNOTS, np.array(posteriors, np.float64))
    assert found.tolist() == [calibrated(KNOTS, posterior) for posterior in posteriors]


def test_certainty_stays_certainty_and_one_half_is_the_line_at_nothing() -> None:
    assert calibrated((), 0.0) == probability(-FARTHEST) > 0
    assert calibrated((), 1.0) == probability(FARTHEST) == 1
    assert calibrated(KNOTS, 0.5) == pytest.approx(probability(calibrated_odds(KNOTS, 0.0)))
