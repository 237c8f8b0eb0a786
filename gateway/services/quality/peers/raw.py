"""The CSV files of a population as tables of cleaned columns: what a user of another engine would prepare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.services.quality.peers.splinked import HELD

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

_COLUMNS: Final = """
    rowid AS unique_id,
    nullif(regexp_replace(nhs_number, '[^0-9]', '', 'g'), '') AS nhs_number,
    nullif(trim(upper(given)), '') AS forename,
    nullif(trim(upper(family)), '') AS surname,
    forename || ' ' || surname AS full_name,
    nullif(trim(birth_date), '') AS dob,
    nullif(trim(gender), '') AS gender,
    nullif(regexp_replace(upper(postcode), '[^A-Z0-9]', '', 'g'), '') AS compact,
    CASE WHEN length(compact) >= 5 THEN left(compact, -3) || ' ' || right(compact, 3) ELSE compact END AS postcode,
    nullif(trim(upper(concat_ws(' ', address_line1, address_line2))), '') AS address,
    nullif(regexp_replace(split_part(phone, '|', 1), '[^0-9]', '', 'g'), '') AS phone,
    nullif(trim(lower(split_part(email, '|', 1))), '') AS email,
    nullif(trim(gp_practice), '') AS gp_practice"""


def load(connection: duckdb.DuckDBPyConnection, path: Path, table: str) -> None:
    """A CSV file as a table of cleaned columns; of the index, rows in force or standing for one that is."""
    connection.read_csv(str(path), all_varchar=True, header=True, delimiter=",").create("raw")
    held = "coalesce(superseded_by, nhs_number)" if table == HELD else "NULL"
    living = "WHERE coalesce(sensitivity, '') <> 'I'" if table == HELD else ""
    connection.execute(
        f"CREATE TABLE {table} AS SELECT {_COLUMNS}, {held} AS person FROM raw {living}"  # noqa: S608 - this module's own words
    ).fetchall()
    connection.execute("DROP TABLE raw").fetchall()
