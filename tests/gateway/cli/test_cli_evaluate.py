"""``evaluate``: populations, models and the outside yardstick from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures import tuning

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.cli.conftest import Command


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small population."""
    target = tmp_path_factory.mktemp("populations") / "small"
    tuning.write(target, 400, 100, 6)
    return target


def test_a_population_is_measured_without_a_house_and_reported(
    new_gateway: Command, population: Path, tmp_path: Path
) -> None:
    ran = new_gateway("evaluate", "--population", population, "--engine", "python", "--report", tmp_path / "out")
    assert ran.exit_code == 0, ran.stderr
    for figure in ("At the shipped thresholds", "Recall at a required precision", "By name community", "key recall"):
        assert figure in ran.stdout
    assert "wrote evaluation.md" in ran.stdout
    assert "small: preparing" in ran.stderr
    assert not new_gateway.folder.exists()


def test_a_bad_model_is_refused_before_anything_is_prepared(
    new_gateway: Command, population: Path, tmp_path: Path
) -> None:
    (tmp_path / "model.json").write_text("{}", encoding="utf-8")
    ran = new_gateway("evaluate", "--population", population, "--model", tmp_path / "model.json")
    assert ran.exit_code == 2
    assert "model file, $" in ran.stderr
    assert "preparing" not in ran.stderr


def test_the_febrl_sets_are_measured_beside_the_classifier(
    new_gateway: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.services.quality.yardstick.lines.__defaults__", ((1,),))
    ran = new_gateway("evaluate", "--febrl")
    assert ran.exit_code == 0, ran.stderr
    assert "FEBRL 1, house" in ran.stdout


def test_help_explains_each_figure(new_gateway: Command) -> None:
    told = new_gateway("evaluate", "--help").stdout
    figures = (
        "precision",
        "recall at P .999",
        "review yield",
        "calibration error",
        "recall gap",
        "key recall",
        "capped",
    )
    for figure in (*figures, "false rate", "missed rate", "F1", "Cochran"):
        assert figure in told
