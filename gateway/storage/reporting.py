"""How the records of each organisation stand, for reports: what was found, which number they hold, which are open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from gateway.storage.permit import require
from gateway.storage.rows import sent_by
from gateway.storage.schema.base import utc
from linkage.findings import Flag

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from gateway.storage.database import Database
    from gateway.storage.permit import Permit


@dataclass(frozen=True, slots=True)
class Record:
    """One source person as it stands. ``number`` is the valid one that its source gave, ``found`` the traced one.

    ``outcome`` is empty and ``traced_at`` None before the first trace; ``basis`` is the ground on which the record is
    ``person_id``, empty where nobody has said yet.
    """

    source_person_id: str
    source: str
    organisation: str
    person_ref: str
    number: str
    outcome: str
    reason: str
    flags: frozenset[str]
    found: str
    basis: str
    person_id: str
    traced_at: datetime | None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many records an organisation's source has, how many of them were traced, and how many are settled."""

    source: str
    organisation: str
    records: int
    traced: int
    settled: int


@dataclass(frozen=True, slots=True)
class Aside:
    """A row that the quarantine holds. ``local_id`` is the row's identity where its reader could still tell it."""

    quarantine_id: str
    source: str
    feed: str
    row: int
    field: str
    rule: str
    local_id: str
    header: bytes
    original: bytes


_RECORD: Final = (
    "SELECT s.source_person_id, s.source, s.organisation, s.person_ref, s.nhs_number, COALESCE(t.outcome, ''), "
    "COALESCE(t.reason, ''), COALESCE(t.flags, ''), COALESCE(t.nhs_number, ''), COALESCE(l.basis, ''), "
    "COALESCE(l.person_id, ''), t.at FROM source_person s "
    "LEFT JOIN trace_result t ON t.source_person_id = s.source_person_id "
    "LEFT JOIN live_link l ON l.source_person_id = s.source_person_id "
)
_UNDERWAY: Final = {"EpisodeOfCare": "active", "Encounter": "in-progress"}


