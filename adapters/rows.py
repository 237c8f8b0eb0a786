"""Delimited text as rows that cannot spoil one another.

The whole file is looked at once before the first row is given: an unreadable, empty, two-byte-encoded or
over-long file is refused before anything was taken from it. After that every row is either a `Row` or a
`Quarantined`; nothing else is raised. A quote left open would make the standard reader swallow the rows that
follow, so a row that does not close within `MAX_LINES` lines, or closes with the wrong number of fields, is
quarantined alone and reading goes on at the next line.

Rules: RFC 4180; UTF-8 with or without a byte order mark; LF or CRLF.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.feed import FeedRefused, Quarantined

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from adapters.feed import Feed

MAX_LINE = 1_048_576
"""Bytes in one line; no record of any source comes near it."""
MAX_LINES = 200
"""Lines that one quoted free text may run over before its quote counts as never closed."""

_CHUNK = 1 << 20
_LOOKED_AT = 4096
_A_FEW = 8
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BOM = b"\xef\xbb\xbf"
_OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: ``number`` as a spreadsheet counts (the header is 1), and as many cells as the header has."""

    number: int
    cells: list[str]
    original: bytes


@dataclass(frozen=True, slots=True)
class _Fault:
    field: str
    rule: str
    message: str


class Table:
    """A delimited file whose header has been read. Iterate over `rows` once for each pass."""

    def __init__(self, feed: Feed, delimiter: str = ",") -> None:
        """Look the file over and read its header.

        Raises:
            FeedRefused: unreadable, empty, not UTF-8 text, an over-long line, or no usable header.
        """
        self.feed = feed
        self._delimiter = delimiter
        look_over(feed, b"\n")
        with _opened(feed) as stream:
            self.header_line = _without_bom(_first_line(feed, stream))
        self.header = _header(feed, self.header_line, delimiter)
        self._width = len(self.header)

    def require(self, required: frozenset[str], known: frozenset[str] | None = None) -> None:
        """Refuse the file unless every column of ``required`` is there and, where ``known`` is given, no other.

        Raises:
            FeedRefused: names the first column that is missing, unknown or there twice.
        """
        if not required.intersection(self.header):
            # perhaps a row of people where the header should be: none of it may be repeated in a message
            raise self._refused("header", "wrong-header", "the first line has none of the columns of this format")
        seen: set[str] = set()
        for name in self.header:
            if name in seen:
                raise self._refused(name, "duplicate-column", "the header has this column twice")
            seen.add(name)
            if known is not None and name not in known:
                raise self._refused(name, "unknown-column", "the header has a column that this format does not have")
        for name in sorted(required - seen):
            raise self._refused(name, "missing-column", "the header lacks this column")

    def _refused(self, column: str, rule: str, message: str) -> FeedRefused:
        return FeedRefused(self.feed.name, rule, message, row=1, field=column[:80])

    def rows(self) -> Iterator[Row | Quarantined]:
        """Give every row after the header, in order; blank lines are counted but are not rows.

        Raises:
            FeedRefused: the file could not be read to its end.
        """
        with _opened(self.feed) as stream:
            lines = _Lines(self.feed, stream)
            lines.next()
            number = 1
            while (line := lines.next()) is not None:
                number += 1
                body = line.rstrip(b"\r\n")
                if not body.strip():
                    continue
                yield self._row(number, line, body, lines)

    def _row(self, number: int, line: bytes, body: bytes, lines: _Lines) -> Row | Quarantined:
        if b'"' in body:
            original, cells = self._quoted(line, lines)
        else:
            original, cells = body, self._plain(body, ended=line.endswith(b"\n"))
        if isinstance(cells, _Fault):
            message = f"{cells.message} [{cells.rule}]"
            return Quarantined(
                self.feed.name, number, cells.field, cells.rule, message, original, header=self.header_line
            )
        return Row(number, cells, original)

    def _plain(self, body: bytes, *, ended: bool) -> list[str] | _Fault:
        text = self._text(body)
        if isinstance(text, _Fault):
            return text
        cells = text.split(self._delimiter)
        return cells if len(cells) == self._width else self._miscounted(len(cells), ended=ended)

    def _quoted(self, first: bytes, lines: _Lines) -> tuple[bytes, list[str] | _Fault]:
        block = [first]
        size = len(first)
        open_quote = first.count(b'"') % 2
        while open_quote and len(block) < MAX_LINES and size < MAX_LINE and (line := lines.next()) is not None:
            block.append(line)
            size += len(line)
            open_quote ^= line.count(b'"') % 2
        whole = b"".join(block)
        original = whole.rstrip(b"\r\n")
        ended = whole.endswith(b"\n")
        cells = self._unclosed(ended=ended) if open_quote else self._parsed(original, ended=ended)
        if isinstance(cells, _Fault) and len(block) > 1:
            lines.put_back(block[1:])
            return first.rstrip(b"\r\n"), cells
        return original, cells

    def _parsed(self, original: bytes, *, ended: bool) -> list[str] | _Fault:
        text = self._text(original)
        if isinstance(text, _Fault):
            return text
        try:
            found = list(csv.reader([text], delimiter=self._delimiter, strict=True))
        except csv.Error:
            return _Fault(self.header[0], "broken-quoting", "the quotes of this row do not pair up")
        cells = found[0] if len(found) == 1 else []
        return cells if len(cells) == self._width else self._miscounted(len(cells), ended=ended)

    def _text(self, body: bytes) -> str | _Fault:
        if control := _CONTROL.search(body):
            return _Fault(self._column_at(body, control.start()), "control-character", "holds a control character")
        try:
            return body.decode()
        except UnicodeDecodeError as fault:
            return _Fault(self._column_at(body, fault.start), "not-utf-8", "is not UTF-8 text")

    def _column_at(self, body: bytes, offset: int) -> str:
        place = body.count(self._delimiter.encode(), 0, offset)
        return self.header[min(place, self._width - 1)]

    def _miscounted(self, count: int, *, ended: bool) -> _Fault:
        field = self.header[min(count, self._width - 1)]
        if not ended and count < self._width:
            return _Fault(
                field, "truncated-row", f"the file ends inside this row, after {count} of {self._width} fields"
            )
        return _Fault(field, "wrong-field-count", f"{count} fields where the header has {self._width}")

    def _unclosed(self, *, ended: bool) -> _Fault:
        if ended:
            return _Fault(self.header[0], "unclosed-quote", "a quote of this row is never closed")
        return _Fault(self.header[0], "truncated-row", "the file ends inside a quoted field")


