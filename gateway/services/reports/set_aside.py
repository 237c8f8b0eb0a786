"""Rows that the quarantine holds, as lines of a work list: whose they are, and which field keeps them out.

A row is read again with the faulty cell empty, by the reader of its own source, which then tells the sender and the
record; of a message the sender's own segment tells it. Whatever cannot be told so is nobody's line, and is counted.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters.acute.er7 import Message
from adapters.acute.person import organisation_of
from adapters.feed import FeedRefused, SourceRecord
from adapters.feed import replay as as_feed
from adapters.values import BadField
from gateway.services.records.ingest import READERS
from gateway.services.reports.lines import Line
from gateway.services.reports.reasons import Cause
from gateway.storage.quarantine import QuarantineState
from linkage.nhs_number import Fault

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from gateway.house import House
    from gateway.storage.permit import Permit
    from gateway.storage.quarantine import HeldRow

_PAGE: Final = 500
_ACUTE: Final = "acute"
_NUMBER_RULES: Final = frozenset({*(fault.value for fault in Fault), "test-number"})
_REFUSED: Final = "not-read"
_EVEN: Final = 0.5


@dataclass(frozen=True, slots=True)
class SetAside:
    """The lines of rows that were set aside, and how many rows are nobody's to be told."""

    lines: tuple[Line, ...]
    unread: int


def set_aside(
    house: House, permit: Permit, *, sources: Collection[str] = (), organisations: Collection[str] | None = None
) -> SetAside:
    """Return a line for each record of which rows are held back, those of other organisations left out."""
    counted, unread = Counter[Line](), 0
    for held in _held(house, permit, sources):
        line = _line(held)
        if line is None:
            unread += 1
        elif organisations is None or line.organisation in organisations:
            counted[line] += 1
    lines = (_times(line, rows) for line, rows in counted.items())
    return SetAside(tuple(lines), unread)


def _times(line: Line, rows: int) -> Line:
    return Line(
        line.source, line.organisation, line.reference, line.outcome, line.cause, line.fields, (), line.pays, rows
    )


def _held(house: House, permit: Permit, sources: Collection[str]) -> Iterator[HeldRow]:
    quarantine, after = house.stores.quarantine, ""
    while rows := quarantine.list(state=QuarantineState.HELD, after=after, limit=_PAGE):
        yield from (quarantine.get(permit, row.quarantine_id) for row in rows if not sources or row.source in sources)
        after = rows[-1].quarantine_id


def _line(held: HeldRow) -> Line | None:
    row = held.row
    organisation, person = _sender(held)
    if not organisation:
        return None
    # a rule of the number, broken where a number stands
    of_number = row.rule in _NUMBER_RULES
    cause = Cause.NUMBER_INVALID if of_number else Cause.ROW_REFUSED
    field = "nhs_number" if of_number else row.field or "row"
    reference = person or f"{row.feed}, row {row.row}"
    return Line(row.source, organisation, reference, _REFUSED, cause, (field,), pays=1.0 if of_number else _EVEN)


def _sender(held: HeldRow) -> tuple[str, str]:
    """Who sent a row and of which of their records, each empty where it cannot be told."""
    if held.row.source == _ACUTE:
        return _sender_of_message(held.original), ""
    record = _without(held)
    return (record.organisation, record.person_ref) if record else ("", "")


def _sender_of_message(original: bytes) -> str:
    try:
        return organisation_of(Message(original))
    except BadField:
        return ""


def _without(held: HeldRow) -> SourceRecord | None:
    """The row as its reader reads it when the faulty cell is empty, or None where that does not mend it."""
    reader = READERS.get(held.row.source)
    emptied = _emptied(held.header, held.original, held.row.field)
    if reader is None or emptied is None:
        return None
    try:
        items = list(reader([as_feed(held.row.feed, held.header, emptied)]))
    except FeedRefused:
        return None
    return items[0] if len(items) == 1 and isinstance(items[0], SourceRecord) else None


def _emptied(header: bytes, original: bytes, field: str) -> bytes | None:
    """A delimited row without the value of one column, or None where it does not come apart."""
    try:
        names, cells = (next(csv.reader([line.decode("utf-8-sig")]), []) for line in (header, original))
    except (UnicodeDecodeError, csv.Error):
        return None
    wanted = [name.strip().casefold() for name in names]
    if len(names) != len(cells) or field.casefold() not in wanted:
        return None
    cells[wanted.index(field.casefold())] = ""
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue().encode()
