"""``review``: doubtful pairs by opaque id, evidence without values, a decision made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.storage.traces import Traces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.gateway.cli.conftest import Command

    People = dict[str, dict[str, str]]


@pytest.fixture
def doubtful(
    own_gateway: Command,
    people: People,
    examples: dict[str, str],
    extract: Callable[..., Path],
    tmp_path: Path,
) -> tuple[Command, str]:
    """A house with one more open case: a record of one person under the number and gender of another."""
    person = people[examples["right"]]
    year, month, day = person["birth_date"].split("-")
    row = {
        "LA Person Unique Identifier": "D1",
        "Event Reference": "RD1",
        "NHS Number": examples["on-caseload"],
        "First Name": person["given"],
        "Last Name": person["family"],
        "Gender": "Male" if person["gender"] == "female" else "Female",
        "Date of Birth": f"{day}/{month}/{year}",
        "Postcode": "LE19 9XX",
    }
    before = cases(own_gateway)
    assert own_gateway("ingest", "social-care", extract(tmp_path / "doubt.csv", row)).exit_code == 0
    assert "opened for review: 1" in own_gateway("link").stdout
    (opened,) = cases(own_gateway) - before
    return own_gateway, opened


def cases(gateway: Command) -> set[str]:
    return {line.split("  ")[0] for line in gateway("review", "list").stdout.splitlines()[:-1]}


def test_cases_are_listed_by_opaque_id_and_counted(doubtful: tuple[Command, str]) -> None:
    gateway, case = doubtful
    ran = gateway("review", "list")
    assert ran.exit_code == 0
    assert f"{case}  " in ran.stdout
    assert ran.stdout.endswith(" open cases shown\n")


def test_evidence_names_fields_and_levels_and_no_value(
    doubtful: tuple[Command, str], people: People, examples: dict[str, str]
) -> None:
    gateway, case = doubtful
    told = gateway("review", "show", case)
    assert told.exit_code == 0
    assert " bits, probability " in told.stdout
    assert "this person\n" in told.stdout
    person = people[examples["right"]]
    assert not [value for value in (person["family"], person["birth_date"], examples["right"]) if value in told.stdout]


def test_a_decision_is_made_once_and_outlives_the_model(doubtful: tuple[Command, str]) -> None:
    gateway, case = doubtful
    candidate = gateway("review", "show", case).stdout.split("1. ")[1].split(" ")[0]
    assert gateway("review", "decide", case, "--is", candidate, "--note", "seen").stdout == "decided\n"
    again = gateway("review", "decide", case, "--none")
    assert (again.exit_code, again.stdout) == (2, "")
    gateway("link")
    assert case not in gateway("review", "list").stdout
    assert f"is {candidate} (person by reviewer)" in gateway("explain", "social-care/999/D1").stdout


def test_none_of_them_is_a_decision_too(doubtful: tuple[Command, str]) -> None:
    gateway, case = doubtful
    assert gateway("review", "decide", case, "--none").exit_code == 0
    assert " never " in gateway("explain", "social-care/999/D1").stdout


def test_a_decision_has_to_be_one_and_about_a_candidate(doubtful: tuple[Command, str]) -> None:
    gateway, case = doubtful
    for words in ((), ("--is", "x", "--none")):
        assert gateway("review", "decide", case, *words).exit_code == 2
    ran = gateway("review", "decide", case, "--is", "nobody")
    assert (ran.exit_code, "[not-a-candidate]" in ran.stderr) == (2, True)


@pytest.mark.parametrize("words", [("show", "nosuch"), ("decide", "nosuch", "--none")])
def test_a_case_that_is_not_there(words: tuple[str, ...], gateway: Command) -> None:
    ran = gateway("review", *words)
    assert (ran.exit_code, "[review-case]" in ran.stderr) == (1, True)


def test_review_is_for_reviewers(gateway: Command) -> None:
    ran = gateway("--as", "analyst", "--purpose", "analytics", "review", "list")
    assert (ran.exit_code, ran.stdout) == (3, "")


def test_a_decision_is_taken_back_and_asked_anew(doubtful: tuple[Command, str]) -> None:
    gateway, case = doubtful
    early = gateway("review", "take-back", case, "--reason", "too early")
    assert (early.exit_code, early.stdout) == (2, "")
    assert gateway("review", "decide", case, "--none").exit_code == 0
    assert case not in cases(gateway)
    told = gateway("review", "take-back", case, "--reason", "misread")
    assert (told.exit_code, told.stdout) == (0, "taken back; the case is open again\n")
    assert case in cases(gateway)


def test_duplicates_of_the_own_organisation_are_listed_by_its_own_references(
    own_gateway: Command, people: People, examples: dict[str, str], extract: Callable[..., Path], tmp_path: Path
) -> None:
    person = people[examples["right"]]
    year, month, day = person["birth_date"].split("-")
    rows = [
        {
            "LA Person Unique Identifier": f"TWICE-{n}",
            "Event Reference": f"R{n}",
            "NHS Number": examples["right"],
            "First Name": person["given"],
            "Last Name": person["family"],
            "Gender": person["gender"].title(),
            "Date of Birth": f"{day}/{month}/{year}",
        }
        for n in range(2)
    ]
    for row in rows:
        path = extract(tmp_path / f"{row['Event Reference']}.csv", row)
        assert own_gateway("ingest", "social-care", path).exit_code == 0
    assert own_gateway("link").exit_code == 0
    told = own_gateway("review", "duplicates", "--limit", "1000")
    assert told.exit_code == 0
    assert any("TWICE-0" in line and "TWICE-1" in line for line in told.stdout.splitlines())
    assert "social-care: " in told.stdout.splitlines()[-1]
    assert examples["right"] not in told.stdout


def test_no_duplicates_are_said_too(own_gateway: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Traces, "shared", lambda *_: iter(()))
    told = own_gateway("review", "duplicates", "--limit", "1")
    assert (told.exit_code, told.stdout) == (0, "no duplicates inside a source\n")
