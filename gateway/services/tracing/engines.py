"""Which engines may answer a file: named here, so that a command can offer them without loading any."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gateway.services.files import named

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK: Final = 1 << 20


class Engine(StrEnum):
    """What may answer a file."""

    PYTHON = "python"
    DUCKDB = "duckdb"


def rows_of(path: Path) -> int:
    """Count the lines of a file, as near to its rows as choosing an engine needs.

    Raises:
        InputError: it cannot be read.
    """
    with named(path), path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))
