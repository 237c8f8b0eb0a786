"""The reasons of the report against the errors that were planted: the table was written before any result was seen.

A planted error is explained when the report names a cause of its row of the table and, where the row names fields, one
of those fields. A missing number explains a row only when nothing else went wrong with it.
"""

from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from fixtures.errors import RULES
from gateway import demo
from gateway.services.reports.reasons import Cause, Diagnosis
from gateway.services.reports.unmatched import unmatched
from gateway.storage.permit import mint
from tests.gateway.houses import opened, quiet, settings_in, system

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fixtures.write import Manifest
    from gateway.house import House

    Accepted = Mapping[Cause, frozenset[str]]

LEAST: Final = 0.9
"""The share of rows whose reason must agree with the planted error."""

_ANY: Final = frozenset[str]()
_DIFFERS: Final = (Cause.ONE_FIELD, Cause.SEVERAL_FIELDS)
_MISSING: Final = (Cause.NOT_ENOUGH, Cause.SEVERAL_CLOSE)


def _named(causes: tuple[Cause, ...], *fields: str) -> dict[Cause, frozenset[str]]:
    return dict.fromkeys(causes, frozenset(fields))


ACCEPTED: Final[Mapping[str, Accepted]] = {
    "absent": {Cause.LIKELY_ABSENT: _ANY},
    "namesake": {Cause.SEVERAL_CLOSE: _ANY},
    "twin": {Cause.SEVERAL_CLOSE: _ANY},
    "named-after-parent": {Cause.SEVERAL_CLOSE: _ANY},
    "duplicate-record": {Cause.DUPLICATE: _ANY},
    "moved": _named(_DIFFERS, "address"),
    "surname-changed": _named(_DIFFERS, "family"),
    "original-script": _named(_DIFFERS, "family", "given"),
    "spelling": _named(_DIFFERS, "family", "given"),
    "first-name-dropped": _named(_DIFFERS, "given", "other_given"),
    "middle-as-first": _named(_DIFFERS, "given", "other_given"),
    "nickname": _named(_DIFFERS, "given"),
    "initial": {**_named(_DIFFERS, "given"), **_named(_MISSING, "given")},
    "forename-missing": _named(_MISSING, "given"),
    "names-swapped": _named(_DIFFERS, "family", "given"),
    "diacritics-dropped": _named(_DIFFERS, "family", "given"),
    "honorific": _named(_DIFFERS, "given"),
    "surname-typo": _named(_DIFFERS, "family"),
    "forename-typo": _named(_DIFFERS, "given"),
    "birth-estimated": {
        **_named(_DIFFERS, "birth_date"),
        **_named(_MISSING, "birth_date"),
        Cause.PLACEHOLDER: frozenset({"birth_date"}),
    },
    "birth-date-digit": _named(_DIFFERS, "birth_date"),
    "day-month-swap": _named(_DIFFERS, "birth_date"),
    "placeholder": {Cause.PLACEHOLDER: _ANY},
    "postcode-missing": _named(_MISSING, "address"),
    "postcode-typo": _named(_DIFFERS, "address"),
    "index-renamed": _named(_DIFFERS, "given"),
    "bad-row": {Cause.ROW_REFUSED: _ANY, Cause.NUMBER_INVALID: _ANY},
    "number-missing": _named(_MISSING, "nhs_number"),
    "number-somebody-elses": {Cause.NUMBER_SOMEBODY_ELSES: _ANY},
    "number-mistyped": {Cause.NUMBER_INVALID: _ANY},
    "number-superseded": {Cause.NUMBER_SUPERSEDED: _ANY},
}
"""Planted error → the causes that explain it, each with the fields one of which must be named (none: any will do)."""


