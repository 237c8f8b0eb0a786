"""A traced file as its two halves, side by side: what was asked, row by row, and what was answered."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from adapters.feed import Feed
from adapters.spine import dbs, mpt, pds_mesh
from adapters.spine.dbs_columns import Response as DbsResponse
from adapters.spine.trace_responses import ResponseFile
from adapters.spine.tracing import Answer, BadRow, Charset, Meaning, Response, TraceFileRefused, answer_of
from gateway.errors import InputError
from gateway.services.files import binary, named
from gateway.services.tracing.batch import RESPONSE_COLUMNS, CsvExchange
from gateway.services.tracing.formats import Format, opened
from linkage.findings import Flag, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adapters.spine.tracing import Request
    from gateway.services.tracing.batch import Asked

    Question = Asked[str] | Asked[Request | BadRow]

_MEANINGS: Final = {
    Outcome.MATCHED: Meaning.FOUND,
    Outcome.REVIEW: Meaning.SEVERAL,
    Outcome.MANY: Meaning.SEVERAL,
    Outcome.NONE: Meaning.NOT_FOUND,
    Outcome.INVALID_INPUT: Meaning.NOT_ENOUGH,
}


@dataclass(frozen=True, slots=True)
class TracedFile:
    """A request and its response; ``layout`` None is the house's own CSV."""

    request: Path
    response: Path
    layout: Format | None = None
    charset: Charset = Charset.UTF_8

    def rows(self) -> Iterator[tuple[str, Question, Answer]]:
        """Yield each row's reference, what it asked and what was answered.

        Raises:
            InputError: one of the files cannot be read, or the response is not this request's.
        """
        asked: Iterator[Question]
        if self.layout is None:
            asked = CsvExchange(self.request, RESPONSE_COLUMNS).asked()
        else:
            asked = opened(self.layout, self.request, charset=self.charset).asked()
        pairs: Iterator[tuple[Question | None, Answer | None]] = zip_longest(asked, self._answers())
        for number, (one, answer) in enumerate(pairs, 1):
            reference = _reference(one) if one else ""
            if one is None or answer is None or answer.reference.strip() != reference:
                message = f"{self.response.name}, row {number}: not the answer to that row of {self.request.name}"
                raise InputError(message, reason="another-request", field="file")
            yield reference, one, answer

    def _answers(self) -> Iterator[Answer]:
        if self.layout is None:
            yield from _csv_answers(self.response)
            return
        feed = Feed(self.response.name, lambda: binary(self.response))
        try:
            for row in self._national(feed):
                if isinstance(row, BadRow):
                    message = f"{feed.name}, row {row.row}, {row.field}: {row.rule}"
                    raise InputError(message, reason=row.rule, field=row.field)
                yield row.answer if isinstance(row, DbsResponse) else answer_of(row)
        except TraceFileRefused as fault:
            raise InputError(str(fault), reason=fault.rule, field=fault.field or "file") from fault

    def _national(self, feed: Feed) -> Iterator[Response | DbsResponse | BadRow]:
        if self.layout is Format.DBS:
            return dbs.ResponseFile(feed, self.charset).rows()
        if self.layout is Format.PDS_MESH:
            return ResponseFile(feed, pds_mesh.RESPONSE, self.charset).rows()
        asked = Feed(self.request.name, lambda: binary(self.request))
        return ResponseFile(feed, mpt.RequestFile(asked, charset=self.charset).service.response, self.charset).rows()


def _reference(one: Question) -> str:
    if isinstance(one.row, str):
        return one.row.strip()
    return (one.row.said if isinstance(one.row, BadRow) else one.row).reference.strip()


def _csv_answers(path: Path) -> Iterator[Answer]:
    with named(path):
        opened_file = path.open(encoding="utf-8-sig", newline="")
    with opened_file:
        rows = csv.DictReader(opened_file, strict=True)
        try:
            if missing := [name for name in RESPONSE_COLUMNS if name not in (rows.fieldnames or ())]:
                raise InputError(f"{path.name}, row 1: no column {missing[0]}", reason="header", field="header")
            for number, row in enumerate(rows, 2):
                yield _answer(path, number, row)
        except (UnicodeDecodeError, csv.Error):
            raise InputError(f"{path.name}: not UTF-8 CSV", reason="encoding", field="file") from None


def _answer(path: Path, number: int, row: dict[str, str]) -> Answer:
    try:
        meaning = _MEANINGS[Outcome(row["outcome"])]
    except (KeyError, ValueError):
        message = f"{path.name}, row {number}, outcome: not one of the outcomes of a trace"
        raise InputError(message, reason="unknown-code", field="outcome") from None
    if meaning is Meaning.FOUND and Flag.SUPERSEDED in (row["flags"] or "").split("|"):
        meaning = Meaning.SUPERSEDED
    found = (row["matched_nhs_number"] or "") if meaning in {Meaning.FOUND, Meaning.SUPERSEDED} else ""
    return Answer(row["row_id"] or "", "", found, meaning, row["code"] or "")
