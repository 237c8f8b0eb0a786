"""Who meets whom in a batch, and how they compare: the SQL behind `linkage.batch`.

Join orders are written by hand: the people asked about are few and wide, the pairs many and narrow, the people held
many and wide. Held people are therefore streamed past a table of pairs, and never kept. Tables named ``linkage_…`` on
the connection are this module's.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np
import pyarrow as pa

from linkage.compare import FIELDS, VOCABULARY
from linkage.compilers.duckdb import level_sql
from linkage.compilers.vectors import LEVEL, NIBBLE
from linkage.decide import flags_of
from linkage.findings import Death, Flag
from linkage.person import Security

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from linkage.score import Scorer

SCORED: Final = "linkage_scored"
"""The table of compared pairs: asked, held, each field's level as its place in the vocabulary, adjustment, bits."""

_LOCATION: Final = ("address", "phone", "email", "gp_practice")
_LOCATIONS: Final = sum(LEVEL << NIBBLE * FIELDS.index(field) for field in _LOCATION)
_WITHHELD: Final = sum(VOCABULARY[field].index("withheld") << NIBBLE * FIELDS.index(field) for field in _LOCATION)
_NUMBER: Final = LEVEL << NIBBLE * FIELDS.index("nhs_number")


class Tables(NamedTuple):
    """The tables of a batch, checked names; ``never`` may be empty."""

    asked: str
    asked_keys: str
    held: str
    held_keys: str
    never: str


class Question(NamedTuple):
    """A person asked about, and what `linkage.decide.is_enough` asks of it."""

    id: int
    number: bool
    born: bool
    named: bool
    placed: bool

    def said(self) -> dict[str, bool]:
        """What is known of the person, by the names of `linkage.decide.is_enough`."""
        return {"number": self.number, "born": self.born, "named": self.named, "placed": self.placed}


class Capped(NamedTuple):
    """A question with more candidates than are compared: how many there are, and the hash of its largest key."""

    asked: int
    candidates: int
    hash: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs, one array each: rows asked and held, level vector as a number, name frequencies' adjustment in bits."""

    asked: NDArray[np.int64]
    held: NDArray[np.int64]
    code: NDArray[np.int64]
    adjustment: NDArray[np.float64]

    def where(self, chosen: NDArray[Any]) -> Pairs:
        """Some of the pairs."""
        return Pairs(self.asked[chosen], self.held[chosen], self.code[chosen], self.adjustment[chosen])


