"""The lines of trace files: a first line taken off, the rest read as a table, and lines written back.

A trace file begins with a line of its own kind (or with column names) and goes on as CSV. `beheaded` puts column
names where that first line stood, so that `adapters.rows.Table` reads the rest by the rules that every other
delimited file is read by, and its row numbers are the file's.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters.feed import Feed, FeedRefused
from adapters.rows import MAX_LINE
from adapters.spine.tracing import Charset, Code, TraceFileRefused
from adapters.values import BadField

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from _typeshed import WriteableBuffer

_CHUNK: Final = 1 << 16
_BOM: Final = b"\xef\xbb\xbf"
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_TO_BE_QUOTED: Final = re.compile(r'[",\r\n]')


def first_line(feed: Feed, charset: Charset) -> str:
    """Give the first line without its end and without a byte order mark.

    Raises:
        TraceFileRefused: unreadable, empty, in another encoding or without end (code 01).
    """

    def refused(rule: str, message: str) -> TraceFileRefused:
        return TraceFileRefused(feed.name, Code.PARSE_ERROR, rule, message, row=1, field="header")

    try:
        with feed.open() as stream:
            line = stream.readline(MAX_LINE + 1)
    except (OSError, EOFError) as fault:
        raise refused("unreadable", "the file could not be read") from fault
    if not line:
        raise refused("empty-file", "the file is empty")
    if len(line) > MAX_LINE:
        raise refused("line-too-long", f"the first line is longer than {MAX_LINE} bytes")
    if line.startswith(_WIDE) or b"\x00" in line:
        raise refused("wrong-encoding", "the file looks like UTF-16, or is not text at all")
    try:
        return line.removeprefix(_BOM).decode(charset).rstrip("\r\n")
    except UnicodeDecodeError as fault:
        raise refused("wrong-encoding", f"the first line is not {charset} text") from fault


def first_cells(feed: Feed, charset: Charset) -> list[str]:
    """Give the cells of a first line that is CSV, blanks around them taken off; none where its quotes do not pair up.

    Raises:
        TraceFileRefused: as `first_line`.
    """
    try:
        return [cell.strip() for cell in next(csv.reader([first_line(feed, charset)], strict=True), [])]
    except csv.Error:
        return []


def beheaded(feed: Feed, names: Sequence[str], charset: Charset) -> Feed:
    """Give the same file as UTF-8 with its first line replaced by column names (which hold neither comma nor quote)."""
    head = ",".join(names).encode() + b"\n"

    def opened() -> BinaryIO:
        stream = feed.open()
        stream.readline(MAX_LINE + 1)
        return io.BufferedReader(_Rest(head, stream, charset), _CHUNK)

    return Feed(feed.name, opened)


class _Rest(io.RawIOBase):
    """Some bytes, then what is left of a stream, as UTF-8.

    A byte that Windows-1252 does not know comes out as bytes that are not UTF-8 either, so that whoever reads the
    row names it.
    """

    def __init__(self, head: bytes, rest: BinaryIO, charset: Charset) -> None:
        self._ready = head
        self._rest = rest
        self._charset = charset

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        if not self._ready:
            self._ready = self._recoded(self._rest.read(_CHUNK))
        view = memoryview(buffer)
        given, self._ready = self._ready[: len(view)], self._ready[len(view) :]
        view[: len(given)] = given
        return len(given)

    def _recoded(self, chunk: bytes) -> bytes:
        if self._charset is Charset.UTF_8:
            return chunk
        return chunk.decode(self._charset, "surrogateescape").encode("utf-8", "surrogatepass")

    def close(self) -> None:
        self._rest.close()
        super().close()


@dataclass(frozen=True, slots=True)
class Style:
    """How a file is written: its charset, the bytes that end a line, and whether every cell stands in quotes."""

    charset: Charset = Charset.UTF_8
    end: str = "\r\n"
    quote_all: bool = False

    def line(self, names: Sequence[str], cells: Sequence[str]) -> bytes:
        """Write one CSV line; line breaks inside a cell are kept, in quotes (RFC 4180).

        Raises:
            BadField: a cell holds a control character, or one that the charset does not have.
        """
        text = ",".join(cells)
        # most lines need no quotes, and it is cheaper to look at the whole line once
        if self.quote_all or text.count(",") >= len(cells) or _TO_BE_QUOTED.search(text.replace(",", "")):
            text = ",".join([self._cell(cell) for cell in cells])
        return self.encoded(names, cells, text)

    def encoded(self, names: Sequence[str], cells: Sequence[str], text: str) -> bytes:
        """Give a finished line as bytes; ``names`` and ``cells`` tell whose fault it is where that fails.

        Raises:
            BadField: as `line`.
        """
        if _CONTROL.search(text):
            raise next(
                BadField(name, "control-character", "holds a control character")
                for name, cell in zip(names, cells, strict=True)
                if _CONTROL.search(cell)
            )
        try:
            return (text + self.end).encode(self.charset)
        except UnicodeEncodeError as fault:
            raise next(
                BadField(name, "not-in-charset", f"holds a character that {self.charset} does not have")
                for name, cell in zip(names, cells, strict=True)
                if not self._holds(cell)
            ) from fault

    def _cell(self, cell: str) -> str:
        if self.quote_all or _TO_BE_QUOTED.search(cell):
            return '"' + cell.replace('"', '""') + '"'
        return cell

    def _holds(self, cell: str) -> bool:
        try:
            cell.encode(self.charset)
        except UnicodeEncodeError:
            return False
        return True


def refused(feed: Feed, fault: FeedRefused) -> TraceFileRefused:
    """Turn a reader's refusal of the whole file into a trace file's, code 01."""
    return TraceFileRefused(feed.name, Code.PARSE_ERROR, fault.rule, fault.message, row=fault.row, field=fault.field)
