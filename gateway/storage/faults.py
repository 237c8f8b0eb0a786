"""What databases raise, said in the words of ``gateway.errors``.

Drivers put values in their messages (a duplicate key, a refused text), and values are people's: so the original
is dropped, not chained, and only its class and its code stay.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final, Self

import alembic.util
import pysqlite3
import sqlalchemy.exc

from gateway.errors import Conflict, GatewayError, Unavailable

if TYPE_CHECKING:
    from types import TracebackType

try:
    import psycopg
except ImportError:  # pragma: no cover - the extra [postgres] is not installed
    _POSTGRES: tuple[type[Exception], ...] = ()
else:
    _POSTGRES = (psycopg.Error,)

FOREIGN: Final[tuple[type[Exception], ...]] = (
    sqlalchemy.exc.SQLAlchemyError,
    alembic.util.CommandError,
    pysqlite3.Error,
    sqlite3.Error,
    *_POSTGRES,
)


def translate(error: BaseException) -> GatewayError:
    """Return what to raise instead of ``error``: Conflict for a broken constraint, Unavailable for the rest."""
    driver = getattr(error, "orig", None) or error
    name = type(driver).__name__
    # SQLite's messages name tables and columns, never values; of PostgreSQL's only the SQLSTATE is as safe.
    code = getattr(driver, "sqlstate", None) or (str(driver) if isinstance(driver, pysqlite3.Error) else "")
    said = f"{name}: {code}" if code else name
    if "IntegrityError" in {cls.__name__ for cls in (*type(error).__mro__, *type(driver).__mro__)}:
        return Conflict(f"the database refused a row that contradicts another ({said})", reason="constraint")
    return Unavailable(f"the database could not answer ({said})", reason="storage")


class Translated:
    """``with translated:`` lets no driver's or toolkit's exception out."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, FOREIGN):
            raise translate(error) from None


translated: Final = Translated()
