"""Use cases of the work that differences make: the list, one side by side, and what a person decides about it.

Somebody sees the records of their own organisation and nobody else's. What is accepted goes out to the case system by
the feed; an informal death and a number that two records carry never do, whatever anybody says: the one is for the
case's own staff to make sure of, the other to merge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from adapters.person import to_demographics
from gateway.errors import Conflict, InputError
from gateway.services.changes.compare import LOCATION, TABLE
from gateway.services.changes.numbers import number_difference
from gateway.services.changes.pairs import EVERYTHING, differences, pair_of
from gateway.services.changes.tell import messages
from gateway.storage.differing import Field, Found, Kind, Moved, State
from ig.decide import Population
from ig.purpose import Dataset, Element, Level
from ig.redact import redact_patient
from linkage.person import Security

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from contextlib import AbstractContextManager

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.storage.compared import Due
    from gateway.storage.differing import Difference
    from linkage.person import Demographics

NEVER_APPLIED: Final = frozenset({Kind.INFORMAL_DEATH, Kind.DUPLICATE_NUMBER})
"""What no decision turns into an update of a case."""

_LONGEST: Final = 500
_ELEMENTS: Final = frozenset(Element) - {Element.EVIDENCE}
_UNSAID: Final = frozenset({Element.NAME.value, Element.BIRTH_DATE.value})
_KNOWN_BY: Final = ("nhs_number", "family", "given", "birth_date")
_DETAILS: Final[Mapping[Field, tuple[str, ...]]] = {
    **{rule.field: rule.details for rule in TABLE},
    Field.NHS_NUMBER: ("nhs_number",),
    Field.DEATH: ("death_date",),
}

Details = dict[str, str]
"""Name of a detail → what one side says of it, as it was received; empty where it says nothing."""


@dataclass(frozen=True, slots=True)
class Work:
    """A difference with both sides. ``names`` are the details to show, ``differing`` those that it is about.

    ``withheld`` says that a place is protected; ``stands`` that both sides still say what was compared.
    """

    difference: Difference
    names: tuple[str, ...]
    differing: frozenset[str]
    record: Details
    index: Details
    withheld: bool
    stands: bool

    @property
    def may_apply(self) -> bool:
        """Whether accepting it would send it to the case system."""
        return self.difference.kind not in NEVER_APPLIED


def work_list(
    house: House, caller: Caller, *, state: State = State.OPEN, sources: Collection[str] = (), limit: int = 100
) -> list[Difference]:
    """Return the differences of the caller's own organisation in one state, most pressing first.

    Raises:
        NotPermitted: the caller's agreement shows them no records in number.
    """
    with gate(house, caller) as passage:
        found = house.stores.differences.list(passage.permit, state, sources=sources, limit=limit)
        passage.disclose({one.person_id for one in found}, rows=len(found), outcome="work-list")
    return found


def show(house: House, caller: Caller, difference_id: str) -> Work:
    """Return one difference side by side, as far as the agreement shows it.

    Raises:
        NotPermitted: as :func:`work_list`.
        NotFound: the caller's organisation has no such difference.
    """
    with gate(house, caller) as passage:
        one = house.stores.differences.show(passage.permit, difference_id)
        due = house.stores.compared.pairs(passage.permit, EVERYTHING, [one.source_person_id]).get(one.source_person_id)
        work = _work(house, passage, one, due)
        passage.disclose([one.person_id], rows=1, outcome="side-by-side")
    return work


def decide(house: House, caller: Caller, difference_id: str, *, accept: bool, note: str) -> None:
    """Accept what the index says, so that the case system is told of it; or dismiss the difference, with a reason.

    Raises:
        InputError: a dismissal without a reason, a note that is too long, or an acceptance that nothing allows.
        NotPermitted, NotFound: as :func:`show`.
        Conflict: it is not open any more, or a side has changed since it was found.
    """
    note = note.strip()
    if len(note) > _LONGEST or not (accept or note):
        raise InputError(f"reason: needed, at most {_LONGEST} characters", reason="difference-note", field="note")
    work = show(house, caller, difference_id)
    if accept and not work.may_apply:
        raise InputError(NEVER[work.difference.kind], reason=work.difference.kind.value, field="accept")
    if accept and not work.stands:
        raise Conflict("a side has changed since: 'gateway changes find' compares anew", reason="difference-changed")
    state = State.APPLIED if accept else State.DISMISSED
    house.gate.administer(caller, "changes:decide", difference_id, decision=state.value)
    with house.stores.transaction() as tx:
        house.stores.differences.decide(tx, difference_id, state, actor=caller.subject, note=note)
        one = work.difference
        moved = Moved(one.difference_id, one.source_person_id, one.organisation, state)
        house.stores.outbox.put(tx, messages([moved]))


NEVER: Final = {
    Kind.INFORMAL_DEATH: "an informal notice of a death never updates a case: make sure of it, then record it there",
    Kind.DUPLICATE_NUMBER: "another record has this number already: merge the two in the case system",
}
"""Why accepting these is refused, and what to do instead."""


def gate(house: House, caller: Caller) -> AbstractContextManager[Passage]:
    """Open the gate to the records of many people: practitioners, who look at one at a time, have no such grant."""
    return house.gate.permit(
        caller, level=Level.PATIENT, datasets={Dataset.INDEX}, fields=_ELEMENTS, subject=Population()
    )


def still_found(house: House, passage: Passage, one: Difference, due: Due | None) -> bool:
    """Whether a difference would be found again, about the same two values, if it were looked for now."""
    if due is None or due.person_id != one.person_id:
        return False
    if one.field is Field.NHS_NUMBER:
        row = house.stores.compared.numbered(passage.permit, EVERYTHING, one.source_person_id)
        now: Found | None = number_difference(house, passage.permit, row) if row else None
        return now is not None and (now.kind, now.about) == (one.kind, one.about)
    return any((now.kind, now.about) == (one.kind, one.about) for now in differences(pair_of(due)))


def _work(house: House, passage: Passage, one: Difference, due: Due | None) -> Work:
    stands = still_found(house, passage, one, due)
    if due is None:
        return Work(one, (), frozenset(), {}, {}, withheld=False, stands=False)
    pair = pair_of(due)
    hidden, allowed = pair.hidden, passage.decision.fields_allowed
    # of a very restricted person PDS gives neither name nor birth date
    held = allowed - _UNSAID if pair.security is Security.VERY_RESTRICTED else allowed
    differing = () if hidden and one.field in LOCATION else _DETAILS[one.field]
    sides = (_said(due.said, allowed, hidden=hidden), _said(due.patient, held, hidden=hidden))
    names = tuple(dict.fromkeys((*_KNOWN_BY, *differing)))
    record, index = ({name: _text(said, name) for name in names} for said in sides)
    return Work(one, names, frozenset(differing), record, index, withheld=hidden, stands=stands)


def _said(raw: bytes, allowed: frozenset[str], *, hidden: bool) -> Demographics:
    return to_demographics(redact_patient(orjson.loads(raw), allowed, restricted=hidden))


def _text(said: Demographics, name: str) -> str:
    value = getattr(said, name)
    return value if isinstance(value, str) else ", ".join(value)
