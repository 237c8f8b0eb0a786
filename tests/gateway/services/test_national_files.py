"""A national request file in, the response its own client reads out: DBS, PDS MESH, MPT and MPSaaS."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adapters.feed import Feed
from adapters.spine import dbs, mpt, pds_mesh
from adapters.spine.dbs_columns import Response as DbsResponse
from adapters.spine.trace_lines import Style
from adapters.spine.trace_responses import ResponseFile
from adapters.spine.tracing import (
    BadRow,
    Charset,
    Code,
    Indicator,
    Meaning,
    Request,
    Response,
    TraceFileRefused,
    answer_of,
)
from gateway.errors import InputError, NotPermitted, Unavailable
from gateway.services.tracing.batch import HOUSE, clear_away, trace_file
from gateway.services.tracing.bulk import BULK
from gateway.services.tracing.formats import Format, finding_of, opened, refuse
from gateway.services.tracing.national import NATIONAL
from gateway.storage.ledger import Ledger
from tests.gateway.houses import (
    AMINA,
    BRAM,
    HIDDEN,
    MOVED,
    OUTSIDER,
    STRANGER,
    TWIN,
    Townsperson,
    Watch,
    persona,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateway.house import House
    from gateway.services.tracing.batch import Algorithm, BatchReport

STAMP = "20260312093000"
NAME = f"MPTREQ_{STAMP}"
_GENDERS = {"male": "1", "female": "2"}


def asks(reference: str, who: Townsperson, number: str = "", **other: str) -> Request:
    told = {
        "family": who.family,
        "given": who.given,
        "birth_date": who.birth_date.replace("-", ""),
        "gender": _GENDERS[who.gender],
        "postcode": who.postcode,
    }
    return Request(**{"reference": reference, "nhs_number": number, **told, **other})


EVERY = [
    asks("r0", AMINA),
    asks("r1", BRAM, BRAM.number),
    asks("r2", STRANGER),
    asks("r3", HIDDEN, telephone="01160000011", gp_practice="Z99001"),
    asks("r4", AMINA, MOVED.number),
    asks("r5", TWIN, given="Ros"),
    Request("r6", postcode="LE1 1AA"),
    asks("r7", AMINA, gender="X"),
    Request("r8", AMINA.number, birth_date=AMINA.birth_date.replace("-", "")),
    Request("r9", AMINA.number, birth_date="20010101"),
]


def write_mpt(folder: Path, requests: Sequence[Request] = EVERY, service: mpt.Service = mpt.PHASE_4) -> Path:
    path = folder / f"{NAME}.csv"
    header = mpt.Header(NAME, STAMP, len(requests), service.workflow)
    path.write_bytes(b"".join(mpt.write_requests(header, requests, Style(end="\n"))))
    return path


def write_mesh(folder: Path, requests: Sequence[Request] = EVERY, name: str = "clients.csv") -> Path:
    path = folder / name
    path.write_bytes(b"".join(pds_mesh.write_requests(requests)))
    return path


def write_dbs(folder: Path, body: dbs.Body, requests: Sequence[Request] = EVERY) -> Path:
    path = folder / "clients.dat"
    header = dbs.Header(dbs.FileType.REQUEST, "001", body, "X09", "T1", STAMP, 7, len(requests))
    path.write_bytes(b"".join(dbs.write_requests(header, requests)))
    return path


def traced(house: House, layout: Format, source: Path, algorithm: Algorithm = HOUSE) -> tuple[Path, BatchReport]:
    target = source.with_name("response.out")
    return target, trace_file(house, persona(house, "data-team"), opened(layout, source), target, algorithm=algorithm)


def feed(path: Path) -> Feed:
    return Feed(path.name, lambda: path.open("rb"))


def told(path: Path, service: mpt.Service = mpt.PHASE_4) -> tuple[ResponseFile, list[Response]]:
    file = ResponseFile(feed(path), service.response)
    return file, [row for row in file.rows() if isinstance(row, Response)]


def test_an_mpt_response_has_a_row_for_every_request_in_order_with_its_code_and_number(
    town: House, tmp_path: Path
) -> None:
    target, done = traced(town, Format.MPT, write_mpt(tmp_path))
    file, rows = told(target)
    assert (file.header.reference, file.header.workflow) == (NAME, "SPINE_MPT_RESPONSE")
    assert (file.header.code, file.header.records, file.whole) == (Code.SUCCESS, 10, True)
    assert [row.said.reference for row in rows] == [f"r{n}" for n in range(10)]
    assert [(row.code, row.matched) for row in rows] == [
        ("00", AMINA.number),
        ("00", BRAM.number),
        ("98", "0" * 10),
        ("92", HIDDEN.number),
        ("90", AMINA.number),
        ("97", "9" * 10),
        ("96", ""),
        ("12", ""),
        ("00", AMINA.number),
        ("98", "0" * 10),
    ]
    assert (rows[1].indicator, str(rows[1].confidence)) == (Indicator.CROSS_CHECK, "100")
    assert (rows[5].indicator, str(rows[5].confidence)) == (Indicator.ALGORITHMIC, "0")
    assert {row.mps_id for row in rows} == {""}
    assert (done.rows, done.refused) == (10, {"required": 1, "unknown-code": 1})


def test_a_sensitive_row_comes_back_without_place_or_contact(town: House, tmp_path: Path) -> None:
    _, rows = told(traced(town, Format.MPT, write_mpt(tmp_path))[0])
    said = rows[3].said
    assert (said.family, said.birth_date, rows[3].sensitivity) == (EVERY[3].family, EVERY[3].birth_date, "S")
    assert (said.postcode, said.telephone, said.gp_practice) == ("", "", "")


@pytest.mark.parametrize("layout", list(Format))
def test_every_format_finds_the_same_people(layout: Format, town: House, tmp_path: Path) -> None:
    source = {
        Format.MPT: lambda: write_mpt(tmp_path),
        Format.PDS_MESH: lambda: write_mesh(tmp_path),
        Format.DBS: lambda: write_dbs(tmp_path, dbs.Body.FIXED),
    }[layout]()
    target, _ = traced(town, layout, source)
    if layout is Format.DBS:
        found = [row.answer for row in dbs.ResponseFile(feed(target)).rows() if isinstance(row, DbsResponse)]
    else:
        columns = mpt.PHASE_4.response if layout is Format.MPT else pds_mesh.RESPONSE
        found = [answer_of(row) for row in ResponseFile(feed(target), columns).rows() if isinstance(row, Response)]
    assert [answer.number for answer in found] == [
        AMINA.number,
        BRAM.number,
        "",
        HIDDEN.number,
        AMINA.number,
        "",
        "",
        "",
        AMINA.number,
        "",
    ]
    assert [answer.meaning for answer in found][2] is Meaning.NOT_FOUND


@pytest.mark.parametrize("body", list(dbs.Body))
def test_a_dbs_response_has_its_record_types_and_the_configured_width(
    body: dbs.Body, town: House, tmp_path: Path
) -> None:
    source = write_dbs(tmp_path, body)
    target, _ = traced(town, Format.DBS, source)
    file = dbs.ResponseFile(feed(target))
    rows = [row for row in file.rows() if isinstance(row, DbsResponse)]
    assert [row.record_type for row in rows] == ["20", "30", "21", "20", "40", "22", "81", "81", "30", "31"]
    # how many the twins' row may mean; a row that names one, or nobody, counts none
    assert [row.matches for row in rows] == [0, 0, 0, 0, 0, 2, 0, 0, 0, 0]
    assert [row.said for row in rows] == [replace(asked, telephone="") for asked in EVERY]
    assert (file.width, file.whole, file.header) == (62, True, dbs.RequestFile(feed(source)).header.reply(10))
    short = opened(Format.DBS, source, short=True)
    trace_file(town, persona(town, "data-team"), short, target)
    assert dbs.ResponseFile(feed(target)).width == 61


def test_a_pds_mesh_response_is_named_by_the_request_or_its_time(town: House, tmp_path: Path) -> None:
    named = traced(town, Format.PDS_MESH, write_mesh(tmp_path, name=f"{NAME}_1.csv"))[0]
    assert ResponseFile(feed(named), pds_mesh.RESPONSE).header.reference == NAME
    plain = write_mesh(tmp_path)
    os.utime(plain, (0, 1_773_307_800))
    timed = traced(town, Format.PDS_MESH, plain)[0]
    assert ResponseFile(feed(timed), pds_mesh.RESPONSE).header.reference == NAME


def test_mpsaas_is_known_by_its_workflow_and_has_a_column_more(town: House, tmp_path: Path) -> None:
    target, _ = traced(town, Format.MPT, write_mpt(tmp_path, service=mpt.MPSAAS))
    file, rows = told(target, mpt.MPSAAS)
    assert (file.header.workflow, len(rows)) == ("DSP_MPS", 10)


def test_the_national_algorithm_tells_its_part_scores(town: House, tmp_path: Path) -> None:
    requests = [asks("r0", AMINA, postcode="LE2 1AB"), asks("r1", STRANGER), asks("r2", AMINA, AMINA.number)]
    requests += [asks("r3", AMINA, family="Patelovna")]
    target, _ = traced(town, Format.MPT, write_mpt(tmp_path, requests), NATIONAL)
    _, rows = told(target)
    assert [(row.code, row.indicator) for row in rows][1:3] == [("98", "0"), ("00", "1")]
    assert [str(score) for score in rows[2].scores] == ["0"] * 5
    (algorithmic,) = [row for row in rows if row.indicator is Indicator.ALGORITHMIC]
    assert str(algorithmic.confidence) == "80"
    assert [str(score) for score in algorithmic.scores] == ["100", "100", "100", "100", "0"]


@pytest.mark.parametrize("layout", list(Format))
def test_both_engines_give_the_same_bytes(layout: Format, own_town: House, tmp_path: Path) -> None:
    source = {
        Format.MPT: lambda: write_mpt(tmp_path),
        Format.PDS_MESH: lambda: write_mesh(tmp_path),
        Format.DBS: lambda: write_dbs(tmp_path, dbs.Body.CSV),
    }[layout]()
    one = traced(own_town, layout, source)[0].read_bytes()
    assert traced(own_town, layout, source, BULK)[0].read_bytes() == one
    assert traced(own_town, layout, source)[0].read_bytes() == one


def test_a_file_is_one_disclosure_of_those_it_names(town: House, tmp_path: Path) -> None:
    watch = Watch(town)
    traced(town, Format.MPT, write_mpt(tmp_path))
    (row,) = watch.rows("batch")
    assert (row.body["subjects"]["count"], row.body["rows"]) == (3, 8)
    assert "Patelova" not in watch.text()


def test_the_charset_goes_both_ways(town: House, tmp_path: Path) -> None:
    source = tmp_path / f"{NAME}.csv"
    requests = [asks("r0", AMINA, given="Aminé")]
    source.write_bytes(b"".join(mpt.write_requests(mpt.Header(NAME, STAMP, 1), requests, Style(Charset.WINDOWS))))
    exchange = opened(Format.MPT, source, charset=Charset.WINDOWS)
    trace_file(town, persona(town, "data-team"), exchange, tmp_path / "out.csv")
    assert "Aminé".encode("cp1252") in (tmp_path / "out.csv").read_bytes()


def test_a_file_that_cannot_be_answered_is_refused_with_its_code_and_leaves_nothing(tmp_path: Path) -> None:
    source = write_mpt(tmp_path)
    wrong = source.rename(tmp_path / "other.csv")
    with pytest.raises(InputError, match=r"file response code 07") as refused:
        opened(Format.MPT, wrong)
    assert (refused.value.reason, refused.value.field) == ("file-name", "REQUEST_REFERENCE")
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(InputError, match="file response code 01"):
        opened(Format.PDS_MESH, empty)
    with pytest.raises(InputError):
        opened(Format.DBS, tmp_path / "absent.dat")


@pytest.mark.parametrize(
    ("layout", "data", "line"),
    [
        (Format.MPT, b"MPTREQ_20260312093000,DSP_MPS,20260312093000,7\n", b"MPTREQ_20260312093000,DSP_MPS,0,04\n"),
        (Format.MPT, b"", b"MPTREQ_20260312093000,SPINE_MPT_RESPONSE,0,01\n"),
        (Format.MPT, b"alone\n", b"MPTREQ_20260312093000,SPINE_MPT_RESPONSE,0,01\n"),
        (
            Format.MPT,
            b"MPTREQ_20260312093000,SPINE_MPTPHASE4_TRACE,20260312093000,500001\n",
            b"MPTREQ_20260312093000,SPINE_MPT_RESPONSE,0,06\n",
        ),
        (Format.PDS_MESH, b"UNIQUE REFERENCE\n", b"MPTREQ_20260312093000,SPINE_MPT_RESPONSE,0,01\n"),
        (Format.DBS, b"00\n", b"MPTREQ_20260312093000,SPINE_MPT_RESPONSE,0,01\n"),
    ],
)
def test_a_file_that_cannot_be_answered_gets_one_line_with_its_code(
    layout: Format, data: bytes, line: bytes, tmp_path: Path
) -> None:
    source, target = tmp_path / f"{NAME}.csv", tmp_path / "out.csv"
    source.write_bytes(data)
    with pytest.raises(InputError) as refused:
        opened(layout, source)
    assert isinstance(refused.value.__cause__, TraceFileRefused)
    refuse(layout, source, refused.value.__cause__, target)
    assert target.read_bytes() == line
    assert {path.name for path in tmp_path.iterdir()} == {source.name, target.name}


def test_a_refusal_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    fault = TraceFileRefused("request", Code.PARSE_ERROR, "empty-file", "the file is empty")
    with pytest.raises(InputError, match=r"out\.csv: cannot be opened"):
        refuse(Format.DBS, write_mpt(tmp_path), fault, tmp_path / "absent" / "out.csv")


def test_nothing_is_written_where_the_ledger_cannot_take_the_row(
    town: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object, **_named: object) -> None:
        raise Unavailable("no room", reason="ledger")

    source = write_mpt(tmp_path)
    monkeypatch.setattr(Ledger, "append", full)
    with pytest.raises(Unavailable):
        traced(town, Format.MPT, source)
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


def test_who_may_not_trace_gets_no_response(town: House, tmp_path: Path) -> None:
    source = write_mpt(tmp_path)
    with pytest.raises(NotPermitted):
        trace_file(town, OUTSIDER, opened(Format.MPT, source), tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


def test_a_file_that_changes_while_it_is_read_gets_no_response(town: House, tmp_path: Path) -> None:
    source = write_mpt(tmp_path)
    exchange = opened(Format.MPT, source)
    write_mpt(tmp_path, EVERY[:3])
    with pytest.raises(InputError) as refused:
        trace_file(town, persona(town, "data-team"), exchange, tmp_path / "out.csv")
    assert refused.value.reason == "file-changed"
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


def test_a_file_that_is_emptied_while_it_is_read_gets_no_response(town: House, tmp_path: Path) -> None:
    source = write_dbs(tmp_path, dbs.Body.FIXED)
    exchange = opened(Format.DBS, source)
    source.write_bytes(b"")
    with pytest.raises(InputError) as refused:
        trace_file(town, persona(town, "data-team"), exchange, tmp_path / "out.csv")
    assert refused.value.reason == "empty-file"
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


def test_what_a_killed_run_left_is_cleared_away_and_a_living_one_is_let_be(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    dead, huge, alive, init, other = (
        tmp_path / f".out.csv.{name}.part" for name in ("4194305", "9" * 30, os.getpid(), 1, "mine")
    )
    for path in (dead, huge, alive, init, other):
        path.touch()
    clear_away(target)
    assert set(tmp_path.iterdir()) == {alive, init, other}


def test_a_withdrawn_number_is_told_only_where_another_took_its_place() -> None:
    cells = {
        "code": "91",
        "matched_nhs_number": AMINA.number,
        "step": "cross-check",
        "confidence": "99.99",
        "flags": "invalidated",
        "reason": "",
    }
    assert finding_of(cells).number == ""
    assert finding_of({**cells, "flags": "invalidated|superseded"}).number == AMINA.number
    assert finding_of({**cells, "step": "algorithmic"}).confidence == 99
    assert finding_of({**cells, "code": "96", "reason": "too-long"}).code is Code.TOO_LONG


def test_a_bad_row_is_told_by_row_field_rule_and_code(tmp_path: Path) -> None:
    asked = list(opened(Format.MPT, write_mpt(tmp_path)).asked())[7]
    assert isinstance(asked.row, BadRow)
    assert str(asked.person) == "row 9, GENDER: unknown-code (code 12)"
