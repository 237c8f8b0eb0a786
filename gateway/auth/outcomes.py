"""What became of an answer: once it has left, the ledger is told, and nobody waits for it.

The gate notes which decisions an answer rests on; the rows themselves go in with the ledger's next group commit.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog
from flask import current_app, g

from gateway.errors import GatewayError
from gateway.gate import answered

if TYPE_CHECKING:
    from flask import Flask, Response

    from gateway.house import House


def record_outcomes(app: Flask) -> None:
    """Tell the ledger what became of each answer of ``app``."""
    app.before_request(_begin)
    app.after_request(_when_sent)
    app.teardown_request(_leave)


def _begin() -> None:
    g.answered_token = answered.set([])


def _leave(_error: BaseException | None) -> None:
    token = g.pop("answered_token", None)
    if token is not None:
        answered.reset(token)


def _when_sent(response: Response) -> Response:
    house: House = current_app.extensions["gateway"]
    for decision_id, rows in answered.get() or ():
        response.call_on_close(partial(_record, house, decision_id, response.status_code, rows))
    return response


def _record(house: House, decision_id: str, status: int, rows: int) -> None:
    # the answer has gone and its decision row stands: a missing outcome is a gap to report, not an error
    try:
        house.gate.outcome(decision_id, status, rows)
    except GatewayError as fault:
        structlog.get_logger("gateway").warning("outcome-not-recorded", decision_id=decision_id, reason=fault.reason)
