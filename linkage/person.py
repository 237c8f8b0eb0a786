"""People as this room sees them: what a source said (`Demographics`) and what may be compared (`Person`).

A comparer accepts only `Person`, so raw and normalised values can never be mixed up. Originals and their
script stay with the source record; the folded forms here are additional.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Final

import orjson

from linkage.nhs_number import NhsNumber

NORMALISATION_VERSION: Final = 2
"""Raised whenever the same demographics would normalise differently; stored first in a packed person."""

_ISO = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_MONTHS = 12


class Gender(StrEnum):
    """FHIR AdministrativeGender, the four codes of PDS."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


class Security(StrEnum):
    """How an index row is protected: PDS confidentiality codes, and I for an invalidated record."""

    UNRESTRICTED = "U"
    RESTRICTED = "R"
    VERY_RESTRICTED = "V"
    INVALIDATED = "I"

    @property
    def hides_location(self) -> bool:
        """Whether location evidence is neither keyed, scored nor shown."""
        return self is Security.RESTRICTED or self is Security.VERY_RESTRICTED


class DateRule(StrEnum):
    """Why a text is not a date: stable codes, safe to log and to show."""

    EMPTY = "empty"
    FORMAT = "format"
    IMPOSSIBLE = "impossible"


class NotADate(ValueError):
    """A text that is not an ISO date, whole or partial. It carries the rule and never the text."""

    def __init__(self, rule: DateRule) -> None:
        super().__init__(f"not a date: {rule}")
        self.rule = rule


@dataclass(frozen=True, slots=True, order=True)
class PartialDate:
    """A year, a year and month, or a whole date; an absent part is 0.

    Raises:
        NotADate: on construction, when no such date exists.
    """

    year: int
    month: int = 0
    day: int = 0

    def __post_init__(self) -> None:
        try:
            date(self.year, self.month or 1, self.day or 1)
        except ValueError:
            raise NotADate(DateRule.IMPOSSIBLE) from None
        if self.day and not self.month:
            raise NotADate(DateRule.IMPOSSIBLE)

    @classmethod
    def parse(cls, text: str) -> PartialDate:
        """Read ``1941``, ``1941-03`` or ``1941-03-07``.

        Raises:
            NotADate: with the rule that the text breaks.
        """
        text = text.strip()
        if not text:
            raise NotADate(DateRule.EMPTY)
        found = _ISO.fullmatch(text)
        if found is None:
            raise NotADate(DateRule.FORMAT)
        year, month, day = found.groups()
        # "1941-00" is a written month that does not exist, not an absent one
        if "00" in (month, day):
            raise NotADate(DateRule.IMPOSSIBLE)
        return cls(int(year), int(month or 0), int(day or 0))

    @property
    def is_whole(self) -> bool:
        """Whether the day is known."""
        return self.day > 0

    @property
    def as_number(self) -> int:
        """``19410307``, absent parts as zeros: how a date is packed."""
        return self.year * 10_000 + self.month * 100 + self.day

    def swapped(self) -> PartialDate | None:
        """Day and month exchanged, or None where that changes nothing or gives no date."""
        if not self.is_whole or self.day > _MONTHS or self.day == self.month:
            return None
        return PartialDate(self.year, self.day, self.month)

    def __str__(self) -> str:
        """ISO, as precise as it is known."""
        if not self.month:
            return f"{self.year:04d}"
        if not self.day:
            return f"{self.year:04d}-{self.month:02d}"
        return f"{self.year:04d}-{self.month:02d}-{self.day:02d}"


@dataclass(frozen=True, slots=True)
class Demographics:
    """What a source said about a person, in its own spelling and script. Every field may be empty.

    ``given`` is the first forename and ``other_given`` the rest; dates are ISO and may be partial;
    ``address`` holds up to five lines, the first ones naming the house and the street.
    """

    nhs_number: str = ""
    family: str = ""
    given: str = ""
    other_given: tuple[str, ...] = ()
    previous_family: tuple[str, ...] = ()
    birth_date: str = ""
    gender: str = ""
    postcode: str = ""
    previous_postcode: tuple[str, ...] = ()
    address: tuple[str, ...] = ()
    phone: tuple[str, ...] = ()
    email: tuple[str, ...] = ()
    gp_practice: str = ""
    death_date: str = ""


class StalePerson(ValueError):
    """A packed person of another normalisation version; it must be normalised again from its original."""

    def __init__(self) -> None:
        super().__init__("a packed person of another normalisation version")


@dataclass(frozen=True, slots=True)
class Person:
    """A person in comparable form: folded to upper-case ASCII, placeholders gone, codes compact.

    Made by `linkage.normalise.normalise` and `Person.unpack` only. Empty text means unknown; ``house`` is
    the number or name that tells one address of a postcode from another, ``street`` its words.
    ``near_number`` holds ten digits whose check digit is wrong (then ``nhs_number`` is None): a slip of the
    hand, compared with valid numbers and never taken for one. ``family_written`` and ``given_written`` are
    the names in capitals with their marks and script, empty where that is the folded form.
    """

    nhs_number: NhsNumber | None = None
    family: str = ""
    given: str = ""
    other_given: tuple[str, ...] = ()
    previous_family: tuple[str, ...] = ()
    birth_date: PartialDate | None = None
    gender: Gender = Gender.UNKNOWN
    postcode: str = ""
    previous_postcode: tuple[str, ...] = ()
    house: str = ""
    street: tuple[str, ...] = ()
    phone: tuple[str, ...] = ()
    email: tuple[str, ...] = ()
    gp_practice: str = ""
    death_date: PartialDate | None = None
    near_number: str = ""
    family_written: str = ""
    given_written: str = ""

    def pack(self) -> bytes:
        """As a compact JSON array, normalisation version first: what an index row stores."""
        return orjson.dumps(
            (
                NORMALISATION_VERSION,
                self.nhs_number.digits if self.nhs_number else "",
                self.family,
                self.given,
                self.other_given,
                self.previous_family,
                self.birth_date.as_number if self.birth_date else 0,
                self.gender,
                self.postcode,
                self.previous_postcode,
                self.house,
                self.street,
                self.phone,
                self.email,
                self.gp_practice,
                self.death_date.as_number if self.death_date else 0,
                self.near_number,
                self.family_written,
                self.given_written,
            )
        )

    @classmethod
    def unpack(cls, data: bytes) -> Person:
        """Rebuild a packed person; the hot path of a trace, so nothing stored is checked twice.

        Raises:
            StalePerson: the bytes were packed under another normalisation version.
        """
        row = orjson.loads(data)
        version, number, family, given, other, previous, born, gender, postcode, formerly, *rest = row
        if version != NORMALISATION_VERSION:
            raise StalePerson
        house, street, phone, email, practice, died, *written = rest
        return cls(
            NhsNumber.trusted(number) if number else None,
            family,
            given,
            tuple(other),
            tuple(previous),
            _date_of(born),
            _GENDERS[gender],
            postcode,
            tuple(formerly),
            house,
            tuple(street),
            tuple(phone),
            tuple(email),
            practice,
            _date_of(died),
            *written,
        )


_GENDERS: Final = {gender.value: gender for gender in Gender}


@lru_cache(maxsize=65_536)
def _date_of(number: int) -> PartialDate | None:
    """The date behind its packed number. Cached: a county holds some 40,000 dates of birth."""
    if not number:
        return None
    year, rest = divmod(number, 10_000)
    return PartialDate(year, *divmod(rest, 100))
