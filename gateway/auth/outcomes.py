"""What became of an answer: once it has left, the ledger is told, and nobody waits for it.

A front door notes which decision an answer rests on; the row itself goes in with the ledger's next group commit.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog
from flask import current_app, g

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from flask import Flask, Response

    from gateway.house import House


def note_outcome(decision_id: str, *, rows: int) -> None:
    """Remember that this answer rests on a decision and holds so many rows."""
    g.setdefault("decisions", []).append((decision_id, rows))


def record_outcomes(app: Flask) -> None:
    """Tell the ledger what became of each answer of ``app``."""
    app.after_request(_when_sent)


def _when_sent(response: Response) -> Response:
    house: House = current_app.extensions["gateway"]
    for decision_id, rows in g.get("decisions", []):
        response.call_on_close(partial(_record, house, decision_id, response.status_code, rows))
    return response


def _record(house: House, decision_id: str, status: int, rows: int) -> None:
    # the answer has gone and its decision row stands: a missing outcome is a gap to report, not an error
    try:
        house.gate.outcome(decision_id, status, rows)
    except GatewayError as fault:
        structlog.get_logger("gateway").warning("outcome-not-recorded", decision_id=decision_id, reason=fault.reason)
