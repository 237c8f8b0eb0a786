"""Files that somebody names: one that cannot be read or written is the namer's to mend, and never a foreign error."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from gateway.errors import InputError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS})


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Say of a file, by its base name, that it cannot be used.

    Raises:
        InputError: it is not there, is of the wrong kind, or may not be touched.
        Unavailable: the disk is full or broken.
    """
    try:
        yield
    except OSError as error:
        why = errno.errorcode.get(error.errno or 0, "unknown").lower()
        if error.errno in _FULL:
            raise Unavailable(f"{path.name}: the disk cannot take or give it ({why})", reason="disk") from None
        message = f"{path.name}: cannot be opened ({why})"
        raise InputError(message, reason="unreadable", field="path") from None


def binary(path: Path) -> BufferedReader:
    """Open a file for reading.

    Raises:
        InputError: it cannot be opened.
    """
    with named(path):
        return path.open("rb")


def harmless(cell: str) -> str:
    """Return a cell that a spreadsheet shows and does not run as a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
