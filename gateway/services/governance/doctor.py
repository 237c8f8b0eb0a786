"""Is this box fit to run? Each finding says what was looked at, whether it is good, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gateway.errors import GatewayError
from gateway.house import open_house
from gateway.services.tracing.against import checked_against
from gateway.storage.engines import OLDEST_SQLITE, sqlite_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.house import House
    from gateway.settings import Settings

_SOON: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    what: str
    good: bool
    words: str


def examine(settings: Settings) -> list[Finding]:
    """Look at the database library, the stores, the index, the clock and the agreements near their end."""
    found = [_sqlite(settings)]
    try:
        house = open_house(settings)
    except GatewayError as error:
        return [*found, Finding("stores", good=False, words=str(error))]
    try:
        return [
            *found,
            Finding("stores", good=True, words="both open"),
            _keys(house),
            _index(house),
            *_agreements(house),
        ]
    finally:
        house.close()


def _sqlite(settings: Settings) -> Finding:
    if settings.database_url:
        return Finding("database", good=True, words="PostgreSQL")
    fit = tuple(map(int, sqlite_version().split("."))) >= OLDEST_SQLITE
    return Finding("SQLite", good=fit, words=f"{sqlite_version()}, needs {'.'.join(map(str, OLDEST_SQLITE))} or later")


def _keys(house: House) -> Finding:
    try:
        house.stores.keys.check()
    except GatewayError as error:
        return Finding("keys", good=False, words=str(error))
    return Finding("keys", good=True, words="every one is there and readable by this service alone")


def _index(house: House) -> Finding:
    try:
        against = checked_against(house)
    except GatewayError as error:
        return Finding("index", good=False, words=str(error))
    return Finding("index", good=True, words=f"{against.people:,} people from {against.source}, as of {against.as_of}")


def _agreements(house: House) -> Iterator[Finding]:
    now = house.now()
    for agreement in house.register().agreements:
        if house.register().status(*agreement.key) == "active":
            left = agreement.valid_to - now
            good = left > _SOON
            yield Finding(f"{agreement.id}@{agreement.version}", good=good, words=f"{left.days} days left")
