"""What the national batch files say, whichever of them says it: requests, responses, codes, refusals.

The formats are `adapters.spine.dbs`, `adapters.spine.pds_mesh` and `adapters.spine.mpt`; all of them read a whole
file twice: once to see that it can be answered at all, once for its rows, so that a file larger than memory is read
in a few kilobytes. Every value is the text of the file (a request written again is the same request);
`adapters.spine.trace_people` gives the demographics behind it.

Codes: the MPS data dictionary as NHS England's own reader has it; one list serves files and rows. Which rule gives
which of the row codes 10 to 17 is not published: `adapters.spine.trace_columns` says what they mean here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from adapters.feed import FeedRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from adapters.rows import Row

NO_MATCH: Final = "0" * 10
"""The matched number of a row that is nobody's, or of one whose record was deleted."""
SEVERAL: Final = "9" * 10
"""The matched number of a row that several people are too close for."""


class Code(StrEnum):
    """ERROR/SUCCESS_CODE of a row, FILE_RESPONSE_CODE of a file."""

    SUCCESS = "00"
    PARSE_ERROR = "01"
    INVALID_REFERENCE = "02"
    INVALID_WORKFLOW = "03"
    ROW_COUNT_DIFFERS = "04"
    UNEXPECTED = "05"
    TOO_MANY_RECORDS = "06"
    FILE_NAME_DIFFERS = "07"
    UNIQUE_REFERENCE = "08"
    INVALID_TIMESTAMP = "09"
    REQUIRED_MISSING = "10"
    TOO_LONG = "11"
    INVALID_GENDER = "12"
    INVALID_FORMAT = "13"
    DATASTORE_ERROR = "14"
    NOT_TRACED = "15"
    NOT_ENOUGH_FIELDS = "16"
    TOO_MANY_FIELDS = "17"
    SUPERSEDED = "90"
    INVALID_RECORD = "91"
    SENSITIVE = "92"
    NOT_ENOUGH_DATA = "96"
    SEVERAL_CLOSE = "97"
    NOT_FOUND = "98"


NAMES_SOMEBODY: Final = frozenset({Code.SUCCESS, Code.SUPERSEDED, Code.INVALID_RECORD, Code.SENSITIVE})
"""The row codes that come with somebody's number (91 with the number it was merged into, if there is one)."""


class Indicator(StrEnum):
    """MATCHED_ALGORITHM_INDICATOR: the step that settled a row."""

    NONE = "0"
    CROSS_CHECK = "1"
    SIMPLE = "2"
    ALPHANUMERIC = "3"
    ALGORITHMIC = "4"


class Charset(StrEnum):
    """How a file's text is written. Windows-1252 is what older case systems export; it contains ISO-8859-1's text."""

    UTF_8 = "utf-8"
    WINDOWS = "cp1252"


class Meaning(StrEnum):
    """What a response row tells the one who asked, the same words for every format."""

    FOUND = "found"
    SUPERSEDED = "superseded"
    MERGED = "merged"
    DELETED = "deleted"
    SENSITIVE = "sensitive"
    SEVERAL = "several"
    NOT_FOUND = "not-found"
    NOT_ENOUGH = "not-enough"
    NOT_TRACED = "not-traced"
    REFUSED = "refused"


