"""For the machines that watch this one: is it alive, could it answer, what has it counted. Open, and about nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, current_app, jsonify

from gateway.errors import GatewayError
from gateway.fhir.metrics import MEDIA_TYPE
from gateway.fhir.openapi import describe
from gateway.fhir.request import house
from gateway.services.tracing.against import checked_against

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.fhir.metrics import Metrics
    from gateway.house import House

health: Final = Blueprint("health", __name__)


@health.get("/health/live")
def live() -> Response:
    """Say that the process answers."""
    return jsonify(status="live")


@health.get("/health/ready")
def ready() -> tuple[Response, int]:
    """Say whether a question could be answered: the ledger can be written, and the index is young enough."""
    checks = {"ledger": _check(_ledger_appendable), "index": _check(_index_usable)}
    good = all(check["status"] == "ready" for check in checks.values())
    return jsonify(status="ready" if good else "not-ready", checks=checks), 200 if good else 503


@health.get("/metrics")
def metrics() -> Response:
    """Give what was counted, by route template."""
    held: Metrics = current_app.extensions["gateway-metrics"]
    return Response(held.page(), content_type=MEDIA_TYPE)


@health.get("/openapi.json")
def openapi() -> Response:
    """Describe the FHIR routes, from the same models that read their parameters."""
    return jsonify(describe(current_app, house().settings.service_name))


def _check(look: Callable[[House], dict[str, Any]]) -> dict[str, Any]:
    try:
        return {"status": "ready", **look(house())}
    except GatewayError as fault:
        return {"status": "not-ready", "reason": fault.reason}


def _ledger_appendable(held: House) -> dict[str, Any]:
    held.stores.ledger.check_appendable()
    return {"as_of": held.stores.ledger.clock().isoformat(timespec="seconds")}


def _index_usable(held: House) -> dict[str, Any]:
    against = checked_against(held)
    age = (held.now().date() - against.as_of).days
    return {"source": against.source, "as_of": against.as_of.isoformat(), "age_days": age}
