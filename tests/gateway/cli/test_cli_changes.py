"""``gateway changes`` on the demonstration: find, list, show, decide, export, signals."""

from __future__ import annotations

import csv
import json
import shutil
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from gateway.house import open_house, settings_for
from gateway.services.changes import work
from gateway.services.changes.find import FindReport
from gateway.services.changes.reread import RereadReport
from gateway.transports import pds
from tests.gateway.cli.conftest import Command

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@pytest.fixture(scope="module")
def compared(demonstration: tuple[Path, Result], tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A copy of the demonstration, its records compared with the index as if for the first time."""
    folder = tmp_path_factory.mktemp("changes") / "var"
    shutil.copytree(demonstration[0], folder, ignore=shutil.ignore_patterns("county-*"))
    command = Command(folder)
    with closing(open_house(settings_for({}, data_dir=folder))) as house, house.stores.transaction() as tx:
        for table in ("difference", "compared", "change_feed"):
            tx.change(f"DELETE FROM {table}")
    done = command("changes", "find")
    assert done.exit_code == 0, done.stderr
    assert "records compared" in done.stdout
    assert "formatting: " in done.stdout
    assert command("changes", "find").stdout == "0 records compared\n"
    return command


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


def test_a_pds_that_does_not_answer_is_exit_4(
    compared: Command, tmp_path: Path, examples: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    event = {"type": "pds-record-change-2", "time": "2026-10-01T13:00:00Z", "subject": examples["right"]}
    (tmp_path / "signal.json").write_text(json.dumps(event), encoding="utf-8")
    assert "people to be read anew" in compared("changes", "signal", tmp_path / "signal.json").stdout
    once = partial(pds.client_of, tries=1)
    monkeypatch.setattr(pds, "client_of", once)
    # the discard port of this machine: nobody listens
    done = compared("changes", "reread", env={"GATEWAY_PDS_BASE_URL": "http://127.0.0.1:9/FHIR/R4"})
    assert done.exit_code == 4
    assert "PDS does not answer" in done.stderr
    assert "still waiting: 1" in done.stdout


def test_the_councils_own_records_alone_are_listed(compared: Command) -> None:
    for state in ("open", "applied"):
        lines = compared("changes", "list", "--state", state, "--limit", "1000").stdout.splitlines()[:-1]
        assert {line.split()[1] for line in lines} == {"social-care"}


def test_a_record_that_was_unlinked_has_no_sides_any_more(compared: Command) -> None:
    name = first(compared)
    record = compared("changes", "show", name).stdout.splitlines()[0].removeprefix("record ")
    assert compared("unlink", record, "--reason", "test").exit_code == 0
    told = compared("changes", "show", name).stdout
    assert "does not stand any more" in told
    assert "one of the two has changed since" in told
    assert compared("link").exit_code == 0
    assert compared("changes", "find").exit_code == 0


def test_a_place_that_is_protected_is_said_to_be(compared: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = work.show

    def hidden(*asked: Any) -> work.Work:  # noqa: ANN401 - as the use case takes them
        return replace(shown(*asked), withheld=True)

    monkeypatch.setattr(work, "show", hidden)
    assert "no place is compared or shown" in compared("changes", "show", first(compared)).stdout


def test_what_became_of_whoever_was_read_anew_is_counted(compared: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "gateway.services.changes.reread.reread", lambda *_: RereadReport(read=3, unknown=1, quarantined=2)
    )
    told = compared("changes", "reread").stdout
    assert told == ("3 people read anew, 0 by a later index already\n  not known to PDS: 1\n  quarantined: 2\n")


def test_what_does_not_stand_any_more_is_counted(compared: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.services.changes.find.find_differences", lambda *_, **__: FindReport(overtaken=2))
    assert compared("changes", "find").stdout == "0 records compared\n  do not stand any more: 2\n"
