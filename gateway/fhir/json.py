"""FHIR on the wire: ``application/fhir+json``, decimals exactly as the source wrote them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import orjson
from flask import Response

MEDIA_TYPE: Final = "application/fhir+json"


def dumps(value: object) -> bytes:
    """Return ``value`` as JSON; a Decimal keeps its trailing zeros (72.50 is a measurement to two places)."""
    return orjson.dumps(value, default=_exactly)


def fhir_response(body: dict[str, Any], status: int = 200) -> Response:
    """Return ``body`` as a FHIR answer that no cache keeps."""
    response = Response(dumps(body), status=status, mimetype=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


def _exactly(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value).encode())
    raise TypeError(f"{type(value).__name__} has no place in a FHIR answer")
