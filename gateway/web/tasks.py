"""What the pages offer whom. An offer is not a permission: the gate decides when the page is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ig.purpose import Purpose, Role

if TYPE_CHECKING:
    from gateway.auth.caller import Caller


@dataclass(frozen=True, slots=True)
class Task:
    """One page: where it is, its name, what it is for, and the purposes and roles it serves (none means all)."""

    href: str
    name: str
    text: str
    purposes: frozenset[Purpose] = frozenset()
    roles: frozenset[Role] = frozenset()

    def offered_to(self, caller: Caller) -> bool:
        """Does it serve the caller's purpose and role?"""
        served = not self.purposes or caller.purpose in self.purposes
        return served and (not self.roles or caller.role in self.roles)


TASKS: Final = (
    Task(
        "/verify",
        "Verify or find an NHS number",
        "Check that a number belongs to this person, or find the number of a person you know.",
        frozenset({Purpose.DEMOGRAPHIC_TRACE}),
    ),
    Task(
        "/review",
        "Review doubtful pairs",
        "Decide the records that the model leaves to a person.",
        frozenset({Purpose.DEMOGRAPHIC_TRACE}),
        frozenset({Role.REVIEWER}),
    ),
    Task(
        "/review/sample",
        "Judge pairs blind",
        "Say of a few pairs whether they are one person: it measures how well records are joined.",
        frozenset({Purpose.DEMOGRAPHIC_TRACE}),
        frozenset({Role.REVIEWER}),
    ),
    Task(
        "/quality/unmatched",
        "Unmatched records",
        "See why records did not match, which field to fix, and what to do next.",
        frozenset({Purpose.DEMOGRAPHIC_TRACE}),
        frozenset({Role.DATA_TEAM, Role.REVIEWER}),
    ),
    Task(
        "/quality/numbers",
        "NHS numbers in your records",
        "See how many records have no NHS number, share one, or hold one that nobody has verified.",
        frozenset({Purpose.DEMOGRAPHIC_TRACE}),
        frozenset({Role.DATA_TEAM, Role.REVIEWER}),
    ),
    Task(
        "/changes",
        "What has changed",
        "Decide where your records and the index say different things.",
        frozenset({Purpose.DEMOGRAPHIC_TRACE}),
        frozenset({Role.DATA_TEAM}),
    ),
    Task(
        "/audit",
        "Who looked at what",
        "See who looked at the record of a person, why and under which agreement, and whether the log is intact.",
        frozenset({Purpose.IG_AUDIT, Purpose.SUBJECT_ACCESS}),
    ),
    Task(
        "/recalls",
        "Recalls of wrong links",
        "See who received a link that was taken back, and say that they have heard.",
        frozenset({Purpose.IG_AUDIT}),
        frozenset({Role.IG_OFFICER, Role.PRIVACY_OFFICER}),
    ),
    Task(
        "/agreements",
        "Agreements",
        "Read the information sharing agreements that decide who may see what.",
    ),
)


def tasks_for(caller: Caller) -> list[Task]:
    """Return what to offer this caller."""
    return [task for task in TASKS if task.offered_to(caller)]


def navigation(caller: Caller | None, path: str) -> list[dict[str, Any]]:
    """Return the header's links, the current one marked."""
    if caller is None:
        return []
    return [{"href": task.href, "text": task.name, "current": path == task.href} for task in tasks_for(caller)]
