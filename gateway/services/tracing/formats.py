"""The national batch files as requests to trace: DBS, PDS MESH, MPT and MPSaaS in, their responses out.

Nothing of a response depends on the clock, so that a run that was killed and begun again gives the same bytes: an MPT
response has its request's reference, a DBS response its request's time and sequence number, and a PDS MESH response,
whose request names no reference, that of the file's name, or else of the second the file was last written (UTC).
The columns that came with the request go back as they came; of the index only the number is told.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from adapters.feed import Feed
from adapters.spine import dbs, dbs_columns, mpt, pds_mesh, trace_responses
from adapters.spine.trace_lines import Style
from adapters.spine.trace_people import demographics_of
from adapters.spine.tracing import NAMES_SOMEBODY, BadRow, Charset, Code, Finding, Indicator, TraceFileRefused
from gateway.errors import InputError
from gateway.services.files import binary, named
from gateway.services.tracing.batch import Asked
from linkage.decide import Flag, Step
from linkage.person import Demographics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from adapters.spine.trace_responses import ResponseLayout
    from adapters.spine.tracing import Request, RequestFile
    from gateway.services.tracing.batch import Cells

    Row = Request | BadRow


class Format(StrEnum):
    """The national formats of ``gateway trace --format``; MPSaaS is known by its workflow."""

    DBS = "dbs"
    PDS_MESH = "pds-mesh"
    MPT = "mpt"


_STEPS: Final = {
    Step.CROSS_CHECK: Indicator.CROSS_CHECK,
    Step.ALPHANUMERIC: Indicator.ALPHANUMERIC,
    Step.ALGORITHMIC: Indicator.ALGORITHMIC,
}
_CERTAIN: Final = (Indicator.CROSS_CHECK, Indicator.ALPHANUMERIC)
_SCORES: Final = (
    "family_name_score",
    "given_name_score",
    "date_of_birth_score",
    "gender_score",
    "postcode_score",
)
_REFERENCE: Final = re.compile(r"MPTREQ_\d{14}", re.ASCII)
_LINES: Final = Style(end="\n")


class National:
    """One request file in a national format, and the response it gets.

    ``count`` is the number of its rows.
    """

    def __init__(self, file: RequestFile, writer: Writer) -> None:
        self.count = file.count
        self._file = file
        self._writer = writer

    def asked(self) -> Iterator[Asked[Row]]:
        """Yield every row, and whom it asks about or the rule that it breaks; a number with a birth date will do.

        Raises:
            InputError: the file is another than when it was opened.
        """
        seen = 0
        try:
            for row in self._file.rows():
                seen += 1
                yield _asked(row)
        except TraceFileRefused as fault:
            raise InputError(str(fault), reason=fault.rule, field="path") from fault
        if seen != self.count:
            raise InputError("the file was changed while it was read", reason="file-changed", field="path")

    def lines(self, answered: Iterable[tuple[Row, Cells]]) -> Iterator[bytes]:
        """Yield the response's lines, from its header to its trailer."""
        return self._writer(answered)


def _asked(row: Row) -> Asked[Row]:
    if not isinstance(row, BadRow):
        return Asked.of(row, demographics_of(row), number_will_do=True)
    message = f"row {row.row}, {row.field}: {row.rule} (code {row.code})"
    return Asked(row, Demographics(), InputError(message, reason=row.rule, field=row.field))


class Writer(Protocol):
    """What makes a response of one format from answered rows."""

    def __call__(self, answered: Iterable[tuple[Row, Cells]], /) -> Iterator[bytes]:
        """Yield the response's lines."""


def opened(layout: Format, source: Path, *, charset: Charset = Charset.UTF_8, short: bool = False) -> National:
    """Look a request file over and open it; ``short`` asks for DBS responses of 61 fields.

    Raises:
        InputError: the file cannot be answered as a whole; the message names the rule and the code that the national
            service would answer with (the cause is an `adapters.spine.tracing.TraceFileRefused`).
    """
    feed = Feed(source.name, lambda: binary(source))
    try:
        if layout is Format.DBS:
            return _dbs(feed, charset, short=short)
        return _mpt(feed, charset) if layout is Format.MPT else _pds_mesh(feed, charset, source)
    except TraceFileRefused as fault:
        message = f"{fault} (file response code {fault.code})"
        raise InputError(message, reason=fault.rule, field=fault.field or "path") from fault


def _dbs(feed: Feed, charset: Charset, *, short: bool) -> National:
    file = dbs.RequestFile(feed, charset=charset)
    style = Style(charset, dbs.STYLE.end, dbs.STYLE.quote_all)

    def written(answered: Iterable[tuple[Row, Cells]]) -> Iterator[bytes]:
        rows = (dbs_columns.respond(row, finding_of(cells)) for row, cells in answered)
        return dbs.write_responses(file.header.reply(file.count), rows, style, short=short)

    return National(file, written)


def _mpt(feed: Feed, charset: Charset) -> National:
    file = mpt.RequestFile(feed, charset=charset)
    service = file.service
    header = trace_responses.ResponseHeader(file.header.reference, file.count, workflow=service.response_workflow)
    return National(file, partial(_written, header, service.response, charset))


def _pds_mesh(feed: Feed, charset: Charset, source: Path) -> National:
    file = pds_mesh.RequestFile(feed, charset=charset)
    header = trace_responses.ResponseHeader(_reference(source), file.count)
    return National(file, partial(_written, header, pds_mesh.RESPONSE, charset))


def _written(
    header: trace_responses.ResponseHeader,
    layout: ResponseLayout,
    charset: Charset,
    answered: Iterable[tuple[Row, Cells]],
) -> Iterator[bytes]:
    rows = (trace_responses.respond(row, finding_of(cells), layout) for row, cells in answered)
    return trace_responses.write_responses(header, rows, layout, Style(charset, _LINES.end))


def _reference(source: Path) -> str:
    found = _REFERENCE.search(source.name)
    if found:
        return found.group()
    with named(source):
        written = datetime.fromtimestamp(source.stat().st_mtime, UTC)
    return mpt.reference(written.strftime("%Y%m%d%H%M%S"))


def finding_of(cells: Cells) -> Finding:
    """Return what the cells of an answered row (`gateway.services.tracing.batch`) come to in a national file.

    Cross-check and alphanumeric steps are 100 %, as the services have it; any other share is rounded down, so that
    few others are. A withdrawn number (91) is told only where another took its place. Several too close are always
    the algorithmic step's (handbook, output meaning).
    """
    code = Code.TOO_LONG if cells["reason"] == "too-long" else Code(cells["code"])
    if code not in NAMES_SOMEBODY:
        indicator = Indicator.ALGORITHMIC if code is Code.SEVERAL_CLOSE else Indicator.NONE
        return Finding(code, indicator=indicator)
    indicator = _STEPS[Step(cells["step"])]
    withdrawn = code is Code.INVALID_RECORD and Flag.SUPERSEDED not in cells["flags"].split("|")
    return Finding(
        code,
        "" if withdrawn else cells["matched_nhs_number"],
        indicator,
        100 if indicator in _CERTAIN else int(float(cells["confidence"])),
        tuple(int(cells[name]) for name in _SCORES) if _SCORES[0] in cells else (),
    )
