"""One figure for everything the house knows, so that an interrupted run can be compared with an undisturbed one.

Left out: instants taken from the clock, jobs and sessions (how the work went, not what came of it), releases (their
tokens depend on this house's keys), models that were offered or tried (which one is in use counts), samples, which
are drawn by chance, what was sent and recalled (under ids that are too), and of the differences between records and
the index their places in the feed and those that stand no more: which of them stood in between depends on the order
in which files came.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from gateway.storage.faults import translated
from gateway.storage.schema import differences, gateway

if TYPE_CHECKING:
    from gateway.storage.database import Reading

_TABLES_LEFT_OUT: Final = frozenset(
    {"job", "session", "release", "model_version", "shadow_run", "sample", "sample_item"}
    | {"compared", "change_feed", "signalled"}
    | {"webhook", "outgoing", "delivery", "incident", "recall_notice"}
    | {"mesh_message", "mesh_poll"}
)
_CLOCKS: Final = frozenset(
    {"at", "loaded_at", "opened_at", "decided_at", "added_at", "signed_at", "asked_at", "answered_at", "seq"}
)
_ROWS_LEFT_OUT: Final = {"difference": differences.difference.c.state == "superseded"}
_PAGE: Final = 5_000


def digest(view: Reading) -> str:
    """Return the SHA-256, in hexadecimal, of the domain tables in order of their keys."""
    whole = hashlib.sha256()
    for name in sorted(gateway.tables.keys() - _TABLES_LEFT_OUT):
        table = gateway.tables[name]
        whole.update(f"{name}\n".encode())
        statement = sa.select(*(column for column in table.columns if column.name not in _CLOCKS))
        if name in _ROWS_LEFT_OUT:
            statement = statement.where(sa.not_(_ROWS_LEFT_OUT[name]))
        statement = statement.order_by(*(_in_bytes(column, view) for column in table.primary_key))
        with translated:
            found = view.connection.execution_options(yield_per=_PAGE).execute(statement)
            for row in found:
                whole.update(repr(tuple(row)).encode())
    return whole.hexdigest()


def _in_bytes(column: sa.Column[Any], view: Reading) -> sa.ColumnElement[Any]:
    """Order text by its bytes: a server's own collation may differ from machine to machine."""
    if view.postgres and isinstance(column.type, sa.String):
        return sa.collate(column, "C")
    return column