@dataclass(frozen=True, slots=True)
class Special:
    """The held rows that are not simply a living person: protected or invalid, dead, or superseded.

    ``chain``: the rows that came after a superseded one, the last of them its survivor; empty where the successor is
    not held. ``superseded``: rows with a successor, whether it is held or not.
    """

    security: Mapping[int, Security]
    death: Mapping[int, Death]
    chain: Mapping[int, tuple[int, ...]]
    superseded: frozenset[int]

    def survivor(self, row: int) -> int:
        """The row in force, as far as it is held."""
        chain = self.chain.get(row)
        return chain[-1] if chain else row

    def survivors(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The same for many rows."""
        if not self.chain:
            return rows
        replaced = np.array(sorted(self.chain), np.int64)
        places = np.minimum(np.searchsorted(replaced, rows), len(replaced) - 1)
        last = np.array([self.chain[row][-1] for row in replaced.tolist()], np.int64)
        return np.where(replaced[places] == rows, last[places], rows)

    @property
    def gone(self) -> list[int]:
        """The invalidated rows that nothing took the place of: they may be flagged, and never found."""
        return [
            row for row, code in self.security.items() if code is Security.INVALIDATED and row not in self.superseded
        ]

    def hides(self, row: int) -> bool:
        """Whether a row is protected."""
        return self.security.get(row, Security.UNRESTRICTED).hides_location

    def in_force(self, row: int) -> bool:
        """Whether a row, or the one that took its place, is somebody's today, and no row of the two is invalidated."""
        living = self.survivor(row)
        codes = {self.security.get(one) for one in (row, living)}
        return living not in self.superseded and Security.INVALIDATED not in codes

    def flags(self, row: int, *, superseded: bool) -> frozenset[Flag]:
        """What must be said beside a person who was found in a row."""
        security = self.security.get(row, Security.UNRESTRICTED)
        return flags_of(security, self.death.get(row, Death.NONE), superseded=superseded)


class Meeting:
    """The four tables of a batch on one connection, a stretch of questions at a time."""

    def __init__(
        self, connection: DuckDBPyConnection, tables: Tables, scorer: Scorer, cap: int, special: Special
    ) -> None:
        self.connection, self.tables, self.scorer, self.cap, self.special = connection, tables, scorer, cap, special
        self.ruled_out = frozenset(self._rows(f"SELECT asked, held FROM {tables.never}") if tables.never else ())  # noqa: S608 - a checked name
        self._compare = _compare_sql(tables.held, scorer)
        (self.last,) = self._rows(f"SELECT coalesce(max(id), -1) FROM {tables.asked}")[0]  # noqa: S608 - a checked name

    def take(self, first: int, end: int) -> list[Question]:
        """Make the questions of these ids the ones at hand."""
        chosen = _CHOSEN.format(asked=self.tables.asked, first=int(first), end=int(end))
        for field, column in (("family", "family_compact"), ("given", "given")):
            names = [name for (name,) in self._rows(f"SELECT DISTINCT {column} {chosen}")]
            bits = [self.scorer.name_bits(field, name) for name in names]
            self._hand_over(f"linkage_{field}", name=pa.array(names, pa.string()), bits=pa.array(bits, pa.float64()))
        self._rows(_WEIGHTED.format(chosen=chosen))
        return [Question(*row) for row in self._rows(_QUESTIONS)]

    def by_number(self) -> Pairs:
        """Compare whoever is asked about under a number that is held with its row, and with the row in force.

        The number then counts as that row's own. Rows that nothing living is in force for are left out, and so are
        those of which somebody has ruled out either.
        """
        pairs = []
        for asked, row in self._rows(_BY_NUMBER.format(held=self.tables.held)):
            rows = dict.fromkeys((row, self.special.survivor(row)))
            if self.special.in_force(row) and not any((asked, one) in self.ruled_out for one in rows):
                pairs += [(asked, one) for one in rows]
        self._pair(pairs)
        compared = self._compared()
        # what is hidden of a row is hidden of the rows it took the place of
        return Pairs(compared.asked, compared.held, self._hide(compared) & ~_NUMBER, compared.adjustment)

    def by_key(self, questions: Sequence[int]) -> tuple[Pairs, list[Capped]]:
        """Compare whoever shares a key with one of these questions; superseded rows bring those that came after."""
        self._hand_over("linkage_open", asked=pa.array(questions, pa.int32()))
        self._rows(_PROBES.format(keys=self.tables.asked_keys))
        self._rows(_MEET.format(keys=self.tables.held_keys))
        capped = self._cap()
        self._bring_survivors()
        compared = self._compared()
        return Pairs(compared.asked, compared.held, self._hide(compared), compared.adjustment), capped

    def keep(self, pairs: Pairs, bits: NDArray[np.float64]) -> None:
        """Add pairs to the table `SCORED`, made where it is not there."""
        levels = ", ".join(f"{field} UTINYINT" for field in FIELDS)
        columns = f"(asked INTEGER, held INTEGER, {levels}, adjustment DOUBLE, bits DOUBLE)"
        self._rows(f"CREATE TABLE IF NOT EXISTS {SCORED} {columns}")
        arrays: dict[str, NDArray[Any]] = {"asked": pairs.asked.astype(np.int32), "held": pairs.held.astype(np.int32)}
        for place, field in enumerate(FIELDS):
            arrays[field] = (pairs.code >> NIBBLE * place & LEVEL).astype(np.uint8)
        self._hand_over("linkage_kept", **arrays, adjustment=pairs.adjustment, bits=bits)
        self._rows(f"INSERT INTO {SCORED} SELECT * FROM linkage_kept")  # noqa: S608 - our own names

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def _arrays(self, sql: str) -> Mapping[str, NDArray[Any]]:
        return cast("Mapping[str, NDArray[Any]]", self.connection.execute(sql).fetchnumpy())

    def _hand_over(self, table: str, **columns: object) -> None:
        """Make a table of arrays."""
        self.connection.register("linkage_handed_over", pa.table(columns))
        self._rows(f"CREATE OR REPLACE TEMP TABLE {table} AS FROM linkage_handed_over")
        self.connection.unregister("linkage_handed_over")

    def _pair(self, pairs: Sequence[tuple[int, int]]) -> None:
        asked, held = zip(*pairs, strict=True) if pairs else ((), ())
        self._hand_over("linkage_pairs", asked=pa.array(asked, pa.int32()), held=pa.array(held, pa.int32()))

    def _compared(self) -> Pairs:
        """The pairs of ``linkage_pairs`` with their level vectors."""
        with self._joined_as_written():
            found = self._arrays(self._compare)
        return Pairs(found["asked"], found["held"], found["code"], found["adjustment"])

    @contextmanager
    def _joined_as_written(self) -> Iterator[None]:
        (before,) = self._rows("SELECT current_setting('disabled_optimizers')")[0]
        self._rows("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        try:
            yield
        finally:
            self._rows(f"SET disabled_optimizers = '{before}'")

    def _hide(self, pairs: Pairs) -> NDArray[np.int64]:
        """The level vectors, location withheld where the row in force is protected and an earlier one is not."""
        hidden = [row for row in self.special.chain if self.special.hides(self.special.survivor(row))]
        withheld = pairs.code & ~_LOCATIONS | _WITHHELD
        return np.where(np.isin(pairs.held, hidden), withheld, pairs.code)

    def _cap(self) -> list[Capped]:
        """Cut short the questions with too many candidates, and say which."""
        counts = dict(self._rows(_CROWDED.format(cap=int(self.cap))))
        if not counts:
            return []
        self._hand_over("linkage_crowded", asked=pa.array(list(counts), pa.int32()))
        self._rows(_CUT.format(held=self.tables.held, cap=int(self.cap)))
        largest = self._rows(_LARGEST.format(keys=self.tables.held_keys))
        return [Capped(asked, counts[asked], key) for asked, key in largest]

    def _bring_survivors(self) -> None:
        later = [(row, after) for row, rows in self.special.chain.items() for after in rows]
        if later:
            row, after = zip(*later, strict=True)
            self._hand_over("linkage_later", held=pa.array(row, pa.int32()), after=pa.array(after, pa.int32()))
            self._rows(_BRING)


def pair_number(asked: NDArray[np.int64], held: NDArray[np.int64]) -> NDArray[np.int64]:
    """A pair of row numbers as one number."""
    return asked.astype(np.int64) << _ROWS | held.astype(np.int64)


def special_of(connection: DuckDBPyConnection, held: str) -> Special:
    """Read what is special about held rows. Few are, so they are kept in memory."""
    rows = connection.execute(_SPECIAL.format(held=held)).fetchall()
    after = dict(connection.execute(_SUCCESSORS.format(held=held)).fetchall())
    return Special(
        {row: Security(code) for row, code, _, _ in rows if code != Security.UNRESTRICTED},
        {row: Death(death) for row, _, death, _ in rows if death},
        {row: chain for row in after if (chain := _chain(row, after))},
        frozenset(row for row, _, _, replaced in rows if replaced),
    )


def _chain(row: int, after: Mapping[int, int]) -> tuple[int, ...]:
    """The rows that came after one; a ring ends at once."""
    seen = [row]
    while (row := after.get(row, row)) not in seen:
        seen.append(row)
    return tuple(seen[1:])


def _compare_sql(held: str, scorer: Scorer) -> str:
    """The query that gives each pair its level vector as one number, and its names' adjustment."""
    levels = ", ".join(f"{expression} AS {field}" for field, expression in level_sql().items())
    code = " + ".join(f"{field}::BIGINT * {1 << NIBBLE * place}" for place, field in enumerate(FIELDS))
    adjustment = " + ".join(_by_name(field, scorer.by_name(field)) for field in ("family", "given"))
    return f"""
        SELECT asked, held, {code} AS code, {adjustment} AS adjustment FROM (
            SELECT p.asked, p.held, a.family_bits, a.given_bits, {levels}
            FROM {held} h JOIN linkage_pairs p ON h.id = p.held JOIN linkage_asked a ON a.id = p.asked)
    """  # noqa: S608 - checked identifiers; levels and numbers are the model's own


def _by_name(field: str, levels: frozenset[str]) -> str:
    places = ", ".join(str(VOCABULARY[field].index(level)) for level in sorted(levels)) or "NULL"
    return f"CASE WHEN {field} IN ({places}) THEN {field}_bits ELSE 0::DOUBLE END"


_ROWS: Final = 32
_CHOSEN: Final = "FROM {asked} WHERE id >= {first} AND id < {end}"
_WEIGHTED: Final = """
    CREATE OR REPLACE TEMP TABLE linkage_asked AS
    SELECT a.*, f.bits AS family_bits, g.bits AS given_bits FROM (SELECT * {chosen}) a
    JOIN linkage_family f ON f.name = a.family_compact JOIN linkage_given g ON g.name = a.given
"""
_QUESTIONS: Final = """
    SELECT id, number_valid, born <> 0, family <> '' OR given <> '',
      family <> '' AND given <> '' AND (postcode_whole OR phone <> '' OR email <> '')
    FROM linkage_asked ORDER BY id
"""
_SPECIAL: Final = """
    SELECT id, security, death, superseded_by <> '' FROM {held}
    WHERE security <> 'U' OR death <> '' OR superseded_by <> ''
"""
_SUCCESSORS: Final = """
    SELECT h.id, n.id FROM {held} h JOIN {held} n ON n.number = h.superseded_by AND n.number_valid
    WHERE h.superseded_by <> ''
"""
_BY_NUMBER: Final = """
    SELECT a.id, h.id FROM {held} h JOIN linkage_asked a ON a.number = h.number WHERE a.number_valid AND h.number_valid
"""
_PROBES: Final = """
    CREATE OR REPLACE TEMP TABLE linkage_probes AS
    SELECT k.hash, k.person FROM {keys} k SEMI JOIN linkage_open o ON o.asked = k.person
"""
_MEET: Final = """
    CREATE OR REPLACE TEMP TABLE linkage_pairs AS
    SELECT k.person AS asked, h.person AS held, count(*)::INTEGER AS shared
    FROM {keys} h JOIN linkage_probes k ON h.hash = k.hash GROUP BY ALL
"""
_CROWDED: Final = "SELECT asked, count(*) FROM linkage_pairs GROUP BY asked HAVING count(*) > {cap}"
_CUT: Final = """
    DELETE FROM linkage_pairs WHERE (asked, held) IN (
        SELECT (asked, held) FROM (
            SELECT p.asked, p.held, row_number() OVER (PARTITION BY p.asked ORDER BY p.shared DESC, h.number) AS place
            FROM linkage_pairs p SEMI JOIN linkage_crowded c ON c.asked = p.asked JOIN {held} h ON h.id = p.held)
        WHERE place > {cap})
"""
_LARGEST: Final = """
    SELECT person, first(hash ORDER BY people DESC, hash) FROM (
        SELECT k.person, k.hash, count(*) AS people FROM {keys} h
        JOIN (SELECT * FROM linkage_probes p SEMI JOIN linkage_crowded c ON c.asked = p.person) k ON k.hash = h.hash
        GROUP BY ALL)
    GROUP BY person ORDER BY person
"""
_BRING: Final = """
    INSERT INTO linkage_pairs SELECT asked, after, 0 FROM (
        SELECT DISTINCT p.asked, l.after FROM linkage_pairs p JOIN linkage_later l ON l.held = p.held) b
    ANTI JOIN linkage_pairs p ON p.asked = b.asked AND p.held = b.after
"""
