"""The columns of trace files, the rules their cells obey, and the codes of a row that breaks one.

What the row codes mean here: 10 a mandatory cell is blank · 11 a cell is longer than the format allows · 12 a gender
other than 0, 1, 2 and 9 · 13 a number, date or character that cannot be one · 16 and 17 fewer or more fields than the
format has. Lengths are those that NHS England's own client keeps to; columns it sets none for have none here. An NHS
number must be ten digits; whether its check digit is right is for the trace to say, which can use a slip of the hand.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from adapters.feed import FeedRefused, Quarantined
from adapters.rows import Table
from adapters.spine.trace_lines import beheaded, refused
from adapters.spine.tracing import BadRow, Code, Request, TraceFileRefused
from adapters.values import BadField
from linkage.person import NotADate, PartialDate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from adapters.feed import Feed
    from adapters.rows import Row
    from adapters.spine.tracing import Charset

LENGTHS: Final = {
    "nhs_number": 10,
    "family": 40,
    "given": 40,
    "other_given": 100,
    "gender": 1,
    "postcode": 8,
    "gp_practice": 8,
    "posting": 3,
    "telephone": 32,
    "mobile": 32,
    "email": 90,
}
"""Characters that NHS England's own client sends at most, in MPT and PDS MESH requests."""
_LINES: Final = {f"ADDRESS_LINE{line}": f"address_line{line}" for line in range(1, 6)}
_REGISTERED: Final = "GP_REGISTRATION_DATE"
REQUEST_COLUMNS: Final = {
    "UNIQUE REFERENCE": "reference",
    "NHS_NO": "nhs_number",
    "FAMILY_NAME": "family",
    "GIVEN_NAME": "given",
    "OTHER_GIVEN_NAME": "other_given",
    "GENDER": "gender",
    "DATE_OF_BIRTH": "birth_date",
    "POSTCODE": "postcode",
    "DATE_OF_DEATH": "death_date",
    **_LINES,
    "ADDRESS_DATE": "address_date",
    "GP_PRACTICE_CODE": "gp_practice",
    _REGISTERED: "gp_registered",
    "NHAIS_POSTING_ID": "posting",
    "AS_AT_DATE": "as_at",
    "LOCAL_PATIENT_ID": "local_id",
    "INTERNAL_ID": "internal_id",
    "TELEPHONE_NUMBER": "telephone",
    "MOBILE_NUMBER": "mobile",
    "EMAIL_ADDRESS": "email",
}
"""The 24 columns of a PDS MESH request and the attributes that hold them."""
_ANSWERED: Final = [name for name in REQUEST_COLUMNS if name not in {"NHS_NO", "POSTCODE", *_LINES, "ADDRESS_DATE"}]
RESPONSE_COLUMNS: Final = {
    "UNIQUE REFERENCE": "reference",
    "REQ_NHS_NUMBER": "nhs_number",
    **{name: REQUEST_COLUMNS[name] for name in _ANSWERED[1:7]},
    **_LINES,
    "POSTCODE": "postcode",
    **{name: REQUEST_COLUMNS[name] for name in _ANSWERED[7:]},
}
"""The demographic columns of a PDS MESH response: the postcode has moved behind the address, whose date is gone."""


def without_registration(columns: Mapping[str, str]) -> dict[str, str]:
    """Give the same columns as MPT has them: GP_REGISTRATION_DATE came with PDS MESH."""
    return {name: attribute for name, attribute in columns.items() if name != _REGISTERED}


GENDERS: Final = {"0": "unknown", "1": "male", "2": "female", "9": "other"}
"""The gender codes and FHIR's; comparing takes 9 (not specified) and 0 (not known) alike."""

_TEN_DIGITS: Final = re.compile(r"\d{10}", re.ASCII)
_DATE: Final = re.compile(r"(\d{4})(?:(\d{2})(?:(\d{2})(?:(?:[01]\d|2[0-3])[0-5]\d)?)?)?", re.ASCII)
_REFERENCE_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule that a cell breaks; ``field`` is the column's name in the file."""

    field: str
    code: Code
    rule: str


class Layout:
    """The columns of one file: their names in the file and the attributes of a `Request` that they hold, in order."""

    def __init__(self, columns: Mapping[str, str], lengths: Mapping[str, int]) -> None:
        self.names = tuple(columns)
        self.attributes = tuple(columns.values())
        self._get: Callable[[Request], tuple[str, ...]] = attrgetter(*self.attributes)
        self._mandatory = self.attributes.index("reference")
        self._checks = [
            (place, name, check)
            for place, (name, attribute) in enumerate(columns.items())
            if (check := _CHECKS.get(attribute))
        ]
        self._lengths = [
            (place, name, lengths[attribute])
            for place, (name, attribute) in enumerate(columns.items())
            if attribute in lengths
        ]

    def __len__(self) -> int:
        return len(self.names)

    def request(self, cells: list[str]) -> Request:
        """Make a request of the cells of one row, as many as there are columns."""
        return Request(**dict(zip(self.attributes, cells, strict=True)))

    def cells(self, said: Request) -> tuple[str, ...]:
        """Give a request's cells in the order of the file."""
        return self._get(said)

    def fault_in(self, cells: list[str], forbidden: frozenset[str] = frozenset()) -> Fault | None:
        """Give the first rule that the cells break, or None; ``forbidden`` are characters no reference may have."""
        reference = cells[self._mandatory].strip()
        if not reference:
            return Fault(self.names[self._mandatory], Code.REQUIRED_MISSING, "required")
        if forbidden and not forbidden.isdisjoint(reference):
            return Fault(self.names[self._mandatory], Code.UNIQUE_REFERENCE, "forbidden-character")
        for place, name, longest in self._lengths:
            if len(cells[place]) > longest and len(cells[place].strip()) > longest:
                return Fault(name, Code.TOO_LONG, "too-long")
        for place, name, check in self._checks:
            if cells[place] and (fault := check(cells[place].strip())):
                return Fault(name, *fault)
        return None


