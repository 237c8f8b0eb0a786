"""The people whom the tutorial names are in the county that its first command makes, with those details."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from fixtures.county import stream_people
from fixtures.index_csv import COLUMNS, rows
from gateway.cli.demo import demo

if TYPE_CHECKING:
    from pathlib import Path

NAMED = re.compile(r"gateway verify (\d{10}) --family (\w+) --given (\w+) --birthdate (\S+)\n(.*)\n")


@pytest.fixture(scope="module")
def county(root: Path) -> dict[str, dict[str, str]]:
    """The index that ``make run`` of the tutorial loads, by number."""
    text = (root / "docs/tutorial/first-run.md").read_text("utf-8")
    people = re.search(r'make run ARGS="--people (\d+)"', text)
    assert people
    (seed,) = (option.default for option in demo.params if option.name == "seed")
    assert isinstance(seed, int)
    made = [row for who in stream_people(int(people[1]), seed) if not who.absent for row in rows(who)]
    return {row["nhs_number"]: row for row in (dict(zip(COLUMNS, row, strict=True)) for row in made)}


def test_each_person_of_the_tutorial_is_as_it_says(root: Path, county: dict[str, dict[str, str]]) -> None:
    text = (root / "docs/tutorial/first-run.md").read_text("utf-8")
    faults = []
    for number, family, given, born, answer in NAMED.findall(text):
        held = county.get(number)
        same = held is not None and (held["family"], held["given"], held["birth_date"]) == (family, given, born)
        said = re.findall(r"\(([a-z-]+)\)$", answer)
        expected = "confirmed" if same else "someone-else" if held else "not-in-index"
        faults += [] if said == [expected] else [f"{number}: the tutorial says {said}, the county {expected}"]
    assert len(NAMED.findall(text)) == 4
    assert faults == []
