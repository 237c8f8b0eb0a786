"""Blind samples: pairs drawn from the links and non-links of a day, and what reviewers said of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import orjson
import sqlalchemy as sa

from gateway.errors import Conflict, NotFound
from gateway.storage.factkinds import NEVER_LINK
from gateway.storage.permit import require
from gateway.storage.schema import now, samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from gateway.storage.database import Database, Tx
    from gateway.storage.permit import Permit


class Verdict(StrEnum):
    """What a reviewer says of a pair."""

    SAME = "same"
    DIFFERENT = "different"
    CANNOT_TELL = "cannot-tell"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A pair to be judged: a source's person and a person of the index, from which stratum, drawn how likely."""

    item_id: str
    source_person_id: str
    person_id: str
    stratum: str
    probability: float


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair as a reviewer meets it: which stratum it was drawn from, and so what the model said, is not in it."""

    item_id: str
    source_person_id: str
    person_id: str
    answered: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair with its answer, empty while there is none; for the estimate, and for nobody who still answers."""

    source_person_id: str
    stratum: str
    probability: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample: the model it was drawn under, and how many pairs each stratum had."""

    sample_id: str
    model: str
    strata: Mapping[str, int]
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sample is: pairs, and those with an answer."""

    pairs: int
    answered: int


_PAIR: Final = "item_id, source_person_id, person_id, verdict"


class Samples:
    """The repository of blind samples."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, tx: Tx, sample: Sample, drawn: Sequence[Drawn]) -> None:
        """Store a sample; its pairs come up in the order given."""
        row = {"sample_id": sample.sample_id, "model": sample.model, "actor": sample.actor, "at": sample.at}
        tx.insert(samples.sample, [{**row, "strata": orjson.dumps(dict(sample.strata))}], update=())
        rows = [
            {
                "item_id": one.item_id,
                "sample_id": sample.sample_id,
                "position": position,
                "source_person_id": one.source_person_id,
                "person_id": one.person_id,
                "stratum": one.stratum,
                "probability": one.probability,
                "verdict": "",
                "actor": "",
            }
            for position, one in enumerate(drawn)
        ]
        tx.insert(samples.sample_item, rows, update=())

    def last(self) -> Sample | None:
        """Return the latest sample, or None before the first; nothing in it is about anybody, so no permit."""
        table = samples.sample
        with self._database.read() as view:
            rows = view.rows(sa.select(table).order_by(table.c.at.desc(), table.c.sample_id).limit(1))
        return _sample(rows[0]) if rows else None

    def progress(self, sample_id: str) -> Progress:
        """Return how far a sample is; figures only, so no permit."""
        sql = "SELECT count(*), sum(CASE WHEN verdict <> '' THEN 1 ELSE 0 END) FROM sample_item WHERE sample_id = ?"
        with self._database.read() as view:
            ((pairs, answered),) = view.raw(sql, (sample_id,))
        return Progress(int(pairs), int(answered or 0))

    def next_pair(self, permit: Permit, sample_id: str) -> Pair | None:
        """Return the first pair without an answer, or None when there is none left.

        A pair about somebody whom a seal protects is passed over, also where it was drawn before the seal arrived.
        """
        require(permit)
        sealed = f"SELECT 1 FROM fact WHERE kind = '{NEVER_LINK}' AND person_id IN (subject, value)"  # noqa: S608 - our own name
        sql = (
            f"SELECT {_PAIR} FROM sample_item WHERE sample_id = ? AND verdict = '' AND NOT EXISTS ({sealed}) "  # noqa: S608
            "ORDER BY position LIMIT 1"
        )
        with self._database.read() as view:
            rows = view.raw(sql, (sample_id,))
        return _pair(rows[0]) if rows else None

    def pair(self, permit: Permit, item_id: str) -> Pair:
        """Return one pair.

        Raises:
            NotFound: there is none of that id.
        """
        require(permit)
        with self._database.read() as view:
            rows = view.raw(f"SELECT {_PAIR} FROM sample_item WHERE item_id = ?", (item_id,))  # noqa: S608 - our own names
        if not rows:
            raise NotFound("there is no such pair", reason="sample-pair")
        return _pair(rows[0])

    def answer(self, tx: Tx, item_id: str, verdict: Verdict, actor: str) -> None:
        """Record an answer.

        Raises:
            Conflict: there is one already, or no such pair.
        """
        sql = "UPDATE sample_item SET verdict = ?, actor = ?, decided_at = ? WHERE item_id = ? AND verdict = ''"
        if not tx.change(sql, (verdict.value, actor, now().isoformat(), item_id)):
            raise Conflict("this pair has an answer already", reason="sample-answered")

    def judged(self, permit: Permit, sample_id: str) -> list[Judged]:
        """Return every pair of a sample with its stratum and answer."""
        require(permit)
        sql = (
            "SELECT source_person_id, stratum, probability, verdict FROM sample_item WHERE sample_id = ? "
            "ORDER BY position"
        )
        with self._database.read() as view:
            return [Judged(*row) for row in view.raw(sql, (sample_id,))]


def _pair(row: tuple[Any, ...]) -> Pair:
    return Pair(row[0], row[1], row[2], answered=bool(row[3]))


def _sample(row: sa.Row[Any]) -> Sample:
    return Sample(row.sample_id, row.model, orjson.loads(bytes(row.strata)), row.actor, row.at)
