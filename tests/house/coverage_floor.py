"""Hold each package to its own branch coverage: all of linkage and ig, 95 % elsewhere (DESIGN section 2).

A script, because pytest-cov knows one floor for everything: ``python tests/house/coverage_floor.py``.
Exits 1 when a package is under its floor, naming the files and lines that were never reached.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FLOORS = {"linkage": 100.0, "ig": 100.0, "adapters": 95.0, "gateway": 95.0, "fixtures": 95.0}


@dataclass(slots=True)
class Reached:
    """Statements and branches of one package, and the places missed."""

    total: int = 0
    covered: int = 0
    missed: list[str] = field(default_factory=list)

    @property
    def percent(self) -> float:
        """Share reached; a package without a line is wholly reached."""
        return 100.0 * self.covered / self.total if self.total else 100.0

    def add(self, path: str, report: dict[str, Any]) -> None:
        """Count one file of a coverage JSON report."""
        summary = report["summary"]
        self.total += summary["num_statements"] + summary["num_branches"]
        self.covered += summary["covered_lines"] + summary["covered_branches"]
        lines = report["missing_lines"]
        untaken = [pair for pair in report["missing_branches"] if pair[0] not in lines]
        branches = [f"{start}→{'exit' if end < 0 else end}" for start, end in untaken]
        if lines or branches:
            self.missed.append(f"  {path}: {', '.join([*spans(lines), *branches])}")


def spans(lines: list[int]) -> list[str]:
    """Write runs of neighbouring lines as first-last."""
    runs: list[list[int]] = []
    for line in lines:
        if runs and line - runs[-1][-1] <= 1:
            runs[-1] = [runs[-1][0], line]
        else:
            runs.append([line])
    return ["-".join(map(str, run)) for run in runs]


def read_report() -> dict[str, Any]:
    """Combine what the workers left, and give coverage's own JSON report."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "coverage.json"
        command = [sys.executable, "-m", "coverage"]
        # what a late process left is added to what pytest-cov has combined, and does not take its place
        subprocess.run([*command, "combine", "--append", "--quiet"], check=False, capture_output=True)
        subprocess.run([*command, "json", "--quiet", "-o", str(target)], check=True)
        report: dict[str, Any] = json.loads(target.read_text("utf-8"))
    return report


def by_package(report: dict[str, Any]) -> dict[str, Reached]:
    """Sum the files of each package that has a floor."""
    packages: defaultdict[str, Reached] = defaultdict(Reached)
    for path, file_report in sorted(report["files"].items()):
        package = Path(path).parts[0]
        if package in FLOORS:
            packages[package].add(path, file_report)
    return packages


def main() -> int:
    """Print a line per package; list what was missed where that breaks the floor."""
    low = 0
    packages = by_package(read_report())
    for name, floor in FLOORS.items():
        reached = packages.get(name, Reached())
        short = reached.percent < floor or not reached.total
        print(f"coverage {name:9} {reached.percent:6.2f} %  floor {floor:.0f} %  {'LOW' if short else 'ok'}")  # noqa: T201 - a script that reports
        if short:
            low += 1
            print("\n".join(reached.missed))  # noqa: T201
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
