"""The house's own request file: the index CSV's columns with ``row_id``, answered in the columns of an algorithm."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters.spine import COLUMNS, asked_of
from gateway.errors import InputError
from gateway.services.files import named
from gateway.services.tracing.request_files import Asked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from gateway.services.tracing.request_files import Cells

REQUEST_COLUMNS: Final = ("row_id", *COLUMNS)
"""The index CSV's columns with ``row_id`` first; the last two say nothing about whom to find, and are passed over."""
_REQUIRED: Final = frozenset({"row_id", "family", "birth_date"})


@dataclass(frozen=True, slots=True)
class CsvForm:
    """The columns of a response."""

    columns: tuple[str, ...]

    def asked(self, raw: dict[str, str]) -> Asked[str]:
        """Return whom a row asks about, by its ``row_id``."""
        return Asked.of(raw["row_id"], asked_of(raw))

    def line(self, row: str, cells: Cells) -> bytes:
        """Return the line that answers a row."""
        return _line((row, *(cells.get(name, "") for name in self.columns[1:])))


class CsvExchange:
    """The index CSV's columns with ``row_id`` in, the columns of an algorithm's answers out."""

    count = None

    def __init__(self, source: Path, columns: Sequence[str]) -> None:
        self.source = source
        self.form = CsvForm(tuple(columns))

    def asked(self) -> Iterator[Asked[str]]:
        """Yield every row by its ``row_id``."""
        return map(self.form.asked, self.rows())

    def head(self) -> bytes:
        """Return the header."""
        return _line(self.form.columns)

    def tail(self) -> bytes:
        """Return nothing: the rows are all."""
        return b""

    def rows(self) -> Iterator[dict[str, str]]:
        """Yield every row by its columns.

        Raises:
            InputError: the file is not readable as such a CSV; names row and column.
        """
        source = self.source
        with named(source):
            if source.stat().st_size == 0:
                raise InputError(f"{source.name}: the file is empty", reason="empty-file", field="path")
            opened = source.open(encoding="utf-8-sig", newline="")
        with opened:
            reader = csv.DictReader(opened, strict=True)
            try:
                _check_header(source, reader.fieldnames or ())
                for number, row in enumerate(reader, 2):
                    if None in row or None in row.values():
                        raise InputError(
                            f"{source.name}, row {number}: not {len(reader.fieldnames or ())} columns", reason="columns"
                        )
                    yield row
            except UnicodeDecodeError:
                raise InputError(f"{source.name}: not UTF-8 text", reason="wrong-encoding", field="path") from None
            except csv.Error:
                raise InputError(
                    f"{source.name}, row {reader.line_num}: not CSV", reason="broken-quoting", field="path"
                ) from None


def _line(cells: Iterable[str]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().encode()


def _check_header(source: Path, names: object) -> None:
    given = list(names) if isinstance(names, list | tuple) else []
    for name in given:
        if name not in REQUEST_COLUMNS:
            raise InputError(f"{source.name}, row 1: unknown column {name[:40]!r}", reason="unknown-column", field=name)
    for name in sorted(_REQUIRED - set(given)):
        raise InputError(f"{source.name}, row 1: the column {name} is missing", reason="missing-column", field=name)
