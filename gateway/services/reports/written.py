"""Report files: each written aside and then renamed, so that nobody reads half of one; no cell can act as a formula."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from gateway.services.files import harmless, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_MARK: Final = "\ufeff"


def write_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files into ``folder``, which is made where it is not there; only their owner may read them.

    Raises:
        InputError: the folder cannot be made or written.
        Unavailable: the disk is full or broken.
    """
    with named(folder):
        folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    aside = {folder / name: folder / f".{name}.part" for name in files}
    try:
        for (path, part), content in zip(aside.items(), files.values(), strict=True):
            with named(path):
                part.touch(mode=_PRIVATE_FILE)
                part.write_bytes(content)
        for path, part in aside.items():
            with named(path):
                part.replace(path)
    finally:
        for path, part in aside.items():
            with named(path):
                part.unlink(missing_ok=True)
    return list(aside)


def csv_for_people(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return a table as a spreadsheet opens it: UTF-8 with its mark, and no cell that would be run as a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return (_MARK + text.getvalue()).encode()
