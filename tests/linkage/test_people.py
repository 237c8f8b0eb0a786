"""Partial dates, and people that survive being packed."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.nhs_number import NhsNumber
from linkage.person import DateRule, Gender, NotADate, PartialDate, Person, Security, StalePerson

WORD = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ ", max_size=8)
WORDS = st.lists(WORD, max_size=3).map(tuple)
DATES = st.none() | st.dates().map(lambda day: PartialDate(day.year, day.month, day.day))
PEOPLE = st.builds(
    Person,
    nhs_number=st.sampled_from([None, NhsNumber("9990000018")]),
    family=WORD,
    given=WORD,
    other_given=WORDS,
    previous_family=WORDS,
    birth_date=DATES,
    gender=st.sampled_from(Gender),
    postcode=WORD,
    previous_postcode=WORDS,
    house=WORD,
    street=WORDS,
    phone=WORDS,
    email=WORDS,
    gp_practice=WORD,
    death_date=DATES,
    near_number=st.sampled_from(["", "9990000019"]),
    family_written=st.text(max_size=8),
    given_written=st.text(max_size=8),
)


@pytest.mark.parametrize("iso", ["1941", "1941-03", "1941-03-07", "2024-02-29"])
def test_a_date_is_as_precise_as_it_was_written(iso: str) -> None:
    assert str(PartialDate.parse(f" {iso} ")) == iso
    assert PartialDate.parse(iso).is_whole == (len(iso) == 10)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", DateRule.EMPTY),
        ("07/03/1941", DateRule.FORMAT),
        ("41-03-07", DateRule.FORMAT),
        ("1941-3-7", DateRule.FORMAT),
        ("\u0661\u0669\u0664\u0661", DateRule.FORMAT),
        ("1941-13", DateRule.IMPOSSIBLE),
        ("1941-00", DateRule.IMPOSSIBLE),
        ("1941-00-07", DateRule.IMPOSSIBLE),
        ("1941-02-30", DateRule.IMPOSSIBLE),
        ("0000", DateRule.IMPOSSIBLE),
    ],
)
def test_a_text_that_is_no_date_says_which_rule_it_breaks_and_keeps_itself_out(text: str, rule: DateRule) -> None:
    with pytest.raises(NotADate) as refused:
        PartialDate.parse(text)
    assert refused.value.rule is rule
    assert not text or text not in str(refused.value)


def test_a_day_without_its_month_is_no_date() -> None:
    with pytest.raises(NotADate):
        PartialDate(1941, 0, 7)


def test_day_and_month_exchange_only_where_that_is_another_date() -> None:
    assert PartialDate(1941, 3, 7).swapped() == PartialDate(1941, 7, 3)
    assert PartialDate(1941, 3, 13).swapped() is None
    assert PartialDate(1941, 3, 3).swapped() is None
    assert PartialDate(1941, 3).swapped() is None


@given(PEOPLE)
def test_a_packed_person_comes_back_the_same(person: Person) -> None:
    assert Person.unpack(person.pack()) == person


def test_a_person_packed_under_another_normalisation_must_be_normalised_again() -> None:
    row = orjson.loads(Person(family="SMITH").pack())
    with pytest.raises(StalePerson):
        Person.unpack(orjson.dumps([0, *row[1:]]))


def test_location_is_hidden_for_both_kinds_of_restricted_people_and_for_nobody_else() -> None:
    hidden = {security for security in Security if security.hides_location}
    assert hidden == {Security.RESTRICTED, Security.VERY_RESTRICTED}
