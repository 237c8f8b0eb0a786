"""How the request in hand came in: opaque ids that the front door knows and the ledger wants.

The front door sets ``arrival`` for the time of one request; use cases need not carry it. Commands leave it empty.
"""

from __future__ import annotations

import time
import uuid
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ig.disclosure import Circumstances, Moment

if TYPE_CHECKING:
    from datetime import datetime

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the front door knows of a request besides its caller. ``source_address`` is already truncated."""

    request_id: str = ""
    traceparent: str = ""
    client_id: str = ""
    token_id: str = ""
    sign_in_assurance: str = ""
    source_address: str = ""


_NOTHING_KNOWN: Final = Arrival()
arrival: ContextVar[Arrival] = ContextVar("arrival", default=_NOTHING_KNOWN)


answered: ContextVar[list[tuple[str, int]] | None] = ContextVar("answered", default=None)
"""Decisions that the answer in hand rests on, each with its rows. The front door sets a list and reads it later."""


def circumstances(decision_id: str, at: datetime) -> Circumstances:
    """Return what a ledger row says of how and when a request came in."""
    came = arrival.get()
    return Circumstances(
        moment=Moment(at, time.monotonic_ns(), _boot()),
        decision_id=decision_id,
        request_id=came.request_id,
        traceparent=came.traceparent,
        client_id=came.client_id,
        token_id=came.token_id,
        sign_in_assurance=came.sign_in_assurance,
        source_address=came.source_address,
    )


@cache
def _boot() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        # no Linux: an id of this process still tells its monotonic times from another's
        return str(uuid.uuid4())
