"""The files of reports: whole or not at all, private, harmless in a spreadsheet, and nothing of anybody in them."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InputError, Unavailable
from gateway.services.reports import numbers_files, unmatched_files
from gateway.services.reports.lines import Line, Unmatched, in_order
from gateway.services.reports.numbers import Fault, Finding, Holding, LeftOut, Numbers
from gateway.services.reports.reasons import Cause
from gateway.services.reports.written import csv_for_people, write_files
from gateway.services.tracing.against import CheckedAgainst
from gateway.storage.reporting import Tally

if TYPE_CHECKING:
    from pathlib import Path

AT: Final = datetime(2026, 10, 1, 9, 30, tzinfo=UTC)
AGAINST: Final = CheckedAgainst("demo", date(2026, 9, 30), 1000, "everybody")
LINES: Final = (
    Line("social-care", "999", "a1", "review", Cause.ONE_FIELD, ("birth_date",), (), 0.9),
    Line("social-care", "999", "=HYPERLINK(1)", "none", Cause.LIKELY_ABSENT, (), (Cause.DUPLICATE,), 0.01),
    Line("acute", "RZZ", "m1", "not-read", Cause.NUMBER_INVALID, ("nhs_number",), (), 1.0, 3),
    Line("acute", "RZZ", "m2", "review", Cause.SEVERAL_FIELDS, (), (), 0.3),
)
TALLIES: Final = (Tally("social-care", "999", 40, 39, 37), Tally("acute", "RZZ", 10, 10, 8))
MADE: Final = Unmatched(AT, "house@1#abc", AGAINST, in_order(LINES), 50, TALLIES, settled=1, unread=2, left=4)
HELD: Final = Numbers(
    AT,
    AGAINST,
    (
        Holding(
            *("social-care", "999", 10, 4, 3, 2, 1, 1, 6, date(2026, 9, 30)),
            clients=Counter({"02": 3, "04": 1}),
            left_out=Counter({LeftOut.CHILD: 2}),
        ),
    ),
    (
        Finding("social-care", "999", "+1", Fault.INVALID, rows=2),
        Finding("social-care", "999", "b2", Fault.SHARED, "999 000 0018"),
        Finding("social-care", "999", "b3", Fault.MISSING),
    ),
)


def rows_of(path: Path) -> list[dict[str, str]]:
    """A CSV of ours, as a program reads it."""
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def test_each_organisation_has_a_work_list_of_its_own_with_what_pays_most_first(tmp_path: Path) -> None:
    written = unmatched_files.write_unmatched(tmp_path / "report", MADE)
    assert [path.name for path in written][:2] == ["work-list-999.csv", "work-list-RZZ.csv"]
    council, trust = (rows_of(path) for path in written[:2])
    assert [row["record"] for row in council] == ["a1", "'=HYPERLINK(1)"]
    assert [row["record"] for row in trust] == ["m1", "m2"]
    assert council[0]["fields_to_fix"] == "Date of birth"
    assert council[0]["next_step"].startswith("Check that one detail")
    assert council[1]["also"] == "Duplicate inside the file"
    assert (trust[0]["pays"], trust[0]["rows"]) == ("1.00", "3")
    assert trust[1]["next_step"].startswith("Check all the details")


def test_the_totals_say_the_same_as_the_list_in_every_form(tmp_path: Path) -> None:
    unmatched_files.write_unmatched(tmp_path, MADE)
    whole = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert whole["by_reason"] == {"likely-absent": 1, "number-invalid": 1, "one-field": 1, "several-fields": 1}
    assert (whole["records"], whole["not_settled"], len(whole["lines"])) == (50, 4, 4)
    assert whole["checked_against"]["as_of"] == "2026-09-30"
    totals = rows_of(tmp_path / "totals.csv")
    assert {(row["what"], row["which"]): row["records"] for row in totals}["organisation", "RZZ"] == "2"
    told = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "| 999 | 2 | 40 | 5.0% |" in told
    assert "1 records have not been traced yet" in told
    assert "2 rows were set aside" in told
    assert "4 further records were not looked at" in told
    assert "1 more would be found today" in told
    for name in ("reasons", "fields", "organisations"):
        assert f"({name}.svg)" in told
        assert (tmp_path / f"{name}.svg").read_text(encoding="utf-8").startswith('<svg role="img"')


def test_a_report_on_a_file_shares_its_rows_and_one_without_lines_is_still_a_report(tmp_path: Path) -> None:
    file = replace(MADE, tallies=(), records=8, lines=LINES[:1])
    assert "| 999 | 1 | 8 | 12.5% |" in next(
        section.as_markdown() for section in unmatched_files.sections(file) if section.title == "By organisation"
    )
    empty = unmatched_files.write_unmatched(tmp_path, replace(MADE, lines=()))
    assert "report.json" in {path.name for path in empty}


def test_numbers_are_told_per_holding_and_for_people_in_groups(tmp_path: Path) -> None:
    written = numbers_files.write_numbers(tmp_path, HELD)
    assert written[0].name == "to-mend-999.csv"
    mend = rows_of(written[0])
    assert [row["nhs_number"] for row in mend] == ["", "999 000 0018", ""]
    assert mend[0]["record"] == "'+1"
    whole = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    (held,) = whole["holdings"]
    assert (held["by_status"]["02"], held["by_status"]["01"], held["open_adult_clients"]) == (3, 0, 4)
    assert held["left_out"] == {"deceased": 0, "duplicate": 0, "child": 2, "not open": 0}
    assert held["last_traced"] == "2026-09-30"
    assert [one["fault"] for one in whole["to_mend"]] == ["invalid", "shared", "missing"]
    told = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "75.0% (3)" in told
    assert "as of 30 September 2026" in told
    assert (tmp_path / "statuses.svg").exists()
    figures = {row["figure"]: row["records"] for row in rows_of(tmp_path / "figures.csv")}
    assert figures["open adult clients, status 02"] == "3"


def test_without_an_index_the_report_says_that_nothing_was_checked(tmp_path: Path) -> None:
    bare = replace(HELD, against=None, holdings=())
    numbers_files.write_numbers(tmp_path, bare)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["checked_against"] is None
    assert "Checked against no index" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_only_the_owner_may_read_a_report(tmp_path: Path) -> None:
    written = write_files(tmp_path / "deep" / "report", {"a.csv": b"x"})
    assert [path.stat().st_mode & 0o777 for path in (written[0].parent, written[0])] == [0o700, 0o600]


def test_a_report_that_cannot_be_written_whole_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, {"a.csv": b"old", "b.csv": b"old"})
    kind = type(tmp_path)
    write = kind.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.name == ".b.csv.part":
            raise OSError(28, "no space")
        return write(path, content)

    monkeypatch.setattr(kind, "write_bytes", full)
    with pytest.raises(Unavailable):
        write_files(tmp_path, {"a.csv": b"new", "b.csv": b"new"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.csv": b"old", "b.csv": b"old"}


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x", encoding="utf-8")
    with pytest.raises(InputError):
        write_files(tmp_path / "taken", {"a.csv": b"x"})


@given(st.lists(st.text(max_size=8), min_size=1, max_size=3))
def test_no_cell_of_a_table_for_people_begins_a_formula(cells: list[str]) -> None:
    told = csv_for_people(["head"], [cells]).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(told, newline="")))
    for cell, written in zip(cells, rows[1] if len(rows) > 1 else [], strict=False):
        assert not written.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert written in {cell, f"'{cell}"}
