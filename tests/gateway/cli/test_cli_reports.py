"""``gateway report``: unmatched records and why, how NHS numbers are held, and for whom files are written."""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING

from fixtures.index_csv import COLUMNS
from linkage.nhs_number import fault_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.cli.conftest import Command

TEN_DIGITS = re.compile(r"(?<![\d.])\d{10}(?!\d)")


def test_unmatched_writes_a_work_list_for_the_callers_own_organisation_and_says_the_totals(
    gateway: Command, tmp_path: Path
) -> None:
    ran = gateway("report", "unmatched", "--out", tmp_path / "report")
    assert ran.exit_code == 0, ran.stderr
    assert "By reason" in ran.stdout
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert {"work-list-999.csv", "totals.csv", "report.json", "report.md", "reasons.svg"} <= names
    assert not {name for name in names if name.startswith("work-list") and name != "work-list-999.csv"}
    assert f"wrote {min(name for name in names if name.startswith('work'))}" in ran.stdout


def test_work_by_itself_writes_a_list_for_each_organisation(gateway: Command, tmp_path: Path) -> None:
    asked = ("--as", "system-link", "--purpose", "processing", "report")
    assert gateway(*asked, "unmatched", "--out", tmp_path).exit_code == 0
    assert {"work-list-999.csv", "work-list-RZZ.csv"} <= {path.name for path in tmp_path.iterdir()}
    assert gateway(*asked, "unmatched", "--source", "acute", "--out", tmp_path / "acute").exit_code == 0
    whole = json.loads((tmp_path / "acute" / "report.json").read_text(encoding="utf-8"))
    assert {line["source"] for line in whole["lines"]} == {"acute"}


def test_a_traced_file_is_reported_on_by_its_own_references(
    gateway: Command, people: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    somebody = next(row for row in people.values() if not row["superseded_by"] and row["sensitivity"] == "U")
    request, answers = tmp_path / "in.csv", tmp_path / "out.csv"
    with request.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("row_id", *COLUMNS), restval="")
        writer.writeheader()
        writer.writerow({"row_id": "r1", **somebody})
        writer.writerow({"row_id": "r2", "family": "Nobodyson", "given": "Nils", "birth_date": "1933-03-03"})
    assert gateway("trace", request, "--out", answers).exit_code == 0
    ran = gateway("report", "unmatched", "--file", answers, "--request", request, "--out", tmp_path / "report")
    assert ran.exit_code == 0, ran.stderr
    with (tmp_path / "report" / "work-list-999.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["record"], row["reason"]) == ("r2", "Likely absent from the index")


def test_a_response_needs_its_request_and_must_be_its_own(gateway: Command, tmp_path: Path) -> None:
    some = tmp_path / "some.csv"
    some.write_text("row_id,family,birth_date\n", encoding="utf-8")
    alone = gateway("report", "unmatched", "--file", some, "--out", tmp_path / "report")
    assert (alone.exit_code, "[file-request]" in alone.stderr) == (2, True)
    other = gateway("report", "unmatched", "--file", some, "--request", some, "--out", tmp_path / "report")
    assert (other.exit_code, "[header]" in other.stderr) == (2, True)
    mesh = ("--format", "pds-mesh", "--file", some, "--request", some)
    assert gateway("report", "unmatched", *mesh, "--out", tmp_path / "report").exit_code == 2
    assert not (tmp_path / "report").exists()


def test_numbers_says_how_they_are_held_and_writes_who_is_to_be_mended(gateway: Command, tmp_path: Path) -> None:
    ran = gateway("report", "numbers", "--out", tmp_path)
    assert ran.exit_code == 0, ran.stderr
    assert "Open adult clients by NHS number status" in ran.stdout
    assert "Checked against demo, as of 30 September 2026" in ran.stdout
    whole = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [held["organisation"] for held in whole["holdings"]] == ["999"]
    assert sum(whole["holdings"][0]["by_status"].values()) == whole["holdings"][0]["open_adult_clients"]
    only = gateway("report", "numbers", "--source", "gp", "--out", tmp_path / "gp")
    assert only.exit_code == 0
    assert not json.loads((tmp_path / "gp" / "report.json").read_text(encoding="utf-8"))["holdings"]


def test_who_has_no_such_agreement_gets_no_report_and_no_file(gateway: Command, tmp_path: Path) -> None:
    for name in ("unmatched", "numbers"):
        ran = gateway("--as", "social-worker", "report", name, "--out", tmp_path / "report")
        assert ran.exit_code == 3
    assert not (tmp_path / "report").exists()


def test_numbers_for_people_are_shown_in_groups_and_reports_hold_no_ten_digits(
    gateway: Command, tmp_path: Path
) -> None:
    """ISB 0149, requirement 09: what people read has 3-3-4; what systems read is no report."""
    for name in ("unmatched", "numbers"):
        printed = gateway("report", name, "--out", tmp_path / name).stdout
        files = [path.read_text(encoding="utf-8") for path in (tmp_path / name).iterdir() if path.suffix != ".svg"]
        found = [digits for text in (printed, *files) for digits in TEN_DIGITS.findall(text)]
        assert not [digits for digits in found if fault_in(digits) is None]
