"""Keys: the hashed combinations under which a person is stored and looked for.

Two records are compared only when they share a key, so the keys decide recall and speed together. Each is
64 bits of BLAKE2b over its parts, signed for SQL, the same on every machine. A key with a missing part
is not made; placeholders are already gone from a `Person`. Postcodes are split four ways, since a whole
postcode costs nine pairs in ten and finds almost nothing more (design note, section 4). Names are keyed by
how their main form sounds, in either order, so that a spelling, a short form and an exchange meet.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from linkage.customs import called, family_root, given_root, main_form, sound, telling_words
from linkage.person import Security

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkage.person import PartialDate, Person

KEYS: Final = (
    "number",
    "names-year",
    "names-day",
    "birth",
    "postcode-given",
    "postcode-family",
    "postcode-year",
    "postcode-day",
    "phone",
    "email",
)
"""The names of the keys; a model says which it was weighed with."""

_SHORTEST_WHOLE_POSTCODE = 5
_LETTERS_OF_A_NAME = 2
_MODULUS = 11
_REMEMBERED = 131_072

Key = tuple[str, ...]
"""The name of a key and its parts."""


def index_keys(person: Person, security: Security = Security.UNRESTRICTED) -> tuple[int, ...]:
    """Under which keys an index row is stored, previous surnames and postcodes included.

    A restricted row has no location keys; an invalidated one is stored like any other, so that a trace can
    say that it is invalid.
    """
    keys = [*_number_keys(person), *_name_keys(person)]
    if not security.hides_location:
        keys.extend(_location_keys(person))
    return _hashed(keys)


def probe_keys(person: Person) -> tuple[int, ...]:
    """Under which keys a person asked about is looked for."""
    return _hashed(_probes(person))


def named_keys(person: Person) -> tuple[tuple[str, int], ...]:
    """The probes of a person with the names of their keys, in the order of `probe_keys`: for reports of blocks."""
    named: dict[int, str] = {}
    for key in _probes(person):
        named.setdefault(_hash("|".join(key)), key[0])
    return tuple((name, hashed) for hashed, name in named.items())


def _probes(person: Person) -> list[Key]:
    """A person's own keys, those of a number put right, and those of exchanged day and month.

    Exchanged names need no probe of their own: the keys made of names do not tell forename from surname.
    """
    keys = [*_number_keys(person), *_name_keys(person)]
    if person.near_number:
        keys.extend(("number", number) for number in _put_right(person.near_number))
    swapped = person.birth_date.swapped() if person.birth_date else None
    if swapped is not None:
        keys.extend(_birth_keys(person.family, swapped))
        keys.extend(_birth_keys(person.given, swapped))
    keys.extend(_location_keys(person))
    return keys


def _number_keys(person: Person) -> Iterator[Key]:
    if person.nhs_number is not None:
        yield "number", person.nhs_number.digits
    elif person.near_number:
        yield "number", person.near_number


def _put_right(near: str) -> Iterator[str]:
    """Every valid number one digit, or one exchange of neighbours, away from ten digits that fail the check.

    A number is valid when its digits, weighted 10 to 1, sum to a multiple of 11; at each place at most one
    digit makes up what is lacking, so there are at most ten of these and nine exchanges.
    """
    digits = [int(digit) for digit in near]
    weights = range(len(digits), 0, -1)
    excess = sum(digit * weight for digit, weight in zip(digits, weights, strict=True))
    for place, (digit, weight) in enumerate(zip(digits, weights, strict=True)):
        right = (digit - excess * pow(weight, -1, _MODULUS)) % _MODULUS
        if right < len(digits):
            yield f"{near[:place]}{right}{near[place + 1 :]}"
    for place, (left, right) in enumerate(pairwise(digits)):
        # the left one weighs one more than the right
        if (excess + right - left) % _MODULUS == 0:
            yield f"{near[:place]}{right}{left}{near[place + 2 :]}"


def _name_keys(person: Person) -> Iterator[Key]:
    """Names, in either order, with a part of the birth date; and a whole birth date with the beginning of a name."""
    born = person.birth_date
    if born is None:
        return
    families, givens = _surnames(person), _forenames(person)
    for family in families:
        for given in givens:
            yield from _pair_keys(family, given, born)
    if born.is_whole:
        for name in (*families, *givens):
            yield from _birth_keys(name, born)


def _surnames(person: Person) -> list[str]:
    """The surname, each telling word of one of several, and the earlier ones."""
    names = [person.family] if person.family else []
    if " " in person.family:
        names.extend(sorted(telling_words(person.family)))
    names.extend(person.previous_family)
    return names


def _forenames(person: Person) -> list[str]:
    """The forename, and the one that custom puts after it: Mohammed Bilal is looked for as Bilal too."""
    if not person.given:
        return []
    known_as = called(person.given, person.other_given)
    return [person.given] if known_as == person.given else [person.given, known_as]


def _pair_keys(family: str, given: str, born: PartialDate) -> Iterator[Key]:
    """Two names as they sound with a part of the birth date, so that a slip in the rest of it still meets."""
    one, other = sorted((_heard(family), _heard(given)))
    yield "names-year", one, other, str(born.year)
    if born.is_whole:
        yield "names-day", one, other, f"{born.month}-{born.day}"


@lru_cache(maxsize=_REMEMBERED)
def _heard(name: str) -> str:
    """The main form of a name as it sounds, forename or surname alike; itself where Metaphone hears nothing."""
    main = main_form(name)
    if main == name:
        main = main_form(given_root(family_root(name).upper()))
    return sound(main) or main


def _birth_keys(name: str, born: PartialDate) -> Iterator[Key]:
    """A whole birth date with the beginning of one name, so that the other may be anything."""
    if len(name) >= _LETTERS_OF_A_NAME:
        yield "birth", str(born), name[:_LETTERS_OF_A_NAME]


def _location_keys(person: Person) -> Iterator[Key]:
    for postcode in (person.postcode, *person.previous_postcode):
        yield from _postcode_keys(postcode, person)
    for phone in person.phone:
        yield "phone", phone
    for address in person.email:
        yield "email", address


def _postcode_keys(postcode: str, person: Person) -> Iterator[Key]:
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


def _hashed(keys: list[Key]) -> tuple[int, ...]:
    """Each combination once, as a signed 64-bit number, in a stable order."""
    return tuple(dict.fromkeys(_hash("|".join(key)) for key in keys))


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("ascii", "replace"), digest_size=8).digest(), "big", signed=True)