def agrees(told: Diagnosis, tags: frozenset[str]) -> bool:
    """Whether the cause that the report tells first explains one of the planted errors."""
    candidates = tags - {"number-missing"} or tags
    for tag in candidates & ACCEPTED.keys():
        fields = ACCEPTED[tag].get(told.cause)
        if fields is not None and (not fields or fields & set(told.fields)):
            return True
    return False


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as opened_file:
        return list(csv.DictReader(opened_file))


def _tags(rows: list[dict[str, str]], renamed: frozenset[str]) -> dict[tuple[str, str, str], frozenset[str]]:
    """Source, organisation and local id → what was planted; both records of somebody who has two are duplicates."""
    records = Counter((row["source"], row["organisation"], row["nhs_number"]) for row in rows if row["nhs_number"])
    found = {}
    for row in rows:
        twice = records[row["source"], row["organisation"], row["nhs_number"]] > 1
        tags = {*row["tags"].split("|"), *(("duplicate-record",) if twice else ())} - {""}
        tags |= {"index-renamed"} if row["nhs_number"] in renamed else set()
        found[row["source"], row["organisation"], row["person_ref"]] = frozenset(tags)
    return found


def _explained(house: House, truth: Path, renamed: frozenset[str] = frozenset()) -> tuple[int, int, int]:
    """How many planted rows are not settled, how many the report tells of, and how many of those it explains rightly.

    Whoever cannot be told from what came in (a row without its local id) is told of by file and row alone, and whoever
    was merged into another record by that one. ``renamed`` are people whose first name the index has wrong.
    """
    tags = _tags(_rows(truth), renamed)
    made = unmatched(house, system(house, "system-link"))
    lines = {(line.source, line.organisation, line.reference): line for line in made.lines}
    reader = mint(decision_id="t", caller="t", organisation="", purpose="processing", agreement="T")
    records = house.stores.reporting.records(reader, limit=1_000_000)
    settled = {
        (one.source, one.organisation, one.person_ref)
        for one in records
        if one.outcome == "matched" or one.basis not in {"", "own"}
    }
    aside = b"".join(row.original for row in house.stores.reporting.aside(reader, limit=1_000_000))
    known = {(one.source, one.organisation, one.person_ref) for one in records}
    owed = {key for key in tags.keys() - settled if key in known or key[2].encode() in aside}
    # beside them whoever was found with something wrong; not a row set aside of somebody whose other rows are good
    told = {key: lines[key] for key in tags.keys() & lines.keys() if key in owed or lines[key].outcome == "matched"}
    assert owed <= told.keys(), f"{len(owed - told.keys())} of {len(owed)} rows without a reason"
    right = sum(agrees(Diagnosis(line.cause, line.fields), tags[key]) for key, line in told.items())
    return len(owed), len(told), right


def test_every_row_of_a_small_county_that_did_not_match_has_a_reason_and_nine_in_ten_are_the_planted_one(
    county: House, manifest: Manifest
) -> None:
    renamed = frozenset(row["nhs_number"] for row in _rows(manifest.index) if row["given"] == "Zebedee")
    owed, told, right = _explained(county, manifest.truth, renamed)
    assert owed > 5
    assert right >= LEAST * told


@pytest.mark.peers
def test_so_it_is_in_a_county_of_twelve_thousand(tmp_path: Path) -> None:
    settings = demo.run(settings_in(tmp_path / "var"), people=12_000, seed=7, out=quiet())
    with opened(settings) as house:
        (truth,) = settings.data_dir.glob("county-*/truth.csv")
        owed, told, right = _explained(house, truth)
    assert owed > 40
    assert right >= LEAST * told


def test_the_table_knows_every_error_that_can_be_planted() -> None:
    assert RULES.keys() <= ACCEPTED.keys()


def test_a_missing_number_explains_only_what_nothing_else_does() -> None:
    told = Diagnosis(Cause.NOT_ENOUGH, ("nhs_number",))
    assert agrees(told, frozenset({"number-missing"}))
    assert not agrees(told, frozenset({"number-missing", "moved"}))
    assert not agrees(told, frozenset())
