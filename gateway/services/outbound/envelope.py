"""The shape of everything that is sent, after Standard Webhooks: what kind, when it was caused, and the data."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from datetime import datetime


def envelope(kind: str, at: datetime, data: bytes) -> bytes:
    """Return the body to send: equal bytes for equal arguments, so that a retry repeats them. ``data`` is JSON."""
    stamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return orjson.dumps({"type": kind, "timestamp": stamp, "data": orjson.Fragment(data)})
