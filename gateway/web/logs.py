"""What may be logged: codes, opaque ids, counts and route templates. One processor holds every event to that.

A log line is made of an event code and fields from a closed list. Anything else is dropped before it is rendered, so a
careless call cannot put a name, a number or an address into a log that outlives every access rule (DESIGN section 10).
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

# What a field may be called, and so what may be said at all.
FIELDS: Final = frozenset(
    {"event", "level", "timestamp", "route", "method", "status", "ms", "request_id", "decision_id", "reason"}
    | {"reference", "fault", "where", "persona", "role", "purpose", "rows", "host", "port", "workers"}
)
_CODE: Final = re.compile(r"[\w.:/<>$ -]{0,120}", re.ASCII)
# ten digits however spaced: an NHS number, or something that looks like one to whoever reads the log
_TEN_DIGITS: Final = re.compile(r"(?<![0-9a-fA-F-])(?:\d[ -]?){9}\d(?![0-9a-fA-F-])")
HIDDEN: Final = "[hidden]"


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep listed fields whose values are numbers or codes; hide everything else."""
    for name in list(event):
        if name not in FIELDS:
            del event[name]
        else:
            event[name] = _safe(event[name])
    return event


def _safe(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if _CODE.fullmatch(text) and not _TEN_DIGITS.search(text) else HIDDEN


def configure_logs() -> None:
    """Send every event as one JSON line to standard error, redacted."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        # looked up for each event, so that a stream replaced later is the one written to
        logger_factory=lambda *_names: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # CSRF refusals and the like arrive through the standard library with free text; our own event says the same
    logging.getLogger("flask_wtf.csrf").setLevel(logging.WARNING)


log: Final = structlog.stdlib.get_logger("gateway")
