"""Every word that somebody could read of differences, for the tests that look for whom nobody may be led to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gateway.fhir.outcome import FHIR_BASE
from ig.purpose import Purpose

if TYPE_CHECKING:
    from pathlib import Path

STATES = ("open", "applied", "dismissed", "superseded")


class Asking(Protocol):
    """A house that can be asked by command and over HTTP."""

    folder: Path

    def run(self, *words: str | Path, out: str = "") -> str:
        """Everything a command tells."""

    def get(self, path: str, who: str, purpose: Purpose) -> str:
        """Everything an answer over HTTP tells."""


def told_twice(asked: Asking) -> str:
    """Lists, each difference, the file and the feed: as they stand, and once everything has been compared again."""
    return "\n".join([_told(asked), asked.run("changes", "find"), _told(asked)])


def _told(asked: Asking) -> str:
    lists = [asked.run("changes", "list", "--state", state, "--limit", "1000") for state in STATES]
    names = [line.split()[0] for told in lists for line in told.splitlines()[:-1]]
    shown = [asked.run("changes", "show", name) for name in names]
    out = f"updates-{len(list(asked.folder.iterdir()))}.csv"
    exported = asked.run("changes", "export", "--out", asked.folder / out, out=out)
    feed = asked.get(f"{FHIR_BASE}/changes", "data-team", Purpose.DEMOGRAPHIC_TRACE)
    return "\n".join([*lists, *shown, exported, feed])
