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
    from collections.abc import Sequence
    from datetime import datetime

    from gateway.storage.database import Database, Tx
    from gateway.storage.permit import Permit

_NAMESPACE: Final = UUID("5d5a0b8f-3b39-5a53-8f0f-6f7e2ad8f6d1")


class CaseState(StrEnum):
    """Whether somebody still has to look."""

    OPEN = "open"
    DECIDED = "decided"


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
    """A case as stored. ``decision`` is ``is``, ``never`` or ``none`` once decided, about ``person_id``."""

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
        """Open cases. An open one about the same source person is brought up to date; a decided one stays decided.

        Returns how many were opened or brought up to date.
        """
        at = now().isoformat()
        rows = [
            (
                str(uuid5(_NAMESPACE, f"{case.source_person_id}|{case.model}")),
                case.source_person_id,
                case.reason,
                _pack(case.candidates),
                case.model,
                at,
            )
            for case in cases
        ]
        sql = (
            "INSERT INTO review_case (case_id, source_person_id, reason, candidates, model, state, decision, person_id,"
            " actor, note, opened_at) VALUES (?, ?, ?, ?, ?, 'open', '', '', '', '', ?) ON CONFLICT (case_id) "
            "DO UPDATE SET reason = excluded.reason, candidates = excluded.candidates WHERE review_case.state = 'open'"
        )
        stale = "DELETE FROM review_case WHERE source_person_id = ? AND model <> ? AND state = 'open'"
        tx.many(stale, [(row[1], row[4]) for row in rows])
        tx.many(sql, rows)
        return len(rows)

    def close_of(self, tx: Tx, source_people: Sequence[str]) -> None:
        """Remove the open cases of source people about whom there is no doubt any more."""
        sql = "DELETE FROM review_case WHERE source_person_id = ? AND state = 'open'"
        tx.many(sql, [(person,) for person in source_people])

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


_COLUMNS: Final = (
    "case_id, source_person_id, reason, candidates, model, state, decision, person_id, actor, note, "
    "opened_at, decided_at"
)


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
