"""The national service's response files as answers to questions of this house, whatever their format.

A file is looked over as a whole before anything of it is believed: one that the service refused, or that has not as
many rows as its header says, is refused here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from adapters.feed import Feed, Quarantined
from adapters.spine import dbs, pds_mesh
from adapters.spine.dbs_columns import RESPONSE_FIELDS, RecordType, response_cells
from adapters.spine.dbs_columns import Response as DbsResponse
from adapters.spine.trace_lines import Style
from adapters.spine.trace_people import demographics_of
from adapters.spine.trace_responses import ResponseFile
from adapters.spine.tracing import (
    BadRow,
    Charset,
    Code,
    Indicator,
    Request,
    Response,
    TraceFileRefused,
    answer_of,
)
from adapters.values import BadField
from gateway.errors import InputError
from gateway.services.files import binary
from gateway.services.tracing.formats import Format
from linkage.decide import Step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adapters.spine.tracing import Answer
    from linkage.person import Demographics

SPLIT: Final = (
    "{rows} rows where the header says {records}: a line break inside an address may have split a row, or the file "
    "was cut short; ask for the file again"
)

_STEPS: Final = {
    Indicator.CROSS_CHECK: Step.CROSS_CHECK,
    Indicator.SIMPLE: Step.ALPHANUMERIC,
    Indicator.ALPHANUMERIC: Step.ALPHANUMERIC,
    Indicator.ALGORITHMIC: Step.ALGORITHMIC,
}
_DBS_STEPS: Final = {
    RecordType.VERIFIED: Step.CROSS_CHECK,
    RecordType.MERGED: Step.CROSS_CHECK,
    RecordType.SINGLE: Step.ALPHANUMERIC,
    RecordType.UNVERIFIED_SINGLE: Step.ALPHANUMERIC,
}


@dataclass(frozen=True, slots=True)
class Given:
    """One answer: the step that found it, and what the service itself holds of the person, where it tells.

    ``original`` is the row as it can be read again.
    """

    row: int
    answer: Answer
    step: Step | None
    returned: Demographics | None
    original: bytes


class Rows(Protocol):
    """The rows of a response file."""

    def rows(self) -> Iterator[Response | DbsResponse | BadRow]:
        """Give its rows in order."""


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """A response file that was looked over. ``count`` is the number of its rows."""

    name: str
    count: int
    _file: Rows

    def answers(self) -> Iterator[Given | Quarantined]:
        """Give every row in order, as an answer or as a row that breaks a rule."""
        for place, row in enumerate(self._file.rows(), 2):
            if isinstance(row, BadRow):
                message = f"{row.field}: not as the format has it [{row.rule}]"
                reference = row.said.reference
                yield Quarantined(self.name, row.row, row.field, row.rule, message, row.original, reference)
            else:
                yield _given_by_dbs(place, row) if isinstance(row, DbsResponse) else _given(place, row)


def opened_answers(layout: Format, source: Path, charset: Charset = Charset.UTF_8) -> AnswerFile:
    """Look a response file over and open it.

    Raises:
        InputError: it is no response of this format, the service refused the request file (its code is named), or
            there are not as many rows as its header says.
    """
    feed = Feed(source.name, lambda: binary(source))
    try:
        if layout is Format.DBS:
            return _dbs(feed, charset)
        return _mesh(feed, charset)
    except TraceFileRefused as fault:
        raise InputError(f"{fault} (file response code {fault.code})", reason=fault.rule, field="path") from fault


def _dbs(feed: Feed, charset: Charset) -> AnswerFile:
    file = dbs.ResponseFile(feed, charset)
    if not file.whole:
        raise _split(feed, file.count, file.header.records)
    return AnswerFile(feed.name, file.count, file)


def _mesh(feed: Feed, charset: Charset) -> AnswerFile:
    file = ResponseFile(feed, pds_mesh.RESPONSE, charset)
    if file.header.code is not Code.SUCCESS:
        message = f"{feed.name}: the service refused the request file (file response code {file.header.code})"
        raise InputError(message, reason="file-refused", field="path")
    if not file.whole:
        raise _split(feed, file.count, file.header.records)
    return AnswerFile(feed.name, file.count, file)


def _split(feed: Feed, rows: int, records: int) -> InputError:
    message = f"{feed.name}: {SPLIT.format(rows=rows, records=records)} (file response code {Code.ROW_COUNT_DIFFERS})"
    return InputError(message, reason="row-count", field="path")


def _given(place: int, row: Response) -> Given:
    # the columns may be the request's own, sent back: they are no evidence of what PDS holds
    original = Style().line(pds_mesh.RESPONSE.names, pds_mesh.RESPONSE.cells(row))
    return Given(place, answer_of(row), _STEPS.get(row.indicator) if row.indicator else None, None, original)


def _given_by_dbs(place: int, row: DbsResponse) -> Given:
    original = dbs.STYLE.line(RESPONSE_FIELDS.names, response_cells(row))
    return Given(place, row.answer, _DBS_STEPS.get(row.record_type), _returned(row), original)


def _returned(row: DbsResponse) -> Demographics | None:
    """What DBS returned of the person, where it returned a birth date; None where that cannot be read."""
    told = row.returned
    if not told.birth_date:
        return None
    said = Request(
        nhs_number=row.number,
        family=told.family,
        given=told.given,
        other_given=told.other_given,
        previous_family=told.previous_family,
        birth_date=told.birth_date,
        gender=told.gender,
        postcode=told.postcode,
        address_line1=told.address_line1,
        address_line2=told.address_line2,
        address_line3=told.address_line3,
        address_line4=told.address_line4,
        address_line5=told.address_line5,
        gp_practice=told.gp_practice,
    )
    try:
        return demographics_of(said)
    except BadField:
        return None
