"""What databases raise, said in the words of ``gateway.errors``.

Drivers put values in their messages (a duplicate key, a refused text), and values are people's: so the original
is dropped, not chained, and only its class and its code stay.
"""

from __future__ import annotations

import sqlite3
import sys
from typing import TYPE_CHECKING, Final, Self

import pysqlite3
import sqlalchemy.exc

from gateway.errors import Conflict, GatewayError, Unavailable

if TYPE_CHECKING:
    from types import TracebackType

FOREIGN: Final[tuple[type[Exception], ...]] = (sqlalchemy.exc.SQLAlchemyError, pysqlite3.Error, sqlite3.Error)

# What nobody has imported has raised nothing: these two cost every command a tenth of a second, so they are looked up.
_WHERE_USED: Final = (("alembic.util", "CommandError"), ("psycopg", "Error"))


def is_foreign(error: BaseException) -> bool:
    """Whether a database, its driver or its toolkit raised this."""
    loaded = (getattr(sys.modules.get(module), name, None) for module, name in _WHERE_USED)
    return isinstance(error, (*FOREIGN, *(kind for kind in loaded if kind is not None)))


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
        if error is not None and is_foreign(error):
            raise translate(error) from None


translated: Final = Translated()
