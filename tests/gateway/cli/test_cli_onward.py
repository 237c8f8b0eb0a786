"""``trace export``, ``import``, ``changes`` and ``ask``: files on and back, and what is printed of them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.services.tracing.onward_ask import AskReport
from gateway.transports.pds import PdsClient

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.cli.conftest import Command

MESH = ("--format", "pds-mesh")


def test_on_and_back_and_to_the_case_system(own_gateway: Command, tmp_path: Path) -> None:
    """The demonstration's own index answers in the national service's place: nobody more is found, all are told so."""
    requests, answers = tmp_path / "requests.csv", tmp_path / "answers.csv"
    ran = own_gateway("trace", "export", "--unresolved", *MESH, "--out", requests)
    assert ran.exit_code == 0, ran.stderr
    count = len(requests.read_bytes().splitlines()) - 1
    assert ran.stdout.startswith(f"{count} questions in 1 files\n  requests.csv\n")
    traced = own_gateway("trace", requests, *MESH, "--out", answers)
    assert traced.exit_code == 0, traced.stderr
    ran = own_gateway("trace", "import", answers, *MESH)
    assert (ran.exit_code, ran.stdout.splitlines()[0]) == (0, f"{count} rows read, 0 of them known already")
    again = own_gateway("trace", "import", answers, *MESH)
    assert again.stdout == (
        f"this file has been read; nothing changed\n{count} rows read, {count} of them known already\n"
    )
    ran = own_gateway("trace", "changes", "--source", "social-care", "--out", tmp_path / "numbers.csv")
    assert (ran.exit_code, "file 1 of social-care" in ran.stdout) == (0, True)
    ran = own_gateway("trace", "changes", "--source", "social-care", "--out", tmp_path / "numbers.csv")
    assert ran.stdout == "nothing has changed; no file is written\n"
    ran = own_gateway("trace", "export", "--unresolved", *MESH, "--out", requests)
    assert ran.stdout.startswith("0 questions in 0 files\n  left out, asked-before: ")


def test_what_cannot_be_believed_is_counted_by_rule(own_gateway: Command, tmp_path: Path) -> None:
    row = "QNEVERSENT,,,,,,,,,,,,,,,,,,,,,,,,,98,0000000000,0,0"
    answers = tmp_path / "stray.csv"
    answers.write_text(f"MPTREQ_20261001093000,SPINE_MPT_RESPONSE,1,00\n{row}\n", encoding="utf-8")
    ran = own_gateway("trace", "import", answers, *MESH)
    assert (ran.exit_code, ran.stdout) == (0, "1 rows read, 0 of them known already\n  quarantined, never-asked: 1\n")
    held = own_gateway("quarantine", "list", "--rule", "never-asked").stdout
    assert "stray.csv row 2  reference  never-asked" in held
    answers.write_text(f"MPTREQ_20261001093000,SPINE_MPT_RESPONSE,2,00\n{row}\n", encoding="utf-8")
    ran = own_gateway("trace", "import", answers, *MESH)
    assert (ran.exit_code, "[row-count]" in ran.stderr) == (2, True)


@pytest.mark.parametrize(
    "given", [(), ("--unresolved", "--changed"), ("--changed", "--unverified-since", "2026-01-01")]
)
def test_one_choice_of_records_is_needed(given: tuple[str, ...], new_gateway: Command, tmp_path: Path) -> None:
    ran = new_gateway("trace", "export", *given, *MESH, "--out", tmp_path / "x.csv")
    assert (ran.exit_code, "give one of --unresolved, --changed and --unverified-since" in ran.stderr) == (2, True)


def test_numbers_are_verified_in_either_layout(own_gateway: Command, tmp_path: Path) -> None:
    since = ("--unverified-since", "2026-01-01")
    ran = own_gateway("trace", "export", *since, "--format", "dbs", "--dbs-body", "csv", "--out", tmp_path / "v.dat")
    assert ran.exit_code == 0
    assert (tmp_path / "v.dat").read_bytes().startswith(b"0000011999")
    ran = own_gateway("trace", "export", "--changed", *MESH, "--out", tmp_path / "c.csv")
    assert ran.stdout.startswith("0 questions in 0 files")


def test_a_run_that_had_only_to_be_finished_says_so(
    own_gateway: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_given: object) -> None:
        raise KeyboardInterrupt

    words = ("trace", "export", "--unresolved", *MESH, "--out", tmp_path / "requests.csv")
    with monkeypatch.context() as patched:
        patched.setattr("gateway.services.tracing.onward_export._finish", stop)
        assert own_gateway(*words).exit_code == 130
    assert own_gateway(*words).stdout.startswith("an earlier run had written these; they have their names now\n")


def test_pds_is_asked_only_where_it_is_set(own_gateway: Command) -> None:
    ran = own_gateway("trace", "ask", "--unresolved")
    assert (ran.exit_code, "[pds-not-set]" in ran.stderr) == (2, True)


def test_an_upstream_that_is_not_there_is_an_upstream_failure(
    own_gateway: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.transports.pds_patience._FIRST_WAIT", 0.0)
    ran = own_gateway("trace", "ask", "--limit", "1", env={"GATEWAY_PDS_BASE_URL": "http://127.0.0.1:1/R4"})
    assert (ran.exit_code, ran.stdout, "[upstream-silent]" in ran.stderr) == (4, "", True)


def test_what_came_of_asking_is_printed_with_the_age_of_old_answers(
    own_gateway: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def ask(_house: object, caller: object, pds: object, limit: object, _report: object, *, again: bool) -> AskReport:
        asked.extend((getattr(caller, "subject", ""), type(pds), limit, again))
        done = AskReport(asked=3, oldest=61.4)
        done.became["confirmed"], done.left["protected"] = 3, 1
        return done

    monkeypatch.setattr("gateway.services.tracing.onward_ask.ask_pds", ask)
    ran = own_gateway("trace", "ask", "--limit", "3", "--again", env={"GATEWAY_PDS_BASE_URL": "https://pds.example/R4"})
    assert ran.stdout == (
        "3 records asked about\n  confirmed: 3\n  left out, protected: 1\nThe oldest answer used again was 61 s old.\n"
    )
    assert asked == ["system-link", PdsClient, 3, True]


def test_the_help_lists_every_word_and_imports_none_of_them() -> None:
    program = (
        "import sys\nfrom gateway.cli import main\n"
        "try:\n    main(['trace', '--help'])\nexcept SystemExit:\n    pass\n"
        "print('gateway.cli.onward' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    told, imported = ran.stdout.rstrip().rsplit("\n", 1)
    assert imported == "False"
    assert all(f"  {word} " in told for word in ("ask", "changes", "export", "file", "import"))


def test_a_file_needs_no_word_before_it_and_options_may_come_first(tmp_path: Path) -> None:
    runner = CliRunner()
    for given in ([], ["--format", "csv"], ["file"], [str(tmp_path / "absent.csv"), "--out", "x"]):
        ran = runner.invoke(main, ["trace", *given])
        assert (ran.exit_code, "Usage: main trace file [OPTIONS] PATH" in ran.stderr) == (2, True)
    assert "Unknown" not in runner.invoke(main, ["trace", "nosuch"]).stderr
