"""Legitimate relationships: the ties between a person and a member of staff that make an access care.

Registration comes from the index, caseload and episode from the feeds, referral from either, and a self-claim from the
practitioner, who gives a reason and is alerted on. Each tie has its evidence and its end (``design/ig.md`` 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from ig.question import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


class RelationshipKind(StrEnum):
    """The kinds, in order of preference when several stand."""

    REGISTRATION = "registration"
    CASELOAD = "caseload"
    EPISODE = "episode"
    REFERRAL = "referral"
    SELF_CLAIM = "self-claim"
    NONE = "none"


LINGERS: Mapping[RelationshipKind, timedelta] = MappingProxyType(
    {
        RelationshipKind.REGISTRATION: timedelta(0),
        RelationshipKind.CASELOAD: timedelta(days=30),  # letters and closure notes follow the last visit
        RelationshipKind.EPISODE: timedelta(days=30),  # the discharge letter and the call after it
        RelationshipKind.REFERRAL: timedelta(days=90),
        RelationshipKind.SELF_CLAIM: timedelta(0),
    }
)
"""How long a tie outlives its recorded end."""

SELF_CLAIM_LASTS = timedelta(hours=24)
"""A self-claim is good for this long, whatever end was recorded."""

_ORDER = {kind: place for place, kind in enumerate(RelationshipKind)}


@dataclass(frozen=True, slots=True)
class Tie:
    """One recorded tie. ``staff`` empty means the whole organisation (a registration, a ward); ``until`` None: open."""

    kind: RelationshipKind
    organisation: str
    since: datetime
    source: str
    staff: str = ""
    until: datetime | None = None

    def ends(self) -> datetime | None:
        """Return the instant from which it no longer stands, or None while it is open."""
        if self.kind is RelationshipKind.SELF_CLAIM:
            return self.since + SELF_CLAIM_LASTS
        return None if self.until is None else self.until + LINGERS[self.kind]


def legitimate(ties: Iterable[Tie], staff: str, organisation: str, now: datetime) -> Fact:
    """Return the fact for ``Facts.relationship``: the preferred kind that stands now, or ``none``.

    A self-claim is good for the one who made it; a tie without staff for all of its organisation.
    """
    standing = [t for t in ties if _is_of(t, staff, organisation) and t.since <= now and _open(t, now)]
    if not standing:
        return Fact(RelationshipKind.NONE, "no tie recorded", now)
    best = min(standing, key=lambda t: (_ORDER[t.kind], t.since))
    return Fact(best.kind, best.source, best.since, best.ends())


def _is_of(tie: Tie, staff: str, organisation: str) -> bool:
    if tie.organisation != organisation:
        return False
    return tie.staff == staff or (not tie.staff and tie.kind is not RelationshipKind.SELF_CLAIM)


def _open(tie: Tie, now: datetime) -> bool:
    ends = tie.ends()
    return ends is None or now < ends
