"""A population folder: an index, questions about its people, and the truth; read, normalised and keyed once.

Folders are written by ``python -m fixtures.population`` or by anybody who holds a truth: ``index.csv``, ``queries.csv``
and ``truth.csv`` (row_id, nhs_number, tags, community, sex, age_band; the number empty for somebody whom the index does
not hold). Nothing of them enters the stores of the house.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.errors import InputError
from gateway.services.files import named
from gateway.services.progress import silent
from gateway.services.quality.peers import Tables
from gateway.services.quality.prepare import Prepared, prepare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateway.services.progress import Report

INDEX, QUERIES, TRUTH = "index.csv", "queries.csv", "truth.csv"
COLUMNS: Final = ("row_id", "nhs_number", "tags", "community", "sex", "age_band")
AXES: Final = ("community", "sex", "age_band", "tag")


class Told(NamedTuple):
    """The truth of one question: ten digits, or empty where the index does not hold the person; what went wrong."""

    row_id: str
    nhs_number: str
    tags: tuple[str, ...]
    community: str
    sex: str
    age_band: str

    def groups(self) -> list[tuple[str, str]]:
        """Every (axis, value) this question counts in; one without a tag counts as ``none``."""
        fixed = [("community", self.community), ("sex", self.sex), ("age_band", self.age_band)]
        return [*fixed, *(("tag", tag) for tag in self.tags or ("none",))]


@dataclass(frozen=True, slots=True)
class Population:
    """One folder, ready to be asked: ``told`` is the truth in the order of the questions."""

    folder: Path
    told: Sequence[Told]
    prepared: Prepared

    @property
    def tables(self) -> Tables:
        """Where everything lies, for the engines that are compared."""
        ready = self.prepared.folder
        return Tables(
            index_people=ready / "index_people.parquet",
            index_keys=ready / "index_keys.parquet",
            query_people=ready / "query_people.parquet",
            query_keys=ready / "query_keys.parquet",
            index_csv=self.folder / INDEX,
            queries_csv=self.folder / QUERIES,
        )

    @property
    def whose(self) -> Path:
        """The number in force for every row of the index: columns number and person."""
        return self.prepared.folder / "index_whose.parquet"


def open_population(folder: Path, report: Report = silent) -> Population:
    """Read the truth of a folder, and normalise and key its people unless that was done before.

    Raises:
        InputError: a file is missing or unusable, or the truth does not stand beside the questions row by row.
    """
    told = read_truth(folder / TRUTH)
    prepared = prepare(folder / INDEX, folder / QUERIES, folder, report)
    if list(prepared.row_ids) != [row.row_id for row in told]:
        raise InputError(f"{TRUTH}: its rows are not those of {QUERIES}", reason="truth-rows", field="row_id")
    return Population(folder, told, prepared)


def read_truth(path: Path) -> list[Told]:
    """Read a population's truth.

    Raises:
        InputError: the file cannot be opened, is not UTF-8 CSV, or has other columns.
    """
    with named(path), path.open(encoding="utf-8-sig", newline="") as opened:
        rows = csv.reader(opened, strict=True)
        try:
            if tuple(next(rows, ())) != COLUMNS:
                raise InputError(f"{path.name}, row 1: not {','.join(COLUMNS)}", reason="header", field="header")
            return [_told(path, number, row) for number, row in enumerate(rows, 2)]
        except (UnicodeDecodeError, csv.Error):
            raise InputError(f"{path.name}: not UTF-8 CSV", reason="encoding", field="path") from None


def _told(path: Path, number: int, row: list[str]) -> Told:
    if len(row) != len(COLUMNS):
        raise InputError(f"{path.name}, row {number}: not as long as the header", reason="row-length", field="row")
    row_id, nhs_number, tags, community, sex, age_band = row
    return Told(row_id, nhs_number, tuple(tag for tag in tags.split("|") if tag), community, sex, age_band)
