"""Keep the demonstration and the real world apart: which NHS numbers may enter which kind of database.

A demonstration refuses a file with a number that could be somebody's; production sets rows with test numbers aside.
Numbers beginning 5 and 9 have never been issued to anybody (NHS number ranges, ``design/nhs-tracing.md`` 5.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.feed import Quarantined
from gateway.errors import InputError
from gateway.settings import Mode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.settings import Settings
    from gateway.storage.records import Incoming

NEVER_ISSUED: Final = ("5", "9")


def refuse_real_numbers(settings: Settings, numbers: Iterable[str]) -> None:
    """Let only never-issued numbers into a demonstration.

    Raises:
        InputError: demo mode, and one of ``numbers`` (ten digits each) could be somebody's.
    """
    if settings.mode is Mode.DEMO and not all(number.startswith(NEVER_ISSUED) for number in numbers):
        raise InputError(
            "nhs_number: a demonstration takes only numbers of the never-issued ranges (beginning 5 or 9)",
            reason="real-number",
            field="nhs_number",
        )


def is_test_number(settings: Settings, number: str) -> bool:
    """Whether ``number`` (ten digits, or empty) belongs to a test and this database to real people."""
    return settings.mode is Mode.PRODUCTION and number.startswith(NEVER_ISSUED)


def fit_for(settings: Settings, read: Iterable[Incoming]) -> tuple[list[Incoming], list[Incoming]]:
    """Part what may enter this database from what carries a test number into production.

    Raises:
        InputError: demo mode, and a number could be somebody's.
    """
    fit: list[Incoming] = []
    aside: list[Incoming] = []
    for one in read:
        (aside if is_test_number(settings, one.nhs_number) else fit).append(one)
    refuse_real_numbers(settings, (one.nhs_number for one in fit if one.nhs_number))
    return fit, aside


def set_aside(feed: str, row: int, original: bytes, header: bytes) -> Quarantined:
    """Return a row with a test number as the quarantine keeps it."""
    message = "nhs_number: a number of the never-issued ranges, which are for tests [test-number]"
    return Quarantined(feed, row, "nhs_number", "test-number", message, original, header=header)