class _Lines:
    """Lines of a stream, into which lines read too far can be put back."""

    def __init__(self, feed: Feed, stream: BinaryIO) -> None:
        self._feed = feed
        self._stream = stream
        self._waiting: deque[bytes] = deque()

    def next(self) -> bytes | None:
        if self._waiting:
            return self._waiting.popleft()
        try:
            return self._stream.readline() or None
        except (OSError, EOFError) as fault:
            raise FeedRefused(self._feed.name, "unreadable", "the file could not be read to its end") from fault

    def put_back(self, lines: list[bytes]) -> None:
        self._waiting.extendleft(reversed(lines))


def look_over(feed: Feed, line_ends: bytes) -> None:
    """Read a file through once, keeping nothing, and refuse it whole where it cannot be used.

    ``line_ends`` holds the bytes that end a line in this format.

    Raises:
        FeedRefused: unreadable, empty, UTF-16 or UTF-32, or a line longer than `MAX_LINE`.
    """
    with _opened(feed) as stream:
        line, length, total = 1, 0, 0
        while chunk := _read(feed, stream):
            if total == 0:
                _refuse_other_encodings(feed, chunk)
            total += len(chunk)
            parts = (chunk.replace(b"\r", b"\n") if b"\r" in line_ends else chunk).split(b"\n")
            for place, part in enumerate(parts):
                # the first part goes on where the last chunk ended
                length = len(part) if place else length + len(part)
                if length > MAX_LINE:
                    message = f"a line is longer than {MAX_LINE} bytes"
                    raise FeedRefused(feed.name, "line-too-long", message, row=line + place, field="whole line")
            line += len(parts) - 1
        if total == 0:
            raise FeedRefused(feed.name, "empty-file", "the file is empty", row=1, field="header")


def _refuse_other_encodings(feed: Feed, chunk: bytes) -> None:
    start = chunk[:_LOOKED_AT]
    # text in two-byte units is nearly half zeros; a stray one spoils only its own row
    if start.startswith(_OTHER_ENCODINGS) or start.count(0) * _A_FEW > len(start):
        message = "the file is not UTF-8 text (it looks like UTF-16, or is not text at all)"
        raise FeedRefused(feed.name, "wrong-encoding", message, row=1, field="header")


def _opened(feed: Feed) -> BinaryIO:
    try:
        return feed.open()
    except (OSError, EOFError) as fault:
        raise FeedRefused(feed.name, "unreadable", "the file could not be opened") from fault


def _read(feed: Feed, stream: BinaryIO) -> bytes:
    try:
        return stream.read(_CHUNK)
    except (OSError, EOFError) as fault:
        raise FeedRefused(feed.name, "unreadable", "the file could not be read") from fault


def _first_line(feed: Feed, stream: BinaryIO) -> bytes:
    return (_Lines(feed, stream).next() or b"").rstrip(b"\r\n")


def _without_bom(line: bytes) -> bytes:
    return line.removeprefix(_BOM)


def _header(feed: Feed, line: bytes, delimiter: str) -> list[str]:
    try:
        text = line.decode()
        names = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except UnicodeDecodeError as fault:
        raise FeedRefused(feed.name, "wrong-encoding", "the header is not UTF-8 text", row=1, field="header") from fault
    except csv.Error as fault:
        raise FeedRefused(
            feed.name, "wrong-header", "the quotes of the header do not pair up", row=1, field="header"
        ) from fault
    names = [" ".join(name.split()) for name in names]
    if not any(names):
        raise FeedRefused(feed.name, "wrong-header", "the first line holds no column names", row=1, field="header")
    return names
