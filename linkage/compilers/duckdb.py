"""The model's comparisons as DuckDB SQL, for batches: the same levels as `linkage.compare`, pair by pair.

Tables and a connection are handed in. A table of people has the columns of `linkage.compilers.people.COLUMNS`. Values
are never put into query text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkage.compare import VOCABULARY
from linkage.compilers.ladders import Dialect, Ladder, ladders
from linkage.compilers.people import COLUMNS, as_arrow, row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from duckdb import DuckDBPyConnection

__all__ = ["COLUMNS", "DuckDb", "create_table", "fill", "identifier", "level_sql", "row"]


class DuckDb(Dialect):
    """DuckDB's words. Its string functions count bytes, which are letters in folded text."""

    def asked(self, column: str) -> str:
        """``a`` is the person asked about."""
        return f"a.{column}"

    def held(self, column: str) -> str:
        """``h`` is the person held."""
        return f"h.{column}"

    def contains(self, several: str, one: str) -> str:
        """As said in `Dialect`."""
        return f"list_contains({several}, {one})"

    def overlap(self, several: str, others: str) -> str:
        """As said in `Dialect`."""
        return f"list_has_any({several}, {others})"

    def within(self, few: str, many: str) -> str:
        """As said in `Dialect`."""
        return f"list_has_all({many}, {few})"

    def length(self, text: str) -> str:
        """As said in `Dialect`."""
        return f"strlen({text})"

    def first(self, text: str) -> str:
        """As said in `Dialect`."""
        return f"left({text}, 1)"

    def jaro_winkler(self, one: str, other: str) -> str:
        """As said in `Dialect`."""
        return f"jaro_winkler_similarity({one}, {other})"

    def edits(self, one: str, other: str) -> str:
        """As said in `Dialect`."""
        return f"damerau_levenshtein({one}, {other})"

    def substitutions(self, one: str, other: str) -> str:
        """As said in `Dialect`."""
        return f"levenshtein({one}, {other})"


def create_table(connection: DuckDBPyConnection, table: str) -> None:
    """Make an empty table of people."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    connection.execute(f"CREATE TABLE {identifier(table)} ({columns})").fetchall()


def fill(connection: DuckDBPyConnection, table: str, rows: Iterable[Sequence[object]]) -> None:
    """Add rows of `row` to a table of people, all at once; for more than memory holds, call it in parts."""
    connection.register("linkage_rows", as_arrow(rows))
    connection.execute(f"INSERT INTO {identifier(table)} SELECT * FROM linkage_rows").fetchall()  # noqa: S608 - the identifier is checked
    connection.unregister("linkage_rows")


def level_sql() -> Mapping[str, str]:
    """Field → the expression of its level's place in the vocabulary (UTINYINT), for people ``a`` and ``h``."""
    return {field: _ordinal(field, ladder) for field, ladder in ladders(DuckDb()).items()}


def _ordinal(field: str, ladder: Ladder) -> str:
    place = VOCABULARY[field].index
    whens = " ".join(f"WHEN {condition} THEN {place(level)}::UTINYINT" for level, condition in ladder.rungs)
    return f"CASE {whens} ELSE {place(ladder.otherwise)}::UTINYINT END"


def identifier(name: str) -> str:
    """Return ``name``, once it is known to be a plain identifier.

    Raises:
        ValueError: it is anything else, such as query text.
    """
    if not name.isascii() or not name.isidentifier():
        raise ValueError("a table name is a plain identifier")
    return name
