"""The two steps before weighing: the cross-check of a number and the exact alphanumeric agreement.

Both are stricter than the published ones (Person_ID handbook; design note on tracing, sections 4.3, 4.4).
The national cross-check takes a number with a birth date whatever the names say, and so confirms one
twin's number for the other; ours also wants the names not to object. The national alphanumeric step takes
a surname that sounds alike with a birth date and a sex; ours wants whole names and a place.
"""

from __future__ import annotations

from typing import Final

from linkage.compare import FIELDS

_NUMBER, _FAMILY, _GIVEN, _BIRTH, _GENDER, _ADDRESS = (
    FIELDS.index(field) for field in ("nhs_number", "family", "given", "birth_date", "gender", "address")
)
_GIVEN_AGREES: Final = frozenset({"exact", "folded", "swapped", "variant", "initial", "compound", "other", "close"})
_FAMILY_AGREES: Final = frozenset({"exact", "folded", "previous", "swapped", "subset", "part", "variant", "close"})
_SAME_NAME: Final = frozenset({"exact", "folded"})
_BIRTH_NEARLY: Final = frozenset({"swapped", "slip", "two-parts", "part-known"})
_NEAR_HOME: Final = frozenset(
    {"full", "postcode", "other-house", "previous", "slip-house", "street", "slip", "sector", "outcode"}
)
_SAME_PLACE: Final = frozenset({"full", "postcode", "previous"})


def cross_checked(levels: tuple[str, ...]) -> str:
    """Which rule of the cross-check a pair meets, given that the number is that row's; empty for none."""
    family, given, birth = levels[_FAMILY], levels[_GIVEN], levels[_BIRTH]
    given_agrees, family_agrees = given in _GIVEN_AGREES, family in _FAMILY_AGREES
    if birth == "exact":
        # a missing forename objects to nothing, but then a different surname is all there is
        silent = given == "missing" and (family_agrees or family == "missing")
        return "number-and-birth-date" if given_agrees or silent else ""
    if birth == "first-january":
        # so many people are recorded as born on 1 January that the date alone says little
        return "number-birth-date-and-name" if given_agrees or (given == "missing" and family_agrees) else ""
    if birth in _BIRTH_NEARLY:
        if given_agrees and family_agrees:
            return "number-near-birth-date-and-names"
        if "missing" in (given, family) and (given_agrees or family_agrees) and levels[_ADDRESS] in _NEAR_HOME:
            return "number-near-birth-date-name-and-place"
    return ""


def agrees_exactly(levels: tuple[str, ...]) -> bool:
    """Whether a pair meets the alphanumeric step: whole names, whole birth date, sex and place alike."""
    return (
        levels[_BIRTH] == "exact"
        and levels[_FAMILY] in _SAME_NAME
        and levels[_GIVEN] in _SAME_NAME
        and levels[_GENDER] != "differs"
        and levels[_NUMBER] != "differs"
        and levels[_ADDRESS] in _SAME_PLACE
    )
