"""The one table of outcomes that every surface uses (DESIGN section 3): page, exit code, PDS, DBS, MPT, status, FHIR.

Codes come from public specifications: PDS FHIR error codes from the PDS OpenAPI description; batch row codes 00, 90 to
98 and the special numbers from the MPS data dictionary; NHS number status indicator 01 to 08 from the NHS Data
Dictionary; match grades from the FHIR R4 match-grade value set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from linkage.decide import Flag, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERIFIED: Final = "01"
NOT_TRACED: Final = "02"
NO_OR_MANY: Final = "04"
TO_RESOLVE: Final = "05"
TRACE_REQUIRED: Final = "03"


@dataclass(frozen=True, slots=True)
class Row:
    """What one outcome looks like on each surface.

    Attributes:
        heading: the page's words for it.
        advice: what the practitioner does next, one sentence or two.
        exit_code: of the command line (DESIGN section 9).
        pds_status: HTTP status on the PDS-shaped surface.
        pds_code: Spine error code there, empty where the answer is data.
        batch_code: row code in DBS, PDS MESH and MPT responses.
        batch_number: what the matched number column holds; ``number`` stands for the number found.
        status: NHS number status indicator from an index that is not PDS-sourced.
        grade: FHIR match-grade, empty where there is none.
    """

    heading: str
    advice: str
    exit_code: int
    pds_status: int
    pds_code: str
    batch_code: str
    batch_number: str
    status: str
    grade: str


NO_MATCH: Final = "0000000000"
SEVERAL: Final = "9999999999"

OF_TRACE: Final[dict[Outcome, Row]] = {
    Outcome.MATCHED: Row(
        heading="One person found",
        advice="Check the details with the person before you record this number.",
        exit_code=0,
        pds_status=200,
        pds_code="",
        batch_code="00",
        batch_number="number",
        status=NOT_TRACED,
        grade="certain",
    ),
    Outcome.REVIEW: Row(
        heading="A reviewer needs to decide",
        advice="Someone in the index may be this person, but the details do not settle it. Add anything you know, "
        "such as a previous name or address, or leave it for clerical review.",
        exit_code=1,
        pds_status=200,
        pds_code="",
        batch_code="97",
        batch_number=SEVERAL,
        status=NO_OR_MANY,
        grade="probable",
    ),
    Outcome.MANY: Row(
        heading="Several people are too close to call",
        advice="Add details that tell them apart, such as full date of birth, postcode or a middle name.",
        exit_code=1,
        pds_status=200,
        pds_code="TOO_MANY_MATCHES",
        batch_code="97",
        batch_number=SEVERAL,
        status=NO_OR_MANY,
        grade="possible",
    ),
    Outcome.NONE: Row(
        heading="Not found in this index",
        advice="Check the spelling and date of birth. If they are right, the person may be registered elsewhere: "
        "send the record to the national tracing service.",
        exit_code=1,
        pds_status=200,
        pds_code="",
        batch_code="98",
        batch_number=NO_MATCH,
        status=NO_OR_MANY,
        grade="certainly-not",
    ),
    Outcome.INVALID_INPUT: Row(
        heading="Not enough to search with",
        advice="Enter at least a family name and a date of birth.",
        exit_code=2,
        pds_status=400,
        pds_code="INVALID_SEARCH_DATA",
        batch_code="96",
        batch_number=NO_MATCH,
        status=TRACE_REQUIRED,
        grade="",
    ),
    Outcome.UNAVAILABLE: Row(
        heading="The service cannot answer just now",
        advice="Nothing was looked up. Try again in a few minutes; if it goes on, tell your data team.",
        exit_code=4,
        pds_status=503,
        pds_code="SERVICE_UNAVAILABLE",
        batch_code="15",
        batch_number=NO_MATCH,
        status=TRACE_REQUIRED,
        grade="",
    ),
}

OF_VERIFICATION: Final[dict[Verdict, Row]] = {
    Verdict.CONFIRMED: Row(
        heading="This is the right NHS number",
        advice="You can use this number for this person.",
        exit_code=0,
        pds_status=200,
        pds_code="",
        batch_code="00",
        batch_number="number",
        status=NOT_TRACED,
        grade="certain",
    ),
    Verdict.DEMOGRAPHICS_DIFFER: Row(
        heading="The details do not match this number",
        advice="Do not use the number yet. Check the details with the person, then try again or find the number.",
        exit_code=1,
        pds_status=200,
        pds_code="",
        batch_code="98",
        batch_number=NO_MATCH,
        status=TO_RESOLVE,
        grade="certainly-not",
    ),
    Verdict.SOMEONE_ELSE: Row(
        heading="This number belongs to someone else",
        advice="Do not use this number. The details you entered are another person's: find their number instead.",
        exit_code=1,
        pds_status=200,
        pds_code="",
        batch_code="98",
        batch_number=NO_MATCH,
        status=TO_RESOLVE,
        grade="certainly-not",
    ),
    Verdict.NOT_IN_INDEX: Row(
        heading="This number is not in the index",
        advice="The number is well-formed, but the people this box knows do not include it. Check it with the "
        "person, or send the record to the national tracing service.",
        exit_code=1,
        pds_status=404,
        pds_code="RESOURCE_NOT_FOUND",
        batch_code="98",
        batch_number=NO_MATCH,
        status=NO_OR_MANY,
        grade="",
    ),
    Verdict.INVALID_NUMBER: Row(
        heading="This is not a valid NHS number",
        advice="An NHS number has ten digits, and the last one checks the others. Check it for a typing mistake.",
        exit_code=2,
        pds_status=400,
        pds_code="INVALID_RESOURCE_ID",
        batch_code="98",
        batch_number=NO_MATCH,
        status=TRACE_REQUIRED,
        grade="",
    ),
    Verdict.UNAVAILABLE: Row(
        heading="The service cannot answer just now",
        advice="Nothing was looked up. Try again in a few minutes; if it goes on, tell your data team.",
        exit_code=4,
        pds_status=503,
        pds_code="SERVICE_UNAVAILABLE",
        batch_code="15",
        batch_number=NO_MATCH,
        status=TRACE_REQUIRED,
        grade="",
    ),
}

FLAG_SENTENCES: Final[dict[Flag, str]] = {
    Flag.SUPERSEDED: "The number has been replaced. Use the current number shown here from now on.",
    Flag.INVALIDATED: "The number has been withdrawn and must not be used.",
    Flag.DECEASED_FORMAL: "The index records a registered death for this person.",
    Flag.DECEASED_INFORMAL: "The index records a death not yet registered. Do not close the case on this alone.",
    Flag.RESTRICTED: "This person's record is restricted: their address and contact details are withheld.",
    Flag.DUPLICATE_IN_SOURCE: "Another record in the same system has this person too.",
}

_FLAG_BATCH_CODES: Final = ((Flag.INVALIDATED, "91"), (Flag.RESTRICTED, "92"), (Flag.SUPERSEDED, "90"))


def status_of(row: Row, *, index_source: str) -> str:
    """Return the status indicator; 01 is written only for a success checked against a PDS-sourced index."""
    succeeded = row.batch_number == "number"
    return VERIFIED if succeeded and index_source == "pds" else row.status


def batch_code(row: Row, flags: Iterable[Flag]) -> str:
    """Return the row code of a response file: a flag's own code where a success carries one (90, 91, 92)."""
    if row.batch_number != "number":
        return row.batch_code
    held = set(flags)
    return next((code for flag, code in _FLAG_BATCH_CODES if flag in held), row.batch_code)


def refused_cells(reason: str) -> dict[str, str]:
    """Return the cells of a row that nobody can be asked about by, and the rule that it breaks."""
    invalid = OF_TRACE[Outcome.INVALID_INPUT]
    return {
        "outcome": Outcome.INVALID_INPUT,
        "code": invalid.batch_code,
        "matched_nhs_number": invalid.batch_number,
        "confidence": "0",
        "status": invalid.status,
        "reason": reason,
    }


def capped_sentence(capped: Mapping[str, int]) -> str:
    """Say how many questions met more candidates than are looked at, by the kind of their largest key; most first."""
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(capped.items(), key=lambda one: (-one[1], one[0])))
    return f"{sum(capped.values()):,} questions met more candidates than are looked at: {kinds}"
