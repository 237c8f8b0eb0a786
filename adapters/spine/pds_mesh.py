"""PDS MESH: request and response files of the current batch tracing service.

A request begins with the 24 column names; a response with a header of four fields, then 29 columns a row. The
postcode is the 8th column of a request and the 14th of a response. There is no rule for file names, and no published
list of characters that a UNIQUE REFERENCE may not have: `RequestFile` takes one.
Sources: PDS MESH data dictionary; an integrated care system's live client and its samples.
"""

from __future__ import annotations

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
)
from adapters.spine.trace_lines import Style, first_cells
from adapters.spine.trace_responses import ResponseLayout, folded
from adapters.spine.tracing import Charset, Code, TraceFileRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters.feed import Feed
    from adapters.rows import Row
    from adapters.spine.tracing import BadRow, Request

WORKFLOW: Final = "SPINE_PDS_MESH_V1"
"""The MESH workflow id under which requests are sent."""
MOST_RECORDS: Final = 500_000
"""Rows in one request file: MPT's limit, kept for its successor, which names none."""

REQUEST: Final = Layout(REQUEST_COLUMNS, LENGTHS)
RESPONSE: Final = ResponseLayout(Layout(RESPONSE_COLUMNS, {}))


class RequestFile:
    """A request file that can be answered; its rows can be gone through more than once."""

    def __init__(
        self,
        feed: Feed,
        *,
        charset: Charset = Charset.UTF_8,
        most: int = MOST_RECORDS,
        forbidden: str = "",
    ) -> None:
        """Look the file over.

        ``forbidden`` holds characters that a UNIQUE REFERENCE may not have: a row with one is bad (code 08).

        Raises:
            TraceFileRefused: not such a file (01), more rows than ``most`` (06), or a reference that stands there
                twice (08).
        """
        self._forbidden = frozenset(forbidden)
        _check_names(feed, charset)
        self._table = table_of(feed, REQUEST.names, charset)
        self.count = survey(self._table, most)
        if not self.count:
            raise TraceFileRefused(feed.name, Code.PARSE_ERROR, "no-rows", "the file has no rows", row=2)

    def rows(self) -> Iterator[Request | BadRow]:
        """Give its rows in order."""
        return requests_of(self._table, REQUEST, self._forbidden)

    def apart(self) -> Iterator[Row | BadRow]:
        """Give its rows in order as they come apart, for `trace_columns.request_in` to read somewhere else."""
        return rows_of(self._table)


def _check_names(feed: Feed, charset: Charset) -> None:
    names = first_cells(feed, charset)
    for place, (given, expected) in enumerate(zip(names, REQUEST.names, strict=False), 1):
        if folded(given) != folded(expected):
            message = f"column {place} of the first row is not {expected}"
            raise TraceFileRefused(feed.name, Code.PARSE_ERROR, "wrong-header", message, row=1, field=expected)
    if len(names) != len(REQUEST):
        message = f"{len(names)} column names where the format has {len(REQUEST)}"
        raise TraceFileRefused(feed.name, Code.PARSE_ERROR, "wrong-header", message, row=1, field="header")


def write_requests(requests: Iterable[Request], style: Style = Style()) -> Iterator[bytes]:  # noqa: B008 - frozen
    """Write a request file line by line, column names first.

    Raises:
        BadField: a cell cannot be written in the style's charset.
    """
    yield style.line(REQUEST.names, REQUEST.names)
    for request in requests:
        yield style.line(REQUEST.names, REQUEST.cells(request))


def response_name(reference: str, stamp: str) -> str:
    """Give a response file's name: ``stamp`` is the 14 digits of when it was made."""
    return f"RESP_{reference}_{stamp}.csv"
