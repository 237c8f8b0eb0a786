"""The national batch files as requests to trace: DBS, PDS MESH, MPT and MPSaaS in, their responses out.

Nothing of a response depends on the clock, so that a run that was killed and begun again gives the same bytes: an MPT
response has its request's reference, a DBS response its request's time and sequence number, and a PDS MESH response,
whose request names no reference, that of the file's name, or else of the second the file was last written (UTC).
The columns that came with the request go back as they came; of the index only the number is told.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from adapters.feed import Feed
from adapters.rows import Row as RowApart
from adapters.spine import dbs, dbs_columns, mpt, pds_mesh, trace_responses
from adapters.spine.trace_columns import request_in
from adapters.spine.trace_lines import Style
from adapters.spine.trace_people import demographics_of
from adapters.spine.tracing import NAMES_SOMEBODY, BadRow, Charset, Code, Finding, Indicator, TraceFileRefused
from adapters.values import BadField
from gateway.errors import InputError
from gateway.services.files import binary, named
from gateway.services.tracing.request_files import Asked
from linkage.decide import Flag, Step
from linkage.person import Demographics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adapters.spine.tracing import Request, RequestFile
    from gateway.services.tracing.request_files import Cells

    Row = Request | BadRow
    Raw = tuple[int, list[str], bytes] | BadRow


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


@dataclass(frozen=True, slots=True)
class NationalForm:
    """How rows of a national file are read, and answered in ``charset``.

    ``body`` and ``short`` are those of a DBS file, ``workflow`` that of an MPT request.
    """

    layout: Format
    charset: Charset
    body: dbs.Body = dbs.Body.FIXED
    short: bool = False
    workflow: str = ""

    def asked(self, raw: Raw) -> Asked[Row]:
        """Return whom a row asks about, or the rule that it breaks; a number with a birth date will do."""
        row = self._read(raw)
        if not isinstance(row, BadRow):
            return Asked.of(row, demographics_of(row), number_will_do=True)
        message = f"row {row.row}, {row.field}: {row.rule} (code {row.code})"
        return Asked(row, Demographics(), InputError(message, reason=row.rule, field=row.field))

    def line(self, row: Row, cells: Cells) -> bytes:
        """Return the line that answers a row.

        Raises:
            InputError: the row cannot be written back in the file's charset.
        """
        finding = finding_of(cells)
        try:
            if self.layout is Format.DBS:
                return dbs.response_line(dbs_columns.respond(row, finding), self.body, self.style, short=self.short)
            columns = pds_mesh.RESPONSE if self.layout is Format.PDS_MESH else mpt.SERVICES[self.workflow].response
            return trace_responses.response_line(trace_responses.respond(row, finding, columns), columns, self.style)
        except BadField as fault:
            raise InputError(f"a row cannot be written back: {fault}", reason=fault.rule, field=fault.field) from None

    @property
    def style(self) -> Style:
        """How the response is written."""
        return _STYLES[self.layout is Format.DBS, self.charset]

    def _read(self, raw: Raw) -> Row:
        row = raw if isinstance(raw, BadRow) else RowApart(*raw)
        if self.layout is Format.DBS:
            return dbs.request_in(row)
        return request_in(row, mpt.REQUEST if self.layout is Format.MPT else pds_mesh.REQUEST)


_LINES: Final = Style(end="\n")
_STYLES: Final = {
    (of_dbs, charset): Style(charset, dbs.STYLE.end, dbs.STYLE.quote_all) if of_dbs else Style(charset, "\n")
    for of_dbs in (True, False)
    for charset in Charset
}


@dataclass(frozen=True, slots=True)
class National:
    """One request file in a national format, and the response it gets, between its first line and its last."""

    source: Path
    form: NationalForm
    file: RequestFile
    first: bytes
    last: bytes = b""

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self.file.count

    def asked(self) -> Iterator[Asked[Row]]:
        """Yield every row, and whom it asks about or the rule that it breaks.

        Raises:
            InputError: the file is another than when it was opened.
        """
        return map(self.form.asked, self.rows())

    def rows(self) -> Iterator[Raw]:
        """Yield every row as it comes apart: what a `adapters.rows.Row` is made of, or why it does not.

        Raises:
            InputError: the file is another than when it was opened.
        """
        seen = 0
        try:
            for row in self.file.apart():
                seen += 1
                yield row if isinstance(row, BadRow) else (row.number, row.cells, row.original)
        except TraceFileRefused as fault:
            raise InputError(str(fault), reason=fault.rule, field="path") from fault
        if seen != self.count:
            raise InputError("the file was changed while it was read", reason="file-changed", field="path")

    def head(self) -> bytes:
        """Return the response's first line."""
        return self.first

    def tail(self) -> bytes:
        """Return a DBS response's trailer."""
        return self.last


