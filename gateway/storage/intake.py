"""A batch of records on its way in: what is new, what is changed, what came too late, and the rows that makes.

Pure bookkeeping over what the database already held, so that the same records give the same rows however they are
cut into batches. Rules: a version (content hash) seen before changes nothing; a version older than the one held is
kept and not shown; of equal dates the later arrival wins, because a source corrects itself by sending again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from gateway.storage.rows import dumps, in_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.feed import SourceRecord

_NAMESPACE: Final = UUID("a3a5f8a6-0b53-5a6f-8f5e-2a7a1d0c9b41")


def source_person_id(source: str, organisation: str, person_ref: str) -> str:
    """Return the id of a person as one source knows them: UUIDv5 of their natural key."""
    return str(uuid5(_NAMESPACE, f"{source}|{organisation}|{person_ref}"))


def demographics_hash(packed: bytes) -> str:
    """Return the digest by which a change of anything that is compared is told."""
    return hashlib.sha256(packed).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record to be stored. ``packed`` is ``Person.pack()`` of its Patient, None where it has none.

    ``nhs_number`` is the number that the source itself gave, ten digits, or empty.
    """

    record: SourceRecord
    packed: bytes | None = None
    nhs_number: str = ""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where a resource belongs: the section that agreements name, and whether it is in a sensitive code set."""

    section: str
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a batch, in records; ``deleted`` counts resources removed by name."""

    new: int = 0
    changed: int = 0
    same: int = 0
    stale: int = 0
    deleted: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Add up batches."""
        return Counts(
            self.new + other.new,
            self.changed + other.changed,
            self.same + other.same,
            self.stale + other.stale,
            self.deleted + other.deleted,
        )


Key = tuple[str, str, str, str]


@dataclass(slots=True)
class Known:
    """What is held of one record: every version's hash, and the live one with its place in time."""

    hashes: set[str] = field(default_factory=set)
    live: str = ""
    occurred: str = ""


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A source person as held. ``packed`` is empty until a record brought demographics."""

    source_person_id: str
    source: str
    organisation: str
    person_ref: str
    nhs_number: str = ""
    packed: bytes = b""
    demographics_hash: str = ""
    occurred: str = ""
    traced_under: str = ""
    retired_into: str | None = None

    def told(self, incoming: Incoming, occurred: str) -> PersonRow:
        """Return the person after one more record; demographics older than those held change nothing."""
        record, packed = incoming.record, incoming.packed
        person = self
        if record.merged_into:
            person = replace(
                person, retired_into=source_person_id(record.source, record.organisation, record.merged_into)
            )
        if packed is None or (person.packed and occurred < person.occurred):
            return person
        digest = demographics_hash(packed)
        return replace(
            person,
            nhs_number=incoming.nhs_number,
            packed=packed,
            demographics_hash=digest,
            occurred=occurred,
            # A trace answers for the demographics it was given and no others.
            traced_under=person.traced_under if digest == person.demographics_hash else "",
        )


@dataclass(slots=True)
class Batch:
    """The rows that a batch makes, gathered record by record in the order of arrival."""

    known: dict[Key, Known]
    people: dict[str, PersonRow]
    classify: Callable[[SourceRecord, dict[str, Any]], Shelf]
    counts: Counts = field(default_factory=Counts)
    originals: dict[str, bytes] = field(default_factory=dict)
    versions: dict[tuple[Key, str], tuple[Any, ...]] = field(default_factory=dict)
    retired: list[tuple[Any, ...]] = field(default_factory=list)
    resources: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    touched: dict[str, PersonRow] = field(default_factory=dict)

    def take(self, incoming: Incoming) -> None:
        """Add one record."""
        record = incoming.record
        key = (record.source, record.organisation, record.kind, record.local_id)
        known = self.known.setdefault(key, Known())
        if record.content_hash in known.hashes:
            self.counts += Counts(same=1)
            return
        occurred = in_order(record.occurred)
        live = not known.hashes or occurred >= known.occurred
        self.counts += Counts(new=not known.hashes, changed=bool(known.hashes) and live, stale=not live)
        person = source_person_id(*key[:2], record.person_ref) if record.person_ref else ""
        self.originals[record.content_hash] = record.original
        self.versions[key, record.content_hash] = (record.feed, record.row, occurred, person, live)
        known.hashes.add(record.content_hash)
        if not live:
            return
        if known.live:
            self._retire(key, known.live)
        known.live, known.occurred = record.content_hash, occurred
        if person:
            self._meet(incoming, person, occurred)
        self._shelve(record, person, occurred)

    def _retire(self, key: Key, content_hash: str) -> None:
        """A newer version of the record is live: the older one stays, as what was sent."""
        own = self.versions.get((key, content_hash))
        if own is not None:
            self.versions[key, content_hash] = (*own[:4], False)
        self.retired.append((*key, content_hash))
        mine = (*key, content_hash)
        gone = [name for name, row in self.resources.items() if _owner(row) == mine and row[1] != "Patient"]
        for name in gone:
            del self.resources[name]

    def _meet(self, incoming: Incoming, person_id: str, occurred: str) -> None:
        record = incoming.record
        held = self.people.get(person_id)
        if held is None:
            held = PersonRow(person_id, record.source, record.organisation, record.person_ref)
        told = held.told(incoming, occurred)
        self.people[person_id] = self.touched[person_id] = told

    def _shelve(self, record: SourceRecord, person: str, occurred: str) -> None:
        for body in record.resources:
            shelf = self.classify(record, body)
            name = f"{body['resourceType']}/{body['id']}"
            self._put(name, person, record, shelf, occurred, body=dumps(body))
        for name in record.deleted:
            self.counts += Counts(deleted=1)
            self._put(name, person, record, Shelf("", sensitive=False), occurred, body=b"")

    def _put(  # noqa: PLR0913 - the columns of a row
        self, name: str, person: str, record: SourceRecord, shelf: Shelf, occurred: str, *, body: bytes
    ) -> None:
        held = self.resources.get(name)
        if held is not None and held[9] > occurred:
            return
        self.resources[name] = (
            name,
            name.partition("/")[0],
            person,
            record.source,
            record.organisation,
            record.kind,
            record.local_id,
            shelf.section,
            shelf.sensitive,
            occurred,
            record.feed,
            record.row,
            record.content_hash,
            not body,
            body,
        )

    def version_rows(self) -> list[tuple[Any, ...]]:
        """Return the new rows of source_record."""
        return [(*key, content_hash, *rest) for (key, content_hash), rest in self.versions.items()]


def _owner(row: tuple[Any, ...]) -> tuple[str, ...]:
    """Return the record version that a resource row comes from: its key and content hash."""
    return (*row[3:7], row[12])
