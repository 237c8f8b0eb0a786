"""What the sources sent, as records, resources and people in their own words."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gateway.storage.intake import (
    Batch,
    Counts,
    Incoming,
    Known,
    PersonRow,
    Shelf,
    demographics_hash,
    source_person_id,
)
from gateway.storage.links import kept_apart
from gateway.storage.permit import require
from gateway.storage.population import Member, people_of, readable
from ig.decision import FilterKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from adapters.feed import SourceRecord
    from gateway.storage.database import Database, Reading, Tx
    from gateway.storage.intake import Key
    from gateway.storage.permit import Permit

__all__ = ["Counts", "Incoming", "Member", "Records", "Shelf", "SourceCount", "SourcePerson", "StoredResource"]
__all__ += ["source_person_id"]

_PERSON: Final = (
    "source_person_id",
    "source",
    "organisation",
    "person_ref",
    "nhs_number",
    "packed",
    "demographics_hash",
    "occurred",
    "traced_under",
    "retired_into",
)
_RESOURCE: Final = (
    "resource_id",
    "type",
    "source_person_id",
    "source",
    "organisation",
    "kind",
    "local_id",
    "section",
    "sensitive",
    "occurred",
    "feed",
    "row",
    "content_hash",
    "deleted",
    "body",
)

_MEANT: Final = ("trace_result", "number_check", "onward_question")
"""The tables that say of which details of a record they speak."""

SourcePerson = PersonRow


@dataclass(frozen=True, slots=True)
class StoredResource:
    """One UK Core resource as JSON bytes, and where it came from: file, row and the hash of the original."""

    resource_id: str
    type: str
    source_person_id: str
    source: str
    organisation: str
    kind: str
    local_id: str
    section: str
    sensitive: bool
    occurred: str
    feed: str
    row: int
    content_hash: str
    body: bytes


@dataclass(frozen=True, slots=True)
class LinkedResource:
    """A resource and the person it was joined to, for a release. ``body`` is JSON bytes."""

    person_id: str
    source: str
    section: str
    occurred: str
    body: bytes


@dataclass(frozen=True, slots=True)
class SourceCount:
    """How much one source has sent: people, how many of them with an NHS number of its own, records, resources."""

    source: str
    people: int
    with_number: int
    records: int
    resources: int


_RECORD: Final = (
    "source",
    "organisation",
    "kind",
    "local_id",
    "content_hash",
    "feed",
    "row",
    "occurred",
    "source_person_id",
    "live",
)


class Records:
    """The repository of what came in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- in ------------------------------------------------------------------------------------------------------

    def put_many(
        self, tx: Tx, batch: Sequence[Incoming], classify: Callable[[SourceRecord, dict[str, Any]], Shelf]
    ) -> Counts:
        """Store a batch: records, originals, resources, and the people as the source describes them.

        ``classify`` says of each resource which section it belongs to and whether it is sensitive. The same record
        with the same content is counted and changes nothing, in whatever order and however often files arrive.
        """
        rows = Batch(_known(tx, batch), _people(tx, batch), classify)
        for incoming in batch:
            rows.take(incoming)
        _write(tx, rows)
        return rows.counts

    def mark_traced(self, tx: Tx, traced_under: Mapping[str, str]) -> None:
        """Record for each source person the model (or any stamp) that they were last traced under."""
        rows = [(stamp, person) for person, stamp in traced_under.items()]
        tx.many("UPDATE source_person SET traced_under = ? WHERE source_person_id = ?", rows)

    def untrace(self, tx: Tx, people: Collection[str]) -> int:
        """Have these source people traced by the next run, whatever they were traced under. Returns how many."""
        sql = f"UPDATE source_person SET traced_under = '' WHERE {tx.among('source_person_id')}"  # noqa: S608 - our own names
        return tx.change(sql, (tx.listed(sorted(people)),))

    def repack(self, tx: Tx, packed: Mapping[str, bytes]) -> None:
        """Replace what source people are compared by, made anew from what their source said; nobody said anything new.

        The digest follows wherever it says which details were meant, so that the same record sent again still changes
        nothing.
        """
        rows = [(data, demographics_hash(data), name) for name, data in packed.items()]
        before = "(SELECT s.demographics_hash FROM source_person s WHERE s.source_person_id = ?)"
        for table in _MEANT:
            sql = (
                f"UPDATE {table} SET demographics_hash = ? WHERE source_person_id = ? AND demographics_hash = {before}"  # noqa: S608
            )
            tx.many(sql, [(digest, name, name) for _, digest, name in rows])
        tx.many("UPDATE source_person SET packed = ?, demographics_hash = ? WHERE source_person_id = ?", rows)

    def retire(self, tx: Tx, person: str, into: str | None) -> None:
        """Say that a source merged ``person`` into another of its people; None takes that back."""
        tx.change("UPDATE source_person SET retired_into = ? WHERE source_person_id = ?", (into, person))

    def withdraw(self, tx: Tx, organisation: str) -> int:
        """Take an organisation's resources out of everything shown; records and originals stay. Returns how many."""
        return tx.change("DELETE FROM resource WHERE organisation = ?", (organisation,))

    # --- out -----------------------------------------------------------------------------------------------------

    def resources_of(
        self,
        permit: Permit,
        people: Collection[str],
        sections: Collection[str] | None = None,
        *,
        limit: int = 10_000,
    ) -> list[StoredResource]:
        """Return the resources of source people, those merged into them included, newest first.

        Only from the permit's providers, only of ``sections`` where given; where the permit filters code sets, no
        sensitive resource. At most ``limit``.
        """
        require(permit)
        providers = readable(permit)
        with self._database.read() as view:
            conditions = [view.among("source_person_id"), view.among("organisation"), "NOT deleted"]
            values = [view.listed(_with_retired(view, people)), view.listed(providers)]
            if sections is not None:
                conditions.append(view.among("section"))
                values.append(view.listed(sections))
            if any(kept.kind is FilterKind.WITHOUT_CODES for kept in permit.row_filters):
                conditions.append("NOT sensitive")
            columns = ",".join(name for name in _RESOURCE if name != "deleted")
            sql = (
                f"SELECT {columns} FROM resource WHERE {' AND '.join(conditions)} "  # noqa: S608 - our own names
                "ORDER BY occurred DESC, resource_id LIMIT ?"
            )
            found = view.raw(sql, (*values, limit))
        return [StoredResource(*_resource(row)) for row in found]

    def source_people(
        self, permit: Permit, after_id: str = "", limit: int = 1000, untraced_for: str | None = None
    ) -> list[SourcePerson]:
        """Return source people with demographics and not merged away, in order of id after ``after_id``.

        ``untraced_for`` leaves out those already traced under that stamp with the same demographics.
        """
        require(permit)
        stamp, values = "", [after_id]
        if untraced_for is not None:
            stamp = "AND traced_under <> ? "
            values.append(untraced_for)
        sql = (
            f"SELECT {','.join(_PERSON)} FROM source_person "  # noqa: S608 - our own names
            f"WHERE source_person_id > ? AND demographics_hash <> '' AND retired_into IS NULL {stamp}"
            "ORDER BY source_person_id LIMIT ?"
        )
        with self._database.read() as view:
            return [_person(row) for row in view.raw(sql, (*values, limit))]

    def packed_of(self, permit: Permit, people: Collection[str]) -> dict[str, bytes]:
        """Return the packed person of each of these source people that has demographics and is not merged away."""
        require(permit)
        with self._database.read() as view:
            held = _held_people(view, people)
        return {name: row.packed for name, row in held.items() if row.packed and row.retired_into is None}

    def people(self, permit: Permit, names: Collection[str]) -> list[SourcePerson]:
        """Return those of these source people who have demographics and are not merged away, by id."""
        require(permit)
        with self._database.read() as view:
            held = _held_people(view, names)
        return [row for _, row in sorted(held.items()) if row.packed and row.retired_into is None]

    def patients(self, permit: Permit, names: Collection[str]) -> dict[str, bytes]:
        """Return the Patient of each of these source people as JSON bytes."""
        require(permit)
        with self._database.read() as view:
            sql = (
                "SELECT source_person_id, body FROM resource WHERE type = 'Patient' AND NOT deleted "  # noqa: S608
                f"AND {view.among('source_person_id')} ORDER BY occurred"
            )
            return {row[0]: bytes(row[1]) for row in view.raw(sql, (view.listed(sorted(names)),))}

    def merged(self, permit: Permit) -> dict[str, str]:
        """Return whom their source merged into another of its people: record → the last record of the chain.

        Those whom a decision keeps apart from it are left out.
        """
        require(permit)
        sql = "SELECT source_person_id, retired_into FROM source_person WHERE retired_into IS NOT NULL"
        with self._database.read() as view:
            into = dict(view.raw(sql))
            ends = {name: _end(name, into) for name in into}
            barred = kept_apart(view, ends) if ends else set()
        return {name: end for name, end in sorted(ends.items()) if name not in barred and end not in into}

    def own_numbers(self, permit: Permit) -> Iterator[tuple[str, str]]:
        """Yield (source person, the NHS number that its source gave), for those that have one."""
        require(permit)
        sql = (
            "SELECT source_person_id, nhs_number FROM source_person WHERE nhs_number <> '' AND source_person_id > ? "
            "ORDER BY source_person_id LIMIT 10000"
        )
        last = ""
        while rows := self._rows(sql, (last,)):
            yield from rows
            last = rows[-1][0]

    def _rows(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._database.read() as view:
            return view.raw(sql, values)

    def source_person(self, permit: Permit, person: str) -> SourcePerson | None:
        """Return one source person, or None."""
        require(permit)
        with self._database.read() as view:
            return _held_people(view, [person]).get(person)

    def linked(self, permit: Permit, sections: Collection[str], chunk: int = 5_000) -> Iterator[LinkedResource]:
        """Yield what the permit's population has in ``sections``, by resource id: what a release is made of.

        Only from the permit's providers, and never what is sensitive. Who is in the population is ``population``'s.
        """
        require(permit)
        with self._database.read() as view:
            conditions = [view.among("r.organisation"), view.among("r.section")]
            values = [view.listed(readable(permit)), view.listed(sections)]
            sql = (
                "SELECT r.resource_id, l.person_id, r.source, r.section, r.occurred, r.body FROM resource r "  # noqa: S608
                "JOIN live_link l ON l.source_person_id = r.source_person_id "
                f"WHERE {' AND '.join(conditions)} AND NOT r.deleted AND NOT r.sensitive AND r.resource_id > ? "
                "ORDER BY r.resource_id LIMIT ?"
            )
            last = ""
            while rows := view.raw(sql, (*values, last, chunk)):
                yield from (LinkedResource(row[1], row[2], row[3], row[4], bytes(row[5])) for row in rows)
                last = rows[-1][0]

    def joined(self) -> int:
        """Return how many people have a live link; a figure only, so no permit."""
        with self._database.read() as view:
            return int(view.raw("SELECT count(DISTINCT person_id) FROM live_link")[0][0])

    def counts(self) -> list[SourceCount]:
        """Return how much each source has sent; figures only, so no permit."""
        people = "SELECT source, count(*), sum(CASE WHEN nhs_number <> '' THEN 1 ELSE 0 END) FROM source_person"
        with self._database.read() as view:
            met = {row[0]: row[1:] for row in view.raw(f"{people} GROUP BY source")}
            sent = dict(view.raw("SELECT source, count(*) FROM source_record WHERE live GROUP BY source"))
            held = dict(view.raw("SELECT source, count(*) FROM resource WHERE NOT deleted GROUP BY source"))
        return [
            SourceCount(source, *map(int, (*met.get(source, (0, 0)), sent.get(source, 0), held.get(source, 0))))
            for source in sorted(met.keys() | sent.keys())
        ]

    def original(self, permit: Permit, content_hash: str) -> bytes | None:
        """Return a row or message as it was received, by the SHA-256 of it."""
        require(permit)
        with self._database.read() as view:
            rows = view.raw("SELECT body FROM original WHERE content_hash = ?", (content_hash,))
        return bytes(rows[0][0]) if rows else None

    def population(self, permit: Permit) -> list[Member]:
        """Return everyone with a live link to a readable record who passes the permit's row filters, by person id."""
        require(permit)
        with self._database.read() as view:
            return people_of(view, permit)


def _known(tx: Tx, batch: Sequence[Incoming]) -> dict[Key, Known]:
    """Return what is held of each record of the batch."""
    by_kind: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for incoming in batch:
        record = incoming.record
        by_kind[record.source, record.organisation, record.kind].append(record.local_id)
    known: dict[Key, Known] = {}
    sql = (
        "SELECT local_id, content_hash, occurred, live FROM source_record "  # noqa: S608 - our own names
        f"WHERE source = ? AND organisation = ? AND kind = ? AND {tx.among('local_id')}"
    )
    for kind, local_ids in by_kind.items():
        for local_id, content_hash, occurred, live in tx.raw(sql, (*kind, tx.listed(local_ids))):
            held = known.setdefault((*kind, local_id), Known())
            held.hashes.add(content_hash)
            if live:
                held.live, held.occurred = content_hash, occurred
    return known


def _people(tx: Tx, batch: Sequence[Incoming]) -> dict[str, PersonRow]:
    records = (incoming.record for incoming in batch)
    return _held_people(tx, {source_person_id(r.source, r.organisation, r.person_ref) for r in records if r.person_ref})


def _held_people(view: Reading, people: Iterable[str]) -> dict[str, PersonRow]:
    sql = f"SELECT {','.join(_PERSON)} FROM source_person WHERE {view.among('source_person_id')}"  # noqa: S608 - our own names
    return {row[0]: _person(row) for row in view.raw(sql, (view.listed(people),))}


def _person(row: tuple[Any, ...]) -> PersonRow:
    values = (*row[:5], bytes(row[5]), *row[6:])
    return PersonRow(*values)


def _resource(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*row[:8], bool(row[8]), *row[9:13], bytes(row[13]))


def _write(tx: Tx, rows: Batch) -> None:
    tx.merge("original", ("content_hash", "body"), sorted(rows.originals.items()), "DO NOTHING")
    key = "source = ? AND organisation = ? AND kind = ? AND local_id = ?"
    tx.many(f"UPDATE source_record SET live = FALSE WHERE {key} AND content_hash = ?", rows.retired)  # noqa: S608 - our own names
    tx.load("source_record", _RECORD, rows.version_rows())
    # What an older version said and the newer one no longer says; a Patient is shared by all records of the person.
    gone = f"DELETE FROM resource WHERE {key} AND content_hash = ? AND NOT deleted AND type <> 'Patient'"  # noqa: S608
    tx.many(gone, rows.retired)
    people = [_person_row(person) for _, person in sorted(rows.touched.items())]
    tx.merge("source_person", _PERSON, people, f"(source_person_id) DO UPDATE SET {_sets(_PERSON)}")
    newer = f"(resource_id) DO UPDATE SET {_sets(_RESOURCE)} WHERE excluded.occurred >= resource.occurred"
    tx.merge("resource", _RESOURCE, sorted(rows.resources.values()), newer)


def _sets(columns: Sequence[str]) -> str:
    """Every column but the key, from the row that was refused."""
    return ",".join(f"{name}=excluded.{name}" for name in columns[1:])


def _person_row(person: PersonRow) -> tuple[Any, ...]:
    return tuple(getattr(person, name) for name in _PERSON)


def _end(name: str, into: Mapping[str, str]) -> str:
    """The last record of a chain of merges; a ring ends where it began."""
    seen = {name}
    while (after := into.get(name)) is not None and after not in seen:
        seen.add(after)
        name = after
    return name


def _with_retired(view: Reading, people: Collection[str]) -> list[str]:
    """Return the people and everyone merged into them, however long the chain, unless a decision keeps them apart."""
    found, last = set(people), set(people)
    while last:
        sql = f"SELECT source_person_id, retired_into FROM source_person WHERE {view.among('retired_into')}"  # noqa: S608 - our own names
        merged = {name: into for name, into in view.raw(sql, (view.listed(last),)) if name not in found}
        last = merged.keys() - (kept_apart(view, merged) if merged else set())
        found |= last
    return sorted(found)
