"""Keys: the same on every machine, none with a missing part, no location of restricted people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.keys import KEYS, index_keys, named_keys, probe_keys
from linkage.nhs_number import fault_in
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
    email=("asha@example.org",),
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "nhs_number": st.sampled_from(["9990000018", "9990000019"]),
        "family": st.sampled_from(["Patel", "Li", "X"]),
        "given": st.sampled_from(["Asha", "Jo", "Y"]),
        "birth_date": st.sampled_from(["1961-03-04", "1961-03", "1961", "1961-03-30"]),
        "postcode": st.sampled_from(["LE2 1AA", "LE2"]),
        "phone": st.just(("07700900123",)),
        "email": st.just(("asha@example.org",)),
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
    # 1 number, 3 for each of 2 surnames, 1 for the forename, 4 for each of 2 postcodes, 1 telephone, 1 e-mail
    assert len(index_keys(normalise(ASHA))) == 1 + 2 * 3 + 1 + 2 * 4 + 1 + 1
    assert {name for name, _ in named_keys(normalise(ASHA))} == set(KEYS)


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


@given(FIELDS)
def test_named_keys_are_the_probes_each_with_its_name(fields: dict[str, object]) -> None:
    asked = person(**fields)
    assert tuple(key for _, key in named_keys(asked)) == probe_keys(asked)
    assert {name for name, _ in named_keys(asked)} <= set(KEYS)


DIGITS = st.text("0123456789", min_size=10, max_size=10)


@given(DIGITS)
def test_a_number_failing_its_check_finds_every_valid_number_one_slip_away(written: str) -> None:
    changed = {f"{written[:at]}{digit}{written[at + 1 :]}" for at in range(10) for digit in "0123456789"}
    exchanged = {f"{written[:at]}{written[at + 1]}{written[at]}{written[at + 2 :]}" for at in range(9)}
    asked = person(nhs_number=written)
    if asked.near_number:
        valid = {number for number in changed | exchanged if fault_in(number) is None}
        found = {key for number in valid for key in index_keys(person(nhs_number=number))}
        probes = probe_keys(asked)
        assert found <= set(probes)
        assert len(probes) <= 1 + 10 + 9


def meet(asked: dict[str, object], held: dict[str, object]) -> set[str]:
    """The names of the keys under which a person asked about finds a person held."""
    stored = set(index_keys(person(**held)))
    return {name for name, key in named_keys(person(**asked)) if key in stored}


@pytest.mark.parametrize(
    ("asked", "held"),
    [
        (("Wiliams", "Bill"), ("Williams", "William")),
        (("Hassan", "Fadumo"), ("Xasan", "Fatima")),
        (("Kowalska", "Kasia"), ("Kowalski", "Katarzyna")),
        (("Usha", "Patel"), ("Patel", "Ushaben")),
        (("Khan", "Bilal"), ("Khan", "Mohammed Bilal")),
        (("Khan", "Mohammed Bilal"), ("Khan", "Bilal")),
        (("Khan", "Mohammed"), ("Khan", "Mohammed Bilal")),
        (("Smith-Jones", "Ann"), ("Jones", "Ann")),
        (("Jones", "Ann"), ("Smith (Jones)", "Ann")),
        (("Ho", "H"), ("Ho", "H")),
    ],
)
@pytest.mark.parametrize(("born", "key"), [("1961-11-30", "names-year"), ("1962-08-19", "names-day")])
def test_forms_of_one_name_meet_with_a_part_of_the_birth_date(
    asked: tuple[str, str], held: tuple[str, str], born: str, key: str
) -> None:
    one, other = ({"family": family, "given": given} for family, given in (asked, held))
    assert key in meet({**one, "birth_date": "1961-08-19"}, {**other, "birth_date": born})


def test_an_email_alone_is_a_key() -> None:
    assert meet({"email": ("a@example.org",)}, {"email": ("A@example.org ",), "family": "Smith"}) == {"email"}
