"""The model as DuckDB SQL, for batches: the same levels and bits as `linkage.score`, pair by pair.

Tables and a connection are handed in. A table of people has the columns of `COLUMNS`, filled by `row` once,
at ingest: whatever would need a loop per pair (name groups, name parts) is worked out per person there, so
that SQL only compares. Values are never put into query text.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from linkage.compare import (
    CLOSE,
    FIELDS,
    GENERATION,
    INWARD,
    SHORTEST_PART,
    SIMILAR,
    WHOLE_POSTCODE,
)
from linkage.customs import RELIGIOUS, VARIANT_GROUPS, root
from linkage.person import Security
from linkage.score import Scorer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from duckdb import DuckDBPyConnection

    from linkage.model import Conditions, Frequencies, Model
    from linkage.person import Person

COLUMNS: Final[Mapping[str, str]] = {
    "id": "VARCHAR",
    "nhs_number": "VARCHAR",
    "family": "VARCHAR",
    "family_words": "VARCHAR[]",
    "family_parts": "VARCHAR[]",
    "family_groups": "INTEGER[]",
    "family_root": "VARCHAR",
    "family_religious": "BOOLEAN",
    "previous_family": "VARCHAR[]",
    "given": "VARCHAR",
    "given_groups": "INTEGER[]",
    "given_root": "VARCHAR",
    "other_given": "VARCHAR[]",
    "other_telling": "VARCHAR[]",
    "born_year": "INTEGER",
    "born_month": "INTEGER",
    "born_day": "INTEGER",
    "gender": "VARCHAR",
    "postcode": "VARCHAR",
    "previous_postcode": "VARCHAR[]",
    "house": "VARCHAR",
    "street": "VARCHAR[]",
    "phone": "VARCHAR[]",
    "email": "VARCHAR[]",
    "gp_practice": "VARCHAR",
    "death_date": "INTEGER",
    "hides_location": "BOOLEAN",
}
"""Column → SQL type of a table of people. Unknown is the empty text, the empty list or 0, never NULL."""
_ARROW: Final = {
    "VARCHAR": pa.string(),
    "INTEGER": pa.int32(),
    "BOOLEAN": pa.bool_(),
    "VARCHAR[]": pa.list_(pa.string()),
    "INTEGER[]": pa.list_(pa.int32()),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A scored pair: the two ids, the bits, and the level vector in the order of `linkage.compare.FIELDS`."""

    asked: str
    held: str
    bits: float
    levels: tuple[str, ...]


def row(record_id: str, person: Person, security: Security = Security.UNRESTRICTED) -> tuple[object, ...]:
    """One person as a row of `COLUMNS`."""
    words = person.family.split()
    born = person.birth_date
    return (
        record_id,
        person.nhs_number.digits if person.nhs_number else "",
        person.family,
        words,
        [word for word in words if len(word) >= SHORTEST_PART and word not in RELIGIOUS],
        sorted(VARIANT_GROUPS.get(person.family, ())),
        root(person.family),
        person.family in RELIGIOUS,
        list(person.previous_family),
        person.given,
        sorted(VARIANT_GROUPS.get(person.given, ())),
        root(person.given),
        list(person.other_given),
        [name for name in person.other_given if name not in RELIGIOUS],
        *((born.year, born.month, born.day) if born else (0, 0, 0)),
        person.gender.value,
        person.postcode,
        list(person.previous_postcode),
        person.house,
        list(person.street),
        list(person.phone),
        list(person.email),
        person.gp_practice,
        person.death_date.as_number if person.death_date else 0,
        security.hides_location,
    )


def create_table(connection: DuckDBPyConnection, table: str) -> None:
    """Make an empty table of people."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    connection.execute(f"CREATE TABLE {_identifier(table)} ({columns})").fetchall()


def fill(connection: DuckDBPyConnection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Add rows of `row` to a table of people, all at once; for more than memory holds, call it in parts."""
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    arrays = [pa.array(values, type=_ARROW[kind]) for values, kind in zip(columns, COLUMNS.values(), strict=True)]
    connection.register("linkage_rows", pa.table(arrays, names=list(COLUMNS)))
    connection.execute(f"INSERT INTO {_identifier(table)} SELECT * FROM linkage_rows").fetchall()  # noqa: S608 - the identifier is checked
    connection.unregister("linkage_rows")


