"""What a DBS file is made of: the fields of its lines, how wide they are, and what a response row says.

Widths and order: the DBS parsers that the Health Developer Network published (2013). In a response every returned
field is followed by one of eight characters that nobody explained; they are kept as they come.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from adapters.spine.trace_columns import Layout
from adapters.spine.tracing import Answer, Code, Indicator, Meaning, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.spine.tracing import BadRow, Finding

RECORD_TYPE: Final = "Record type"
_LOCAL_PID: Final = ("Local PID", 20, "reference")
_ASKED: Final = (
    ("Date of birth", 8, "birth_date"),
    ("Date of death", 8, "death_date"),
    ("Old NHS number", 17, "old_nhs_number"),
    ("NHS number", 10, "nhs_number"),
    ("Family name", 35, "family"),
    ("Previous/alternative family name", 35, "previous_family"),
    ("Given name", 35, "given"),
    ("Previous/alternative given name", 35, "previous_given"),
    ("Gender", 1, "gender"),
    *((f"Address line {line}", 35, f"address_line{line}") for line in range(1, 6)),
    ("Post code", 8, "postcode"),
    *((f"Previous address line {line}", 35, f"previous_address_line{line}") for line in range(1, 6)),
    ("Previous post code", 8, "previous_postcode"),
    ("Registered GP", 8, "gp"),
    ("Registered GP practice", 6, "gp_practice"),
    ("Previous registered GP", 8, "previous_gp"),
    ("Previous registered GP practice", 6, "previous_gp_practice"),
)
_UNEXPLAINED: Final = ""
_RETURNED: Final = (
    ("Returned date of birth", 8, "birth_date"),
    ("Unexplained 30", 8, _UNEXPLAINED),
    ("Returned fact of death", 3, "death"),
    ("Unexplained 32", 8, _UNEXPLAINED),
    ("Returned date of death", 8, "death_date"),
    ("Unexplained 34", 8, _UNEXPLAINED),
    ("Returned family name", 35, "family"),
    ("Unexplained 36", 8, _UNEXPLAINED),
    ("Returned given name", 35, "given"),
    ("Unexplained 38", 8, _UNEXPLAINED),
    ("Returned alternative or previous surname", 35, "previous_family"),
    ("Unexplained 40", 8, _UNEXPLAINED),
    ("Returned other given names", 35, "other_given"),
    ("Unexplained 42", 8, _UNEXPLAINED),
    ("Returned gender", 1, "gender"),
    ("Unexplained 44", 8, _UNEXPLAINED),
    ("Returned address line 1", 35, "address_line1"),
    ("Unexplained 46", 8, _UNEXPLAINED),
    ("Returned address line 2", 35, "address_line2"),
    ("Unexplained 48", 8, _UNEXPLAINED),
    ("Returned address line 3", 35, "address_line3"),
    ("Unexplained 50", 8, _UNEXPLAINED),
    ("Returned address line 4", 35, "address_line4"),
    ("Unexplained 52", 8, _UNEXPLAINED),
    ("Returned address line 5", 35, "address_line5"),
    ("Unexplained 54", 8, _UNEXPLAINED),
    ("Returned post code", 35, "postcode"),
    ("Unexplained 56", 8, _UNEXPLAINED),
    ("Unexplained 57", 8, _UNEXPLAINED),
    ("Unexplained 58", 8, _UNEXPLAINED),
    ("Returned registered GP practice code", 6, "gp_practice"),
    ("Unexplained 60", 8, _UNEXPLAINED),
    ("Unexplained 61", 5, _UNEXPLAINED),
)

REQUEST: Final = Layout(
    {name: attribute for name, _, attribute in (_LOCAL_PID, *_ASKED)},
    {attribute: width for _, width, attribute in (_LOCAL_PID, *_ASKED)},
)
_ECHO: Final = Layout({name: attribute for name, _, attribute in _ASKED} | {_LOCAL_PID[0]: _LOCAL_PID[2]}, {})


class Fields:
    """The fields of one kind of line: names and widths, in order, and where each begins in a fixed line."""

    def __init__(self, *columns: tuple[str, int]) -> None:
        self.names = tuple(name for name, _ in columns)
        self.widths = tuple(width for _, width in columns)
        self.length = sum(self.widths)
        ends = tuple(accumulate(self.widths))
        self._slices = tuple(slice(end - width, end) for end, width in zip(ends, self.widths, strict=True))

    def __len__(self) -> int:
        return len(self.names)

    def cut(self, line: str) -> list[str]:
        """Cut a fixed line of the right length into its cells, padding taken off."""
        return [line[place].rstrip(" ") for place in self._slices]

    def at(self, offset: int) -> str:
        """Name the field that holds the character at ``offset``."""
        return next((name for name, place in zip(self.names, self._slices, strict=True) if offset < place.stop), "line")


REQUEST_FIELDS: Final = Fields((RECORD_TYPE, 2), *((name, width) for name, width, _ in (_LOCAL_PID, *_ASKED)))
RESPONSE_FIELDS: Final = Fields(
    (RECORD_TYPE, 2),
    _LOCAL_PID[:2],
    ("Number of multiple matches", 3),
    ("Trace result NHS number", 10),
    *((name, width) for name, width, _ in _ASKED),
    *((name, width) for name, width, _ in _RETURNED),
)
SHORT_RESPONSE_FIELDS: Final = Fields(*zip(RESPONSE_FIELDS.names[:-1], RESPONSE_FIELDS.widths[:-1], strict=True))
"""A response without the last field, as one council's sample has it."""

