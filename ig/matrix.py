"""Everything a register permits, cell by cell, and what a change of it would widen or narrow.

A cell is one field for one organisation, role, purpose, dataset, level and shape of subject. Every combination of what
the register's own texts name is decided, so that "wider or narrower" is computed and never declared
(``design/ig.md`` 2.4). Facts are assumed as handed in; an IG officer wants them favourable.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ig.decide import decide
from ig.purpose import Role
from ig.question import Asker, Described, Fact, Known, Population, Request, SubjectRef
from ig.terms import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from ig.purpose import Level, OrgClass, Purpose
    from ig.question import Facts
    from ig.register import Register
    from ig.terms import Agreement, Grant

_ANYBODY = SubjectRef("anybody")
_SUBJECTS: dict[Shape, Known | Described | Population] = {
    Shape.KNOWN: Known(_ANYBODY),
    Shape.DESCRIBED: Described(),
    Shape.POPULATION: Population(),
}


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One thing that may or may not be permitted. ``caller`` is named for the system role only."""

    organisation: str
    org_class: OrgClass
    role: Role
    purpose: Purpose
    dataset: str
    level: Level
    subject: Shape
    field: str
    caller: str = ""

    def __str__(self) -> str:
        """As an IG officer reads it."""
        who = self.caller or self.role
        what = f"{self.field} of {self.dataset} ({self.level}, {self.subject} subject)"
        return f"{self.organisation} {who}, for {self.purpose}: {what}"


@dataclass(frozen=True, slots=True)
class Reach:
    """What a permitted cell gives: under which grant, whose data, and on which conditions."""

    grant: str
    agreement: str
    providers: frozenset[str]
    conditions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Change:
    """One cell that a change of the register widens or narrows, in words."""

    wider: bool
    cell: Cell
    words: str


def matrix(register: Register, facts: Facts, now: datetime) -> dict[Cell, Reach]:
    """Return every permitted cell. What is absent is denied.

    ``facts`` are the same for every cell, save that a registration is taken to be with the asking practice where the
    caller of this function hands in none: pass favourable facts to see the widest reach.
    """
    found: dict[Cell, Reach] = {}
    for cell in cells(register):
        decision = decide(_request(cell), register, _own(facts, cell, now), now)
        if decision.permits:
            conditions = {":".join((f.kind, *f.values)) for f in decision.row_filters} | set(decision.obligations)
            found[cell] = Reach(decision.grant, decision.agreement, decision.providers, frozenset(conditions))
    return found


def cells(register: Register) -> Iterator[Cell]:
    """Yield every combination worth deciding: each grant's words, for every party and role of the register."""
    parties = sorted({(p.ods, p.org_class) for a in register.agreements for p in a.parties})
    seen: set[Cell] = set()
    for agreement in register.agreements:
        for grant in agreement.all_grants():
            for cell in _of_grant(agreement, grant, parties):
                if cell not in seen:
                    seen.add(cell)
                    yield cell


def _of_grant(agreement: Agreement, grant: Grant, parties: Iterable[tuple[str, OrgClass]]) -> Iterator[Cell]:
    callers = sorted(grant.recipients.callers) or [""]
    datasets = [(d, f) for d in sorted(grant.datasets) for f in sorted(agreement.datasets.get(d, ()))]
    shapes = sorted(Shape)
    for (ods, org_class), role, (dataset, field), shape in itertools.product(parties, sorted(Role), datasets, shapes):
        for caller in callers if role is Role.SYSTEM else [""]:
            yield Cell(ods, org_class, role, grant.purpose, dataset, grant.level, shape, field, caller)


def _request(cell: Cell) -> Request:
    subject = cell.caller or "somebody"
    asker = Asker(subject, cell.organisation, cell.org_class, cell.role, cell.purpose)
    return Request(asker, cell.level, frozenset({cell.dataset}), frozenset({cell.field}), _SUBJECTS[cell.subject])


def _own(facts: Facts, cell: Cell, now: datetime) -> Facts:
    if facts.registration is not None:
        return facts
    return replace(facts, registration=Fact(cell.organisation, "assumed", now))


def diff(before: Mapping[Cell, Reach], after: Mapping[Cell, Reach]) -> list[Change]:
    """Return every cell that widens or narrows, widening first.

    Wider: a new cell, more providers, or a condition less. A cell may do both at once and is then there twice.
    """
    changes = [c for cell in sorted({*before, *after}) for c in _changes(cell, before.get(cell), after.get(cell))]
    return sorted(changes, key=lambda c: not c.wider)


def _changes(cell: Cell, before: Reach | None, after: Reach | None) -> Iterator[Change]:
    if before is None:
        yield Change(True, cell, f"{cell}: newly permitted")
        return
    if after is None:
        yield Change(False, cell, f"{cell}: no longer permitted")
        return
    kinds = (
        (True, "data also of", after.providers - before.providers),
        (False, "data no longer of", before.providers - after.providers),
        (True, "condition lifted:", before.conditions - after.conditions),
        (False, "condition added:", after.conditions - before.conditions),
    )
    for wider, words, what in kinds:
        if what:
            yield Change(wider, cell, f"{cell}: {words} {', '.join(sorted(what))}")
