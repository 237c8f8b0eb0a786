"""``audit``: the ledger proved, searched, reported and told."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.cli.conftest import Command


def ask_about(gateway: Command, number: str) -> None:
    gateway("verify", number, "--family", "Sentinelname", "--birthdate", "1950")


def alter(folder: Path, seq: int) -> None:
    """What somebody with the file and sqlite3 in their hands could do."""
    with closing(sqlite3.connect(folder / "ledger.db")) as held, held:
        for (name,) in held.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            held.execute(f"DROP TRIGGER {name}")
        body = bytes(held.execute("SELECT body FROM ledger_entry WHERE seq = ?", (seq,)).fetchone()[0])
        held.execute("UPDATE ledger_entry SET body = ? WHERE seq = ?", (body.replace(b':"', b':"x', 1), seq))


def test_an_intact_ledger_is_proved(gateway: Command) -> None:
    ran = gateway("audit", "verify")
    assert ran.exit_code == 0
    assert ran.stdout.startswith("the ledger is intact: ")
    assert " checkpoints, head " in ran.stdout


def test_a_row_altered_by_hand_is_named(own_gateway: Command) -> None:
    told = own_gateway("audit", "search", "--staff", "system-link").stdout.splitlines()
    seq = int(told[0].split("  ")[0])
    alter(own_gateway.folder, seq)
    ran = own_gateway("audit", "verify")
    assert (ran.exit_code, ran.stdout, ran.stderr) == (1, "", f"row {seq}: altered\n")


def test_a_witness_remembers_what_was_cut_off(own_gateway: Command, tmp_path: Path) -> None:
    noted = own_gateway("audit", "checkpoint", "--to", tmp_path / "witness")
    assert noted.exit_code == 0
    assert noted.stdout.startswith("nhs-linkage-gateway/ledger\n")
    assert own_gateway("audit", "verify", "--checkpoints", tmp_path / "witness").exit_code == 0
    with closing(sqlite3.connect(own_gateway.folder / "ledger.db")) as held, held:
        for (name,) in held.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            held.execute(f"DROP TRIGGER {name}")
        held.execute("DELETE FROM checkpoint")
        held.execute("DELETE FROM ledger_subject WHERE seq > 30")
        held.execute("DELETE FROM ledger_entry WHERE seq > 30")
    ran = own_gateway("audit", "verify", "--checkpoints", tmp_path / "witness")
    assert (ran.exit_code, "truncated" in ran.stderr) == (1, True)


def test_a_witness_without_notes_is_bad_input(gateway: Command, tmp_path: Path) -> None:
    ran = gateway("audit", "verify", "--checkpoints", tmp_path)
    assert (ran.exit_code, "[checkpoint]" in ran.stderr) == (2, True)


def test_who_looked_at_a_person_is_found_and_so_is_the_search(gateway: Command, examples: dict[str, str]) -> None:
    ask_about(gateway, examples["deceased"])
    search = ("audit", "search", "--nhs-number", examples["deceased"])
    first = gateway(*search).stdout
    assert "data-team (data-team, 999)  demographic-trace  permit permitted  ISA-TRACE@1" in first
    assert "ig-officer (ig-officer, 999)  ig-audit" in gateway(*search).stdout
    assert examples["deceased"] not in first


def test_a_search_is_narrowed_by_staff_days_and_number_of_rows(gateway: Command, examples: dict[str, str]) -> None:
    ask_about(gateway, examples["right"])
    assert gateway("audit", "search", "--staff", "nobody").stdout == "0 rows\n"
    assert gateway("audit", "search", "--since", "2099-01-01").stdout == "0 rows\n"
    assert gateway("audit", "search", "--until", "2001-01-01").stdout == "0 rows\n"
    assert gateway("audit", "search", "--limit", "1").stdout.endswith("1 rows\n")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--nhs-number", "99"), 2),
        (("--since", "yesterday"), 2),
        (("--limit", "0"), 2),
    ],
)
def test_a_search_by_nonsense_is_bad_input(words: tuple[str, ...], code: int, gateway: Command) -> None:
    assert gateway("audit", "search", *words).exit_code == code


def test_the_ledger_is_for_those_who_may_read_it(gateway: Command) -> None:
    ran = gateway("--as", "data-team", "--purpose", "ig-audit", "audit", "search")
    assert (ran.exit_code, ran.stdout) == (3, "")


def test_a_person_is_told_of_accesses_but_not_of_names(gateway: Command, examples: dict[str, str]) -> None:
    ask_about(gateway, examples["on-caseload"])
    ran = gateway("audit", "subject-access", examples["on-caseload"])
    assert ran.exit_code == 0
    assert "  999  data-team  demographic-trace  shown\n" in ran.stdout
    assert "Dee" not in ran.stdout
    assert gateway("audit", "subject-access", examples["not-in-index"]).stdout.endswith(" accesses\n")
    assert gateway("audit", "subject-access", "1").exit_code == 2


def test_the_report_counts_by_purpose_and_agreement(gateway: Command) -> None:
    ran = gateway("audit", "report")
    assert ran.exit_code == 0
    assert "purpose  processing: " in ran.stdout
    assert "agreement  FW-LCR@1#" in ran.stdout
