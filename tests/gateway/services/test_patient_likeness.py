"""The score of a search that is not fuzzy: 1 for all as held today, less for less, nothing where one thing fails."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InputError
from gateway.services.tracing.likeness import SHARES, PatientQuery, day_range, likeness, within
from linkage.normalise import normalise
from linkage.person import Demographics, PartialDate, Person

HELD = normalise(
    Demographics(
        family="Patelova",
        given="Amina",
        other_given=("Rose",),
        previous_family=("Nowak",),
        birth_date="1941-03-15",
        death_date="2024-02-01",
        gender="female",
        postcode="LE2 1AA",
        previous_postcode=("LE3 5TT",),
        phone=("01160000010",),
        email=("amina@e.example",),
        gp_practice="Z99001",
    )
)
WHOLE = PatientQuery(
    family="patelova",
    given=("AMINA", "rose"),
    gender="female",
    birthdate=("eq1941-03-15",),
    death_date=("ge2024-01-01", "le2024-12-31"),
    postcode="le21aa",
    gp="z99001",
    phone="01160 000010",
    email="AMINA@e.example",
)
LEAST = PatientQuery(family="Patelova", birthdate=("1941-03-15",))


def test_everything_as_held_today_is_exact() -> None:
    assert likeness(HELD, WHOLE) == 1
    assert likeness(HELD, LEAST) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"family": "Patel"},
        {"given": ("Amina", "Lily")},
        {"given": ("Rose",)},
        {"gender": "male"},
        {"birthdate": ("1941-03-16",)},
        {"death_date": ("le2023-12-31",)},
        {"postcode": "LE2 1AB"},
        {"gp": "Z99002"},
        {"phone": "01160000011"},
        {"email": "other@e.example"},
    ],
)
def test_one_thing_that_does_not_hold_is_enough(wrong: dict[str, object]) -> None:
    assert likeness(HELD, replace(WHOLE, **wrong)) == 0  # type: ignore[arg-type]  # fields by name


def test_the_formula_as_written() -> None:
    # family 4 x 1, birth date 4 x 1, postcode 3 x (half and half of 2 letters typed of 6 and one more)
    wild = replace(LEAST, postcode="LE*")
    assert likeness(HELD, wild) == round((4 + 4 + 3 * (0.5 + 0.5 * 2 / 7)) / 11, 4)
    earlier = replace(LEAST, family="Nowak", history=True)
    assert likeness(HELD, earlier) == (4 * 0.5 + 4) / 8


def test_earlier_values_count_only_when_history_is_asked_for() -> None:
    assert likeness(HELD, replace(LEAST, family="Nowak")) == 0
    assert likeness(HELD, replace(LEAST, postcode="LE3 5TT")) == 0
    assert 0 < likeness(HELD, replace(LEAST, postcode="LE3*", history=True)) < 1


@given(st.integers(min_value=2, max_value=8), st.integers(min_value=2, max_value=8))
def test_more_of_a_name_typed_never_scores_less(some: int, more: int) -> None:
    fewer, longer = sorted((some, more))
    scores = [likeness(HELD, replace(LEAST, family=f"{'Patelova'[:typed]}*")) for typed in (fewer, longer)]
    assert 0 < scores[0] <= scores[1] < 1


@given(st.sets(st.sampled_from(sorted(SHARES)), min_size=1))
def test_a_parameter_that_equals_never_lowers_a_score(sent: set[str]) -> None:
    names = {"death-date": "death_date", "general-practitioner": "gp"}
    fields = {names.get(name, name) for name in sent} - {"family", "birthdate"}
    wild = replace(LEAST, family="Pate*")
    assert likeness(HELD, replace(wild, **{name: getattr(WHOLE, name) for name in fields})) >= likeness(HELD, wild)


@pytest.mark.parametrize("family", ["Patel?va", "[P]atelova", "Pa[t]el*", "Pat.lova", "!!*", "*elova", "\u200b"])
def test_only_a_star_after_two_letters_is_wild(family: str) -> None:
    assert likeness(HELD, replace(LEAST, family=family)) == 0


def test_two_empties_never_agree() -> None:
    nobody = Person(birth_date=PartialDate(1941, 3, 15))
    assert likeness(nobody, replace(LEAST, family="!")) == 0
    assert likeness(nobody, replace(LEAST, family="", postcode="ZZ99 3CZ")) == 0


def test_a_partial_date_lies_in_no_range() -> None:
    assert not within("birthdate", ("ge1941-01-01", "le1941-12-31"), PartialDate(1941))
    assert not within("birthdate", ("eq1941-03-15",), None)


def test_a_day_that_never_was_is_named() -> None:
    with pytest.raises(InputError) as refused:
        day_range("death-date", ("eq2023-02-29",))
    assert (refused.value.reason, refused.value.field) == ("INVALID_VALUE", "death-date")
