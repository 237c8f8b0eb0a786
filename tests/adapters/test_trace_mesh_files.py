"""PDS MESH, MPT and MPSaaS files: what is read, what is refused by which code, what an answer looks like."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from adapters.feed import Feed
from adapters.spine import mpt, pds_mesh
from adapters.spine.trace_lines import Style
from adapters.spine.trace_responses import (
    ResponseFile,
    ResponseHeader,
    refusal,
    respond,
    write_responses,
)
from adapters.spine.tracing import (
    NO_MATCH,
    SEVERAL,
    BadRow,
    Charset,
    Code,
    Finding,
    Indicator,
    Meaning,
    Request,
    Response,
    TraceFileRefused,
    answer_of,
)
from adapters.values import BadField

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import BinaryIO

    from adapters.spine.trace_responses import ResponseLayout

    MakeFeed = Callable[[str, bytes | str], Feed]

STAMP = "20260312093000"
NAME = f"MPTREQ_{STAMP}.csv"
ADA = Request(
    reference="R-1",
    nhs_number="9990001006",
    family="Testperson",
    given="Ada",
    gender="2",
    birth_date="19410307",
    postcode="ZZ99 3CZ",
    death_date="20250101",
    address_line1="1 Sample Street",
    gp_practice="Z99999",
    telephone="01632960001",
    mobile="07700900001",
    email="ada@example.org",
    local_id="L-1",
)
UNIX = Style(end="\n")


def mpt_file(*lines: str, head: str = "", count: int | None = None) -> str:
    said = head or f"MPTREQ_{STAMP},SPINE_MPTPHASE4_TRACE,{STAMP},{len(lines) if count is None else count}"
    return "\n".join([said, *lines, ""])


def mpt_line(request: Request) -> str:
    return UNIX.line(mpt.REQUEST.names, mpt.REQUEST.cells(request)).decode().rstrip("\n")


def mesh_file(*lines: str) -> str:
    return "\n".join([",".join(pds_mesh.REQUEST.names), *lines, ""])


def mesh_line(request: Request) -> str:
    return UNIX.line(pds_mesh.REQUEST.names, pds_mesh.REQUEST.cells(request)).decode().rstrip("\n")


def bad(rows: Iterable[object]) -> list[tuple[int, str, Code, str]]:
    return [(row.row, row.field, row.code, row.rule) for row in rows if isinstance(row, BadRow)]


def written(rows: list[Response], layout: ResponseLayout) -> bytes:
    return b"".join(write_responses(ResponseHeader(f"MPTREQ_{STAMP}", len(rows)), rows, layout, UNIX))


def test_the_formats_have_as_many_columns_as_their_manuals_say() -> None:
    assert len(mpt.REQUEST) == 23
    assert len(pds_mesh.REQUEST) == 24
    assert len(pds_mesh.RESPONSE.names) == 29
    assert len(mpt.PHASE_4.response.names) == 33
    assert len(mpt.MPSAAS.response.names) == 34


def test_the_postcode_moves_from_the_eighth_column_to_the_fourteenth() -> None:
    assert pds_mesh.REQUEST.names[7] == mpt.REQUEST.names[7] == "POSTCODE"
    assert pds_mesh.RESPONSE.names[13] == mpt.PHASE_4.response.names[13] == "POSTCODE"
    answer = respond(ADA, Finding(Code.SUCCESS, ADA.nhs_number), pds_mesh.RESPONSE)
    assert pds_mesh.REQUEST.cells(ADA)[7] == pds_mesh.RESPONSE.cells(answer)[13] == "ZZ99 3CZ"


@pytest.mark.specs
def test_the_published_mpt_requests_rewrite_to_the_byte(specs: Callable[[str], Path], make_feed: MakeFeed) -> None:
    samples = sorted(specs("mps").glob("*/request.csv"))
    assert len(samples) == 5
    for path in samples:
        body = path.read_bytes()
        whole = mpt_file(count=body.count(b"\n") + 1).encode() + body
        file = mpt.RequestFile(make_feed(NAME, whole))
        said = [row.said if isinstance(row, BadRow) else row for row in file.rows()]
        assert b"".join(mpt.write_requests(file.header, said, UNIX)) == whole + b"\n", path.parent.name


@pytest.mark.specs
def test_the_published_responses_rewrite_to_the_byte(specs: Callable[[str], Path], make_feed: MakeFeed) -> None:
    samples = [(path, mpt.PHASE_4.response) for path in sorted(specs("mps").glob("*/response.csv"))]
    samples += [(path, pds_mesh.RESPONSE) for path in sorted(specs("mps").glob("pds-mesh/*.csv"))]
    assert len(samples) == 11
    for path, layout in samples:
        content = path.read_bytes()
        file = ResponseFile(make_feed(path.name, content), layout)
        rows = [row for row in file.rows() if isinstance(row, Response)]
        assert len(rows) == file.count
        again = b"".join(write_responses(file.header, rows, layout, UNIX))
        assert again.rstrip() == content.removeprefix(b"\xef\xbb\xbf").rstrip(), path.name


@pytest.mark.parametrize(
    ("head", "name", "code", "rule"),
    [
        ("", NAME, Code.ROW_COUNT_DIFFERS, "row-count"),
        (f"MPTREQ_{STAMP}0,SPINE_MPTPHASE4_TRACE,{STAMP},1", NAME, Code.INVALID_REFERENCE, "bad-reference"),
        (f"MPTREQ_{STAMP},SPINE_OTHER,{STAMP},1", NAME, Code.INVALID_WORKFLOW, "unknown-workflow"),
        (f"MPTREQ_{STAMP},SPINE_MPTPHASE4_TRACE,20260230000000,1", NAME, Code.INVALID_TIMESTAMP, "not-a-time"),
        (f"MPTREQ_{STAMP},SPINE_MPTPHASE4_TRACE,2026,1", NAME, Code.INVALID_TIMESTAMP, "not-a-time"),
        (f"MPTREQ_{STAMP},SPINE_MPTPHASE4_TRACE,{STAMP},one", NAME, Code.PARSE_ERROR, "not-a-count"),
        (f"MPTREQ_{STAMP},SPINE_MPTPHASE4_TRACE,{STAMP}", NAME, Code.PARSE_ERROR, "wrong-header"),
        (f"MPTREQ_{STAMP},SPINE_MPTPHASE4_TRACE,{STAMP},1", "clients.csv", Code.FILE_NAME_DIFFERS, "file-name"),
        (f"MPTREQ_{STAMP},SPINE_MPTPHASE4_TRACE,{STAMP},500001", NAME, Code.TOO_MANY_RECORDS, "too-many-records"),
    ],
)
def test_an_mpt_file_is_refused_with_the_code_of_the_rule_it_breaks(
    head: str, name: str, code: Code, rule: str, make_feed: MakeFeed
) -> None:
    content = mpt_file(mpt_line(ADA), head=head, count=2)
    with pytest.raises(TraceFileRefused) as refused:
        mpt.RequestFile(make_feed(name, content))
    assert (refused.value.code, refused.value.rule) == (code, rule)
    assert "Testperson" not in str(refused.value)


def test_more_rows_than_may_be_are_refused_while_they_are_counted(make_feed: MakeFeed) -> None:
    lines = [mpt_line(Request(reference=str(n))) for n in range(3)]
    with pytest.raises(TraceFileRefused) as refused:
        mpt.RequestFile(make_feed(NAME, mpt_file(*lines, count=2)), most=2)
    assert refused.value.code is Code.TOO_MANY_RECORDS


@pytest.mark.parametrize("again", ["R-1", " R-1 "])
def test_a_reference_that_stands_there_twice_refuses_the_file_and_is_not_repeated(
    again: str, make_feed: MakeFeed
) -> None:
    with pytest.raises(TraceFileRefused) as refused:
        mpt.RequestFile(make_feed(NAME, mpt_file(mpt_line(ADA), mpt_line(Request(reference=again)))))
    assert refused.value.code is Code.UNIQUE_REFERENCE
    assert (refused.value.row, refused.value.field) == (3, "UNIQUE REFERENCE")
    assert "R-1" not in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "field", "code", "rule"),
    [
        ({"reference": "  "}, "UNIQUE REFERENCE", Code.REQUIRED_MISSING, "required"),
        ({"reference": "a:b"}, "UNIQUE REFERENCE", Code.UNIQUE_REFERENCE, "forbidden-character"),
        ({"family": "x" * 41}, "FAMILY_NAME", Code.TOO_LONG, "too-long"),
        ({"gender": "3"}, "GENDER", Code.INVALID_GENDER, "unknown-code"),
        ({"gender": "F"}, "GENDER", Code.INVALID_GENDER, "unknown-code"),
        ({"birth_date": "07/03/1941"}, "DATE_OF_BIRTH", Code.INVALID_FORMAT, "not-a-date"),
        ({"birth_date": "19410231"}, "DATE_OF_BIRTH", Code.INVALID_FORMAT, "impossible-date"),
        ({"birth_date": "194113"}, "DATE_OF_BIRTH", Code.INVALID_FORMAT, "impossible-date"),
        ({"birth_date": "194103072460"}, "DATE_OF_BIRTH", Code.INVALID_FORMAT, "not-a-date"),
        ({"nhs_number": "999000100"}, "NHS_NO", Code.INVALID_FORMAT, "not-ten-digits"),
        ({"as_at": "soon"}, "AS_AT_DATE", Code.INVALID_FORMAT, "not-a-date"),
    ],
)
def test_a_row_that_breaks_a_rule_is_named_by_code_field_and_row_and_the_rest_go_on(
    changed: dict[str, str], field: str, code: Code, rule: str, make_feed: MakeFeed
) -> None:
    from dataclasses import replace

    wrong = replace(ADA, **changed)
    content = mesh_file(mesh_line(wrong), mesh_line(Request(reference="R-2")))
    rows = list(pds_mesh.RequestFile(make_feed("any name.csv", content), forbidden=":").rows())
    assert bad(rows) == [(2, field, code, rule)]
    assert isinstance(rows[0], BadRow)
    assert rows[0].said == wrong
    assert rows[1] == Request(reference="R-2")


@pytest.mark.parametrize("written_date", ["1941", "194103", "19410307", "194103070915", " 19410307 ", ""])
def test_dates_of_every_precision_are_taken_as_they_stand(written_date: str, make_feed: MakeFeed) -> None:
    asked = Request(reference="R", birth_date=written_date)
    assert list(pds_mesh.RequestFile(make_feed("f.csv", mesh_file(mesh_line(asked)))).rows()) == [asked]


def test_too_few_and_too_many_fields_have_codes_of_their_own_and_keep_the_reference(make_feed: MakeFeed) -> None:
    content = mpt_file(mpt_line(ADA) + ",more", "R-2,9990001006", mpt_line(Request(reference="R-3")))
    rows = list(mpt.RequestFile(make_feed(NAME, content)).rows())
    assert [(row.code, row.said) for row in rows if isinstance(row, BadRow)] == [
        (Code.TOO_MANY_FIELDS, Request(reference="R-1")),
        (Code.NOT_ENOUGH_FIELDS, Request(reference="R-2")),
    ]
    assert rows[2] == Request(reference="R-3")


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b'R-1,"99' + b"," * 21, "unclosed-quote"),
        (b"R-1,\x01" + b"," * 21, "control-character"),
        (b"R-1,,\xe9" + b"," * 20, "not-utf-8"),
        (b'R-1,"a"b' + b"," * 21, "broken-quoting"),
        (b"R-1," + b"x" * 140_000, "wrong-field-count"),
    ],
)
def test_a_line_that_does_not_come_apart_spoils_no_other(line: bytes, rule: str, make_feed: MakeFeed) -> None:
    content = mpt_file(count=2).encode() + line + b"\n" + mpt_line(Request(reference="R-9")).encode() + b"\n"
    rows = list(mpt.RequestFile(make_feed(NAME, content)).rows())
    assert [row.rule for row in rows if isinstance(row, BadRow)] == [rule]
    assert rows[-1] == Request(reference="R-9")


def test_a_line_break_inside_a_quoted_address_stays_inside(make_feed: MakeFeed) -> None:
    asked = Request(reference="R-1", address_line1='Flat 2\r\nThe "Old" House, North', address_line2="a\nb")
    file = mpt.RequestFile(make_feed(NAME, mpt_file(mpt_line(asked), mpt_line(Request(reference="R-2")))))
    assert list(file.rows()) == [asked, Request(reference="R-2")]


def test_a_line_break_outside_quotes_is_caught_by_the_count(make_feed: MakeFeed) -> None:
    broken = mpt_line(ADA).replace("Sample ", "Sample\n")
    with pytest.raises(TraceFileRefused) as refused:
        mpt.RequestFile(make_feed(NAME, mpt_file(broken, count=1)))
    assert refused.value.code is Code.ROW_COUNT_DIFFERS


def test_a_byte_order_mark_windows_line_ends_and_a_lost_last_one_are_taken(make_feed: MakeFeed) -> None:
    content = "\ufeff" + mpt_file(mpt_line(ADA)).replace("\n", "\r\n").rstrip()
    assert list(mpt.RequestFile(make_feed(NAME, content)).rows()) == [ADA]


def test_windows_1252_is_read_and_written_where_it_is_asked_for(make_feed: MakeFeed) -> None:
    asked = Request(reference="R-1", family="Siân Œuf")
    style = Style(Charset.WINDOWS, end="\n")
    content = b"".join(mpt.write_requests(mpt.Header(f"MPTREQ_{STAMP}", STAMP, 1), [asked], style))
    assert "Siân Œuf".encode("cp1252") in content
    assert list(mpt.RequestFile(make_feed(NAME, content), charset=Charset.WINDOWS).rows()) == [asked]
    unknown = content.replace(b"\x8c", b"\x81")
    rows = list(mpt.RequestFile(make_feed(NAME, unknown), charset=Charset.WINDOWS).rows())
    assert bad(rows) == [(2, "FAMILY_NAME", Code.INVALID_FORMAT, "not-utf-8")]


@pytest.mark.parametrize(("family", "rule"), [("محمد", "not-in-charset"), ("Test\x07person", "control-character")])
def test_what_cannot_be_written_is_named_by_its_column(family: str, rule: str) -> None:
    rows = pds_mesh.write_requests([Request(reference="R", family=family)], Style(Charset.WINDOWS))
    with pytest.raises(BadField) as refused:
        list(rows)
    assert (refused.value.field, refused.value.rule) == ("FAMILY_NAME", rule)
    assert family not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty-file"),
        ("MPTREQ".encode("utf-16"), "wrong-encoding"),
        (b"M\x00P\x00", "wrong-encoding"),
        (b"\xe9\n", "wrong-encoding"),
        (b"x" * (1 << 21), "line-too-long"),
        (b"\n", "wrong-header"),
        (b'a,"b\n', "wrong-header"),
        (mpt_file().encode() + b"x" * (1 << 21), "line-too-long"),
    ],
)
def test_what_is_no_text_at_all_is_a_parse_error(content: bytes, rule: str, make_feed: MakeFeed) -> None:
    with pytest.raises(TraceFileRefused) as refused:
        mpt.RequestFile(make_feed(NAME, content))
    assert (refused.value.code, refused.value.rule) == (Code.PARSE_ERROR, rule)


def test_a_disk_that_fails_is_a_refusal_too() -> None:
    def failing() -> BinaryIO:
        raise OSError

    with pytest.raises(TraceFileRefused) as refused:
        mpt.RequestFile(Feed(NAME, failing))
    assert (refused.value.code, refused.value.rule) == (Code.PARSE_ERROR, "unreadable")


def test_a_disk_that_fails_while_the_rows_are_read_is_a_refusal_too(make_feed: MakeFeed) -> None:
    good, opened = make_feed(NAME, mpt_file(mpt_line(ADA))), 0

    def failing() -> BinaryIO:
        nonlocal opened
        opened += 1
        if opened > 4:  # the header, the looking over, the table's own header, the count
            raise OSError
        return good.open()

    file = mpt.RequestFile(Feed(NAME, failing))
    with pytest.raises(TraceFileRefused) as refused:
        list(file.rows())
    assert refused.value.rule == "unreadable"


@pytest.mark.parametrize(
    ("head", "field"),
    [
        (",".join(["UNIQUE REFERENCE", "NHS NUMBER", *pds_mesh.REQUEST.names[2:]]), "NHS_NO"),
        (",".join(pds_mesh.REQUEST.names[:-1]), "header"),
        (",".join([*pds_mesh.REQUEST.names, "MORE"]), "header"),
        (mesh_line(ADA), "UNIQUE REFERENCE"),
    ],
)
def test_a_pds_mesh_request_needs_its_column_names_in_their_order(head: str, field: str, make_feed: MakeFeed) -> None:
    with pytest.raises(TraceFileRefused) as refused:
        pds_mesh.RequestFile(make_feed("f.csv", f"{head}\n{mesh_line(ADA)}\n"))
    assert (refused.value.code, refused.value.field) == (Code.PARSE_ERROR, field)
    assert "Testperson" not in str(refused.value)


def test_column_names_may_be_quoted_or_have_underscores(make_feed: MakeFeed) -> None:
    head = ",".join(f'"{name.replace(" ", "_").lower()}"' for name in pds_mesh.REQUEST.names)
    file = pds_mesh.RequestFile(make_feed("f.csv", f"{head}\n{mesh_line(ADA)}\n"))
    assert (file.count, list(file.rows())) == (1, [ADA])


def test_a_pds_mesh_request_needs_a_row(make_feed: MakeFeed) -> None:
    with pytest.raises(TraceFileRefused) as refused:
        pds_mesh.RequestFile(make_feed("f.csv", mesh_file()))
    assert (refused.value.code, refused.value.rule) == (Code.PARSE_ERROR, "no-rows")


def test_mpt_and_mpsaas_are_told_apart_by_their_workflow(make_feed: MakeFeed) -> None:
    head = f"MPTREQ_{STAMP},DSP_MPS,{STAMP},1"
    file = mpt.RequestFile(make_feed(NAME, mpt_file(mpt_line(ADA), head=head)))
    assert file.service is mpt.MPSAAS
    answer = respond(ADA, Finding(Code.SUCCESS, ADA.nhs_number, person_id=ADA.nhs_number), file.service.response)
    assert file.service.response.cells(answer)[-1] == ADA.nhs_number
    assert mpt.reference(STAMP) == file.header.reference


@pytest.mark.parametrize(
    ("finding", "matched", "indicator", "confidence", "flag", "meaning"),
    [
        (Finding(Code.SUCCESS, "9990001006", Indicator.CROSS_CHECK, 100), "9990001006", "1", "100", "N", "found"),
        (Finding(Code.SUPERSEDED, "9990001014", Indicator.ALGORITHMIC, 88), "9990001014", "4", "88", "N", "superseded"),
        (Finding(Code.INVALID_RECORD, "9990001014"), "9990001014", "0", "0", "", "merged"),
        (Finding(Code.INVALID_RECORD), NO_MATCH, "0", "0", "", "deleted"),
        (
            Finding(Code.SENSITIVE, "9990001006", Indicator.ALPHANUMERIC, 100),
            "9990001006",
            "3",
            "100",
            "S",
            "sensitive",
        ),
        (Finding(Code.SEVERAL_CLOSE, several=2), SEVERAL, "0", "0", "", "several"),
        (Finding(Code.NOT_FOUND), NO_MATCH, "0", "0", "", "not-found"),
        (Finding(Code.NOT_ENOUGH_DATA), "", "0", "0", "", "not-enough"),
        (Finding(Code.NOT_TRACED), "", "0", "0", "", "not-traced"),
        (Finding(Code.DATASTORE_ERROR), "", "0", "0", "", "refused"),
    ],
)
def test_every_finding_has_its_code_number_indicator_and_meaning(  # noqa: PLR0913, PLR0917 - a row of the table
    finding: Finding,
    matched: str,
    indicator: str,
    confidence: str,
    flag: str,
    meaning: str,
    make_feed: MakeFeed,
) -> None:
    layout = pds_mesh.RESPONSE
    answer = respond(ADA, finding, layout)
    assert layout.cells(answer)[-6:] == [flag, "", finding.code, matched, indicator, confidence]
    back = ResponseFile(make_feed("r.csv", written([answer], layout)), layout)
    assert back.whole
    assert list(back.rows()) == [answer]
    told = answer_of(answer)
    assert (told.meaning, told.reference, told.asked_number) == (meaning, "R-1", "9990001006")
    assert told.number == finding.number


def test_a_sensitive_row_tells_no_place_and_no_way_to_reach_anybody() -> None:
    finding = Finding(Code.SENSITIVE, ADA.nhs_number, Indicator.ALGORITHMIC, 90, (100, 90, 100, 100, 60))
    answer = respond(ADA, finding, mpt.PHASE_4.response)
    gone = {"postcode", "death_date", "address_line1", "gp_practice", "telephone", "mobile", "email"}
    assert {name for name in mpt.REQUEST.attributes if getattr(ADA, name) != getattr(answer.said, name)} == gone
    assert not any(getattr(answer.said, name) for name in gone)
    assert answer.scores == (Decimal(100), Decimal(90), Decimal(100), Decimal(100), Decimal(0))
    assert respond(ADA, Finding(Code.SENSITIVE, ADA.nhs_number), mpt.PHASE_4.response).scores == (Decimal(0),) * 5


def test_part_scores_and_an_mps_id_are_told_where_they_are_given() -> None:
    layout = mpt.PHASE_4.response
    plain = layout.cells(respond(ADA, Finding(Code.NOT_FOUND), layout))
    assert plain[23] == ""
    assert plain[-5:] == ["0"] * 5
    given = Finding(Code.NOT_FOUND, scores=(90, 80, 66, 50, 0), mps_id="A000000001")
    told = layout.cells(respond(ADA, given, layout))
    assert told[23] == "A000000001"
    assert told[-5:] == ["90", "80", "66", "50", "0"]
    assert layout.cells(Response(ADA, Code.NOT_FOUND))[-5:] == ["0"] * 5
    assert respond(ADA, given, pds_mesh.RESPONSE).scores == ()


def test_a_bad_row_comes_back_under_its_own_code(make_feed: MakeFeed) -> None:
    file = mpt.RequestFile(make_feed(NAME, mpt_file(mpt_line(Request(reference="R-1", gender="X")))))
    (row,) = file.rows()
    answer = respond(row, Finding(Code.SUCCESS, "9990001006"), mpt.PHASE_4.response)
    assert (answer.code, answer.matched, answer.said.gender) == (Code.INVALID_GENDER, "", "X")
    assert answer_of(answer).meaning is Meaning.REFUSED


def test_a_file_that_cannot_be_answered_is_answered_with_its_code(make_feed: MakeFeed) -> None:
    with pytest.raises(TraceFileRefused) as refused:
        mpt.RequestFile(make_feed("other.csv", mpt_file(mpt_line(ADA))))
    told = refusal(f"MPTREQ_{STAMP}", refused.value, UNIX)
    assert told == f"MPTREQ_{STAMP},SPINE_MPT_RESPONSE,0,07\n".encode()
    back = ResponseFile(make_feed("r.csv", told), mpt.PHASE_4.response)
    assert (back.header.code, back.count, back.whole) == (Code.FILE_NAME_DIFFERS, 0, True)


def test_a_response_is_read_with_column_names_and_without_and_its_count_is_told(make_feed: MakeFeed) -> None:
    layout = pds_mesh.RESPONSE
    answer = respond(ADA, Finding(Code.SUCCESS, ADA.nhs_number), layout)
    head, row = written([answer], layout).decode().splitlines()
    names = ",".join(layout.names).replace("_", " ")
    file = ResponseFile(make_feed("r.csv", f"\ufeff{head}\n{names}\n{row}\n"), layout)
    assert (file.count, file.whole, list(file.rows())) == (1, True, [answer])
    short = ResponseFile(make_feed("r.csv", f"{head}\n{row}\n{row}\n"), layout)
    assert (short.count, short.whole) == (2, False)


@pytest.mark.parametrize(
    ("place", "cell", "field", "rule"),
    [
        (25, "02x", "ERROR/SUCCESS_CODE", "unknown-code"),
        (26, "12345", "MATCHED_NHS_NO", "not-a-number"),
        (27, "5", "MATCHED_ALGORITHM_INDICATOR", "unknown-code"),
        (28, "101", "MATCHED_CONFIDENCE_PERCENTAGE", "not-a-percentage"),
        (28, "a", "MATCHED_CONFIDENCE_PERCENTAGE", "not-a-percentage"),
    ],
)
def test_a_response_row_that_cannot_be_one_is_named(
    place: int, cell: str, field: str, rule: str, make_feed: MakeFeed
) -> None:
    layout = pds_mesh.RESPONSE
    cells = layout.cells(respond(ADA, Finding(Code.SUCCESS, ADA.nhs_number), layout))
    cells[place] = cell
    content = UNIX.line(layout.names, cells).decode()
    file = ResponseFile(make_feed("r.csv", f"MPTREQ_{STAMP},SPINE_MPT_RESPONSE,2,00\n{content}short\n"), layout)
    first, second = file.rows()
    assert isinstance(first, BadRow)
    assert isinstance(second, BadRow)
    assert (first.row, first.field, first.rule, first.said.reference) == (2, field, rule, "R-1")
    assert second.code is Code.NOT_ENOUGH_FIELDS


@pytest.mark.parametrize(
    ("head", "field"),
    [
        ("A,B,1", "header"),
        ("A,B,one,00", "NO_OF_DATA_RECORDS"),
        ("A,B,1,77", "FILE_RESPONSE_CODE"),
    ],
)
def test_a_response_header_that_cannot_be_one_is_refused(head: str, field: str, make_feed: MakeFeed) -> None:
    with pytest.raises(TraceFileRefused) as refused:
        ResponseFile(make_feed("r.csv", head + "\n"), pds_mesh.RESPONSE)
    assert (refused.value.code, refused.value.field) == (Code.PARSE_ERROR, field)


def test_success_with_nobodys_number_is_not_found_and_an_mps_id_is_no_number() -> None:
    assert answer_of(Response(ADA, Code.SUCCESS, NO_MATCH)).meaning is Meaning.NOT_FOUND
    assert answer_of(Response(ADA, Code.SUCCESS, SEVERAL)).meaning is Meaning.SEVERAL
    assert answer_of(Response(ADA, Code.SUCCESS, "U1234567890")).number == ""


def test_a_response_is_named_by_request_and_time() -> None:
    assert pds_mesh.response_name(f"MPTREQ_{STAMP}", STAMP) == f"RESP_MPTREQ_{STAMP}_{STAMP}.csv"
    assert mpt.PHASE_4.response_name(f"MPTREQ_{STAMP}", STAMP) == f"RESP_MPTREQ_{STAMP}_{STAMP}.csv"
    assert mpt.MPSAAS.response_name(f"MPTREQ_{STAMP}", STAMP) == f"RESP_MPTREQ_{STAMP}_{STAMP}.dat"
