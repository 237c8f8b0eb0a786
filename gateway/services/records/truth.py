"""How traces compare with a truth that somebody holds: right, false and missed, by groups of people, with intervals.

For demonstrations and evaluations on synthetic people, where the truth was planted.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.errors import InputError
from gateway.services.files import named
from gateway.storage.records import source_person_id
from ig.decide import Population
from ig.purpose import Dataset, Element, Level
from linkage.evaluate import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.house import House

IDENTITY: Final = ("source", "organisation", "person_ref", "nhs_number")
GROUPS: Final = ("community", "sex", "age_band")
EVERYBODY: Final = "everybody"
"""The group of all people of a source."""


class Truth(NamedTuple):
    """Who a source's person really is: ten digits, or empty for somebody whom the index does not hold."""

    source: str
    organisation: str
    person_ref: str
    nhs_number: str
    groups: tuple[tuple[str, str], ...] = ()


class Group(NamedTuple):
    """People of one source who are counted together: ``axis`` is a column of the truth, or ``everybody``."""

    source: str
    axis: str
    value: str = ""


def read_truth(path: Path) -> list[Truth]:
    """Read a truth CSV: source, organisation, person_ref, nhs_number, and any of community, sex, age_band.

    Raises:
        InputError: the file cannot be opened, is not UTF-8 CSV, lacks a column, or has a row of another length.
    """
    with named(path), path.open(encoding="utf-8-sig", newline="") as opened:
        rows = csv.DictReader(opened, strict=True)
        try:
            axes = _axes(path, rows.fieldnames or ())
            return [_truth(path, number, row, axes) for number, row in enumerate(rows, 2)]
        except (UnicodeDecodeError, csv.Error):
            raise InputError(f"{path.name}: not UTF-8 CSV", reason="encoding", field="path") from None


def _axes(path: Path, columns: Iterable[str]) -> tuple[str, ...]:
    missing = [name for name in IDENTITY if name not in columns]
    if missing:
        raise InputError(f"{path.name}, row 1: no column {missing[0]}", reason="header", field="header")
    return tuple(name for name in GROUPS if name in columns)


def _truth(path: Path, number: int, row: dict[str, str], axes: Iterable[str]) -> Truth:
    if None in row or None in row.values():
        raise InputError(f"{path.name}, row {number}: not as long as the header", reason="row-length", field="row")
    source, organisation, person_ref, nhs_number = (row[name] for name in IDENTITY)
    return Truth(source, organisation, person_ref, nhs_number, tuple((axis, row[axis]) for axis in axes))


def compare(house: House, caller: Caller, truths: Iterable[Truth]) -> dict[Group, Tally]:
    """Return how the standing traces agree with the truth, for each source as a whole and for its groups.

    People of the truth whom no trace has looked at yet are left out.

    Raises:
        NotPermitted: no processing grant covers linking.
    """
    tallied: dict[Group, Tally] = defaultdict(Tally)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER},
        subject=Population(),
        job="compare-with-truth",
    ) as passage:
        found = house.stores.traces.numbers_found(passage.permit)
        for truth in truths:
            person = source_person_id(truth.source, truth.organisation, truth.person_ref)
            if person in found:
                one = Tally.of(found[person] or None, truth.nhs_number or None)
                for axis, value in ((EVERYBODY, ""), *truth.groups):
                    tallied[Group(truth.source, axis, value)] += one
        passage.disclose((), rows=len(found))
    return dict(sorted(tallied.items()))
