"""``isa``, ``caller``, ``org``, ``facts``: what the gate decides by, changed in words and with a row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fixtures.agreements import demo_agreements
from gateway.services.governance import agreements
from ig.agreement import load
from tests.gateway.houses import FACT_HEADER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.cli.conftest import Command

VERIFY = ("verify", "9990000018", "--family", "Sentinelname", "--birthdate", "1950")
ADD = ("caller", "add", "sam", "--name", "Sam", "--organisation", "999", "--org-class", "council")


@pytest.fixture(scope="session")
def texts() -> dict[str, str]:
    return {load(text).id: text for text in demo_agreements()}


@pytest.fixture
def care(texts: dict[str, str], tmp_path: Path) -> Path:
    path = tmp_path / "care.yaml"
    path.write_text(texts["ISA-CARE"], "utf-8")
    return path


def changed(path: Path, old: str, new: str) -> Path:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return path


def test_a_sound_agreement_has_no_findings(new_gateway: Command, care: Path) -> None:
    ran = new_gateway("isa", "check", care)
    assert (ran.exit_code, ran.stdout) == (0, "no findings\n")


def test_faults_are_named_by_line(new_gateway: Command, care: Path) -> None:
    ran = new_gateway("isa", "check", changed(care, "\nversion: 1\n", "\nversion: 1\nsurprise: true\n"))
    assert ran.exit_code == 1
    assert ran.stderr.startswith("care.yaml: line ")
    assert ran.stdout.endswith("findings\n")


def test_an_agreement_is_utf_8(new_gateway: Command, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"title: caf\xe9")
    ran = new_gateway("isa", "check", tmp_path / "a.yaml")
    assert (ran.exit_code, ran.stderr) == (2, "gateway: a.yaml: not UTF-8 [encoding]\n")


def test_agreements_are_listed_with_their_terms(gateway: Command) -> None:
    ran = gateway("isa", "list")
    assert ran.exit_code == 0
    assert "ISA-CARE@1  active  2025-" in ran.stdout
    assert len(ran.stdout.splitlines()) == 6


def test_lapses_are_listed(gateway: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = agreements.listing
    monkeypatch.setattr(agreements, "listing", lambda house: [replace(r, lapses=("review",)) for r in listing(house)])
    assert gateway("isa", "list").stdout.count("(review)") == 6


def test_the_matrix_shows_every_cell(gateway: Command) -> None:
    ran = gateway("isa", "matrix")
    assert ran.exit_code == 0
    assert "social-worker" in ran.stdout
    assert "ISA-CARE@1" in ran.stdout


def test_a_version_is_compared_before_it_is_in_force(gateway: Command, care: Path) -> None:
    newer = changed(changed(care, "\nversion: 1\n", "\nversion: 2\n"), "problems, ", "")
    ran = gateway("isa", "diff", newer)
    assert ran.exit_code == 0, ran.stderr
    assert "problems" in ran.stdout


def test_a_version_that_changes_nobodys_view_says_so(gateway: Command, care: Path) -> None:
    ran = gateway("isa", "diff", changed(care, "\nversion: 1\n", "\nversion: 2\n"))
    assert (ran.exit_code, ran.stdout) == (0, "nobody would see more or less\n"), ran.stdout


def test_a_version_that_cannot_stand_is_refused(gateway: Command, care: Path) -> None:
    ran = gateway("isa", "diff", changed(care, "\nversion: 1\n", "\nversion: 7\n"))
    assert (ran.exit_code, ran.stdout) == (2, "")


def test_a_version_is_put_in_force_and_suspended(own_gateway: Command, care: Path) -> None:
    newer = changed(care, "\nversion: 1\n", "\nversion: 2\n")
    assert own_gateway("isa", "activate", newer).stdout == "ISA-CARE@2 is in force\n"
    listed = own_gateway("isa", "list").stdout
    assert "ISA-CARE@1  superseded" in listed
    assert "ISA-CARE@2  active" in listed
    again = own_gateway("isa", "activate", changed(newer, "\nversion: 2\n", "\nversion: 2\nsurprise: yes\n"))
    assert (again.exit_code, "[agreement]" in again.stderr) == (2, True)


def test_suspension_stops_the_next_question(own_gateway: Command) -> None:
    assert own_gateway(*VERIFY).exit_code == 1
    assert own_gateway("isa", "suspend", "ISA-TRACE", "--reason", "under investigation").exit_code == 0
    ran = own_gateway(*VERIFY)
    assert (ran.exit_code, ran.stdout) == (3, "")
    again = own_gateway("isa", "suspend", "ISA-TRACE", "--reason", "again")
    assert (again.exit_code, "[agreement]" in again.stderr) == (1, True)


def test_a_signature_counts_from_when_it_is_given(own_gateway: Command, texts: dict[str, str], tmp_path: Path) -> None:
    """The practice that never signed the addendum signs it: from then on the addendum has its data."""
    addendum = load(texts["ISA-RISKSTRAT"]).addenda[0]
    signed = {one.ods for one in load(texts["ISA-RISKSTRAT"]).signatures if one.addendum == addendum.id}
    (late,) = {"Z99001", "Z99002", "Z99003"} - signed
    assert _provides(own_gateway, addendum.id, late) is False
    told = ("--organisation", late, "--signatory", "Senior partner", "--evidence", "minutes of 1 September")
    ran = own_gateway("isa", "sign", "ISA-RISKSTRAT", *told, "--addendum", addendum.id)
    assert (ran.exit_code, ran.stdout) == (0, f"{late} has signed ISA-RISKSTRAT@1+{addendum.id}\n")
    assert _provides(own_gateway, addendum.id, late) is True


def _provides(gateway: Command, addendum: str, organisation: str) -> bool:
    cells = gateway("isa", "matrix").stdout.splitlines()
    return any(f"+{addendum}" in cell and organisation in cell for cell in cells)


@pytest.mark.parametrize(
    ("agreement", "more", "code", "rule"),
    [
        ("ISA-CARE", ("--organisation", "0ZZ"), 2, "not-a-controller"),
        ("NOSUCH", ("--organisation", "999"), 1, "agreement"),
        ("ISA-CARE", ("--organisation", "999", "--addendum", "A9"), 1, "addendum"),
    ],
)
def test_only_a_controller_of_an_agreement_signs_it(
    agreement: str, more: tuple[str, ...], code: int, rule: str, gateway: Command
) -> None:
    ran = gateway("isa", "sign", agreement, "--signatory", "S", "--evidence", "E", *more)
    assert (ran.exit_code, f"[{rule}]" in ran.stderr) == (code, True)


def test_signing_is_a_governance_act(gateway: Command) -> None:
    told = ("--organisation", "Z99001", "--signatory", "S", "--evidence", "E")
    ran = gateway("--as", "gp", "--purpose", "ig-audit", "isa", "sign", "ISA-CARE", *told)
    assert (ran.exit_code, ran.stdout) == (3, "")


def test_callers_come_and_go(own_gateway: Command) -> None:
    added = own_gateway(*ADD, "--role", "social-worker", "--purposes", "demographic-trace, direct-care")
    assert (added.exit_code, added.stdout) == (0, "sam may ask\n")
    assert "sam  social-worker  999  active  demographic-trace, direct-care\n" in own_gateway("caller", "list").stdout
    assert own_gateway("--as", "sam", *VERIFY).exit_code == 1
    assert own_gateway("caller", "revoke", "sam").stdout == "sam may no longer ask\n"
    assert own_gateway("--as", "sam", *VERIFY).exit_code == 3


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--role", "social-worker", "--purposes", "curiosity"), "[purpose]"),
        (("--role", "system-admin", "--purposes", "direct-care"), "[separation]"),
        (("--role", "wizard", "--purposes", "direct-care"), "--role"),
        (("--role", "social-worker"), "--purposes"),
    ],
)
def test_a_caller_that_cannot_be_is_refused(more: tuple[str, ...], said: str, gateway: Command) -> None:
    ran = gateway(*ADD, *more)
    assert (ran.exit_code, said in ran.stderr) == (2, True)


def test_a_caller_who_is_not_there_cannot_be_revoked(gateway: Command) -> None:
    ran = gateway("caller", "revoke", "nobody")
    assert (ran.exit_code, "[caller]" in ran.stderr) == (1, True)


def test_organisations_are_loaded(own_gateway: Command, county: Path) -> None:
    ran = own_gateway("org", "load", county / "organisations.csv")
    assert (ran.exit_code, ran.stdout.endswith(" organisations\n")) == (0, True)


def test_facts_are_loaded_in_place_of_those_before(own_gateway: Command, county: Path) -> None:
    ran = own_gateway("facts", "load", "dspt", county / "facts" / "dspt.csv")
    assert (ran.exit_code, ran.stdout.endswith(" facts\n")) == (0, True)


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        ("rumour", f"{FACT_HEADER}\n", "KIND: one of caseload"),
        ("caseload", "a,b\n", "facts.csv, row 1: columns kind,subject"),
        ("caseload", "", "facts.csv: the file is empty"),
        (
            "caseload",
            f"{FACT_HEADER}\ncaseload,9990000019,sw-1,999,2026-01-01,\n",
            "facts.csv, row 2, subject: must be",
        ),
        ("caseload", f"{FACT_HEADER}\ncaseload,9990000018,sw-1,999,2026-31-01,\n", "facts.csv, row 2, as_of: must be"),
        ("caseload", f"{FACT_HEADER}\ncaseload,9990000018\n", "facts.csv, row 2, row: must be 6 columns"),
    ],
    ids=["kind", "header", "empty", "number", "date", "short"],
)
def test_facts_that_cannot_be_are_refused_by_row_and_column(
    kind: str, content: str, said: str, gateway: Command, tmp_path: Path
) -> None:
    (tmp_path / "facts.csv").write_text(content, "utf-8")
    ran = gateway("facts", "load", kind, tmp_path / "facts.csv")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert said in ran.stderr
    assert "99900000" not in ran.stderr
