"""One resource in, a list of issues out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from adapters.systems import NHS_NUMBER, UKCORE_CODES, UKCORE_EXTENSION
from adapters.ukcore import VERIFICATION_STATUS
from linkage.nhs_number import Fault, fault_in

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATUS_URL = UKCORE_EXTENSION + "NHSNumberVerificationStatus"
_STATUS_SYSTEMS = frozenset(
    {UKCORE_CODES + "NHSNumberVerificationStatusEngland", UKCORE_CODES + "NHSNumberVerificationStatus"}
)


class Severity(StrEnum):
    """An error stops the resource; a warning goes with it."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Issue:
    """What is wrong where, by which rule. ``message`` never holds a value of the resource."""

    path: str
    rule: str
    severity: Severity
    message: str


def check(resource: dict[str, Any]) -> list[Issue]:
    """Check one resource: its structure, then, for a Patient, its NHS number. No issues means none found."""
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or not kind:
        return [Issue("resourceType", "no-resource-type", Severity.ERROR, "does not say what it is")]
    found = list(_structure(kind, resource))
    if kind == "Patient" and not found:
        found += _identifiers(resource)
    return found


@lru_cache(maxsize=256)
def _model(kind: str) -> Any | None:  # noqa: ANN401 - the library builds its classes from names
    try:
        return get_fhir_model_class(kind)
    except (ValueError, LookupError):
        return None


def _structure(kind: str, resource: dict[str, Any]) -> Iterator[Issue]:
    model = _model(kind)
    if model is None:
        yield Issue("resourceType", "unknown-resource-type", Severity.ERROR, "not a resource of FHIR R4")
        return
    try:
        model.model_validate(resource)
    except ValidationError as faults:
        for fault in faults.errors(include_url=False, include_context=False, include_input=False):
            path = ".".join([kind, *(str(part) for part in fault["loc"])])
            # the library's own words can quote the value; its rule code cannot
            yield Issue(path, fault["type"], Severity.ERROR, "does not have the structure of FHIR R4 here")


def _identifiers(patient: dict[str, Any]) -> Iterator[Issue]:
    held = patient.get("identifier") or []
    numbered = [place for place, identifier in enumerate(held) if identifier.get("system") == NHS_NUMBER]
    if len(numbered) > 1:
        yield Issue("Patient.identifier", "two-nhs-numbers", Severity.ERROR, "more than one NHS number")
    for place, identifier in enumerate(held):
        path = f"Patient.identifier.{place}"
        if place in numbered:
            yield from _nhs_number(identifier, path)
        elif _looks_like_one(identifier):
            said = f"looks like an NHS number under another system than {NHS_NUMBER}"
            yield Issue(f"{path}.system", "nhs-number-system", Severity.ERROR, said)


def _looks_like_one(identifier: dict[str, Any]) -> bool:
    system = str(identifier.get("system", "")).lower()
    status = any(extension.get("url") == _STATUS_URL for extension in identifier.get("extension") or [])
    return status or "nhs-number" in system or "nhsnumber" in system


def _nhs_number(identifier: dict[str, Any], path: str) -> Iterator[Issue]:
    fault = fault_in(str(identifier.get("value", "")))
    if fault is Fault.NOT_TEN_DIGITS:
        yield Issue(f"{path}.value", "not-ten-digits", Severity.ERROR, "an NHS number is stored as ten digits")
    elif fault is not None:
        yield Issue(f"{path}.value", str(fault), Severity.ERROR, "not a well-formed NHS number")
    statuses = [extension for extension in identifier.get("extension") or [] if extension.get("url") == _STATUS_URL]
    if len(statuses) != 1:
        yield Issue(f"{path}.extension", "no-verification-status", Severity.ERROR, "one verification status is needed")
        return
    codings = (statuses[0].get("valueCodeableConcept") or {}).get("coding") or [{}]
    coding = codings[0]
    if coding.get("system") not in _STATUS_SYSTEMS or coding.get("code") not in VERIFICATION_STATUS:
        said = "the verification status is not one of 01 to 08 of the England list"
        yield Issue(f"{path}.extension", "verification-status-code", Severity.ERROR, said)
