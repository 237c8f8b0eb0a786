"""The model exported to Splink gives every pair, field by field, the bits that the Python evaluator gives."""

from __future__ import annotations

import json
import logging
import os
import random
import sys
from math import log2
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

from linkage.compilers.dialects import EDITS, JARO_WINKLER, SplinkDuckDb, SplinkSpark
from linkage.compilers.people import as_arrow, row
from linkage.compilers.splink import INTERACTION, settings, term_frequencies
from linkage.keys import index_keys, probe_keys
from linkage.model import Frequencies, Model
from linkage.normalise import normalise
from linkage.person import Demographics, Person, Security
from linkage.score import Scorer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.linkage.conftest import Town

Pair = tuple[int, int]
Weighed = dict[Pair, dict[str, float]]

AWKWARD: list[dict[str, Any]] = [
    {},
    {"family": "Kaur", "given": "Harpreet", "birth_date": "1961", "nhs_number": "9990000018"},
    {
        "family": "Gill",
        "given": "Harpreet",
        "other_given": ("Kaur",),
        "birth_date": "1961-03",
        "nhs_number": "9990000019",
    },
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
    {"family": "Smith Jones", "given": "Sian", "birth_date": "1960-02-29", "phone": ("07700900123", "01161000001")},
    {"family": "Jones", "given": "Sian", "previous_family": ("Smith Jones", "Orton"), "birth_date": "1960-02-28"},
    {
        "family": "O'Neill",
        "given": "Bill",
        "previous_postcode": ("LE2 1AA",),
        "email": ("a@b.org",),
        "gp_practice": "C82001",
    },
    {
        "family": "ONeill",
        "given": "William",
        "postcode": "LE2 1AA",
        "email": ("a@b.org", "c@d.org"),
        "gp_practice": "C82001",
    },
    {"family": "William", "given": "Oneil", "birth_date": "1982-02-28", "death_date": "2020-01-02", "gender": "male"},
    {"family": "محمد", "given": "李雷", "nhs_number": "9990000108", "birth_date": "1961-01-01", "gender": "unknown"},
    {
        "family": "Li",
        "given": "X",
        "nhs_number": "9990000026",
        "birth_date": "1961-01-01",
        "address": ("Rose Cottage",),
    },
    {"family": "Khan", "given": "Mohammed", "other_given": ("Bilal",), "birth_date": "1990-05-05", "gender": "male"},
    {"family": "Khan", "given": "Muhammad", "other_given": ("Hamza",), "birth_date": "1990-05-06", "gender": "male"},
    {"family": "Khan", "given": "Bilal", "birth_date": "1990-05-05", "gender": "male", "nhs_number": "9990000062"},
    {"family": "Orton", "given": "Mary", "other_given": ("Ann",), "birth_date": "1941-03-07", "gender": "female"},
    {
        "family": "Orton",
        "given": "Maryann",
        "birth_date": "1941-07-03",
        "gender": "female",
        "nhs_number": "999 000 0081",
    },
    {
        "family": "Ann",
        "given": "Mary",
        "other_given": ("Orton",),
        "birth_date": "1914-03-07",
        "nhs_number": "9900000018",
    },
]


@pytest.fixture(scope="module")
def people(town: Town) -> list[Person]:
    """The awkward ones first, then everybody of a town, then those who ask about them."""
    index = [normalise(Demographics(**said)) for said in AWKWARD] + [row.person for row in town.rows.values()]
    return index + [normalise(question.said) for question in town.questions]


@pytest.fixture(scope="module")
def pairs(town: Town, people: Sequence[Person]) -> list[Pair]:
    """Some 10,000: every awkward one with every other, whom questions share a key with, and strangers."""
    awkward = len(AWKWARD)
    found = [(one, two) for one in range(awkward) for two in range(awkward)]
    place = {name: at for at, name in enumerate(town.rows, awkward)}
    first = awkward + len(town.rows)
    for at, asked in enumerate(people[first:], first):
        found.extend((at, place[candidate.person_id]) for candidate in town.candidates(asked))
    draw = random.Random(20_26)
    found.extend((draw.randrange(len(people)), draw.randrange(len(people))) for _ in range(1_000))
    return list(dict.fromkeys(found))[:11_000]


@pytest.fixture(scope="module")
def frequencies(people: Sequence[Person]) -> Frequencies:
    """Names of a third of them: others are names that nobody of the index carries."""
    return Frequencies.of(people[::3])


def security(place: int) -> Security:
    """Every ninth person is restricted."""
    return Security.RESTRICTED if place % 9 == 0 else Security.UNRESTRICTED


def expected(scorer: Scorer, people: Sequence[Person], pairs: Sequence[Pair]) -> Weighed:
    """Each pair's bits by field and interaction, as the Python evaluator gives them."""
    found: Weighed = {}
    for asked, held in pairs:
        hide = security(asked).hides_location or security(held).hides_location
        _, _, evidence = scorer.score(people[asked], people[held], hide_location=hide)
        found[asked, held] = {piece.field: piece.bits for piece in evidence}
    return found


