"""The report on a traced file: the response says which rows did not match, the index why, in every format."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from adapters.spine import dbs, mpt, pds_mesh
from adapters.spine.trace_lines import Style
from adapters.spine.tracing import Request
from gateway.errors import InputError
from gateway.services.reports.answers import TracedFile
from gateway.services.reports.reasons import Cause
from gateway.services.reports.traced_file import unmatched_in_file
from gateway.services.tracing.batch import REQUEST_COLUMNS, trace_csv, trace_file
from gateway.services.tracing.formats import Format, opened
from tests.gateway.houses import AMINA, BRAM, GONE, MOVED, NAMESAKE, STRANGER, TWIN, Townsperson, Watch, persona

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gateway.house import House
    from gateway.services.reports.lines import Line, Unmatched

Row = dict[str, str]
STAMP = "20260312093000"
NAME = f"MPTREQ_{STAMP}"


def asks(row_id: str, who: Townsperson, number: str = "", **other: str) -> Row:
    """A row of the house's own CSV."""
    told = {name: getattr(who, name) for name in ("family", "given", "birth_date", "gender", "postcode")}
    return {"row_id": row_id, "nhs_number": number, **told, **other}


ROWS = (
    asks("right", TWIN, TWIN.number),
    asks("found", BRAM),
    asks("again", BRAM, BRAM.number),
    asks("replaced", AMINA, MOVED.number),
    asks("elses", BRAM, TWIN.number),
    asks("withdrawn", STRANGER, GONE.number),
    asks("close", NAMESAKE, postcode="", given="Zofia"),
    asks("placeholder", STRANGER, birth_date="1900-01-01"),
    asks("absent", STRANGER),
    asks("empty", STRANGER, family=""),
    asks("undated", STRANGER, birth_date=""),
    asks("impossible", STRANGER, birth_date="1970-02-31"),
    asks("mistyped", STRANGER, "9990000019"),
)


