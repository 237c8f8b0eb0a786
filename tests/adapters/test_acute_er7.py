"""What anyone may rely on when HL7 v2 text is cut into messages and fields."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.acute.er7 import NULL, Message, raw_messages
from adapters.feed import Feed, FeedRefused
from adapters.rows import MAX_LINE
from adapters.values import BadField

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = b"MSH|^~\\&|PAS|RZZ|TIE|RZZ|20260301102000||ADT^A01|M1|P|2.4\r"


def messages(content: bytes) -> list[bytes]:
    return [raw.data for raw in raw_messages(Feed("a.hl7", lambda: BytesIO(content)))]


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\r\r\n"])
def test_segments_may_end_as_they_like(end: bytes) -> None:
    content = (HEAD + b"PID|1\r").replace(b"\r", end)
    assert messages(content * 2) == [HEAD + b"PID|1\r"] * 2


def test_framing_batch_envelopes_and_a_byte_order_mark_are_dropped() -> None:
    content = b"\xef\xbb\xbfFHS|^~\\&\rBHS|x\r\x0b" + HEAD + b"PID|1\r\x1c\r\x0b" + HEAD + b"\x1c\rBTS|2\rFTS|1\r"
    assert messages(content) == [HEAD + b"PID|1\r", HEAD]


def test_text_before_the_first_message_is_a_row_of_its_own() -> None:
    assert messages(b"hello\rworld\r" + HEAD) == [b"hello\rworld\r", HEAD]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty-file"),
        (b"PID|1\r", "wrong-header"),
        (HEAD.decode().encode("utf-16"), "wrong-encoding"),
        (HEAD + b"NTE|1||" + b"x" * 10_000_000, "line-too-long"),
    ],
)
def test_a_file_without_usable_messages_is_refused(content: bytes, rule: str) -> None:
    with pytest.raises(FeedRefused) as refused:
        messages(content)
    assert refused.value.rule == rule


def test_a_file_that_fails_on_the_second_reading_is_refused() -> None:
    class Failing(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() or self.getvalue() == b"late":
                raise OSError
            return super().read(size)

    opened = iter([BytesIO(HEAD), Failing(b"late")])
    with pytest.raises(FeedRefused, match="unreadable"):
        list(raw_messages(Feed("a.hl7", lambda: next(opened))))


def test_a_message_larger_than_a_mebibyte_is_cut_and_says_so() -> None:
    content = HEAD + (b"NTE|1||" + b"x" * 100_000 + b"\r") * 12
    (raw,) = raw_messages(Feed("a.hl7", lambda: BytesIO(content)))
    assert raw.too_large
    assert len(raw.data) <= MAX_LINE


def test_fields_are_counted_as_hl7_counts_them() -> None:
    message = Message(HEAD + b"PID|1||1^^^RZZ^PI~2^^^NHS^NH||\r")
    assert message.value("MSH", 1) == "|"
    assert message.value("MSH", 9, 2) == "A01"
    assert message.value("PID", 3, 5) == "PI"
    assert message.repeats("PID", 3) == [["1", "", "", "RZZ", "PI"], ["2", "", "", "NHS", "NH"]]
    assert message.repeats("PID", 4) == []
    assert message.value("PID", 3, 9) == message.value("ZZZ", 1) == message.value("PID", 99) == ""


def test_delete_is_not_blank() -> None:
    message = Message(HEAD + b'PID|""|\r')
    assert message.value("PID", 1) == NULL
    assert message.value("PID", 2) == ""


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"a\F\b", "a|b"),
        (r"a\S\b\R\c\T\d\E\e", "a^b~c&d\\e"),
        (r"one\.br\two", "one\ntwo"),
        (r"\H\bold\N\ ", "bold"),
        (r"\X41C9\x", "AÉx"),
        (r"\X0041\x", "Ax"),
        (r"C:\drive", r"C:\drive"),
        (r"\Zlocal\x", r"\Zlocal\x"),
        ("\\", "\\"),
        (r"\X4\x", r"\X4\x"),
    ],
)
def test_escapes_are_decoded_and_what_is_none_stays(written: str, read: str) -> None:
    assert Message(HEAD + f"NTE|{written}|\r".encode()).value("NTE", 1) == read


def test_other_separators_are_believed() -> None:
    message = Message(b"MSH#*!\\&#PAS#RZZ\rPID#1#a*b!c\r")
    assert message.repeats("PID", 2) == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    "head", [b"PID|1\r", b"MSH\r", b"MSH|^~\\\r", b"MSH||||||\r", b"MSHA^~\\&\r", b"MSH|^~\\\xff|\r"]
)
def test_a_message_without_separators_is_no_message(head: bytes) -> None:
    with pytest.raises(BadField, match="no-message-header"):
        Message(head)


def test_a_control_character_spoils_a_message() -> None:
    with pytest.raises(BadField, match="control-character"):
        Message(HEAD + b"PID|a\x01b|\r")


def test_windows_text_is_read_unless_the_message_says_utf_8() -> None:
    assert Message(HEAD + b"PID|Zo\xeb|\r").value("PID", 1) == "Zoë"
    assert Message(HEAD + "PID|Zoë|\r".encode()).value("PID", 1) == "Zoë"
    named = HEAD.rstrip(b"\r") + b"||||||UNICODE UTF-8\r"
    with pytest.raises(BadField, match="not-utf-8"):
        Message(named + b"PID|Zo\xeb|\r")
    with pytest.raises(BadField, match="wrong-encoding"):
        Message(HEAD + b"PID|\x81|\r")


@given(st.binary(max_size=60))
def test_no_bytes_make_the_splitter_raise_anything_else(tail: bytes) -> None:
    try:
        for raw in messages(HEAD + tail):
            message = Message(raw)
            for segment in message.segments:
                message.repeats(segment, 1)
                message.value(segment, 2, 3)
    except (BadField, FeedRefused) as refused:
        assert refused.rule  # noqa: PT017 - either outcome is right


_TEXT = st.text(st.sampled_from("ab |^~\\&é"), max_size=8).map(str.strip)


@given(st.lists(st.lists(_TEXT, min_size=1, max_size=3), min_size=1, max_size=3))
def test_what_was_escaped_is_what_is_read(repeats: list[list[str]]) -> None:
    marks = {"\\": r"\E\\"[:3], "|": r"\F\\"[:3], "^": r"\S\\"[:3], "~": r"\R\\"[:3], "&": r"\T\\"[:3]}
    written = "~".join("^".join("".join(marks.get(mark, mark) for mark in part) for part in parts) for parts in repeats)
    message = Message(HEAD + f"NTE|{written}|\r".encode())
    assert message.repeats("NTE", 1) == (repeats if written else [])


@pytest.mark.specs
def test_the_hl7_library_reads_the_samples_as_we_do(specs: Callable[[str], Path]) -> None:
    """A peer of another making: every field of every segment of the published samples is the same text."""
    for path in sorted((specs("hl7v2") / "sample").iterdir()):
        theirs = hl7.parse(path.read_bytes().decode())
        ours = Message(path.read_bytes())
        for segment in theirs:
            name = str(segment[0])
            for number in range(1, len(segment)):
                assert ours.field(name, number) == str(segment[number])