class Reporting:
    """What reports read. ``organisations`` None stands for every organisation's records, ``sources`` () for any's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def records(
        self,
        permit: Permit,
        after_id: str = "",
        limit: int = 1000,
        *,
        sources: Collection[str] = (),
        organisations: Collection[str] | None = None,
    ) -> list[Record]:
        """Return records not merged away by their source, by id after ``after_id``, at most ``limit``."""
        return self._page(permit, "", after_id, limit, sources, organisations)

    def doubtful(
        self,
        permit: Permit,
        after_id: str = "",
        limit: int = 1000,
        *,
        sources: Collection[str] = (),
        organisations: Collection[str] | None = None,
    ) -> list[Record]:
        """Return those that were found although something is wrong: another number than their own, or a duplicate."""
        wrong = (
            "AND t.outcome = 'matched' AND ((s.nhs_number <> '' AND t.nhs_number <> '' "
            "AND s.nhs_number <> t.nhs_number) OR t.flags LIKE ?)"
        )
        flagged = f"%{Flag.DUPLICATE_IN_SOURCE}%"
        return self._page(permit, wrong, after_id, limit, sources, organisations, flagged)

    def underway(self, permit: Permit, source_people: Collection[str]) -> set[str]:
        """Return those with an episode of care or an encounter that has begun and not ended."""
        require(permit)
        with self._database.read() as view:
            sql = (
                "SELECT source_person_id, type, body FROM resource WHERE type IN ('EpisodeOfCare', 'Encounter') "  # noqa: S608
                f"AND NOT deleted AND {view.among('source_person_id')}"
            )
            rows = view.raw(sql, (view.listed(sorted(source_people)),))
        return {name for name, kind, body in rows if orjson.loads(bytes(body)).get("status") == _UNDERWAY[kind]}

    def shared_numbers(self, permit: Permit, *, organisations: Collection[str] | None = None) -> list[Record]:
        """Return the records of one source and organisation that came with one number, by number."""
        require(permit)
        together = (
            "SELECT source_person_id FROM (SELECT source_person_id, count(*) OVER (PARTITION BY source, organisation, "
            "nhs_number) AS records FROM source_person WHERE nhs_number <> '' AND retired_into IS NULL) AS counted "
            "WHERE records > 1"
        )
        with self._database.read() as view:
            whose, values = sent_by(view, (), organisations)
            sql = f"{_RECORD} WHERE s.source_person_id IN ({together}) {whose} ORDER BY s.source, s.organisation, "
            rows = view.raw(f"{sql} s.nhs_number, s.person_ref", values)
        return [_record(row) for row in rows]

    def tallies(self, organisations: Collection[str] | None = None) -> list[Tally]:
        """Return how the records of each source and organisation stand; figures only, so no permit."""
        with self._database.read() as view:
            whose, values = sent_by(view, (), organisations)
            sql = (
                "SELECT s.source, s.organisation, count(*), sum(CASE WHEN t.outcome IS NULL THEN 0 ELSE 1 END), "  # noqa: S608
                "sum(CASE WHEN t.outcome = 'matched' OR COALESCE(l.basis, 'own') <> 'own' THEN 1 ELSE 0 END) "
                "FROM source_person s LEFT JOIN trace_result t ON t.source_person_id = s.source_person_id "
                "LEFT JOIN live_link l ON l.source_person_id = s.source_person_id "
                f"WHERE s.retired_into IS NULL {whose} GROUP BY s.source, s.organisation ORDER BY 1, 2"
            )
            return [Tally(row[0], row[1], *map(int, row[2:])) for row in view.raw(sql, values)]

    def aside(
        self, permit: Permit, after_id: str = "", limit: int = 500, *, sources: Collection[str] = ()
    ) -> list[Aside]:
        """Return rows that are set aside, by id after ``after_id``, at most ``limit``."""
        require(permit)
        with self._database.read() as view:
            wanted = [view.listed(sorted(sources))] if sources else []
            of_source = f"AND {view.among('source')}" if sources else ""
            sql = (
                "SELECT quarantine_id, source, feed, row, field, rule, local_id, header, original FROM quarantine "  # noqa: S608
                f"WHERE state = 'held' AND quarantine_id > ? {of_source} ORDER BY quarantine_id LIMIT ?"
            )
            rows = view.raw(sql, (after_id, *wanted, limit))
        return [_aside(row) for row in rows]

    def senders(self, permit: Permit, feeds: Collection[str]) -> dict[tuple[str, str], str]:
        """Return (source, file) → the organisation whose records came in it, of files that hold one's alone."""
        require(permit)
        with self._database.read() as view:
            sql = f"SELECT DISTINCT source, feed, organisation FROM source_record WHERE {view.among('feed')}"  # noqa: S608
            rows = view.raw(sql, (view.listed(sorted(feeds)),))
        found: dict[tuple[str, str], set[str]] = {}
        for source, feed, organisation in rows:
            found.setdefault((source, feed), set()).add(organisation)
        return {key: min(names) for key, names in found.items() if len(names) == 1}

    def _page(  # noqa: PLR0913, PLR0917 - what a page is made of
        self,
        permit: Permit,
        condition: str,
        after_id: str,
        limit: int,
        sources: Collection[str],
        organisations: Collection[str] | None,
        *conditioned: str,
    ) -> list[Record]:
        require(permit)
        with self._database.read() as view:
            whose, values = sent_by(view, sources, organisations)
            sql = f"{_RECORD} WHERE s.source_person_id > ? AND s.retired_into IS NULL {condition} {whose} "
            asked = (after_id, *conditioned, *values, limit)
            rows = view.raw(f"{sql} ORDER BY s.source_person_id LIMIT ?", asked)
        return [_record(row) for row in rows]


def _aside(row: tuple[Any, ...]) -> Aside:
    values = (*row[:7], bytes(row[7]), bytes(row[8]))
    return Aside(*values)


def _record(row: tuple[Any, ...]) -> Record:
    values = (*row[:7], frozenset(row[7].split(",")) - {""}, *row[8:11], utc(row[11]) if row[11] else None)
    return Record(*values)
