"""What anyone may rely on when a delimited file is read."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.feed import Feed, FeedRefused, Quarantined, replay
from adapters.rows import MAX_LINE, Row, Table, look_over

if TYPE_CHECKING:
    from collections.abc import Callable


def read(content: bytes) -> list[Row | Quarantined]:
    return list(Table(Feed("f.csv", lambda: BytesIO(content))).rows())


def cells(content: bytes) -> list[list[str] | str]:
    return [row.cells if isinstance(row, Row) else row.rule for row in read(content)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_and_a_byte_order_mark_make_no_difference(end: bytes, mark: bytes, *, last: bool) -> None:
    assert cells(mark + b"a,b" + end + b"1,2" + (end if last else b"")) == [["1", "2"]]


def test_rows_are_numbered_as_a_spreadsheet_numbers_them_and_blank_lines_are_no_rows() -> None:
    assert [row.number for row in read(b"a,b\n1,2\n\n \n3,4\n") if isinstance(row, Row)] == [2, 5]


def test_a_quoted_text_may_hold_delimiters_quotes_and_line_ends() -> None:
    content = b'a,b\n1,"x, ""y""\r\nz"\n3,4\n'
    assert cells(content) == [["1", 'x, "y"\r\nz'], ["3", "4"]]
    row = read(content)[0]
    assert isinstance(row, Row)
    assert row.original == b'1,"x, ""y""\r\nz"'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'a,b\n1,"open\n3,4\n5,6\n', ["unclosed-quote", ["3", "4"], ["5", "6"]]),
        (b'a,b\n1,5" pipe\n3,4\n5,6" hose\n7,8\n', ["broken-quoting", ["3", "4"], "unclosed-quote", ["7", "8"]]),
        (b'a,b\n1,"x"y\n3,4\n', ["broken-quoting", ["3", "4"]]),
        (b"a,b\n1\n3,4\n", ["wrong-field-count", ["3", "4"]]),
        (b"a,b\n1,2,3\n3,4\n", ["wrong-field-count", ["3", "4"]]),
        (b"a,b\n1,\xff\n3,4\n", ["not-utf-8", ["3", "4"]]),
        (b"a,b\n1,\x00\n3,4\n5,6\n", ["control-character", ["3", "4"], ["5", "6"]]),
        (b'a,b\n1,"\x01"\n3,4\n', ["control-character", ["3", "4"]]),
        (b"a,b\n1,2\n3", [["1", "2"], "truncated-row"]),
        (b'a,b\n1,2\n3,"4', [["1", "2"], "truncated-row"]),
        (b'a,b\n"\xff",2\n3,4\n', ["not-utf-8", ["3", "4"]]),
    ],
)
def test_a_bad_row_is_quarantined_alone(content: bytes, expected: list[list[str] | str]) -> None:
    assert cells(content) == expected


def test_a_quarantined_row_names_its_field_and_can_be_read_again() -> None:
    (bad,) = read(b"a,b\n1,\xff\n")
    assert isinstance(bad, Quarantined)
    assert (bad.field, bad.row, bad.original, bad.header) == ("b", 2, b"1,\xff", b"a,b")
    again = Table(replay(bad.feed, bad.header, bad.original.replace(b"\xff", b"2")))
    assert [row.cells for row in again.rows() if isinstance(row, Row)] == [["1", "2"]]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty-file"),
        ("a,b\n1,2\n".encode("utf-16"), "wrong-encoding"),
        ("a,b\n1,2\n".encode("utf-16-le"), "wrong-encoding"),
        (b"a,\xff\n", "wrong-encoding"),
        (b'a,"b\n', "wrong-header"),
        (b"\n1,2\n", "wrong-header"),
        (b"a,b\n1,2\n" + b"x" * 10_000_000 + b"\n", "line-too-long"),
        (b"x" * (MAX_LINE + 1), "line-too-long"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_before_any_row(content: bytes, rule: str) -> None:
    with pytest.raises(FeedRefused) as refused:
        Table(Feed("f.csv", lambda: BytesIO(content)))
    assert refused.value.rule == rule
    assert str(refused.value).startswith("f.csv")


def test_a_long_line_is_named_by_its_row() -> None:
    content = b"a,b\n" + b"1,2\n" * 400_000 + b"y" * (MAX_LINE + 1) + b"\n3,4\n"
    with pytest.raises(FeedRefused) as refused:
        look_over(Feed("f.csv", lambda: BytesIO(content)), b"\n")
    assert refused.value.row == 400_002


class _Failing(BytesIO):
    """A disk that fails after so many reads."""

    def __init__(self, content: bytes, reads: int) -> None:
        super().__init__(content)
        self._left = reads

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise OSError

    def read(self, size: int | None = -1, /) -> bytes:
        self._count()
        return super().read(size)

    def readline(self, size: int | None = -1, /) -> bytes:
        self._count()
        return super().readline(size)


@pytest.mark.parametrize("reads", [0, 1, 2])
def test_a_file_that_cannot_be_read_is_refused(reads: int) -> None:
    with pytest.raises(FeedRefused, match="unreadable"):
        list(Table(Feed("f.csv", lambda: _Failing(b"a,b\n1,2\n", reads))).rows())


def test_a_file_that_cannot_be_opened_is_refused() -> None:
    def closed() -> BinaryIO:
        raise PermissionError

    with pytest.raises(FeedRefused, match="unreadable"):
        Table(Feed("f.csv", closed))


@pytest.mark.parametrize(
    ("header", "rule", "column"),
    [("a,a", "duplicate-column", "a"), ("a,x", "unknown-column", "x"), ("a", "missing-column", "b")],
)
def test_a_wrong_header_is_refused_by_column(
    make_feed: Callable[[str, str], Feed], header: str, rule: str, column: str
) -> None:
    with pytest.raises(FeedRefused) as refused:
        Table(make_feed("f.csv", header + "\n")).require(frozenset("ab"), frozenset("ab"))
    assert (refused.value.rule, refused.value.field, refused.value.row) == (rule, column, 1)


@given(st.lists(st.text('ab,"\n\r é\x01', max_size=12).map(str.encode) | st.binary(max_size=8), max_size=12))
def test_nothing_but_a_refusal_is_ever_raised_and_no_byte_is_lost(lines: list[bytes]) -> None:
    """The reason the reader is ours: whatever a file holds, each byte of it is in some row, once and in order."""
    body = b"\n".join(lines)
    try:
        rows = read(b"a,b\n" + body)
    except FeedRefused as refused:
        assert refused.rule == "wrong-encoding"  # noqa: PT017 - the other outcome is checked below
        return
    # blank lines are not rows
    assert b"".join(b"".join(row.original for row in rows).split()) == b"".join(body.split())


GOOD = st.lists(
    st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc")), min_size=1, max_size=8),
    min_size=2,
    max_size=2,
)


@given(st.lists(GOOD | st.just(['"', "x"]), max_size=20))
def test_what_was_written_is_what_is_read(rows: list[list[str]]) -> None:
    written = "".join(",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) + "\n" for row in rows)
    assert cells(b"a,b\n" + written.encode()) == rows