def write(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """Write a request in the house's own CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, REQUEST_COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def traced(house: House, folder: Path, rows: Sequence[Mapping[str, str]] = ROWS) -> TracedFile:
    """A request and what the house answers to it."""
    source, target = write(folder / "in.csv", rows), folder / "out.csv"
    trace_csv(house, persona(house, "data-team"), source, target)
    return TracedFile(source, target)


def report(house: House, file: TracedFile) -> Unmatched:
    """The report as the data team gets it."""
    return unmatched_in_file(house, persona(house, "data-team"), file)


def lines_of(made: Unmatched) -> dict[str, Line]:
    """The work list by reference."""
    return {line.reference: line for line in made.lines}


def test_every_row_that_did_not_match_is_told_with_its_cause(town: House, tmp_path: Path) -> None:
    made = report(town, traced(town, tmp_path))
    told = {name: (line.cause, line.fields) for name, line in lines_of(made).items()}
    number = ("nhs_number",)
    expected = {
        "found": (Cause.DUPLICATE, ()),
        "again": (Cause.DUPLICATE, ()),
        "replaced": (Cause.NUMBER_SUPERSEDED, number),
        "elses": (Cause.NUMBER_SOMEBODY_ELSES, number),
        "withdrawn": (Cause.NUMBER_WITHDRAWN, number),
        "placeholder": (Cause.PLACEHOLDER, ("birth_date",)),
        "absent": (Cause.LIKELY_ABSENT, ()),
        "empty": (Cause.NOT_ENOUGH, ("family",)),
        "undated": (Cause.NOT_ENOUGH, ("birth_date",)),
        "impossible": (Cause.ROW_REFUSED, ("birth_date",)),
        "mistyped": (Cause.NUMBER_INVALID, number),
    }
    assert {name: told[name] for name in expected} == expected
    assert told["close"][0] is Cause.SEVERAL_CLOSE
    assert told.keys() == expected.keys() | {"close"}
    assert made.records == len(ROWS)
    assert lines_of(made)["elses"].also == (Cause.DUPLICATE,)
    assert made.organisations == ("999",)


def test_a_number_that_a_row_was_asked_with_makes_nobody_a_duplicate(town: House, tmp_path: Path) -> None:
    rows = [asks("rightful", TWIN, TWIN.number), asks("other", STRANGER, TWIN.number)]
    told = lines_of(report(town, traced(town, tmp_path, rows)))
    assert told.keys() == {"other"}
    assert told["other"].also == (Cause.LIKELY_ABSENT,)


def test_the_report_on_a_file_is_a_batch_in_the_ledger(
    town: House, tmp_path: Path, watch: Callable[[House], Watch]
) -> None:
    file, seen = traced(town, tmp_path), watch(town)
    report(town, file)
    (row,) = seen.rows("batch")
    assert (row.body["job"], row.body["rows"]) == ("unmatched-file", len(ROWS))
    found = town.stores.ledger.search(subject=town.stores.keys.subject_token(BRAM.id))
    assert row.seq in {one.seq for one in found}


def national(layout: Format, folder: Path, requests: Sequence[Request]) -> Path:
    """A request file in a national format."""
    if layout is Format.PDS_MESH:
        content, path = b"".join(pds_mesh.write_requests(requests)), folder / "clients.csv"
    elif layout is Format.MPT:
        header = mpt.Header(NAME, STAMP, len(requests), mpt.PHASE_4.workflow)
        content, path = b"".join(mpt.write_requests(header, requests, Style(end="\n"))), folder / f"{NAME}.csv"
    else:
        dbs_header = dbs.Header(dbs.FileType.REQUEST, "001", dbs.Body.FIXED, "X09", "T1", STAMP, 7, len(requests))
        content, path = b"".join(dbs.write_requests(dbs_header, requests)), folder / "clients.dat"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("layout", list(Format))
def test_a_national_file_is_told_of_in_its_own_references(town: House, tmp_path: Path, layout: Format) -> None:
    requests = [
        Request("r0", TWIN.number, TWIN.family, TWIN.given, birth_date=TWIN.birth_date.replace("-", "")),
        Request("r1", MOVED.number, AMINA.family, AMINA.given, birth_date=AMINA.birth_date.replace("-", "")),
        Request("r2", "", STRANGER.family, STRANGER.given, birth_date=STRANGER.birth_date.replace("-", "")),
        Request("r3", "", STRANGER.family, STRANGER.given, birth_date="19700606", gender="X"),
    ]
    source, target = national(layout, tmp_path, requests), tmp_path / "response.out"
    trace_file(town, persona(town, "data-team"), opened(layout, source), target)
    told = {name: line.cause for name, line in lines_of(report(town, TracedFile(source, target, layout))).items()}
    # DBS says of a number that was replaced no more than that the person was found
    assert told.pop("r1", None) in {Cause.NUMBER_SUPERSEDED, Cause.NUMBER_SOMEBODY_ELSES}
    assert told == {"r2": Cause.LIKELY_ABSENT, "r3": Cause.ROW_REFUSED}


def test_a_row_that_this_index_would_find_is_counted_and_not_listed(town: House, tmp_path: Path) -> None:
    file = traced(town, tmp_path, [asks("r0", BRAM)])
    answered = file.response.read_text(encoding="utf-8").replace("matched", "none").replace(BRAM.number, "0" * 10)
    file.response.write_text(answered.replace("none_nhs_number", "matched_nhs_number"), encoding="utf-8")
    made = report(town, file)
    assert (made.lines, made.settled) == ((), 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: "\n".join(text.splitlines()[:-1]), "another-request"),
        (lambda text: f"{text}more,none,98,0000000000,,0,04,,,demo\n", "another-request"),
        (lambda text: text.replace("\nr1,", "\nr9,"), "another-request"),
        (lambda text: text.replace("none", "nobody"), "unknown-code"),
        (lambda text: text.replace("outcome", "result"), "header"),
        (lambda _text: '"', "encoding"),
    ],
)
def test_a_response_to_something_else_is_refused_and_no_report_made(
    town: House, tmp_path: Path, change: Callable[[str], str], reason: str
) -> None:
    file = traced(town, tmp_path, [asks("r0", STRANGER), asks("r1", BRAM)])
    file.response.write_text(change(file.response.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        report(town, file)
    assert refused.value.reason == reason


def test_a_response_that_is_not_text_is_refused(town: House, tmp_path: Path) -> None:
    file = traced(town, tmp_path, [asks("r0", STRANGER)])
    file.response.write_bytes(file.response.read_bytes() + b"\xff\xfe")
    with pytest.raises(InputError) as refused:
        report(town, file)
    assert refused.value.reason == "encoding"


@pytest.mark.parametrize("layout", list(Format))
def test_a_national_response_that_is_none_is_refused(town: House, tmp_path: Path, layout: Format) -> None:
    source = national(layout, tmp_path, [Request("r0", "", STRANGER.family, birth_date="19700606")])
    target = tmp_path / "response.out"
    target.write_text("nothing of the kind\n", encoding="utf-8")
    with pytest.raises(InputError):
        report(town, TracedFile(source, target, layout))


def test_a_broken_row_of_a_national_response_is_refused_by_its_place(town: House, tmp_path: Path) -> None:
    source = national(Format.PDS_MESH, tmp_path, [Request("r0", "", STRANGER.family, birth_date="19700606")])
    target = tmp_path / "response.out"
    trace_file(town, persona(town, "data-team"), opened(Format.PDS_MESH, source), target)
    lines = target.read_text(encoding="utf-8").splitlines()
    target.write_text("\n".join([*lines[:-1], "r0,too,short", ""]), encoding="utf-8")
    with pytest.raises(InputError, match="row 2"):
        report(town, TracedFile(source, target, Format.PDS_MESH))
