"""A refusal as a page: what happened, what to do next, a code and a reference, and nothing about anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import make_response, redirect, request

from gateway.errors import GatewayError, InputError, NotFound, NotPermitted, NotSignedIn, Unavailable, UpstreamError
from gateway.web.render import page

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

_TITLES: Final[tuple[tuple[type[GatewayError], str], ...]] = (
    (NotSignedIn, "You are not signed in"),
    (NotPermitted, "You cannot do this"),
    (NotFound, "Page not found"),
    (Unavailable, "The service cannot answer just now"),
    (UpstreamError, "A national service did not answer"),
    (InputError, "That did not work"),
)


def refusal_page(error: GatewayError, *, status: int | None = None, reference: str = "") -> Response:
    """Return ``error`` as a page; somebody who is not signed in is taken to the sign-in page."""
    if isinstance(error, NotSignedIn) and request.method == "GET":
        return redirect(f"/sign-in?next={request.path}" if request.url_rule else "/sign-in", 303)
    title = next((text for kind, text in _TITLES if isinstance(error, kind)), "Something went wrong")
    lines = list(dict.fromkeys((str(error), error.staff_sentence)))
    text = page("error.jinja", title, lines=lines, reason=error.reason, reference=reference or _decision(error))
    return make_response(text, status or error.status)


def _decision(error: GatewayError) -> str:
    return error.decision if isinstance(error, NotPermitted) else ""
