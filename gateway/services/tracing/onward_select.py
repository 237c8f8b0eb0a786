"""Whom to ask the national service about, and who is left out of every question, for which reason.

Left out are records that a seal concerns (a protected person's two identities never meet, also not at the national
service), records asked about before with the same details, and records with too little to be found by. A restricted
person is asked about without anything that tells where they live.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import orjson

from adapters.person import to_demographics
from adapters.spine.tracing import Meaning
from gateway.errors import InputError
from gateway.ids import person_id, person_id_without_number
from gateway.services.records.protected import sealed_people
from gateway.services.records.residue import residue
from gateway.services.tracing.asked import asked_person
from gateway.storage.onward import Whose
from ig.decision import FilterKind
from ig.purpose import Element, Purpose
from linkage.decide import Flag, Outcome
from linkage.nhs_number import NhsNumber, NotAnNhsNumber

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from gateway.gate import Passage
    from gateway.house import House
    from gateway.storage.onward import Check, Numbered, Question
    from gateway.storage.permit import Permit
    from linkage.person import Demographics

PDS_INDEX: Final = "pds"
"""The source of an index that is PDS's own: who is matched in it is verified by it (DESIGN section 3)."""

SENT: Final = frozenset(
    {
        Element.NHS_NUMBER,
        Element.NAME,
        Element.BIRTH_DATE,
        Element.GENDER,
        Element.ADDRESS,
        Element.TELECOM,
        Element.GP,
        Element.DECEASED,
    }
)
"""What a question may say of somebody; what the decision drops is left blank."""

PROTECTED, ASKED_BEFORE, NOT_IN_SCOPE = "protected", "asked-before", "not-in-scope"

_PAGE: Final = 500
_NOWHERE: Final[dict[str, Any]] = {
    "postcode": "",
    "previous_postcode": (),
    "address": (),
    "phone": (),
    "email": (),
    "gp_practice": "",
}
_FIELDS: Final[dict[Element, dict[str, Any]]] = {
    Element.NAME: {"family": "", "given": "", "other_given": (), "previous_family": ()},
    Element.BIRTH_DATE: {"birth_date": ""},
    Element.GENDER: {"gender": ""},
    Element.ADDRESS: {"postcode": "", "previous_postcode": (), "address": ()},
    Element.TELECOM: {"phone": (), "email": ()},
    Element.GP: {"gp_practice": ""},
    Element.DECEASED: {"death_date": ""},
    Element.NHS_NUMBER: {"nhs_number": ""},
}


