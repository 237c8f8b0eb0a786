"""Two people, field by field: which level of agreement each field reaches.

The vocabulary is closed: a model weighs exactly these levels, and the SQL compiler produces the same ones.
Every comparison is blind to which side asked, except that nothing is assumed from what is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from linkage.customs import (
    FIRST_OF_SEVERAL,
    RELIGIOUS,
    Forms,
    are_variants,
    called,
    family_forms,
    given_forms,
    given_parts,
    telling_words,
)
from linkage.person import Gender

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkage.person import PartialDate, Person

__all__ = ["FIELDS", "VOCABULARY", "compare"]

_jaro_winkler = JaroWinkler.similarity
_edits = DamerauLevenshtein.distance

CLOSE: Final = 0.92
SIMILAR: Final = 0.85
FAINT: Final = 0.75
SHORTEST_SLIPPED: Final = 4
"""Names of fewer letters are other names when one letter differs: Ann and Ana, Lee and Leo."""
GENERATION: Final = 14
WHOLE_POSTCODE: Final = 5
INWARD: Final = 3

VOCABULARY: Final[Mapping[str, tuple[str, ...]]] = {
    "nhs_number": ("equal", "transposed", "one-edit", "differs", "missing"),
    "family": (
        "exact",
        "folded",
        "previous",
        "swapped",
        "subset",
        "part",
        "religious",
        "variant",
        "close",
        "phonetic",
        "similar",
        "faint",
        "differs",
        "missing",
    ),
    "given": (
        "exact",
        "folded",
        "swapped",
        "variant",
        "initial",
        "compound",
        "other",
        "close",
        "phonetic",
        "similar",
        "faint",
        "differs",
        "missing",
    ),
    "other_given": ("agree", "initial", "religious", "differs", "missing"),
    "birth_date": (
        "exact",
        "first-january",
        "swapped",
        "slip",
        "estimated",
        "two-parts",
        "part-known",
        "year",
        "differs",
        "generation",
        "missing",
    ),
    "gender": ("equal", "differs", "missing"),
    "address": (
        "full",
        "postcode",
        "other-house",
        "previous",
        "slip-house",
        "street",
        "slip",
        "sector",
        "outcode",
        "differs",
        "missing",
        "withheld",
    ),
    "phone": ("equal", "differs", "missing", "withheld"),
    "email": ("equal", "differs", "missing", "withheld"),
    "gp_practice": ("equal", "differs", "missing", "withheld"),
    "death_date": ("equal", "differs", "missing"),
}
"""Field → its levels in the order of the ladder: the first rung that holds is the level."""

FIELDS: Final = tuple(VOCABULARY)
"""The order of fields in every level vector."""


def compare(asked: Person, held: Person, *, hide_location: bool = False) -> tuple[str, ...]:
    """The level vector of a pair, one level per field of `FIELDS`.

    ``hide_location`` withholds address, phone, e-mail and practice, as the rule for restricted people is.
    """
    head = (
        _number(asked, held),
        _family(asked, held),
        _given(asked, held),
        _other_given(asked, held),
        _birth_date(asked.birth_date, held.birth_date),
        _gender(asked.gender, held.gender),
    )
    death = _equal(asked.death_date, held.death_date)
    if hide_location:
        return (*head, "withheld", "withheld", "withheld", "withheld", death)
    return (
        *head,
        _address(asked, held),
        _overlap(asked.phone, held.phone),
        _overlap(asked.email, held.email),
        _equal(asked.gp_practice, held.gp_practice),
        death,
    )


def _number(asked: Person, held: Person) -> str:
    """Two numbers, of which one or both may have lost the check digit's blessing by a slip of the hand."""
    one, other = asked.nhs_number, held.nhs_number
    if one is not None and other is not None:
        return "equal" if one.digits == other.digits else "differs"
    if not asked.near_number and not held.near_number:
        return "missing"
    mine = one.digits if one is not None else asked.near_number
    theirs = other.digits if other is not None else held.near_number
    if not mine or not theirs:
        return "missing"
    if mine == theirs:
        return "one-edit"
    # a mistyped number near another mistyped one says nothing: either may be anybody's
    return _slip_of_a_number(mine, theirs) if one is not None or other is not None else "missing"


