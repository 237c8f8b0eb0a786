"""The rest of the commands: the demonstration, databases, keys, releases, models, serving and finishing work."""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from gateway import app as application
from gateway.cli import progress as progress_module
from gateway.cli.progress import progress
from gateway.house import open_house, settings_for
from gateway.jobs.worker import run_pending
from gateway.services.progress import silent
from tests.gateway.cli.conftest import PEOPLE, SEED, Command

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


# --- the demonstration --------------------------------------------------------------------------------------------


def test_the_summary_says_what_the_demonstration_did(demonstration: tuple[Path, Result]) -> None:
    told = demonstration[1].stdout
    for said in (
        "Rows read",
        "quarantined, social-care, Event Start Date, impossible-date: ",
        "Records by trace outcome",
        "Social care people with an NHS number: ",
        " before, ",
        "Against planted truth, social-care: found ",
        "joins, ",
        "missed ",
        "Links standing, by ground: ",
        "Ledger: ",
        "people.parquet ",
        "events.parquet ",
        "left out: ",
        "Took ",
    ):
        assert said in told, said


def test_a_second_demonstration_leaves_everything_as_it_is(gateway: Command) -> None:
    before = gateway("db", "digest").stdout
    ran = gateway("demo", "--people", "600", "--seed", "45", "--no-serve")
    assert ran.exit_code == 0
    assert "Against planted truth, social-care: found " in ran.stdout
    assert gateway("db", "digest").stdout == before


def test_another_county_gets_a_house_of_its_own(own_gateway: Command) -> None:
    """It gives the same numbers to other people: mixed, the two would be joined wrongly."""
    before = own_gateway("db", "digest").stdout
    (own_gateway.folder / f"county-{PEOPLE}-{SEED}").mkdir()
    ran = own_gateway("demo", "--people", "500", "--seed", "46", "--no-serve")
    assert ran.exit_code == 0
    apart = own_gateway.folder / "demo-500-46"
    assert f"county-500-46 gets its own: --data-dir {apart}" in ran.stdout
    found = re.findall(r"Against planted truth, [a-z-]+: found ([\d.]+)%", ran.stdout)
    assert min(map(float, found)) > 80
    assert own_gateway("db", "digest").stdout == before
    assert Command(apart)("audit", "verify").exit_code == 0


