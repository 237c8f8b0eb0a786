"""Matching models: immutable versions by their content's hash, which one is in use, and the shadow runs made.

A database starts with the model that comes with the package. From then on the last activation names the model in use:
a newer package changes nothing before somebody has tried its model and put it in use.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import orjson
import sqlalchemy as sa

from gateway.storage.schema import models, now
from linkage.model import Model, load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.storage.database import Database, Tx

_PAGE: Final = 10_000
SHIPPED_BY: Final = "gateway:shipped"
"""Who put the first model in use: the package itself."""


@dataclass(frozen=True, slots=True)
class StoredModel:
    """One version as stored. ``content`` is canonical JSON, which `linkage.model.load` reads."""

    hash: str
    name: str
    version: str
    content: bytes
    added_by: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Activation:
    """A model put in use: which, by whom, when, and how many links they accepted to lose."""

    hash: str
    accepted_lost: int
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ShadowRun:
    """A completed shadow run: of which model, against which one in use, over which index and records; figures only.

    ``lost`` counts the links that would stand no more, ``changed`` those of them that would name another person,
    ``gained`` the people newly joined.
    """

    hash: str
    index_stamp: str
    records_stamp: str
    against: str
    people: int
    gained: int
    lost: int
    changed: int
    counts: Mapping[str, Any]
    actor: str
    at: datetime


def shipped_model() -> Model:
    """The house model that comes with the package."""
    return load(files("linkage").joinpath("house_model.json").read_bytes())


def content_of(model: Model) -> bytes:
    """A model as it is stored: the canonical JSON that its hash covers."""
    return orjson.dumps(model.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)


class Models:
    """The repository of models. Nothing in it is about anybody, so no permit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, tx: Tx, model: Model, actor: str) -> None:
        """Add a version; one that is there already stays as it is."""
        tx.insert(models.model_version, [_version_row(model, actor)], update=())

    def activate(self, tx: Tx, model_hash: str, actor: str, accepted_lost: int) -> None:
        """Put a stored version in use from the commit on."""
        last = tx.value(sa.select(sa.func.max(models.model_activation.c.position)))
        row = {"position": last + 1, "hash": model_hash, "accepted_lost": accepted_lost, "actor": actor, "at": now()}
        tx.insert(models.model_activation, [row], update=())

    def put_shadow(self, tx: Tx, run: ShadowRun) -> None:
        """Record a completed run; the same model over the same index and records again replaces the earlier one."""
        row = {name: getattr(run, name) for name in ShadowRun.__slots__} | {"counts": orjson.dumps(dict(run.counts))}
        tx.insert(models.shadow_run, [row])

    def in_use(self) -> str:
        """Return the hash of the model in use. Asked at every question, so that an activation holds from the next."""
        sql = "SELECT hash FROM model_activation ORDER BY position DESC LIMIT 1"
        return str(self._database.ask(sql)[0][0])

    def index_stamp(self) -> str:
        """Return what tells one whole load of the index from another, or empty before the first."""
        sql = "SELECT source, as_of, people, loaded_at FROM index_info WHERE people > 0 ORDER BY source"
        with self._database.read() as view:
            loads = view.raw(sql)
        return hashlib.sha256(repr([tuple(map(str, row)) for row in loads]).encode()).hexdigest() if loads else ""

    def records_stamp(self) -> str:
        """Return one figure for whom there is to trace and by which details: it changes when anybody's do."""
        sql = (
            "SELECT source_person_id, demographics_hash FROM source_person WHERE source_person_id > ? "
            "AND demographics_hash <> '' AND retired_into IS NULL ORDER BY source_person_id LIMIT ?"
        )
        whole, last = hashlib.sha256(), ""
        with self._database.read() as view:
            while rows := view.raw(sql, (last, _PAGE)):
                whole.update("".join(map("".join, rows)).encode())
                last = rows[-1][0]
        return whole.hexdigest()

    def get(self, model_hash: str) -> StoredModel | None:
        """Return one version by its whole hash, or None."""
        return next((one for one in self.all() if one.hash == model_hash), None)

    def all(self) -> list[StoredModel]:
        """Return every version, in order of arrival."""
        table = models.model_version
        statement = sa.select(table).order_by(table.c.added_at, table.c.hash)
        with self._database.read() as view:
            return [StoredModel(*row) for row in view.rows(statement)]

    def activations(self) -> list[Activation]:
        """Return who put which model in use when, oldest first."""
        table = models.model_activation
        statement = sa.select(table.c.hash, table.c.accepted_lost, table.c.actor, table.c.at).order_by(table.c.position)
        with self._database.read() as view:
            return [Activation(*row) for row in view.rows(statement)]

    def shadows(self) -> list[ShadowRun]:
        """Return every completed shadow run, oldest first."""
        table = models.shadow_run
        statement = sa.select(*(table.c[name] for name in ShadowRun.__slots__)).order_by(table.c.at, table.c.hash)
        with self._database.read() as view:
            return [_shadow(tuple(row)) for row in view.rows(statement)]

    def shadow(self, model_hash: str, index_stamp: str, records_stamp: str) -> ShadowRun | None:
        """Return the completed run of this model over exactly this index and these records, or None."""
        wanted = (model_hash, index_stamp, records_stamp)
        runs = (run for run in self.shadows() if (run.hash, run.index_stamp, run.records_stamp) == wanted)
        return next(runs, None)


def _shadow(row: tuple[Any, ...]) -> ShadowRun:
    values = (*row[:8], orjson.loads(row[8]), *row[9:])
    return ShadowRun(*values)


def start_with_shipped(connection: sa.Connection) -> None:
    """Put the package's model in use where none is: in a new database, or one from before models were stored."""
    if connection.execute(sa.select(sa.func.count()).select_from(models.model_activation)).scalar():
        return
    shipped = shipped_model()
    connection.execute(sa.insert(models.model_version), [_version_row(shipped, SHIPPED_BY)])
    first = {"position": 0, "hash": shipped.hash, "accepted_lost": 0, "actor": SHIPPED_BY, "at": now()}
    connection.execute(sa.insert(models.model_activation), [first])


def _version_row(model: Model, actor: str) -> dict[str, Any]:
    return {
        "hash": model.hash,
        "name": model.name,
        "version": model.version,
        "content": content_of(model),
        "added_by": actor,
        "added_at": now(),
    }
