"""What every FHIR request goes through before its view: a caller from its token, then the headers PDS asks for."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from flask import Blueprint, current_app, g, request

from gateway.auth.caller import Kind
from gateway.errors import InputError
from gateway.fhir.body import NotAcceptable, limit_body
from gateway.fhir.json import MEDIA_TYPE
from gateway.fhir.outcome import FHIR_BASE
from gateway.gate import arrival

if TYPE_CHECKING:
    from flask import Response

    from gateway.auth.desk import Desk
    from gateway.house import House

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)
_SHOWN: Final = 100
ROLE_HEADER: Final = "NHSD-Session-URID"
_GUIDANCE: Final = (
    "Refer to the guidance for this header in our API Specification "
    "https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir"
)
MIRRORED: Final = ("X-Request-ID", "X-Correlation-ID")
_FORMATS: Final = frozenset({"json", "text/json", "application/json", "application/json+fhir", MEDIA_TYPE})
_ANYTHING: Final = frozenset({"*/*", "application/*"})


def house() -> House:
    """Return the open house that serves this application."""
    held: House = current_app.extensions["gateway"]
    return held


def fhir_blueprint(name: str, module: str) -> Blueprint:
    """Return a blueprint of routes under ``/fhir/R4``: small bodies, a caller by token, an answer in JSON."""
    made = Blueprint(name, module, url_prefix=FHIR_BASE)
    made.before_request(limit_body)
    made.before_request(sign_in_by_token)
    made.before_request(check_format)
    made.after_request(mirror_ids)
    return made


def own_base() -> str:
    """Return the address of ``/fhir/R4`` as this caller reached it: the base of its resources."""
    return request.host_url.rstrip("/") + FHIR_BASE


def check_format() -> None:
    """Hold the caller to JSON; ``_format`` goes before ``Accept``, as in FHIR.

    Raises:
        NotAcceptable: another format is asked for, and none beside it that is given here.
    """
    sent = request.args.get("_format")
    if sent is None:
        asked = {one.split(";")[0].strip().lower() for one in request.headers.get("Accept", "*/*").split(",")}
        fits = bool(asked & (_FORMATS | _ANYTHING)) or asked == {""}
    else:
        # a plus in an address is a space
        fits = sent.split(";")[0].strip().lower().replace(" ", "+") in _FORMATS
    if not fits:
        raise NotAcceptable(f"answers are given as {MEDIA_TYPE}", reason="format", field="_format")


def sign_in_by_token() -> None:
    """Know the caller by the bearer token.

    Raises:
        NotSignedIn: no token, or none that is ours and in order.
    """
    desk: Desk = current_app.extensions["gateway-desk"]
    g.caller, token_id = desk.bearer(request.headers)
    # the ledger names the token that opened the door
    arrival.set(replace(arrival.get(), token_id=token_id))


def require_request_id() -> None:
    """Hold the caller to PDS's mandatory header.

    Raises:
        InputError: it is missing, or not a UUID.
    """
    sent = request.headers.get("X-Request-ID")
    if sent is None:
        text = "Invalid request with error - X-Request-ID header must be supplied to access this resource"
        raise InputError(text, reason="MISSING_VALUE", field="X-Request-ID")
    if not _UUID.fullmatch(sent):
        text = f"Invalid value - '{sent[:_SHOWN]}' in header 'X-Request-ID'"
        raise InputError(text, reason="INVALID_VALUE", field="X-Request-ID")


def check_role_header() -> None:
    """Hold ``NHSD-Session-URID`` to its form where it came; the role that counts is the token's.

    Raises:
        InputError: it is not digits alone. An application has no user, so what it sends here is ignored, as in PDS.
    """
    sent = request.headers.get(ROLE_HEADER)
    if sent is None or g.caller.kind is Kind.SYSTEM or _DIGITS.fullmatch(sent):
        return
    text = f"Invalid value - '{sent[:_SHOWN]}' in header '{ROLE_HEADER}'. {_GUIDANCE}"
    raise InputError(text, reason="INVALID_VALUE", field=ROLE_HEADER)


def mirror_ids(response: Response) -> Response:
    """Send back the ids that came, so that both sides' logs can be laid side by side."""
    for name in MIRRORED:
        sent = request.headers.get(name)
        if sent and sent.isprintable() and len(sent) <= 255:  # noqa: PLR2004 - longer than any id in use
            response.headers[name] = sent
    return response
