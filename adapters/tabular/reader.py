"""Rows of delimited text through a column map to a Patient and an Encounter or EpisodeOfCare."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from adapters import ukcore
from adapters.feed import Quarantined, SourceRecord
from adapters.rows import Row, Table
from adapters.tabular.model import CLASSES
from adapters.values import (
    BadField,
    ends_before,
    hl7_date,
    hl7_instant,
    in_utc,
    iso_date,
    london_time,
    nhs_number,
    uk_or_iso_date,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adapters.feed import Feed, Item
    from adapters.tabular.model import ColumnMap
    from adapters.ukcore import Resource


def read(feeds: Sequence[Feed], mapping: ColumnMap) -> Iterator[Item]:
    """Read delimited files one after another, row by row.

    Raises:
        FeedRefused: a file cannot be used at all, lacks a mapped column or has one that the map does not know.
    """
    columns = frozenset(mapping.columns.values())
    for feed in feeds:
        table = Table(feed, mapping.delimiter)
        table.require(columns, columns | mapping.ignore)
        for row in table.rows():
            yield row if isinstance(row, Quarantined) else _item(table, row, mapping)


def _item(table: Table, row: Row, mapping: ColumnMap) -> Item:
    named = dict(zip(table.header, [cell.strip() for cell in row.cells], strict=True))
    mapped = _Mapped(named, mapping)
    try:
        return mapped.record(table, row)
    except BadField as fault:
        name, key = table.feed.name, mapped.text("record_id")
        return Quarantined(
            name, row.number, fault.field, fault.rule, str(fault), row.original, key, header=table.header_line
        )


class _Mapped:
    """One row seen through a map."""

    def __init__(self, named: dict[str, str], mapping: ColumnMap) -> None:
        self._named = named
        self._map = mapping
        self._source = f"tabular:{mapping.name}"

    def text(self, field: str) -> str:
        column = self._map.columns.get(field)
        return self._named[column] if column else ""

    def column(self, field: str) -> str:
        """Give the name the sender knows a field by, for messages."""
        return self._map.columns.get(field, field)

    def record(self, table: Table, row: Row) -> SourceRecord:
        organisation = self.text("organisation").upper() or self._map.organisation
        for field, value in (
            ("organisation", organisation),
            *((name, self.text(name)) for name in ("record_id", "person_id", "start")),
        ):
            if not value:
                raise BadField(self.column(field), "blank-mandatory", "blank, and every row needs it")
        ref = self.text("person_id")
        subject = ukcore.person_id(self._source, organisation, ref)
        start, end = self._instant("start"), self._instant("end")
        if ends_before(end, start):
            raise BadField(self.column("end"), "end-before-start", "earlier than the start")
        event = ukcore.flag_hour(self._event(subject, organisation, ukcore.period(start, end)), start, end)
        return SourceRecord(
            source=self._source,
            organisation=organisation,
            kind=self._map.resource,
            local_id=self.text("record_id"),
            person_ref=ref,
            feed=table.feed.name,
            row=row.number,
            original=row.original,
            content_hash=hashlib.sha256(row.original).hexdigest(),
            occurred=in_utc(start),
            resources=(self._patient(subject, organisation, ref), event),
            header=table.header_line,
        )

    def _date(self, field: str) -> str:
        reader = {"iso": iso_date, "uk": uk_or_iso_date, "hl7": hl7_date}[self._map.dates]
        return reader(self.text(field), self.column(field))

    def _instant(self, field: str) -> str:
        """Give a date, or a date and a time after a space or a T, in the map's own format."""
        text = self.text(field)
        if self._map.dates == "hl7":
            return hl7_instant(text, self.column(field))
        day, _, clock = text.replace("T", " ", 1).partition(" ")
        if self._map.dates == "iso":
            iso_date(day, self.column(field))
        return london_time(uk_or_iso_date(day, self.column(field)), clock, self.column(field))

    def _patient(self, subject: str, organisation: str, ref: str) -> Resource:
        identifiers = [ukcore.local_identifier(self._source.replace(":", "/"), organisation, ref)]
        if digits := nhs_number(self.text("nhs_number"), self.column("nhs_number")):
            identifiers.insert(0, ukcore.nhs_number(digits, self.text("nhs_number_status")))
        letter = self.text("ethnicity").upper()
        lines = [self.text(f"address_line{number}") for number in (1, 2, 3)]
        return ukcore.patient(
            subject,
            identifiers,
            name=ukcore.human_name(self.text("family"), self.text("given").split()),
            gender=self._gender(),
            birth_date=self._date("birth_date"),
            deceased=self._date("death_date"),
            home=ukcore.address(lines, self.text("postcode").upper(), self.text("town"), self.text("county")),
            contacts=ukcore.telecom([(self.text("phone"), "home")], self.text("email")),
            practice=self.text("gp_practice").upper(),
            extensions=[ukcore.ethnicity(letter, self.text("ethnicity"))] if letter else [],
        )

    def _gender(self) -> str:
        said = self.text("gender").casefold()
        found = self._map.gender.get(said, "unknown" if not said else "")
        if not found:
            raise BadField(self.column("gender"), "unknown-code", "not in the map's list of genders")
        return found

    def _event(self, subject: str, organisation: str, when: Resource) -> Resource:
        identity = ukcore.resource_id(self._source, organisation, "event", self.text("record_id"))
        begun = ukcore.resource(_KINDS[self._map.resource], identity, self._map.section)
        begun["identifier"] = [
            ukcore.local_identifier(self._source.replace(":", "/"), organisation, self.text("record_id"), "event")
        ]
        kind = ukcore.concept(self.text("type"))
        ended = "end" in when
        if self._map.resource == "episode":
            made = ukcore.episode_of_care(
                begun, subject, status="finished" if ended else "active", kinds=[kind], when=when
            )
            made["managingOrganization"] = ukcore.organisation(organisation)
            return made
        code = self._map.encounter_class
        status = "finished" if ended else "in-progress"
        made = ukcore.encounter(begun, subject, status=status, kind=(code, CLASSES[code]), when=when)
        if kind:
            made["type"] = [kind]
        if reason := ukcore.concept(self.text("reason")):
            made["reasonCode"] = [reason]
        made["serviceProvider"] = ukcore.organisation(organisation)
        return made


_KINDS = {"encounter": "Encounter", "episode": "EpisodeOfCare"}