def agree(scorer: Scorer, wanted: Weighed, found: Mapping[Pair, Mapping[str, float]]) -> None:
    assert found.keys() == wanted.keys()
    for pair, bits in wanted.items():
        weighed = {name: value for name, value in found[pair].items() if value or name in bits}
        weight = weighed.pop("match_weight") + scorer.prior_bits
        assert weighed == pytest.approx(bits, abs=1e-6), pair
        assert weight == pytest.approx(sum(bits.values()), abs=1e-6), pair


def rows_of(people: Sequence[Person]) -> pa.Table:
    """The people as Splink is handed them."""
    table = as_arrow(row(place, person, security(place)) for place, person in enumerate(people))
    return table.rename_columns(["unique_id", *table.column_names[1:]])


def blocked(pairs: Sequence[Pair]) -> pa.Table:
    """Pairs as Splink's own blocking would hand them on."""
    return pa.table(
        {
            "match_key": ["0"] * len(pairs),
            "join_key_l": [f"asked-__-{asked}" for asked, _ in pairs],
            "join_key_r": [f"held-__-{held}" for _, held in pairs],
        }
    )


def predicted(
    api: Any,  # noqa: ANN401 - no published types
    exported: dict[str, Any],
    lookups: Mapping[str, pa.Table],
    tables: Sequence[object],
    pairs: object,
) -> Weighed:
    """Every pair's match weight and its parts, by field and interaction, from Splink itself."""
    import splink

    sides = [
        api.register(table, dataset_display_name=name) for table, name in zip(tables, ("asked", "held"), strict=True)
    ]
    whole = {**json.loads(json.dumps(exported)), "retain_intermediate_calculation_columns": True}
    made = splink.Linker(sides, whole, log_level=logging.ERROR, validate_settings=False)
    for column, table in lookups.items():
        made.table_management.register_term_frequency_lookup(api.register(table, table_name=f"shares_{column}"), column)
    made.table_management.register_blocked_pairs_for_predict(api.register(pairs, table_name="blocked"))
    found: Weighed = {}
    for record in made.inference.predict().as_record_list():
        parts: dict[str, float] = {"match_weight": record["match_weight"]}
        for column, value in record.items():
            if column.startswith("mw_"):
                name = column.removeprefix("mw_").removeprefix("tf_adj_")
                if name.startswith(INTERACTION):
                    name = name.removeprefix(INTERACTION).replace("_", "-")
                parts[name] = parts.get(name, 0.0) + value
        found[record["unique_id_l"], record["unique_id_r"]] = parts
    return found


def on_duckdb(
    model: Model, frequencies: Frequencies, people: Sequence[Person], pairs: Sequence[Pair], size: int
) -> Weighed:
    """The parts of every pair, by Splink on DuckDB."""
    import splink

    with duckdb.connect() as connection:
        connection.register("people", rows_of(people))
        connection.execute("CREATE TABLE everybody AS SELECT * FROM people").fetchall()
        return predicted(
            splink.DuckDBAPI(connection=connection),
            settings(model, frequencies, size, SplinkDuckDb()),
            term_frequencies(model, frequencies, size),
            ("everybody", "everybody"),
            blocked(pairs),
        )


def test_ten_thousand_pairs_weigh_the_same_in_duckdb(
    model: Model, frequencies: Frequencies, people: list[Person], pairs: list[Pair]
) -> None:
    size = 50_000
    scorer = Scorer(model, frequencies, size)
    assert len(pairs) > 10_000
    agree(scorer, expected(scorer, people, pairs), on_duckdb(model, frequencies, people, pairs, size))


def test_an_empty_index_and_a_model_of_other_habits_weigh_the_same(model: Model, people: list[Person]) -> None:
    """It counts no forenames, weighs what is missing, and gives surnames more bits than their typical share allows."""
    given = {
        level: weight.model_copy(update={"frequency": False}) for level, weight in model.comparisons["given"].items()
    }
    gender = dict(model.comparisons["gender"])
    gender["missing"] = gender["missing"].model_copy(update={"bits": -0.25})
    family = dict(model.comparisons["family"])
    family["exact"] = family["exact"].model_copy(update={"bits": 12.5})
    changed = {**model.comparisons, "given": given, "gender": gender, "family": family}
    other = model.model_copy(update={"comparisons": changed})
    nobody = Frequencies({}, 0)
    some = [(one, two) for one in range(len(AWKWARD)) for two in range(len(AWKWARD))]
    scorer = Scorer(other, nobody, 0)
    agree(scorer, expected(scorer, people, some), on_duckdb(other, nobody, people, some, 0))


def test_the_prior_is_that_of_absence(model: Model, frequencies: Frequencies) -> None:
    chance = settings(model, frequencies, 1_000_000, SplinkDuckDb())["probability_two_random_records_match"]
    assert log2(chance / (1 - chance)) == pytest.approx(-Scorer(model, frequencies, 1_000_000).prior_bits)


