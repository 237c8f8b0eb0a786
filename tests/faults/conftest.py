"""Fixtures of the fault tests: a small county, and the stages of a house that takes it in, each made once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from fixtures.write import write_demo
from gateway import demo
from tests.faults.stages import Stages
from tests.gateway import houses

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fixtures.write import Manifest
    from tests.faults.stages import Gateway


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The county's files."""
    return write_demo(tmp_path_factory.mktemp("faults") / "county", 600, 45)


@pytest.fixture(scope="session")
def stages(manifest: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    """Undisturbed houses: ``governed`` (callers, agreements, facts), ``indexed``, ``fed``, ``linked``."""
    folder = tmp_path_factory.mktemp("stages")
    with houses.opened(houses.empty(houses.settings_in(folder / "governed"))) as house:
        demo._govern(house, manifest)  # the demonstration's own registration
    return Stages(folder, manifest)


@pytest.fixture
def house_at(stages: Stages, tmp_path: Path) -> Callable[[str], Gateway]:
    """Return the command on a copy of a stage: ``house_at("indexed")``."""
    return lambda stage: stages.copy(stage, tmp_path / "var")
