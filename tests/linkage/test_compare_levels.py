"""Which level each field of a pair reaches: one row a rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.compare import FIELDS, VOCABULARY, compare
from linkage.normalise import normalise
from linkage.person import Demographics, Person

Said = dict[str, object]


def level(field: str, asked: Said, held: Said) -> str:
    people = [normalise(Demographics(**said)) for said in (asked, held)]  # type: ignore[arg-type]  # rows of a table
    found = compare(*people)[FIELDS.index(field)]
    assert compare(*reversed(people))[FIELDS.index(field)] == found, "a comparison is blind to who asked"
    return found


@pytest.mark.parametrize(
    ("asked", "held", "expected"),
    [
        ("999 000 0018", "9990000018", "equal"),
        ("999 000 0026", "9990000018", "differs"),
        ("999 000 0019", "9990000018", "one-edit"),
        ("990 900 0018", "9990000018", "transposed"),
        ("999 000 0081", "9990000018", "transposed"),
        ("909 900 0018", "9990000018", "missing"),
        ("999 123 0018", "9990000018", "missing"),
        ("999 000 0019", "9990000019", "one-edit"),
        ("999 000 0019", "9990000017", "missing"),
        ("999 000 0019", "", "missing"),
        ("", "", "missing"),
    ],
)
def test_numbers_of_which_one_may_be_mistyped(asked: str, held: str, expected: str) -> None:
    assert level("nhs_number", {"nhs_number": asked}, {"nhs_number": held}) == expected


def test_two_digits_changed_side_by_side_are_no_exchange() -> None:
    assert level("nhs_number", {"nhs_number": "9991200018"}, {"nhs_number": "9990000018"}) == "missing"


@pytest.mark.parametrize(
    ("asked", "held", "expected"),
    [
        ("Smith", "SMITH", "exact"),
        ("Siân", "Sian", "folded"),
        ("O'Brien", "O\u2019Brien", "exact"),
        ("O'Brien", "OBrien", "folded"),
        ("Smith-Jones", "Smith Jones", "folded"),
        ("Abdul Rahman", "Abdulrahman", "folded"),
        ("Smith-Jones", "Jones", "subset"),
        ("Jones Smith", "Smith-Jones", "subset"),
        ("Kaur Gill", "Singh Gill", "subset"),
        ("Smith-Jones", "Brown-Jones", "part"),
        ("Chowdhury", "Choudhry", "variant"),
        ("Kowalski", "Kowalska", "variant"),
        ("Thompson", "Thomson", "variant"),
        ("Robertson", "Roberston", "close"),
        ("Smith", "Smyth", "close"),
        ("Jones", "Joles", "close"),
        ("Ng", "Ngo", "phonetic"),
        ("Leigh", "Lea", "phonetic"),
        ("Walton", "Waldron", "similar"),
        ("Kovalenko", "Kravchenko", "faint"),
        ("Smith", "Patel", "differs"),
        ("De Li", "Van Li", "differs"),
        ("Van Dijk", "Van Berg", "differs"),
        ("Smith", "", "missing"),
    ],
)
def test_surnames(asked: str, held: str, expected: str) -> None:
    assert level("family", {"family": asked}, {"family": held}) == expected


def test_an_earlier_surname_on_either_side_is_the_persons() -> None:
    assert level("family", {"family": "Smith"}, {"family": "Jones", "previous_family": ("Smith",)}) == "previous"


@pytest.mark.parametrize(
    "held",
    [
        {"family": "Gill", "given": "Harpreet", "other_given": ("Kaur",)},
        {"family": "Kaur Gill", "given": "Harpreet"},
    ],
)
def test_kaur_in_place_of_or_beside_a_surname_neither_agrees_nor_differs(held: Said) -> None:
    assert level("family", {"family": "Kaur", "given": "Harpreet"}, held) == "religious"


@pytest.mark.parametrize(
    ("asked", "held", "expected"),
    [
        (("Patel", "Asha"), ("Asha", "Patel"), "swapped"),
        (("Patell", "Asha"), ("Asha", "Patel"), "swapped"),
        (("Martin", "Martine"), ("Martina", "Marten"), "close"),
        (("Pat", "Patel"), ("Patel", "Pit"), "similar"),
        (("Patel", "Asha"), ("Amit", "Pitman"), "differs"),
        (("Patel", ""), ("Asha", "Patel"), "differs"),
        (("Patel", "Patel"), ("Patel", "Patel"), "exact"),
    ],
)
def test_names_exchanged(asked: tuple[str, str], held: tuple[str, str], expected: str) -> None:
    said: list[Said] = [{"family": family, "given": given} for family, given in (asked, held)]
    one, other = said
    assert level("family", one, other) == expected
    assert (level("given", one, other) == "swapped") == (expected == "swapped")


def test_a_fathers_name_that_one_system_takes_for_the_surname_neither_agrees_nor_differs() -> None:
    asked: Said = {"family": "Warsame", "given": "Hodan"}
    held: Said = {"family": "Farah", "given": "Hodan", "other_given": ("Warsame",)}
    assert level("family", asked, held) == "religious"


@pytest.mark.parametrize(
    ("asked", "held", "expected"),
    [
        ("Alice", "alice", "exact"),
        ("Zoë", "Zoe", "folded"),
        ("محمد", "محمد", "exact"),
        ("محمد", "Mohammed", "variant"),
        ("William", "Bill", "variant"),
        ("Yasmeen", "Yasmin", "variant"),
        ("A", "Alice", "initial"),
        ("B", "Alice", "differs"),
        ("Alice", "Alicia", "similar"),
        ("Katarzyna", "Karolina", "faint"),
        ("Joanne", "Jean", "phonetic"),
        ("Marian", "Marina", "close"),
        ("Ryan", "Rvan", "close"),
        ("Ann", "Ana", "phonetic"),
        ("Alice", "Peter", "differs"),
        ("", "Peter", "missing"),
        ("Mary-Ann", "Mary Ann", "compound"),
        ("Maryann", "Mary Ann", "compound"),
        ("Lily-Mae", "Lily", "compound"),
        ("Anne-Marie", "Marie", "compound"),
        ("Lily-Mae", "Lily-Rose", "similar"),
    ],
)
def test_first_names(asked: str, held: str, expected: str) -> None:
    assert level("given", {"given": asked}, {"given": held}) == expected


@pytest.mark.parametrize(
    ("asked", "held", "expected"),
    [
        ("Mohammed", "Mohammed Bilal", "exact"),
        ("Mohammed Bilal", "Mohammed Bilal", "exact"),
        ("Mohammed Bilal", "Muhammad Bilal", "variant"),
        ("Mohammed Bilal", "Bilal", "variant"),
        ("Bilal Mohammed", "Mohammed Bilal", "variant"),
        ("Mohammed Bilal", "Mohammed Hamza", "differs"),
        ("Mohammed Bilal", "Mohammed Bilaal", "variant"),
        ("Mohammed Bilal", "Mohammed B", "initial"),
        ("Mohammed Ali Bilal", "Mohammed Bilal", "other"),
        ("Abdul Karim", "Abdul Rahim", "differs"),
        ("Abdul Karim", "Abdulkarim", "compound"),
        ("Mohammed Bilal", "Hamza", "differs"),
    ],
)
def test_a_man_named_mohammed_is_told_from_his_brothers_by_his_next_name(asked: str, held: str, expected: str) -> None:
    assert level("given", {"given": asked}, {"given": held}) == expected


def test_the_same_names_in_another_order_agree() -> None:
    asked: Said = {"given": "Rose", "other_given": ("Alice",)}
    held: Said = {"given": "Alice", "other_given": ("Rose",)}
    assert level("given", asked, held) == "other"
    assert level("other_given", asked, held) == "agree"


def test_a_middle_name_used_as_the_first() -> None:
    assert level("given", {"given": "Rose"}, {"given": "Alice", "other_given": ("Rose",)}) == "other"


@pytest.mark.parametrize(
    ("asked", "held", "expected"),
    [
        ("Rose", "Rose Ann", "agree"),
        ("Kaur", "Kaur", "religious"),
        ("R", "Rose", "initial"),
        ("Rose", "Ruth", "differs"),
        ("", "Ruth", "missing"),
    ],
)
def test_middle_names(asked: str, held: str, expected: str) -> None:
    said: list[Said] = [{"given": "Ann", "other_given": tuple(names.split())} for names in (asked, held)]
    one, other = said
    assert level("other_given", one, other) == expected


@pytest.mark.parametrize(
    ("asked", "held", "expected"),
    [
        ("1941-03-07", "1941-03-07", "exact"),
        ("1941-01-01", "1941-01-01", "first-january"),
        ("1941-03-07", "1941-07-03", "swapped"),
        ("1941-03-07", "1941-03-17", "slip"),
        ("1941-03-07", "1914-03-07", "slip"),
        ("1941-03-27", "1941-01-01", "estimated"),
        ("1941-03-07", "1941-03-25", "two-parts"),
        ("1941-03-07", "1963-03-07", "two-parts"),
        ("1941-03", "1941-03-07", "part-known"),
        ("1941", "1941-03-07", "part-known"),
        ("1941-03", "1941-03", "part-known"),
        ("1941-04", "1941-03-07", "year"),
        ("1941-03-07", "1941-11-25", "year"),
        ("1941-03-07", "1944-11-25", "differs"),
        ("1941-03-07", "1963-11-25", "generation"),
        ("1941", "1963", "generation"),
        ("", "1963", "missing"),
    ],
)
def test_birth_dates(asked: str, held: str, expected: str) -> None:
    assert level("birth_date", {"birth_date": asked}, {"birth_date": held}) == expected


@pytest.mark.parametrize(
    ("asked", "held", "expected"),
    [
        ("female", "female", "equal"),
        ("female", "male", "differs"),
        ("female", "unknown", "missing"),
        ("other", "male", "missing"),
        ("other", "other", "missing"),
    ],
)
def test_genders(asked: str, held: str, expected: str) -> None:
    assert level("gender", {"gender": asked}, {"gender": held}) == expected


def at(postcode: str, line: str = "", *previous: str) -> Said:
    return {"postcode": postcode, "address": (line,), "previous_postcode": previous}


@pytest.mark.parametrize(
    ("asked", "held", "expected"),
    [
        (at("LE2 1AA", "12 High Street"), at("LE2 1AA", "12 High St"), "full"),
        (at("LE2 1AA", "12 High Street"), at("LE2 1AA", "14 High Street"), "other-house"),
        (at("LE2 1AA", "12 High Street"), at("LE2 1AA"), "postcode"),
        (at("LE2 1AA"), at("LE3 4BB", "", "LE2 1AA"), "previous"),
        (at("LE2 1AA", "12 High Street"), at("LE2 1AB", "12 Low Road"), "slip-house"),
        (at("LE2 1AA", "12 High Street"), at("", "12 High Street"), "street"),
        (at("LE2 1AA", "12 High Street"), at("LE7 9ZZ", "12 High Street"), "street"),
        (at("LE2 1AA", "12 High Street"), at("LE7 9ZZ", "12 Low Road"), "outcode-not"),
        (at("LE2 1AA"), at("LE2 1AB"), "slip"),
        (at("LE2 1AA"), at("LE2 1BB"), "sector"),
        (at("LE2 1AA"), at("LE2 9ZZ"), "outcode"),
        (at("LE2 1AA"), at("LE2"), "outcode"),
        (at("LE2"), at("LE2"), "outcode"),
        (at("LE2"), at("LE3", "", "LE2"), "differs"),
        (at("LE2 1AA"), at("CV1 9ZZ"), "differs"),
        (at("LE2 1AA"), at(""), "missing"),
    ],
)
def test_addresses(asked: Said, held: Said, expected: str) -> None:
    assert level("address", asked, held) == {"outcode-not": "differs"}.get(expected, expected)


def test_contacts_practice_and_death_agree_differ_or_are_unknown() -> None:
    asked: Said = {"phone": ("07700900123", "0116 496 0123"), "email": ("a@b.org",), "gp_practice": "C82001"}
    assert level("phone", asked, {"phone": ("07700 900123",)}) == "equal"
    assert level("phone", asked, {"phone": ("07700 900999",)}) == "differs"
    assert level("email", asked, {}) == "missing"
    assert level("gp_practice", asked, {"gp_practice": "C82002"}) == "differs"
    assert level("death_date", {"death_date": "2020-01-02"}, {"death_date": "2020-01-02"}) == "equal"


def test_numbers_agree_differ_or_are_unknown() -> None:
    assert level("nhs_number", {"nhs_number": "9990000018"}, {"nhs_number": "999 000 0018"}) == "equal"
    assert level("nhs_number", {"nhs_number": "9990000018"}, {"nhs_number": "9990000026"}) == "differs"
    assert level("nhs_number", {"nhs_number": "9990000018"}, {}) == "missing"


def test_location_of_a_restricted_person_is_withheld_whatever_it_is() -> None:
    person = normalise(Demographics(family="Smith", postcode="LE2 1AA", phone=("07700900123",), gp_practice="C82001"))
    levels = dict(zip(FIELDS, compare(person, person, hide_location=True), strict=True))
    assert {field for field, found in levels.items() if found == "withheld"} == {
        "address",
        "phone",
        "email",
        "gp_practice",
    }
    assert levels["family"] == "exact"


NAMES = st.sampled_from(
    ["", "Patel", "Asha", "Kaur", "Kaur Gill", "Smith-Jones", "Jones", "Bill", "William", "W", "Li"]
)
PLACES = st.sampled_from(["", "LE2 1AA", "LE2 1AB", "LE2", "LE3 4BB"])
PEOPLE = st.builds(
    Demographics,
    nhs_number=st.sampled_from(["", "9990000018", "9990000026"]),
    family=NAMES,
    given=NAMES,
    other_given=st.lists(NAMES, max_size=2).map(tuple),
    previous_family=st.lists(NAMES, max_size=1).map(tuple),
    birth_date=st.sampled_from(["", "1961", "1961-03", "1961-03-04", "1961-04-03", "1961-01-01", "1990-03-04"]),
    gender=st.sampled_from(["", "male", "female"]),
    postcode=PLACES,
    previous_postcode=st.lists(PLACES, max_size=1).map(tuple),
    address=st.sampled_from([(), ("12 High Street",), ("14 High Street",)]),
    phone=st.sampled_from([(), ("07700900123",), ("07700900124",)]),
).map(normalise)


@given(PEOPLE, PEOPLE)
def test_every_level_is_in_the_vocabulary_and_comparison_has_no_direction(one: Person, other: Person) -> None:
    levels = compare(one, other)
    assert levels == compare(other, one)
    assert all(found in VOCABULARY[field] for field, found in zip(FIELDS, levels, strict=True))


@given(PEOPLE)
def test_a_person_agrees_with_themselves_as_far_as_they_are_known(person: Person) -> None:
    whole = replace(person, family=person.family or "X", given=person.given or "Y")
    for field, found in zip(FIELDS, compare(whole, whole), strict=True):
        also = {"birth_date": {"first-january", "part-known"}, "address": {"postcode", "street", "outcode"}}
        also["other_given"] = {"religious"}
        assert found in {VOCABULARY[field][0], "missing"} | also.get(field, set())
