"""The error and warning codes of the Spine as the PDS FHIR API answers with them.

Facts: PDS FHIR API specification and its published error bodies (``../shared/specs/pds``): which code has which HTTP
status, FHIR issue code, severity and display, and whether diagnostics go with it. A test holds the table to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SYSTEM: Final = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode"


@dataclass(frozen=True, slots=True)
class SpineCode:
    """How one code looks on the wire; ``explains`` where diagnostics accompany it."""

    status: int
    issue: str
    display: str
    severity: str = "error"
    explains: bool = True


CODES: Final[dict[str, SpineCode]] = {
    "TOO_MANY_MATCHES": SpineCode(200, "multiple-matches", "Too Many Matches", "information", explains=False),
    "INVALID_RESOURCE_ID": SpineCode(400, "value", "Resource Id is invalid", explains=False),
    "UNSUPPORTED_SERVICE": SpineCode(400, "processing", "Unsupported Service", explains=False),
    "MISSING_VALUE": SpineCode(400, "required", "Required value is missing"),
    "INVALID_VALUE": SpineCode(400, "value", "Provided value is invalid"),
    "ADDITIONAL_PROPERTIES": SpineCode(400, "invariant", "Additional properties should not be included"),
    "INVALID_SEARCH_DATA": SpineCode(400, "value", "Search data is invalid"),
    "TOO_MANY_VALUES_SUBMITTED": SpineCode(400, "value", "Too many values submitted"),
    "ACCESS_DENIED": SpineCode(401, "forbidden", "Access Denied - Unauthorised"),
    "RESOURCE_NOT_FOUND": SpineCode(404, "not-found", "Resource not found", "information", explains=False),
    "INVALIDATED_RESOURCE": SpineCode(
        404,
        "processing",
        "Resource that has been marked as invalid was requested - invalid resources cannot be retrieved",
        explains=False,
    ),
    "SERVICE_UNAVAILABLE": SpineCode(503, "timeout", "Service unavailable"),
}
