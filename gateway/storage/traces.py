"""What each trace of a source person found, the latest only: figures for reports, reasons for the explanation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.storage.permit import require
from gateway.storage.rows import pack_evidence, sent_by, unpack_evidence
from gateway.storage.schema import now

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from gateway.storage.database import Database, Tx
    from gateway.storage.permit import Permit
    from linkage.explain import Evidence

_COLUMNS = ("source_person_id", "outcome", "step", "reason", "flags", "nhs_number", "person_id", "evidence", "model")


@dataclass(frozen=True, slots=True)
class TraceResult:
    """The answer for one source person. ``nhs_number`` and ``person_id`` are the proposed ones, or empty."""

    source_person_id: str
    outcome: str
    step: str
    reason: str
    flags: tuple[str, ...]
    nhs_number: str
    person_id: str
    evidence: tuple[Evidence, ...]
    model: str


@dataclass(frozen=True, slots=True)
class NumberCount:
    """How many of a source's people had an NHS number of their own, and how many have one now."""

    source: str
    people: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Shared:
    """A record that has its person in common with another of its source; ``basis`` is the ground of its own link."""

    source: str
    person_id: str
    basis: str
    source_person_id: str
    person_ref: str


@dataclass(frozen=True, slots=True)
class UnsettledRow:
    """A source person whom no trace, number or person's decision has settled, and why not.

    ``nhs_number`` is the one that the source itself gave, or empty.
    """

    source_person_id: str
    source: str
    organisation: str
    person_ref: str
    nhs_number: str
    outcome: str
    reason: str
    flags: frozenset[str]