def _slip_of_a_number(one: str, other: str) -> str:
    unlike = [place for place in range(len(one)) if one[place] != other[place]]
    if len(unlike) == 1:
        return "one-edit"
    if len(unlike) == 2 and unlike[1] - unlike[0] == 1:  # noqa: PLR2004 - two neighbours
        left, right = unlike
        return "transposed" if one[left] == other[right] and one[right] == other[left] else "missing"
    return "missing"


def _family(asked: Person, held: Person) -> str:  # noqa: PLR0911 - a ladder: one rung, one return
    one, other = asked.family, held.family
    if not one or not other:
        return "missing"
    if one == other:
        return "exact" if asked.family_written == held.family_written else "folded"
    several = " " in one or " " in other
    if several and one.replace(" ", "") == other.replace(" ", ""):
        return "folded"
    if one in held.previous_family or other in asked.previous_family:
        return "previous"
    if one[0] == held.given[:1] and _exchanged(asked, held):
        return "swapped"
    if several:
        my_words, their_words = telling_words(one), telling_words(other)
        if shared := my_words & their_words:
            return "subset" if shared in (my_words, their_words) else "part"
    if _by_custom(one, held) or _by_custom(other, asked):
        return "religious"
    mine, theirs = family_forms(one), family_forms(other)
    # Chowdhury and Choudhry are one name in two spellings, however few letters they share
    return "variant" if are_variants(mine, theirs) else _likeness(one, other, mine, theirs)


def _exchanged(asked: Person, held: Person) -> bool:
    """Whether forename and surname changed places, each perhaps with a slip."""
    family, given, held_family, held_given = asked.family, asked.given, held.family, held.given
    if not (family and given and held_family and held_given):
        return False
    if family == held_given and given == held_family:
        return True
    if family[0] != held_given[0] or given[0] != held_family[0]:
        return False
    # two people of one family whose names begin alike are not exchanged: the straight reading comes first
    if family[0] == given[0] and max(_jaro_winkler(family, held_family), _jaro_winkler(given, held_given)) >= CLOSE:
        return False
    return min(_jaro_winkler(family, held_given), _jaro_winkler(given, held_family)) >= CLOSE


def _by_custom(family: str, person: Person) -> bool:
    """Whether a surname is no house's name to the other side: a forename, or the Kaur beside or in place of Gill.

    Somali, Arabic and Gujarati names are a row of forenames, and each system takes another one for the surname.
    """
    return family in person.other_given or (family in RELIGIOUS and family in person.family.split())


def _given(asked: Person, held: Person) -> str:
    one, other = asked.given, held.given
    if not one or not other:
        return "missing"
    mine, theirs = one, other
    if one in FIRST_OF_SEVERAL or other in FIRST_OF_SEVERAL:
        mine, theirs = called(one, asked.other_given), called(other, held.other_given)
        if mine != one and theirs not in (other, mine):
            return _nearly(asked, held, mine, theirs)
    if one == other:
        return "exact" if asked.given_written == held.given_written else "folded"
    if one[0] == held.family[:1] and _exchanged(asked, held):
        return "swapped"
    return "variant" if mine == theirs else _nearly(asked, held, one, other)


def _nearly(asked: Person, held: Person, one: str, other: str) -> str:
    """How two different forenames compare, the first ones or those that two people are known by."""
    mine, theirs = given_forms(one), given_forms(other)
    if are_variants(mine, theirs):
        return "variant"
    if one[0] == other[0] and 1 in (len(one), len(other)):
        return "initial"
    if _in_two(asked, other) or _in_two(held, one):
        return "compound"
    if one in held.other_given or other in asked.other_given:
        return "other"
    return _likeness(one, other, mine, theirs)


def _in_two(person: Person, name: str) -> bool:
    """Whether ``name`` is two forenames written as one, Maryann for Mary Ann, or a part of one with a hyphen."""
    if person.other_given and person.given + person.other_given[0] == name:
        return True
    return bool(person.given_written) and name in given_parts(person.given_written)


def _likeness(one: str, other: str, mine: Forms, theirs: Forms) -> str:
    """How alike two names are; one slip of the hand in a name of some length is nearly the same name.

    The slip is looked for only where the names are similar or sound alike, so that it costs few pairs anything.
    """
    likeness = _jaro_winkler(one, other)
    if likeness >= CLOSE:
        return "close"
    heard = bool(mine.sound) and mine.sound == theirs.sound
    if not heard and likeness < SIMILAR:
        return "faint" if likeness >= FAINT else "differs"
    if min(len(one), len(other)) >= SHORTEST_SLIPPED and _edits(one, other, score_cutoff=1) == 1:
        return "close"
    return "phonetic" if heard else "similar"


