"""Rates from a stratified sample: the estimator, its interval, and how many to draw where."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.evaluate import Share
from linkage.sample import Stratum, allocate, estimate, missed_rate

SIZES = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(1, 500), min_size=1, max_size=6)


def test_the_estimate_weighs_each_stratum_by_its_size() -> None:
    # nine in ten of the population lie in a stratum without an error
    found = estimate([Stratum(9_000, 50, 0), Stratum(1_000, 50, 10)])
    assert found.value == pytest.approx(0.02)
    assert found.covered == 1.0
    assert found.size == 10_000


def test_the_variance_is_cochrans() -> None:
    found = estimate([Stratum(9_000, 50, 0), Stratum(1_000, 50, 10)])
    assert found.variance == pytest.approx(0.1**2 * 0.95 * 0.2 * 0.8 / 49)


def test_one_small_share_of_one_stratum_has_nearly_wilsons_interval() -> None:
    found = estimate([Stratum(10_000_000, 200, 3)])
    low, high = Share(3, 200).interval
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-3)


def test_no_error_found_is_not_no_error() -> None:
    found = estimate([Stratum(1_000_000, 100, 0)])
    assert found.value == 0.0
    assert found.high == pytest.approx(Share(0, 100).interval[1], abs=1e-4)


def test_a_stratum_without_an_error_is_not_taken_for_one_that_cannot_have_any() -> None:
    found = estimate([Stratum(9_900, 20, 0), Stratum(100, 90, 9)])
    assert found.high > 0.1


def test_a_population_judged_whole_is_known() -> None:
    found = estimate([Stratum(10, 10, 3), Stratum(5, 5, 0)])
    assert (found.value, found.low, found.high, found.variance) == pytest.approx((0.2, 0.2, 0.2, 0.0))


def test_strata_without_an_answer_are_left_out_and_said_to_be() -> None:
    found = estimate([Stratum(75, 10, 1), Stratum(25, 0, 0)])
    assert found.value == pytest.approx(0.1)
    assert (found.covered, found.size) == (0.75, 75)


def test_without_an_answer_nothing_is_known() -> None:
    found = estimate([Stratum(75, 0, 0)])
    assert (found.value, found.low, found.high, found.covered) == (0.0, 0.0, 1.0, 0.0)
    assert missed_rate([], []).high == 1.0


def test_the_missed_rate_is_of_those_who_are_in_the_index() -> None:
    # 900 joined, 9 of them wrongly; 100 apart, 9 of them one person after all
    found = missed_rate([Stratum(900, 900, 9)], [Stratum(100, 100, 9)])
    assert found.value == pytest.approx(9 / 900)
    assert (found.low, found.high) == pytest.approx((0.01, 0.01))
    assert found.variance == 0.0


def test_the_missed_rate_lies_in_an_interval_at_least_as_wide_as_the_normal_one() -> None:
    found = missed_rate([Stratum(90_000, 400, 2)], [Stratum(10_000, 400, 60)])
    spread = 1.96 * found.variance**0.5
    assert found.low <= found.value - spread / 2
    assert found.high >= found.value + spread


def test_the_missed_rate_is_unknown_until_both_kinds_have_an_answer() -> None:
    joined, apart = Stratum(900, 100, 1), Stratum(100, 50, 5)
    for found in (
        missed_rate([joined], [Stratum(100, 0, 0)]),
        missed_rate([Stratum(900, 0, 0)], [apart]),
    ):
        assert (found.value, found.low, found.high, found.covered) == (0.0, 0.0, 1.0, 0.0)
    assert missed_rate([joined], []).value == 0.0


def test_nobody_missed_has_a_missed_rate_of_nothing_up_to_its_bound() -> None:
    found = missed_rate([Stratum(900, 100, 0)], [Stratum(100, 50, 0)])
    assert (found.value, found.low) == (0.0, 0.0)
    assert 0 < found.high < 0.02


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """Over and over, from a population with 1 % errors in a large stratum and 20 % in a small one."""
    rng = random.Random(5)
    population = [[1] * 200 + [0] * 19_800, [1] * 100 + [0] * 400]
    truth = 300 / 20_500
    held = 0
    for _ in range(400):
        strata = [
            Stratum(len(part), n, sum(rng.sample(part, n))) for part, n in zip(population, (300, 80), strict=True)
        ]
        found = estimate(strata)
        held += found.low <= truth <= found.high
    assert held / 400 > 0.92


@given(SIZES, st.integers(0, 3_000))
def test_what_is_drawn_fits_into_the_strata_and_adds_up(sizes: dict[str, int], more: int) -> None:
    least = sum(min(2, size) for size in sizes.values())
    drawn = allocate(sizes, least + more)
    assert sum(drawn.values()) == min(least + more, sum(sizes.values()))
    assert all(min(2, sizes[name]) <= count <= sizes[name] for name, count in drawn.items())


def test_small_strata_get_more_than_their_share_and_large_ones_more_than_small_ones() -> None:
    drawn = allocate({"large": 10_000, "small": 100}, 110)
    assert drawn == {"large": 100, "small": 10}


def test_a_sample_too_small_for_its_strata_is_refused_with_the_least_there_is() -> None:
    with pytest.raises(ValueError, match="at least 4"):
        allocate({"one": 10, "other": 10}, 3)
