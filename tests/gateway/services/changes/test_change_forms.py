"""The table of forms: equal but for the form is reflexive and symmetric, and never says so of different values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.services.changes.compare import LOCATION, TABLE, Side, Verdict
from gateway.services.changes.forms import FORMS, Part, plain, same_given, says_less
from gateway.storage.differing import Field
from linkage.person import Demographics

if TYPE_CHECKING:
    from collections.abc import Callable

NAME: Final = st.text(st.characters(categories=["Lu", "Ll", "Lo", "Mn", "Pd", "Zs", "Po"]), max_size=20)
RULES: Final = {rule.field: rule for rule in TABLE}
AMINA: Final = Demographics(
    family="O'Neill-Patel",
    given="Zoë",
    other_given=("Rose",),
    birth_date="1941-03-15",
    gender="female",
    postcode="LE2 1AA",
    address=("Flat 1", "2 St. John's Road"),
    phone=("0116 000 0010",),
    email=("amina@e.example",),
    gp_practice="Z99001",
)


def verdict(field: Field, record: Demographics, index: Demographics) -> Verdict:
    return RULES[field].compare(Side.of(record), Side.of(index))


@given(st.sampled_from(Part), NAME)
def test_a_text_is_itself(part: Part, text: str) -> None:
    assert plain(part, text) == plain(part, text)
    assert plain(part, plain(part, text)) == plain(part, text)
    assert same_given(text, text)
    assert not says_less(text, text)


@given(NAME, NAME)
def test_being_one_name_is_the_same_from_both_sides(one: str, other: str) -> None:
    assert same_given(one, other) == same_given(other, one)


def people() -> st.SearchStrategy[Demographics]:
    """People who are apt to be alike: a few values, in several forms."""
    return st.builds(
        Demographics,
        family=st.sampled_from(["Smith-Jones", "SMITH JONES", "smithjones", "Smith", "Łukasz", "Lukasz", "Unknown"]),
        given=st.sampled_from(["Mary-Ann", "Mary", "MARY ANN", "Maryann", "M", ""]),
        other_given=st.sampled_from([(), ("Ann",), ("Ann", "Rose"), ("Rose",)]),
        birth_date=st.sampled_from(["1941-03-15", "1941-03", "1941-03-16", "1900-01-01", ""]),
        gender=st.sampled_from(["female", "male", "unknown", ""]),
        postcode=st.sampled_from(["LE2 1AA", "le21aa", "LE2 1AB", "ZZ99 3VZ", ""]),
        address=st.sampled_from([(), ("1 High St",), ("1", "HIGH ST"), ("1 High Street",), ("11 High St",)]),
        phone=st.sampled_from([(), ("0116 000 0010",), ("+441160000010",), ("01160000011", "01160000010")]),
        email=st.sampled_from([(), ("a@e.example",), ("A@E.EXAMPLE",), ("b@e.example",)]),
        gp_practice=st.sampled_from(["", "Z99001", "z99001", "Z99002"]),
    )


@given(st.sampled_from(Field), people(), people())
def test_what_is_something_else_is_so_from_both_sides(field: Field, record: Demographics, index: Demographics) -> None:
    """An update goes one way; that two values are different, or one value, does not depend on where one stands."""
    if field not in RULES:
        return
    forth, back = verdict(field, record, index), verdict(field, index, record)
    assert (forth is Verdict.SUBSTANTIVE) == (back is Verdict.SUBSTANTIVE)
    assert verdict(field, record, record) is Verdict.SAME


ANOTHER: Final[dict[str, tuple[Field, Callable[[Demographics], Demographics]]]] = {
    "another surname": (Field.NAME, lambda one: replace(one, family="O'Neil-Patel")),
    "half a surname": (Field.NAME, lambda one: replace(one, family="O'Neill")),
    "another first name": (Field.NAME, lambda one: replace(one, given="Zoey")),
    "an initial": (Field.NAME, lambda one: replace(one, other_given=("R",))),
    "another middle name": (Field.NAME, lambda one: replace(one, other_given=("Ruby",))),
    "names swapped": (Field.NAME, lambda one: replace(one, family=one.given, given=one.family)),
    "half of a double name": (Field.NAME, lambda one: replace(one, given="Zo")),
    "a transliteration": (Field.NAME, lambda one: replace(one, given="Зоя")),
    "another day": (Field.BIRTH_DATE, lambda one: replace(one, birth_date="1941-03-16")),
    "day and month swapped": (Field.BIRTH_DATE, lambda one: replace(one, birth_date="1941-05-03")),
    "a part of a date": (Field.BIRTH_DATE, lambda one: replace(one, birth_date="1941-03")),
    "another postcode": (Field.ADDRESS, lambda one: replace(one, postcode="LE2 1AB")),
    "another flat": (Field.ADDRESS, lambda one: replace(one, address=("Flat 12", "St. John's Road"))),
    "a street abbreviated": (Field.ADDRESS, lambda one: replace(one, address=("Flat 1", "2 St. John's Rd"))),
    "another phone": (Field.TELECOM, lambda one: replace(one, phone=("0116 000 0011",))),
    "another e-mail": (Field.TELECOM, lambda one: replace(one, email=("b@e.example",))),
    "another practice": (Field.GP, lambda one: replace(one, gp_practice="Z99002")),
    "another gender": (Field.GENDER, lambda one: replace(one, gender="male")),
}


@pytest.mark.parametrize("what", ANOTHER)
def test_another_value_is_never_taken_for_another_form(what: str) -> None:
    field, other = ANOTHER[what]
    assert verdict(field, other(AMINA), AMINA) is Verdict.SUBSTANTIVE


WRITTEN: Final[dict[str, tuple[Field, Callable[[Demographics], Demographics]]]] = {
    "case": (Field.NAME, lambda one: replace(one, family=one.family.upper(), given="ZOË")),
    "marks": (Field.NAME, lambda one: replace(one, given="Zoe")),
    "apostrophe": (Field.NAME, lambda one: replace(one, family="ONeill-Patel")),
    "hyphen": (Field.NAME, lambda one: replace(one, family="O'Neill Patel")),
    "run together": (Field.NAME, lambda one: replace(one, family="O'NeillPatel")),
    "missing middle name": (Field.NAME, lambda one: replace(one, other_given=())),
    "spacing": (Field.NAME, lambda one: replace(one, family="O'Neill - Patel")),
    "lines": (Field.ADDRESS, lambda one: replace(one, address=("FLAT 1, 2 ST JOHNS ROAD",))),
    "postcode": (Field.ADDRESS, lambda one: replace(one, postcode="le21aa")),
    "phone": (Field.TELECOM, lambda one: replace(one, phone=("+44 (0)116 000 0010",), email=())),
    "practice": (Field.GP, lambda one: replace(one, gp_practice="z99001")),
}


@pytest.mark.parametrize("what", WRITTEN)
def test_another_form_is_taken_over_from_the_index(what: str) -> None:
    field, other = WRITTEN[what]
    assert verdict(field, other(AMINA), AMINA) is Verdict.FORMATTING


@pytest.mark.parametrize("what", ["case", "marks", "apostrophe", "hyphen", "missing middle name", "lines"])
def test_the_fuller_form_is_not_replaced_by_a_poorer_one(what: str) -> None:
    field, other = WRITTEN[what]
    assert verdict(field, AMINA, other(AMINA)) is Verdict.SAME


@pytest.mark.parametrize("field", RULES)
def test_what_one_side_does_not_say_is_no_difference(field: Field) -> None:
    assert verdict(field, AMINA, Demographics()) is Verdict.SAME
    assert verdict(field, Demographics(), AMINA) is Verdict.SAME


def test_two_initials_are_not_a_name_run_together() -> None:
    assert not same_given("Joann A", "Jo Anna")
    assert same_given("Jo Anna", "JoAnna")
    assert same_given("", "")
    assert not same_given("", "Anna")


def test_every_form_says_whose_rule_it_is_and_every_place_is_known_as_one() -> None:
    assert all(form.name and form.parts and form.because for form in FORMS)
    assert {field for field in RULES if RULES[field].element in {"address", "telecom", "gp"}} == LOCATION
