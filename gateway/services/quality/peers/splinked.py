"""What every use of Splink here shares: a connection, a linker over two tables, and its answers."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import duckdb

from gateway.services.quality.peers.ranked import ABSENT, library

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

Answers = list[tuple[int, str | None, float]]

ASKED: Final = "asked"
HELD: Final = "held"
SEED: Final = 11


@contextmanager
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own for one run, gone afterwards."""
    with duckdb.connect() as connection:
        # a progress bar of a query would run through the table that a bench prints
        connection.execute("SET enable_progress_bar = false").fetchall()
        yield connection


def linker(connection: duckdb.DuckDBPyConnection, settings: object) -> Any:  # noqa: ANN401 - no published types
    """A Splink linker over the tables ``asked`` and ``held`` of a connection.

    Raises:
        InputError: Splink is not installed.
    """
    splink = library("splink")
    api = splink.DuckDBAPI(connection=connection)
    tables = [api.register(name, dataset_display_name=name) for name in (ASKED, HELD)]
    return splink.Linker(tables, settings, log_level=logging.ERROR, validate_settings=False)


def train(made: Any, *, deterministic: Sequence[Any], recall: float, passes: Sequence[Any], pairs: float) -> None:  # noqa: ANN401 - no published types
    """Splink's own training: the prior by sure rules, u by random pairs, m by one EM pass for each rule."""
    made.training.estimate_probability_two_random_records_match(list(deterministic), recall=recall)
    made.training.estimate_u_using_random_sampling(max_pairs=pairs, seed=SEED)
    for rule in passes:
        made.training.estimate_parameters_using_expectation_maximisation(
            rule, max_pairs=pairs, estimate_without_term_frequencies=True
        )


def register_pairs(made: Any, connection: duckdb.DuckDBPyConnection, pairs: str) -> None:  # noqa: ANN401 - no published types
    """Hand a linker the pairs (asked, held) of a table, in the form it would have found them itself."""
    connection.execute(
        f"CREATE OR REPLACE TABLE blocked AS SELECT '0' AS match_key, '{ASKED}-__-' || asked AS join_key_l,"  # noqa: S608 - the names are this module's own
        f" '{HELD}-__-' || held AS join_key_r FROM {pairs}"
    ).fetchall()
    api = made._db_api  # noqa: SLF001 - the only way to the linker's database that Splink offers
    made.table_management.register_blocked_pairs_for_predict(api.register("blocked"))


def register_frequencies(made: Any, column: str, table: pa.Table) -> None:  # noqa: ANN401 - no published types
    """Hand a linker the frequencies of a column's values, in place of those it would count."""
    api = made._db_api  # noqa: SLF001 - as above
    made.table_management.register_term_frequency_lookup(api.register(table, table_name=f"shares_{column}"), column)


def chance_of_sharing(connection: duckdb.DuckDBPyConnection, column: str) -> float:
    """How likely two people of the index share a value, counted over all pairs; never less than once among them."""
    ((known, shared),) = connection.execute(
        f"""SELECT sum(n), sum(n * (n - 1)) FROM
            (SELECT count(*) AS n FROM {HELD} WHERE {column} <> '' GROUP BY {column})"""  # noqa: S608 - columns of this package
    ).fetchall()
    people = max(known or 0, 2)
    return max((shared or 0) / (people * (people - 1)), 1 / people)


def answers(
    connection: duckdb.DuckDBPyConnection, predicted: str, *, gap: float = 0.0, score: str = "match_weight"
) -> Answers:
    """The best candidate of every row of ``asked``, from a table of Splink's predictions.

    Rows of ``held`` that are one ``person`` count once. With a ``gap``, nobody is named where another person stands
    less than so many bits behind.
    """
    rows = connection.execute(
        f"""WITH person AS (
              SELECT p.unique_id_l AS asked, h.person, max({score}) AS score
              FROM {predicted} p JOIN {HELD} h ON h.unique_id = p.unique_id_r GROUP BY ALL),
            ranked AS (
              SELECT *, row_number() OVER standing AS place, lead(score) OVER standing AS next
              FROM person WINDOW standing AS (PARTITION BY asked ORDER BY score DESC, person))
            SELECT a.unique_id, r.person, r.score FROM {ASKED} a
            LEFT JOIN ranked r ON r.asked = a.unique_id AND r.place = 1 AND (r.next IS NULL OR r.score - r.next >= $gap)
            ORDER BY a.unique_id""",  # noqa: S608 - the names are this module's own
        {"gap": gap},
    ).fetchall()
    return [(asked, person, ABSENT if person is None else score) for asked, person, score in rows]