REQUEST_TYPE: Final = "10"


class RecordType(StrEnum):
    """What a response row says; the first digit is the trace that said it."""

    SINGLE = "20"
    NONE = "21"
    SEVERAL = "22"
    VERIFIED = "30"
    UNVERIFIED_NONE = "31"
    UNVERIFIED_SEVERAL = "32"
    UNVERIFIED_SINGLE = "33"
    MERGED = "40"
    INSUFFICIENT = "81"
    TIMED_OUT = "82"


_MEANINGS: Final = {
    RecordType.SINGLE: Meaning.FOUND,
    RecordType.NONE: Meaning.NOT_FOUND,
    RecordType.SEVERAL: Meaning.SEVERAL,
    RecordType.VERIFIED: Meaning.FOUND,
    RecordType.UNVERIFIED_NONE: Meaning.NOT_FOUND,
    RecordType.UNVERIFIED_SEVERAL: Meaning.SEVERAL,
    RecordType.UNVERIFIED_SINGLE: Meaning.FOUND,
    RecordType.MERGED: Meaning.MERGED,
    RecordType.INSUFFICIENT: Meaning.NOT_ENOUGH,
    RecordType.TIMED_OUT: Meaning.NOT_TRACED,
}


@dataclass(frozen=True, slots=True)
class Returned:
    """What the service tells of the person it found; ``death`` is ``D`` or blank, the unexplained come in order."""

    birth_date: str = ""
    death: str = ""
    death_date: str = ""
    family: str = ""
    given: str = ""
    previous_family: str = ""
    other_given: str = ""
    gender: str = ""
    address_line1: str = ""
    address_line2: str = ""
    address_line3: str = ""
    address_line4: str = ""
    address_line5: str = ""
    postcode: str = ""
    gp_practice: str = ""
    unexplained: tuple[str, ...] = ("",) * 18


@dataclass(frozen=True, slots=True)
class Response:
    """One row of a DBS response: the request's own fields in ``said``, what was found beside them."""

    said: Request
    record_type: RecordType
    number: str = ""
    matches: int = 0
    returned: Returned = Returned()

    @property
    def answer(self) -> Answer:
        """The row as the one who asked takes it in."""
        number = self.number if _MEANINGS[self.record_type] in {Meaning.FOUND, Meaning.MERGED} else ""
        return Answer(self.said.reference, self.said.nhs_number, number, _MEANINGS[self.record_type], self.record_type)