def test_a_database_elsewhere_takes_no_second_county(gateway: Command) -> None:
    elsewhere = {"GATEWAY_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "GATEWAY_MODE": "demo"}
    ran = gateway("demo", "--people", "500", "--seed", "46", "--no-serve", env=elsewhere)
    assert (ran.exit_code, ran.stderr) == (
        2,
        f"gateway: this database holds county-{PEOPLE}-{SEED}: use another [another-county]\n",
    )


def test_a_damaged_ledger_ends_the_demonstration(own_gateway: Command) -> None:
    from tests.gateway.cli.test_cli_audit import alter

    alter(own_gateway.folder, 2)
    ran = own_gateway("demo", "--people", "600", "--seed", "45", "--no-serve")
    assert (ran.exit_code, ran.stderr) == (4, "gateway: the ledger is damaged: row 2 [ledger-damaged]\n")


def test_the_demonstration_serves_unless_told_otherwise(gateway: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[dict[str, Any]] = []
    monkeypatch.setattr(application, "serve", lambda settings, **where: served.append({"at": settings, **where}))
    ran = gateway("demo", "--people", "600", "--seed", "45", "--port", "8123")
    assert ran.exit_code == 0
    assert (served[0]["host"], served[0]["port"]) == ("127.0.0.1", 8123)


def test_serve_hands_over_its_settings(gateway: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr(application, "serve", lambda settings, **where: served.append((settings, where)))
    assert gateway("serve", "--workers", "3").exit_code == 0
    settings, where = served[0]
    assert (settings.data_dir, where) == (gateway.folder, {"host": "127.0.0.1", "port": 8000, "workers": 3})


@pytest.mark.parametrize("words", [("--people", "3"), ("--port", "0"), ("--port", "x")])
def test_a_demonstration_of_nothing_is_bad_usage(words: tuple[str, ...], new_gateway: Command) -> None:
    assert new_gateway("demo", *words, "--no-serve").exit_code == 2


# --- databases and keys -------------------------------------------------------------------------------------------


def test_an_upgrade_may_be_repeated(own_gateway: Command) -> None:
    before = own_gateway("db", "digest").stdout
    ran = own_gateway("db", "upgrade")
    assert (ran.exit_code, ran.stdout) == (0, "both databases are at this version's schema\n")
    assert own_gateway("db", "digest").stdout == before


def test_what_was_backed_up_comes_back(own_gateway: Command, record: str, tmp_path: Path) -> None:
    before = own_gateway("db", "digest").stdout
    assert own_gateway("db", "backup", tmp_path / "copy").stdout.split() == ["gateway.db", "ledger.db"]
    own_gateway("unlink", record, "--reason", "to have something to undo")
    assert own_gateway("db", "digest").stdout != before
    in_the_way = own_gateway("db", "restore", tmp_path / "copy")
    assert (in_the_way.exit_code, in_the_way.stderr) == (2, "gateway: gateway.db is there already [backup-exists]\n")
    for file in own_gateway.folder.glob("*.db*"):
        file.rename(file.with_name(f"old-{file.name}"))
    ran = own_gateway("db", "restore", tmp_path / "copy")
    assert (ran.exit_code, ran.stdout) == (0, "restored; run 'gateway audit verify'\n")
    assert own_gateway("db", "digest").stdout == before
    assert own_gateway("audit", "verify").exit_code == 0


def test_a_folder_without_a_backup_restores_nothing(own_gateway: Command, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    ran = own_gateway("db", "restore", tmp_path / "copy")
    assert (ran.exit_code, "[backup]" in ran.stderr) == (1, True)


def test_keys_are_made_once(new_gateway: Command) -> None:
    made = new_gateway("keys", "init")
    assert (made.exit_code, "checkpoint.pem" in made.stdout) == (0, True)
    kept = {key.name: key.read_bytes() for key in (new_gateway.folder / "keys").iterdir()}
    assert new_gateway("keys", "init").stdout == "every key is there already\n"
    assert {key.name: key.read_bytes() for key in (new_gateway.folder / "keys").iterdir()} == kept


def test_the_doctor_finds_a_demonstration_well_and_an_empty_house_wanting(
    gateway: Command, production: Command
) -> None:
    well = gateway("doctor")
    assert (well.exit_code, "WANT" in well.stdout) == (0, False)
    empty = production("doctor")
    assert (empty.exit_code, "WANT  index: no index is loaded" in empty.stdout) == (1, True)


def test_the_doctor_speaks_where_there_is_no_house(new_gateway: Command) -> None:
    ran = new_gateway("doctor")
    assert (ran.exit_code, "WANT  stores: the gateway database is not there yet" in ran.stdout) == (1, True)


# --- tokens, work, progress ---------------------------------------------------------------------------------------


def test_a_token_is_for_a_persona_and_one_of_their_purposes(gateway: Command) -> None:
    assert gateway("token", "--persona", "gp").stdout.count(".") == 2
    assert gateway("token", "--persona", "gp", "--purpose", "demographic-trace").exit_code == 0
    assert gateway("token", "--persona", "gp", "--purpose", "ig-audit").exit_code == 3
    assert gateway("token", "--persona", "stranger").exit_code == 2


def test_a_worker_with_nothing_to_do_says_so(gateway: Command) -> None:
    assert gateway("worker").stdout == "0 jobs finished\n"


def test_a_worker_finishes_a_link_run_that_was_left(own_gateway: Command) -> None:
    house = open_house(settings_for({}, data_dir=own_gateway.folder))
    try:
        job = house.stores.jobs.start_or_resume("link", "left")
        house.stores.jobs.fail(job, "stopped")
        ingest = house.stores.jobs.start_or_resume("ingest", "left")
        house.stores.jobs.fail(ingest, "stopped")
        done = run_pending(house, silent)
    finally:
        house.close()
    assert done == 1


def test_progress_is_a_plain_line_now_and_then_where_nobody_watches(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 1.0, 6.0, 6.0, 12.0, 12.0])
    monkeypatch.setattr(progress_module, "monotonic", lambda: next(clock))
    with progress("reading") as report:
        report(10, None)
        report(2000, None)
        report(3000, 4000)
    assert capsys.readouterr().err == "reading: 2,000\nreading: 3,000 of 4,000\n"


def test_progress_is_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = StringIO()
    monkeypatch.setattr(progress_module, "err", Console(file=screen, force_terminal=True, width=100))
    with progress("reading") as report:
        report(2000, 4000)
    assert "reading" in screen.getvalue()


# --- releases, models, FHIR ---------------------------------------------------------------------------------------


def test_a_release_asked_for_again_is_the_same(gateway: Command) -> None:
    (line,) = gateway("release", "list").stdout.splitlines()
    release = line.split("  ")[0]
    ran = gateway("release", "build", "--agreement", "ISA-ANALYTICS", "--period", "2026-09")
    assert ran.exit_code == 0
    assert ran.stdout.splitlines()[0] == release
    assert "  people.parquet: " in ran.stdout
    assert "  left out, " in ran.stdout


def test_an_altered_release_is_found_out(own_gateway: Command) -> None:
    release = own_gateway("release", "list").stdout.split("  ")[0]
    good = own_gateway("release", "verify", release)
    assert (good.exit_code, good.stdout) == (0, "every file is as the signed manifest says\n")
    file = own_gateway.folder / "releases" / release / "people.parquet"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    ran = own_gateway("release", "verify", release)
    assert (ran.exit_code, "people.parquet" in ran.stdout) == (1, True)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("verify", "nosuch"), 1),
        (("verify", "../keys"), 1),
        (("build", "--agreement", "nosuch", "--period", "2026-09"), 2),
        (("build", "--agreement", "ISA-ANALYTICS", "--period", "September"), 2),
        (("build", "--agreement", "ISA-ANALYTICS"), 2),
    ],
)
def test_a_release_that_cannot_be(words: tuple[str, ...], code: int, gateway: Command) -> None:
    ran = gateway("release", *words)
    assert (ran.exit_code, ran.stdout) == (code, "")


