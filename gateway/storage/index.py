"""The index: the people who can be traced to, found by number or by key.

A trace spends its storage time here, so the two reads it makes go to the bare driver in one statement each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from struct import pack, unpack
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import sqlalchemy as sa

from gateway import ids
from gateway.errors import InputError, Unavailable
from gateway.storage import successions
from gateway.storage.permit import require
from gateway.storage.protection import SEALED, protected
from gateway.storage.schema import now, people
from gateway.storage.schema.base import day
from linkage.findings import Candidate, Death
from linkage.nhs_number import NhsNumber
from linkage.person import Person, Security, StalePerson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from gateway.storage.database import Database, Tx
    from gateway.storage.permit import Permit

# Weakest first: an index is no better than the weakest source of any of its people.
SOURCES: Final = ("demo", "gp-list", "pds")

_FIELD, _ROW = "\x1f", "\x1e"  # no JSON text holds these two raw, so a packed person cannot be mistaken for two
_COLUMNS: Final = (
    "id",
    "person_id",
    "nhs_number",
    "version",
    "security",
    "superseded_by",
    "death",
    "source",
    "as_of",
    "packed",
    "keys",
)
_CANDIDATE: Final = "p.person_id, p.security, p.superseded_by, p.death, p.packed"
_SECURITIES: Final = {security.value: security for security in Security}
_DEATHS: Final = {death.value: death for death in Death}


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One person of the index: ``packed`` is ``Person.pack()``, ``keys`` index keys, ``patient`` PDS-shaped JSON."""

    number: NhsNumber
    packed: bytes
    keys: Sequence[int]
    patient: bytes
    version: int = 1
    security: Security = Security.UNRESTRICTED
    superseded_by: NhsNumber | None = None
    death: Death = Death.NONE


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What an index can vouch for: where its people come from, how old it is, how many they are."""

    source: str
    as_of: date
    people: int
    coverage: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """What the index holds under a number: the version of its row, and its PDS-shaped Patient as JSON."""

    version: int
    patient: bytes


@dataclass(frozen=True, slots=True)
class Changed:
    """A person whom a load changed, and the keys that the row has now."""

    person_id: str
    keys: tuple[int, ...]


class _HeldRow(NamedTuple):
    """What a trace could turn on in a row that is about to be replaced."""

    version: int
    security: str
    superseded_by: str
    death: str
    packed: bytes
    keys: bytes


class PersonIndex:
    """The repository of the index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- loading -------------------------------------------------------------------------------------------------

    def put_many(
        self, tx: Tx, entries: Sequence[IndexEntry], *, source: str, as_of: date, load: int | None = None
    ) -> int:
        """Add or replace people and their keys; of one number given twice the last counts. Returns how many.

        Protected identities go in as :mod:`gateway.storage.protection` leaves them. With ``load``, the count of the
        load, a row keeps its version unless something in it changed that a trace could turn on, and takes this one.

        Raises:
            InputError: ``source`` is not one of ``demo``, ``gp-list``, ``pds``.
        """
        if source not in SOURCES:
            raise InputError(f"an index source is one of {', '.join(SOURCES)}", reason="index-source", field="source")
        chunk = {_row_id(entry.number): entry for entry in protected(tx, entries)}
        held = self._held(tx, chunk)
        if load is not None:
            chunk = {i: replace(entry, version=_version(entry, held.get(i), load)) for i, entry in chunk.items()}
        gone, added = _key_changes({i: row.keys for i, row in held.items()}, chunk)
        listed = tx.listed(held)
        tx.many("DELETE FROM index_key WHERE hash = ? AND person = ?", gone)
        for table in ("index_person", "index_patient"):
            tx.change(f"DELETE FROM {table} WHERE {tx.among('id')}", (listed,))  # noqa: S608 - our own names
        tx.load("index_person", _COLUMNS, [_index_row(i, chunk[i], source, as_of) for i in sorted(chunk)])
        tx.load("index_patient", ("id", "patient"), [(i, chunk[i].patient) for i in sorted(chunk)])
        tx.load("index_key", ("hash", "person"), added)
        successions.note(tx, _replaced(chunk, held))
        return len(chunk)

    def _held(self, tx: Tx, ids_wanted: Iterable[int]) -> dict[int, _HeldRow]:
        columns = "id, version, security, superseded_by, death, packed, keys"
        sql = f"SELECT {columns} FROM index_person WHERE {tx.among('id')}"  # noqa: S608 - our own names
        return {
            int(row[0]): _HeldRow(row[1], row[2], row[3], row[4], bytes(row[5]), bytes(row[6]))
            for row in tx.raw(sql, (tx.listed(ids_wanted),))
        }

    def protect(self, tx: Tx, people: Iterable[str], *, load: int) -> int:
        """Take earlier identities out of people already held: a seal counts from the moment it is loaded.

        ``people`` are the person ids that new seals name. Returns how many rows were written anew.
        """
        wanted = sorted(set(people))
        columns = "p.nhs_number, p.packed, p.keys, j.patient, p.version, p.security, p.superseded_by, p.death"
        sql = (
            f"SELECT p.source, p.as_of, {columns} FROM index_person p JOIN index_patient j ON j.id = p.id "  # noqa: S608
            f"WHERE {tx.among('p.person_id')}"
        )
        rows = tx.raw(sql, (tx.listed(wanted),))
        for row in rows:
            as_of = day(row[1])
            # whoever was found by what is gone now is traced again, also where the row itself stays as it is
            entry = replace(_stored_entry(*row[2:]), version=load)
            self.put_many(tx, [entry], source=row[0], as_of=as_of)
        return len(rows)

    def stamp(self, tx: Tx, *, source: str, as_of: date, coverage: str = "") -> IndexInfo:
        """Record that a load from ``source`` is whole. Until then the index describes itself as it was.

        People who came over from another source are counted there no more; a source left with nobody is forgotten.
        """
        info = people.index_info
        counts = dict(tx.raw("SELECT source, count(*) FROM index_person GROUP BY source"))
        tx.run(sa.delete(info).where(info.c.source.not_in(counts)))
        for other, count in counts.items():
            tx.run(sa.update(info).where(info.c.source == other).values(people=count))
        count = counts.get(source, 0)
        row = {"source": source, "as_of": as_of, "coverage": coverage, "people": count, "loaded_at": now()}
        tx.insert(info, [row])
        return IndexInfo(source, as_of, count, coverage)

    def put_terms(self, tx: Tx, counts: Mapping[str, Mapping[str, int]]) -> None:
        """Replace the term frequencies: field → value → how many people carry it."""
        tx.change("DELETE FROM index_term")
        rows = [(field, value, count) for field, values in sorted(counts.items()) for value, count in values.items()]
        tx.load("index_term", ("field", "value", "count"), sorted(rows))

    # --- what it is ----------------------------------------------------------------------------------------------

    def sources(self) -> list[IndexInfo]:
        """Return what each source has loaded, weakest source first."""
        rows = self._database.ask("SELECT source, as_of, people, coverage FROM index_info")
        infos = (IndexInfo(source, day(as_of), count, coverage) for source, as_of, count, coverage in rows)
        return sorted(infos, key=lambda info: SOURCES.index(info.source))

    def describe(self) -> IndexInfo | None:
        """Return what the whole index can vouch for, or None before the first load is whole.

        Its source is its weakest, its date the oldest, its people all of them.
        """
        loaded = [info for info in self.sources() if info.people]
        if not loaded:
            return None
        coverage = "; ".join(info.coverage for info in loaded if info.coverage)
        return IndexInfo(loaded[0].source, min(i.as_of for i in loaded), sum(i.people for i in loaded), coverage)

    def terms(self) -> dict[str, dict[str, int]]:
        """Return the term frequencies as they were put."""
        counts: dict[str, dict[str, int]] = {}
        with self._database.read() as view:
            for field, value, count in view.raw("SELECT field, value, count FROM index_term"):
                counts.setdefault(field, {})[value] = count
        return counts

    def changed_since(self, permit: Permit, load: int) -> list[Changed]:
        """Return the people whom a later load than the ``load``-th added or changed, by number."""
        require(permit)
        rows = self._fetch("SELECT person_id, keys FROM index_person WHERE version > ? ORDER BY id", (load,))
        return [Changed(row[0], _unpack_keys(bytes(row[1]))) for row in rows]

    # --- people --------------------------------------------------------------------------------------------------

    def by_number(self, permit: Permit, number: NhsNumber) -> Candidate | None:
        """Return the person of a number, or None when the index does not know it.

        Raises:
            NotPermitted: without a permit.
            Unavailable: the index was packed by another normalisation, or cannot be reached.
        """
        require(permit)
        sql = f"SELECT {_CANDIDATE} FROM index_person p WHERE p.id = ?"  # noqa: S608 - our own names
        rows = self._fetch(sql, (_row_id(number),))
        return _candidate(*rows[0]) if rows else None

    def survivors(self, permit: Permit, persons: Iterable[str]) -> set[str]:
        """Return those persons and everybody that their numbers were replaced by, however long the chain."""
        require(permit)
        found, last = set(persons), set(persons)
        while last:
            with self._database.read() as view:
                sql = f"SELECT superseded_by FROM index_person WHERE superseded_by <> '' AND {view.among('person_id')}"  # noqa: S608 - our own names
                rows = view.raw(sql, (view.listed(sorted(last)),))
            last = {ids.person_id(NhsNumber.trusted(row[0])) for row in rows} - found
            found |= last
        return found

    def sealed(self, permit: Permit, number: NhsNumber) -> frozenset[str]:
        """Return the persons whom nobody under ``number`` may ever be taken for: it is a former identity of theirs."""
        require(permit)
        found = self._fetch(SEALED, (ids.person_id(number),))
        return frozenset(self.survivors(permit, (row[0] for row in found))) if found else frozenset()

    def by_numbers(self, permit: Permit, numbers: Iterable[NhsNumber]) -> dict[NhsNumber, Candidate]:
        """Return the people of those numbers that the index knows."""
        require(permit)
        wanted = {_row_id(number): number for number in numbers}
        with self._database.read() as view:
            sql = f"SELECT p.id, {_CANDIDATE} FROM index_person p WHERE {view.among('p.id')}"  # noqa: S608 - our own names
            rows = view.raw(sql, (view.listed(wanted),))
        return {wanted[row[0]]: _candidate(*row[1:]) for row in rows}

    def candidates(self, permit: Permit, keys: Sequence[int], cap: int = 2000) -> tuple[list[Candidate], int]:
        """Return whoever shares a key, most shared keys first, and how many more than ``cap`` were left out."""
        require(permit)
        if not keys:
            return [], 0
        unique = tuple(dict.fromkeys(keys))
        # One more than the cap tells whether anybody is left out; only then are they counted.
        found = self._fetch_candidates(unique, cap + 1)
        if len(found) <= cap:
            return found, 0
        with self._database.read() as view:
            sql = f"SELECT count(DISTINCT person) FROM index_key WHERE {view.among('hash')}"  # noqa: S608 - our own names
            total = int(view.raw(sql, (view.listed(unique),))[0][0])
        return found[:cap], total - cap

    def _fetch_candidates(self, keys: tuple[int, ...], limit: int) -> list[Candidate]:
        if self._database.postgres:
            return [_candidate(*row) for row in self._fetch(_POSTGRES_CANDIDATES, (list(keys), limit))]
        # One text instead of a row each: the driver gives up the GIL at every row, and under load waits to get it back.
        sql = _SQLITE_CANDIDATES.format(marks=",".join("?" * len(keys)))
        joined = self._fetch(sql, (*keys, limit))[0][0]
        return [_candidate(*line.split(_FIELD)) for line in joined.split(_ROW)] if joined else []

    def largest(self, permit: Permit, keys: Sequence[int]) -> int:
        """Return which of the keys most people share, the lowest of equals; they are more than one and are shared."""
        require(permit)
        with self._database.read() as view:
            shared = f"SELECT hash FROM index_key WHERE {view.among('hash')} GROUP BY hash"  # noqa: S608 - our own names
            unique = view.listed(tuple(dict.fromkeys(keys)))
            ((key,),) = view.raw(f"{shared} ORDER BY count(*) DESC, hash LIMIT 1", (unique,))
        return int(key)

    def by_person(self, permit: Permit, person_id: str) -> Candidate | None:
        """Return the person of an id, or None when the index does not know it."""
        require(permit)
        sql = f"SELECT {_CANDIDATE} FROM index_person p WHERE p.person_id = ?"  # noqa: S608 - our own names
        rows = self._fetch(sql, (person_id,))
        return _candidate(*rows[0]) if rows else None

    def patient_json(self, permit: Permit, number: NhsNumber) -> bytes | None:
        """Return the PDS-shaped Patient of a number as JSON bytes, whole: cutting it down is the gate's."""
        require(permit)
        rows = self._fetch("SELECT patient FROM index_patient WHERE id = ?", (_row_id(number),))
        return bytes(rows[0][0]) if rows else None

    def patient(self, permit: Permit, number: NhsNumber) -> Held | None:
        """Return the PDS-shaped Patient of a number, whole, with the version of its row, which a change raises."""
        require(permit)
        sql = "SELECT p.version, j.patient FROM index_person p JOIN index_patient j ON j.id = p.id WHERE p.id = ?"
        rows = self._fetch(sql, (_row_id(number),))
        return Held(rows[0][0], bytes(rows[0][1])) if rows else None

    def each_packed(self, permit: Permit, chunk: int = 10_000) -> Iterator[bytes]:
        """Yield every packed person in order of number, for counting terms and for snapshots."""
        require(permit)
        last = -1
        while rows := self._fetch(
            "SELECT id, packed FROM index_person WHERE id > ? ORDER BY id LIMIT ?", (last, chunk)
        ):
            yield from (bytes(row[1]) for row in rows)
            last = rows[-1][0]

    def _fetch(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._database.raw_readers.use() as connection:
            if self._database.postgres:
                sql = sql.replace("?", "%s")
            return list(connection.execute(sql, values).fetchall())


_HITS: Final = """
WITH hit AS (
    SELECT person, count(*) AS shared FROM index_key WHERE hash {keys}
    GROUP BY person ORDER BY shared DESC, person LIMIT ?
)
"""
_SQLITE_CANDIDATES: Final = (
    _HITS.replace("{keys}", "IN ({marks})")
    + """
SELECT group_concat(p.person_id || char(31) || p.security || char(31) || p.superseded_by || char(31) || p.death
                    || char(31) || CAST(p.packed AS TEXT), char(30) ORDER BY hit.shared DESC, hit.person)
FROM hit JOIN index_person p ON p.id = hit.person
"""
)
_POSTGRES_CANDIDATES: Final = (
    _HITS.replace("{keys}", "= ANY(?)")
    + f"""
SELECT {_CANDIDATE} FROM hit JOIN index_person p ON p.id = hit.person
ORDER BY hit.shared DESC, hit.person
"""  # noqa: S608 - our own names
)


def _row_id(number: NhsNumber) -> int:
    return int(number.digits[:9])


def _key_changes(
    held: Mapping[int, bytes], chunk: Mapping[int, IndexEntry]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return the (hash, person) rows to remove and to add, in the order of the table."""
    gone: list[tuple[int, int]] = []
    added: list[tuple[int, int]] = []
    for person, entry in chunk.items():
        before, after = set(_unpack_keys(held.get(person, b""))), set(entry.keys)
        gone += [(key, person) for key in before - after]
        added += [(key, person) for key in after - before]
    return sorted(gone), sorted(added)


def _version(entry: IndexEntry, held: _HeldRow | None, load: int) -> int:
    """The load that the row is of: the one that held it while nothing changed that a trace could turn on."""
    superseded_by = entry.superseded_by.digits if entry.superseded_by else ""
    now_is = (entry.security.value, superseded_by, entry.death.value, entry.packed, _pack_keys(entry.keys))
    return held.version if held is not None and held[1:] == now_is else load


def _stored_entry(  # noqa: PLR0913, PLR0917 - the columns of a row
    number: str,
    packed: bytes,
    keys: bytes,
    patient: bytes,
    version: int,
    security: str,
    superseded_by: str,
    death: str,
) -> IndexEntry:
    return IndexEntry(
        NhsNumber.trusted(number),
        bytes(packed),
        _unpack_keys(bytes(keys)),
        bytes(patient),
        version,
        _SECURITIES[security],
        NhsNumber.trusted(superseded_by) if superseded_by else None,
        _DEATHS[death],
    )


def _pack_keys(keys: Sequence[int]) -> bytes:
    unique = sorted(set(keys))
    return pack(f">{len(unique)}q", *unique)


def _unpack_keys(data: bytes) -> tuple[int, ...]:
    return unpack(f">{len(data) // 8}q", data)


def _replaced(chunk: Mapping[int, IndexEntry], held: Mapping[int, _HeldRow]) -> dict[str, str]:
    """Return person → successor for the rows whose successor is another than before; empty where there is none now."""
    changed = {}
    for i, entry in chunk.items():
        before = held[i].superseded_by if i in held else ""
        if (entry.superseded_by.digits if entry.superseded_by else "") != before:
            changed[ids.person_id(entry.number)] = ids.person_id(entry.superseded_by) if entry.superseded_by else ""
    return changed


def _index_row(row_id: int, entry: IndexEntry, source: str, as_of: date) -> tuple[Any, ...]:
    return (
        row_id,
        ids.person_id(entry.number),
        entry.number.digits,
        entry.version,
        entry.security.value,
        entry.superseded_by.digits if entry.superseded_by else "",
        entry.death.value,
        source,
        as_of.isoformat(),
        entry.packed,
        _pack_keys(entry.keys),
    )


def _candidate(person_id: str, security: str, superseded_by: str, death: str, packed: bytes | str) -> Candidate:
    try:
        person = Person.unpack(packed.encode() if isinstance(packed, str) else packed)
    except StalePerson:
        raise Unavailable(
            "the index was normalised by another version: load it again", reason="index-normalisation"
        ) from None
    return Candidate(
        person_id,
        person,
        _SECURITIES[security],
        NhsNumber.trusted(superseded_by) if superseded_by else None,
        _DEATHS[death],
    )
