"""Rates against the truth, with intervals, by group."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.evaluate import Share, Tally, tallies, widest_gap


@pytest.mark.parametrize(
    ("answer", "truth", "tally"),
    [
        ("a", "a", Tally(right=1)),
        ("b", "a", Tally(wrong=1, missed=1)),
        ("b", None, Tally(wrong=1)),
        (None, "a", Tally(missed=1)),
        (None, None, Tally(rightly_none=1)),
    ],
)
def test_each_answer_counts_once_where_it_belongs(answer: str | None, truth: str | None, tally: Tally) -> None:
    assert Tally.of(answer, truth) == tally


def test_rates_are_of_what_they_say() -> None:
    tally = Tally(right=90, wrong=2, missed=10, rightly_none=5)
    assert (tally.precision.value, tally.false_rate) == (90 / 92, Share(2, 92))
    assert (tally.recall.value, tally.missed_rate) == (0.9, Share(10, 100))
    assert tally.f1 == pytest.approx(2 * 0.9 * (90 / 92) / (0.9 + 90 / 92))
    assert (Tally().f1, Tally().recall.value) == (0, 0)


def test_the_interval_is_wilsons() -> None:
    """The worked example of Newcombe 1998, table II: 81 of 263."""
    low, high = Share(81, 263).interval
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert Share(0, 0).interval == (0.0, 1.0)
    assert Share(0, 20).interval[0] == 0


@given(st.integers(1, 1000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_interval_holds_the_proportion_and_stays_between_none_and_all(counts: tuple[int, int]) -> None:
    share = Share(*counts)
    low, high = share.interval
    assert 0 <= low <= share.value + 1e-12
    assert share.value - 1e-12 <= high <= 1


def test_groups_are_told_apart_and_their_gap_is_named() -> None:
    answers = [("polish", "a", "a"), ("polish", None, "b"), ("sikh", "c", "c"), ("absent", None, None)]
    groups = tallies(answers)
    assert groups["polish"] == Tally(right=1, missed=1)
    assert widest_gap(groups) == 0.5
    assert widest_gap({}) == 0
