"""Facts that decisions rest on, and the organisations they are about. Kinds and keys: ``factkinds``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from gateway.storage.factkinds import single_valued
from gateway.storage.schema import governance
from gateway.storage.schema.base import utc

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime

    from gateway.storage.database import Database, Tx

_FACT = governance.fact
_ORGANISATION = governance.organisation
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class StoredFact:
    """Something known about a subject (an ODS code or a person id), by which source, since when, until when."""

    kind: str
    subject: str
    value: str
    source: str
    as_of: datetime
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation by ODS code; ``detail`` is whatever else its register said."""

    ods: str
    name: str
    org_class: str
    detail: dict[str, Any] = field(default_factory=dict)


class FactStore:
    """The repository of facts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_many(self, tx: Tx, facts: Sequence[StoredFact]) -> int:
        """Add facts. Where a subject has one value of a kind, a newer fact replaces it and an older one is dropped.

        Returns how many were taken.
        """
        newest: dict[tuple[str, str, str], StoredFact] = {}
        for fact in facts:
            key = (fact.kind, fact.subject, "" if single_valued(fact.kind) else fact.value)
            if key not in newest or fact.as_of >= newest[key].as_of:
                newest[key] = fact
        held = {
            (fact.kind, fact.subject, "" if single_valued(fact.kind) else fact.value): fact
            for fact in _facts(tx.raw, {fact.subject for fact in newest.values()})
        }
        taken = [fact for key, fact in newest.items() if key not in held or fact.as_of >= held[key].as_of]
        replaced = [(fact.kind, fact.subject) for fact in taken if single_valued(fact.kind)]
        tx.many("DELETE FROM fact WHERE kind = ? AND subject = ?", replaced)
        tx.insert(_FACT, [{name: getattr(fact, name) for name in StoredFact.__slots__} for fact in taken])
        return len(taken)

    def replace(self, tx: Tx, kind: str, facts: Sequence[StoredFact]) -> int:
        """Make ``facts`` all there is of a kind: a whole list arrived, whoever is not on it is off it."""
        tx.run(sa.delete(_FACT).where(_FACT.c.kind == kind))
        return self.put_many(tx, facts)

    def of(self, subjects: Collection[str], kinds: Collection[str] | None = None) -> list[StoredFact]:
        """Return the facts about subjects, expired ones included: what a lapse means is the policy's to say."""
        return [fact for fact in _facts(self._database.ask, subjects) if kinds is None or fact.kind in kinds]

    def of_kind(self, kind: str) -> list[StoredFact]:
        """Return every fact of a kind, by subject."""
        statement = sa.select(_FACT).where(_FACT.c.kind == kind).order_by(_FACT.c.subject, _FACT.c.value)
        with self._database.read() as view:
            return [StoredFact(*row) for row in view.rows(statement)]

    def counts(self) -> dict[str, int]:
        """Return how many facts there are of each kind."""
        statement = sa.select(_FACT.c.kind, sa.func.count()).group_by(_FACT.c.kind).order_by(_FACT.c.kind)
        with self._database.read() as view:
            return {row[0]: row[1] for row in view.rows(statement)}

    def newest(self) -> dict[str, datetime]:
        """Return for each kind the date of its newest fact: how old the list is."""
        statement = sa.select(_FACT.c.kind, sa.func.max(_FACT.c.as_of)).group_by(_FACT.c.kind)
        with self._database.read() as view:
            return {row[0]: row[1] for row in view.rows(statement)}


def _facts(ask: Callable[[str, Sequence[Any]], list[tuple[Any, ...]]], subjects: Collection[str]) -> list[StoredFact]:
    wanted = sorted(subjects)
    found: list[StoredFact] = []
    for start in range(0, len(wanted), _CHUNK):
        few = wanted[start : start + _CHUNK]
        among = f"subject IN ({','.join('?' * len(few))}) ORDER BY subject, kind, value"
        rows = ask(f"SELECT kind, subject, value, source, as_of, expires FROM fact WHERE {among}", few)  # noqa: S608 - marks alone
        found += [StoredFact(*(*row[:4], utc(row[4]), utc(row[5]) if row[5] else None)) for row in rows]
    return found


class Organisations:
    """The repository of organisations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_many(self, tx: Tx, organisations: Iterable[Organisation]) -> int:
        """Add organisations, or bring them up to date. Returns how many."""
        rows = [
            {"ods": one.ods, "name": one.name, "org_class": one.org_class, "detail": orjson.dumps(one.detail)}
            for one in organisations
        ]
        tx.insert(_ORGANISATION, rows)
        return len(rows)

    def all(self) -> list[Organisation]:
        """Return every organisation, by ODS code."""
        with self._database.read() as view:
            return [_organisation(row) for row in view.rows(sa.select(_ORGANISATION).order_by(_ORGANISATION.c.ods))]

    def get(self, ods: str) -> Organisation | None:
        """Return one organisation, or None."""
        with self._database.read() as view:
            row = view.row(sa.select(_ORGANISATION).where(_ORGANISATION.c.ods == ods))
        return _organisation(row) if row else None


def _organisation(row: Any) -> Organisation:  # noqa: ANN401 - an sa.Row
    return Organisation(row[0], row[1], row[2], orjson.loads(row[3]))
