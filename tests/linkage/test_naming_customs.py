"""Naming customs that are no error, and the names they must not make one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.customs import (
    are_variants,
    called,
    family_forms,
    family_groups,
    family_root,
    given_forms,
    given_groups,
    given_parts,
    given_root,
    main_form,
    sound,
    telling_words,
    without_courtesy,
)
from linkage.customs_lists import FORENAMES, SPELLINGS
from linkage.names import Forenames, forenames

FOLDED = st.text("ABDEHIKLNORSUVWYZ", max_size=9)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("WILLIAM", "BILL"),
        ("MOHAMED", "MUHAMMAD"),
        ("MAXAMED", "MOHAMED"),
        ("KANTABEN", "KANTA"),
        ("RAMESH", "RAMESHBHAI"),
        ("DINESHKUMAR", "DINESH"),
        ("OLUWASEUN", "SEUN"),
        ("CHUKWUEMEKA", "EMEKA"),
        ("HARJEET", "HARJIT"),
        ("JASVINDER", "JASWINDER"),
        ("KHADEEJAH", "KHADIJA"),
        ("PIOTR", "PETER"),
        ("SIOBHAN", "SHIVAUN"),
        ("DAFYDD", "DAVID"),
        ("FHTMH", "FHTMH"),
        ("ZOE", "ZOEY"),
    ],
)
def test_forms_of_one_forename_are_known_for_each_other(one: str, other: str) -> None:
    assert are_variants(given_forms(one), given_forms(other))
    assert are_variants(given_forms(other), given_forms(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [("JOHN", "PETER"), ("AMIT", "AMITA"), ("HARJIT", "MANJIT"), ("JAMAL", "JAMIL"), ("OLUWATOBI", "OLUWASEUN")],
)
def test_different_forenames_are_no_forms_of_one(one: str, other: str) -> None:
    assert not are_variants(given_forms(one), given_forms(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CHOWDHURY", "CHOUDHRY"),
        ("KOWALSKI", "KOWALSKA"),
        ("WISNIEWSKY", "WISNIEWSKI"),
        ("KAZLAUSKAS", "KAZLAUSKIENE"),
        ("KAZLAUSKAS", "KAZLAUSKAITE"),
        ("NOVAK", "NOVAKOVA"),
        ("IVANOV", "IVANOVA"),
        ("ALHASSAN", "HASSAN"),
        ("QURESHI", "KURESHI"),
    ],
)
def test_forms_of_one_surname_are_known_for_each_other(one: str, other: str) -> None:
    assert are_variants(family_forms(one), family_forms(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [("JACK", "JOHN"), ("THOMAS", "THOM"), ("LEWIS", "LEW"), ("ALLISON", "ELLISON"), ("BILL", "WILLIAM")],
)
def test_a_surname_has_no_short_forms_and_an_english_one_no_endings(one: str, other: str) -> None:
    assert not are_variants(family_forms(one), family_forms(other))


def test_a_courtesy_is_left_off_where_a_name_stands_before_it() -> None:
    assert [without_courtesy(name) for name in ("KANTABEN", "OMBHAI", "RAMESHBHAI")] == ["KANTA", "OM", "RAMESH"]
    assert [without_courtesy(name) for name in ("REUBEN", "RUBEN", "BEN", "BHAI")] == ["REUBEN", "RUBEN", "BEN", "BHAI"]
    assert forenames(("Kantaben",)) == Forenames(("KANTA",), "KANTABEN")


def test_a_short_name_keeps_its_ending() -> None:
    assert (given_root("REUBEN"), given_root("BEN"), given_root("OLUWA")) == ("REUBEN", "BEN", "OLUWA")
    assert (family_root("DAVIS"), family_root("IVOV")) == ("DAWIS", "IWOW")


@given(FOLDED)
def test_a_root_is_never_empty_and_the_forms_are_those_of_the_parts(name: str) -> None:
    assert bool(given_root(name)) == bool(family_root(name)) == bool(name)
    assert given_forms(name) == (given_groups(name), given_root(name), sound(name))
    assert family_forms(name) == (family_groups(name), family_root(name), sound(name))


def test_somebody_is_called_by_the_first_name_that_tells_them_from_their_brothers() -> None:
    assert called("MOHAMMED", ("BILAL",)) == "BILAL"
    assert called("SYED", ("MOHAMMED", "ALI")) == "ALI"
    assert called("THI", ("LAN",)) == "LAN"
    assert called("MOHAMMED", ("ABDUL", "SINGH")) == called("MOHAMMED", ()) == "MOHAMMED"
    assert called("BILAL", ("MOHAMMED",)) == "BILAL"


def test_the_parts_of_a_forename_are_what_its_hyphen_parts() -> None:
    assert given_parts("ANNE-MARIE") == ("ANNE", "MARIE")
    assert given_parts("JO-ÉLISE") == ("ELISE",)
    assert given_parts("ANNEMARIE") == given_parts("") == ()


def test_words_that_custom_adds_tell_nothing() -> None:
    assert telling_words("KAUR GILL") == {"GILL"}
    assert telling_words("VAN DER BERG") == {"BERG"}
    assert telling_words("DE LI") == telling_words("SINGH") == frozenset()


def test_the_main_form_of_a_short_form_is_the_full_name_and_of_any_other_name_itself() -> None:
    assert main_form("JEN") == "JENNIFER"
    assert main_form("XYLA") == "XYLA"


def test_a_sound_has_no_spaces_and_may_be_nothing() -> None:
    assert sound("SMITH JONES") == sound("SMITHJONES")
    assert sound("") == sound("W") == ""


@pytest.mark.parametrize("listed", [FORENAMES, SPELLINGS])
def test_every_listed_group_has_several_folded_names_and_none_twice(listed: str) -> None:
    for group in listed.replace("\n", "|").strip("|").split("|"):
        names = group.split()
        assert len(set(names)) == len(names) > 1
        assert all(name.isascii() and name.isalpha() and name.isupper() for name in names)