def test_a_release_is_not_for_everybody(gateway: Command) -> None:
    asked = ("release", "build", "--agreement", "ISA-ANALYTICS", "--period", "2026-08")
    assert gateway("--as", "data-team", *asked).exit_code == 3
    assert gateway("--as", "analyst", "--purpose", "direct-care", *asked).exit_code == 3


def test_which_model_is_in_use_is_unknown_before_there_is_a_database(new_gateway: Command) -> None:
    ran = new_gateway("model", "list")
    assert (ran.exit_code, ran.stdout) == (4, "")
    assert "run gateway db upgrade" in ran.stderr


def test_found_is_compared_with_the_truth_by_group(gateway: Command, county: Path) -> None:
    ran = gateway("evaluate", county / "truth.csv")
    assert ran.exit_code == 0
    lines = ran.stdout.splitlines()
    first = next(line for line in lines if line.startswith("social-care"))
    assert first.startswith("social-care, everybody: ")
    for word in ("precision ", "recall ", "F1 ", "false ", "missed "):
        assert word in first
    for axis in ("community", "sex", "age_band"):
        assert any(f"social-care, {axis} " in line for line in lines)


def test_a_truth_about_nobody_here(gateway: Command, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("source,organisation,person_ref,nhs_number\nsocial-care,999,zz,\n")
    assert gateway("evaluate", tmp_path / "t.csv").stdout == "nobody in this file has been traced here\n"


def test_a_rate_of_nothing_is_unknown(own_gateway: Command, tmp_path: Path, county: Path) -> None:
    truth = (county / "truth.csv").read_text("utf-8").splitlines()
    header, absent = truth[0].split(","), [row.split(",") for row in truth[1:]]
    row = next(dict(zip(header, one, strict=True)) for one in absent if one[3] == "" and one[0] == "social-care")
    lines = ["source,organisation,person_ref,nhs_number", f"social-care,{row['organisation']},{row['person_ref']},"]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    assert "recall unknown" in own_gateway("evaluate", tmp_path / "t.csv").stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"source,organisation\n", "t.csv, row 1: no column person_ref"),
        (b"", "t.csv, row 1: no column source"),
        (b"source,organisation,person_ref,nhs_number\na,b\n", "t.csv, row 2: not as long"),
        (b"source,organisation,person_ref,nhs_number\na,b,\xff,\n", "t.csv: not UTF-8 CSV"),
    ],
    ids=["header", "empty", "short", "encoding"],
)
def test_a_truth_that_cannot_be_read(content: bytes, said: str, gateway: Command, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    ran = gateway("evaluate", tmp_path / "t.csv")
    assert (ran.exit_code, said in ran.stderr) == (2, True)


def test_fhir_is_validated(new_gateway: Command, tmp_path: Path) -> None:
    good = {"resourceType": "Patient", "id": "a", "gender": "female"}
    (tmp_path / "good.json").write_text(json.dumps(good))
    assert new_gateway("validate", tmp_path / "good.json").stdout == "no issues\n"
    (tmp_path / "bad.json").write_text(json.dumps({**good, "birthDate": "Sentinelday"}))
    bad = new_gateway("validate", tmp_path / "bad.json")
    assert (bad.exit_code, bad.stdout.endswith(" issues\n"), "birthDate" in bad.stderr) == (1, True, True)
    assert "Sentinelday" not in bad.stderr
    (tmp_path / "not.json").write_text("{")
    assert new_gateway("validate", tmp_path / "not.json").exit_code == 2
