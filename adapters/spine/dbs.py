"""Demographics Batch Service: request and response files, of fixed width or CSV.

A file is a header ``00``, its bodies, a trailer ``99``. Header and trailer are fixed lines even where the bodies are
CSV; the header says which. Requests have 27 fields of 600 characters, responses 62 of 1,130; one council's sample has
61, so both are read and the width written is configured. Text is padded with blanks behind, counts with noughts
before. The reply's header is the request's with the file type of a response.

DBS has no codes for files: those of MPT are used, so that a refusal says the same in every format. Not published, and
settled here: a Local PID may stand in a file more than once (an event list is one); which cells of a CSV body are
quoted (all of them, as in the sample).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from adapters.feed import FeedRefused
from adapters.rows import Row, look_over
from adapters.spine.dbs_columns import (
    RECORD_TYPE,
    REQUEST,
    REQUEST_FIELDS,
    REQUEST_TYPE,
    RESPONSE_FIELDS,
    SHORT_RESPONSE_FIELDS,
    Fields,
    Response,
    response_cells,
    response_of,
)
from adapters.spine.mpt import is_stamp
from adapters.spine.trace_columns import rows_of, table_of
from adapters.spine.trace_lines import Style, first_line, refused
from adapters.spine.tracing import BadRow, Charset, Code, Request, TraceFileRefused
from adapters.values import BadField

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from adapters.feed import Feed

MOST_RECORDS: Final = 999_999
"""Rows in one file: the header's field has six digits."""
STYLE: Final = Style(quote_all=True)
FULL_WIDTH: Final = len(RESPONSE_FIELDS)
SHORT_WIDTH: Final = len(SHORT_RESPONSE_FIELDS)
"""Fields in a row of a response."""

_HEADER: Final = Fields(
    (RECORD_TYPE, 2),
    ("File type", 1),
    ("File version", 3),
    ("File format", 1),
    ("Organisation code", 14),
    ("Tracing service code", 14),
    ("Date and time", 14),
    ("File sequence number", 8),
    ("Number of records", 6),
)
_TRAILER: Final = Fields(
    *(pair for pair in zip(_HEADER.names, _HEADER.widths, strict=True) if pair[0] != "File format")
)
_START, _END = "00", "99"
_NUMBER: Final = re.compile(r"\d+", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f]")


class FileType(StrEnum):
    """Which way a file goes."""

    REQUEST = "0"
    RESPONSE = "1"


