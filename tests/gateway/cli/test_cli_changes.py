"""``gateway changes`` on the demonstration: find, list, show, decide, export, signals."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.cli.conftest import Command


@pytest.fixture
def compared(own_gateway: Command) -> Command:
    """The demonstration, its records compared with the index."""
    done = own_gateway("changes", "find")
    assert done.exit_code == 0, done.stderr
    assert "records compared" in done.stdout
    assert "formatting: " in done.stdout
    assert own_gateway("changes", "find").stdout == "0 records compared\n"
    return own_gateway


def first(command: Command) -> str:
    return command("changes", "list", "--limit", "1").stdout.split()[0]


def test_from_finding_to_the_file_for_the_case_system(compared: Command, tmp_path: Path) -> None:
    digest = compared("db", "digest").stdout
    listed = compared("changes", "list", "--source", "social-care")
    assert listed.stdout.endswith("shown\n")
    assert "the record and the index say different things" in listed.stdout
    name = first(compared)
    shown = compared("changes", "show", name).stdout
    assert shown.startswith("record social-care/999/")
    assert " * " in shown
    out = tmp_path / "updates.csv"
    told = compared("changes", "export", "--out", out).stdout
    assert "updates in updates.csv; go on with --since " in told
    cursor = told.split()[-1]
    assert compared("changes", "decide", name, "--accept").stdout == "decided\n"
    assert compared("changes", "decide", name, "--accept").exit_code == 2
    assert "1 updates" in compared("changes", "export", "--out", out, "--since", cursor).stdout
    with out.open(encoding="utf-8", newline="") as opened:
        assert [row["change_id"] for row in csv.DictReader(opened)] == [name]
    dismissed = first(compared)
    assert compared("changes", "decide", dismissed, "--dismiss").exit_code == 2
    assert compared("changes", "decide", dismissed, "--dismiss", "--reason", "both are right").exit_code == 0
    assert dismissed in compared("changes", "list", "--state", "dismissed").stdout
    assert compared("db", "digest").stdout != digest


def test_a_decision_is_one_of_two(compared: Command) -> None:
    for words in ([], ["--accept", "--dismiss"]):
        done = compared("changes", "decide", "x", *words)
        assert (done.exit_code, "either --accept or --dismiss" in done.stderr) == (2, True)


def test_signals_are_counted_and_wait_for_the_next_index(
    compared: Command, tmp_path: Path, examples: dict[str, str]
) -> None:
    event = {"specversion": "1.0", "type": "pds-record-change-2", "time": "2026-10-01T13:00:00Z"}
    (tmp_path / "signals").mkdir()
    for name, number in (("a", examples["right"]), ("b", "9990000107")):
        (tmp_path / "signals" / f"{name}.json").write_text(json.dumps(event | {"subject": number}), encoding="utf-8")
    (tmp_path / "signals" / "c.json").write_text("nothing", encoding="utf-8")
    told = compared("changes", "signal", tmp_path / "signals").stdout
    assert "2 signals read" in told
    assert "could not be read, not-json: 1" in told
    assert "still waiting: " in compared("changes", "reread").stdout


def test_an_upstream_that_does_not_answer_is_exit_4(
    compared: Command, tmp_path: Path, examples: dict[str, str]
) -> None:
    event = {
        "specversion": "1.0",
        "type": "pds-record-change-2",
        "time": "2026-10-01T13:00:00Z",
        "subject": examples["right"],
    }
    (tmp_path / "signal.json").write_text(json.dumps(event), encoding="utf-8")
    assert "1 people to be read anew" in compared("changes", "signal", tmp_path / "signal.json").stdout
    # the discard port of this machine: nobody listens
    done = compared("changes", "reread", env={"GATEWAY_PDS_BASE_URL": "http://127.0.0.1:9/FHIR/R4"})
    assert done.exit_code == 4
    assert "PDS does not answer" in done.stderr
    assert "still waiting: 1" in done.stdout


def test_the_councils_own_records_alone_are_listed(compared: Command) -> None:
    for state in ("open", "applied"):
        lines = compared("changes", "list", "--state", state, "--limit", "1000").stdout.splitlines()[:-1]
        assert {line.split()[1] for line in lines} == {"social-care"}
