"""The batch evaluator gives every pair the levels and the bits that the Python one gives."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linkage.compilers.duckdb import Pair, create_table, fill, row, score
from linkage.model import Frequencies, Model
from linkage.normalise import normalise
from linkage.person import Demographics, Person, Security
from linkage.score import Scorer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.linkage.conftest import Town


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def evaluate(  # noqa: PLR0913 - what `score` needs, and the people
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    frequencies: Frequencies,
    people: Sequence[Person],
    pairs: Sequence[tuple[int, int]],
    *,
    security: Security = Security.UNRESTRICTED,
) -> list[Pair]:
    for table in ("people", "pairs"):
        connection.execute(f"DROP TABLE IF EXISTS {table}").fetchall()
    create_table(connection, "people")
    connection.execute("CREATE TABLE pairs (asked VARCHAR, held VARCHAR)").fetchall()
    fill(connection, "people", [row(str(place), person, security) for place, person in enumerate(people)])
    sides = [[str(pair[side]) for pair in pairs] for side in (0, 1)]
    connection.execute("INSERT INTO pairs SELECT unnest(?), unnest(?)", sides).fetchall()
    return score(connection, model, frequencies, 50_000, asked="people", held="people", pairs="pairs")


def agree(model: Model, frequencies: Frequencies, people: Sequence[Person], found: list[Pair], *, hide: bool) -> None:
    scorer = Scorer(model, frequencies, 50_000)
    for pair in found:
        bits, levels, _ = scorer.score(people[int(pair.asked)], people[int(pair.held)], hide_location=hide)
        assert pair.levels == levels
        assert pair.bits == pytest.approx(bits, abs=1e-6)


AWKWARD: list[dict[str, Any]] = [
    {},
    {"family": "Kaur", "given": "Harpreet", "birth_date": "1961"},
    {"family": "Gill", "given": "Harpreet", "other_given": ("Kaur",), "birth_date": "1961-03"},
    {"family": "Kaur Gill", "given": "H", "other_given": ("K",), "birth_date": "1961-01-01", "postcode": "LE2"},
    {
        "family": "Chowdhury",
        "given": "Kantaben",
        "birth_date": "1961-03-04",
        "postcode": "LE2 1AA",
        "address": ("12 Low Rd",),
    },
    {
        "family": "Choudhry",
        "given": "Kanta",
        "birth_date": "1961-04-03",
        "postcode": "LE2 1AB",
        "address": ("12 Low Road",),
    },
    {
        "family": "Smith-Jones",
        "given": "Siân",
        "birth_date": "1960-02-29",
        "postcode": "LE2 1BB",
        "phone": ("07700900123",),
    },
    {
        "family": "Jones",
        "given": "Sian",
        "previous_family": ("Smith Jones",),
        "birth_date": "1960-02-28",
        "gender": "female",
    },
    {
        "family": "O'Neill",
        "given": "Bill",
        "previous_postcode": ("LE2 1AA",),
        "email": ("a@b.org",),
        "gp_practice": "C82001",
    },
    {"family": "William", "given": "Oneil", "birth_date": "1982-02-28", "death_date": "2020-01-02", "gender": "male"},
    {"family": "محمد", "given": "李雷", "nhs_number": "9990000018", "birth_date": "1961-01-01", "gender": "unknown"},
    {
        "family": "Li",
        "given": "X",
        "nhs_number": "9990000026",
        "birth_date": "1961-01-01",
        "address": ("Rose Cottage",),
    },
]


@pytest.mark.parametrize("security", [Security.UNRESTRICTED, Security.RESTRICTED])
def test_the_awkward_pairs_agree(connection: duckdb.DuckDBPyConnection, model: Model, security: Security) -> None:
    people = [normalise(Demographics(**said)) for said in AWKWARD]
    everyone = [(one, two) for one in range(len(people)) for two in range(len(people))]
    frequencies = Frequencies.of(people)
    found = evaluate(connection, model, frequencies, people, everyone, security=security)
    assert len(found) == len(everyone)
    agree(model, frequencies, people, found, hide=security.hides_location)


def test_a_town_agrees_pair_by_pair(connection: duckdb.DuckDBPyConnection, town: Town, model: Model) -> None:
    people = [row.person for row in town.rows.values()]
    place = {name: at for at, name in enumerate(town.rows)}
    pairs: list[tuple[int, int]] = []
    for question in town.questions[:700]:
        asked = normalise(question.said)
        pairs.extend((len(people), place[row.person_id]) for row in town.candidates(asked))
        people.append(asked)
    frequencies = Frequencies.of(people)
    found = evaluate(connection, model, frequencies, people, pairs)
    assert len(found) == len(pairs) > 1_000
    agree(model, frequencies, people, found, hide=False)


WORD = st.text("ABEHINRSTW ", max_size=7)
DAYS = {"min_value": date(1940, 1, 1), "max_value": date(1962, 12, 31)}
DATE = st.one_of(
    st.just(""),
    st.dates(**DAYS).map(str),
    st.sampled_from(["1961", "1961-03", "1961-01-01", "1941-03-07", "1941-07-03"]),
)
PEOPLE = st.builds(
    Demographics,
    family=WORD,
    given=WORD,
    other_given=st.lists(WORD, max_size=2).map(tuple),
    previous_family=st.lists(WORD, max_size=2).map(tuple),
    birth_date=DATE,
    postcode=st.sampled_from(["", "LE2 1AA", "LE2 1AB", "LE21 1AA", "LE2", "CV1 1AA"]),
    address=st.sampled_from([(), ("1 Hat Street",), ("2 Hat Street",)]),
).map(normalise)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=st.lists(PEOPLE, min_size=2, max_size=14))
def test_any_pair_agrees(connection: duckdb.DuckDBPyConnection, model: Model, people: list[Person]) -> None:
    everyone = [(one, two) for one in range(len(people)) for two in range(len(people))]
    frequencies = Frequencies.of(people[:1])
    agree(model, frequencies, people, evaluate(connection, model, frequencies, people, everyone), hide=False)


def test_an_empty_index_and_a_model_that_counts_no_names_still_score(
    connection: duckdb.DuckDBPyConnection, model: Model
) -> None:
    given = {
        level: weight.model_copy(update={"frequency": False}) for level, weight in model.comparisons["given"].items()
    }
    plain = model.model_copy(update={"comparisons": {**model.comparisons, "given": given}})
    people = [normalise(Demographics(**said)) for said in AWKWARD]
    nobody = Frequencies({}, 0)
    agree(plain, nobody, people, evaluate(connection, plain, nobody, people, [(4, 5), (4, 4)]), hide=False)


@pytest.mark.parametrize("table", ["people; DROP TABLE people", "", "a-b", "peöple"])
def test_a_table_name_is_never_query_text(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    with pytest.raises(ValueError, match="plain identifier"):
        create_table(connection, table)