def score(  # noqa: PLR0913 - a model for one index, and the three tables it is asked about
    connection: DuckDBPyConnection,
    model: Model,
    frequencies: Frequencies,
    index_size: int,
    *,
    asked: str,
    held: str,
    pairs: str,
) -> list[Pair]:
    """Score every (asked, held) row of ``pairs``, a table of ids, against two tables of people.

    A temporary table ``linkage_names`` is made anew on the connection. Rows come sorted by asked, then
    heaviest first.
    """
    _fill_names(connection, model, frequencies)
    query = score_sql(model, frequencies, index_size, asked=asked, held=held, pairs=pairs)
    found = connection.execute(query + "ORDER BY c.asked, bits DESC, c.held").fetchall()
    return [Pair(one, other, bits, tuple(levels)) for one, other, bits, *levels in found]


def score_sql(  # noqa: PLR0913 - as `score`
    model: Model, frequencies: Frequencies, index_size: int, *, asked: str, held: str, pairs: str
) -> str:
    """The query of `score`: columns asked, held, bits and one level per field."""
    scorer = Scorer(model, frequencies, index_size)
    levels = ",\n  ".join(f"{expression} AS {field}_level" for field, expression in level_sql().items())
    named = ", ".join(f"{field}_level" for field in FIELDS)
    return f"""
WITH compared AS (SELECT p.asked, p.held, {_shared_name()} AS shared_family, h.given AS shared_given,
  {levels}
  FROM {_identifier(pairs)} p
  JOIN {_identifier(asked)} a ON a.id = p.asked JOIN {_identifier(held)} h ON h.id = p.held)
SELECT c.asked, c.held, {_bits_sql(model, scorer)} AS bits, {named} FROM compared c
  LEFT JOIN linkage_names f ON f.field = 'family' AND f.name = c.shared_family
  LEFT JOIN linkage_names g ON g.field = 'given' AND g.name = c.shared_given
"""  # noqa: S608 - identifiers are checked, levels and numbers are the model's own, values stay in tables


def level_sql() -> Mapping[str, str]:
    """Field → the SQL expression of its level, for a person ``a`` asked about and a person ``h`` held."""
    return {
        "nhs_number": _case(("a.nhs_number = '' OR h.nhs_number = ''", "missing"), *_EQUAL("nhs_number")),
        "family": _FAMILY,
        "given": _GIVEN,
        "other_given": _OTHER_GIVEN,
        "birth_date": _BIRTH,
        "gender": _case(
            ("a.gender IN ('other', 'unknown') OR h.gender IN ('other', 'unknown')", "missing"), *_EQUAL("gender")
        ),
        "address": _ADDRESS,
        "phone": _overlap("phone"),
        "email": _overlap("email"),
        "gp_practice": _case(
            (_HIDDEN, "withheld"),
            ("a.gp_practice = '' OR h.gp_practice = ''", "missing"),
            *_EQUAL("gp_practice"),
        ),
        "death_date": _case(("a.death_date = 0 OR h.death_date = 0", "missing"), *_EQUAL("death_date")),
    }


def _identifier(name: str) -> str:
    if not name.isascii() or not name.isidentifier():
        raise ValueError("a table name is a plain identifier")
    return name


