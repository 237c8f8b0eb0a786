"""The index as a whole, for snapshots: every row in order, and a stamp that changes whenever any row does."""

from __future__ import annotations

import hashlib
from struct import unpack
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.storage.permit import require
from gateway.storage.protection import seals
from linkage.findings import Death
from linkage.nhs_number import NhsNumber
from linkage.person import Person, Security

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.storage.database import Database
    from gateway.storage.permit import Permit

Stored = tuple[int, str, str, str, bytes, bytes]
"""A row as it is stored: id, security, successor, death, the packed person, the hashes of its keys."""

_STAMP: Final = """
    SELECT count(*), coalesce(sum(version), 0), coalesce(max(version), 0), coalesce(sum(length(packed)), 0),
    coalesce(sum(length(keys)), 0), coalesce(sum(CASE WHEN security = 'U' THEN 0 ELSE 1 END), 0),
    coalesce(sum(CASE WHEN superseded_by = '' THEN 0 ELSE 1 END), 0) FROM index_person
"""
_LOADED: Final = "SELECT source, people, loaded_at FROM index_info ORDER BY source"
_ROWS: Final = """
    SELECT id, security, superseded_by, death, packed, keys FROM index_person WHERE id > ? ORDER BY id LIMIT ?
"""


class Row(NamedTuple):
    """A row of the index as a trace sees it, and the hashes of its keys."""

    person: Person
    security: Security
    superseded_by: NhsNumber | None
    death: Death
    keys: tuple[int, ...]

    @classmethod
    def of(cls, stored: Stored) -> Row:
        """Unpack a row as it is stored.

        Raises:
            StalePerson: it was packed under another normalisation version.
        """
        _, security, successor, death, packed, keys = stored
        return cls(
            Person.unpack(bytes(packed)),
            Security(security),
            NhsNumber.trusted(successor) if successor else None,
            Death(death),
            unpack(f">{len(keys) // 8}q", keys),
        )


class WholeIndex:
    """Reads of the whole index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def stamp(self) -> str:
        """Return a digest that another load, a seal or a withdrawal changes."""
        with self._database.read() as view:
            told = [*view.raw(_STAMP), *view.raw(_LOADED), sorted((k, sorted(v)) for k, v in seals(view).items())]
        return hashlib.sha256(repr([tuple(row) for row in told]).encode()).hexdigest()

    def rows(self, permit: Permit, chunk: int = 20_000) -> Iterator[list[Stored]]:
        """Yield every row in the order of numbers, some at a time, as it is stored; `Row.of` unpacks it.

        Raises:
            NotPermitted: without a permit.
        """
        require(permit)
        last = -1
        while found := self._read(last, chunk):
            yield found
            last = found[-1][0]

    def formers(self) -> frozenset[str]:
        """Return the person ids that are a former identity of somebody protected."""
        with self._database.read() as view:
            return frozenset(seals(view))

    def _read(self, last: int, chunk: int) -> list[Stored]:
        with self._database.read() as view:
            return [tuple(row) for row in view.raw(_ROWS, (last, chunk))]
