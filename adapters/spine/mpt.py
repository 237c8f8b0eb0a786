"""MPT phase 4 and MPSaaS: the batch tracing files that NHS England's own data sets use.

A request has a header of four fields (reference, workflow, timestamp, number of rows), no column names, 23 columns;
its name is its reference. A response has 33 columns, the last five the percentages of an algorithmic trace; MPSaaS
adds a 34th, Person_ID. At most 500,000 rows.
Sources: MPT data dictionary, NHS England's own client code, the Person_ID handbook. Not published, and assumed here:
MPSaaS requests have MPT's columns, its responses its own workflow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from adapters.spine.trace_columns import (
    LENGTHS,
    REQUEST_COLUMNS,
    RESPONSE_COLUMNS,
    Layout,
    requests_of,
    rows_of,
    survey,
    table_of,
    without_registration,
)
from adapters.spine.trace_lines import Style, first_cells
from adapters.spine.trace_responses import WORKFLOW, ResponseLayout
from adapters.spine.tracing import Charset, Code, TraceFileRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters.feed import Feed
    from adapters.rows import Row
    from adapters.spine.tracing import BadRow, Request

MOST_RECORDS: Final = 500_000
"""Rows in one request file."""

REQUEST: Final = Layout(without_registration(REQUEST_COLUMNS), LENGTHS)
_SAID: Final = Layout(without_registration(RESPONSE_COLUMNS), {})
_REFERENCE: Final = re.compile(r"MPTREQ_\d{14}", re.ASCII)
_STAMP: Final = re.compile(r"\d{14}", re.ASCII)
_COUNT: Final = re.compile(r"\d{1,9}", re.ASCII)
_HEADER: Final = ("REQUEST_REFERENCE", "WORKFLOW_ID", "REQUEST_TIMESTAMP", "NO_OF_DATA_RECORDS")


@dataclass(frozen=True, slots=True)
class Service:
    """One of the two services: its workflow ids, the columns of its responses, and what their names end with."""

    workflow: str
    response_workflow: str
    response: ResponseLayout
    suffix: str

    def response_name(self, reference: str, stamp: str) -> str:
        """Give a response file's name: ``stamp`` is the 14 digits of when it was made."""
        return f"RESP_{reference}_{stamp}{self.suffix}"


PHASE_4: Final = Service("SPINE_MPTPHASE4_TRACE", WORKFLOW, ResponseLayout(_SAID, scores=True), ".csv")
MPSAAS: Final = Service("DSP_MPS", "DSP_MPS", ResponseLayout(_SAID, scores=True, person_id=True), ".dat")
SERVICES: Final = {service.workflow: service for service in (PHASE_4, MPSAAS)}


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a request: ``timestamp`` is 14 digits, ``records`` the number of rows."""

    reference: str
    timestamp: str
    records: int
    workflow: str = PHASE_4.workflow


class RequestFile:
    """A request file that can be answered; its rows can be gone through more than once."""

    def __init__(
        self, feed: Feed, *, charset: Charset = Charset.UTF_8, most: int = MOST_RECORDS, forbidden: str = ""
    ) -> None:
        """Look the file over. ``forbidden`` holds characters that a UNIQUE REFERENCE may not have (row code 08).

        Raises:
            TraceFileRefused: with the code of the first rule that the file breaks: 01 no such header, 02 the
                reference, 03 the workflow, 09 the timestamp, 07 the file's name, 06 too many rows, 08 a reference
                twice, 04 another number of rows than the header's.
        """
        self.header = read_header(feed, charset)
        self._forbidden = frozenset(forbidden)
        self._table = table_of(feed, REQUEST.names, charset)
        if self.header.records > most:
            raise _refused(feed, Code.TOO_MANY_RECORDS, "too-many-records", f"more than {most} rows", _HEADER[3])
        self.count = survey(self._table, most)
        if self.count != self.header.records:
            message = f"{self.count} rows where the header says {self.header.records}"
            raise _refused(feed, Code.ROW_COUNT_DIFFERS, "row-count", message, _HEADER[3])

    @property
    def service(self) -> Service:
        """Which of the two services is asked."""
        return SERVICES[self.header.workflow]

    def rows(self) -> Iterator[Request | BadRow]:
        """Give its rows in order."""
        return requests_of(self._table, REQUEST, self._forbidden)

    def apart(self) -> Iterator[Row | BadRow]:
        """Give its rows in order as they come apart, for `trace_columns.request_in` to read somewhere else."""
        return rows_of(self._table)


def read_header(feed: Feed, charset: Charset = Charset.UTF_8) -> Header:
    """Read a request's header.

    Raises:
        TraceFileRefused: it is none (01), or its reference (02), workflow (03), timestamp (09) or number of rows (01)
            cannot be one, or the file's name is not its reference (07).
    """
    cells = first_cells(feed, charset)
    if len(cells) != len(_HEADER):
        message = "the first line is not a request header of four fields"
        raise _refused(feed, Code.PARSE_ERROR, "wrong-header", message, "header")
    reference, workflow, timestamp, records = cells
    if not _REFERENCE.fullmatch(reference):
        raise _refused(feed, Code.INVALID_REFERENCE, "bad-reference", "not MPTREQ_ and 14 digits", _HEADER[0])
    if workflow not in SERVICES:
        raise _refused(feed, Code.INVALID_WORKFLOW, "unknown-workflow", "not a workflow of MPT or MPSaaS", _HEADER[1])
    if not is_stamp(timestamp):
        raise _refused(feed, Code.INVALID_TIMESTAMP, "not-a-time", "not a time CCYYMMDDHHMISS", _HEADER[2])
    if not _COUNT.fullmatch(records):
        raise _refused(feed, Code.PARSE_ERROR, "not-a-count", "not a number of records", _HEADER[3])
    if feed.name.partition(".")[0] != reference:
        raise _refused(feed, Code.FILE_NAME_DIFFERS, "file-name", "the file is not named by its reference", _HEADER[0])
    return Header(reference, timestamp, int(records), workflow)


def service_of(feed: Feed) -> Service:
    """Give the service that a request asks, as far as its first line can be read; MPT's otherwise."""
    try:
        cells = first_cells(feed, Charset.WINDOWS)
    except TraceFileRefused:
        cells = []
    return SERVICES.get(cells[1], PHASE_4) if len(cells) > 1 else PHASE_4


def is_stamp(text: str) -> bool:
    """Say whether a text is a time of the calendar as 14 digits."""
    if not _STAMP.fullmatch(text):
        return False
    try:
        datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007 - the format has no zone
    except ValueError:
        return False
    return True


def _refused(feed: Feed, code: Code, rule: str, message: str, field: str) -> TraceFileRefused:
    return TraceFileRefused(feed.name, code, rule, message, row=1, field=field)


def write_requests(
    header: Header,
    requests: Iterable[Request],
    style: Style = Style(),  # noqa: B008 - frozen
) -> Iterator[bytes]:
    """Write a request file line by line: the header, then the rows, whose number is the header's word to keep.

    Raises:
        BadField: a cell cannot be written in the style's charset.
    """
    yield style.line(_HEADER, (header.reference, header.workflow, header.timestamp, str(header.records)))
    for request in requests:
        yield style.line(REQUEST.names, REQUEST.cells(request))


def reference(stamp: str) -> str:
    """Give the reference of a request made at ``stamp`` (14 digits); the file is named by it, ``.csv`` behind."""
    return f"MPTREQ_{stamp}"
