"""HL7 v2 text (ER7) into messages, segments and fields: tolerant where real feeds are loose, never guessing.

Segments may end in CR, LF or CRLF; MLLP framing and batch envelopes (FHS, BHS, BTS, FTS) around messages are
dropped. Separators are those that MSH names. Escape sequences are decoded; a cell holding ``""`` means "delete
the value" and is kept apart from a blank one, which means "no change": see `NULL`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from adapters.feed import FeedRefused
from adapters.rows import look_over
from adapters.values import BadField

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.feed import Feed

NULL: Final = '""'
"""The explicit null of HL7 v2: the value is to be removed."""

_ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")
_FRAMING = b"\x0b\x1c"
_CHUNK = 1 << 20
_LARGEST = 1 << 20
_ENDS = re.compile(rb"\r\n|\r|\n")
_HEX = re.compile(r"X((?:[0-9A-Fa-f]{2})+)")
_MEANINGLESS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class RawMessage:
    """The bytes of one message as received, and whether its last segment was ended."""

    __slots__ = ("ended", "original", "size")

    def __init__(self) -> None:
        self.original: list[bytes] = []
        self.size = 0
        self.ended = True

    def add(self, segment: bytes, *, ended: bool) -> None:
        """Take in one segment; beyond a mebibyte only the size is kept."""
        self.size += len(segment) + 1
        self.ended = ended
        if self.size <= _LARGEST:
            self.original.append(segment)

    @property
    def data(self) -> bytes:
        """The message with its segments ended by CR, however they were ended in the file."""
        return b"\r".join(self.original) + b"\r"

    @property
    def too_large(self) -> bool:
        """Whether part of the message was let go because of its size."""
        return self.size > _LARGEST


def raw_messages(feed: Feed) -> Iterator[RawMessage]:
    """Cut a file into messages, each from one MSH to the next; text before the first MSH is given as one more.

    Raises:
        FeedRefused: unreadable, empty, UTF-16, a segment over a mebibyte, or no MSH anywhere.
    """
    look_over(feed, b"\r\n")
    current: RawMessage | None = None
    found = False
    for segment, ended in _segments(feed):
        cleaned = segment.strip(_FRAMING).removeprefix(b"\xef\xbb\xbf")
        if not cleaned.strip() or cleaned.startswith(_ENVELOPE):
            continue
        if cleaned.startswith(b"MSH"):
            found = True
            if current is not None:
                yield current
            current = RawMessage()
        elif current is None:
            current = RawMessage()
        current.add(cleaned, ended=ended)
    if not found:
        raise FeedRefused(feed.name, "wrong-header", "holds no HL7 v2 message", row=1, field="MSH")
    if current is not None:
        yield current


def one_message(received: bytes) -> bytes:
    """Give a message as a transport delivered it, framing off and every segment ended by CR."""
    segments = [segment for segment in _ENDS.split(received.strip(_FRAMING + b"\r\n")) if segment.strip()]
    return b"".join(segment + b"\r" for segment in segments)


def _segments(feed: Feed) -> Iterator[tuple[bytes, bool]]:
    rest = b""
    try:
        with feed.open() as stream:
            while chunk := stream.read(_CHUNK):
                # a CR at the very end may be half of a CRLF: the empty segment it would make is dropped above
                *whole, rest = _ENDS.split(rest + chunk)
                for segment in whole:
                    yield segment, True
    except (OSError, EOFError) as fault:
        raise FeedRefused(feed.name, "unreadable", "the file could not be read to its end") from fault
    if rest:
        yield rest, rest.endswith(b"\x1c")


class Message:
    """One parsed message. Fields are counted as HL7 counts them: ``field("PID", 3)`` is PID-3."""

    def __init__(self, original: bytes) -> None:
        """Decode and split a message whose segments end in CR.

        Raises:
            BadField: no usable MSH, or text in no encoding that the message may have.
        """
        head = original[3:8]
        if not original.startswith(b"MSH") or len(set(head)) != len(head) or not head.isascii():
            raise BadField("MSH", "no-message-header", "does not begin with a message header and its five separators")
        if any(chr(mark).isalnum() or mark in b" \r" for mark in head):
            raise BadField("MSH", "no-message-header", "names a letter, digit or space as a separator")
        self._field, self._component, self._repeat, self._escape, self._sub = list(head.decode())
        self.segments: dict[str, list[list[str]]] = {}
        text = _decoded(original)
        if _MEANINGLESS.search(text):
            raise BadField("MSH", "control-character", "the message holds a control character")
        for line in text.split("\r"):
            fields = line.split(self._field)
            if fields[0] == "MSH":
                # MSH-1 is the separator itself
                fields.insert(1, self._field)
            self.segments.setdefault(fields[0].strip().upper(), []).append(fields)

    def has(self, segment: str) -> bool:
        """Say whether the message has such a segment."""
        return segment in self.segments

    def field(self, segment: str, number: int, occurrence: int = 0) -> str:
        """Give a field as it stands, repeats and escapes undone by nobody yet; absent is blank."""
        held = self.segments.get(segment, ())
        if occurrence >= len(held) or number >= len(held[occurrence]):
            return ""
        return held[occurrence][number]

    def repeats(self, segment: str, number: int) -> list[list[str]]:
        """Give the repeats of a field, each as its decoded components; a blank field has none."""
        whole = self.field(segment, number)
        return [self.components(part) for part in whole.split(self._repeat)] if whole else []

    def components(self, text: str) -> list[str]:
        """Give the decoded components of one repeat."""
        return [self._text(part) for part in text.split(self._component)]

    def value(self, segment: str, number: int, component: int = 1, occurrence: int = 0) -> str:
        """Give one component of a field's first repeat, decoded; blank where absent, `NULL` where it is ``""``."""
        whole = self.field(segment, number, occurrence)
        if not whole:
            return ""
        parts = whole.split(self._repeat, maxsplit=1)[0].split(self._component, component)
        return self._text(parts[component - 1]) if component <= len(parts) else ""

    def _text(self, raw: str) -> str:
        raw = raw.strip()
        if self._escape not in raw:
            return raw
        return _MEANINGLESS.sub(" ", self._unescaped(raw)).strip()

    def _unescaped(self, raw: str) -> str:
        marks = {"F": self._field, "S": self._component, "R": self._repeat, "E": self._escape, "T": self._sub}
        marks |= {".br": "\n", "H": "", "N": ""}
        pieces = raw.split(self._escape)
        made = [pieces[0]]
        place = 1
        while place < len(pieces):
            closed = place + 1 < len(pieces)
            meaning = _meaning(pieces[place], marks) if closed else None
            if meaning is None:
                # an escape that nobody closes, or that means nothing here, is text
                made += [self._escape, pieces[place]]
                place += 1
            else:
                made += [meaning, pieces[place + 1]]
                place += 2
        return "".join(made)


def _meaning(sequence: str, marks: dict[str, str]) -> str | None:
    if sequence in marks:
        return marks[sequence]
    if found := _HEX.fullmatch(sequence):
        return bytes.fromhex(found.group(1)).decode("cp1252", "replace")
    return None


def _decoded(original: bytes) -> str:
    try:
        return original.decode()
    except UnicodeDecodeError:
        pass
    charset = original.split(b"\r", 1)[0].split(original[3:4])
    named = charset[17].upper() if len(charset) > _CHARSET_AT else b""
    if b"UTF-8" in named:
        raise BadField("MSH-18", "not-utf-8", "the message is not in the UTF-8 that it names")
    try:
        # blank and 8859/1 alike are Windows-1252 in practice
        return original.decode("cp1252")
    except UnicodeDecodeError as fault:
        raise BadField("MSH-18", "wrong-encoding", "the message is neither UTF-8 nor Windows-1252") from fault


_CHARSET_AT = 17
