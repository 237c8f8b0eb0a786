"""A response in the making: the lines written so far, on disk, so that a run that was killed goes on where it was.

It lies under the data folder, readable by nobody but the house, until the response is delivered, is given up, or is a
day old. What it may be gone on with is named by everything that its bytes depend on, whoever asked included: another
file, index, model or caller begins anew. A file of few rows is begun again instead, and leaves nothing behind at all.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from gateway.errors import Unavailable
from gateway.services.files import named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_FOLDER: Final = "traces"
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_LINES, _NAMED, _MARK, _LOCK = "lines", "named", "mark.json", "lock"
_NUMBER: Final = 10
_GIVEN_UP_AFTER: Final = 86_400
"""Seconds: a run that nobody went on with for a day is abandoned, and what it left is removed."""


@dataclass(slots=True)
class BatchReport:
    """What a file came to: rows answered, by outcome; rows with too little to trace, by rule.

    ``capped`` counts the rows with more candidates than are looked at, by the kind of their largest key.
    """

    rows: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    capped: Counter[str] = field(default_factory=Counter)

    def add(self, piece: Piece) -> None:
        """Count some rows more."""
        self.rows += piece.rows
        self.outcomes.update(piece.outcomes)
        self.refused.update(piece.refused)
        self.capped.update(piece.capped)

    def as_counts(self) -> dict[str, int | dict[str, int]]:
        """As plain numbers, for a mark."""
        return {
            "rows": self.rows,
            "outcomes": dict(self.outcomes),
            "refused": dict(self.refused),
            "capped": dict(self.capped),
        }


class Piece(NamedTuple):
    """Some rows answered: their lines, the numbers that they name, and what they came to."""

    rows: int
    lines: bytes
    named: Sequence[str]
    outcomes: Counter[str]
    refused: Counter[str]
    capped: Counter[str]


class Work:
    """The lines of one response so far, and what they came to. Use `begun`."""

    def __init__(self, lines: BinaryIO, told: BinaryIO | None = None, folder: Path | None = None) -> None:
        self._lines = lines
        self._named = told
        self._folder = folder
        self.done = BatchReport()
        if folder is not None:
            self._go_on(folder)

    def write(self, lines: bytes) -> None:
        """Take in lines that answer no row: what stands before and behind the answers."""
        self._lines.write(lines)

    def add(self, piece: Piece) -> None:
        """Take in some rows; when this returns, a run that is killed goes on behind them.

        Raises:
            Unavailable: the disk is full.
        """
        self._lines.write(piece.lines)
        self.done.add(piece)
        if self._folder is None or self._named is None:
            return
        self._named.write("".join(piece.named).encode("ascii"))
        for file in (self._lines, self._named):
            file.flush()
            os.fsync(file.fileno())
        mark = {"lines": self._lines.tell(), "named": self._named.tell(), "done": self.done.as_counts()}
        aside = self._folder / f"{_MARK}.aside"
        with _file(aside) as written:
            written.truncate()
            written.write(json.dumps(mark).encode())
            written.flush()
            os.fsync(written.fileno())
        aside.replace(self._folder / _MARK)

    def people(self) -> Iterator[str]:
        """Yield the NHS numbers that a killed run had named: whom this one's response names besides its own."""
        if self._folder is not None:
            numbers = (self._folder / _NAMED).read_text(encoding="ascii")
            yield from (numbers[place : place + _NUMBER] for place in range(0, len(numbers), _NUMBER))

    def deliver(self, aside: Path) -> None:
        """Write the whole response to a file, durably."""
        self._lines.flush()
        self._lines.seek(0)
        with aside.open("wb") as written:
            shutil.copyfileobj(self._lines, written, 1 << 20)
            written.flush()
            os.fsync(written.fileno())

    def _go_on(self, folder: Path) -> None:
        """Go back to the last mark, where there is one that can be read."""
        lines = told = 0
        with suppress(OSError, ValueError, KeyError, TypeError):
            mark = json.loads((folder / _MARK).read_bytes())
            sizes = [(folder / name).stat().st_size for name in (_LINES, _NAMED)]
            # less than was marked is left of a run whose removal was cut short
            if sizes[0] >= mark["lines"] and sizes[1] >= mark["named"]:
                done = mark["done"]
                counted = (Counter(done[name]) for name in ("outcomes", "refused", "capped"))
                self.done = BatchReport(done["rows"], *counted)
                lines, told = mark["lines"], mark["named"]
        for file, length in ((self._lines, lines), (self._named, told)):
            if file is not None:
                file.truncate(length)
                file.seek(length)


@contextmanager
def begun(data_dir: Path, name: str) -> Iterator[Work]:
    """Begin a response, or go on with the one of this ``name``; without a name nothing outlives the run.

    What is kept goes when the block ends, unless it ends with `Unavailable` or by an interruption: then the same run
    may be gone on with.

    Raises:
        Unavailable: the disk is full.
    """
    root = data_dir / _FOLDER
    with named(root):
        root.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        clear_abandoned(data_dir)
        folder = root / name
        lock = _locked(folder) if name else None
    if lock is None:
        # nobody finds this file by a name, and it is gone when the process is
        with named(root), tempfile.TemporaryFile(dir=root) as lines:
            yield Work(lines)
        return
    keep = False
    try:
        with named(root), _file(folder / _LINES) as lines, _file(folder / _NAMED) as told:
            yield Work(lines, told, folder)
    except (Unavailable, KeyboardInterrupt):
        keep = True
        raise
    finally:
        if not keep:
            _remove(folder)
        os.close(lock)


def clear_abandoned(data_dir: Path) -> None:
    """Remove what runs left that nobody went on with for a day. One that is still at work is let be.

    Raises:
        OSError: a folder cannot be read.
    """
    root = data_dir / _FOLDER
    for folder in root.iterdir() if root.exists() else ():
        mark = folder / _MARK
        last = (mark if mark.exists() else folder).stat().st_mtime
        if time.time() - last > _GIVEN_UP_AFTER and (lock := _locked(folder)) is not None:
            _remove(folder)
            os.close(lock)


def _remove(folder: Path) -> None:
    """Remove a folder, its mark first: a removal cut short leaves nothing that a run would go on with."""
    (folder / _MARK).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _locked(folder: Path) -> int | None:
    """Take a folder for this process alone, for as long as it lives; None where another one has it."""
    folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, _PRIVATE_FILE)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    if not _is(folder / _LOCK, lock):
        # whoever had it has just removed it
        os.close(lock)
        return None
    return lock


def _is(path: Path, opened: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(opened))
    except FileNotFoundError:
        return False


def _file(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE_FILE), "r+b")
