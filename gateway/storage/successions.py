"""Who a person is now whose number was replaced: chains of NHS numbers, followed to their ends.

The index says of a number which one replaced it; this remembers it between persons, with the end of every chain, so
that an opt-out under any number somebody ever had is found from any other. It is written in the transaction that
changes the index, and a protected identity is never in it: the index has no successor of one. A ring has no end, so
nobody in it is anybody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.storage.permit import require
from gateway.storage.schema import now

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from gateway.storage.database import Database, Reading, Tx
    from gateway.storage.permit import Permit


def ends(successors: Mapping[str, str]) -> dict[str, str]:
    """Return person → the end of their chain; empty for whoever is in a ring or on the way into one."""
    found: dict[str, str] = {}
    for start in successors:
        seen, at = {start}, successors[start]
        while at in successors and at not in seen:
            seen.add(at)
            at = successors[at]
        found[start] = "" if at in seen else at
    return found


def note(tx: Tx, changes: Mapping[str, str]) -> None:
    """Record of whom the index says today that they were replaced, and by whom (person ids); empty takes it back.

    Everybody whose chain runs through one of them gets its new end.
    """
    if not changes:
        return
    gone = sorted(changes)
    tx.change(f"DELETE FROM succession WHERE {tx.among('person_id')}", (tx.listed(gone),))  # noqa: S608 - our own names
    at = now().isoformat()
    rows = [(person, successor, "", at) for person, successor in sorted(changes.items()) if successor]
    tx.load("succession", ("person_id", "successor_id", "survivor_id", "at"), rows)
    successors = _chains_through(tx, {*changes, *changes.values()} - {""})
    new = [(end, person, end) for person, end in ends(successors).items()]
    tx.many("UPDATE succession SET survivor_id = ? WHERE person_id = ? AND survivor_id <> ?", new)


def _chains_through(view: Reading, persons: Collection[str]) -> dict[str, str]:
    """Return person → successor for every chain that one of ``persons`` is in."""
    found: dict[str, str] = {}
    known, last = set(persons), set(persons)
    while last:
        listed = view.listed(sorted(last))
        sql = (
            "SELECT person_id, successor_id FROM succession "  # noqa: S608 - our own names
            f"WHERE {view.among('person_id')} OR {view.among('successor_id')}"
        )
        found.update(dict(view.raw(sql, (listed, listed))))
        reached = {*found, *found.values()}
        last = reached - known
        known |= reached
    return found


class Successions:
    """The repository of successions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def families(self, permit: Permit, persons: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return for each person everybody that they are or were: themselves, whom they became, and who became that.

        Opaque ids of one human being under several numbers; of somebody whose number was never replaced, their own.
        """
        require(permit)
        wanted = set(persons)
        with self._database.read() as view:
            survivors = _survivors(view, wanted)
            sql = f"SELECT person_id, survivor_id FROM succession WHERE {view.among('survivor_id')}"  # noqa: S608 - our own names
            rows = view.raw(sql, (view.listed(sorted(set(survivors.values()))),))
        members: dict[str, set[str]] = {end: {end} for end in survivors.values()}
        for person, end in rows:
            members[end].add(person)
        return {person: frozenset(members[survivors[person]] | {person}) for person in wanted}

    def family(self, permit: Permit, person: str) -> frozenset[str]:
        """Return the family of one person: one statement of the bare driver, since every question asks it."""
        require(permit)
        sql = (
            "SELECT person_id, survivor_id FROM succession WHERE survivor_id = COALESCE("
            "(SELECT survivor_id FROM succession WHERE person_id = ? AND survivor_id <> ''), ?)"
        )
        with self._database.raw_readers.use() as connection:
            spelt = sql.replace("?", "%s") if self._database.postgres else sql
            rows = connection.execute(spelt, (person, person)).fetchall()
        return frozenset({person, *(one for row in rows for one in row)})

    def overtaken(self, permit: Permit) -> dict[str, str]:
        """Return source person → survivor for every live link to somebody whose number was replaced since."""
        require(permit)
        sql = (
            "SELECT l.source_person_id, s.survivor_id FROM succession s JOIN live_link l ON l.person_id = s.person_id "
            "WHERE s.survivor_id <> '' ORDER BY l.source_person_id"
        )
        with self._database.read() as view:
            return dict(view.raw(sql))

    def rings(self) -> int:
        """Return how many people are in a ring of numbers, and so are nobody in force; a figure, so no permit."""
        with self._database.read() as view:
            return int(view.raw("SELECT count(*) FROM succession WHERE survivor_id = ''")[0][0])

    def since(self, permit: Permit, instant: datetime) -> dict[str, str]:
        """Return person → survivor for whoever was replaced after ``instant``."""
        require(permit)
        sql = "SELECT person_id, survivor_id FROM succession WHERE at > ? AND survivor_id <> '' ORDER BY person_id"
        with self._database.read() as view:
            return dict(view.raw(sql, (instant.isoformat(),)))


def _survivors(view: Any, persons: Collection[str]) -> dict[str, str]:  # noqa: ANN401 - a Reading or a Tx
    sql = f"SELECT person_id, survivor_id FROM succession WHERE survivor_id <> '' AND {view.among('person_id')}"  # noqa: S608
    held = dict(view.raw(sql, (view.listed(sorted(persons)),)))
    return {person: held.get(person, person) for person in persons}