class Selection(StrEnum):
    """Which records go on: those that nothing settled, those changed since, those with an unconfirmed number."""

    UNRESOLVED = "unresolved"
    CHANGED = "changed"
    UNVERIFIED = "unverified-since"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to ask about. ``since`` is for unverified numbers; ``again`` asks also what was asked before."""

    selection: Selection
    since: date | None = None
    sources: frozenset[str] = frozenset()
    again: bool = False


@dataclass(frozen=True, slots=True)
class Askable:
    """A record, and what may be said of its person; ``asked.nhs_number`` is the number to be confirmed, or empty."""

    record: Numbered
    asked: Demographics
    flags: frozenset[str] = frozenset()

    @property
    def people(self) -> frozenset[str]:
        """Whom a question about it names: its person, and whoever has the number it carries."""
        own = self.record.person_id or person_id_without_number(self.record.source_person_id)
        number = _valid(self.asked.nhs_number)
        return frozenset({own, person_id(number)} if number else {own})


@dataclass(slots=True)
class Screen:
    """Takes away who may not be asked about, and from the rest what may not be said. ``left`` counts by reason."""

    house: House
    passage: Passage
    wanted: Wanted
    left: Counter[str] = field(default_factory=Counter)
    _sealed: frozenset[str] = field(init=False)
    _members: frozenset[str] | None = field(init=False)

    def __post_init__(self) -> None:
        permit = self.passage.permit
        self._sealed = sealed_people(self.house)
        narrowed = any(kept.kind is not FilterKind.PROVIDERS for kept in permit.row_filters)
        members = (one.person_id for one in self.house.stores.records.population(permit)) if narrowed else None
        self._members = frozenset(members) if members is not None else None

    def page(self, found: Sequence[Askable]) -> list[Askable]:
        """Return those of some records that may be asked about, as they may be asked about."""
        permit, onward = self.passage.permit, self.house.stores.onward
        names = [one.record.source_person_id for one in found]
        rulings = self.house.stores.links.rulings(permit, names)
        asked, checks = onward.last_asked(permit, names), onward.checks(permit, names)
        hidden = self._restricted(found, checks)
        kept = []
        for one in found:
            name = one.record.source_person_id
            sealed = bool(rulings[name].sealed) or not self._sealed.isdisjoint(one.people)
            reason = PROTECTED if sealed else self._reason(one, asked.get(name))
            said = self._sayable(one.asked, hidden=name in hidden)
            if not reason:
                reason = _too_little(said)
            if reason:
                self.left[reason] += 1
            else:
                kept.append(replace(one, asked=said))
        return kept

    def _reason(self, one: Askable, last: Question | None) -> str:
        if self._members is not None and one.record.person_id not in self._members:
            return NOT_IN_SCOPE
        return ASKED_BEFORE if last and not self.wanted.again and self._is_the_same(one, last) else ""

    def _is_the_same(self, one: Askable, last: Question) -> bool:
        """Whether the last question had the same details, and waits for its answer or has one that still counts."""
        if (last.demographics_hash, last.nhs_number) != (one.record.demographics_hash, one.asked.nhs_number):
            return False
        since = self.wanted.since
        if last.meaning == Meaning.NOT_TRACED:
            return False
        return since is None or last.asked_at.date() >= since

    def _restricted(self, found: Sequence[Askable], checks: dict[str, Check]) -> set[str]:
        """Whose whereabouts must not be told: by the index, by the trace, by a doubt, or by what PDS said before."""
        doubted = self.house.stores.onward.may_be_restricted(
            self.passage.permit, [one.record.source_person_id for one in found]
        )
        numbers = {one.record.source_person_id: self._numbers(one) for one in found}
        every = {number for held in numbers.values() for number in held}
        rows = self.house.stores.index.by_numbers(self.passage.permit, every) if every else {}
        hidden = {number for number, row in rows.items() if row.security.hides_location}
        return {
            name
            for one in found
            if (name := one.record.source_person_id)
            and (
                Flag.RESTRICTED in one.flags
                or name in doubted
                or (name in checks and checks[name].restricted)
                or not hidden.isdisjoint(numbers[name])
            )
        }

    @staticmethod
    def _numbers(one: Askable) -> set[NhsNumber]:
        held = (one.record.own, one.record.linked, one.asked.nhs_number)
        return {number for text in held if (number := _valid(text))}

    def _sayable(self, asked: Demographics, *, hidden: bool) -> Demographics:
        blank = dict(_NOWHERE) if hidden else {}
        for element, cleared in _FIELDS.items():
            if not self.passage.allows(element):
                blank.update(cleared)
        return replace(asked, **blank) if blank else asked


def select(house: House, permit: Permit, wanted: Wanted) -> Iterator[list[Askable]]:
    """Yield pages of the records wanted, by id: one's own organisation's, or everybody's for processing."""
    everybody = permit.purpose == Purpose.PROCESSING
    whose = Whose(wanted.sources, None if everybody else frozenset({permit.organisation}))
    if wanted.selection is Selection.UNRESOLVED:
        yield from _unresolved(house, permit, wanted)
        return
    after = ""
    while rows := _rows(house, permit, wanted, whose, after):
        after = rows[-1].source_person_id
        kept = [row for row in rows if not _verified_by_index(house, wanted, row)]
        patients = house.stores.records.patients(permit, [row.source_person_id for row in kept])
        yield [_askable(row, patients.get(row.source_person_id, b"{}")) for row in kept]


def _unresolved(house: House, permit: Permit, wanted: Wanted) -> Iterator[list[Askable]]:
    found = residue(house, permit, sources=wanted.sources)
    while page := list(islice(found, _PAGE)):
        records = house.stores.onward.numbered(permit, [one.source_person_id for one in page])
        yield [
            Askable(records[one.source_person_id], replace(one.asked, nhs_number=one.nhs_number), one.flags)
            for one in page
            if one.source_person_id in records
        ]


def _rows(house: House, permit: Permit, wanted: Wanted, whose: Whose, after: str) -> list[Numbered]:
    onward = house.stores.onward
    if wanted.selection is Selection.CHANGED:
        return onward.changed(permit, whose, after, _PAGE)
    if wanted.since is None:
        raise InputError("--unverified-since: give a day, YYYY-MM-DD", reason="since", field="since")
    return onward.unverified(permit, whose, wanted.since, after, _PAGE)


def _verified_by_index(house: House, wanted: Wanted, row: Numbered) -> bool:
    """Whether an index that is PDS's own, no older than the day wanted, matched the record."""
    info = house.stores.index.describe()
    if wanted.since is None or info is None or info.source != PDS_INDEX:
        return False
    return info.as_of >= wanted.since and row.outcome == Outcome.MATCHED and bool(row.linked)


def _askable(row: Numbered, patient: bytes) -> Askable:
    return Askable(row, replace(to_demographics(orjson.loads(patient)), nhs_number=row.number))


def _too_little(said: Demographics) -> str:
    """Why these details cannot be traced with, or empty: the rule is the house's own for any request."""
    try:
        asked_person(said, number_will_do=True)
    except InputError as refused:
        return f"{refused.field}-{refused.reason}"
    return ""


def _valid(text: str) -> NhsNumber | None:
    try:
        return NhsNumber(text)
    except NotAnNhsNumber:
        return None
