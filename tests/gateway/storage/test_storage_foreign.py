"""Whatever a driver or a toolkit raises leaves as one of ours, without the values it carried."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING

import pysqlite3
import pytest
import sqlalchemy.exc

from gateway.errors import Conflict, GatewayError, Unavailable
from gateway.storage.faults import translate, translated

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARIES = {
    "sqlalchemy.exc": "SQLAlchemyError",
    "sqlalchemy.orm.exc": "",
    "alembic.util.exc": "CommandError",
    "pysqlite3.dbapi2": "Error",
    "sqlite3": "Error",
    "psycopg.errors": "Error",
    "psycopg_pool": "",
}


def _errors() -> Iterator[type[Exception]]:
    """Every exception that these libraries define for others to catch."""
    for name, root in LIBRARIES.items():
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        base = getattr(module, root) if root else sqlalchemy.exc.SQLAlchemyError
        yield from (cls for _, cls in inspect.getmembers(module, inspect.isclass) if issubclass(cls, base))


ERRORS = sorted(set(_errors()), key=lambda cls: f"{cls.__module__}.{cls.__qualname__}")


def test_the_libraries_trees_were_walked() -> None:
    assert len(ERRORS) > 200


@pytest.mark.parametrize("foreign", ERRORS, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_no_foreign_exception_escapes(foreign: type[Exception]) -> None:
    error = foreign.__new__(foreign)  # their constructors differ, what is caught is the class
    with pytest.raises(GatewayError) as ours, translated:
        raise error
    assert ours.value.__cause__ is None
    assert isinstance(ours.value, Conflict | Unavailable)


def test_only_a_broken_constraint_is_a_conflict() -> None:
    broken = pysqlite3.IntegrityError("UNIQUE constraint failed: meta.name")
    assert isinstance(translate(broken), Conflict)
    assert isinstance(translate(sqlalchemy.exc.IntegrityError("INSERT", {"name": "secret"}, broken)), Conflict)
    full = translate(pysqlite3.OperationalError("database or disk is full"))
    assert isinstance(full, Unavailable)
    assert "disk is full" in str(full)


def test_other_exceptions_pass_as_they_are() -> None:
    with pytest.raises(ZeroDivisionError), translated:
        raise ZeroDivisionError
    with pytest.raises(Conflict), translated:
        raise Conflict
