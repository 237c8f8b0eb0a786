"""Rows that the quarantine holds, as lines of a work list: whose they are, and which field keeps them out.

A row is read again without the faulty value, by the reader of its own source, which then tells the sender and the
record. A row that needs its whole extract to be read is the sender's from whom alone its file came. Whatever cannot be
told so is nobody's line, and is counted.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from adapters.feed import FeedRefused, SourceRecord
from adapters.feed import replay as as_feed
from gateway.services.records.ingest import READERS
from gateway.services.reports.lines import Line
from gateway.services.reports.reasons import Cause
from linkage.nhs_number import Fault

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from gateway.house import House
    from gateway.storage.permit import Permit
    from gateway.storage.reporting import Aside

_PAGE: Final = 500
_NUMBER_RULES: Final = frozenset({*(fault.value for fault in Fault), "test-number"})
_REFUSED: Final = "not-read"
_EVEN: Final = 0.5
_IDENTIFIERS: Final = "PID-3"


@dataclass(frozen=True, slots=True)
class SetAside:
    """The lines of rows that were set aside, and how many rows are nobody's to be told."""

    lines: tuple[Line, ...]
    unread: int


def set_aside(
    house: House, permit: Permit, *, sources: Collection[str] = (), organisations: Collection[str] | None = None
) -> SetAside:
    """Return a line for each record of which rows are held back, those of other organisations left out."""
    counted: Counter[Line] = Counter()
    alone: list[Aside] = []
    for row in _held(house, permit, sources):
        record = _without(row)
        if record is None:
            alone.append(row)
        else:
            counted[_line(row, record.organisation, record.person_ref)] += 1
    senders = house.stores.reporting.senders(permit, {row.feed for row in alone}) if alone else {}
    for row in alone:
        if sender := senders.get((row.source, row.feed)):
            counted[_line(row, sender, row.local_id)] += 1
    told = (replace(line, rows=rows) for line, rows in counted.items())
    mine = [line for line in told if organisations is None or line.organisation in organisations]
    return SetAside(tuple(mine), sum((row.source, row.feed) not in senders for row in alone))


def _held(house: House, permit: Permit, sources: Collection[str]) -> Iterator[Aside]:
    after = ""
    while rows := house.stores.reporting.aside(permit, after, _PAGE, sources=sources):
        yield from rows
        after = rows[-1].quarantine_id


def _line(row: Aside, organisation: str, reference: str) -> Line:
    of_number = row.rule in _NUMBER_RULES
    cause = Cause.NUMBER_INVALID if of_number else Cause.ROW_REFUSED
    field = "nhs_number" if of_number else row.field or "row"
    where = row.source, organisation, reference or f"{row.feed}, row {row.row}"
    return Line(*where, _REFUSED, cause, (field,), pays=1.0 if of_number else _EVEN)


def _without(row: Aside) -> SourceRecord | None:
    """The row as its reader reads it without the faulty value, or None where that does not mend it."""
    reader = READERS.get(row.source)
    if reader is None:
        return None
    for mended in _mended(row):
        try:
            items = list(reader([as_feed(row.feed, row.header, mended)]))
        except FeedRefused:
            continue
        if len(items) == 1 and isinstance(items[0], SourceRecord):
            return items[0]
    return None


def _mended(row: Aside) -> Iterator[bytes]:
    """The row with the faulty cell empty; a message without one of its patient's identifiers, each in turn."""
    if row.header:
        yield from _emptied(row.header, row.original, row.field)
    elif row.field == _IDENTIFIERS:
        yield from _less_one(row.original)


def _emptied(header: bytes, original: bytes, field: str) -> Iterator[bytes]:
    try:
        names, cells = (next(csv.reader([line.decode("utf-8-sig")]), []) for line in (header, original))
    except (UnicodeDecodeError, csv.Error):
        return
    known = [name.strip().casefold() for name in names]
    if len(names) == len(cells) and field.casefold() in known:
        cells[known.index(field.casefold())] = ""
        line = io.StringIO(newline="")
        csv.writer(line, lineterminator="").writerow(cells)
        yield line.getvalue().encode()


def _less_one(message: bytes) -> Iterator[bytes]:
    """A message with one repetition of PID-3 left out, each in turn (HL7 2.4, chapter 2: fields and repetitions)."""
    segments = message.split(b"\r")
    for place, segment in enumerate(segments):
        fields = segment.split(b"|")
        if fields[0] == b"PID" and len(fields) > 3:  # noqa: PLR2004 - the third field, whose name is above
            told = fields[3].split(b"~")
            for left_out in range(len(told)):
                kept = b"~".join(told[:left_out] + told[left_out + 1 :])
                changed = b"|".join((*fields[:3], kept, *fields[4:]))
                yield b"\r".join((*segments[:place], changed, *segments[place + 1 :]))