def response_cells(row: Response) -> list[str]:
    """Give the 62 cells of a response row; the count of matches is not padded yet."""
    unexplained = iter(row.returned.unexplained)
    told = [getattr(row.returned, attribute) if attribute else next(unexplained) for _, _, attribute in _RETURNED]
    *asked, reference = _ECHO.cells(row.said)
    return [row.record_type, reference, str(row.matches), row.number, *asked, *told]


def response_of(cells: Sequence[str]) -> Response | tuple[str, str]:
    """Make a response of 62 cells, or name the field and the rule that it breaks."""
    record_type, reference, matches, number, *rest = cells
    if record_type not in _TYPES:
        return RECORD_TYPE, "unknown-code"
    if matches and not (matches.isascii() and matches.isdecimal()):
        return RESPONSE_FIELDS.names[2], "not-a-count"
    if number and not (number.isascii() and number.isdecimal() and len(number) == RESPONSE_FIELDS.widths[3]):
        return RESPONSE_FIELDS.names[3], "not-ten-digits"
    told = dict[str, str]()
    unexplained = list[str]()
    for (_, _, attribute), cell in zip(_RETURNED, rest[len(_ASKED) :], strict=True):
        if attribute:
            told[attribute] = cell
        else:
            unexplained.append(cell)
    said = _ECHO.request([*rest[: len(_ASKED)], reference])
    returned = Returned(**told, unexplained=tuple(unexplained))
    return Response(said, _TYPES[record_type], number, int(matches or 0), returned)


_TYPES: Final = {str(kind): kind for kind in RecordType}


def respond(asked: Request | BadRow, finding: Finding, returned: Returned | None = None) -> Response:
    """Answer one row. A row that breaks a rule has insufficient data; nothing is returned of a sensitive person.

    ``returned`` is what the asker may be told besides the number; nothing by default.
    """
    if not isinstance(asked, Request):
        return Response(asked.said, RecordType.INSUFFICIENT)
    kind = _type_of(finding, verifying=bool(asked.nhs_number.strip()))
    named = _MEANINGS[kind] in {Meaning.FOUND, Meaning.MERGED}
    told = returned if returned and named and finding.code is not Code.SENSITIVE else Returned()
    several = finding.several if _MEANINGS[kind] is Meaning.SEVERAL else 0
    return Response(asked, kind, finding.number if named else "", several, told)


def _type_of(finding: Finding, *, verifying: bool) -> RecordType:
    code = finding.code
    if code is Code.INVALID_RECORD:
        code = Code.SUPERSEDED if finding.number else Code.NOT_FOUND
    if code in {Code.SUCCESS, Code.SENSITIVE} and finding.indicator is Indicator.CROSS_CHECK:
        return RecordType.VERIFIED
    return _TYPES_OF.get(code, (RecordType.INSUFFICIENT, RecordType.INSUFFICIENT))[verifying]


_TYPES_OF: Final = {
    # without and with a number to verify first
    Code.SUCCESS: (RecordType.SINGLE, RecordType.UNVERIFIED_SINGLE),
    Code.SENSITIVE: (RecordType.SINGLE, RecordType.UNVERIFIED_SINGLE),
    Code.SUPERSEDED: (RecordType.MERGED, RecordType.MERGED),
    Code.SEVERAL_CLOSE: (RecordType.SEVERAL, RecordType.UNVERIFIED_SEVERAL),
    Code.NOT_FOUND: (RecordType.NONE, RecordType.UNVERIFIED_NONE),
    Code.NOT_TRACED: (RecordType.TIMED_OUT, RecordType.TIMED_OUT),
    Code.DATASTORE_ERROR: (RecordType.TIMED_OUT, RecordType.TIMED_OUT),
}
