"""Protected identities in the index: adoption, gender recognition, witness protection (DESIGN section 6).

A fact of kind ``never-link`` says that a former identity (its subject) is never a person of today (its value). While
it stands, nothing in the index leads from one to the other: the former number is withdrawn and has no keys and no
successor, and the person of today has no earlier name and no earlier address to be found, compared or shown by.
A seal does not lapse: only the list that it came in can take it off.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import orjson

from gateway import ids
from gateway.storage.factkinds import NEVER_LINK
from linkage.keys import index_keys
from linkage.person import Person, Security

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.storage.database import Reading
    from gateway.storage.index import IndexEntry

SEALED: Final = f"SELECT value FROM fact WHERE kind = '{NEVER_LINK}' AND subject = ?"  # noqa: S608 - our own name
_ALL: Final = f"SELECT subject, value FROM fact WHERE kind = '{NEVER_LINK}'"  # noqa: S608 - our own name
_TODAY: Final = {"name": "usual", "address": "home"}
"""What a protected person is shown by. A nickname, a maiden name or a temporary address may be of before."""


def seals(view: Reading) -> dict[str, set[str]]:
    """Return former identity → the persons of today that it is never taken for, by person id."""
    found: dict[str, set[str]] = defaultdict(set)
    for subject, value in view.raw(_ALL):
        found[subject].add(value)
    return found


def protected(view: Reading, entries: Iterable[IndexEntry]) -> list[IndexEntry]:
    """Return index rows as they may be held: those of protected people without their past."""
    sealed = seals(view)
    today = {person for persons in sealed.values() for person in persons}
    return [_shorn(entry, sealed, today) for entry in entries] if sealed else list(entries)


def _shorn(entry: IndexEntry, sealed: dict[str, set[str]], today: set[str]) -> IndexEntry:
    person = ids.person_id(entry.number)
    if person in sealed:
        return replace(entry, keys=(), security=Security.INVALIDATED, superseded_by=None)
    return _without_past(entry) if person in today else entry


def _without_past(entry: IndexEntry) -> IndexEntry:
    person = replace(Person.unpack(entry.packed), previous_family=(), previous_postcode=())
    patient = orjson.loads(entry.patient)
    for part, use in _TODAY.items():
        if part in patient:
            patient[part] = [one for one in patient[part] if one.get("use") == use]
    keys = index_keys(person, entry.security) if entry.keys else ()
    return replace(entry, packed=person.pack(), keys=keys, patient=orjson.dumps(patient))
