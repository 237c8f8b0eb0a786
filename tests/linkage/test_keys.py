"""Keys: the same on every machine, none with a missing part, no location of restricted people."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from linkage.keys import KEYS, index_keys, probe_keys
from linkage.normalise import normalise
from linkage.person import Demographics, Person, Security

ASHA = Demographics(
    nhs_number="9990000018",
    family="Patel",
    given="Asha",
    previous_family=("Mistry",),
    birth_date="1961-03-04",
    postcode="LE2 1AA",
    previous_postcode=("LE3 4BB",),
    phone=("07700 900123",),
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "nhs_number": st.just("9990000018"),
        "family": st.sampled_from(["Patel", "Li", "X"]),
        "given": st.sampled_from(["Asha", "Jo", "Y"]),
        "birth_date": st.sampled_from(["1961-03-04", "1961-03", "1961", "1961-03-30"]),
        "postcode": st.sampled_from(["LE2 1AA", "LE2"]),
        "phone": st.just(("07700900123",)),
        "previous_family": st.just(("Mistry",)),
        "previous_postcode": st.just(("LE3 4BB",)),
    },
)


def person(**fields: object) -> Person:
    return normalise(Demographics(**fields))  # type: ignore[arg-type]  # hypothesis hands the fields over untyped


def test_keys_are_the_same_on_every_machine_and_fit_a_signed_integer() -> None:
    keys = index_keys(person(nhs_number="9990000018"))
    assert keys == (-8485472627062448851,)
    assert all(-(2**63) <= key < 2**63 for key in index_keys(normalise(ASHA)))


def test_a_person_is_stored_under_every_kind_of_key_with_earlier_names_and_places() -> None:
    # 1 number, 5 for each of 2 surnames of which 1 is shared, 4 for each of 2 postcodes, 1 telephone
    assert len(index_keys(normalise(ASHA))) == 1 + 2 * 5 - 1 + 2 * 4 + 1
    assert len(KEYS) == 10


def test_nobody_without_details_has_a_key() -> None:
    assert index_keys(Person()) == probe_keys(Person()) == ()


@given(FIELDS)
def test_everyone_with_keys_finds_themselves(fields: dict[str, object]) -> None:
    asked = person(**fields)
    assert set(index_keys(asked)) <= set(probe_keys(asked))


@given(FIELDS)
def test_saying_less_never_makes_a_key_that_saying_more_does_not(fields: dict[str, object]) -> None:
    """A key with a missing part would join everybody who lacks it."""
    whole = set(index_keys(person(**fields)))
    for field in fields:
        fewer = {name: value for name, value in fields.items() if name != field}
        assert set(index_keys(person(**fewer))) <= whole


def test_exchanged_names_meet() -> None:
    asked = person(family="Asha", given="Patel", birth_date="1961-08-19")
    held = person(family="Patel", given="Asha", birth_date="1961-03-04")
    assert set(probe_keys(asked)) & set(index_keys(held))


def test_exchanged_day_and_month_meet_even_where_both_names_slipped() -> None:
    asked = person(family="Pately", given="Ash", birth_date="1961-04-03")
    held = person(family="Patel", given="Asha", birth_date="1961-03-04")
    assert set(probe_keys(asked)) & set(index_keys(held))


def test_names_that_sound_alike_meet_in_another_place_on_another_day_of_the_year() -> None:
    asked = person(family="Smyth", given="Jon", birth_date="1961-08-19")
    held = person(family="Smith", given="John", birth_date="1961-03-04")
    assert set(probe_keys(asked)) & set(index_keys(held))


def test_a_restricted_person_has_no_key_made_of_where_they_are() -> None:
    somewhere = normalise(ASHA)
    nowhere = person(
        nhs_number="9990000018", family="Patel", given="Asha", previous_family=("Mistry",), birth_date="1961-03-04"
    )
    for security in (Security.RESTRICTED, Security.VERY_RESTRICTED):
        assert set(index_keys(somewhere, security)) == set(index_keys(nowhere))
