"""The council's house and the national one as fixtures: made once for the run, copied by whoever changes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.services.tracing.formats import Format
from tests.gateway.houses import copied
from tests.gateway.services.onward_houses import EXPORTED, answered, become_national, export, settle_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.house import House
    from gateway.settings import Settings


@pytest.fixture(scope="session")
def home_made(town_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Where the council's house with its clients is."""
    folder = tmp_path_factory.mktemp("home")
    with copied(town_settings, folder / "var") as house:
        settle_in(house, folder)
        return house.settings


@pytest.fixture
def home(home_made: Settings, tmp_path: Path) -> Iterator[House]:
    """The council's house, which a test may spoil."""
    with copied(home_made, tmp_path / "home") as house:
        yield house


@pytest.fixture(scope="session")
def sent_made(home_made: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Path]:
    """Where the council's house is once its questions have gone, and their file."""
    folder = tmp_path_factory.mktemp("sent")
    with copied(home_made, folder / "var") as house:
        assert export(house, folder / "requests.csv").rows == len(EXPORTED)
        return house.settings, folder / "requests.csv"


@pytest.fixture
def sent(sent_made: tuple[Settings, Path], tmp_path: Path) -> Iterator[House]:
    """The council's house, waiting for answers."""
    with copied(sent_made[0], tmp_path / "home") as house:
        yield house


@pytest.fixture(scope="session")
def national(town_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The house that stands in for the national service."""
    folder = tmp_path_factory.mktemp("national")
    with copied(town_settings, folder / "var") as house:
        become_national(house, folder)
        yield house


@pytest.fixture(scope="session")
def response(national: House, sent_made: tuple[Settings, Path]) -> Path:
    """The answer of the national service to what was sent."""
    return answered(national, Format.PDS_MESH, sent_made[1])
