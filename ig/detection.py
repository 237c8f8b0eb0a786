"""Snooping that shows in the ledger by itself: narrow rules over row bodies, no clinical data needed.

Each rule takes the bodies that ``ig.disclosure`` makes (as parsed JSON) and returns alerts: a code, the member of
staff, the subject's token where there is one, the decisions it rests on, and a sentence. An alert is a question for a
privacy officer, never a finding of guilt (``design/ig.md`` 5.6).
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ig.disclosure import Event
from ig.purpose import Purpose, Role
from ig.relationships import RelationshipKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Body = Mapping[str, Any]

OPENS = time(7)
CLOSES = time(20)
"""The working day, London time, Monday to Friday, of roles that keep office hours."""

OFFICE_ROLES = frozenset({Role.DATA_TEAM, Role.REVIEWER, Role.ANALYST, Role.SOCIAL_WORKER, Role.NAVIGATOR})
"""Wards and out-of-hours GPs work at night; these roles do not."""

REPEATS = 5
REPEATS_WITHIN = timedelta(days=7)
VOLUME_FLOOR = 20
VOLUME_TIMES = 4
TRIES = 5
TRIES_WITHIN = timedelta(hours=24)
FAILED_VERIFICATIONS = frozenset({"demographics-differ", "someone-else"})
"""Outcome codes of a try at a number whose holder's details were not known to whoever tried."""

_HISTORY = 5
_FRIDAY = 4


class Rule(StrEnum):
    """The rules, as stable codes."""

    SELF_LOOKUP = "self-lookup"
    NO_RELATIONSHIP = "no-relationship"
    UNUSUAL_VOLUME = "unusual-volume"
    OUT_OF_HOURS = "out-of-hours"
    REPEATED_LOOKUPS = "repeated-lookups"
    GUESSED_NUMBER = "guessed-number"


@dataclass(frozen=True, slots=True)
class Alert:
    """One question for a privacy officer. ``decisions`` are decision ids, oldest first."""

    rule: Rule
    actor: str
    subject: str
    decisions: tuple[str, ...]
    words: str

    def __str__(self) -> str:
        """As a report prints it."""
        return f"{self.rule}: {self.actor} {self.words}"


def examine(bodies: Iterable[Body], own_tokens: Mapping[str, str] | None = None) -> list[Alert]:
    """Return every rule's alerts over the same rows. ``own_tokens``: member of staff → token of their own record."""
    rows = list(bodies)
    return [
        *self_lookups(rows, own_tokens or {}),
        *without_relationship(rows),
        *unusual_volume(rows),
        *out_of_hours(rows),
        *repeated_lookups(rows),
        *guessed_numbers(rows),
    ]


def self_lookups(bodies: Iterable[Body], own_tokens: Mapping[str, str]) -> list[Alert]:
    """Somebody looked at their own record. Never noise: always asked about."""
    return [
        _alert(Rule.SELF_LOOKUP, row, token, "looked at their own record")
        for row in _human(bodies)
        for token in _tokens(row)
        if own_tokens.get(_actor(row)) == token
    ]


def without_relationship(bodies: Iterable[Body]) -> list[Alert]:
    """A care access that rests on the practitioner's own claim, or on broken glass, and on no recorded tie."""
    weak = (RelationshipKind.SELF_CLAIM, RelationshipKind.NONE)
    return [
        _alert(Rule.NO_RELATIONSHIP, row, next(iter(_tokens(row)), ""), "opened a record with no recorded tie")
        for row in _human(bodies)
        if row["purpose"] == Purpose.EMERGENCY
        or (row["purpose"] == Purpose.DIRECT_CARE and row["relationship"] in weak)
    ]


