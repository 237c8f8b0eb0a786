"""DBS files of fixed width and of CSV: widths, refusals, record types, the sixty-first column."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adapters.feed import Feed
from adapters.spine import dbs
from adapters.spine.dbs_columns import (
    REQUEST_FIELDS,
    RESPONSE_FIELDS,
    SHORT_RESPONSE_FIELDS,
    RecordType,
    Response,
    Returned,
    respond,
)
from adapters.spine.trace_lines import Style
from adapters.spine.tracing import (
    BadRow,
    Charset,
    Code,
    Finding,
    Indicator,
    Meaning,
    Request,
    TraceFileRefused,
)
from adapters.values import BadField

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    MakeFeed = Callable[[str, bytes | str], Feed]

UNIX = Style(end="\n", quote_all=True)
HEADER = dbs.Header(dbs.FileType.REQUEST, "001", dbs.Body.FIXED, "X09", "T1", "20260312093000", 7, 2)
ADA = Request(
    reference="L1036511",
    nhs_number="9990001006",
    family="Testperson",
    given="Ada",
    gender="2",
    birth_date="19410307",
    postcode="ZZ99 3CZ",
    address_line1="1 Sample Street",
    previous_family="Earlier",
    previous_postcode="ZZ99 1AA",
    gp_practice="Z99999",
)
BOB = Request(reference="L2", family="Sample", birth_date="1950")
BODIES = pytest.mark.parametrize("body", list(dbs.Body))


def requests(*asked: Request, body: dbs.Body = dbs.Body.FIXED, style: Style = UNIX) -> bytes:
    return b"".join(dbs.write_requests(replace(HEADER, body=body, records=len(asked)), asked, style))


def responses(*rows: Response, body: dbs.Body, short: bool = False) -> bytes:
    header = replace(HEADER, body=body).reply(len(rows))
    return b"".join(dbs.write_responses(header, rows, UNIX, short=short))


def test_lines_are_as_wide_as_the_published_parsers_have_them() -> None:
    assert (len(REQUEST_FIELDS), REQUEST_FIELDS.length) == (27, 600)
    assert (len(RESPONSE_FIELDS), RESPONSE_FIELDS.length) == (62, 1130)
    assert len(SHORT_RESPONSE_FIELDS) == 61
    header, first, _, trailer = requests(ADA, BOB).splitlines()
    assert (len(header), len(first), len(trailer)) == (63, 600, 62)
    assert header == b"0000010X09           T1            202603120930000000000" + b"7000002"
    assert trailer == b"990001X09           T1            202603120930000000000" + b"7000002"


def test_the_columns_stand_where_a_council_looks_for_them() -> None:
    line = requests(ADA, body=dbs.Body.CSV).splitlines()[1].decode()
    cells = [cell.strip('"') for cell in line.split(",")]
    assert (cells[0], cells[2], cells[6], cells[8], cells[10], cells[16]) == (
        "10",
        "19410307",
        "Testperson",
        "Ada",
        "2",
        "ZZ99 3CZ",
    )


@BODIES
def test_a_request_comes_back_as_it_was_written(body: dbs.Body, make_feed: MakeFeed) -> None:
    file = dbs.RequestFile(make_feed("f.dat", requests(ADA, BOB, body=body)))
    assert (file.count, file.header) == (2, replace(HEADER, body=body))
    assert list(file.rows()) == [ADA, BOB]


@BODIES
def test_a_mark_windows_line_ends_and_blank_lines_are_taken(body: dbs.Body, make_feed: MakeFeed) -> None:
    content = b"\xef\xbb\xbf" + requests(ADA, BOB, body=body).replace(b"\n", b"\r\n").rstrip() + b"\r\n\r\n"
    assert list(dbs.RequestFile(make_feed("f.dat", content)).rows()) == [ADA, BOB]


@BODIES
def test_the_same_local_pid_may_ask_twice(body: dbs.Body, make_feed: MakeFeed) -> None:
    assert dbs.RequestFile(make_feed("f.dat", requests(ADA, ADA, body=body))).count == 2


@BODIES
@pytest.mark.parametrize(
    ("changed", "code", "rule"),
    [
        ((0, 2, "10"), Code.PARSE_ERROR, "wrong-header"),
        ((2, 3, "1"), Code.INVALID_WORKFLOW, "wrong-file-type"),
        ((6, 7, "2"), Code.PARSE_ERROR, "wrong-header"),
        ((35, 49, "20260230000000"), Code.INVALID_TIMESTAMP, "not-a-time"),
        ((49, 57, "00000000"), Code.INVALID_REFERENCE, "bad-sequence"),
        ((49, 57, "0000000x"), Code.INVALID_REFERENCE, "bad-sequence"),
        ((57, 63, "00000x"), Code.PARSE_ERROR, "wrong-header"),
        ((57, 63, "00002"), Code.PARSE_ERROR, "wrong-header"),
        ((57, 63, "000003"), Code.ROW_COUNT_DIFFERS, "wrong-trailer"),
        ((7, 10, "X10"), Code.INVALID_REFERENCE, "wrong-trailer"),
    ],
)
def test_a_header_that_cannot_be_one_refuses_the_file(
    changed: tuple[int, int, str], code: Code, rule: str, body: dbs.Body, make_feed: MakeFeed
) -> None:
    start, end, text = changed
    head, rest = requests(ADA, BOB, body=body).split(b"\n", 1)
    content = head[:start] + text.encode() + head[end:] + b"\n" + rest
    with pytest.raises(TraceFileRefused) as refused:
        dbs.RequestFile(make_feed("f.dat", content))
    assert (refused.value.code, refused.value.rule) == (code, rule)


@BODIES
def test_a_file_without_its_end_with_two_or_with_another_count_is_refused(body: dbs.Body, make_feed: MakeFeed) -> None:
    content = requests(ADA, BOB, body=body)
    lines = content.splitlines(keepends=True)
    three = b"".join([*lines[:2], *lines[1:]])
    faults = [
        (b"".join(lines[:-1]), Code.PARSE_ERROR, "no-trailer"),
        (content + lines[1], Code.PARSE_ERROR, "after-trailer"),
        (content + lines[-1], Code.PARSE_ERROR, "after-trailer"),
        (content.rstrip()[:-1], Code.PARSE_ERROR, "wrong-trailer"),
        (three, Code.ROW_COUNT_DIFFERS, "row-count"),
    ]
    for broken, code, rule in faults:
        with pytest.raises(TraceFileRefused) as refused:
            dbs.RequestFile(make_feed("f.dat", broken))
        assert (refused.value.code, refused.value.rule) == (code, rule)
    with pytest.raises(TraceFileRefused) as refused:
        dbs.RequestFile(make_feed("f.dat", content), most=1)
    assert refused.value.code is Code.TOO_MANY_RECORDS


@BODIES
def test_a_bad_row_spoils_no_other(body: dbs.Body, make_feed: MakeFeed) -> None:
    wrong = replace(ADA, gender="7")
    lines = requests(wrong, ADA, BOB, body=body).splitlines(keepends=True)
    lines[2] = lines[2].replace(b"10", b"11", 1)
    first, second, third = dbs.RequestFile(make_feed("f.dat", b"".join(lines))).rows()
    assert isinstance(first, BadRow)
    assert (first.row, first.field, first.code, first.said) == (2, "Gender", Code.INVALID_GENDER, wrong)
    assert isinstance(second, BadRow)
    assert (second.row, second.field, second.rule, second.said) == (3, "Record type", "unknown-code", ADA)
    assert third == BOB


def test_a_fixed_line_of_another_length_or_with_a_stray_character_is_named(make_feed: MakeFeed) -> None:
    head, ada, bob, end = requests(ADA, BOB).splitlines()
    bad = [
        (ada[:-1], Code.NOT_ENOUGH_FIELDS, "wrong-length", "Previous registered GP practice"),
        (ada + b" ", Code.TOO_MANY_FIELDS, "wrong-length", "line"),
        (ada.replace(b"Ada", b"A\x01a"), Code.INVALID_FORMAT, "control-character", "Given name"),
        (ada.replace(b"Ada", b"A\xe9a"), Code.INVALID_FORMAT, "wrong-encoding", "Given name"),
    ]
    for line, code, rule, field in bad:
        first, second = dbs.RequestFile(make_feed("f.dat", b"\n".join([head, line, bob, end]))).rows()
        assert isinstance(first, BadRow)
        assert (first.row, first.code, first.rule, first.field) == (2, code, rule, field)
        assert second == BOB


def test_a_csv_line_that_does_not_come_apart_is_named_and_gives_no_reference(make_feed: MakeFeed) -> None:
    head, _, bob, end = requests(ADA, BOB, body=dbs.Body.CSV).splitlines()
    first, second = dbs.RequestFile(make_feed("f.csv", b"\n".join([head, b"10,L1", bob, end]))).rows()
    assert isinstance(first, BadRow)
    assert (first.code, first.said) == (Code.NOT_ENOUGH_FIELDS, Request())
    assert second == BOB


def test_fixed_widths_count_characters_in_either_charset(make_feed: MakeFeed) -> None:
    asked = replace(ADA, family="Siân")
    for charset in Charset:
        content = requests(asked, style=Style(charset))
        assert list(dbs.RequestFile(make_feed("f.dat", content), charset=charset).rows()) == [asked]


@pytest.mark.parametrize(
    ("changed", "field", "rule"),
    [
        ({"family": "x" * 36}, "Family name", "too-long"),
        ({"address_line1": "Flat\n2"}, "Address line 1", "control-character"),
        ({"given": "A\x07"}, "Given name", "control-character"),
    ],
)
def test_what_a_fixed_line_has_no_room_for_is_named(changed: dict[str, str], field: str, rule: str) -> None:
    with pytest.raises(BadField) as refused:
        requests(replace(ADA, **changed))
    assert (refused.value.field, refused.value.rule) == (field, rule)


def test_a_line_break_in_a_csv_address_stays_inside(make_feed: MakeFeed) -> None:
    asked = replace(ADA, address_line1='Flat 2\r\n"The Old House"')
    assert list(dbs.RequestFile(make_feed("f.csv", requests(asked, body=dbs.Body.CSV))).rows()) == [asked]


ANSWERED = [
    ("", Finding(Code.SUCCESS, "9990001006", Indicator.ALGORITHMIC, 90), "20", "found"),
    ("", Finding(Code.SENSITIVE, "9990001006", Indicator.ALPHANUMERIC, 100), "20", "found"),
    ("", Finding(Code.NOT_FOUND), "21", "not-found"),
    ("", Finding(Code.SEVERAL_CLOSE, several=3), "22", "several"),
    ("9990001006", Finding(Code.SUCCESS, "9990001006", Indicator.CROSS_CHECK, 100), "30", "found"),
    ("9990001006", Finding(Code.NOT_FOUND), "31", "not-found"),
    ("9990001006", Finding(Code.SEVERAL_CLOSE, several=3), "32", "several"),
    ("9990001006", Finding(Code.SUCCESS, "9990001014", Indicator.ALGORITHMIC, 90), "33", "found"),
    ("9990001006", Finding(Code.SUPERSEDED, "9990001014", Indicator.CROSS_CHECK, 100), "40", "merged"),
    ("9990001006", Finding(Code.INVALID_RECORD, "9990001014"), "40", "merged"),
    ("9990001006", Finding(Code.INVALID_RECORD), "31", "not-found"),
    ("", Finding(Code.NOT_ENOUGH_DATA), "81", "not-enough"),
    ("", Finding(Code.NOT_TRACED), "82", "not-traced"),
]


@pytest.mark.parametrize(("number", "finding", "kind", "meaning"), ANSWERED)
def test_every_finding_has_its_record_type_and_meaning(number: str, finding: Finding, kind: str, meaning: str) -> None:
    row = respond(replace(ADA, nhs_number=number), finding)
    assert (row.record_type, row.number, row.matches) == (kind, finding.number, finding.several)
    answer = row.answer
    assert (answer.reference, answer.asked_number, answer.meaning) == ("L1036511", number, meaning)
    assert answer.number == finding.number
    assert {case[2] for case in ANSWERED} == set(RecordType)


def test_a_bad_row_has_insufficient_data() -> None:
    row = respond(BadRow(2, "Gender", Code.INVALID_GENDER, "unknown-code", ADA), Finding(Code.SUCCESS, "9990001006"))
    assert (row.record_type, row.number, row.answer.meaning) == ("81", "", Meaning.NOT_ENOUGH)


def test_nothing_is_returned_of_a_sensitive_person_or_of_nobody() -> None:
    told = Returned(family="Testperson", postcode="ZZ99 3CZ")
    found = Finding(Code.SUCCESS, "9990001006", Indicator.CROSS_CHECK)
    assert respond(ADA, found, told).returned == told
    assert respond(ADA, found).returned == Returned()
    assert respond(ADA, replace(found, code=Code.SENSITIVE), told).returned == Returned()
    assert respond(ADA, Finding(Code.NOT_FOUND), told).returned == Returned()


@BODIES
@pytest.mark.parametrize("short", [False, True])
def test_responses_of_62_and_61_fields_are_read(body: dbs.Body, short: bool, make_feed: MakeFeed) -> None:  # noqa: FBT001 - a parameter of the test
    returned = Returned("19410307", "D", "20250101", gender="2", unexplained=(*"abcdefghijklmnopq", ""))
    rows = [respond(ADA, Finding(*finding)) for finding in ((Code.SUCCESS, "9990001006"), (Code.SEVERAL_CLOSE,))]
    rows = [replace(rows[0], returned=returned), replace(rows[1], matches=4)]
    content = responses(*rows, body=body, short=short)
    assert len(content.splitlines()[1].split(b",")) == (1 if body is dbs.Body.FIXED else 61 if short else 62)
    file = dbs.ResponseFile(make_feed("r.dat", content))
    assert (file.width, file.count, file.whole) == (61 if short else 62, 2, True)
    assert list(file.rows()) == rows
    assert file.header == replace(HEADER, body=body).reply(2)


def test_a_csv_response_is_quoted_throughout_and_counts_are_not_padded() -> None:
    line = responses(respond(BOB, Finding(Code.NOT_FOUND)), body=dbs.Body.CSV).splitlines()[1].decode()
    assert line.startswith('"21","L2","0","","1950","","","","Sample",""')
    fixed = responses(respond(BOB, Finding(Code.NOT_FOUND)), body=dbs.Body.FIXED).splitlines()[1].decode()
    assert fixed.startswith("21L2".ljust(22) + "000")


@BODIES
def test_a_response_whose_rows_are_of_no_width_is_full_of_bad_rows(body: dbs.Body, make_feed: MakeFeed) -> None:
    head, _, end = responses(respond(ADA, Finding(Code.NOT_FOUND)), body=body).splitlines()
    file = dbs.ResponseFile(make_feed("r.dat", b"\n".join([head, b"20,L1", end])))
    (row,) = file.rows()
    assert isinstance(row, BadRow)
    assert (file.width, row.code) == (62, Code.NOT_ENOUGH_FIELDS)


def test_an_empty_response_may_be_told_to_have_rows(make_feed: MakeFeed) -> None:
    file = dbs.ResponseFile(make_feed("r.dat", responses(body=dbs.Body.CSV)))
    assert (file.count, file.whole, list(file.rows())) == (0, True, [])
    header = replace(HEADER, body=dbs.Body.CSV).reply(3)
    short = dbs.ResponseFile(make_feed("r.dat", b"".join(dbs.write_responses(header, [], UNIX))))
    assert (short.count, short.whole) == (0, False)


@pytest.mark.parametrize(
    ("place", "cell", "field", "rule"),
    [
        (0, "29", "Record type", "unknown-code"),
        (2, "x", "Number of multiple matches", "not-a-count"),
        (3, "12345", "Trace result NHS number", "not-ten-digits"),
    ],
)
def test_a_response_row_that_cannot_be_one_names_its_field(
    place: int, cell: str, field: str, rule: str, make_feed: MakeFeed
) -> None:
    head, line, end = responses(respond(ADA, Finding(Code.NOT_FOUND)), body=dbs.Body.CSV).decode().splitlines()
    cells = line.split(",")
    cells[place] = f'"{cell}"'
    (row,) = dbs.ResponseFile(make_feed("r.dat", "\n".join([head, ",".join(cells), end]))).rows()
    assert isinstance(row, BadRow)
    assert (row.row, row.field, row.rule, row.said.reference) == (2, field, rule, "L1036511")


def test_a_blank_count_of_matches_is_none(make_feed: MakeFeed) -> None:
    content = responses(respond(ADA, Finding(Code.NOT_FOUND)), body=dbs.Body.CSV).replace(b',"0",', b',"",')
    (row,) = dbs.ResponseFile(make_feed("r.dat", content)).rows()
    assert isinstance(row, Response)
    assert row.matches == 0


@BODIES
def test_a_disk_that_fails_is_a_refusal(body: dbs.Body, make_feed: MakeFeed) -> None:
    good, left = make_feed("f.dat", requests(ADA, BOB, body=body)), 100

    def failing() -> BinaryIO:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError
        return good.open()

    file = dbs.RequestFile(Feed("f.dat", failing))
    for opened in range(2 if body is dbs.Body.FIXED else 3):
        left = opened
        with pytest.raises(TraceFileRefused) as refused:
            list(file.rows())
        assert (refused.value.code, refused.value.rule) == (Code.PARSE_ERROR, "unreadable")


def test_a_line_of_a_fixed_file_that_never_ends_is_a_refusal(make_feed: MakeFeed) -> None:
    with pytest.raises(TraceFileRefused) as refused:
        dbs.RequestFile(make_feed("f.dat", requests(ADA, BOB) + b"x" * (1 << 21)))
    assert (refused.value.code, refused.value.rule) == (Code.PARSE_ERROR, "line-too-long")