class Traces:
    """The repository of trace results."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_many(self, tx: Tx, results: Sequence[TraceResult]) -> None:
        """Store results in place of earlier ones, and mark each source person as traced under the result's model."""
        columns, at = (*_COLUMNS, "demographics_hash", "at"), now().isoformat()
        sets = ",".join(f"{name}=excluded.{name}" for name in columns[1:])
        latest = {result.source_person_id: (*_row(result), "", at) for result in results}
        tx.merge("trace_result", columns, list(latest.values()), f"(source_person_id) DO UPDATE SET {sets}")
        # which details it answers for: who changes them later is known by that
        of_record = "SELECT s.demographics_hash FROM source_person s WHERE s.source_person_id = "
        tx.change(
            f"UPDATE trace_result SET demographics_hash = COALESCE(({of_record}trace_result.source_person_id), '') "  # noqa: S608
            f"WHERE {tx.among('source_person_id')}",
            (tx.listed(sorted(latest)),),
        )
        marks = [(result.model, result.source_person_id) for result in results]
        tx.many("UPDATE source_person SET traced_under = ? WHERE source_person_id = ?", marks)

    def forget(self, tx: Tx, source_people: Sequence[str]) -> None:
        """Drop what was found about these source people: they are traced by the next run as if for the first time."""
        tx.many("DELETE FROM trace_result WHERE source_person_id = ?", [(person,) for person in source_people])
        marks = [("", person) for person in source_people]
        tx.many("UPDATE source_person SET traced_under = ? WHERE source_person_id = ?", marks)

    def forget_all(self, tx: Tx) -> None:
        """Have everybody traced by the next run; what was found stands until then."""
        tx.change("UPDATE source_person SET traced_under = ''")

    def touching(self, permit: Permit, persons: Collection[str]) -> set[str]:
        """Return the source people who are linked to one of ``persons``, or proposed for one of them."""
        require(permit)
        with self._database.read() as view:
            listed = view.listed(sorted(persons))
            linked = f"SELECT source_person_id FROM live_link WHERE {view.among('person_id')}"  # noqa: S608 - our own names
            proposed = f"SELECT source_person_id FROM trace_result WHERE {view.among('person_id')}"  # noqa: S608 - our own names
            return {row[0] for sql in (linked, proposed) for row in view.raw(sql, (listed,))}

    def shared(self, permit: Permit, organisation: str) -> list[Shared]:
        """Return the records of one organisation's sources that share a person with another of the same source."""
        require(permit)
        sql = (
            "SELECT source, person_id, basis, source_person_id, person_ref FROM ("
            "SELECT s.source, l.person_id, l.basis, s.source_person_id, s.person_ref, "
            "count(*) OVER (PARTITION BY s.source, l.person_id) AS together FROM source_person s "
            "JOIN live_link l ON l.source_person_id = s.source_person_id "
            "WHERE s.organisation = ? AND s.retired_into IS NULL) AS joined WHERE together > 1 "
            "ORDER BY source, person_id, person_ref"
        )
        with self._database.read() as view:
            return [Shared(*row) for row in view.raw(sql, (organisation,))]

    def numbers_found(self, permit: Permit) -> dict[str, str]:
        """Return the number proposed for each source person traced, empty where none was."""
        require(permit)
        with self._database.read() as view:
            return dict(view.raw("SELECT source_person_id, nhs_number FROM trace_result"))

    def flag_duplicates(self, tx: Tx, flag: str) -> int:
        """Flag those source people who share a person with another of the same sender. Returns how many there are.

        Who shared one and does so no longer loses the flag.
        """
        sql = (
            "SELECT t.source_person_id, t.flags, count(*) OVER (PARTITION BY s.source, s.organisation, l.person_id) "
            "FROM trace_result t JOIN source_person s ON s.source_person_id = t.source_person_id "
            "JOIN live_link l ON l.source_person_id = t.source_person_id WHERE s.retired_into IS NULL"
        )
        changed, shared = [], 0
        for person, joined, together in tx.raw(sql):
            flags = set(joined.split(",")) - {"", flag}
            if together > 1:
                flags.add(flag)
                shared += 1
            if (now_flagged := ",".join(sorted(flags))) != joined:
                changed.append((now_flagged, person))
        tx.many("UPDATE trace_result SET flags = ? WHERE source_person_id = ?", changed)
        return shared

    def of(self, permit: Permit, source_person: str) -> TraceResult | None:
        """Return the latest result for a source person, or None before the first."""
        require(permit)
        sql = f"SELECT {','.join(_COLUMNS)} FROM trace_result WHERE source_person_id = ?"  # noqa: S608 - our own names
        with self._database.read() as view:
            rows = view.raw(sql, (source_person,))
        return _result(rows[0]) if rows else None

    def of_many(self, permit: Permit, source_people: Collection[str]) -> dict[str, TraceResult]:
        """Return the latest result of each of these source people who was traced."""
        require(permit)
        with self._database.read() as view:
            sql = f"SELECT {','.join(_COLUMNS)} FROM trace_result WHERE {view.among('source_person_id')}"  # noqa: S608 - our own names
            return {row[0]: _result(row) for row in view.raw(sql, (view.listed(source_people),))}

    def unsettled(
        self,
        permit: Permit,
        after_id: str = "",
        limit: int = 1000,
        *,
        sources: Collection[str] = (),
        organisations: Collection[str] | None = None,
    ) -> list[UnsettledRow]:
        """Return those who were traced without a match and whom nobody joined since, by id after ``after_id``.

        ``sources`` none named: every source's; ``organisations`` None: every organisation's.
        """
        require(permit)
        with self._database.read() as view:
            whose, values = sent_by(view, sources, organisations)
            sql = (
                "SELECT t.source_person_id, s.source, s.organisation, s.person_ref, s.nhs_number, t.outcome, t.reason, "  # noqa: S608
                "t.flags FROM trace_result t JOIN source_person s ON s.source_person_id = t.source_person_id "
                "LEFT JOIN live_link l ON l.source_person_id = t.source_person_id "
                f"WHERE t.source_person_id > ? {whose} AND t.outcome <> 'matched' AND s.retired_into IS NULL "
                "AND (l.basis IS NULL OR l.basis = 'own') ORDER BY t.source_person_id LIMIT ?"
            )
            rows = view.raw(sql, (after_id, *values, limit))
        return [_unsettled(row) for row in rows]

    def counts(self) -> dict[str, dict[str, int]]:
        """Return source → outcome → people; figures only, so no permit."""
        sql = (
            "SELECT s.source, t.outcome, count(*) FROM trace_result t "
            "JOIN source_person s ON s.source_person_id = t.source_person_id "
            "GROUP BY s.source, t.outcome ORDER BY s.source, t.outcome"
        )
        counts: dict[str, dict[str, int]] = {}
        with self._database.read() as view:
            for source, outcome, number in view.raw(sql):
                counts.setdefault(source, {})[outcome] = number
        return counts

    def numbers(self) -> list[NumberCount]:
        """Return for each source how many people had a number before linking and have one after it."""
        sql = (
            "SELECT s.source, count(*), sum(CASE WHEN s.nhs_number <> '' THEN 1 ELSE 0 END), "
            "sum(CASE WHEN s.nhs_number <> '' OR p.nhs_number IS NOT NULL THEN 1 ELSE 0 END) FROM source_person s "
            "LEFT JOIN live_link l ON l.source_person_id = s.source_person_id "
            "LEFT JOIN person p ON p.person_id = l.person_id "
            "WHERE s.retired_into IS NULL GROUP BY s.source ORDER BY s.source"
        )
        with self._database.read() as view:
            return [NumberCount(row[0], *map(int, row[1:])) for row in view.raw(sql)]


def _unsettled(row: tuple[Any, ...]) -> UnsettledRow:
    values = (*row[:7], frozenset(row[7].split(",")) - {""})
    return UnsettledRow(*values)


def _row(result: TraceResult) -> tuple[Any, ...]:
    return (
        result.source_person_id,
        result.outcome,
        result.step,
        result.reason,
        ",".join(sorted(result.flags)),
        result.nhs_number,
        result.person_id,
        pack_evidence(result.evidence),
        result.model,
    )


def _result(row: tuple[Any, ...]) -> TraceResult:
    flags = tuple(row[4].split(",")) if row[4] else ()
    values = (*row[:4], flags, *row[5:7], unpack_evidence(bytes(row[7])), row[8])
    return TraceResult(*values)