def opened(layout: Format, source: Path, *, charset: Charset = Charset.UTF_8, short: bool = False) -> National:
    """Look a request file over and open it; ``short`` asks for DBS responses of 61 fields.

    Raises:
        InputError: the file cannot be answered as a whole; the message names the rule and the code that the national
            service would answer with (the cause is an `adapters.spine.tracing.TraceFileRefused`).
    """
    feed = Feed(source.name, lambda: binary(source))
    try:
        if layout is Format.DBS:
            return _dbs(feed, source, charset, short=short)
        return (_mpt if layout is Format.MPT else _pds_mesh)(feed, source, charset)
    except TraceFileRefused as fault:
        message = f"{fault} (file response code {fault.code})"
        raise InputError(message, reason=fault.rule, field=fault.field or "path") from fault


def _dbs(feed: Feed, source: Path, charset: Charset, *, short: bool) -> National:
    file = dbs.RequestFile(feed, charset=charset)
    form = NationalForm(Format.DBS, charset, file.header.body, short)
    header = file.header.reply(file.count)
    return National(source, form, file, dbs.first_line_of(header, form.style), dbs.last_line_of(header, form.style))


def _mpt(feed: Feed, source: Path, charset: Charset) -> National:
    file = mpt.RequestFile(feed, charset=charset)
    form = NationalForm(Format.MPT, charset, workflow=file.header.workflow)
    workflow = file.service.response_workflow
    header = trace_responses.ResponseHeader(file.header.reference, file.count, workflow=workflow)
    return National(source, form, file, trace_responses.header_line(header, form.style))


def _pds_mesh(feed: Feed, source: Path, charset: Charset) -> National:
    file = pds_mesh.RequestFile(feed, charset=charset)
    form = NationalForm(Format.PDS_MESH, charset)
    header = trace_responses.ResponseHeader(_reference(source), file.count)
    return National(source, form, file, trace_responses.header_line(header, form.style))


def refuse(layout: Format, source: Path, fault: TraceFileRefused, target: Path) -> None:
    """Write the response that the national service gives to a whole file it cannot answer: its code, and no rows.

    DBS has published none for this; it gets MPT's, as every other layout does.

    Raises:
        InputError: the target cannot be written.
    """
    service = mpt.PHASE_4
    if layout is Format.MPT:
        service = mpt.service_of(Feed(source.name, lambda: binary(source)))
    aside = target.with_name(f".{target.name}.{os.getpid()}.part")
    with named(target):
        try:
            aside.write_bytes(trace_responses.refusal(_reference(source), fault, _LINES, service.response_workflow))
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)


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
        return Finding(code, indicator=indicator, several=int(cells.get("several", "0")))
    indicator = _STEPS[Step(cells["step"])]
    withdrawn = code is Code.INVALID_RECORD and Flag.SUPERSEDED not in cells["flags"].split("|")
    return Finding(
        code,
        "" if withdrawn else cells["matched_nhs_number"],
        indicator,
        100 if indicator in _CERTAIN else int(float(cells["confidence"])),
        tuple(int(cells[name]) for name in _SCORES) if _SCORES[0] in cells else (),
    )
