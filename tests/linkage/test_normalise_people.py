"""From what a source said to what may be compared, without losing anybody's name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.keys import index_keys
from linkage.nhs_number import NhsNumber
from linkage.normalise import Doubt, doubts, fold, fold_postcode, normalise
from linkage.person import Demographics, Gender, PartialDate


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Siân", "SIAN"),
        ("Łukasz", "LUKASZ"),
        ("Øystein", "OYSTEIN"),
        ("O'Brien", "OBRIEN"),
        ("O\u2019Brien", "OBRIEN"),
        ("Smith-Jones", "SMITH JONES"),
        ("  anne   marie ", "ANNE MARIE"),
        ("محمد", "MHMD"),
        ("李雷", "LILEI"),
        ("علي", "ALY"),
        ("فاطمة", "FATMA"),
        ("ਸਿੰਘ", "SINGH"),
        ("ભરત", "BHARAT"),
        ("कुमार", "KUMAR"),
        ("Щербакова", "SHCHERBAKOVA"),
        ("...", ""),
    ],
)
def test_a_name_folds_to_capitals_whatever_its_script(written: str, folded: str) -> None:
    assert fold(written) == folded


@given(st.text(min_size=1))
def test_no_text_with_a_letter_folds_to_nothing(text: str) -> None:
    """Two different names must never meet as two empties."""
    folded = fold(text)
    assert folded or not any(character.isalpha() for character in text)
    assert folded == "" or (folded.isascii() and folded.replace(" ", "").isalpha() and folded == folded.strip())


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_a_letter_no_table_knows_is_spelt_rather_than_dropped() -> None:
    assert fold("\u0184") == "BIE"


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("le2 1aa", "LE21AA"),
        ("LE2 IAA", "LE21AA"),
        ("LE2 OAA", "LE20AA"),
        ("LE21A0", "LE21AO"),
        ("SW1A 1AA", "SW1A1AA"),
        ("LE2", "LE2"),
        ("", ""),
        ("NFA", ""),
        ("LEICESTER", ""),
        ("ZZ99 3VZ", ""),
        ("XX1 1XX", ""),
    ],
)
def test_a_postcode_is_compact_set_right_and_never_a_placeholder(written: str, folded: str) -> None:
    assert fold_postcode(written) == folded


def test_everything_a_source_says_becomes_comparable() -> None:
    person = normalise(
        Demographics(
            nhs_number="999 000 0018",
            family="Mc Donald-Smith",
            given="Mary-Ann Lou",
            other_given=("Rose", "Rose"),
            previous_family=("Ms Gill", "Unknown"),
            birth_date="1941-03-07",
            gender=" Female ",
            postcode="le2 1aa",
            previous_postcode=("LE3 4BB", "ZZ99 3VZ"),
            address=("Flat 3", "12 High Street", "Leicester"),
            phone=("+44 (0)7700 900123", "0044 7700 900123", "0116 496 0123"),
            email=("Rose@Example.org ", "none@none.com", "nonsense"),
            gp_practice="c82001",
            death_date="2020-05",
        )
    )
    assert person.nhs_number == NhsNumber("9990000018")
    assert (person.family, person.given, person.other_given) == ("MCDONALD SMITH", "MARYANN", ("LOU", "ROSE"))
    assert person.previous_family == ("GILL",)
    assert (person.birth_date, person.death_date) == (PartialDate(1941, 3, 7), PartialDate(2020, 5))
    assert person.gender is Gender.FEMALE
    assert (person.postcode, person.previous_postcode) == ("LE21AA", ("LE34BB",))
    assert (person.house, person.street) == ("3/12", ("HIGH",))
    assert person.phone == ("07700900123", "01164960123")
    assert person.email == ("rose@example.org",)
    assert person.gp_practice == "C82001"


def test_a_house_with_a_name_is_known_by_it() -> None:
    person = normalise(Demographics(address=("", "Rose Cottage", "Main Street")))
    assert (person.house, person.street) == ("ROSE COTTAGE", ("MAIN",))


def test_what_nobody_said_is_unknown() -> None:
    person = normalise(Demographics(address=("", " ")))
    assert (person.nhs_number, person.birth_date, person.gender) == (None, None, Gender.UNKNOWN)
    assert (person.family, person.given, person.house, person.street) == ("", "", "", ())


@pytest.mark.parametrize("family", ["Unknown", "XXTESTPATIENT-AB", "N/A", "Dr", "?"])
@pytest.mark.parametrize("given", ["Baby", "Twin 1", "Not Known", "Mr", "N/A"])
def test_a_placeholder_name_is_no_name_and_makes_no_key(family: str, given: str) -> None:
    person = normalise(Demographics(family=family, given=given, birth_date="1980-04-02"))
    assert (person.family, person.given) == ("", "")
    assert index_keys(person) == ()


@pytest.mark.parametrize("family", ["Na", "Man", "Child", "Lord", "Boy"])
def test_a_surname_that_looks_like_a_placeholder_stays_a_surname(family: str) -> None:
    assert normalise(Demographics(family=family)).family == family.upper()


def test_junk_beside_a_forename_goes_and_the_forename_stays() -> None:
    person = normalise(Demographics(given="Baby Aisha"))
    assert (person.given, person.other_given) == ("AISHA", ())


@pytest.mark.parametrize("born", ["1900-01-01", "1753-01-01", "9999-12-31", "1899-12-30", "nonsense", "2023-02-29"])
def test_a_placeholder_or_impossible_birth_date_is_unknown(born: str) -> None:
    assert normalise(Demographics(birth_date=born)).birth_date is None


@pytest.mark.parametrize("phone", ["00000000000", "07777777777", "12345", "ext. 12", "1" * 20])
def test_a_number_nobody_answers_is_no_telephone(phone: str) -> None:
    assert normalise(Demographics(phone=(phone,))).phone == ()


def test_no_registered_practice_is_no_practice() -> None:
    assert normalise(Demographics(gp_practice="V81999")).gp_practice == ""


@pytest.mark.parametrize(
    ("written", "near"),
    [("999 000 0019", "9990000019"), ("999-000-0019", "9990000019"), ("999000001", ""), ("1111111111", ""), ("", "")],
)
def test_a_number_failing_its_check_is_kept_beside_and_is_no_number(written: str, near: str) -> None:
    person = normalise(Demographics(nhs_number=written))
    assert (person.nhs_number, person.near_number) == (None, near)


def test_what_was_said_and_could_not_be_used_is_named_for_the_analysis() -> None:
    said = Demographics(nhs_number="9990000019", family="Smith", given="Baby", birth_date="1900-01-01", postcode=" ")
    assert doubts(said, normalise(said)) == (Doubt("nhs_number"), Doubt("given"), Doubt("birth_date"))
