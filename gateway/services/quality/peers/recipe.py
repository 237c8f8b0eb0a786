"""Splink 5 as its documentation would have it used: its ready-made comparisons on cleaned raw columns.

The comparisons, the shape of the blocking rules and the order of training are those of its guides for people
(ForenameSurnameComparison with term frequencies, DateOfBirthComparison, PostcodeComparison, EmailComparison). It is
given what helps it: identifiers so rare that a random sample never sees two strangers share one have their u counted
in the index instead, and an EM pass is run on each of names, birth dates and postcodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.services.quality.peers.ranked import Clock, Ranked, Tables, library, peak_mib
from gateway.services.quality.peers.raw import load
from gateway.services.quality.peers.splinked import ASKED, HELD, answers, chance_of_sharing, database, linker, train

if TYPE_CHECKING:
    import duckdb

NAME: Final = "Splink 5, usual recipe"

_IDENTIFIERS: Final = ("nhs_number", "phone")
_PAIRS: Final = 1e7


def splink_recipe(tables: Tables) -> Ranked:
    """Splink's usual recipe over the CSV files of a population.

    Raises:
        InputError: Splink is not installed.
    """
    splink = library("splink")
    clock = Clock()
    with database() as connection:
        load(connection, tables.queries_csv, ASKED)
        load(connection, tables.index_csv, HELD)
        made = linker(connection, _settings(splink, connection))
        block_on = splink.block_on
        with clock.trains():
            train(
                made,
                deterministic=[
                    block_on("nhs_number"),
                    block_on("forename", "surname", "dob"),
                    block_on("surname", "dob", "postcode"),
                ],
                recall=0.8,
                passes=[block_on("forename", "surname"), block_on("dob")],
                pairs=_PAIRS,
            )
        predicted = made.inference.predict(threshold_match_weight=-20).physical_name
        found = answers(connection, predicted)
    note = (
        f"training {clock.training:.1f} s of it (u from {_PAIRS:,.0f} random pairs, two EM passes); u of NHS number "
        "and telephone counted in the index, since a random sample holds no two strangers who share one"
    )
    return Ranked(NAME, found, clock.seconds, peak_mib(), note)


def _settings(splink: Any, connection: duckdb.DuckDBPyConnection) -> Any:  # noqa: ANN401 - no published types
    comparisons = library("splink.comparison_library")
    block_on = splink.block_on
    return splink.SettingsCreator(
        link_type="link_only",
        comparisons=[
            comparisons.ForenameSurnameComparison(
                "forename", "surname", forename_surname_concat_col_name="full_name"
            ).configure(term_frequency_adjustments=True),
            comparisons.DateOfBirthComparison("dob", input_is_string=True, datetime_format="%Y-%m-%d"),
            comparisons.PostcodeComparison("postcode"),
            comparisons.JaroWinklerAtThresholds("address", [0.95, 0.88]),
            comparisons.ExactMatch("gender"),
            comparisons.EmailComparison("email"),
            comparisons.ExactMatch("gp_practice"),
            *(_identifier(connection, column) for column in _IDENTIFIERS),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("nhs_number"),
            block_on("surname", "dob"),
            block_on("forename", "dob"),
            block_on("postcode", "dob"),
            block_on("postcode", "surname"),
            block_on("postcode", "forename"),
            block_on("forename", "surname", "substr(dob, 1, 4)"),
            block_on("forename", "surname", "substr(dob, 6, 5)"),
            block_on("phone"),
            block_on("email"),
        ],
        retain_matching_columns=False,
    )


def _identifier(connection: duckdb.DuckDBPyConnection, column: str) -> dict[str, Any]:
    """Exact agreement on what hardly anybody shares, its u counted over all pairs of the index."""
    chance = chance_of_sharing(connection, column)
    return {
        "output_column_name": column,
        "comparison_levels": [
            {"sql_condition": f"{column}_l IS NULL OR {column}_r IS NULL", "is_null_level": True},
            {
                "sql_condition": f"{column}_l = {column}_r",
                "label_for_charts": "the same",
                "u_probability": chance,
                "fix_u_probability": True,
            },
            {
                "sql_condition": "ELSE",
                "label_for_charts": "another",
                "u_probability": 1 - chance,
                "fix_u_probability": True,
            },
        ],
    }
