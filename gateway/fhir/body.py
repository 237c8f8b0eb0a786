"""A FHIR resource that came over HTTP: small, JSON, of the type asked for, and valid R4; or a 400 that says where.

``fhir.resources`` R4B validates (R4 and R4B do not differ in what is taken here). What is handed on is what was sent:
nothing is re-serialised. Messages name the path by the names of the specification, never what stood there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import orjson
from fhir.resources.R4B.address import Address
from fhir.resources.R4B.bundle import Bundle, BundleEntry
from fhir.resources.R4B.contactpoint import ContactPoint
from fhir.resources.R4B.extension import Extension
from fhir.resources.R4B.humanname import HumanName
from fhir.resources.R4B.identifier import Identifier
from fhir.resources.R4B.parameters import Parameters, ParametersParameter
from fhir.resources.R4B.patient import Patient, PatientContact, PatientLink
from flask import request
from pydantic import BaseModel, ValidationError

from gateway.errors import InputError
from gateway.fhir.json import MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    Resource = dict[str, Any]

LARGEST: Final = 64 * 1024
"""Bytes in one body; a description of a person comes nowhere near."""
DEEPEST: Final = 24
"""How deep JSON may nest; a Patient in Parameters needs ten."""
MOST_REPEATS: Final = 20
"""How often one element may repeat: names, addresses, parameters."""
_TYPES: Final[dict[str, type[BaseModel]]] = {"Parameters": Parameters, "Patient": Patient}
_MEDIA_TYPES: Final = frozenset({MEDIA_TYPE, "application/json", "application/json+fhir"})
_MODELS: Final[tuple[type[BaseModel], ...]] = (Patient, PatientContact, PatientLink, Parameters, ParametersParameter)
_PARTS: Final[tuple[type[BaseModel], ...]] = (
    HumanName,
    Address,
    ContactPoint,
    Identifier,
    Extension,
    Bundle,
    BundleEntry,
)
_NAMES: Final = frozenset(
    field.alias or name for model in (*_MODELS, *_PARTS) for name, field in model.model_fields.items()
)
"""The names of the specification that a place may be told by; any other is the caller's own word."""
_UNKNOWN: Final = "extra_forbidden"


class UnsupportedMediaType(InputError):
    """The body is not JSON by its own account."""

    status: ClassVar[int] = 415
    fhir_code: ClassVar[str] = "not-supported"
    staff_sentence: ClassVar[str] = "Send FHIR as JSON."


class NotAcceptable(InputError):
    """An answer was asked for in a format that is not given here."""

    status: ClassVar[int] = 406
    fhir_code: ClassVar[str] = "not-supported"
    staff_sentence: ClassVar[str] = "Answers are given as FHIR JSON."


def limit_body() -> None:
    """Read no more of a body than a question needs; a longer one is refused with 413."""
    request.max_content_length = LARGEST


def read_resource(*types: str) -> Resource:
    """Return the resource in the body, one of ``types``.

    Raises:
        UnsupportedMediaType: the body is not sent as JSON.
        InputError: not JSON, nested too deep, of another type, too often repeated, or not valid; names the path.
    """
    if request.mimetype not in _MEDIA_TYPES:
        raise UnsupportedMediaType(f"Content-Type: {MEDIA_TYPE} is taken", reason="media-type", field="Content-Type")
    try:
        sent = orjson.loads(request.get_data())
    except orjson.JSONDecodeError:
        raise InputError("the body is not JSON", reason="not-json") from None
    kind = sent.get("resourceType") if isinstance(sent, dict) else None
    if kind not in types:
        raise InputError(f"the body is to be a resource of type {' or '.join(types)}", reason="resource-type")
    _check_shape(sent, kind)
    _validate(sent, kind)
    return dict(sent)


def _check_shape(sent: Resource, kind: str) -> None:
    """Hold the body to its bounds before anything recursive looks at it."""
    level: list[tuple[str, Any]] = [(kind, sent)]
    for _ in range(DEEPEST):
        level = [pair for path, value in level for pair in _inside(path, value)]
        if not level:
            return
    raise InputError(f"{kind}: nested deeper than {DEEPEST}", reason="too-deep", field=kind)


def _inside(path: str, value: object) -> Iterator[tuple[str, Any]]:
    if value is None:
        # in FHIR an element without a value is left out; read as text, a null would be a name
        raise InputError(f"{path}: null is no value", reason="null", field=path)
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path}.{name}" if name in _NAMES else path, inner
    elif isinstance(value, list):
        if len(value) > MOST_REPEATS:
            raise InputError(f"{path}: at most {MOST_REPEATS} times", reason="too-many", field=path)
        for place, inner in enumerate(value):
            yield f"{path}[{place}]", inner


def _validate(sent: Resource, kind: str) -> None:
    try:
        _TYPES[kind].model_validate(sent)
    except ValidationError as faults:
        first = faults.errors(include_url=False, include_input=False, include_context=False)[0]
        path = path_of(kind, first["loc"], unknown=first["type"] == _UNKNOWN)
        rule = "unknown-element" if first["type"] == _UNKNOWN else "not-valid"
        words = "holds an element that it does not have" if first["type"] == _UNKNOWN else "is not valid FHIR R4"
        raise InputError(f"{path}: {words}", reason=rule, field=path) from None
    except LookupError:
        # the library knows a resource by its type, and looks nowhere else
        raise InputError(f"{kind}: holds a resource of no known type", reason="resource-type", field=kind) from None


def path_of(kind: str, place: tuple[int | str, ...], *, unknown: bool = False) -> str:
    """Return a place in a resource as FHIRPath; of an ``unknown`` element where it stood, for its name is a value."""
    path = kind
    for step in place[:-1] if unknown else place:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step in _NAMES:
            path += f".{step}"
    return path
