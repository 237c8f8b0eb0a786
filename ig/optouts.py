"""Opt-outs: recorded for everybody, applied only where an agreement names the scheme, and never to direct care.

National data opt-out (DCB3058) turns on the purpose; Type 1 is a coded objection in the GP record that stops that
practice's rows, and only those, from secondary use; a local scheme is what its agreement says. Whoever calls resolves
superseded NHS numbers first and hands in the records of every number the person has ever had (T22).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from ig.purpose import SECONDARY_USES, Dataset
from ig.question import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, timedelta

    from ig.purpose import Purpose
    from ig.terms import OptOut

NATIONAL = "national"
TYPE1 = "type1"

OPTED_OUT = "opted-out"
NOT_OPTED_OUT = "none"

# Read v2 and CTV3 9Nu0. / 9Nu1.; SNOMED CT dissent and its withdrawal.
_TYPE1_CODES = {
    "9Nu0.": True,
    "9Nu0": True,
    "827241000000103": True,
    "9Nu1.": False,
    "9Nu1": False,
    "827261000000102": False,
}


@dataclass(frozen=True, slots=True)
class OptOutRecord:
    """On ``dated`` the person (or, with ``dissents`` false, their withdrawal) was recorded under ``scheme``."""

    scheme: str
    dissents: bool
    dated: date
    source: str


def type1_of(code: str) -> bool | None:
    """Return whether a coded GP entry objects (True), withdraws an objection (False) or says neither (None)."""
    return _TYPE1_CODES.get(code)


def standing(records: Iterable[OptOutRecord]) -> dict[str, Fact]:
    """Return where one person stands under each scheme that has a record: the latest date wins, dissent in a tie."""
    latest: dict[str, OptOutRecord] = {}
    for record in records:
        held = latest.get(record.scheme)
        if held is None or (record.dated, record.dissents) > (held.dated, held.dissents):
            latest[record.scheme] = record
    return {
        scheme: Fact(
            OPTED_OUT if record.dissents else NOT_OPTED_OUT,
            record.source,
            datetime.combine(record.dated, time.min, UTC),
        )
        for scheme, record in latest.items()
    }


def applicable(rules: Iterable[OptOut], purpose: Purpose, datasets: frozenset[str]) -> tuple[OptOut, ...]:
    """Return the rules that bear on one use: secondary uses only, and Type 1 only where GP rows are among the data."""
    if purpose not in SECONDARY_USES:
        return ()
    return tuple(rule for rule in rules if rule.scheme != TYPE1 or Dataset.GP in datasets)


def stale(fact: Fact, max_age: timedelta | None, now: datetime) -> bool:
    """Whether what is known is older than the agreement allows, or has expired."""
    return not fact.stands(now) or (max_age is not None and now - fact.as_of > max_age)
