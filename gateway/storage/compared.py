"""What was compared: which records are due, which carry another number than their person, which lost their ground.

A record is due when it, the person it is joined to, or the rules are not as they were when it was last compared. So a
load of either side has only those compared whom it concerns, and a run that was killed goes on where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gateway.storage.factkinds import NEVER_LINK
from gateway.storage.permit import require

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from gateway.storage.database import Database, Reading, Tx
    from gateway.storage.permit import Permit

SEALED: Final = (
    f"(SELECT subject FROM fact WHERE kind = '{NEVER_LINK}' UNION SELECT value FROM fact WHERE kind = '{NEVER_LINK}')"  # noqa: S608 - our own names
)
"""The ids of everybody, of then and of now, whom a seal protects, as a subquery."""

_COMPARED: Final = ("source_person_id", "person_id", "content_hash", "version", "rules")
_JOINED: Final = (
    "source_person s JOIN live_link l ON l.source_person_id = s.source_person_id "
    "JOIN index_person i ON i.person_id = l.person_id"
)
_COMPARABLE: Final = (
    f"s.retired_into IS NULL AND i.superseded_by = '' AND i.security <> 'I' AND i.person_id NOT IN {SEALED}"
)
_DUE: Final = (
    "s.source_person_id, s.source, s.organisation, r.content_hash, r.body, l.person_id, i.version, i.security, "
    "i.death, j.patient"
)
_SAID: Final = (
    "JOIN index_patient j ON j.id = i.id JOIN resource r ON r.source_person_id = s.source_person_id "
    "AND r.section = 'demographics' AND r.type = 'Patient' AND NOT r.deleted "
    "LEFT JOIN compared c ON c.source_person_id = s.source_person_id"
)
_NOT_YET: Final = (
    "(c.source_person_id IS NULL OR c.person_id <> l.person_id OR c.version <> i.version "
    "OR c.content_hash <> r.content_hash OR c.rules <> ?)"
)
_NUMBERED: Final = "s.source_person_id, s.source, s.organisation, s.nhs_number, l.person_id, i.nhs_number"
_MISNUMBERED: Final = (
    "((s.nhs_number <> '' AND s.nhs_number <> i.nhs_number) OR EXISTS (SELECT 1 FROM difference d WHERE "
    "d.source_person_id = s.source_person_id AND d.field = 'nhs_number' AND d.state <> 'superseded'))"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run compares: records of these sources (of all where none is named), joined on these grounds, by rules."""

    bases: frozenset[str]
    rules: str
    sources: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Due:
    """A record to be compared with the person it is joined to. ``said`` and ``patient`` are either side's Patient."""

    source_person_id: str
    source: str
    organisation: str
    content_hash: str
    said: bytes
    person_id: str
    version: int
    security: str
    death: str
    patient: bytes


@dataclass(frozen=True, slots=True)
class Numbered:
    """A record whose own number is not that of the person it is joined to, or was not when last looked at."""

    source_person_id: str
    source: str
    organisation: str
    nhs_number: str
    person_id: str
    current_number: str


