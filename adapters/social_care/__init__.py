"""Adult social care: the client level return (CLD, Release 1 and 2) as UK Core records.

One row is one event with the person's columns repeated, so one row becomes one `SourceRecord` that holds the
Patient, what the authority says of their needs, and the event. Columns may stand in any order; case and
spacing of headings and values do not matter; Release 1 values become Release 2. The same event comes again in
every quarter's file: its ``local_id`` is the national event identity, so it replaces itself.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from adapters.feed import Item, Quarantined, SourceRecord
from adapters.rows import Row, Table
from adapters.social_care.columns import KNOWN, LA_CODE, PERSON, REQUIRED, heading
from adapters.social_care.events import Event
from adapters.social_care.person import person_resources
from adapters.values import BadField

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adapters.feed import Feed
    from adapters.ukcore import Resource

__all__ = ["read"]

SOURCE = "social-care"
_REMEMBERED = 4096


def read(feeds: Sequence[Feed], *, organisation: str = "") -> Iterator[Item]:
    """Read client level files one after another, row by row.

    ``organisation`` is the sender's code; without it each row's LA Code is.

    Raises:
        FeedRefused: a file cannot be used at all; nothing of it has been given.
    """
    for feed in feeds:
        table = Table(feed)
        table.header = [heading(name) for name in table.header]
        table.require(REQUIRED, KNOWN)
        yield from _Reader(table, organisation).items()


class _Reader:
    """One file. Remembers the last people, whose columns stand on many rows."""

    def __init__(self, table: Table, organisation: str) -> None:
        self._table = table
        self._organisation = organisation
        self._person_columns = [place for place, name in enumerate(table.header) if name in _PERSON_COLUMNS]
        self._people: dict[tuple[str, ...], tuple[Resource, ...]] = {}

    def items(self) -> Iterator[Item]:
        for row in self._table.rows():
            yield row if isinstance(row, Quarantined) else self._item(row)

    def _item(self, row: Row) -> Item:
        cells = [cell.strip() for cell in row.cells]
        named = dict(zip(self._table.header, cells, strict=True))
        try:
            return self._record(row, named, cells)
        except BadField as fault:
            name, header = self._table.feed.name, self._table.header_line
            reference = named.get("Event Reference", "")
            return Quarantined(
                name, row.number, fault.field, fault.rule, str(fault), row.original, reference, header=header
            )

    def _record(self, row: Row, named: dict[str, str], cells: list[str]) -> SourceRecord:
        organisation = self._organisation or named[LA_CODE]
        if not organisation:
            raise BadField(LA_CODE, "blank-mandatory", "blank, and it says who sends the row")
        ref = named[PERSON]
        if not ref:
            raise BadField(PERSON, "blank-mandatory", "blank, and it says whose row this is")
        people = self._person(named, cells, organisation, ref)
        event = Event(named, organisation, ref)
        return SourceRecord(
            source=SOURCE,
            organisation=organisation,
            kind="client-event",
            local_id=event.id,
            person_ref=ref,
            feed=self._table.feed.name,
            row=row.number,
            original=row.original,
            content_hash=hashlib.sha256(row.original).hexdigest(),
            occurred=event.start,
            resources=people + event.resources(),
            header=self._table.header_line,
        )

    def _person(self, named: dict[str, str], cells: list[str], organisation: str, ref: str) -> tuple[Resource, ...]:
        key = tuple([cells[place] for place in self._person_columns])
        if key not in self._people:
            if len(self._people) >= _REMEMBERED:
                self._people.clear()
            self._people[key] = person_resources(named, organisation, ref)
        return self._people[key]


_PERSON_COLUMNS = frozenset(
    {
        LA_CODE,
        PERSON,
        "NHS Number",
        "First Name",
        "Last Name",
        "GP Practice Code",
        "Gender",
        "Ethnicity",
        "Date of Birth",
        "Date of Death",
        "Primary Support Reason",
        "Postcode",
        "Accommodation Status",
        "Employment Status",
        "Has Unpaid Carer",
        "Autism Spectrum Disorder (ASD)",
        "Visual Impairment",
        "Hearing Impairment",
        "Dementia",
        "Client Funding Status",
    }
)
"""Every column that `person_resources` reads: rows that agree in all of these share its result."""