def _other_given(asked: Person, held: Person) -> str:
    one, other = asked.other_given, held.other_given
    if not one or not other:
        return "missing"
    shared = [name for name in one if name in other]
    if shared:
        return "agree" if any(name not in RELIGIOUS for name in shared) else "religious"
    # Rose Alice and Alice Rose: the same names, the first of them another one
    if asked.given in other and held.given in one:
        return "agree"
    mine, theirs = one[0], other[0]
    if mine[0] == theirs[0] and 1 in (len(mine), len(theirs)):
        return "initial"
    return "differs"


def _birth_date(one: PartialDate | None, other: PartialDate | None) -> str:  # noqa: PLR0911 - a ladder: one rung, one return
    if one is None or other is None:
        return "missing"
    same_year, same_month, same_day = one.year == other.year, one.month == other.month, one.day == other.day
    if not one.day or not other.day:
        return _partial(one, other)
    alike = same_year + same_month + same_day
    if alike == 3:  # noqa: PLR2004 - all parts of a date
        return "first-january" if one.day == one.month == 1 else "exact"
    # no slip of one digit, and no exchange of two, changes all three parts
    if not alike:
        return _years_apart(one, other)
    if same_year and one.day == other.month and one.month == other.day:
        return "swapped"
    if _edits(str(one.as_number), str(other.as_number), score_cutoff=1) == 1:
        return "slip"
    if same_year and 1 in (one.month * one.day, other.month * other.day):
        return "estimated"
    return "two-parts" if alike == 2 else _years_apart(one, other)  # noqa: PLR2004 - two of the three


def _partial(one: PartialDate, other: PartialDate) -> str:
    """Dates of which one lacks a part: they agree as far as both are known, or not at all."""
    if one.year == other.year and (one.month == other.month or not one.month or not other.month):
        return "part-known"
    return _years_apart(one, other)


def _years_apart(one: PartialDate, other: PartialDate) -> str:
    if one.year == other.year:
        return "year"
    return "generation" if abs(one.year - other.year) >= GENERATION else "differs"


def _gender(one: Gender, other: Gender) -> str:
    if one == other:
        return "missing" if one in _NO_SEX else "equal"
    return "missing" if one in _NO_SEX or other in _NO_SEX else "differs"


_NO_SEX: Final = (Gender.UNKNOWN, Gender.OTHER)


def _address(asked: Person, held: Person) -> str:  # noqa: PLR0911 - a ladder: one rung, one return
    one, other = asked.postcode, held.postcode
    whole = len(one) >= WHOLE_POSTCODE and len(other) >= WHOLE_POSTCODE
    if one == other and whole:
        if not asked.house or not held.house:
            return "postcode"
        return "full" if asked.house == held.house else "other-house"
    if _is_among(one, held.previous_postcode) or _is_among(other, asked.previous_postcode):
        return "previous"
    same_house = bool(asked.house) and asked.house == held.house
    slip = whole and _edits(one, other, score_cutoff=1) == 1
    if same_house:
        if slip:
            return "slip-house"
        if any(word in held.street for word in asked.street):
            return "street"
    if not one or not other:
        return "missing"
    if slip:
        return "slip"
    return _area(one, other)


def _is_among(postcode: str, earlier: tuple[str, ...]) -> bool:
    return len(postcode) >= WHOLE_POSTCODE and postcode in earlier


def _area(one: str, other: str) -> str:
    """How near two different postcodes are; an outward half alone can agree on that half only."""
    if len(one) >= WHOLE_POSTCODE and len(other) >= WHOLE_POSTCODE and one[:-2] == other[:-2]:
        return "sector"
    return "outcode" if _outward(one) == _outward(other) else "differs"


def _outward(postcode: str) -> str:
    return postcode[:-INWARD] if len(postcode) >= WHOLE_POSTCODE else postcode


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> str:
    if not one or not other:
        return "missing"
    return "equal" if any(value in other for value in one) else "differs"


def _equal(one: object, other: object) -> str:
    if not one or not other:
        return "missing"
    return "equal" if one == other else "differs"
