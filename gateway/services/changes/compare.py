"""What a record and the index say of one person, field by field: the same, another form of it, or something else.

Only what both sides say is compared, with two exceptions: middle names and a death. A value that nobody could use (a
placeholder, an unreadable date) counts as not said. Whereabouts of restricted people are not looked at (PDS security R
and V); of very restricted ones (V) PDS gives neither name nor birth date, so those are not compared either.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gateway.services.changes.forms import Part, plain, same_given, says_less
from gateway.storage.differing import Field
from ig.purpose import Element
from linkage.normalise import normalise
from linkage.person import Gender

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from linkage.person import Demographics, Person

RULES: Final = "forms-1"
"""Raised with every change of what this module answers: everybody is compared again under the new rules."""


class Verdict(StrEnum):
    """What two sides are to each other. ``same`` also where the record's own form says as much or more."""

    SAME = "same"
    FORMATTING = "formatting"
    SUBSTANTIVE = "substantive"


@dataclass(frozen=True, slots=True)
class Side:
    """One side: what it says, and that in comparable form."""

    said: Demographics
    person: Person

    @classmethod
    def of(cls, said: Demographics) -> Side:
        """Make a side of what was said."""
        return cls(said, normalise(said))

    @property
    def given(self) -> str:
        """All given names as one text."""
        return " ".join((self.said.given, *self.said.other_given)).strip()

    @property
    def lines(self) -> str:
        """All lines of the address as one text."""
        return ", ".join(self.said.address)


@dataclass(frozen=True, slots=True)
class Rule:
    """How one field is compared. ``details`` are the names in `Demographics` that it is made of."""

    field: Field
    element: Element
    details: tuple[str, ...]
    compare: Callable[[Side, Side], Verdict]


def _worst(verdicts: Collection[Verdict]) -> Verdict:
    return max(verdicts, key=list(Verdict).index, default=Verdict.SAME)


def _written(record: str, index: str, *, equal: bool) -> Verdict:
    """Two writings of a value, and whether they are equal but for their form."""
    if record == index:
        return Verdict.SAME
    if not equal:
        return Verdict.SUBSTANTIVE
    return Verdict.SAME if says_less(index, record) else Verdict.FORMATTING


def _name(record: Side, index: Side) -> Verdict:
    found = []
    if record.person.family and index.person.family:
        mine, theirs = record.said.family, index.said.family
        found.append(_written(mine, theirs, equal=plain(Part.FAMILY, mine) == plain(Part.FAMILY, theirs)))
    if record.person.given and index.person.given:
        found.append(_written(record.given, index.given, equal=same_given(record.given, index.given)))
    return _worst(found)


def _birth_date(record: Side, index: Side) -> Verdict:
    mine, theirs = record.person.birth_date, index.person.birth_date
    return Verdict.SUBSTANTIVE if mine and theirs and mine != theirs else Verdict.SAME


def _address(record: Side, index: Side) -> Verdict:
    found = []
    if record.person.postcode and index.person.postcode:
        mine, theirs = record.said.postcode, index.said.postcode
        found.append(_written(mine, theirs, equal=record.person.postcode == index.person.postcode))
    if record.lines and index.lines:
        equal = plain(Part.LINES, record.lines) == plain(Part.LINES, index.lines)
        found.append(_written(record.lines, index.lines, equal=equal))
    return _worst(found)


def _gp(record: Side, index: Side) -> Verdict:
    mine, theirs = record.person.gp_practice, index.person.gp_practice
    if not (mine and theirs):
        return Verdict.SAME
    return _written(record.said.gp_practice, index.said.gp_practice, equal=mine == theirs)


def _gender(record: Side, index: Side) -> Verdict:
    known = {record.person.gender, index.person.gender} - {Gender.UNKNOWN}
    return Verdict.SUBSTANTIVE if len(known) > 1 else Verdict.SAME


def _telecom(record: Side, index: Side) -> Verdict:
    phones = _points(record.person.phone, index.person.phone, record.said.phone, index.said.phone)
    return _worst([phones, _points(record.person.email, index.person.email, record.said.email, index.said.email)])


def _points(mine: tuple[str, ...], theirs: tuple[str, ...], said: tuple[str, ...], held: tuple[str, ...]) -> Verdict:
    """Phones or e-mail addresses: one in common says that neither is wrong, whatever else is on either side."""
    if not (mine and theirs):
        return Verdict.SAME
    if set(mine).isdisjoint(theirs):
        return Verdict.SUBSTANTIVE
    return Verdict.SAME if len(mine) > len(theirs) or not set(said).isdisjoint(held) else Verdict.FORMATTING


TABLE: Final = (
    Rule(Field.NAME, Element.NAME, ("family", "given", "other_given"), _name),
    Rule(Field.BIRTH_DATE, Element.BIRTH_DATE, ("birth_date",), _birth_date),
    Rule(Field.GENDER, Element.GENDER, ("gender",), _gender),
    Rule(Field.ADDRESS, Element.ADDRESS, ("address", "postcode"), _address),
    Rule(Field.TELECOM, Element.TELECOM, ("phone", "email"), _telecom),
    Rule(Field.GP, Element.GP, ("gp_practice",), _gp),
)
"""Every field whose values are compared."""

LOCATION: Final = frozenset({Field.ADDRESS, Field.TELECOM, Field.GP})
"""What tells where somebody is to be found; never looked at for whoever is restricted."""
