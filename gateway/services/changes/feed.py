"""Use case: what changed about one organisation's records since a case system last asked, a page at a time.

An update carries the index's value, cut down to what the agreement shows, and only while both sides still say what was
compared: where one has moved on since, the next comparison says so in its own turn. Work items carry no values; staff
look at them under their own name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from gateway.services.changes.cursor import Cursor
from gateway.services.changes.pairs import EVERYTHING
from gateway.services.changes.work import gate, still_found
from gateway.storage.differing import Field, Kind, State
from ig.purpose import Element
from ig.redact import redact_patient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.storage.compared import Due
    from gateway.storage.differing import Difference

MOST: Final = 500
"""Changes on one page."""

_FORMER: Final = frozenset({"old", "maiden"})
_ELEMENT: Final[Mapping[Field, Element]] = {
    Field.NAME: Element.NAME,
    Field.BIRTH_DATE: Element.BIRTH_DATE,
    Field.ADDRESS: Element.ADDRESS,
    Field.GP: Element.GP,
    Field.GENDER: Element.GENDER,
    Field.TELECOM: Element.TELECOM,
    Field.NHS_NUMBER: Element.NHS_NUMBER,
    Field.DEATH: Element.DECEASED,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One change. ``update`` is a Patient with nothing but the value to take over, or empty where there is none."""

    difference: Difference
    update: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the feed; ``cursor`` is what to ask with next, ``decision_id`` the ledger row of this answer."""

    changes: tuple[Change, ...]
    cursor: str
    more: bool
    decision_id: str


def changes_since(house: House, caller: Caller, cursor: str = "", count: int = 100) -> Page:
    """Return what changed about the records of the caller's organisation after a cursor; without one, from the start.

    Raises:
        InputError: the cursor is not one of ours.
        CursorExpired: nobody can go on from it.
        NotPermitted: no agreement shows the caller records in number.
        Unavailable: the ledger cannot take the row; nothing leaves.
    """
    since = Cursor.read(cursor) if cursor else None
    with gate(house, caller) as passage:
        head = house.stores.differences.head()
        if since is not None:
            since.check(head)
        found = house.stores.differences.feed(passage.permit, since.place if since else 0, min(count, MOST))
        told = _told(house, passage, found.changes)
        passage.disclose({one.person_id for one in found.changes}, rows=len(told), outcome="changes")
    # before anything was ever found there is no feed to have a place in: whoever asks begins at the start again
    after = str(Cursor(head.epoch, found.place)) if head else ""
    return Page(told, after, found.more, passage.decision_id)


def _told(house: House, passage: Passage, found: tuple[Difference, ...]) -> tuple[Change, ...]:
    names = {one.source_person_id for one in found if one.state is State.APPLIED}
    pairs = house.stores.compared.pairs(passage.permit, EVERYTHING, names) if names else {}
    return tuple(Change(one, _update(house, passage, one, pairs.get(one.source_person_id))) for one in found)


def _update(house: House, passage: Passage, one: Difference, due: Due | None) -> Mapping[str, Any]:
    """What the case system is to take over of an applied difference; of a restriction there is nothing to take over."""
    if one.state is not State.APPLIED or one.kind is Kind.RESTRICTED or due is None:
        return {}
    if not still_found(house, passage, one, due):
        return {}
    allowed = passage.decision.fields_allowed & {_ELEMENT[one.field].value}
    patient = redact_patient(orjson.loads(due.patient), allowed, restricted=due.security != "U")
    # its id is the number of the person, which an update of anything else has no business to tell
    return {name: _current(value) for name, value in patient.items() if name not in {"id", "meta"}}


def _current(value: object) -> object:
    """Of names, addresses and contacts those of today."""
    if not isinstance(value, list):
        return value
    return [one for one in value if not (isinstance(one, dict) and one.get("use") in _FORMER)]
