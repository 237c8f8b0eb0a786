"""What an answer was checked against: which index, how old, how many people. Too old an index answers nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gateway.errors import Unavailable

if TYPE_CHECKING:
    from datetime import date

    from gateway.house import House


DEMO: Final = "demo"


@dataclass(frozen=True, slots=True)
class CheckedAgainst:
    """The index behind an answer: ``source`` is pds, gp-list or demo; ``people`` counts its rows.

    ``coverage`` says in words whom it holds, where its loads said so.
    """

    source: str
    as_of: date
    people: int
    coverage: str = ""


def checked_against(house: House) -> CheckedAgainst:
    """Return the index in use.

    Raises:
        Unavailable: no index is loaded, or the one there is past ``GATEWAY_INDEX_MAX_AGE_DAYS``.
    """
    info = house.stores.index.describe()
    if info is None:
        raise Unavailable("no index is loaded: run 'gateway index load'", reason="index-absent")
    age = house.now().date() - info.as_of
    # synthetic people do not move or die: the demonstration's index is as true on any day
    if info.source != DEMO and age > timedelta(days=house.settings.index_max_age_days):
        raise Unavailable(
            f"the index is {age.days} days old and may not be used past {house.settings.index_max_age_days}",
            reason="index-stale",
        )
    return CheckedAgainst(info.source, info.as_of, info.people, info.coverage)
