"""Keys: the hashed combinations under which a person is stored and looked for.

Two records are compared only when they share a key, so the keys decide recall and speed together. Each is
64 bits of BLAKE2b over its parts, signed for SQL, the same on every machine. A key with a missing part
is not made; placeholders are already gone from a `Person`. Postcodes are split four ways, since a whole
postcode costs nine pairs in ten and finds almost nothing more (design note, section 4).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import jellyfish

from linkage.person import Security

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkage.person import PartialDate, Person

KEYS: Final = (
    "number",
    "names-year",
    "names-day",
    "sound-year",
    "birth",
    "postcode-given",
    "postcode-family",
    "postcode-year",
    "postcode-day",
    "phone",
)
"""The names of the keys; a model says which it was weighed with."""

_SHORTEST_WHOLE_POSTCODE = 5
_LETTERS_OF_A_NAME = 2


def index_keys(person: Person, security: Security = Security.UNRESTRICTED) -> tuple[int, ...]:
    """Under which keys an index row is stored, previous surnames and postcodes included.

    A restricted row has no location keys; an invalidated one is stored like any other, so that a trace can
    say that it is invalid.
    """
    parts = list(_identifier_parts(person))
    for family in (person.family, *person.previous_family):
        parts.extend(_name_parts(family, person.given, person.birth_date))
    if not security.hides_location:
        for postcode in (person.postcode, *person.previous_postcode):
            parts.extend(_postcode_parts(postcode, person))
        parts.extend(("phone", phone) for phone in person.phone)
    return _hashed(parts)


def probe_keys(person: Person) -> tuple[int, ...]:
    """Under which keys a person asked about is looked for: their own, and those of exchanged day and month.

    Exchanged names need no probe of their own: the keys made of names do not tell forename from surname.
    """
    parts = list(_identifier_parts(person))
    for family in (person.family, *person.previous_family):
        parts.extend(_name_parts(family, person.given, person.birth_date))
    swapped = person.birth_date.swapped() if person.birth_date else None
    if swapped is not None:
        parts.extend(_birth_parts(person.family, person.given, swapped))
    for postcode in (person.postcode, *person.previous_postcode):
        parts.extend(_postcode_parts(postcode, person))
    parts.extend(("phone", phone) for phone in person.phone)
    return _hashed(parts)


def _identifier_parts(person: Person) -> Iterator[tuple[str, ...]]:
    if person.nhs_number is not None:
        yield "number", person.nhs_number.digits


def _name_parts(family: str, given: str, born: PartialDate | None) -> Iterator[tuple[str, ...]]:
    """Names, in either order, with a part of the birth date, so that a slip in the rest of it still meets."""
    if born is None:
        return
    year = str(born.year)
    if family and given:
        yield "names-year", *sorted((family, given)), year
        yield "sound-year", *sorted((jellyfish.metaphone(family), jellyfish.metaphone(given))), year
        if born.is_whole:
            yield "names-day", *sorted((family, given)), f"{born.month}-{born.day}"
    if born.is_whole:
        yield from _birth_parts(family, given, born)


def _birth_parts(family: str, given: str, born: PartialDate) -> Iterator[tuple[str, ...]]:
    """A whole birth date with the beginning of one name, so that the other may be anything."""
    for name in (family, given):
        if len(name) >= _LETTERS_OF_A_NAME:
            yield "birth", str(born), name[:_LETTERS_OF_A_NAME]


def _postcode_parts(postcode: str, person: Person) -> Iterator[tuple[str, ...]]:
    """A whole postcode with one small thing about the person, so that no block is a whole street."""
    if len(postcode) < _SHORTEST_WHOLE_POSTCODE:
        return
    if person.given:
        yield "postcode-given", postcode, person.given[0]
    if person.family:
        yield "postcode-family", postcode, person.family[0]
    born = person.birth_date
    if born is not None:
        yield "postcode-year", postcode, str(born.year)
        if born.is_whole:
            yield "postcode-day", postcode, f"{born.month}-{born.day}"


def _hashed(parts: list[tuple[str, ...]]) -> tuple[int, ...]:
    """Each combination once, as a signed 64-bit number, in a stable order."""
    return tuple(dict.fromkeys(_hash("|".join(part)) for part in parts))


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("ascii", "replace"), digest_size=8).digest(), "big", signed=True)
