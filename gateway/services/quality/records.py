"""A record as a reviewer of a blind sample sees it: what is known of somebody, from either side in the same words.

Both records are shown as they are compared, written alike, so that the writing does not tell which is which. Only what
the agreement shows is there; where a person is restricted, neither record shows where anybody lives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ig.purpose import Element

if TYPE_CHECKING:
    from collections.abc import Callable

    from linkage.person import Person

Side = dict[str, str]
"""Label → value, empty where nothing is known; the same labels for both records of a pair."""

_PLACE: Final = frozenset({Element.ADDRESS, Element.TELECOM, Element.GP})


def side(person: Person, allows: Callable[[str], bool], *, hide: bool) -> Side:
    """One record: the fields that ``allows`` lets through; ``hide`` leaves out everything about place."""
    return {
        label: value
        for label, element, value in _fields(person)
        if allows(element) and not (hide and element in _PLACE)
    }


def _fields(person: Person) -> tuple[tuple[str, Element, str], ...]:
    address = ", ".join(part for part in (person.house, " ".join(person.street)) if part)
    return (
        ("NHS number", Element.NHS_NUMBER, str(person.nhs_number) if person.nhs_number else person.near_number),
        ("Last name", Element.NAME, person.family_written or person.family),
        ("First name", Element.NAME, person.given_written or person.given),
        ("Other first names", Element.NAME, " ".join(person.other_given)),
        ("Earlier last names", Element.NAME, ", ".join(person.previous_family)),
        ("Date of birth", Element.BIRTH_DATE, str(person.birth_date or "")),
        ("Gender", Element.GENDER, person.gender.value),
        ("Address", Element.ADDRESS, address),
        ("Postcode", Element.ADDRESS, _postcode(person.postcode)),
        ("Earlier postcodes", Element.ADDRESS, ", ".join(map(_postcode, person.previous_postcode))),
        ("Telephone", Element.TELECOM, ", ".join(person.phone)),
        ("E-mail", Element.TELECOM, ", ".join(person.email)),
        ("GP practice", Element.GP, person.gp_practice),
        ("Date of death", Element.DECEASED, str(person.death_date or "")),
    )


def _postcode(code: str) -> str:
    return f"{code[:-3]} {code[-3:]}" if len(code) > 4 else code  # noqa: PLR2004 - an outward code alone