def unusual_volume(bodies: Iterable[Body]) -> list[Alert]:
    """More people in a day than four times one's own median of earlier days, and at least twenty.

    Needs five earlier days with any access: a newcomer is not compared with nothing.
    """
    days: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for row in _human(bodies):
        for token in _tokens(row):
            days[_actor(row)][_london(row).date().isoformat()].setdefault(token, row["decision_id"])
    found = []
    for actor, by_day in days.items():
        seen: list[int] = []
        for day in sorted(by_day):
            people = by_day[day]
            usual = statistics.median(seen) if len(seen) >= _HISTORY else None
            if usual is not None and len(people) >= VOLUME_FLOOR and len(people) > VOLUME_TIMES * usual:
                words = f"looked at {len(people)} people on {day}; their median day is {usual:g}"
                found.append(Alert(Rule.UNUSUAL_VOLUME, actor, "", tuple(people.values()), words))
            seen.append(len(people))
    return found


def out_of_hours(bodies: Iterable[Body]) -> list[Alert]:
    """An access at night or at a weekend, London time, by a role that keeps office hours."""
    return [
        _alert(Rule.OUT_OF_HOURS, row, next(iter(_tokens(row)), ""), "looked outside working hours")
        for row in _human(bodies)
        if row["actor"]["role"] in OFFICE_ROLES and not _office_hours(_london(row))
    ]


def repeated_lookups(bodies: Iterable[Body]) -> list[Alert]:
    """The same person five times or more within seven days, by the same member of staff, without a recorded tie."""
    looks: dict[tuple[str, str], list[tuple[datetime, str]]] = defaultdict(list)
    tied = {RelationshipKind.REGISTRATION, RelationshipKind.CASELOAD, RelationshipKind.EPISODE}
    for row in _human(bodies):
        if row["relationship"] not in tied:
            for token in _tokens(row):
                looks[_actor(row), token].append((_london(row), row["decision_id"]))
    found = []
    for (actor, token), times in looks.items():
        times.sort()
        for first, last in zip(times, times[REPEATS - 1 :], strict=False):
            if last[0] - first[0] <= REPEATS_WITHIN:
                decisions = tuple(decision for at, decision in times if first[0] <= at <= last[0])
                words = f"looked at one person {REPEATS} times or more within {REPEATS_WITHIN.days} days"
                found.append(Alert(Rule.REPEATED_LOOKUPS, actor, token, decisions, words))
                break
    return found


def guessed_numbers(bodies: Iterable[Body]) -> list[Alert]:
    """Five failed verifications of one person's number within a day, by the same member of staff.

    That many also lock the number for them; a typing mistake is made once or twice.
    """
    tries: dict[tuple[str, str], list[tuple[datetime, str]]] = defaultdict(list)
    for row in _human(bodies):
        if row.get("result") in FAILED_VERIFICATIONS:
            for token in _tokens(row):
                tries[_actor(row), token].append((_london(row), str(row["decision_id"])))
    words = f"failed {TRIES} times or more within a day to verify one person's number"
    return [
        Alert(Rule.GUESSED_NUMBER, actor, token, tuple(decision for _, decision in times), words)
        for (actor, token), unsorted in tries.items()
        if _crowded(times := sorted(unsorted), TRIES, TRIES_WITHIN)
    ]


def _crowded(times: list[tuple[datetime, str]], count: int, within: timedelta) -> bool:
    """Whether any ``count`` in a row of these instants lie ``within`` so long."""
    return any(last[0] - first[0] <= within for first, last in zip(times, times[count - 1 :], strict=False))


def _human(bodies: Iterable[Body]) -> Iterator[Body]:
    """The disclosures made to people; refusals and the gateway's own work are other questions."""
    return (row for row in bodies if row["event"] == Event.DISCLOSURE and row["actor"]["role"] != Role.SYSTEM)


def _actor(row: Body) -> str:
    return str(row["actor"]["subject"])


def _tokens(row: Body) -> list[str]:
    return list(row["subjects"]["tokens"])


def _alert(rule: Rule, row: Body, token: str, words: str) -> Alert:
    return Alert(rule, _actor(row), token, (str(row["decision_id"]),), words)


def _london(row: Body) -> datetime:
    return datetime.fromisoformat(row["at"]).astimezone(_zone())


def _office_hours(at: datetime) -> bool:
    return at.weekday() <= _FRIDAY and OPENS <= at.time() < CLOSES


@cache
def _zone() -> ZoneInfo:
    return ZoneInfo("Europe/London")
