"""Around every request: its id, how it came in (for the ledger), one log line, one metric, and what became of it.

Routes are named by their template and nothing else: a URL can hold an NHS number.
"""

from __future__ import annotations

import time
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from flask import current_app, g, request

from gateway.auth.caller import Caller
from gateway.gate import Arrival, arrival
from gateway.web.logs import log

if TYPE_CHECKING:
    from flask import Flask, Response

UNROUTED: Final = "unrouted"
_PREFIX: Final = {4: 24, 6: 48}


def observe(app: Flask) -> None:
    """Watch every request of ``app``."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_leave)


def route() -> str:
    """Return the template of the route in hand."""
    return request.url_rule.rule if request.url_rule else UNROUTED


def _begin() -> None:
    g.began = time.perf_counter()
    g.request_id = _request_id(request.headers.get("X-Request-ID", ""))
    came = Arrival(request_id=g.request_id, source_address=truncated(request.remote_addr or ""))
    g.arrival_token = arrival.set(came)


def _end(response: Response) -> Response:
    spent = time.perf_counter() - g.get("began", time.perf_counter())
    metrics = current_app.extensions["gateway-metrics"]
    metrics.request(route(), request.method, response.status_code, spent)
    caller = g.get("caller")
    log.info(
        "request",
        route=route(),
        method=request.method if request.url_rule else "-",
        status=response.status_code,
        ms=round(spent * 1000, 1),
        request_id=g.get("request_id", ""),
        reason=g.get("refusal", ""),
        role=caller.role.value if isinstance(caller, Caller) else "",
        purpose=caller.purpose.value if isinstance(caller, Caller) else "",
    )
    return response


def _leave(_error: BaseException | None) -> None:
    token = g.pop("arrival_token", None)
    if token is not None:
        arrival.reset(token)


def _request_id(sent: str) -> str:
    """Return the caller's id where it is a UUID, so that both sides' logs agree; else a new one."""
    try:
        return str(UUID(sent)) if sent else str(uuid4())
    except ValueError:
        return str(uuid4())


def truncated(address: str) -> str:
    """Return the network of ``address`` (/24, /48): enough to see a pattern, not enough to see a desk."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    return str(ip_network((found, _PREFIX[found.version]), strict=False).network_address)
