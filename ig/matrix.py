"""Everything a register permits, cell by cell, and what a change of it would widen or narrow.

A cell is one field for one organisation, role, purpose, dataset, level and shape of subject. Every combination of what
the register's own texts name is decided, so that "wider or narrower" is computed and never declared
(``design/ig.md`` 2.4). The facts are the most favourable there are: the matrix shows the furthest reach, and every
real request has at most that.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ig.decide import decide
from ig.decision import FilterKind, Reason
from ig.optouts import NOT_OPTED_OUT
from ig.purpose import Role
from ig.question import Asker, Described, Fact, Facts, Known, Population, Request, SubjectRef
from ig.schema import DSPT, RELATIONSHIPS
from ig.terms import Shape

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping
    from datetime import datetime

    from ig.decision import Decision
    from ig.purpose import Level, OrgClass, Purpose
    from ig.register import Register
    from ig.terms import Agreement, Grant

_ANYBODY = SubjectRef("anybody")
_SUBJECTS: dict[Shape, Known | Described | Population] = {
    Shape.KNOWN: Known(_ANYBODY),
    Shape.DESCRIBED: Described(),
    Shape.POPULATION: Population(),
}
_Key = TypeVar("_Key", bound="Hashable")


@dataclass(frozen=True, slots=True, order=True)
class Question:
    """A cell without its field: who asks for what. ``caller`` is named for the system role only."""

    organisation: str
    org_class: OrgClass
    role: Role
    purpose: Purpose
    dataset: str
    level: Level
    subject: Shape
    caller: str = ""

    def __str__(self) -> str:
        """As an IG officer reads it."""
        who = self.caller or f"{self.role} of {self.organisation}"
        return f"{who}, {self.purpose}, {self.dataset}, {self.level} level, {self.subject} subject"


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One field of one question: the least thing that may or may not be permitted."""

    question: Question
    field: str


@dataclass(frozen=True, slots=True)
class Reach:
    """What a permitted cell gives: under which grant, whose data, and on which conditions."""

    grant: str
    agreement: str
    providers: frozenset[str]
    conditions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Line:
    """The permitted cells of one question that have one reach."""

    question: Question
    fields: tuple[str, ...]
    reach: Reach

    def __str__(self) -> str:
        """As ``isa matrix`` prints it."""
        given = f"{', '.join(self.fields)}; data of {', '.join(sorted(self.reach.providers))}"
        return f"{self.question}: {given}; under {self.reach.grant} of {self.reach.agreement}"


@dataclass(frozen=True, slots=True)
class Change:
    """What a change of the register does to some cells of one question, in words."""

    wider: bool
    question: Question
    fields: tuple[str, ...]
    what: str

    def __str__(self) -> str:
        """As ``isa diff`` prints it."""
        return f"{'wider' if self.wider else 'narrower'}: {self.question}: {', '.join(self.fields)}: {self.what}"


def reach(register: Register, now: datetime) -> dict[Cell, Reach]:
    """Return every permitted cell. What is absent is denied."""
    parties = sorted({(p.ods, p.org_class) for a in register.agreements for p in a.parties})
    assurance = {ods: Fact(DSPT[-1], "assumed", now) for ods, _ in parties}
    schemes = {rule.scheme for a in register.agreements for rule in a.opt_outs}
    facts = Facts(
        assurance=assurance,
        restricted=Fact("U", "assumed", now),
        optouts={scheme: Fact(NOT_OPTED_OUT, "assumed", now) for scheme in schemes},
        break_glass=Fact("assumed", "assumed", now),
    )
    found: dict[Cell, Reach] = {}
    for cell in cells(register, parties):
        decision = _decide(cell, register, facts, now)
        if decision.permits:
            found[cell] = Reach(decision.grant, decision.agreement, decision.providers, _conditions(decision))
    return found


def matrix(register: Register, now: datetime) -> list[Line]:
    """Return the permitted cells as lines, sorted: one for each question and reach."""
    return _lines(reach(register, now))


def differences(before: Register, after: Register, now: datetime) -> list[Change]:
    """Return what ``after`` widens and narrows against ``before``, widening first."""
    return diff(reach(before, now), reach(after, now))


