"""What somebody asked, made comparable, or refused with the field and the rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.errors import InputError
from ig.purpose import Element
from linkage.normalise import normalise
from linkage.person import NotADate, PartialDate

if TYPE_CHECKING:
    from linkage.person import Demographics, Person

_LONGEST: Final = {"family": 35, "given": 35, "postcode": 10}

_ELEMENT_OF: Final = {
    "nhs_number": Element.NHS_NUMBER,
    "family": Element.NAME,
    "given": Element.NAME,
    "other_given": Element.NAME,
    "previous_family": Element.NAME,
    "birth_date": Element.BIRTH_DATE,
    "gender": Element.GENDER,
    "postcode": Element.ADDRESS,
    "previous_postcode": Element.ADDRESS,
    "address": Element.ADDRESS,
    "phone": Element.TELECOM,
    "email": Element.TELECOM,
    "gp_practice": Element.GP,
    "death_date": Element.DECEASED,
}


def asked_person(demographics: Demographics, *, number_will_do: bool = False) -> Person:
    """Normalise what was asked; where ``number_will_do``, a number with a date of birth needs no family name.

    Raises:
        InputError: family name or date of birth is absent, too long or impossible. Names the field and the rule.
    """
    for name, longest in _LONGEST.items():
        if len(getattr(demographics, name)) > longest:
            raise InputError(f"{name}: at most {longest} characters", reason="too-long", field=name)
    if not (demographics.family.strip() or (number_will_do and demographics.nhs_number)):
        raise InputError("family: enter a family name", reason="required", field="family")
    _check_date("birth_date", demographics.birth_date)
    if demographics.death_date:
        _check_date("death_date", demographics.death_date)
    return normalise(demographics)


def elements_used(demographics: Demographics) -> frozenset[str]:
    """Name the index elements that a search by these demographics uses: searching on a field is a use of it."""
    return frozenset(element for name, element in _ELEMENT_OF.items() if getattr(demographics, name))


def _check_date(name: str, text: str) -> None:
    try:
        PartialDate.parse(text)
    except NotADate as fault:
        raise InputError(f"{name}: give a real date as YYYY-MM-DD", reason=f"date-{fault.rule}", field=name) from None
