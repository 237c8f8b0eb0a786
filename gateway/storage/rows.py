"""Small conversions shared by the repositories: JSON with exact decimals, evidence, points in time that sort."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from linkage.explain import Evidence

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from gateway.storage.database import Reading


def dumps(value: Mapping[str, Any] | list[Any] | tuple[Any, ...]) -> bytes:
    """Return JSON in which a Decimal keeps its digits: 72.50 stays 72.50."""
    return orjson.dumps(value, default=_exact)


def _exact(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    msg = f"no JSON form for {type(value).__name__}"
    raise TypeError(msg)


def pack_evidence(evidence: Iterable[Evidence]) -> bytes:
    """Return evidence as JSON: field, level and bits, never a value of a person."""
    return orjson.dumps([(item.field, item.level, item.bits) for item in evidence])


def unpack_evidence(data: bytes) -> tuple[Evidence, ...]:
    """Read back what :func:`pack_evidence` wrote."""
    return tuple(Evidence(*item) for item in orjson.loads(data))


def sent_by(view: Reading, sources: Collection[str], organisations: Collection[str] | None) -> tuple[str, list[object]]:
    """Return the condition that a record ``s`` is of one of these, as one that follows others, and its values.

    ``sources`` none named: every source's; ``organisations`` None: every organisation's.
    """
    conditions, values = "", list[object]()
    for column, wanted in (("s.source", sources or None), ("s.organisation", organisations)):
        if wanted is not None:
            conditions += f" AND {view.among(column)}"
            values.append(view.listed(sorted(wanted)))
    return conditions, values


def in_order(occurred: str) -> str:
    """Return a date or an instant as text that sorts by time: instants in UTC, a date before its day's instants.

    What is neither sorts as it stands; unknown (empty) sorts before everything.
    """
    if "T" not in occurred:
        return occurred
    try:
        instant = datetime.fromisoformat(occurred)
    except ValueError:
        return occurred
    if instant.tzinfo is None:
        return instant.isoformat(timespec="microseconds")
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
