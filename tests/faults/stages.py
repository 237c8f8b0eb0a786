"""An undisturbed house at each stage of its work, and the command on a copy: in this process, or in one that dies."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from click.testing import CliRunner

from gateway.cli import main
from tests.journeys.real import PATIENCE, environment

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from fixtures.write import Manifest

SIGKILL: Final = -9


@dataclass(frozen=True)
class Gateway:
    """``gateway --data-dir FOLDER …``."""

    folder: Path

    def __call__(self, *words: str | Path) -> Result:
        """Run it in this process."""
        given = ["--data-dir", str(self.folder), *map(str, words)]
        return CliRunner().invoke(main, given, catch_exceptions=False)

    def good(self, *words: str | Path) -> str:
        """Run it, see that it went well, and return what it printed."""
        ran = self(*words)
        assert ran.exit_code == 0, ran.stderr
        return ran.stdout

    def digest(self) -> str:
        """What the house knows, in one figure."""
        return self.good("db", "digest").strip()

    def after(self, preparation: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run it in a process of its own, after some Python that prepares what is to go wrong."""
        program = f"{preparation}\nfrom gateway.cli import main\nmain(prog_name='gateway')"
        command = [sys.executable, "-c", program, "--data-dir", str(self.folder), *map(str, words)]
        return subprocess.run(command, check=False, capture_output=True, text=True, env=environment(), timeout=PATIENCE)


@dataclass
class Stages:
    """Undisturbed houses, each made from the one before when it is first asked for."""

    folder: Path
    manifest: Manifest
    _digests: dict[str, str] = field(default_factory=dict)

    def steps(self, stage: str) -> tuple[str, list[tuple[str | Path, ...]]]:
        """Return the stage before, and the commands that lead from there."""
        found = self.manifest
        load: tuple[str | Path, ...] = ("index", "load", found.index, "--source", "demo", "--as-of", "2026-09-30")
        feeds = {"social-care": found.social_care, "gp": found.gp, "acute": found.acute}
        known: dict[str, tuple[str, list[tuple[str | Path, ...]]]] = {
            "indexed": ("governed", [load]),
            "fed": ("indexed", [("ingest", name, *paths) for name, paths in feeds.items()]),
            "linked": ("fed", [("link",)]),
        }
        return known[stage]

    def make(self, stage: str) -> Gateway:
        """Return the undisturbed house at a stage; it must stay as it is."""
        made = Gateway(self.folder / stage)
        if not made.folder.exists():
            before, commands = self.steps(stage)
            shutil.copytree(self.make(before).folder, made.folder)
            for words in commands:
                made.good(*words)
        return made

    def digest(self, stage: str) -> str:
        """What the undisturbed house knows at a stage."""
        if stage not in self._digests:
            self._digests[stage] = self.make(stage).digest()
        return self._digests[stage]

    def copy(self, stage: str, folder: Path) -> Gateway:
        """Return a copy of a stage that may be spoilt."""
        shutil.copytree(self.make(stage).folder, folder)
        return Gateway(folder)