class Compared:
    """The repository of what was compared, and of what is to be."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, permit: Permit, scope: Scope, after: str, limit: int) -> list[Due]:
        """Return records that were not compared as they and their person are now, by id after ``after``.

        Only those joined to somebody whose number stands, and whom no seal protects.
        """
        require(permit)
        with self._database.read() as view:
            where, values = _within(view, scope)
            sql = (
                f"SELECT {_DUE} FROM {_JOINED} {_SAID} "  # noqa: S608 - our own names
                f"WHERE {where} AND {_NOT_YET} AND s.source_person_id > ? ORDER BY s.source_person_id LIMIT ?"
            )
            return [_due(row) for row in view.raw(sql, (*values, scope.rules, after, limit))]

    def pairs(self, permit: Permit, scope: Scope, records: Collection[str]) -> dict[str, Due]:
        """Return those of these records that can be compared, whether they are due or not."""
        require(permit)
        with self._database.read() as view:
            where, values = _within(view, scope)
            sql = f"SELECT {_DUE} FROM {_JOINED} {_SAID} WHERE {where} AND {view.among('s.source_person_id')}"  # noqa: S608 - our own names
            rows = view.raw(sql, (*values, view.listed(sorted(records))))
        return {row[0]: _due(row) for row in rows}

    def due_count(self, permit: Permit, scope: Scope) -> int:
        """Return how many records :meth:`due` would return in all."""
        require(permit)
        with self._database.read() as view:
            where, values = _within(view, scope)
            sql = f"SELECT count(*) FROM {_JOINED} {_SAID} WHERE {where} AND {_NOT_YET}"  # noqa: S608 - our own names
            return int(view.raw(sql, (*values, scope.rules))[0][0])

    def numbered(self, permit: Permit, scope: Scope, record: str) -> Numbered | None:
        """Return one joined record with its own number and its person's, or None where it cannot be compared."""
        require(permit)
        with self._database.read() as view:
            where, values = _within(view, scope)
            sql = f"SELECT {_NUMBERED} FROM {_JOINED} WHERE {where} AND s.source_person_id = ?"  # noqa: S608 - our own names
            rows = view.raw(sql, (*values, record))
        return Numbered(*rows[0]) if rows else None

    def misnumbered(self, permit: Permit, scope: Scope, after: str, limit: int) -> list[Numbered]:
        """Return joined records whose own number is not their person's, or was not when last looked at, by id."""
        require(permit)
        with self._database.read() as view:
            where, values = _within(view, scope)
            sql = (
                f"SELECT {_NUMBERED} FROM {_JOINED} WHERE {where} AND {_MISNUMBERED} AND s.source_person_id > ? "  # noqa: S608
                "ORDER BY s.source_person_id LIMIT ?"
            )
            return [Numbered(*row) for row in view.raw(sql, (*values, after, limit))]

    def holding(self, permit: Permit, source: str, organisation: str, number: str) -> list[str]:
        """Return the records of one sender that carry ``number`` themselves, by id."""
        require(permit)
        sql = (
            "SELECT source_person_id FROM source_person WHERE source = ? AND organisation = ? AND nhs_number = ? "
            "AND retired_into IS NULL ORDER BY source_person_id"
        )
        with self._database.read() as view:
            return [row[0] for row in view.raw(sql, (source, organisation, number))]

    def lapsed(self, permit: Permit, scope: Scope, limit: int) -> list[str]:
        """Return records with differences that cannot stand: not joined as they were, merged away, or protected."""
        require(permit)
        with self._database.read() as view:
            sql = (
                "SELECT DISTINCT d.source_person_id FROM difference d "  # noqa: S608 - our own names
                "JOIN source_person s ON s.source_person_id = d.source_person_id "
                "LEFT JOIN live_link l ON l.source_person_id = d.source_person_id "
                "WHERE d.state <> 'superseded' AND (l.person_id IS NULL OR l.person_id <> d.person_id "
                f"OR NOT {view.among('l.basis')} OR s.retired_into IS NOT NULL OR d.person_id IN {SEALED}) "
                "ORDER BY d.source_person_id LIMIT ?"
            )
            return [row[0] for row in view.raw(sql, (view.listed(sorted(scope.bases)), limit))]

    def put(self, tx: Tx, due: Sequence[Due], rules: str) -> None:
        """Record what these records were compared at."""
        rows = [(one.source_person_id, one.person_id, one.content_hash, one.version, rules) for one in due]
        sets = ",".join(f"{name}=excluded.{name}" for name in _COMPARED[1:])
        tx.merge("compared", _COMPARED, rows, f"(source_person_id) DO UPDATE SET {sets}")

    def forget(self, tx: Tx, records: Collection[str]) -> None:
        """Have these records compared by the next run."""
        tx.change(f"DELETE FROM compared WHERE {tx.among('source_person_id')}", (tx.listed(sorted(records)),))  # noqa: S608 - our own names


def of_sources(view: Reading, sources: Collection[str]) -> tuple[str, list[object]]:
    """Return the further condition that a record is of one of these sources, and its values; none for all of them."""
    return (f" AND {view.among('s.source')}", [view.listed(sorted(sources))]) if sources else ("", [])


def _within(view: Reading, scope: Scope) -> tuple[str, list[object]]:
    condition, values = of_sources(view, scope.sources)
    return f"{view.among('l.basis')} AND {_COMPARABLE}{condition}", [view.listed(sorted(scope.bases)), *values]


def _due(row: tuple[Any, ...]) -> Due:
    values = (*row[:4], bytes(row[4]), *row[5:9], bytes(row[9]))
    return Due(*values)
