"""The real command in processes of its own, for journeys and faults: run, left running, killed, served."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import TextIO

COMMAND: Final = (sys.executable, "-c", "from gateway.cli import main; main(prog_name='gateway')")
PATIENCE: Final = 120.0
"""Seconds after which a process that should have ended is a failure, on the slowest machine."""


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without the gateway's own settings, then ``more``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    return {**kept, "COLUMNS": "160", **(more or {})}


@dataclass(frozen=True)
class Left:
    """A process that was left running, and what it says on standard error."""

    process: subprocess.Popen[str]
    _said: TextIO

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.poll() is None

    def ended(self) -> int:
        """Wait until it ends; returns its exit code."""
        return self.process.wait(PATIENCE)

    def said(self) -> str:
        """What it has said so far."""
        self._said.seek(0)
        return self._said.read()


@dataclass(frozen=True)
class Real:
    """``gateway --data-dir FOLDER``."""

    folder: Path

    def words(self, *words: str | Path) -> list[str]:
        """Return the whole command line."""
        return [*COMMAND, "--data-dir", str(self.folder), *map(str, words)]

    def __call__(self, *words: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self.words(*words), check=False, capture_output=True, text=True, env=environment(env), timeout=PATIENCE
        )

    def good(self, *words: str | Path) -> str:
        """Run it, see that it went well, and return what it printed."""
        ran = self(*words)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    @contextmanager
    def started(self, *words: str | Path) -> Iterator[Left]:
        """Start it and go on; whatever is left of it at the end is killed."""
        # a file, not a pipe: a pipe that nobody empties would stop a talkative server
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8") as said,
            subprocess.Popen(
                self.words(*words), stdout=subprocess.DEVNULL, stderr=said, text=True, env=environment()
            ) as process,
        ):
            try:
                yield Left(process, said)
            finally:
                process.kill()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve on a free loopback port; yields the base address once it is ready."""
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        with self.started("serve", "--port", str(port), "--workers", "1") as server:
            wait_until_ready(server, address)
            try:
                yield address
            finally:
                server.process.terminate()
                server.ended()


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(server: Left, address: str) -> None:
    """Wait until the server answers that it is ready."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert server.running, server.said()
        try:
            if requests.get(f"{address}/health/ready", timeout=PATIENCE).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("the server did not get ready")
