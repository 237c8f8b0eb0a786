"""How common names are: counted as every engine looks them up."""

from __future__ import annotations

from linkage.frequencies import Frequencies
from linkage.normalise import normalise
from linkage.person import Demographics


def test_a_surname_is_counted_without_its_spaces_however_it_is_written() -> None:
    written = ["Abdul Rahman", "Abdulrahman", "Abdul-Rahman", ""]
    frequencies = Frequencies.of(normalise(Demographics(family=family, given="Ann Marie")) for family in written)
    assert frequencies.as_counts() == {"family": {"ABDULRAHMAN": 3}, "given": {"ANN": 4}}
    assert frequencies.total == 4


def test_a_name_that_nobody_carries_counts_nothing() -> None:
    assert Frequencies({}, 5).count("given", "ANN") == 0
