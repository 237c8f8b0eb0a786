"""Review cases: the doubtful pairs, and what a person decided about them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

import orjson

from gateway.errors import Conflict, NotFound
from gateway.storage.permit import require
from gateway.storage.schema import now
from gateway.storage.schema.base import utc
from linkage.explain import Evidence

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from gateway.storage.database import Database, Tx
    from gateway.storage.permit import Permit

_NAMESPACE: Final = UUID("5d5a0b8f-3b39-5a53-8f0f-6f7e2ad8f6d1")


class CaseState(StrEnum):
    """Whether somebody still has to look. A closed case was overtaken: its ``decision`` is the reason."""

    OPEN = "open"
    DECIDED = "decided"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class CaseCandidate:
    """One person it may be, with weight in bits, posterior and evidence. Values stay in the index."""

    person_id: str
    bits: float
    posterior: float
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class NewCase:
    """A doubt about one source person, under one model."""

    source_person_id: str
    reason: str
    candidates: tuple[CaseCandidate, ...]
    model: str


@dataclass(frozen=True, slots=True)
class Case:
    """A case as stored. ``decision`` is ``is`` or ``none`` once decided, about ``person_id``; a reason once closed."""

    case_id: str
    source_person_id: str
    reason: str
    candidates: tuple[CaseCandidate, ...]
    model: str
    state: CaseState
    decision: str
    person_id: str
    actor: str
    note: str
    opened_at: datetime
    decided_at: datetime | None


Cases = list[Case]


class Reviews:
    """The repository of review cases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, tx: Tx, cases: Sequence[NewCase]) -> int:
        """Open cases. A doubt about the same candidates is brought up to date, and stays decided once decided.

        An open case of the same source person about other candidates is closed: one doubt at a time. Returns how many
        are open of those given.
        """
        at = now().isoformat()
        rows = [
            (_case_id(case), case.source_person_id, case.reason, _pack(case.candidates), case.model, at)
            for case in cases
        ]
        sql = (
            "INSERT INTO review_case (case_id, source_person_id, reason, candidates, model, state, decision, person_id,"
            " actor, note, opened_at) VALUES (?, ?, ?, ?, ?, 'open', '', '', '', '', ?) ON CONFLICT (case_id) "
            "DO UPDATE SET reason = excluded.reason, candidates = excluded.candidates, model = excluded.model, "
            "state = 'open', decision = '' WHERE review_case.state <> 'decided'"
        )
        other = f"{_CLOSE} WHERE source_person_id = ? AND case_id <> ? AND state = 'open'"
        tx.many(other, [("other-candidates", row[1], row[0]) for row in rows])
        tx.many(sql, rows)
        return len(rows)

    def close_of(self, tx: Tx, source_people: Sequence[str], reason: str = "settled") -> None:
        """Close the open cases of source people about whom there is no doubt any more, and say why."""
        sql = f"{_CLOSE} WHERE source_person_id = ? AND state = 'open'"
        tx.many(sql, [(reason, person) for person in source_people])

    def close(self, tx: Tx, case_id: str, reason: str) -> None:
        """Close one case that was overtaken, and say why."""
        tx.change(f"{_CLOSE} WHERE case_id = ? AND state = 'open'", (reason, case_id))

    def reopen(self, tx: Tx, case_id: str) -> None:
        """Open a decided case again, its decision taken back.

        Raises:
            Conflict: it is not decided.
        """
        sql = (
            "UPDATE review_case SET state = 'open', decision = '', person_id = '', actor = '', note = '', "
            "decided_at = NULL WHERE case_id = ? AND state = 'decided'"
        )
        if not tx.change(sql, (case_id,)):
            raise Conflict("this case is not decided", reason="review-not-decided")

    def naming(self, permit: Permit, persons: Collection[str]) -> set[str]:
        """Return the source people whose open case has one of ``persons`` among its candidates."""
        require(permit)
        wanted = set(persons)
        with self._database.read() as view:
            rows = view.raw("SELECT source_person_id, candidates FROM review_case WHERE state = 'open'")
        return {name for name, packed in rows if wanted & {one[0] for one in orjson.loads(bytes(packed))}}

    def list(self, permit: Permit, state: CaseState = CaseState.OPEN, after: str = "", limit: int = 100) -> Cases:
        """Return cases in order of id, after a given one, at most ``limit``."""
        require(permit)
        sql = f"SELECT {_COLUMNS} FROM review_case WHERE state = ? AND case_id > ? ORDER BY case_id LIMIT ?"  # noqa: S608 - our own names
        with self._database.read() as view:
            return [_case(row) for row in view.raw(sql, (state.value, after, limit))]

    def show(self, permit: Permit, case_id: str) -> Case:
        """Return one case.

        Raises:
            NotFound: there is none of that id.
        """
        require(permit)
        with self._database.read() as view:
            rows = view.raw(f"SELECT {_COLUMNS} FROM review_case WHERE case_id = ?", (case_id,))  # noqa: S608 - our own names
        if not rows:
            raise NotFound("there is no such review case", reason="review-case")
        return _case(rows[0])

    def decide(  # noqa: PLR0913 - who decided what about whom, and why
        self, tx: Tx, case_id: str, decision: str, *, person_id: str, actor: str, note: str = ""
    ) -> None:
        """Record a decision; the link itself is appended in the same transaction by whoever calls.

        Raises:
            Conflict: somebody has decided already, or there is no such case.
        """
        sql = (
            "UPDATE review_case SET state = 'decided', decision = ?, person_id = ?, actor = ?, note = ?, decided_at = ?"
            " WHERE case_id = ? AND state = 'open'"
        )
        if not tx.change(sql, (decision, person_id, actor, note, now().isoformat(), case_id)):
            raise Conflict("this case is not open any more", reason="review-decided")

    def counts(self) -> dict[str, int]:
        """Return how many cases are in each state; figures only, so no permit."""
        with self._database.read() as view:
            return dict(view.raw("SELECT state, count(*) FROM review_case GROUP BY state"))


_CLOSE: Final = "UPDATE review_case SET state = 'closed', decision = ?"
_COLUMNS: Final = (
    "case_id, source_person_id, reason, candidates, model, state, decision, person_id, actor, note, "
    "opened_at, decided_at"
)


def _case_id(case: NewCase) -> str:
    """A doubt is about a record and the people it may be; which model has it does not make it another one."""
    people = "|".join(sorted(one.person_id for one in case.candidates))
    return str(uuid5(_NAMESPACE, f"{case.source_person_id}|{people}"))


def _pack(candidates: Sequence[CaseCandidate]) -> bytes:
    return orjson.dumps(
        [(c.person_id, c.bits, c.posterior, [(e.field, e.level, e.bits) for e in c.evidence]) for c in candidates]
    )


def _case(row: tuple[Any, ...]) -> Case:
    candidates = tuple(
        CaseCandidate(person, bits, posterior, tuple(Evidence(*item) for item in evidence))
        for person, bits, posterior, evidence in orjson.loads(bytes(row[3]))
    )
    decided = utc(row[11]) if row[11] else None
    values = (*row[:3], candidates, row[4], CaseState(row[5]), *row[6:10], utc(row[10]), decided)
    return Case(*values)
