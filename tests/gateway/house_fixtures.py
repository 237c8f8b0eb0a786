"""The town and the county as fixtures; the conftest of each folder takes what it needs from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gateway import houses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fixtures.write import Manifest
    from gateway.house import House
    from gateway.settings import Settings


@pytest.fixture(scope="session")
def town_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Where the town is."""
    return houses.make_town(houses.settings_in(tmp_path_factory.mktemp("town") / "var"))


@pytest.fixture(scope="session")
def town(town_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The town, open for the whole run, for tests that only ask. A copy too: what is copied from is never open."""
    with houses.copied(town_settings, tmp_path_factory.mktemp("town") / "open") as house:
        yield house


@pytest.fixture
def own_town(town_settings: Settings, tmp_path: Path) -> Iterator[House]:
    """A copy of the town that the test may spoil."""
    with houses.copied(town_settings, tmp_path / "var") as house:
        yield house


@pytest.fixture(scope="session")
def county_made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Manifest]:
    """Where the county is, and what was written of it."""
    return houses.make_county(tmp_path_factory.mktemp("county"))


@pytest.fixture(scope="session")
def manifest(county_made: tuple[Settings, Manifest]) -> Manifest:
    """What was written of the county: files and counts."""
    return county_made[1]


@pytest.fixture(scope="session")
def county(county_made: tuple[Settings, Manifest], tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The county, open for the whole run, for tests that only ask."""
    with houses.copied(county_made[0], tmp_path_factory.mktemp("county") / "open") as house:
        yield house


@pytest.fixture
def own_county(county_made: tuple[Settings, Manifest], tmp_path: Path) -> Iterator[House]:
    """A copy of the county that the test may spoil."""
    with houses.copied(county_made[0], tmp_path / "var") as house:
        yield house


@pytest.fixture
def watch() -> Callable[[House], houses.Watch]:
    """Watch what a house writes into its ledger from now on."""
    return houses.Watch
