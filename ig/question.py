"""What is asked, by whom, and what is known when it is asked. All of it is handed in; nothing here is looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ig.purpose import Level, OrgClass, Purpose, Role

SubjectRef = NewType("SubjectRef", str)
"""A person, as an opaque reference that means nothing outside the gateway."""


@dataclass(frozen=True, slots=True)
class Known:
    """One person, already identified."""

    ref: SubjectRef


@dataclass(frozen=True, slots=True)
class Described:
    """Whoever fits given demographics: the subject of a trace."""


@dataclass(frozen=True, slots=True)
class Population:
    """Everyone who passes ``filters``, each the name of a field. Filtering on a field is a use of it."""

    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: one person or system, in one role, of one organisation, for one purpose."""

    subject: str
    organisation: str
    org_class: OrgClass
    role: Role
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class Request:
    """One question. ``fields`` are sections, elements or columns; ``filtered_on`` those it filters or sorts by."""

    asker: Asker
    level: Level
    datasets: frozenset[str]
    fields: frozenset[str]
    subject: Known | Described | Population
    filtered_on: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fact:
    """Something known, by whom and since when. From ``expires`` on (UTC) it is unknown again."""

    value: str
    source: str
    as_of: datetime
    expires: datetime | None = None

    def stands(self, now: datetime) -> bool:
        """Whether the fact may still be relied on at ``now``."""
        return self.expires is None or now < self.expires


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about the organisations and the subject of one request. Absent or None means *unknown*.

    ``assurance``     organisation's ODS code → its DSPT status, one of ``ig.schema.DSPT``
    ``relationship``  a kind of ``ig.relationships``, or ``none``
    ``registration``  ODS code of the practice that the person is registered with, or ``none``
    ``restricted``    PDS security: ``U`` | ``R`` | ``V`` | ``I``
    ``optouts``       scheme (``national`` | ``type1`` | ``scheme:CODE``) → ``opted-out`` | ``none`` for one person;
                      for a population any value, since only ``as_of`` (the age of the list) matters there
    ``break_glass``   the listed reason of an emergency access, which expires
    """

    assurance: Mapping[str, Fact] = field(default_factory=dict)
    relationship: Fact | None = None
    registration: Fact | None = None
    restricted: Fact | None = None
    optouts: Mapping[str, Fact] = field(default_factory=dict)
    break_glass: Fact | None = None
