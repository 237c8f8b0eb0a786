"""``gateway train``: a model file from a house or a population, tried in the shadow like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures import tuning
from linkage.model import load

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.cli.conftest import Command


def test_a_house_trains_a_model_that_the_shadow_takes(own_gateway: Command, tmp_path: Path) -> None:
    ran = own_gateway("train", "--out", tmp_path / "m.json", "--random-pairs", "2000", "--report", tmp_path / "report")
    assert ran.exit_code == 0, ran.stderr
    trained = load((tmp_path / "m.json").read_bytes())
    assert trained.version.endswith("-trained")
    assert f"hash {trained.hash}" in ran.stdout
    assert "people of the index" in ran.stdout
    assert (tmp_path / "report" / "report.md").exists()
    shadow = own_gateway("link", "--shadow", tmp_path / "m.json")
    assert shadow.exit_code == 0, shadow.stderr


def test_a_population_needs_no_house(new_gateway: Command, tmp_path: Path) -> None:
    tuning.write(tmp_path / "pop", 1_200, 500, 9_002)
    words = ("train", "--population", tmp_path / "pop", "--refine", "--random-pairs", "2000")
    ran = new_gateway(*words, "--out", tmp_path / "m.json", "--version", "second", "--seed", "3")
    assert ran.exit_code == 0, ran.stderr
    first = load((tmp_path / "m.json").read_bytes())
    assert (first.version, first.provenance["seed"]) == ("second", 3)
    again = new_gateway(*words, "--out", tmp_path / "n.json", "--model", tmp_path / "m.json")
    assert again.exit_code == 0, again.stderr
    assert load((tmp_path / "n.json").read_bytes()).provenance["trained-from"] == first.hash


def test_a_truth_to_refine_by_is_a_populations(new_gateway: Command, tmp_path: Path) -> None:
    ran = new_gateway("train", "--out", tmp_path / "m.json", "--refine")
    assert ran.exit_code == 2
    assert "--refine goes with --population" in ran.stderr


def test_too_little_is_said_and_nothing_written(own_gateway: Command, tmp_path: Path) -> None:
    ran = own_gateway("train", "--out", tmp_path / "m.json", "--random-pairs", "50")
    assert ran.exit_code == 2
    assert "too little to learn from" in ran.stderr
    assert not (tmp_path / "m.json").exists()
