"""Who may come in: registered callers, and the sessions of people who signed in."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
import sqlalchemy as sa

from gateway.errors import NotFound
from gateway.storage.schema import governance, now

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.storage.database import Database, Tx

_CALLER = governance.caller
_SESSION = governance.session
_SELECT: Final = (
    "SELECT subject, name, organisation, org_class, role, kind, purposes, persona, public_key, state FROM caller"
)
ACTIVE: Final = "active"
REVOKED: Final = "revoked"

# A page view a second must not be a write a second; a minute is fine against limits of a quarter of an hour.
_TOUCH_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class StoredCaller:
    """A registered caller. ``public_key`` is the JWK of a system that signs its assertions, or empty."""

    subject: str
    name: str
    organisation: str
    org_class: str
    role: str
    kind: str
    purposes: tuple[str, ...]
    persona: str = ""
    public_key: str = ""
    state: str = ACTIVE


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in session; ``data`` is what the auth room keeps in it."""

    caller: str
    data: dict[str, Any]
    started_at: datetime
    touched_at: datetime


class Callers:
    """The repository of callers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, tx: Tx, caller: StoredCaller) -> None:
        """Add a caller, or bring one up to date."""
        row = {
            "subject": caller.subject,
            "name": caller.name,
            "organisation": caller.organisation,
            "org_class": caller.org_class,
            "role": caller.role,
            "kind": caller.kind,
            "purposes": " ".join(caller.purposes),
            "persona": caller.persona,
            "public_key": caller.public_key,
            "state": caller.state,
            "added_at": now(),
        }
        tx.insert(_CALLER, [row], update=[name for name in row if name not in ("subject", "added_at")])

    def get(self, subject: str) -> StoredCaller | None:
        """Return a caller, revoked ones too, or None."""
        rows = self._database.ask(f"{_SELECT} WHERE subject = ?", (subject,))
        return _caller(rows[0]) if rows else None

    def all(self) -> list[StoredCaller]:
        """Return every caller, by subject."""
        return [_caller(row) for row in self._database.ask(f"{_SELECT} ORDER BY subject")]

    def revoke(self, tx: Tx, subject: str) -> None:
        """Shut a caller out at once: their sessions end with it.

        Raises:
            NotFound: there is no such caller.
        """
        if not tx.run(sa.update(_CALLER).where(_CALLER.c.subject == subject).values(state=REVOKED)):
            raise NotFound("there is no such caller", reason="caller")
        tx.run(sa.delete(_SESSION).where(_SESSION.c.caller == subject))


class Sessions:
    """The repository of sessions. A token is given out once and only its hash is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, caller: str, data: Mapping[str, Any]) -> str:
        """Begin a session and return its token: 256 random bits, for the cookie."""
        token = secrets.token_urlsafe(32)
        at = now()
        row = {
            "session_id": _id(token),
            "caller": caller,
            "data": orjson.dumps(data),
            "started_at": at,
            "touched_at": at,
        }
        with self._database.write() as tx:
            tx.insert(_SESSION, [row])
        return token

    def get(self, token: str, *, idle: timedelta, limit: timedelta) -> Session | None:
        """Return a session still within both limits, and count this as a use of it; None otherwise."""
        at = now()
        with self._database.read() as view:
            row = view.row(sa.select(_SESSION).where(_SESSION.c.session_id == _id(token)))
        if row is None or row.touched_at + idle <= at or row.started_at + limit <= at:
            return None
        if row.touched_at + min(_TOUCH_EVERY, idle / 4) <= at:
            with self._database.write() as tx:
                tx.run(sa.update(_SESSION).where(_SESSION.c.session_id == _id(token)).values(touched_at=at))
        return Session(row.caller, orjson.loads(row.data), row.started_at, row.touched_at)

    def save(self, token: str, data: Mapping[str, Any]) -> None:
        """Replace what a session keeps. A session that has ended stays ended."""
        values = {"data": orjson.dumps(data)}
        with self._database.write() as tx:
            tx.run(sa.update(_SESSION).where(_SESSION.c.session_id == _id(token)).values(values))

    def delete(self, token: str) -> None:
        """End a session."""
        with self._database.write() as tx:
            tx.run(sa.delete(_SESSION).where(_SESSION.c.session_id == _id(token)))

    def sweep(self, *, idle: timedelta, limit: timedelta) -> int:
        """Remove sessions past either limit. Returns how many."""
        at = now()
        past = sa.or_(_SESSION.c.touched_at <= at - idle, _SESSION.c.started_at <= at - limit)
        with self._database.write() as tx:
            return tx.run(sa.delete(_SESSION).where(past))


def _id(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _caller(row: tuple[Any, ...]) -> StoredCaller:
    return StoredCaller(*(*row[:6], tuple(row[6].split()), *row[7:]))