class TraceFileRefused(FeedRefused):
    """A whole trace file that cannot be answered. ``code`` is what its response header says."""

    def __init__(  # noqa: PLR0913 - a refusal tells where, what and why
        self, feed: str, code: Code, rule: str, message: str, *, row: int = 0, field: str = ""
    ) -> None:
        super().__init__(feed, rule, message, row=row, field=field)
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """One row asking for one person, as written; a column that a format lacks is empty.

    ``reference`` is UNIQUE REFERENCE, in DBS files the Local PID. A response's row begins with these columns too.
    """

    reference: str = ""
    nhs_number: str = ""
    family: str = ""
    given: str = ""
    other_given: str = ""
    gender: str = ""
    birth_date: str = ""
    postcode: str = ""
    death_date: str = ""
    address_line1: str = ""
    address_line2: str = ""
    address_line3: str = ""
    address_line4: str = ""
    address_line5: str = ""
    address_date: str = ""
    gp_practice: str = ""
    gp_registered: str = ""
    posting: str = ""
    as_at: str = ""
    local_id: str = ""
    internal_id: str = ""
    telephone: str = ""
    mobile: str = ""
    email: str = ""
    old_nhs_number: str = ""
    previous_family: str = ""
    previous_given: str = ""
    previous_address_line1: str = ""
    previous_address_line2: str = ""
    previous_address_line3: str = ""
    previous_address_line4: str = ""
    previous_address_line5: str = ""
    previous_postcode: str = ""
    gp: str = ""
    previous_gp: str = ""
    previous_gp_practice: str = ""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that breaks a rule: where, which code and rule, and what it held (``said``) where it came apart at all.

    ``row`` counts as a spreadsheet does, the file's first line being 1. ``field`` is the format's name of the
    column; no value is in any of them but ``said`` and ``original``.
    """

    row: int
    field: str
    code: Code
    rule: str
    said: Request
    original: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """One row of a PDS MESH, MPT or MPSaaS response.

    ``said`` holds the demographic columns; ``scores`` are the percentages of family name, given name, date of birth,
    gender and postcode (MPT and MPSaaS), None where the cell is blank.
    """

    said: Request
    code: Code
    matched: str = ""
    indicator: Indicator | None = None
    confidence: Decimal | None = None
    sensitivity: str = ""
    mps_id: str = ""
    scores: tuple[Decimal | None, ...] = ()
    person_id: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one row, for a writer of responses: no format's conventions yet.

    ``number`` is the ten digits found (with 91 those it was merged into), empty when nobody was; ``confidence`` and
    ``scores`` are whole percentages; ``several`` counts the people too close to call, 0 where nobody counted.
    """

    code: Code
    number: str = ""
    indicator: Indicator = Indicator.NONE
    confidence: int = 0
    scores: tuple[int, ...] = ()
    mps_id: str = ""
    person_id: str = ""
    several: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """A response row of any format, as the one who asked takes it in.

    ``number`` is the NHS number to use from now on, or empty; ``code`` is the file's own code or record type.
    """

    reference: str
    asked_number: str
    number: str
    meaning: Meaning
    code: str


class RequestFile(Protocol):
    """A request file that can be answered: its count is right, and its rows can be gone through more than once."""

    @property
    def count(self) -> int:
        """How many rows it has, bad ones included."""

    def rows(self) -> Iterator[Request | BadRow]:
        """Give its rows in order."""

    def apart(self) -> Iterator[Row | BadRow]:
        """Give its rows in order as they come apart: cells that nobody has looked at yet."""


def matched_number(code: Code, number: str) -> str:
    """Give what MATCHED_NHS_NO holds: a number, ten noughts (nobody), ten nines (several), blank (not traced)."""
    if code in NAMES_SOMEBODY:
        return number or NO_MATCH
    return {Code.NOT_FOUND: NO_MATCH, Code.SEVERAL_CLOSE: SEVERAL}.get(code, "")


def meaning_of(response: Response) -> Meaning:
    """Say what a PDS MESH, MPT or MPSaaS response row means; 00 with nobody's number is not found."""
    if response.code is Code.INVALID_RECORD:
        return Meaning.MERGED if found_number(response) else Meaning.DELETED
    if response.code in NAMES_SOMEBODY and not found_number(response):
        return Meaning.SEVERAL if response.matched == SEVERAL else Meaning.NOT_FOUND
    return _MEANINGS.get(response.code, Meaning.REFUSED)


_MEANINGS: Final = {
    Code.SUCCESS: Meaning.FOUND,
    Code.SUPERSEDED: Meaning.SUPERSEDED,
    Code.SENSITIVE: Meaning.SENSITIVE,
    Code.SEVERAL_CLOSE: Meaning.SEVERAL,
    Code.NOT_FOUND: Meaning.NOT_FOUND,
    Code.NOT_ENOUGH_DATA: Meaning.NOT_ENOUGH,
    Code.NOT_TRACED: Meaning.NOT_TRACED,
}


def found_number(response: Response) -> str:
    """Give the ten digits that a row names somebody by; an MPS_ID, nobody's and several's number are none."""
    said = response.matched
    ten = len(said) == len(NO_MATCH) and said.isascii() and said.isdecimal()
    return said if ten and said not in {NO_MATCH, SEVERAL} and response.code in NAMES_SOMEBODY else ""


def answer_of(response: Response) -> Answer:
    """Take in a PDS MESH, MPT or MPSaaS response row."""
    said = response.said
    return Answer(said.reference, said.nhs_number, found_number(response), meaning_of(response), response.code)
