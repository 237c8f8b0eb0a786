"""The dialects of Splink's engines: what they say, and ``_l`` and ``_r`` for the two sides of a pair.

On Spark two functions must be registered on the session under the names below, over rapidfuzz for instance: those in
Splink's own jar differ from ours on some three pairs of a hundred.
"""

from __future__ import annotations

from typing import Final

from linkage.compilers.duckdb import DuckDb

JARO_WINKLER: Final = "linkage_jaro_winkler"
"""(text, text) → double: `rapidfuzz.distance.JaroWinkler.similarity`."""

EDITS: Final = "linkage_edits"
"""(text, text) → integer: `rapidfuzz.distance.DamerauLevenshtein.distance`."""


class SplinkDuckDb(DuckDb):
    """DuckDB beneath Splink. ``name`` is what Splink calls the engine."""

    name: str = "duckdb"

    def asked(self, column: str) -> str:
        """Splink's left is the person asked about."""
        return f"{column}_l"

    def held(self, column: str) -> str:
        """Splink's right is the person held."""
        return f"{column}_r"


class SplinkSpark(SplinkDuckDb):
    """Spark SQL beneath Splink."""

    name = "spark"

    def contains(self, several: str, one: str) -> str:
        """As said in `linkage.compilers.ladders.Dialect`."""
        return f"array_contains({several}, {one})"

    def overlap(self, several: str, others: str) -> str:
        """As said in `linkage.compilers.ladders.Dialect`."""
        return f"arrays_overlap({several}, {others})"

    def within(self, few: str, many: str) -> str:
        """As said in `linkage.compilers.ladders.Dialect`."""
        return f"size(array_except({few}, {many})) = 0"

    def length(self, text: str) -> str:
        """As said in `linkage.compilers.ladders.Dialect`."""
        return f"length({text})"

    def jaro_winkler(self, one: str, other: str) -> str:
        """As said in `linkage.compilers.ladders.Dialect`, by our function."""
        return f"{JARO_WINKLER}({one}, {other})"

    def edits(self, one: str, other: str) -> str:
        """As said in `linkage.compilers.ladders.Dialect`, by our function."""
        return f"{EDITS}({one}, {other})"
