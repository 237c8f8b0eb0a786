"""Name fields as people fill them in: what is a name, what is said beside it, and what is nobody's name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage import placeholders
from linkage.folding import fold
from linkage.names import Forenames, Surname, forenames, surname
from linkage.normalise import normalise
from linkage.person import Demographics

# letters that are apostrophes of some script are no names
LETTERS = st.text(st.characters(categories=["Lu", "Ll", "Lo"]), min_size=1, max_size=12)
NAMES = st.lists(LETTERS, min_size=1, max_size=3).map(" ".join)


@pytest.mark.parametrize("apostrophe", "'\u2018\u2019\u201b\u02bb\u02bc\u02bd\u00b4`\u2032\uff07")
def test_every_apostrophe_is_the_same_apostrophe(apostrophe: str) -> None:
    assert surname(f"O{apostrophe}Brien") == Surname("OBRIEN", "O'BRIEN", ())
    assert forenames((f"D{apostrophe}Arcy",)) == Forenames(("DARCY",), "D'ARCY")


@pytest.mark.parametrize("hyphen", "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d")
def test_every_hyphen_is_the_same_hyphen(hyphen: str) -> None:
    assert surname(f"Smith{hyphen}Jones") == Surname("SMITH JONES", "SMITH-JONES", ())
    assert forenames((f"Mary{hyphen}Ann", "Lou")) == Forenames(("MARYANN", "LOU"), "MARY-ANN")


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("O Brien", "OBRIEN"),
        ("Mc Donald", "MCDONALD"),
        ("Mac Donald", "MACDONALD"),
        ("D Souza", "DSOUZA"),
        ("D R Shah", "D R SHAH"),
        ("van der Berg", "VAN DER BERG"),
        ("al-Hassan", "AL HASSAN"),
        ("García López", "GARCIA LOPEZ"),
        ("Ní Bhriain", "NI BHRIAIN"),
        ("Nee", "NEE"),
        ("Ma", "MA"),
        ("KC", "KC"),
        ("Li / Lee", "LI LEE"),
    ],
)
def test_particles_and_several_surnames_stay_what_they_are(written: str, folded: str) -> None:
    assert surname(written).folded == folded


@pytest.mark.parametrize(
    "written",
    ["Mr Smith", "Sir Smith", "Dame Smith", "Prof. Dr Smith", "Smith MBE", "Smith Jr.", "Smith, Esq", "Hon Smith QC"],
)
def test_titles_before_and_honours_after_are_no_part_of_a_surname(written: str) -> None:
    assert surname(written) == Surname("SMITH", "", ())


@pytest.mark.parametrize(("title", "name"), [("Sir", "SIR"), ("Lady", "LADY"), ("Master", "MASTER"), ("Jr", "JR")])
def test_a_title_that_is_all_there_is_may_be_the_name(title: str, name: str) -> None:
    assert surname(title).folded == name
    assert forenames((title,)).folded == (name,)


def test_a_forename_that_is_also_a_rank_stays() -> None:
    assert forenames(("Major",)).folded == ("MAJOR",)
    assert forenames(("Prince Kwame",)).folded == ("PRINCE", "KWAME")
    assert forenames(("Master James",)).folded == ("JAMES",)


@pytest.mark.parametrize(
    "written",
    [
        "KAUR GILL nee DHALIWAL",
        "Kaur Gill née Dhaliwal",
        "Kaur Gill ne\u0301e Dhaliwal",
        "Kaur Gill (Dhaliwal)",
        "Kaur Gill (née Dhaliwal)",
        "Kaur Gill [formerly Dhaliwal",
        "Kaur Gill f.k.a. Dhaliwal",
        "Kaur Gill aka Dhaliwal",
        "Kaur Gill, previously: Dhaliwal",
    ],
)
def test_an_earlier_surname_beside_a_surname_is_an_earlier_surname(written: str) -> None:
    person = normalise(Demographics(family=written, previous_family=("Sandhu (Sidhu)",)))
    assert person.family == "KAUR GILL"
    assert person.previous_family == ("SANDHU", "SIDHU", "DHALIWAL")


def test_a_remark_in_brackets_is_no_surname_and_a_surname_in_brackets_is_one() -> None:
    assert surname("Smith (Deceased)") == Surname("SMITH", "", ())
    assert surname("Smith (Mrs)") == Surname("SMITH", "", ())
    assert surname("(Smith)").folded == "SMITH"


@pytest.mark.parametrize(
    "written",
    [
        "Elizabeth (Betty)",
        'Elizabeth "Betty"',
        "Elizabeth \u201cBetty\u201d",
        "Elizabeth known as Betty",
        "Elizabeth goes by Betty",
    ],
)
def test_a_name_somebody_goes_by_comes_after_their_own(written: str) -> None:
    assert forenames((written, "Ann")) == Forenames(("ELIZABETH", "ANN", "BETTY"), "")


@pytest.mark.parametrize(
    "written",
    [
        "Baby",
        "Baby Girl",
        "Baby of Fatima",
        "Baby Boy of Fatima",
        "B/O Fatima",
        "Twin 1",
        "Twin Two",
        "TWIN-1",
        "1st Twin",
        "Twin II of Fatima",
        "Triplet C",
        "Male Infant",
        "N/A",
        "Mr",
    ],
)
def test_a_newborns_stand_in_is_nobodys_name_and_the_mothers_name_is_not_the_childs(written: str) -> None:
    assert forenames((written,)) == Forenames((), "")


@pytest.mark.parametrize("written", ["Twin One Aisha", "Aisha Twin B", "Baby Aisha", "Aisha (Twin 2)"])
def test_a_child_with_a_name_has_it_whatever_the_ward_wrote_beside(written: str) -> None:
    assert forenames((written,)).folded == ("AISHA",)


def test_a_newborns_surname_is_the_word_that_is_a_name() -> None:
    assert surname("Baby Khan").folded == surname("Khan Twin 2").folded == "KHAN"
    assert surname("Boy").folded == "BOY"


def test_the_fathers_name_is_another_forename_and_what_links_it_is_none() -> None:
    assert forenames(("Ravi s/o Raju",)).folded == ("RAVI", "RAJU")
    assert forenames(("Muthu a/l Raman",)).folded == ("MUTHU", "RAMAN")
    assert forenames(("Ahmed bin Salem",)).folded == ("AHMED", "SALEM")


def test_a_courtesy_is_left_off_also_where_the_names_were_exchanged() -> None:
    assert surname("Alpaben") == Surname("ALPA", "ALPABEN", ())
    assert surname("Robben").folded == "ROBBEN"


def test_a_name_that_every_brother_bears_parts_at_its_hyphen_and_initials_at_their_stops() -> None:
    assert forenames(("Mohammed-Bilal",)) == Forenames(("MOHAMMED", "BILAL"), "MOHAMMED-BILAL")
    assert forenames(("J.R.",)).folded == ("J", "R")


def test_a_whole_name_in_the_surnames_field_is_read_as_one() -> None:
    person = normalise(Demographics(family="KHAN, Aisha Noor"))
    assert (person.family, person.given, person.other_given) == ("KHAN", "AISHA", ("NOOR",))
    assert normalise(Demographics(family="Khan, Malik", given="Aisha")).family == "KHAN MALIK"


def test_a_name_in_another_script_keeps_its_writing_beside_the_folded_form() -> None:
    person = normalise(Demographics(family="ਸਿੰਘ", given="محمد"))
    assert (person.family, person.family_written) == ("SINGH", "ਸਿੰਘ")
    assert (person.given, person.given_written) == ("MHMD", "محمد")


def test_a_name_written_as_it_folds_is_kept_once() -> None:
    person = normalise(Demographics(family="smith", given="Ann  Marie"))
    assert (person.family_written, person.given_written) == ("", "")


def is_listed(text: str) -> bool:
    """Whether a text consists of documented placeholders, titles and honours alone."""
    words = {*placeholders.TITLES, *placeholders.JUNK_WORDS, *placeholders.JUNK_OF_A_SURNAME}
    return not placeholders.is_name(fold(text)) or all(
        word in words or not placeholders.is_name(fold(word)) for word in text.upper().split()
    )


@given(NAMES)
def test_no_name_becomes_empty_unless_it_is_a_listed_placeholder(text: str) -> None:
    """So two different names never meet as two empties."""
    if not is_listed(text):
        assert surname(text).folded
        assert forenames((text,)).folded


@given(st.text(max_size=20))
def test_reading_a_field_never_fails_and_gives_folded_words(text: str) -> None:
    read = surname(text)
    for name in (*forenames((text,)).folded, read.folded, *read.earlier):
        assert name == fold(name)


@given(NAMES)
def test_a_folded_name_read_again_is_itself(text: str) -> None:
    once = surname(text).folded
    beside = placeholders.TITLES | placeholders.TITLES_BEFORE | placeholders.HONOURS_AFTER
    # a letter with an accent may fold to what is an honour without it: IÌ to II
    if beside.isdisjoint(once.split()) and not is_listed(once):
        assert surname(once).folded == once