def test_every_level_that_is_no_null_level_has_an_m_and_a_u_that_are_probabilities(
    model: Model, frequencies: Frequencies
) -> None:
    family = {level: weight.model_copy(update={"bits": 20.0}) for level, weight in model.comparisons["family"].items()}
    heavy = model.model_copy(update={"comparisons": {**model.comparisons, "family": family}})
    for comparison in settings(heavy, frequencies, 1_000_000, SplinkDuckDb())["comparisons"]:
        for level in comparison["comparison_levels"]:
            if not level.get("is_null_level"):
                assert 0 < level["m_probability"] <= 1
                assert 0 < level["u_probability"] <= 1


def test_spark_is_spoken_to_in_its_own_words(model: Model, frequencies: Frequencies) -> None:
    text = json.dumps(settings(model, frequencies, 1_000_000, SplinkSpark()))
    assert JARO_WINKLER in text
    assert EDITS in text
    assert "arrays_overlap" in text
    assert "list_" not in text


def test_splink_finds_for_itself_whoever_shares_a_key(town: Town, model: Model) -> None:
    import splink

    index = list(town.rows.values())[:400]
    asked = [normalise(question.said) for question in town.questions[:200]]
    frequencies = Frequencies.of(row.person for row in index)
    sides = (
        ("asked", asked, [probe_keys(one) for one in asked]),
        ("held", [row.person for row in index], [index_keys(row.person) for row in index]),
    )
    with duckdb.connect() as connection:
        api = splink.DuckDBAPI(connection=connection)
        tables = []
        for name, persons, keys in sides:
            keyed = rows_of(persons).append_column("keys", pa.array(keys, pa.list_(pa.int64())))
            tables.append(api.register(keyed, dataset_display_name=name))
        exported = settings(model, frequencies, len(index), SplinkDuckDb())
        made = splink.Linker(tables, exported, log_level=logging.ERROR, validate_settings=False)
        records = made.inference.compute_blocked_pairs_for_predict().as_record_list()
    found = {
        tuple(int(record[side].partition("-__-")[2]) for side in ("join_key_l", "join_key_r")) for record in records
    }
    asked_keys, held_keys = sides[0][2], sides[1][2]
    assert found == {
        (one, two) for one, keys in enumerate(asked_keys) for two, kept in enumerate(held_keys) if {*keys} & {*kept}
    }
    assert len(found) > 100


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A session on this machine with our string functions, as Arrow functions over rapidfuzz."""
    pytest.importorskip("pyspark", reason="pyspark is not installed (make test-peers installs it)")
    from pyspark.sql import SparkSession, functions
    from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

    arrow_udf = vars(functions)["arrow_udf"]  # its stubs do not know it yet
    # Spark's workers are Pythons of their own, and need this one's libraries
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    folder: Path = tmp_path_factory.mktemp("spark")
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.default.parallelism", "2")
        .config("spark.sql.warehouse.dir", os.fspath(folder / "warehouse"))
        .getOrCreate()
    )
    session.sparkContext.setCheckpointDir(os.fspath(folder / "checkpoints"))

    def likeness(one: pa.Array, other: pa.Array) -> pa.Array:
        both = zip(one.to_pylist(), other.to_pylist(), strict=True)
        return pa.array([JaroWinkler.similarity(*pair) for pair in both], pa.float64())

    def edits(one: pa.Array, other: pa.Array) -> pa.Array:
        both = zip(one.to_pylist(), other.to_pylist(), strict=True)
        return pa.array([DamerauLevenshtein.distance(*pair) for pair in both], pa.int32())

    session.udf.register(JARO_WINKLER, arrow_udf(likeness, "double"))
    session.udf.register(EDITS, arrow_udf(edits, "int"))
    yield session
    session.stop()
    monkeypatch.undo()


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")  # Spark's and its bridge's own, of versions they do not know yet
def test_two_thousand_pairs_weigh_the_same_on_spark(
    spark: Any,  # noqa: ANN401 - no published types
    model: Model,
    frequencies: Frequencies,
    people: list[Person],
    pairs: list[Pair],
) -> None:
    import splink

    size, some = 1_000_000, pairs[:2_000]
    everybody = spark.createDataFrame(rows_of(people))
    everybody.createOrReplaceTempView("everybody")
    shares = term_frequencies(model, frequencies, size)
    found = predicted(
        splink.SparkAPI(  # type: ignore[no-untyped-call]  # no published types
            spark_session=spark, break_lineage_method="parquet", register_udfs_automatically=False
        ),
        settings(model, frequencies, size, SplinkSpark()),
        {column: spark.createDataFrame(table) for column, table in shares.items()},
        ("everybody", "everybody"),
        spark.createDataFrame(blocked(some)),
    )
    scorer = Scorer(model, frequencies, size)
    agree(scorer, expected(scorer, people, some), found)
