"""What left as a release: under which agreement, to whom, for which period, with its signed manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from gateway.storage.schema import governance

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.storage.database import Database, Tx

_RELEASE = governance.release


@dataclass(frozen=True, slots=True)
class Release:
    """One release. ``rows`` counts what the files hold; ``manifest`` names the files and their hashes."""

    release_id: str
    agreement: str
    recipient: str
    period: str
    state: str
    rows: int
    manifest: dict[str, Any]
    created_at: datetime


History = list[Release]


class Releases:
    """The repository of releases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, tx: Tx, release: Release) -> None:
        """Record a release, or the next state of one."""
        row = {
            "release_id": release.release_id,
            "agreement": release.agreement,
            "recipient": release.recipient,
            "period": release.period,
            "state": release.state,
            "rows": release.rows,
            "manifest": orjson.dumps(release.manifest),
            "created_at": release.created_at,
        }
        tx.insert(_RELEASE, [row])

    def list(self, limit: int = 1000) -> History:
        """Return releases, newest first, at most ``limit``."""
        newest = sa.select(_RELEASE).order_by(_RELEASE.c.created_at.desc(), _RELEASE.c.release_id).limit(limit)
        with self._database.read() as view:
            return [_release(row) for row in view.rows(newest)]

    def get(self, release_id: str) -> Release | None:
        """Return one release, or None."""
        with self._database.read() as view:
            row = view.row(sa.select(_RELEASE).where(_RELEASE.c.release_id == release_id))
        return _release(row) if row else None


def _release(row: sa.Row[Any]) -> Release:
    return Release(
        row.release_id,
        row.agreement,
        row.recipient,
        row.period,
        row.state,
        row.rows,
        orjson.loads(row.manifest),
        row.created_at,
    )
