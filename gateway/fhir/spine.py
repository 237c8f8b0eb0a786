"""The error and warning codes of the Spine as the PDS FHIR API answers with them.

Facts: PDS FHIR API specification and its published error bodies (``../shared/specs/pds``): which code has which HTTP
status, FHIR issue code, severity and display, and whether diagnostics go with it. A test holds the table to them, and
sends each request that it names. `code_rows` is the table of the reference page ``docs/reference/http.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

SYSTEM: Final = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode"
INSUFFICIENT: Final = "Your app has insufficient permissions to use this method. Please contact support."
"""The diagnostics of what an application may not do, whatever it was."""


@dataclass(frozen=True, slots=True)
class SpineCode:
    """How one code looks on the wire; ``explains`` where diagnostics accompany it; ``deserved`` by which request."""

    status: int
    issue: str
    display: str
    deserved: str
    severity: str = "error"
    explains: bool = True


CODES: Final[dict[str, SpineCode]] = {
    "TOO_MANY_MATCHES": SpineCode(
        200,
        "multiple-matches",
        "Too Many Matches",
        "a search that fits more people than `_max-results`; an application's that fits two",
        "information",
        explains=False,
    ),
    "INVALID_RESOURCE_ID": SpineCode(
        400, "value", "Resource Id is invalid", "`GET /Patient/9000000000`: the check digit is wrong", explains=False
    ),
    "UNSUPPORTED_SERVICE": SpineCode(
        400,
        "processing",
        "Unsupported Service",
        "`GET /Patient` without any parameter; with 404 or 405, an address or a method that is not served",
        explains=False,
    ),
    "MISSING_VALUE": SpineCode(
        400, "required", "Required value is missing", "no `X-Request-ID`; a search without `birthdate`"
    ),
    "INVALID_VALUE": SpineCode(
        400,
        "value",
        "Provided value is invalid",
        "`X-Request-ID: 1234`; `birthdate=20101022`; with 403, an application's `_max-results=2`",
    ),
    "ADDITIONAL_PROPERTIES": SpineCode(
        400, "invariant", "Additional properties should not be included", "a search with `year=2010`"
    ),
    "INVALID_SEARCH_DATA": SpineCode(
        400,
        "value",
        "Search data is invalid",
        "a search with `birthdate` alone; `family=S*`; a fuzzy search with a wildcard; both postcode parameters",
    ),
    "TOO_MANY_VALUES_SUBMITTED": SpineCode(
        400, "value", "Too many values submitted", "`gender` sent twice, `birthdate` three times"
    ),
    "ACCESS_DENIED": SpineCode(
        401,
        "forbidden",
        "Access Denied - Unauthorised",
        "no token, or none that is in order; with 403, what no agreement allows",
    ),
    "INVALID_METHOD": SpineCode(
        403,
        "forbidden",
        "Cannot update resource with application-restricted access token",
        "`PATCH /Patient/{id}`, `POST /Patient`",
    ),
    "RESOURCE_NOT_FOUND": SpineCode(
        404,
        "not-found",
        "Resource not found",
        "`GET /Patient/9111231130`: nobody in the index",
        "information",
        explains=False,
    ),
    "INVALIDATED_RESOURCE": SpineCode(
        404,
        "processing",
        "Resource that has been marked as invalid was requested - invalid resources cannot be retrieved",
        "`GET /Patient/{id}` of a withdrawn number without a successor",
        explains=False,
    ),
    "SERVICE_UNAVAILABLE": SpineCode(
        503, "timeout", "Service unavailable", "anything while there is no usable index, or the ledger takes no row"
    ),
}

_WRITES: Final = "nothing is written here: `INVALID_METHOD` comes first"
NOT_GIVEN: Final[dict[str, str]] = {
    "FORBIDDEN_UPDATE": _WRITES,
    "INSERT_BIRTH_DEATH_STATUS_INCONSISTENT": _WRITES,
    "INVALID_CREATE": _WRITES,
    "INVALID_UPDATE": _WRITES,
    "MULTIPLE_MATCHES": _WRITES,
    "PRECONDITION_FAILED": _WRITES,
    "RESOURCE_VERSION_MISMATCH": _WRITES,
    "SINGLE_MATCH": _WRITES,
    "TOO_FEW_VALUES_SUBMITTED": _WRITES,
    "UNSUPPORTED_CHARACTERS_IN_FIELD": _WRITES,
    "UNSUPPORTED_VALUE": _WRITES,
    "VALIDATION_ERROR": _WRITES,
    "NOT_SUPPORTED_SEARCH": "the public sandbox's own word for a search it has no example of",
    "TOO_MANY_REQUESTS": "the gateway counts no requests; a proxy before it may",
    "UNABLE_TO_CALL_SERVICE": "nothing further back is called; what cannot answer says `SERVICE_UNAVAILABLE`",
}
"""Codes of PDS that no request here deserves, and why."""


def code_rows() -> Iterator[tuple[str, str, str, str, str, str]]:
    """Yield (request, HTTP status, code, severity and issue code, display, diagnostics), then those never given."""
    for name, code in CODES.items():
        kind = f"{code.severity}, {code.issue}"
        yield code.deserved, str(code.status), name, kind, code.display, "yes" if code.explains else "no"
    for name, reason in NOT_GIVEN.items():
        yield f"never: {reason}", "", name, "", "", ""
