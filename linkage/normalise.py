"""From what a source said to what may be compared: once, at ingest, and nowhere else.

Folding transliterates (`anyascii`) instead of dropping, so a name in any script keeps a comparable form
and two different names never meet as two empties. Placeholders (`linkage.placeholders`) and unreadable
values become unknown; `doubts` says which, for the analysis of what did not match.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final

from anyascii import anyascii

from linkage import placeholders
from linkage.folding import fold
from linkage.names import forenames, surname
from linkage.nhs_number import Fault, NhsNumber, NotAnNhsNumber
from linkage.person import NORMALISATION_VERSION, Demographics, Gender, NotADate, PartialDate, Person

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NORMALISATION_VERSION", "Doubt", "doubts", "fold", "fold_postcode", "normalise"]

_NOT_ALPHANUMERIC = re.compile(r"[^A-Z0-9]+")
_NOT_DIGITS = re.compile(r"[^0-9]+")
_POSTCODE = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9OI][A-Z0-9]{2})")
_OUTCODE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?")
_AREA = re.compile(r"[A-Z]+")
_HOUSE_NUMBER = re.compile(r"\b[0-9]+[A-Z]?\b")
_STREET_KINDS: Final = placeholders.word_set(
    """
    STREET ST ROAD RD AVENUE AVE AV LANE LN DRIVE DR CLOSE CL COURT CT CRESCENT CRES WAY PLACE PL GARDENS GDNS
    TERRACE TERR SQUARE SQ GROVE GR HILL VIEW WALK PARK GREEN RISE MEWS ROW YARD FLAT APARTMENT APT UNIT ROOM
    THE HOUSE
    """
)
_INWARD_DIGIT = str.maketrans("OI", "01")
_INWARD_LETTERS = str.maketrans("01", "OI")
_SHORTEST_PHONE, _LONGEST_PHONE = 7, 15
_ADDRESS_LINES_WITH_A_HOUSE: Final = 2
_REMEMBERED: Final = 65_536
"""Dates, postcodes and practices recur, so each is read once."""


@lru_cache(maxsize=_REMEMBERED)
def fold_postcode(text: str) -> str:
    """A postcode without its space, upper-case, with O and I for 0 and 1 set right; empty when it is none.

    An outward half alone is kept (``LE2``). Placeholders (ZZ99 and the like) become empty.
    """
    compact = _NOT_ALPHANUMERIC.sub("", anyascii(text).upper())
    whole = _POSTCODE.fullmatch(compact)
    if whole is not None:
        outward, inward = whole.groups()
        compact = outward + inward[0].translate(_INWARD_DIGIT) + inward[1:].translate(_INWARD_LETTERS)
    elif _OUTCODE.fullmatch(compact) is None:
        return ""
    area = _AREA.match(compact)
    return "" if area is None or area.group() in placeholders.POSTCODE_AREAS else compact


def normalise(said: Demographics) -> Person:
    """The comparable form of what a source said; unreadable and placeholder values become unknown."""
    family, given = surname(said.family), (said.given, *said.other_given)
    if "," in said.family and not said.given.strip() and not family.earlier:
        # the whole name in the surname's field: KHAN, Aisha Noor
        family_text, _, given_text = said.family.partition(",")
        family, given = surname(family_text), (given_text, *said.other_given)
    names = forenames(given)
    house, street = _house_and_street(said.address)
    number, near_number = _number(said.nhs_number)
    return Person(
        nhs_number=number,
        family=family.folded,
        given=names.folded[0] if names.folded else "",
        other_given=_distinct(names.folded[1:]),
        previous_family=_distinct((*_earlier(said.previous_family), *family.earlier)),
        birth_date=_date(said.birth_date),
        gender=_gender(said.gender),
        postcode=fold_postcode(said.postcode),
        previous_postcode=_distinct(map(fold_postcode, said.previous_postcode)),
        house=house,
        street=street,
        phone=_distinct(map(_phone, said.phone)),
        email=_distinct(map(_email, said.email)),
        gp_practice=_practice(said.gp_practice),
        death_date=_date(said.death_date),
        near_number=near_number,
        family_written=family.written,
        given_written=names.written,
    )


@dataclass(frozen=True, slots=True)
class Doubt:
    """A field whose value was given and could not be used: unreadable, or a placeholder."""

    field: str


def doubts(said: Demographics, person: Person) -> tuple[Doubt, ...]:
    """Name the single-valued fields that were said but are unknown in ``person``, its normal form."""
    fields = ("nhs_number", "family", "given", "birth_date", "postcode", "gp_practice", "death_date")
    return tuple(Doubt(field) for field in fields if getattr(said, field).strip() and not getattr(person, field))


def _earlier(texts: Iterable[str]) -> Iterable[str]:
    """Each earlier surname, with what its own field held beside it."""
    for text in texts:
        name = surname(text)
        yield name.folded
        yield from name.earlier


def _number(text: str) -> tuple[NhsNumber | None, str]:
    """A valid number, or the ten digits of one that was mistyped; never both."""
    try:
        return NhsNumber.parse(text), ""
    except NotAnNhsNumber as refusal:
        if refusal.fault is Fault.CHECK_DIGIT:
            return None, _NOT_DIGITS.sub("", text)
        return None, ""


@lru_cache(maxsize=_REMEMBERED)
def _date(text: str) -> PartialDate | None:
    try:
        when = PartialDate.parse(text)
    except NotADate:
        return None
    return when if placeholders.is_date(when) else None


def _gender(text: str) -> Gender:
    try:
        return Gender(text.strip().lower())
    except ValueError:
        return Gender.UNKNOWN


def _house_and_street(lines: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The numbers of the first lines as one text (flat 3 of 12 is ``3/12``) and the street's own words."""
    said = islice((line for line in lines if line.strip()), _ADDRESS_LINES_WITH_A_HOUSE)
    first = [_NOT_ALPHANUMERIC.sub(" ", anyascii(line).upper()).strip() for line in said]
    if not first:
        return "", ()
    numbers = [number for line in first for number in _HOUSE_NUMBER.findall(line)]
    numbered = [line for line in first if _HOUSE_NUMBER.search(line)]
    street = numbered[-1] if numbered else first[-1]
    words = (word for word in street.split() if word not in _STREET_KINDS and word.isalpha())
    return "/".join(numbers) or first[0], _distinct(words)


def _phone(text: str) -> str:
    """National form, digits alone: +44 and 0044 become 0, an optional (0) goes."""
    text = text.replace("(0)", "")
    digits = _NOT_DIGITS.sub("", text)
    for abroad in ("0044", "44"):
        if digits.startswith(abroad) and len(digits) > _SHORTEST_PHONE + len(abroad):
            digits = "0" + digits[len(abroad) :].lstrip("0")
            break
    if not _SHORTEST_PHONE <= len(digits) <= _LONGEST_PHONE:
        return ""
    return digits if placeholders.is_phone(digits) else ""


def _email(text: str) -> str:
    address = text.strip().lower()
    name, at, host = address.partition("@")
    return address if name and at and "." in host and name not in placeholders.EMAIL_NAMES else ""


@lru_cache(maxsize=_REMEMBERED)
def _practice(text: str) -> str:
    code = _NOT_ALPHANUMERIC.sub("", anyascii(text).upper())
    return "" if code in placeholders.PRACTICES else code


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    """Non-empty values once each, in their order."""
    return tuple(dict.fromkeys(filter(None, values)))
