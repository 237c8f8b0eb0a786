"""What every table shares: constraint names that migrations can rely on, and timestamps that are always UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import DateTime, MetaData
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

_NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

gateway = MetaData(naming_convention=_NAMES)
ledger = MetaData(naming_convention=_NAMES)


class Utc(TypeDecorator[datetime]):
    """An instant, stored and given back in UTC. SQLite forgets the zone of a timestamp, so it is put back here.

    Raises:
        ValueError: a naive datetime is handed in; guessing its zone is how clocks go wrong.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Turn any aware instant into UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a stored instant needs a time zone"
            raise ValueError(msg)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give back an aware instant in UTC, whatever the driver made of it."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def utc(value: datetime | str) -> datetime:
    """Return an instant as the bare driver gives it (text on SQLite) as an aware datetime in UTC."""
    instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def day(value: date | str) -> date:
    """Return a date as the bare driver gives it (text on SQLite) as a date."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def now() -> datetime:
    """The system clock, in UTC. Policy uses the ledger's effective clock instead."""
    return datetime.now(UTC)