def _fill_names(connection: DuckDBPyConnection, model: Model, frequencies: Frequencies) -> None:
    """Each counted name with what its frequency adds to the bits of a typical one."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE linkage_names (field VARCHAR, name VARCHAR, adjustment DOUBLE)"
    ).fetchall()
    rows = [
        (field, name, _adjustment(model, frequencies, field, count))
        for field, counts in frequencies.as_counts().items()
        for name, count in counts.items()
    ]
    if rows:
        fields, names, adjustments = (list(column) for column in zip(*rows, strict=True))
        connection.execute(
            "INSERT INTO linkage_names SELECT unnest(?), unnest(?), unnest(?)", [fields, names, adjustments]
        ).fetchall()


def _adjustment(model: Model, frequencies: Frequencies, field: str, count: int) -> float:
    rule = model.term_frequencies[field]
    share = max((count + rule.typical * rule.pull) / (frequencies.total + rule.pull), rule.floor)
    return log2(rule.typical / share)


def _bits_sql(model: Model, scorer: Scorer) -> str:
    """The sum of the levels' bits, the names' adjustments and the interactions that apply."""
    terms = []
    for field in FIELDS:
        weights = scorer.fixed_bits(field)
        terms.append(_case(*((f"{field}_level = '{level}'", bits) for level, bits in weights.items()), otherwise=0.0))
    for field, alias in (("family", "f"), ("given", "g")):
        by_name = [level for level, weight in model.comparisons[field].items() if weight.frequency]
        unseen = _adjustment(model, scorer.frequencies, field, 0)
        if by_name:
            among = ", ".join(f"'{level}'" for level in by_name)
            terms.append(
                f"CASE WHEN {field}_level IN ({among}) THEN coalesce({alias}.adjustment, {unseen!r}) ELSE 0.0 END"
            )
    terms.extend(_case((_any(rule.when), rule.bits), otherwise=0.0) for rule in model.interactions)
    return "\n + ".join(f"CAST({term} AS DOUBLE)" for term in terms)


def _any(conditions: Conditions) -> str:
    return " OR ".join(
        "(" + " AND ".join(f"{field}_level IN ({_quoted(levels)})" for field, levels in condition.items()) + ")"
        for condition in conditions
    )


def _quoted(levels: Sequence[str]) -> str:
    return ", ".join(f"'{level}'" for level in levels)


def _case(*rungs: tuple[str, str | float], otherwise: str | float = "differs") -> str:
    """A ladder: the first condition that holds gives the level."""
    whens = " ".join(f"WHEN {condition} THEN {value!r}" for condition, value in rungs)
    return f"CASE {whens} ELSE {otherwise!r} END"


def _EQUAL(column: str) -> tuple[tuple[str, str], ...]:  # noqa: N802 - the last rung of four ladders
    return ((f"a.{column} = h.{column}", "equal"),)


def _likeness(column: str) -> tuple[tuple[str, str], ...]:
    likeness = f"jaro_winkler_similarity(a.{column}, h.{column})"
    return ((f"{likeness} >= {CLOSE}", "close"), (f"{likeness} >= {SIMILAR}", "similar"))


def _variants(column: str) -> str:
    return f"(list_has_any(a.{column}_groups, h.{column}_groups) OR a.{column}_root = h.{column}_root)"


def _overlap(column: str) -> str:
    return _case(
        (_HIDDEN, "withheld"),
        (f"len(a.{column}) = 0 OR len(h.{column}) = 0", "missing"),
        (f"list_has_any(a.{column}, h.{column})", "equal"),
    )


def _by_custom(one: str, other: str) -> str:
    """Whether one's religious surname stands among the other's names."""
    names = f"list_contains({other}.other_given, {one}.family) OR list_contains({other}.family_words, {one}.family)"
    return f"({one}.family_religious AND ({names}))"


def _is_among(one: str, other: str) -> str:
    """Whether one's whole postcode is an earlier one of the other's."""
    earlier = f"list_contains({other}.previous_postcode, {one}.postcode)"
    return f"(len({one}.postcode) >= {WHOLE_POSTCODE} AND {earlier})"


def _shared_name() -> str:
    """Whose surname both carry, now or before, as `linkage.score` picks it."""
    return "CASE WHEN a.family = h.family OR list_contains(h.previous_family, a.family) THEN a.family ELSE h.family END"


_HIDDEN: Final = "a.hides_location OR h.hides_location"
_EXCHANGED: Final = f"""(a.family <> '' AND a.given <> '' AND h.family <> '' AND h.given <> '' AND (
  (a.family = h.given AND a.given = h.family) OR (
  a.family[1] = h.given[1] AND a.given[1] = h.family[1]
  AND NOT (a.family[1] = a.given[1] AND greatest(jaro_winkler_similarity(a.family, h.family),
    jaro_winkler_similarity(a.given, h.given)) >= {CLOSE})
  AND least(jaro_winkler_similarity(a.family, h.given), jaro_winkler_similarity(a.given, h.family)) >= {CLOSE})))"""
_FAMILY: Final = _case(
    ("a.family = '' OR h.family = ''", "missing"),
    ("replace(a.family, ' ', '') = replace(h.family, ' ', '')", "exact"),
    ("list_contains(h.previous_family, a.family) OR list_contains(a.previous_family, h.family)", "previous"),
    (_EXCHANGED, "swapped"),
    ("(contains(a.family, ' ') OR contains(h.family, ' ')) AND list_has_any(a.family_parts, h.family_parts)", "part"),
    (f"{_by_custom('a', 'h')} OR {_by_custom('h', 'a')}", "religious"),
    (_variants("family"), "close"),
    *_likeness("family"),
)
_GIVEN: Final = _case(
    ("a.given = '' OR h.given = ''", "missing"),
    ("a.given = h.given", "exact"),
    (_EXCHANGED, "swapped"),
    (_variants("given"), "variant"),
    ("(len(a.given) = 1 OR len(h.given) = 1) AND a.given[1] = h.given[1]", "initial"),
    ("len(a.given) = 1 OR len(h.given) = 1", "differs"),
    ("list_contains(h.other_given, a.given) OR list_contains(a.other_given, h.given)", "other"),
    *_likeness("given"),
)
_OTHER_GIVEN: Final = _case(
    ("len(a.other_given) = 0 OR len(h.other_given) = 0", "missing"),
    ("list_has_any(a.other_telling, h.other_telling)", "agree"),
    ("list_has_any(a.other_given, h.other_given)", "religious"),
    (
        "a.other_given[1][1] = h.other_given[1][1] AND (len(a.other_given[1]) = 1 OR len(h.other_given[1]) = 1)",
        "initial",
    ),
)
_YEARS_APART: Final = (
    ("a.born_year = h.born_year", "year"),
    (f"abs(a.born_year - h.born_year) >= {GENERATION}", "generation"),
)
_BIRTH_NUMBERS: Final = tuple(
    f"CAST({side}.born_year * 10000 + {side}.born_month * 100 + {side}.born_day AS VARCHAR)" for side in "ah"
)
_ALIKE: Final = (
    "((a.born_year = h.born_year)::INT + (a.born_month = h.born_month)::INT + (a.born_day = h.born_day)::INT)"
)
_MONTHLESS: Final = "a.born_month = 0 OR h.born_month = 0"
_PARTIAL: Final = "(a.born_day = 0 OR h.born_day = 0)"
_BIRTH: Final = _case(
    ("a.born_year = 0 OR h.born_year = 0", "missing"),
    (f"{_PARTIAL} AND a.born_year = h.born_year AND (a.born_month = h.born_month OR {_MONTHLESS})", "part-known"),
    (f"{_PARTIAL} AND a.born_year = h.born_year", "year"),
    (f"{_PARTIAL} AND abs(a.born_year - h.born_year) >= {GENERATION}", "generation"),
    (_PARTIAL, "differs"),
    (f"{_ALIKE} = 3 AND a.born_day = 1 AND a.born_month = 1", "first-january"),
    (f"{_ALIKE} = 3", "exact"),
    ("a.born_year = h.born_year AND a.born_day = h.born_month AND a.born_month = h.born_day", "swapped"),
    (f"{_ALIKE} > 0 AND damerau_levenshtein({_BIRTH_NUMBERS[0]}, {_BIRTH_NUMBERS[1]}) = 1", "slip"),
    (
        "a.born_year = h.born_year AND (a.born_month * a.born_day = 1 OR h.born_month * h.born_day = 1)",
        "estimated",
    ),
    (f"{_ALIKE} = 2", "two-parts"),
    *_YEARS_APART,
)
_BOTH_WHOLE: Final = f"len(a.postcode) >= {WHOLE_POSTCODE} AND len(h.postcode) >= {WHOLE_POSTCODE}"
_SAME_CODE: Final = f"(a.postcode = h.postcode AND {_BOTH_WHOLE})"
_SLIP: Final = f"({_BOTH_WHOLE} AND damerau_levenshtein(a.postcode, h.postcode) = 1)"
_OUTWARD: Final = tuple(
    f"CASE WHEN len({side}.postcode) >= {WHOLE_POSTCODE}"
    f" THEN left({side}.postcode, len({side}.postcode) - {INWARD}) ELSE {side}.postcode END"
    for side in "ah"
)
_ADDRESS: Final = _case(
    (_HIDDEN, "withheld"),
    (f"{_SAME_CODE} AND (a.house = '' OR h.house = '')", "postcode"),
    (f"{_SAME_CODE} AND a.house = h.house", "full"),
    (_SAME_CODE, "other-house"),
    (f"{_is_among('a', 'h')} OR {_is_among('h', 'a')}", "previous"),
    (f"a.house <> '' AND a.house = h.house AND {_SLIP}", "slip-house"),
    ("a.house <> '' AND a.house = h.house AND list_has_any(a.street, h.street)", "street"),
    ("a.postcode = '' OR h.postcode = ''", "missing"),
    (_SLIP, "slip"),
    (f"{_BOTH_WHOLE} AND left(a.postcode, len(a.postcode) - 2) = left(h.postcode, len(h.postcode) - 2)", "sector"),
    (f"({_OUTWARD[0]}) = ({_OUTWARD[1]})", "outcode"),
)
