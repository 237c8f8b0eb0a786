"""Fixtures of the journeys: one small demonstration made by the real command, shared to read, copied to write."""

from __future__ import annotations

import csv
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.journeys.real import Real

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess

PEOPLE, SEED = "700", "45"


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> tuple[Real, CompletedProcess[str]]:
    """``gateway demo --people 700 --no-serve``: the house it made, and how the process ended."""
    gateway = Real(tmp_path_factory.mktemp("journeys") / "var")
    return gateway, gateway("demo", "--people", PEOPLE, "--seed", SEED, "--no-serve")


@pytest.fixture(scope="session")
def gateway(demonstration: tuple[Real, CompletedProcess[str]]) -> Real:
    """The command on the shared demonstration: only its ledger grows."""
    assert demonstration[1].returncode == 0, demonstration[1].stderr
    return demonstration[0]


@pytest.fixture
def own_gateway(gateway: Real, tmp_path: Path) -> Real:
    """The command on a copy that the test may spoil."""
    shutil.copytree(gateway.folder, tmp_path / "var", ignore=shutil.ignore_patterns("county-*"))
    return Real(tmp_path / "var")


@pytest.fixture(scope="session")
def county(gateway: Real) -> Path:
    """The folder of the demonstration's files."""
    return gateway.folder / f"county-{PEOPLE}-{SEED}"


@pytest.fixture(scope="session")
def examples(county: Path) -> dict[str, str]:
    """NHS numbers for a tour, as the county's manifest names them."""
    found: dict[str, str] = json.loads((county / "manifest.json").read_text("utf-8"))["examples"]
    return found


@pytest.fixture(scope="session")
def people(county: Path) -> dict[str, dict[str, str]]:
    """The index file's rows by NHS number."""
    with (county / "index.csv").open(encoding="utf-8", newline="") as opened:
        return {row["nhs_number"]: row for row in csv.DictReader(opened)}
