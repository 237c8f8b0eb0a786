"""The life of an agreement version, as data: which status may follow which.

An emergency suspension is one person's act and takes effect at once; nothing leads back from the end.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from ig.terms import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUS_TRANSITIONS: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        Status.DRAFT: frozenset({Status.APPROVED, Status.TERMINATED}),
        Status.APPROVED: frozenset({Status.DRAFT, Status.ACTIVE, Status.TERMINATED}),
        Status.ACTIVE: frozenset({Status.SUSPENDED, Status.SUPERSEDED, Status.TERMINATED}),
        Status.SUSPENDED: frozenset({Status.ACTIVE, Status.SUPERSEDED, Status.TERMINATED}),
        Status.SUPERSEDED: frozenset(),
        Status.TERMINATED: frozenset(),
    }
)
"""From each status, the statuses that may follow. Drawn into the documentation from here."""

NEVER_IN_FORCE = frozenset({Status.DRAFT, Status.APPROVED})
"""A version with one of these has never bound anybody."""


class TransitionRefused(ValueError):
    """A status that may not follow the present one."""

    def __init__(self, present: Status, wanted: Status) -> None:
        super().__init__(f"an agreement that is {present} cannot become {wanted}")
        self.present = present
        self.wanted = wanted


def check_transition(present: Status, wanted: Status) -> None:
    """Raise TransitionRefused unless ``wanted`` may follow ``present``."""
    if wanted not in STATUS_TRANSITIONS[present]:
        raise TransitionRefused(present, wanted)


def can_transition(present: Status, wanted: Status) -> bool:
    """Whether ``wanted`` may follow ``present``."""
    return wanted in STATUS_TRANSITIONS[present]
