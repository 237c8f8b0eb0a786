"""Recall at a required precision, and claims beside the truth."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.evaluate import Bin, Curve, Judged, Point, Share, calibration_error, reliability

Answers = list[tuple[float, str | None, str | None]]

ANSWERS: Answers = [
    (30.0, "a", "a"),
    (25.0, "b", "b"),
    (20.0, "x", None),  # a person who is not in the index, joined to somebody
    (10.0, "c", "c"),
    (10.0, "d", "e"),
    (5.0, "f", "f"),
    (4.0, None, "g"),
]


def test_answers_are_joined_from_the_surest_down_and_equals_together() -> None:
    curve = Curve.of(ANSWERS)
    assert curve.present == 6
    assert curve.points == (
        Point(30, 1, 1),
        Point(25, 2, 2),
        Point(20, 3, 2),
        Point(10, 5, 3),
        Point(5, 6, 4),
    )


def test_recall_at_a_precision_is_that_of_the_lowest_threshold_which_reaches_it() -> None:
    curve = Curve.of(ANSWERS)
    assert curve.recall_at(1) == Share(2, 6)
    assert (curve.at(1).score, curve.at(1).precision) == (25, Share(2, 2))
    # precision falls to 3 of 5 and rises again to 4 of 6
    assert curve.recall_at(4 / 6) == Share(4, 6)
    assert curve.recall_at(0) == Share(4, 6)


def test_where_no_threshold_is_precise_enough_nobody_is_joined() -> None:
    curve = Curve.of([(9.0, "x", "y")])
    assert curve.recall_at(0.5) == Share(0, 1)
    assert curve.at(0.5) == Point(inf, 0, 0)
    assert Curve.of([]) == Curve((), 0)


def test_nine_hundred_and_ninety_nine_of_a_thousand_is_point_nine_nine_nine() -> None:
    curve = Curve.of_judged([Judged(1.0, number > 0) for number in range(1_000)], 1_000)
    assert curve.recall_at(0.999) == Share(999, 1_000)


@given(
    st.lists(st.tuples(st.integers(0, 9).map(float), st.sampled_from([None, "a", "b"]), st.sampled_from([None, "a"]))),
    st.sampled_from([0.5, 0.9, 1.0]),
)
def test_the_curve_agrees_with_trying_every_threshold(answers: Answers, precision: float) -> None:
    found = [0]
    for threshold in range(10):
        joined = [answer == truth for score, answer, truth in answers if answer is not None and score >= threshold]
        right = sum(joined)
        if joined and right >= precision * len(joined):
            found.append(right)
    assert Curve.of(answers).recall_at(precision).count == max(found)


def test_a_line_for_a_chart_is_thinned_and_keeps_its_end() -> None:
    curve = Curve.of_judged([Judged(float(-number), number < 900) for number in range(1_000)], 900)
    line = curve.line(most=10)
    assert len(line) == 11
    assert line[0] == (1 / 900, 1.0)
    assert line[-1] == (1.0, 0.9)


def test_nobody_asked_is_no_line() -> None:
    assert Curve.of([]).line() == []


def test_claims_stand_beside_the_truth_in_bins_of_equal_width() -> None:
    bins = reliability([0.0, 0.04, 0.95, 1.0, 0.95], [False, False, True, True, False], 10)
    assert bins == (
        Bin(0, 0.1, 2, 0.02, Share(0, 2)),
        Bin(0.9, 1, 3, 2.9 / 3, Share(2, 3)),
    )
    assert bins[1].share == 2 / 3
    assert calibration_error(bins) == pytest.approx((2 * 0.02 + 3 * (2.9 / 3 - 2 / 3)) / 5)


def test_or_in_bins_of_equal_count() -> None:
    claims = [number / 100 for number in range(80, 100)]
    bins = reliability(claims, [True] * 20, 4, quantile=True)
    assert [one.count for one in bins] == [5, 5, 5, 5]
    assert reliability([0.5] * 9, [True] * 9, 4, quantile=True) == (Bin(0.5, 1, 9, 0.5, Share(9, 9)),)


def test_no_claims_are_in_no_bins_and_in_no_error() -> None:
    assert reliability([], [], quantile=True) == ()
    assert calibration_error(()) == 0
