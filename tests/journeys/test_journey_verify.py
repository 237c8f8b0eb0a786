"""``gateway verify`` as a practitioner's script meets it: the verdict's word, its flags, its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.journeys.real import Real

STRANGER = {"family": "Sentinelname", "given": "Zz", "birth_date": "1903-01-01", "postcode": ""}


@pytest.mark.parametrize(
    ("number", "details", "verdict", "flags", "code"),
    [
        ("right", "right", "confirmed", [], 0),
        ("right", "", "demographics-differ", [], 1),
        ("right", "current", "someone-else", [], 1),
        ("not-in-index", "", "not-in-index", [], 1),
        ("9990000019", "right", "invalid-number", [], 2),
        ("superseded", "current", "confirmed", ["superseded"], 0),
    ],
    ids=["right", "wrong-details", "somebody-elses", "not-in-the-index", "failing-check-digit", "superseded"],
)
def test_each_verdict_is_explained_and_has_its_exit_code(  # noqa: PLR0913, PLR0917 - a table of verdicts
    number: str,
    details: str,
    verdict: str,
    flags: list[str],
    code: int,
    gateway: Real,
    examples: dict[str, str],
    people: dict[str, dict[str, str]],
) -> None:
    person = people[examples[details]] if details else STRANGER
    told = ("--family", person["family"], "--given", person["given"], "--birthdate", person["birth_date"])
    ran = gateway("verify", examples.get(number, number), *told, "--postcode", person["postcode"])
    assert (ran.returncode, ran.stderr) == (code, "")
    heading, advice, *rest = ran.stdout.splitlines()
    assert heading.endswith(f"({verdict})")
    assert len(advice) > 30
    assert [line.split(".")[0] for line in rest if line.startswith("Flag")] == [f"Flag: {flag}" for flag in flags]
    if flags == ["superseded"]:
        assert examples["current"] in ran.stdout.replace(" ", "")
