"""Fixtures of the command's tests: one small demonstration for the session, and the command run in this process."""

from __future__ import annotations

import csv
import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from fixtures.social_care_lists import HEADER
from gateway.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from click.testing import Result

PEOPLE, SEED = 600, 45


@dataclass(frozen=True)
class Command:
    """``gateway --data-dir FOLDER …`` in this process; calling it gives click's result, output and errors apart."""

    folder: Path

    def __call__(self, *words: str | Path, env: Mapping[str, str] | None = None) -> Result:
        """Run it; whatever is not a plain exit is a bug, and is raised here."""
        given = ["--data-dir", str(self.folder), *map(str, words)]
        return CliRunner().invoke(main, given, env=dict(env or {}), catch_exceptions=False)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """Where a small demonstration is, and how making it went."""
    folder = tmp_path_factory.mktemp("cli") / "var"
    command = Command(folder)
    made = command("demo", "--people", str(PEOPLE), "--seed", str(SEED), "--no-serve", env={"COLUMNS": "160"})
    assert made.exit_code == 0, made.stderr
    return folder, made


@pytest.fixture(scope="session")
def county(demonstration: tuple[Path, Result]) -> Path:
    """The folder of the demonstration's files."""
    return demonstration[0] / f"county-{PEOPLE}-{SEED}"


@pytest.fixture(scope="session")
def gateway(demonstration: tuple[Path, Result]) -> Command:
    """The command on the demonstration that all tests share: ask, but leave it as it is (the ledger grows)."""
    return Command(demonstration[0])


@pytest.fixture
def own_gateway(demonstration: tuple[Path, Result], tmp_path: Path) -> Command:
    """The command on a copy that the test may spoil."""
    shutil.copytree(demonstration[0], tmp_path / "var", ignore=shutil.ignore_patterns("county-*"))
    return Command(tmp_path / "var")


@pytest.fixture
def new_gateway(tmp_path: Path) -> Command:
    """The command where nothing has been made yet."""
    return Command(tmp_path / "new")


@pytest.fixture
def production(new_gateway: Command) -> Command:
    """The command on an empty production house, with databases and keys."""
    assert new_gateway("db", "upgrade").exit_code == 0
    assert new_gateway("keys", "init").exit_code == 0
    return new_gateway


@pytest.fixture(scope="session")
def examples(county: Path) -> dict[str, str]:
    """NHS numbers for a tour: right, superseded, current, restricted, deceased, not-in-index, on-caseload."""
    told: dict[str, Any] = json.loads((county / "manifest.json").read_text("utf-8"))
    return dict(told["examples"])


@pytest.fixture(scope="session")
def people(county: Path) -> dict[str, dict[str, str]]:
    """The index file's rows by NHS number."""
    with (county / "index.csv").open(encoding="utf-8", newline="") as opened:
        return {row["nhs_number"]: row for row in csv.DictReader(opened)}


@pytest.fixture(scope="session")
def record(gateway: Command, county: Path) -> str:
    """A social care client who is joined to somebody of the index, as ``SOURCE/ORGANISATION/LOCAL-ID``."""
    with (county / "truth.csv").open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            name = f"{row['source']}/{row['organisation']}/{row['person_ref']}"
            if row["source"] == "social-care" and "cross-check" in gateway("explain", name).stdout:
                return name
    pytest.fail("the demonstration joined nobody")


@pytest.fixture
def extract() -> Callable[..., Path]:
    """Write a council's extract: ``extract(path, *rows)``, each row what differs from a usual one."""
    usual = {
        "LA Code": "999",
        "Reporting Period Start Date": "01/10/2025",
        "Reporting Period End Date": "30/09/2026",
        "First Name": "Sentinelgiven",
        "Last Name": "Sentinelname",
        "Gender": "Female",
        "Date of Birth": "07/03/1941",
        "Client Type": "Service user",
        "Event Type": "Request",
        "Event Start Date": "17/11/2025",
    }

    def write(path: Path, *rows: dict[str, str]) -> Path:
        with path.open("w", newline="", encoding="utf-8") as opened:
            writer = csv.DictWriter(opened, HEADER, restval="")
            writer.writeheader()
            writer.writerows({**usual, **row} for row in rows)
        return path

    return write
