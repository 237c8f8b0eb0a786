"""``index``, ``ingest``, ``link``, ``unlink``, ``quarantine``: what went in, what did not, by field and rule."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.house import House
from gateway.services.records import unnumbered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.gateway.cli.conftest import Command


GOOD = {"LA Person Unique Identifier": "N1", "Event Reference": "R1"}
BAD = {"LA Person Unique Identifier": "N2", "Event Reference": "R2", "Event Start Date": "31/02/2026"}


def test_an_index_says_how_many_went_in_and_what_did_not(own_gateway: Command, county: Path, tmp_path: Path) -> None:
    lines = (county / "index.csv").read_text("utf-8").splitlines()
    broken = lines[1].split(",")
    broken[0] = "9990000019"
    (tmp_path / "people.csv").write_text("\n".join([*lines[:20], ",".join(broken), ""]), "utf-8")
    load = ("index", "load", tmp_path / "people.csv", "--source", "demo", "--as-of", "2026-10-31")
    ran = own_gateway(*load)
    assert ran.exit_code == 0
    assert ran.stdout == "19 people loaded from people.csv, as of 2026-10-31\n  quarantined, check-digit: 1\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--source", "demo", "--as-of", "2026-02-30"), "--as-of"),
        (("--source", "rumour", "--as-of", "2026-02-03"), "--source"),
        (("--source", "demo"), "--as-of"),
    ],
)
def test_an_index_needs_a_source_and_a_date(
    options: tuple[str, ...], said: str, gateway: Command, county: Path
) -> None:
    ran = gateway("index", "load", county / "index.csv", *options)
    assert (ran.exit_code, said in ran.stderr) == (2, True)


def test_an_index_is_loaded_in_the_layout_that_is_said(own_gateway: Command, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("practice,nhs_number,family,birth_date\nZ99001,9990000018,Patelova,15/03/1941\n", "utf-8")
    ran = own_gateway("index", "load", path, "--format", "gp-list", "--source", "demo", "--as-of", "2026-10-31")
    assert (ran.exit_code, ran.stdout) == (0, "1 people loaded from list.csv, as of 2026-10-31\n")


def test_an_index_of_another_layout_is_refused_by_column(gateway: Command, county: Path) -> None:
    ran = gateway("index", "load", county / "truth.csv", "--source", "demo", "--as-of", "2026-09-30")
    assert ran.exit_code == 2
    assert ran.stderr.startswith("gateway: truth.csv, row 1, source: ")
    assert ran.stderr.count("[unknown-column]") == 1


def test_good_rows_go_in_and_bad_ones_wait_with_their_reason(
    own_gateway: Command, extract: Callable[..., Path], tmp_path: Path
) -> None:
    ran = own_gateway("ingest", "social-care", extract(tmp_path / "new.csv", GOOD, BAD))
    assert ran.exit_code == 0
    assert ran.stdout == (
        "2 rows read: 1 new, 0 changed, 0 the same, 0 deletions, 1 quarantined\n"
        "  quarantined, Event Start Date, impossible-date: 1\n"
    )
    held = own_gateway("quarantine", "list", "--rule", "impossible-date", "--limit", "1000").stdout
    assert "new.csv row 3  Event Start Date  impossible-date" in held
    assert "Sentinel" not in held


def test_the_same_file_twice_changes_nothing(
    own_gateway: Command, extract: Callable[..., Path], tmp_path: Path
) -> None:
    file = extract(tmp_path / "new.csv", GOOD, BAD)
    own_gateway("ingest", "social-care", file)
    before = own_gateway("db", "digest").stdout
    ran = own_gateway("ingest", "social-care", file)
    assert ran.exit_code == 0
    assert ran.stdout.startswith(
        "these files are already in; nothing changed\n2 rows read: 0 new, 0 changed, 1 the same"
    )
    assert own_gateway("db", "digest").stdout == before


def test_folders_are_read_whole(gateway: Command, county: Path) -> None:
    for source in ("social-care", "gp", "acute"):
        ran = gateway("ingest", source, county / source)
        assert (ran.exit_code, "already in" in ran.stdout) == (0, True)


@pytest.mark.parametrize(
    ("source", "more"), [("social-care", ()), ("gp", ()), ("acute", ()), ("tabular", ("--map", "nhs111"))]
)
def test_a_file_of_another_kind_is_refused_by_name(
    source: str, more: tuple[str, ...], gateway: Command, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("Sentinelname,Sentinelgiven\n1,2\n")
    ran = gateway("ingest", source, tmp_path / "notes.txt", *more)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("gateway: notes.txt")
    assert "Sentinel" not in ran.stderr


def test_a_column_map_has_to_be_there(gateway: Command, county: Path) -> None:
    ran = gateway("ingest", "tabular", county / "index.csv", "--map", "nosuch")
    assert (ran.exit_code, "[map]" in ran.stderr) == (2, True)


def test_an_empty_folder_and_a_missing_file_are_bad_input(gateway: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert gateway("ingest", "social-care", tmp_path / "empty").exit_code == 2
    assert gateway("ingest", "social-care", tmp_path / "gone.csv").exit_code == 2


def test_new_records_are_linked_and_a_second_run_has_nothing_to_do(
    own_gateway: Command, extract: Callable[..., Path], tmp_path: Path
) -> None:
    own_gateway("ingest", "social-care", extract(tmp_path / "new.csv", GOOD))
    ran = own_gateway("link")
    assert ran.exit_code == 0
    assert ran.stdout.startswith("1 people traced under model ")
    assert "  none: 1\n" in ran.stdout
    assert own_gateway("link").stdout.startswith("0 people traced")


def test_what_linking_did_not_look_at_is_said_by_kind_of_key(
    own_gateway: Command,
    people: dict[str, dict[str, str]],
    extract: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = House.engine
    monkeypatch.setattr(House, "engine", lambda house: replace(whole(house), most=0))
    monkeypatch.setattr(unnumbered, "_LARGEST_BLOCK", 0)
    person = next(iter(people.values()))
    year, month, day = person["birth_date"].split("-")
    named = {"First Name": person["given"], "Last Name": person["family"], "Date of Birth": f"{day}/{month}/{year}"}
    own_gateway("ingest", "social-care", extract(tmp_path / "new.csv", GOOD | named))
    told = own_gateway("link").stdout
    assert "1 questions met more candidates than are looked at: " in told
    assert " groups of records without a number were too large to compare whole: names-year\n" in told


def test_a_link_taken_back_is_ruled_out_for_good(own_gateway: Command, record: str) -> None:
    ran = own_gateway("unlink", record, "--reason", "seen by a reviewer")
    assert (ran.exit_code, ran.stdout.startswith("unlinked; ")) == (0, True)
    told = own_gateway("explain", record).stdout
    assert "(unlinked by reviewer)" in told
    assert " never " in told
    again = own_gateway("unlink", record, "--reason", "again")
    assert (again.exit_code, "[not-linked]" in again.stderr) == (1, True)
    own_gateway("link")
    now = own_gateway("explain", record).stdout
    ruled_out = now.split(" never ")[1].split(" ")[0]
    assert f" is {ruled_out} " not in now.split(" never ")[1]
    # joined to no other: there is nothing to take back
    assert "[not-linked]" in own_gateway("unlink", record, "--reason", "again").stderr


def test_whoever_may_not_trace_may_not_unlink(own_gateway: Command, record: str) -> None:
    ran = own_gateway("--as", "analyst", "--purpose", "analytics", "unlink", record, "--reason", "no")
    assert (ran.exit_code, ran.stdout) == (3, "")


def test_rows_stay_in_quarantine_until_a_rule_or_the_source_changes(own_gateway: Command) -> None:
    ran = own_gateway("quarantine", "replay")
    assert ran.exit_code == 0
    assert " 0 went in, " in ran.stdout
    assert own_gateway("quarantine", "list", "--rule", "nosuch").stdout == ""
    assert own_gateway("quarantine", "list", "--limit", "0").exit_code == 2
