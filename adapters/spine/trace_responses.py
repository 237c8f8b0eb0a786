"""Responses in the manner of MPT: a header of four fields, then a row for every row asked.

PDS MESH, MPT phase 4 and MPSaaS differ in their columns alone. The real service's files are read with or without a
row of column names after the header, with or without a byte order mark.

Blanked on a sensitive row (92), as the service does it: date of death, address and its date, postcode, GP practice
and registration, phones and e-mail. Two more than the service is known to blank are gone here: NHAIS posting (it names
a place) and the postcode's score (it tells how near a guess came).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from adapters.spine.trace_columns import Layout, rows_of, table_of
from adapters.spine.trace_lines import Style, first_cells
from adapters.spine.tracing import (
    BadRow,
    Charset,
    Code,
    Indicator,
    Request,
    Response,
    TraceFileRefused,
    matched_number,
)
from adapters.values import BadField

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters.feed import Feed
    from adapters.spine.tracing import Finding

WORKFLOW: Final = "SPINE_MPT_RESPONSE"
"""The workflow that a response header names."""
SCORES: Final = tuple(
    f"Algorithmic Trace {field} score %" for field in ("FAMILY_NAME", "GIVEN_NAME", "DoB", "GENDER", "POSTCODE")
)

_RESULT: Final = (
    "SENSITIVITY_FLAG",
    "MPS_ID",
    "ERROR/SUCCESS_CODE",
    "MATCHED_NHS_NO",
    "MATCHED_ALGORITHM_INDICATOR",
    "MATCHED_CONFIDENCE_PERCENTAGE",
)
_HEADER: Final = ("RESPONSE_REFERENCE", "WORKFLOW_ID", "NO_OF_DATA_RECORDS", "FILE_RESPONSE_CODE")
_PERCENTAGE: Final = re.compile(r"(?:\d|[1-9]\d{1,2})(?:\.\d{1,2})?", re.ASCII)
_MATCHED: Final = re.compile(r"(?:\d{10}|[ABU]\d+(?:~~~[ABU]\d+)*)?", re.ASCII)
_COUNT: Final = re.compile(r"\d{1,9}", re.ASCII)
_SENSITIVE: Final = dict.fromkeys(
    (
        "postcode",
        "death_date",
        *(f"address_line{line}" for line in range(1, 6)),
        "address_date",
        "gp_practice",
        "gp_registered",
        "posting",
        "telephone",
        "mobile",
        "email",
    ),
    "",
)


@dataclass(frozen=True, slots=True)
class ResponseHeader:
    """The first line of a response: what it answers, how many rows follow, and what came of the file as a whole."""

    reference: str
    records: int
    code: Code = Code.SUCCESS
    workflow: str = WORKFLOW


class ResponseLayout:
    """The columns of one kind of response: demographics, the result, and where there are any, scores and Person_ID."""

    def __init__(self, said: Layout, *, scores: bool = False, person_id: bool = False) -> None:
        self.said = said
        self.scores = scores
        self.person_id = person_id
        self.names = (*said.names, *_RESULT, *(SCORES if scores else ()), *(("Person_ID",) if person_id else ()))

    def cells(self, response: Response) -> list[str]:
        """Give a response's cells in the order of the file; scores not told are 0, as the service writes them."""
        cells = [
            *self.said.cells(response.said),
            response.sensitivity,
            response.mps_id,
            response.code,
            response.matched,
            response.indicator or "",
            _text(response.confidence),
        ]
        if self.scores:
            cells += [_text(score) for score in response.scores] or ["0"] * len(SCORES)
        return [*cells, response.person_id] if self.person_id else cells

    def response(self, cells: list[str]) -> Response:
        """Make a response of one row's cells.

        Raises:
            BadField: the code, the indicator, the matched number or a percentage cannot be one.
        """
        end = len(self.said)
        sensitivity, mps_id, code, matched, indicator, confidence, *rest = cells[end:]
        if code not in _CODES:
            raise BadField("ERROR/SUCCESS_CODE", "unknown-code", "not one of the codes")
        if not _MATCHED.fullmatch(matched):
            raise BadField("MATCHED_NHS_NO", "not-a-number", "neither ten digits nor MPS ids")
        if indicator and indicator not in _INDICATORS:
            raise BadField("MATCHED_ALGORITHM_INDICATOR", "unknown-code", "not one of 0 to 4")
        return Response(
            self.said.request(cells[:end]),
            _CODES[code],
            matched,
            _INDICATORS.get(indicator),
            _percentage(confidence, "MATCHED_CONFIDENCE_PERCENTAGE"),
            sensitivity,
            mps_id,
            tuple([_percentage(*told) for told in zip(rest, SCORES, strict=False)]) if self.scores else (),
            rest[-1] if self.person_id else "",
        )


_CODES: Final = {str(code): code for code in Code}
_INDICATORS: Final = {str(indicator): indicator for indicator in Indicator}


def _text(percentage: Decimal | None) -> str:
    return "" if percentage is None else str(percentage)


