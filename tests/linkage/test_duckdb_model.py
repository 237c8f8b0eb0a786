"""The batch evaluator gives every pair the levels that the Python one gives."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linkage.compare import FIELDS, VOCABULARY, compare
from linkage.compilers.duckdb import DuckDb, create_table, fill, level_sql, row
from linkage.compilers.ladders import ladders
from linkage.compilers.people import Placed, as_arrow, table
from linkage.findings import Death
from linkage.nhs_number import NhsNumber
from linkage.normalise import normalise
from linkage.person import Demographics, Person, Security

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.linkage.conftest import Town

Unlike = tuple[Person, Person, tuple[str, ...], tuple[str, ...]]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def unlike(
    connection: duckdb.DuckDBPyConnection, people: Sequence[Person], security: Security = Security.UNRESTRICTED
) -> list[Unlike]:
    """Every pair of two people, each way, on which SQL and Python disagree: both people and both vectors."""
    connection.execute("DROP TABLE IF EXISTS people").fetchall()
    create_table(connection, "people")
    fill(connection, "people", [row(place, person, security) for place, person in enumerate(people)])
    query = f"SELECT a.id, h.id, {', '.join(level_sql().values())} FROM people a, people h"
    found = connection.execute(query).fetchall()
    assert len(found) == len(people) ** 2
    wrong = []
    for one, other, *places in found:
        asked, held = people[one], people[other]
        levels = tuple(VOCABULARY[field][place] for field, place in zip(FIELDS, places, strict=True))
        expected = compare(asked, held, hide_location=security.hides_location)
        if levels != expected:
            wrong.append((asked, held, levels, expected))
    return wrong


FAMILIES = [
    "Smith",
    "Smyth",
    "Smith-Jones",
    "Jones Smith",
    "O'Neil",
    "ONeil",
    "Siân",
    "Sian",
    "Kaur",
    "Gill",
    "Kaur Gill",
    "Singh",
    "Kowalski",
    "Kowalska",
    "Chowdhury",
    "Choudhry",
    "van den Berg",
    "Berg",
    "Patel",
    "Patal",
    "Begum",
    "Bibi",
    "Bibi Begum",
    "William",
    "Bilal",
    "Li",
    "X",
    "Taylor",
    "Tailor",
    "",
    "Ahmed",
    "Khan Ahmed",
    "Amina",
    "Mohammed",
    "محمد",
    "李雷",
]
GIVEN = [
    "Mohammed",
    "Muhammad",
    "Mohamed",
    "Bilal",
    "Hamza",
    "Mary",
    "Mary-Ann",
    "Maryann",
    "Ann",
    "Bill",
    "William",
    "W",
    "B",
    "Siân",
    "Sian",
    "Kantaben",
    "Kanta",
    "Harpreet",
    "Smith",
    "Kaur",
    "Oluwaseun",
    "Seun",
    "",
    "M",
    "Lily-Mae",
    "Mae",
    "Steven",
    "Stephen",
    "Jon",
    "John",
    "Abdul",
    "Syed",
    "Thi",
    "Anna",
    "Anne",
    "Hamzah",
    "Neil",
]
NUMBERS = ["", "9990000018", "9990000026", "9990000028", "9990000081", "9990000008", "9990000108"]
DATES = ["", "1961", "1961-03", "1961-03-04", "1961-04-03", "1961-03-14", "1961-01-01", "1960-12-13", "1961-02-13"]
DATES += ["1960-11-23", "1961-12-03", "1975-03-04", "1941-03-07", "1941-07-03", "1960-02-29"]
CODES = ["", "LE2 1AA", "LE2 1AB", "LE21 1AA", "LE2", "CV1 1AA", "E1 1AB", "E11 1AB", "E12 3AB", "E1 2AB", "LE2 2AA"]


def several(values: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2).map(tuple)


AWKWARD = st.builds(
    Demographics,
    nhs_number=st.sampled_from(NUMBERS),
    family=st.sampled_from(FAMILIES),
    given=st.sampled_from(GIVEN),
    other_given=several(GIVEN),
    previous_family=several(FAMILIES),
    birth_date=st.one_of(st.sampled_from(DATES), st.dates(date(1958, 1, 1), date(1964, 12, 31)).map(str)),
    gender=st.sampled_from(["male", "female", "other", ""]),
    postcode=st.sampled_from(CODES),
    previous_postcode=several(CODES),
    address=st.sampled_from([(), ("1 Hat Street",), ("2 Hat Street",), ("1 Hat Long Street",), ("1 Long Road",)]),
    phone=several(["07700900123", "07700900124", "01162000011"]),
    email=several(["a@b.org", "c@d.org", "e@f.org"]),
    gp_practice=st.sampled_from(["", "C82001", "C82002"]),
    death_date=st.sampled_from(["", "2020-01-02", "2020"]),
).map(normalise)
WORD = st.text("ABEHINRSTW -", max_size=8)
ANY = st.builds(
    Demographics,
    family=WORD,
    given=WORD,
    other_given=st.lists(WORD, max_size=2).map(tuple),
    previous_family=st.lists(WORD, max_size=2).map(tuple),
    birth_date=st.sampled_from(DATES),
    postcode=st.sampled_from(CODES),
).map(normalise)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    people=st.lists(st.one_of(AWKWARD, ANY), min_size=12, max_size=30),
    security=st.sampled_from([Security.UNRESTRICTED, Security.RESTRICTED]),
)
def test_any_pair_has_the_same_levels(
    connection: duckdb.DuckDBPyConnection, people: list[Person], security: Security
) -> None:
    assert unlike(connection, people, security) == []


WRITTEN: list[dict[str, Any]] = [
    {},
    {"family": "Kaur", "given": "Harpreet", "birth_date": "1961"},
    {"family": "Gill", "given": "Harpreet", "other_given": ("Kaur",), "birth_date": "1961-03"},
    {"family": "Kaur Gill", "given": "H", "other_given": ("K",), "birth_date": "1961-01-01", "postcode": "LE2"},
    {"family": "Kaur Singh", "given": "Mohammed", "other_given": ("Bilal",), "previous_family": ("Gill", "Kaur")},
    {"family": "Singh", "given": "Mohamed", "other_given": ("Hamza", "Bilal")},
    {"family": "Chowdhury", "given": "Kantaben", "postcode": "LE2 1AA", "address": ("12 Low Rd",)},
    {"family": "Choudhry", "given": "Kanta", "postcode": "LE2 1AB", "address": ("12 Low Road",)},
    {"family": "Smith-Jones", "given": "Siân", "birth_date": "1960-02-29", "phone": ("07700900123", "01162000011")},
    {"family": "Jones", "given": "Sian", "previous_family": ("Smith Jones",), "phone": ("01162000011",)},
    {"family": "O'Neill", "given": "Bill", "previous_postcode": ("LE2 1AA",), "email": ("a@b.org",)},
    {"family": "William", "given": "Oneil", "birth_date": "1982-02-28", "death_date": "2020-01-02", "gender": "male"},
    {"family": "محمد", "given": "李雷", "nhs_number": "9990000018", "birth_date": "1961-01-01", "gender": "unknown"},
    {"family": "Li", "given": "X", "nhs_number": "9990000028", "address": ("Rose Cottage",)},
    {"family": "Lee", "given": "Mary-Ann", "nhs_number": "9990000081", "gp_practice": "C82001"},
    {"family": "Leigh", "given": "Maryann", "other_given": ("Rose", "Alice")},
    {"family": "Leigh", "given": "Rose", "other_given": ("Maryann",)},
    # one letter apart, and yet less alike than names must be before a slip is looked for
    {"family": "Chavda", "given": "Dorota"},
    {"family": "Cvavda", "given": "Dkrota"},
]


@pytest.mark.parametrize("security", list(Security))
def test_the_awkward_pairs_have_the_same_levels(connection: duckdb.DuckDBPyConnection, security: Security) -> None:
    people = [normalise(Demographics(**said)) for said in WRITTEN]
    assert unlike(connection, people, security) == []


SLIPPED = st.text("ABCDEHRV", min_size=4, max_size=7)


@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(names=st.lists(st.tuples(SLIPPED, st.integers(0, 6), st.sampled_from("ABCDEHRV")), min_size=8, max_size=20))
def test_names_a_letter_apart_have_the_same_levels(
    connection: duckdb.DuckDBPyConnection, names: list[tuple[str, int, str]]
) -> None:
    written = [name[:place] + letter + name[place + 1 :] for name, place, letter in names] + [n for n, _, _ in names]
    people = [normalise(Demographics(family=name, given=name[::-1])) for name in written]
    assert unlike(connection, people) == []


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    people=st.lists(st.one_of(AWKWARD, ANY), max_size=12),
    security=st.sampled_from(Security),
    death=st.sampled_from(Death),
    successor=st.sampled_from([None, NhsNumber("9990000018")]),
)
def test_many_people_at_once_have_the_cells_that_each_has_alone(
    people: list[Person], security: Security, death: Death, successor: NhsNumber | None
) -> None:
    placed = [Placed(place, one, security, successor, death) for place, one in enumerate(people)]
    alone = [row(one.id, one.person, security, superseded_by=successor, death=death) for one in placed]
    assert table(placed).equals(as_arrow(alone))


def test_a_town_has_the_same_levels(connection: duckdb.DuckDBPyConnection, town: Town) -> None:
    people = [normalise(question.said) for question in town.questions[:250]]
    assert unlike(connection, people) == []


def test_each_level_stands_on_one_rung_of_its_ladder() -> None:
    """Engines that know a level by its condition can then take the ladder as it is."""
    climbed: Mapping[str, Any] = ladders(DuckDb())
    assert tuple(climbed) == FIELDS
    for field, ladder in climbed.items():
        levels = [*(level for level, _ in ladder.rungs), ladder.otherwise]
        assert sorted(levels) == sorted(VOCABULARY[field])


@pytest.mark.parametrize("table", ["people; DROP TABLE people", "", "a-b", "peöple"])
def test_a_table_name_is_never_query_text(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    with pytest.raises(ValueError, match="plain identifier"):
        create_table(connection, table)
