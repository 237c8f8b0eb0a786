"""``model``, ``link --shadow`` and ``explain``: what is in use, what would change, and why a pair is not joined."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from gateway.storage.models import content_of, shipped_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.gateway.cli.conftest import Command


@pytest.fixture
def altered(tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], object]], Path]:
    """Write a model file that is the shipped one, changed by a function."""

    def write(change: Callable[[dict[str, Any]], object]) -> Path:
        content: dict[str, Any] = orjson.loads(content_of(shipped_model()))
        change(content)
        path = tmp_path / "model.json"
        path.write_text(json.dumps(content), "utf-8")
        return path

    return write


@pytest.fixture
def strict(altered: Callable[[Callable[[dict[str, Any]], object]], Path]) -> Path:
    """A model that joins hardly anybody."""
    return altered(lambda model: model["thresholds"]["propose"].update(match=60, gap=40) or model.update(version="x"))


def test_the_model_in_use_is_listed_and_shown(gateway: Command) -> None:
    listed, shown = gateway("model", "list"), gateway("model", "show", "shipped")
    shipped = shipped_model()
    assert listed.stdout.startswith(f"{shipped.hash[:12]}  {shipped.name} {shipped.version}  in use, shipped\n")
    assert "by gateway:shipped" in listed.stdout
    assert shown.stdout.startswith(f"{shipped.name} {shipped.version}  {shipped.hash}\n")
    assert "  direct-care: matched from" in shown.stdout
    assert gateway("model", "show", shipped.hash[:10]).stdout == shown.stdout


def test_what_a_model_rests_on_is_shown(
    gateway: Command, altered: Callable[[Callable[[dict[str, Any]], object]], Path]
) -> None:
    path = altered(lambda model: model.update(provenance={"trained-on": "a test"}))
    assert "  trained-on: a test\n" in gateway("model", "show", path).stdout


def test_a_model_is_tried_and_put_in_use_and_taken_back(own_gateway: Command, strict: Path, tmp_path: Path) -> None:
    refused = own_gateway("model", "activate", strict)
    assert (refused.exit_code, "was not tried" in refused.stderr) == (3, True)
    tried = own_gateway("link", "--shadow", strict, "--report", tmp_path / "report")
    assert tried.exit_code == 0, tried.stderr
    lost = re.search(r"links lost: ([\d,]+)", tried.stdout)
    assert lost is not None
    said = re.search(r"gateway (model activate \S+ --accept-lost (\d+))\n", tried.stdout)
    assert said is not None
    assert int(said[2]) == int(lost[1].replace(",", "")) > 0
    assert {path.name for path in (tmp_path / "report").iterdir()} == {
        "shadow.md",
        "shadow.json",
        "outcomes.svg",
        "changes.svg",
    }
    unaccepted = own_gateway("model", "activate", strict)
    assert (unaccepted.exit_code, f"--accept-lost {said[2]}" in unaccepted.stderr) == (3, True)
    done = own_gateway(*said[1].split())
    assert (done.exit_code, "in use from now on" in done.stdout) == (0, True)
    assert "shadow run" in own_gateway("model", "list").stdout
    again = own_gateway("link")
    assert "matched" in again.stdout
    assert "0 people traced" not in again.stdout


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda model: model["comparisons"]["gender"].update(odd={"bits": 1}), "$.comparisons.gender.odd"),
        (lambda model: model["comparisons"]["gender"].pop("equal"), "$.comparisons.gender.equal"),
        (
            lambda model: model["comparisons"]["email"]["equal"].update(bits=float("nan")),
            "$.comparisons.email.equal.bits",
        ),
        (lambda model: model.update(normalisation=99), "$.normalisation"),
    ],
)
@pytest.mark.parametrize("command", [("link", "--shadow"), ("model", "activate"), ("model", "show")])
def test_a_bad_model_is_refused_with_the_path_to_the_fault(
    gateway: Command,
    altered: Callable[[Callable[[dict[str, Any]], object]], Path],
    change: Callable[[dict[str, Any]], object],
    path: str,
    command: tuple[str, ...],
) -> None:
    ran = gateway(*command, altered(change))
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert f"model file, {path}: " in ran.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("model", "show", "nowhere.json"), 2),
        (("model", "show", "abc"), 2),
        (("model", "show", "0123456789abcdef"), 1),
        (("link", "--report", "somewhere"), 2),
    ],
)
def test_a_model_that_is_not_there_is_the_callers_to_mend(gateway: Command, words: tuple[str, ...], code: int) -> None:
    assert gateway(*words).exit_code == code


# --- explain -----------------------------------------------------------------------------------------------------


def test_why_a_record_was_joined_is_told_with_weight_probability_and_phrase(gateway: Command, record: str) -> None:
    ran = gateway("explain", record)
    assert ran.exit_code == 0
    assert f"\nnow, under model {shipped_model().label}: matched. " in ran.stdout
    assert "\n1. " in ran.stdout
    assert re.search(r"bits, probability [a-z\d. ]+%: almost certainly this person\.", ran.stdout)


def test_why_not_this_one(gateway: Command, record: str, people: dict[str, dict[str, str]]) -> None:
    told = json.loads(gateway("explain", record, "--format", "json").stdout)
    joined = told["pairs"][0]["person_id"]
    for number in list(people)[:40]:
        (other,) = json.loads(gateway("explain", record, "--against", number, "--format", "json").stdout)["pairs"]
        if other["weighing"] and other["person_id"] != joined:
            assert other["reason"]["code"] in {"settled-by-number", "no-key"}
            assert other["weighing"]["total"] < 0
            return
    pytest.fail("nobody else in the index")


def test_an_explanation_is_drawn(gateway: Command, record: str) -> None:
    ran = gateway("explain", record, "--format", "svg")
    assert ET.fromstring(ran.stdout).tag == "{http://www.w3.org/2000/svg}svg"


def test_nobody_is_not_drawn(gateway: Command, record: str) -> None:
    ran = gateway("explain", record, "--against", "9876543210", "--format", "svg")
    assert (ran.exit_code, "nobody-to-draw" in ran.stderr) == (1, True)
    assert "does not hold that number" in gateway("explain", record, "--against", "9876543210").stdout