def _percentage(text: str, field: str) -> Decimal | None:
    if not text:
        return None
    if not _PERCENTAGE.fullmatch(text) or (value := Decimal(text)) > 100:  # noqa: PLR2004 - percent
        raise BadField(field, "not-a-percentage", "not a number from 0 to 100")
    return value


def respond(asked: Request | BadRow, finding: Finding, layout: ResponseLayout) -> Response:
    """Answer one row: its own columns come back, with what was found; a bad row comes back under its own code.

    The columns are the asker's own words: the box discloses the number and nothing else of the index.
    """
    if isinstance(asked, BadRow):
        return Response(asked.said, asked.code, "", Indicator.NONE, Decimal(0), scores=_scores((), layout))
    said, scores = asked, finding.scores
    if finding.code is Code.SENSITIVE:
        said, scores = replace(asked, **_SENSITIVE), (*scores[:-1], 0) if scores else ()
    return Response(
        said,
        finding.code,
        matched_number(finding.code, finding.number),
        finding.indicator,
        Decimal(finding.confidence),
        _flag(finding.code),
        finding.mps_id,
        _scores(scores, layout),
        finding.person_id if layout.person_id else "",
    )


def _scores(scores: tuple[int, ...], layout: ResponseLayout) -> tuple[Decimal, ...]:
    return tuple([Decimal(score) for score in scores or (0,) * len(SCORES)]) if layout.scores else ()


def _flag(code: Code) -> str:
    if code is Code.SENSITIVE:
        return "S"
    return "N" if code in {Code.SUCCESS, Code.SUPERSEDED} else ""


def write_responses(
    header: ResponseHeader, rows: Iterable[Response], layout: ResponseLayout, style: Style
) -> Iterator[bytes]:
    """Write a response line by line: the header, then the rows, whose number is the header's word to keep.

    Raises:
        BadField: a cell cannot be written in the style's charset.
    """
    yield header_line(header, style)
    for row in rows:
        yield response_line(row, layout, style)


def header_line(header: ResponseHeader, style: Style) -> bytes:
    """Write a response's first line.

    Raises:
        BadField: the reference or the workflow cannot be written in the style's charset.
    """
    return style.line(_HEADER, (header.reference, header.workflow, str(header.records), header.code))


def response_line(row: Response, layout: ResponseLayout, style: Style) -> bytes:
    """Write one row of a response.

    Raises:
        BadField: a cell cannot be written in the style's charset.
    """
    return style.line(layout.names, layout.cells(row))


class ResponseFile:
    """A response that was looked over: its header, and how many rows there really are."""

    def __init__(self, feed: Feed, layout: ResponseLayout, charset: Charset = Charset.UTF_8) -> None:
        """Read the header and count the rows.

        Raises:
            TraceFileRefused: unreadable, or not such a response (code 01).
        """
        self.header = _header(feed, charset)
        self._layout = layout
        self._table = table_of(feed, layout.names, charset)
        self.count = sum(1 for _ in self.rows())

    @property
    def whole(self) -> bool:
        """Whether there are as many rows as the header says: a line break in an address may have split one."""
        return self.count == self.header.records

    def rows(self) -> Iterator[Response | BadRow]:
        """Give the rows in order; a row of column names right after the header is none."""
        for place, row in enumerate(rows_of(self._table)):
            if isinstance(row, BadRow):
                yield row
            elif place or not self._names(row.cells):
                try:
                    yield self._layout.response(row.cells)
                except BadField as fault:
                    said = self._layout.said.request(row.cells[: len(self._layout.said)])
                    yield BadRow(row.number, fault.field, Code.INVALID_FORMAT, fault.rule, said, row.original)

    def _names(self, cells: list[str]) -> bool:
        return [folded(cell) for cell in cells[:2]] == [folded(name) for name in self._layout.names[:2]]


def folded(name: str) -> str:
    """Give a column's name as it is compared: its manuals write blanks and underscores in turn."""
    return name.replace("_", " ").upper()


def _header(feed: Feed, charset: Charset) -> ResponseHeader:
    def refused(field: str, rule: str, message: str) -> TraceFileRefused:
        return TraceFileRefused(feed.name, Code.PARSE_ERROR, rule, message, row=1, field=field)

    cells = first_cells(feed, charset)
    if len(cells) != len(_HEADER):
        raise refused("header", "wrong-header", "the first line is not a response header of four fields")
    reference, workflow, records, code = cells
    if not _COUNT.fullmatch(records):
        raise refused("NO_OF_DATA_RECORDS", "not-a-count", "not a number of records")
    if code not in _CODES:
        raise refused("FILE_RESPONSE_CODE", "unknown-code", "not one of the codes")
    return ResponseHeader(reference, int(records), _CODES[code], workflow)


def refusal(reference: str, fault: TraceFileRefused, style: Style, workflow: str = WORKFLOW) -> bytes:
    """Write the response to a file that cannot be answered: a header with its code, and no rows."""
    return header_line(ResponseHeader(reference, 0, fault.code, workflow), style)
