"""The status indicator of a record, and what its case system is told of it: one row of a table each."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.services.files import harmless
from gateway.services.tracing.against import CheckedAgainst
from gateway.services.tracing.onward_changes import COLUMNS, _line
from gateway.services.tracing.onward_status import NumberStatus, number_status
from gateway.storage.onward import Check, Numbered, Question

DAY = date(2026, 10, 1)
ONE, OTHER = "9990000018", "9990000026"
DEMO = CheckedAgainst("demo", DAY, 10)
PDS = CheckedAgainst("pds", DAY, 10)


def record(own: str = "", linked: str = "", basis: str = "", outcome: str = "none") -> Numbered:
    return Numbered("id", "social-care", "999", "ref", "today", own, linked, "p" if basis else "", basis, outcome)


def check(status: str, number: str = "", details: str = "today") -> Check:
    return Check("id", "Q", details, "", number, status, "found", "00", False, "pds-mesh", DAY)


def question(meaning: str = "", details: str = "today") -> Question:
    return Question("Q", "id", details, "", "dbs", 1, meaning, "", "", datetime(2026, 10, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("held", "said", "asked", "index", "status"),
    [
        (record(outcome=""), None, None, DEMO, NumberStatus("03")),
        (record(ONE, outcome=""), None, None, DEMO, NumberStatus("02")),
        (record(ONE), None, None, None, NumberStatus("02")),
        (record(), None, None, DEMO, NumberStatus("04", "demo", DAY)),
        (record(outcome="invalid-input"), None, None, DEMO, NumberStatus("03", "demo", DAY)),
        (record(linked=ONE, basis="algorithmic", outcome="matched"), None, None, DEMO, NumberStatus("02", "demo", DAY)),
        (record(linked=ONE, basis="cross-check", outcome="matched"), None, None, PDS, NumberStatus("01", "pds", DAY)),
        (record(linked=ONE, basis="person"), None, None, DEMO, NumberStatus("02", "demo", DAY)),
        (record(), None, question(), DEMO, NumberStatus("06", "dbs", DAY)),
        (record(), None, question(details="before"), DEMO, NumberStatus("04", "demo", DAY)),
        (record(), check("04"), question("not-found"), DEMO, NumberStatus("04", "pds-mesh", DAY)),
        (record(), check("04", details="before"), None, DEMO, NumberStatus("04", "demo", DAY)),
        (record(ONE), check("05"), question("not-found"), DEMO, NumberStatus("05", "pds-mesh", DAY)),
        (record(linked=ONE, basis="pds"), check("01", ONE), None, DEMO, NumberStatus("01", "pds-mesh", DAY)),
        (record(linked=ONE, basis="pds"), check("01", ONE, "before"), None, DEMO, NumberStatus("01", "pds-mesh", DAY)),
        (record(linked=OTHER, basis="person"), check("01", ONE), None, DEMO, NumberStatus("02", "demo", DAY)),
        (record(ONE, outcome=""), check("01", ONE), None, DEMO, NumberStatus("02")),
        (
            record(linked=ONE, basis="alphanumeric"),
            check("02", ONE, "before"),
            question(),
            DEMO,
            NumberStatus("06", "dbs", DAY),
        ),
    ],
)
def test_the_last_word_that_still_counts_is_the_status(
    held: Numbered, said: Check | None, asked: Question | None, index: CheckedAgainst | None, status: NumberStatus
) -> None:
    assert number_status(held, said, asked, index) == status


_NUMBERS = st.sampled_from(["", ONE, OTHER])
_RECORDS = st.builds(
    record,
    _NUMBERS,
    _NUMBERS,
    st.sampled_from(["", "own", "pds", "person", "algorithmic"]),
    st.sampled_from(["", "matched", "review", "many", "none", "invalid-input"]),
)
_DETAILS = st.sampled_from(["today", "before"])
_CHECKS = st.none() | st.builds(check, st.sampled_from(["01", "02", "03", "04", "05"]), _NUMBERS, _DETAILS)
_QUESTIONS = st.none() | st.builds(question, st.sampled_from(["", "found"]), _DETAILS)


@given(_RECORDS, _CHECKS, _QUESTIONS, st.sampled_from([None, DEMO]))
def test_no_number_is_called_verified_but_the_one_that_pds_verified_and_the_record_is_joined_to(
    held: Numbered, said: Check | None, asked: Question | None, index: CheckedAgainst | None
) -> None:
    status = number_status(held, said, asked, index)
    assert status.code in {"01", "02", "03", "04", "05", "06"}
    assert (status.on is None) == (not status.against)
    if status.code == "01":
        assert said is not None
        # a check at 01 always names a number
        assert not said.nhs_number or said.nhs_number == held.linked


@pytest.mark.parametrize("cell", ["=1+1", "+44", "-7", "@SUM", "\tx", "\rx", "\nx"])
def test_nothing_a_spreadsheet_would_calculate_stands_at_the_start_of_a_cell(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"
    assert _line([cell, 'a "b"', ""]) == f'"\'{cell}","a ""b""",""\r\n'.encode()


def test_every_source_names_the_same_six_columns() -> None:
    assert {len(names) for names in COLUMNS.values()} == {6}
    assert all(harmless(name) == name for names in COLUMNS.values() for name in names)