class Body(StrEnum):
    """How the bodies are written."""

    FIXED = "0"
    CSV = "1"


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a file, and, without ``body``, the last. ``timestamp`` is 14 digits."""

    kind: FileType
    version: str
    body: Body
    organisation: str
    service: str
    timestamp: str
    sequence: int
    records: int

    def reply(self, records: int) -> Header:
        """Give the header of the response to a request."""
        return replace(self, kind=FileType.RESPONSE, records=records)


@dataclass(frozen=True, slots=True)
class _Trailer:
    """The last line: its row, and what it repeats of the header."""

    row: int
    cells: list[str]


_Item = Row | BadRow | _Trailer


class RequestFile:
    """A request file that can be answered; its rows can be gone through more than once."""

    def __init__(self, feed: Feed, *, charset: Charset = Charset.UTF_8, most: int = MOST_RECORDS) -> None:
        """Look the file over.

        Raises:
            TraceFileRefused: no header, no trailer or something behind it (01), a trailer that is another file's or a
                sequence number that is none (02), a response (03), a time that is none (09), more rows than ``most``
                (06), another number of rows than header and trailer say (04).
        """
        self.header = read_header(feed, FileType.REQUEST, charset)
        self._feed = feed
        self._charset = charset
        self.count = _survey(feed, self.header, self._items(), most)
        if self.count != self.header.records:
            message = f"{self.count} rows where the header says {self.header.records}"
            raise _refused(feed, Code.ROW_COUNT_DIFFERS, "row-count", message, "Number of records")

    def _items(self) -> Iterator[_Item]:
        return _items(self._feed, self.header.body, REQUEST_FIELDS, self._charset)

    def rows(self) -> Iterator[Request | BadRow]:
        """Give its rows in order."""
        return map(request_in, self.apart())

    def apart(self) -> Iterator[Row | BadRow]:
        """Give its rows in order as they come apart, for `request_in` to read somewhere else."""
        return (item for item in self._items() if not isinstance(item, _Trailer))


def request_in(row: Row | BadRow) -> Request | BadRow:
    """Give one row as a request, or as a row that breaks a rule."""
    if isinstance(row, BadRow):
        return row
    kind, *cells = row.cells
    said = REQUEST.request(cells)
    if kind != REQUEST_TYPE:
        return BadRow(row.number, RECORD_TYPE, Code.INVALID_FORMAT, "unknown-code", said, row.original)
    fault = REQUEST.fault_in(cells)
    return BadRow(row.number, fault.field, fault.code, fault.rule, said, row.original) if fault else said


class ResponseFile:
    """A response that was looked over: its header, the number of rows there really are, the width of a row."""

    def __init__(self, feed: Feed, charset: Charset = Charset.UTF_8) -> None:
        """Read the header, see that the trailer is there, count the rows.

        Raises:
            TraceFileRefused: no header, no trailer or something behind it (01), another file's trailer (02), a
                request (03), a time that is none (09).
        """
        self.header = read_header(feed, FileType.RESPONSE, charset)
        self._feed = feed
        self._charset = charset
        self._fields = RESPONSE_FIELDS
        if isinstance(next(self._items(), None), BadRow):
            # sixty-one fields? where that is not it either, the rows are called bad by the full width
            self._fields = SHORT_RESPONSE_FIELDS
            if isinstance(next(self._items(), None), BadRow):
                self._fields = RESPONSE_FIELDS
        self.count = _survey(feed, self.header, self._items(), MOST_RECORDS)

    @property
    def width(self) -> int:
        """Fields in a row: 62 or 61."""
        return len(self._fields)

    @property
    def whole(self) -> bool:
        """Whether there are as many rows as the header says."""
        return self.count == self.header.records

    def _items(self) -> Iterator[_Item]:
        return _items(self._feed, self.header.body, self._fields, self._charset)

    def rows(self) -> Iterator[Response | BadRow]:
        """Give its rows in order."""
        missing = [""] * (len(RESPONSE_FIELDS) - len(self._fields))
        for item in self._items():
            if isinstance(item, BadRow):
                yield item
            elif isinstance(item, Row):
                made = response_of([*item.cells, *missing])
                if isinstance(made, Response):
                    yield made
                else:
                    said = Request(reference=item.cells[1])
                    yield BadRow(item.number, made[0], Code.INVALID_FORMAT, made[1], said, item.original)


def read_header(feed: Feed, kind: FileType, charset: Charset = Charset.UTF_8) -> Header:
    """Read a file's first line.

    Raises:
        TraceFileRefused: it is no header (01), of the other type (03), or its sequence number (02) or time (09)
            cannot be one.
    """
    line = first_line(feed, charset)
    cells = _HEADER.cut(line)
    if len(line) != _HEADER.length or cells[0] != _START or cells[3] not in set(Body) or not cells[-1].isdecimal():
        message = f"the first line is not a header of {_HEADER.length} characters"
        raise _refused(feed, Code.PARSE_ERROR, "wrong-header", message, "header")
    _, type_, version, body, organisation, service, timestamp, sequence, records = cells
    if type_ != kind:
        raise _refused(feed, Code.INVALID_WORKFLOW, "wrong-file-type", "the file goes the other way", "File type")
    if not _NUMBER.fullmatch(sequence) or not int(sequence):
        raise _refused(feed, Code.INVALID_REFERENCE, "bad-sequence", "not a number from 1", "File sequence number")
    if not is_stamp(timestamp):
        raise _refused(feed, Code.INVALID_TIMESTAMP, "not-a-time", "not a time CCYYMMDDHHMMSS", "Date and time")
    return Header(kind, version, Body(body), organisation, service, timestamp, int(sequence), int(records))


def _refused(feed: Feed, code: Code, rule: str, message: str, field: str, row: int = 1) -> TraceFileRefused:  # noqa: PLR0913, PLR0917 - what a refusal tells
    return TraceFileRefused(feed.name, code, rule, message, row=row, field=field)


def _survey(feed: Feed, header: Header, items: Iterator[_Item], most: int) -> int:
    """Go through a file once and count its rows; its last line must be its trailer."""
    count, trailer = 0, None
    for item in items:
        if trailer is not None:
            raise _refused(
                feed, Code.PARSE_ERROR, "after-trailer", "something follows the trailer", "trailer", trailer.row + 1
            )
        if isinstance(item, _Trailer):
            trailer = item
        else:
            count += 1
        if count > most:
            raise _refused(
                feed, Code.TOO_MANY_RECORDS, "too-many-records", f"more than {most} rows", "Number of records"
            )
    if trailer is None:
        raise _refused(feed, Code.PARSE_ERROR, "no-trailer", "the file ends without its trailer", "trailer", count + 2)
    expected = _cells_of(header, _TRAILER)
    for name, given, wanted in zip(_TRAILER.names, trailer.cells, expected, strict=True):
        if given != wanted.rstrip(" "):
            code = Code.ROW_COUNT_DIFFERS if name == "Number of records" else Code.INVALID_REFERENCE
            raise _refused(feed, code, "wrong-trailer", "trailer and header differ", name, trailer.row)
    return count


def _items(feed: Feed, body: Body, fields: Fields, charset: Charset) -> Iterator[_Item]:
    return (_csv_items if body is Body.CSV else _fixed_items)(feed, fields, charset)


def _csv_items(feed: Feed, fields: Fields, charset: Charset) -> Iterator[_Item]:
    for row in rows_of(table_of(feed, fields.names, charset)):
        # the trailer is the one line without a comma; whatever else begins like it is a bad row
        last = isinstance(row, BadRow) and row.original.startswith(_END.encode()) and b"," not in row.original
        if isinstance(row, BadRow) and last:
            yield _trailer(feed, row.row, row.original.decode(errors="replace"))
        else:
            yield row if isinstance(row, Row) else _of_pid(row)


def _of_pid(row: BadRow) -> BadRow:
    """Take nothing of a row that does not come apart for its reference: its first cell is the record type."""
    return replace(row, said=Request())


def _fixed_items(feed: Feed, fields: Fields, charset: Charset) -> Iterator[_Item]:
    try:
        look_over(feed, b"\n")
        with feed.open() as stream:
            stream.readline()
            for number, line in enumerate(stream, 2):
                if line.strip():
                    yield _fixed_item(feed, number, line.rstrip(b"\r\n"), fields, charset)
    except FeedRefused as fault:
        raise fault if isinstance(fault, TraceFileRefused) else refused(feed, fault) from fault
    except (OSError, EOFError) as fault:
        raise _refused(feed, Code.PARSE_ERROR, "unreadable", "the file could not be read", "whole file") from fault


def _fixed_item(feed: Feed, number: int, line: bytes, fields: Fields, charset: Charset) -> _Item:
    try:
        text = line.decode(charset)
    except UnicodeDecodeError as fault:
        return BadRow(number, fields.at(fault.start), Code.INVALID_FORMAT, "wrong-encoding", Request(), line)
    if text.startswith(_END) and len(text) != fields.length:
        return _trailer(feed, number, text)
    if len(text) != fields.length:
        code = Code.NOT_ENOUGH_FIELDS if len(text) < fields.length else Code.TOO_MANY_FIELDS
        return BadRow(number, fields.at(len(text)), code, "wrong-length", Request(), line)
    if control := _CONTROL.search(text):
        return BadRow(number, fields.at(control.start()), Code.INVALID_FORMAT, "control-character", Request(), line)
    return Row(number, fields.cut(text), line)


def _trailer(feed: Feed, row: int, text: str) -> _Trailer:
    if len(text) != _TRAILER.length:
        message = f"the last line is not a trailer of {_TRAILER.length} characters"
        raise _refused(feed, Code.PARSE_ERROR, "wrong-trailer", message, "trailer", row)
    return _Trailer(row, _TRAILER.cut(text))


def _cells_of(header: Header, fields: Fields) -> list[str]:
    """Give the header's or the trailer's cells, padded."""
    told = {
        RECORD_TYPE: _START if fields is _HEADER else _END,
        "File type": header.kind,
        "File version": header.version,
        "File format": header.body,
        "Organisation code": header.organisation,
        "Tracing service code": header.service,
        "Date and time": header.timestamp,
        "File sequence number": f"{header.sequence:08}",
        "Number of records": f"{header.records:06}",
    }
    return _padded(fields, [told[name] for name in fields.names])


def _padded(fields: Fields, cells: Sequence[str]) -> list[str]:
    for name, cell, width in zip(fields.names, cells, fields.widths, strict=True):
        if len(cell) > width:
            raise BadField(name, "too-long", f"longer than {width} characters")
        if "\n" in cell or "\r" in cell or "\t" in cell:
            raise BadField(name, "control-character", "holds a line break or a tab, which a fixed line cannot")
    return [cell.ljust(width) for cell, width in zip(cells, fields.widths, strict=True)]


def _line(fields: Fields, cells: Sequence[str], body: Body, style: Style) -> bytes:
    if body is Body.CSV:
        return style.line(fields.names, cells)
    padded = _padded(fields, cells)
    return style.encoded(fields.names, padded, "".join(padded))


def write_requests(header: Header, requests: Iterable[Request], style: Style = STYLE) -> Iterator[bytes]:
    """Write a request file line by line; the header's number of records is the caller's word to keep.

    Raises:
        BadField: a cell is too long for its field, or cannot be written in the style's charset.
    """
    yield first_line_of(header, style)
    for request in requests:
        yield _line(REQUEST_FIELDS, [REQUEST_TYPE, *REQUEST.cells(request)], header.body, style)
    yield last_line_of(header, style)


def write_responses(
    header: Header, rows: Iterable[Response], style: Style = STYLE, *, short: bool = False
) -> Iterator[bytes]:
    """Write a response file line by line, of 62 fields, or of 61 where it is to be ``short``.

    Raises:
        BadField: as `write_requests`.
    """
    yield first_line_of(header, style)
    for row in rows:
        yield response_line(row, header.body, style, short=short)
    yield last_line_of(header, style)


def first_line_of(header: Header, style: Style = STYLE) -> bytes:
    """Write a file's header line."""
    return _end_line(header, _HEADER, style)


def last_line_of(header: Header, style: Style = STYLE) -> bytes:
    """Write a file's trailer."""
    return _end_line(header, _TRAILER, style)


def _end_line(header: Header, fields: Fields, style: Style) -> bytes:
    padded = _cells_of(header, fields)
    return style.encoded(fields.names, padded, "".join(padded))


def response_line(row: Response, body: Body, style: Style = STYLE, *, short: bool = False) -> bytes:
    """Write one row of a response.

    Raises:
        BadField: as `write_requests`.
    """
    fields = SHORT_RESPONSE_FIELDS if short else RESPONSE_FIELDS
    cells = response_cells(row)
    if body is Body.FIXED:
        cells[2] = cells[2].zfill(RESPONSE_FIELDS.widths[2])
    return _line(fields, cells[: len(fields)], body, style)
