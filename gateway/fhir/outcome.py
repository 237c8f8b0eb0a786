"""Every refusal on a FHIR path is an OperationOutcome: one writer for all of them.

Under the PDS base the codings are the Spine's, as a PDS client expects; elsewhere they are the gateway's own reason
codes. A refusal under an agreement carries its reason code in both, and never anything about a patient.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gateway.errors import Conflict, GatewayError, InputError, NotFound, NotPermitted, NotSignedIn, Unavailable
from gateway.errors import UpstreamError as Upstream
from gateway.fhir.json import fhir_response
from gateway.fhir.spine import CODES, INSUFFICIENT, SYSTEM

if TYPE_CHECKING:
    from flask import Response

PDS_BASE: Final = "/personal-demographics/FHIR/R4"
FHIR_BASE: Final = "/fhir/R4"
REASONS: Final = "urn:nhs-linkage-gateway:reason"
RETRY_AFTER: Final = "5"
_PATH: Final = re.compile(r"[A-Z][A-Za-z]+(?:\.\w+|\[\d+\])*", re.ASCII)
"""A place in a resource; FHIR names it by ``expression``, and a header or parameter by ``location``."""
_PARAMETER: Final = re.compile(r"[A-Za-z_][\w:.-]*", re.ASCII)

# Which Spine code stands for an error that names none; the first class that fits counts.
_BY_KIND: Final[tuple[tuple[type[GatewayError], str], ...]] = (
    (NotPermitted, "ACCESS_DENIED"),
    (NotFound, "RESOURCE_NOT_FOUND"),
    (InputError, "INVALID_VALUE"),
    (Conflict, "INVALID_SEARCH_DATA"),
    (Unavailable, "SERVICE_UNAVAILABLE"),
    (Upstream, "SERVICE_UNAVAILABLE"),
)


class NoSuchRoute(NotFound):
    """A FHIR path or method that is not served here."""

    fhir_code = "not-supported"
    staff_sentence = "This interaction is not supported here; see the capability statement."


def on_fhir_path(path: str) -> bool:
    """Do clients of ``path`` expect FHIR?"""
    return path.startswith((PDS_BASE, "/fhir/"))


def refusal(error: GatewayError, path: str, *, status: int | None = None) -> Response:
    """Return ``error`` as the OperationOutcome that a client of ``path`` expects."""
    pds = path.startswith(PDS_BASE)
    body = {"resourceType": "OperationOutcome", "issue": [_spine_issue(error) if pds else _house_issue(error)]}
    code = CODES.get(error.reason) if pds else None
    response = fhir_response(body, status or (code.status if code and not _forbidden(error) else error.status))
    if isinstance(error, Unavailable | Upstream):
        response.headers["Retry-After"] = RETRY_AFTER
    if isinstance(error, NotSignedIn):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _forbidden(error: GatewayError) -> bool:
    return isinstance(error, NotPermitted) and not isinstance(error, NotSignedIn)


def _house_issue(error: GatewayError) -> dict[str, Any]:
    details = {"coding": [_reason(error)], "text": error.staff_sentence}
    issue = {"severity": "error", "code": error.fhir_code, "details": details, "diagnostics": str(error)}
    where = error.field if isinstance(error, InputError) else ""
    if _PATH.fullmatch(where):
        issue["expression"] = [where]
    elif _PARAMETER.fullmatch(where):
        issue["location"] = [f"http.{where}"]
    return issue


def _spine_issue(error: GatewayError) -> dict[str, Any]:
    name = error.reason if error.reason in CODES else _spine_name(error)
    if not name:
        return _house_issue(error)
    known = CODES[name]
    coding = [{"system": SYSTEM, "version": "1", "code": name, "display": known.display}]
    issue = {"severity": known.severity, "code": known.issue, "details": {"coding": coding}}
    if known.explains:
        issue["diagnostics"] = str(error)
    if _forbidden(error):
        issue["code"] = "forbidden"
        coding[0]["display"] = "Access Denied" if name == "ACCESS_DENIED" else str(error)
        if name != "ACCESS_DENIED":
            issue["diagnostics"] = INSUFFICIENT
        if error.reason != name:
            coding.append(_reason(error))
    return issue


def _spine_name(error: GatewayError) -> str:
    return next((name for kind, name in _BY_KIND if isinstance(error, kind)), "")


def _reason(error: GatewayError) -> dict[str, str]:
    return {"system": REASONS, "code": error.reason}
