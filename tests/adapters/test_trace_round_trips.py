"""Whatever is written is read back; whatever is damaged is named or is another value; and the people behind it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.feed import Feed
from adapters.spine import dbs, mpt, pds_mesh
from adapters.spine.dbs_columns import REQUEST as DBS_REQUEST
from adapters.spine.dbs_columns import RecordType, Returned
from adapters.spine.dbs_columns import Response as DbsResponse
from adapters.spine.trace_lines import Style
from adapters.spine.trace_people import demographics_of, request_of
from adapters.spine.trace_responses import ResponseFile, ResponseHeader, write_responses
from adapters.spine.tracing import BadRow, Code, Indicator, Request, Response, TraceFileRefused
from adapters.values import BadField
from linkage.person import Demographics, Gender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from adapters.spine.trace_columns import Layout
    from adapters.spine.trace_responses import ResponseLayout

STAMP = "20260312093000"
STYLES = st.sampled_from([Style(end="\n"), Style(), Style(quote_all=True)])
_NO_CONTROL = st.characters(exclude_categories=["Cs", "Cc"])
CELL = st.text(st.one_of(_NO_CONTROL, st.sampled_from('",\n\r\t|=')), max_size=12)
PLAIN = st.text(_NO_CONTROL, max_size=6).map(str.strip)
DATES = st.sampled_from(["", "1941", "194103", "19410307"])
NUMBERS = st.sampled_from(["", "9990001006", "9990001014", "9990001007"])
RULED = {
    "reference": st.uuids().map(str),
    "nhs_number": NUMBERS,
    "gender": st.sampled_from(["", "0", "1", "2", "9"]),
    "birth_date": DATES,
    "death_date": DATES,
    "address_date": DATES,
    "gp_registered": DATES,
    "as_at": st.sampled_from(["", "202603120930"]),
    "postcode": st.text("ABZ 139", max_size=8),
    "posting": st.text("ABZ", max_size=3),
    "gp_practice": st.text("ABZ139", max_size=6),
}
CHANGES = b'#,"0Z'


def asked(layout: Layout, cell: st.SearchStrategy[str]) -> st.SearchStrategy[Request]:
    short = dict.fromkeys(["postcode", "previous_postcode", "gp", "previous_gp", "previous_gp_practice"], PLAIN)
    short["reference"] = st.integers(1, 10**9).map(lambda number: f"L{number}")
    rules = RULED | (short if layout is DBS_REQUEST else {})
    return st.builds(Request, **{name: rules.get(name, cell) for name in layout.attributes})


def files(layout: Layout, cell: st.SearchStrategy[str] = CELL) -> st.SearchStrategy[list[Request]]:
    return st.lists(asked(layout, cell), min_size=1, max_size=3, unique_by=lambda request: request.reference)


def feed(lines: Iterable[bytes], name: str = f"MPTREQ_{STAMP}.csv") -> Feed:
    content = b"".join(lines)
    return Feed(name, lambda: BytesIO(content))


def mpt_feed(requests: list[Request], style: Style) -> Feed:
    return feed(mpt.write_requests(mpt.Header(f"MPTREQ_{STAMP}", STAMP, len(requests)), requests, style))


def dbs_header(body: dbs.Body, count: int) -> dbs.Header:
    return dbs.Header(dbs.FileType.REQUEST, "001", body, "X09", "T1", STAMP, 7, count)


@given(files(mpt.REQUEST), STYLES)
def test_an_mpt_request_comes_back(requests: list[Request], style: Style) -> None:
    assert list(mpt.RequestFile(mpt_feed(requests, style)).rows()) == requests


@given(files(pds_mesh.REQUEST), STYLES)
def test_a_pds_mesh_request_comes_back(requests: list[Request], style: Style) -> None:
    assert list(pds_mesh.RequestFile(feed(pds_mesh.write_requests(requests, style))).rows()) == requests


@given(files(DBS_REQUEST), STYLES)
def test_a_dbs_csv_request_comes_back(requests: list[Request], style: Style) -> None:
    file = dbs.RequestFile(feed(dbs.write_requests(dbs_header(dbs.Body.CSV, len(requests)), requests, style)))
    assert list(file.rows()) == requests


@given(files(DBS_REQUEST, PLAIN), STYLES)
def test_a_dbs_fixed_request_comes_back(requests: list[Request], style: Style) -> None:
    requests = [replace(request, postcode=request.postcode.strip()) for request in requests]
    file = dbs.RequestFile(feed(dbs.write_requests(dbs_header(dbs.Body.FIXED, len(requests)), requests, style)))
    assert list(file.rows()) == requests


PERCENT = st.none() | st.integers(0, 100).map(Decimal) | st.sampled_from([Decimal("99.5"), Decimal("0.25")])
MATCHED = st.sampled_from(["", "9990001006", "0" * 10, "9" * 10, "U12345", "B000000001~~~A123456789"])


def answers(layout: ResponseLayout) -> st.SearchStrategy[list[Response]]:
    row = st.builds(
        Response,
        asked(layout.said, CELL),
        st.sampled_from(Code),
        MATCHED,
        st.none() | st.sampled_from(Indicator),
        PERCENT,
        CELL,
        CELL,
        st.tuples(*[PERCENT] * 5) if layout.scores else st.just(()),
        CELL if layout.person_id else st.just(""),
    )
    return st.lists(row, max_size=3)


@pytest.mark.parametrize(
    "layout", [pds_mesh.RESPONSE, mpt.PHASE_4.response, mpt.MPSAAS.response], ids=["pds-mesh", "mpt", "mpsaas"]
)
@given(st.data(), STYLES)
def test_a_response_comes_back(layout: ResponseLayout, data: st.DataObject, style: Style) -> None:
    rows = data.draw(answers(layout))
    header = ResponseHeader(f"MPTREQ_{STAMP}", len(rows))
    file = ResponseFile(feed(write_responses(header, rows, layout, style)), layout)
    assert file.header == header
    assert file.whole
    assert list(file.rows()) == rows


RETURNED = st.builds(
    Returned, *[DATES, st.sampled_from(["", "D"]), *[PLAIN] * 5, st.sampled_from("029"), *[PLAIN] * 7],
    st.tuples(*[st.text("0123", max_size=5)] * 18),
)  # fmt: skip


@pytest.mark.parametrize("body", list(dbs.Body))
@given(data=st.data(), style=STYLES, short=st.booleans())
def test_a_dbs_response_comes_back(body: dbs.Body, data: st.DataObject, style: Style, short: bool) -> None:  # noqa: FBT001 - drawn
    row = st.builds(
        DbsResponse, asked(DBS_REQUEST, PLAIN), st.sampled_from(RecordType), NUMBERS, st.integers(0, 999), RETURNED
    )
    rows = data.draw(st.lists(row, min_size=1, max_size=3))
    if short:
        rows = [
            replace(row, returned=replace(row.returned, unexplained=(*row.returned.unexplained[:-1], "")))
            for row in rows
        ]
    header = dbs_header(body, 0).reply(len(rows))
    file = dbs.ResponseFile(feed(dbs.write_responses(header, rows, style, short=short)))
    assert (file.header, file.width, file.whole) == (header, 61 if short else 62, True)
    assert list(file.rows()) == rows


ADA = Request(
    reference="R-1",
    nhs_number="9990001006",
    family="Testperson",
    gender="2",
    birth_date="19410307",
    address_line1='Flat 2, "The Oaks"',
)
BOB = Request(reference="R-2", family="Sample")


def read_mpt(content: bytes) -> list[object]:
    file = mpt.RequestFile(feed([content]))
    return [file.header, *file.rows()]


def read_mesh(content: bytes) -> list[object]:
    return list(pds_mesh.RequestFile(feed([content])).rows())


def read_dbs(content: bytes) -> list[object]:
    file = dbs.RequestFile(feed([content]))
    return [file.header, *file.rows()]


def read_answers(content: bytes) -> list[object]:
    file = ResponseFile(feed([content]), mpt.PHASE_4.response)
    return [file.header, *file.rows()]


def read_dbs_answers(content: bytes) -> list[object]:
    file = dbs.ResponseFile(feed([content]))
    return [file.header, *file.rows()]


UNIX = Style(end="\n")
SAMPLES: dict[str, tuple[Callable[[bytes], list[object]], list[bytes]]] = {
    "mpt": (read_mpt, list(mpt.write_requests(mpt.Header(f"MPTREQ_{STAMP}", STAMP, 2), [ADA, BOB], UNIX))),
    "pds-mesh": (read_mesh, list(pds_mesh.write_requests([ADA, BOB], UNIX))),
    "dbs-fixed": (read_dbs, list(dbs.write_requests(dbs_header(dbs.Body.FIXED, 2), [ADA, BOB], UNIX))),
    "dbs-csv": (read_dbs, list(dbs.write_requests(dbs_header(dbs.Body.CSV, 2), [ADA, BOB], UNIX))),
    "mpt-response": (
        read_answers,
        list(
            write_responses(
                ResponseHeader(f"MPTREQ_{STAMP}", 1),
                [Response(ADA, Code.SUCCESS, "9990001006", Indicator.CROSS_CHECK, Decimal(100))],
                mpt.PHASE_4.response,
                UNIX,
            )
        ),
    ),
    "dbs-response": (
        read_dbs_answers,
        list(
            dbs.write_responses(
                dbs_header(dbs.Body.FIXED, 0).reply(1), [DbsResponse(ADA, RecordType.VERIFIED, "9990001006")], UNIX
            )
        ),
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data())
def test_one_damaged_byte_is_named_or_gives_another_value(name: str, data: st.DataObject) -> None:
    read, lines = SAMPLES[name]
    content = b"".join(lines)
    place = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.sampled_from([byte for byte in CHANGES if byte != content[place]]))
    _is_named_or_another(read, content, content[:place] + bytes([byte]) + content[place + 1 :])


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data())
def test_any_bytes_at_all_are_named_or_a_value(name: str, data: st.DataObject) -> None:
    """Nothing but a refusal ever comes out, whatever goes in after the header."""
    read, lines = SAMPLES[name]
    try:
        read(lines[0] + data.draw(st.binary(max_size=80)) + b"\n" + lines[-1])
    except TraceFileRefused as refused:
        assert refused.code in Code  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize("name", SAMPLES)
def test_one_column_lost_is_named(name: str) -> None:
    read, lines = SAMPLES[name]
    for number, line in enumerate(lines):
        for place in [place for place, byte in enumerate(line) if byte == ord(",")]:
            shorter = line[:place] + line[place + 1 :]
            _is_named_or_another(read, b"".join(lines), b"".join([*lines[:number], shorter, *lines[number + 1 :]]))


def _is_named_or_another(read: Callable[[bytes], list[object]], content: bytes, damaged: bytes) -> None:
    try:
        found = read(damaged)
    except TraceFileRefused as refused:
        assert refused.rule  # noqa: PT017 - either outcome is right
        assert "Testperson" not in str(refused)  # noqa: PT017 - the same
    else:
        assert found != read(content)
        assert all(row.rule and row.field for row in found if isinstance(row, BadRow))


def test_a_request_says_of_somebody_what_demographics_hold() -> None:
    said = Request(
        nhs_number=" 9990001006",
        family="Testperson ",
        given="Ada",
        other_given="Mary  Jane",
        previous_given="Addie",
        previous_family="Earlier",
        birth_date="194103070915",
        gender="2",
        postcode="ZZ99 3CZ",
        previous_postcode="ZZ99 1AA",
        address_line1="1 Sample Street",
        address_line4="Exampleton",
        telephone="01632960001",
        mobile="07700900001",
        email="ada@example.org",
        gp_practice="z99999",
        death_date="2025",
    )
    assert demographics_of(said) == Demographics(
        "9990001006",
        "Testperson",
        "Ada",
        ("Mary", "Jane", "Addie"),
        ("Earlier",),
        "1941-03-07",
        "female",
        "ZZ99 3CZ",
        ("ZZ99 1AA",),
        ("1 Sample Street", "Exampleton"),
        ("01632960001", "07700900001"),
        ("ada@example.org",),
        "Z99999",
        "2025",
    )
    assert demographics_of(Request()) == Demographics()


@pytest.mark.parametrize("birth_date", ["19411", "19410231"])
def test_a_request_nobody_checked_names_its_date(birth_date: str) -> None:
    with pytest.raises(BadField) as refused:
        demographics_of(Request(birth_date=birth_date))
    assert refused.value.field == "birth_date"
    assert birth_date not in str(refused.value)


@pytest.mark.parametrize(("code", "gender"), [("0", "unknown"), ("1", "male"), ("2", "female"), ("9", "other")])
def test_genders_go_both_ways(code: str, gender: str) -> None:
    assert demographics_of(Request(gender=code)).gender == gender
    assert request_of(Demographics(gender=gender), "R").gender == code
    assert request_of(Demographics(), "R").gender == ""


def test_a_request_is_made_of_the_first_of_each_and_has_no_line_breaks() -> None:
    person = Demographics(
        nhs_number="999 000 1006",
        family="Test\nperson",
        other_given=("Mary", "Jane"),
        previous_family=("Earlier", "Earliest"),
        birth_date="1941-03",
        address=("a", "b", "c", "d", "e", "f"),
        phone=("07700900001", "01632960001", "+447700900002"),
        email=("ada@example.org", "ada@example.net"),
    )
    made = request_of(person, "CM:12:1")
    assert made == Request(
        reference="CM-12-1",
        nhs_number="9990001006",
        family="Test person",
        other_given="Mary Jane",
        previous_family="Earlier",
        birth_date="194103",
        address_line1="a",
        address_line2="b",
        address_line3="c",
        address_line4="d",
        address_line5="e",
        telephone="01632960001",
        mobile="07700900001",
        email="ada@example.org",
    )
    assert request_of(Demographics(nhs_number="12345"), "R").nhs_number == ""


PERSON = st.builds(
    Demographics,
    NUMBERS,
    PLAIN.map(lambda name: " ".join(name.split())),
    gender=st.sampled_from(["", *Gender]),
    birth_date=st.sampled_from(["", "1941", "1941-03", "1941-03-07"]),
    postcode=st.sampled_from(["", "ZZ99 3CZ"]),
    address=st.lists(st.sampled_from(["1 Sample Street", "Exampleton"]), max_size=5).map(tuple),
    phone=st.sampled_from([(), ("01632960001",), ("01632960001", "07700900001")]),
)


@given(PERSON)
def test_a_person_asked_for_is_the_person_read(person: Demographics) -> None:
    assert demographics_of(request_of(person, "R")) == replace(person, gender=str(person.gender))