def diff(before: Mapping[Cell, Reach], after: Mapping[Cell, Reach]) -> list[Change]:
    """Return every cell that widens or narrows, widening first, cells of one question and change together.

    Wider: a new cell, more providers, or a condition less. A cell may do both at once and is then in two changes.
    """
    grouped = _grouped(
        ((cell.question, wider, what), cell.field)
        for cell in sorted({*before, *after})
        for wider, what in _changes(before.get(cell), after.get(cell))
    )
    changes = [Change(wider, question, fields, what) for (question, wider, what), fields in grouped.items()]
    return sorted(changes, key=lambda change: not change.wider)


def cells(register: Register, parties: Iterable[tuple[str, OrgClass]]) -> Iterator[Cell]:
    """Yield, once each, every combination worth deciding: each grant's words, for every party and every role."""
    asked = (q for a in register.agreements for grant in a.all_grants() for q in _questions(a, grant, parties))
    return (Cell(question, name) for question, name in dict.fromkeys(asked))


def _questions(
    agreement: Agreement, grant: Grant, parties: Iterable[tuple[str, OrgClass]]
) -> Iterator[tuple[Question, str]]:
    callers = sorted(grant.recipients.callers) or [""]
    named = [(d, name) for d in sorted(grant.datasets) for name in sorted(agreement.datasets[d])]
    for (ods, org_class), role, (dataset, name), shape in itertools.product(parties, Role, named, Shape):
        for caller in callers if role is Role.SYSTEM else [""]:
            yield Question(ods, org_class, role, grant.purpose, dataset, grant.level, shape, caller), name


def _decide(cell: Cell, register: Register, facts: Facts, now: datetime) -> Decision:
    """Decide with the asker's own patient, and with the first kind of relationship that opens the cell, if any does."""
    q = cell.question
    asker = Asker(q.caller or "somebody", q.organisation, q.org_class, q.role, q.purpose)
    request = Request(asker, q.level, frozenset({q.dataset}), frozenset({cell.field}), _SUBJECTS[q.subject])
    registered = Fact(q.organisation, "assumed", now)
    decision = decide(request, register, _with(facts, registered, None), now)
    if decision.reason is not Reason.RELATIONSHIP_REQUIRED:
        return decision
    ties = (Fact(kind, "assumed", now) for kind in RELATIONSHIPS)
    return max((decide(request, register, _with(facts, registered, tie), now) for tie in ties), key=lambda d: d.permits)


def _with(facts: Facts, registration: Fact, relationship: Fact | None) -> Facts:
    return Facts(facts.assurance, relationship, registration, facts.restricted, facts.optouts, facts.break_glass)


def _conditions(decision: Decision) -> frozenset[str]:
    """Filters and obligations in words; whose data it is stands apart."""
    filters = (":".join((f.kind, *f.values)) for f in decision.row_filters if f.kind is not FilterKind.PROVIDERS)
    return frozenset(filters) | frozenset(decision.obligations)


def _lines(found: Mapping[Cell, Reach]) -> list[Line]:
    grouped = _grouped(((cell.question, one), cell.field) for cell, one in found.items())
    lines = [Line(question, fields, one) for (question, one), fields in grouped.items()]
    return sorted(lines, key=lambda line: (line.question, line.fields))


def _grouped(pairs: Iterable[tuple[_Key, str]]) -> dict[_Key, tuple[str, ...]]:
    groups: defaultdict[_Key, list[str]] = defaultdict(list)
    for key, name in pairs:
        groups[key].append(name)
    return {key: tuple(sorted(names)) for key, names in groups.items()}


def _changes(before: Reach | None, after: Reach | None) -> Iterator[tuple[bool, str]]:
    if before is None or after is None:
        yield (True, "newly permitted") if before is None else (False, "no longer permitted")
        return
    kinds = (
        (True, "data also of", after.providers - before.providers),
        (False, "data no longer of", before.providers - after.providers),
        (True, "condition lifted:", before.conditions - after.conditions),
        (False, "condition added:", after.conditions - before.conditions),
    )
    for wider, words, what in kinds:
        if what:
            yield wider, f"{words} {', '.join(sorted(what))}"