def _number(text: str) -> tuple[Code, str] | None:
    return None if not text or _TEN_DIGITS.fullmatch(text) else (Code.INVALID_FORMAT, "not-ten-digits")


def _gender(text: str) -> tuple[Code, str] | None:
    return None if not text or text in GENDERS else (Code.INVALID_GENDER, "unknown-code")


def _date(text: str) -> tuple[Code, str] | None:
    iso = _iso(text)
    return (Code.INVALID_FORMAT, iso[1:]) if iso.startswith("!") else None


_CHECKS: Final = {
    "nhs_number": _number,
    "gender": _gender,
    "birth_date": _date,
    "death_date": _date,
    "address_date": _date,
    "gp_registered": _date,
    "as_at": _date,
}


def iso_date(text: str, field: str) -> str:
    """Give ``YYYY``, ``YYYYMM``, ``YYYYMMDD`` or ``YYYYMMDDHHMM`` as an ISO date at its own precision, times left off.

    Raises:
        BadField: another shape, or a day that the calendar does not have.
    """
    found = _iso(text.strip())
    if found.startswith("!"):
        raise BadField(field, found[1:], "not a date in this format")
    return found


@lru_cache(maxsize=1 << 16)
def _iso(text: str) -> str:
    """Give the ISO date, or ``!`` and a rule: a cache keeps no exceptions."""
    if not text:
        return ""
    found = _DATE.fullmatch(text)
    if not found:
        return "!not-a-date"
    try:
        return str(PartialDate.parse("-".join(filter(None, found.groups()))))
    except NotADate:
        return "!impossible-date"


def table_of(feed: Feed, names: tuple[str, ...], charset: Charset) -> Table:
    """Open what follows a file's first line as a table of these columns.

    Raises:
        TraceFileRefused: unreadable or not text (code 01).
    """
    try:
        return Table(beheaded(feed, names, charset))
    except FeedRefused as fault:
        raise refused(feed, fault) from fault


def rows_of(table: Table) -> Iterator[Row | BadRow]:
    """Give the rows of a table; one that does not come apart is a `BadRow` and the rest go on.

    Raises:
        TraceFileRefused: the file could not be read to its end (code 01).
    """
    try:
        for row in table.rows():
            yield broken(row) if isinstance(row, Quarantined) else row
    except FeedRefused as fault:
        raise refused(table.feed, fault) from fault


def survey(table: Table, most: int) -> int:
    """Go through a request file once, for what no single row can tell, and count its rows.

    Raises:
        TraceFileRefused: more rows than ``most`` (code 06), or a reference that stands there twice (08).
    """
    count, seen = 0, set[str]()
    for row in rows_of(table):
        count += 1
        place, reference = (row.row, row.said.reference) if isinstance(row, BadRow) else (row.number, row.cells[0])
        if count > most:
            raise TraceFileRefused(
                table.feed.name, Code.TOO_MANY_RECORDS, "too-many-records", f"more than {most} rows", row=place
            )
        reference = reference.strip()
        if reference and reference in seen:
            message = "the reference of an earlier row stands here again"
            raise TraceFileRefused(
                table.feed.name, Code.UNIQUE_REFERENCE, "duplicate-reference", message, row=place, field=table.header[0]
            )
        seen.add(reference)
    return count


def requests_of(table: Table, layout: Layout, forbidden: frozenset[str] = frozenset()) -> Iterator[Request | BadRow]:
    """Give the rows of a request file as requests, or as rows that break a rule."""
    return (request_in(row, layout, forbidden) for row in rows_of(table))


def request_in(row: Row | BadRow, layout: Layout, forbidden: frozenset[str] = frozenset()) -> Request | BadRow:
    """Give one row as a request, or as a row that breaks a rule."""
    if isinstance(row, BadRow):
        return row
    if fault := layout.fault_in(row.cells, forbidden):
        return BadRow(row.number, fault.field, fault.code, fault.rule, layout.request(row.cells), row.original)
    return layout.request(row.cells)


_ROW_CODES: Final = {"wrong-field-count": Code.NOT_ENOUGH_FIELDS, "truncated-row": Code.NOT_ENOUGH_FIELDS}


def broken(row: Quarantined) -> BadRow:
    """Say of a row that does not come apart which code it has; only its reference is taken to be where it seems."""
    cells = _apart(row.original)
    code = _ROW_CODES.get(row.rule, Code.INVALID_FORMAT)
    if row.rule == "wrong-field-count" and len(cells) > row.header.count(b",") + 1:
        code = Code.TOO_MANY_FIELDS
    clean = code is not Code.INVALID_FORMAT and cells and cells[0].isprintable() and len(cells[0]) <= _REFERENCE_LENGTH
    said = Request(reference=cells[0]) if clean else Request()
    return BadRow(row.row, row.field, code, row.rule, said, row.original)


def _apart(original: bytes) -> list[str]:
    try:
        return next(csv.reader([original.decode(errors="replace")]), [])
    except csv.Error:
        return []
