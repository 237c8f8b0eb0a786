"""Splink with our levels and our keys: what is then left to tell apart is how weights are learnt and how one decides.

Three uses: weights of its own training; the same with our runner-up gap and twin rule on top; and our own model, as it
is exported for what outgrows one machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.services.quality.peers.ranked import Clock, Ranked, Tables, library, peak_mib
from gateway.services.quality.peers.splinked import (
    ASKED,
    HELD,
    Answers,
    answers,
    chance_of_sharing,
    database,
    linker,
    register_frequencies,
    register_pairs,
    train,
)
from gateway.storage.models import shipped_model
from linkage.compilers.dialects import SplinkDuckDb
from linkage.compilers.splink import COUNTED_COLUMNS, INTERACTION, settings, term_frequencies
from linkage.frequencies import Frequencies
from linkage.model import Use

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb
    import pyarrow as pa

    from linkage.model import Model

LEVELS: Final = "Splink 5, our levels and keys"
GAP: Final = "Splink 5, our levels, keys, gap and twin rule"
SAVED: Final = "Splink 5, our model exported"
LEARNT: Final = "Splink 5, our levels and keys, saved"

_CAP: Final = 2_000
_PAIRS: Final = 2e6
"""Ten million pairs take four times as long and give the same answers."""
_TWIN: Final = "twin"
_WEIGHTS: Final = {"m_probability", "u_probability"}
_CONTACTS: Final = {"phone", "email"}
_NEIGHBOURS: Final = {"equal": 1, "one-edit": 10, "transposed": 1}
"""Level of the NHS number → how many valid numbers stand on it beside a given one: each of ten places can be mended in
about one way, and of nine exchanges of neighbours about one gives a valid number."""


def splink_house_levels(tables: Tables, model: Model | None = None, saved: dict[str, Any] | None = None) -> Ranked:
    """Our levels and keys; u, m and prior as Splink learns them, here or before (``saved``, from `learnt`).

    Raises:
        InputError: Splink is not installed.
    """
    return _trained(tables, model or shipped_model(), saved, LEVELS, gap=0.0, twins=False)


def splink_house_gap(tables: Tables, model: Model | None = None, saved: dict[str, Any] | None = None) -> Ranked:
    """The same, with the model's twin rule added to the weight, and nobody named whose runner-up is too close.

    Raises:
        InputError: Splink is not installed.
    """
    model = model or shipped_model()
    return _trained(tables, model, saved, GAP, gap=model.thresholds[Use.PROPOSE].gap, twins=True)


def splink_saved(tables: Tables, model: Model | None = None, saved: dict[str, Any] | None = None) -> Ranked:
    """A saved model, predicting only: ``saved`` is one that Splink trained (`learnt`), and otherwise our export.

    Raises:
        InputError: Splink is not installed.
    """
    library("splink")
    clock = Clock()
    with database() as connection:
        people = _load(connection, tables)
        if saved is None:
            ours = model or shipped_model(), _frequencies(connection), people
            found = _predicted(connection, settings(*ours, SplinkDuckDb()), lookups=term_frequencies(*ours))
        else:
            found = _predicted(connection, saved, lookups=_shares(connection))
    note = "predicting only, from a saved model; " + ("trained by Splink" if saved else "ours, interactions included")
    return Ranked(LEARNT if saved else SAVED, found, clock.seconds, peak_mib(), note)


def learnt(tables: Tables, model: Model | None = None) -> dict[str, Any]:
    """Our levels and keys with the weights of Splink's own training, as it saves a model."""
    library("splink")
    with database() as connection:
        return _learn(connection, model or shipped_model(), _load(connection, tables))


def _trained(  # noqa: PLR0913 - what is run, and the two rules by which the runs differ
    tables: Tables, model: Model, saved: dict[str, Any] | None, name: str, *, gap: float, twins: bool
) -> Ranked:
    library("splink")
    clock = Clock()
    with database() as connection:
        people = _load(connection, tables)
        if saved is None:
            with clock.trains():
                saved = _learn(connection, model, people)
        if twins:
            saved = _with_twins(saved, settings(model, _frequencies(connection), people, SplinkDuckDb()))
        found = _predicted(connection, saved, lookups=_shares(connection), gap=gap)
    note = (
        f"training {clock.training:.1f} s of it (u from {_PAIRS:,.0f} random pairs, two EM passes); u of NHS number "
        "set from the size of the index, of telephone and e-mail counted in it"
    )
    return Ranked(name, found, clock.seconds, peak_mib(), note)


def _with_twins(saved: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """A trained model with our rule for twins added, at the bits that our model gives it."""
    twins = f"{INTERACTION}{_TWIN}"
    rules = [one for one in ours["comparisons"] if one["output_column_name"].startswith(twins)]
    return {**saved, "comparisons": [*saved["comparisons"], *rules]}


def _load(connection: duckdb.DuckDBPyConnection, tables: Tables) -> int:
    """The people of both sides, and the pairs that share a key; how many people the index holds."""
    connection.execute(
        f"CREATE TABLE {ASKED} AS SELECT id AS unique_id, * EXCLUDE (id), '' AS person FROM read_parquet(?)",  # noqa: S608 - this module's own words
        [str(tables.query_people)],
    ).fetchall()
    # a superseded row stands for the number in force, an invalidated one for nobody
    connection.execute(
        f"""CREATE TABLE {HELD} AS SELECT id AS unique_id, * EXCLUDE (id),
              CASE WHEN superseded_by <> '' THEN superseded_by ELSE number END AS person
            FROM read_parquet(?) WHERE security <> 'I'""",  # noqa: S608 - this module's own words
        [str(tables.index_people)],
    ).fetchall()
    connection.execute(
        f"""CREATE TABLE pairs AS WITH kept AS (SELECT * FROM read_parquet($held)),
              few AS (SELECT hash FROM kept GROUP BY hash HAVING count(*) <= $cap)
            SELECT DISTINCT a.person AS asked, k.person AS held FROM read_parquet($asked) a
              JOIN few USING (hash) JOIN kept k USING (hash) SEMI JOIN {HELD} ON unique_id = k.person""",  # noqa: S608 - this module's own words
        {"held": str(tables.index_keys), "asked": str(tables.query_keys), "cap": _CAP},
    ).fetchall()
    ((people,),) = connection.execute(f"SELECT count(*) FROM {HELD}").fetchall()  # noqa: S608 - this module's own words
    return int(people)


def _frequencies(connection: duckdb.DuckDBPyConnection) -> Frequencies:
    """How common names are in the index, counted where it lies."""
    counts = {
        field: dict(
            connection.execute(f"SELECT {column}, count(*) FROM {HELD} WHERE {column} <> '' GROUP BY ALL").fetchall()  # noqa: S608 - columns of the compiler
        )
        for field, column in COUNTED_COLUMNS.items()
    }
    ((people,),) = connection.execute(f"SELECT count(*) FROM {HELD}").fetchall()  # noqa: S608 - this module's own words
    return Frequencies(counts, people)


def _shares(connection: duckdb.DuckDBPyConnection) -> dict[str, pa.Table]:
    """Column → its values with their share, as Splink counts them, but of the index alone."""
    return {
        column: connection.sql(
            f"""SELECT {column}, count(*) / sum(count(*)) OVER () AS tf_{column}
                FROM {HELD} WHERE {column} <> '' GROUP BY {column}"""  # noqa: S608 - columns of the compiler
        ).to_arrow_table()
        for column in COUNTED_COLUMNS.values()
    }


def _learn(connection: duckdb.DuckDBPyConnection, model: Model, people: int) -> dict[str, Any]:
    """Train our levels as Splink trains; the interactions are ours to add, so none is among them."""
    block_on = library("splink").block_on
    bare = settings(model, Frequencies({}, people), people, SplinkDuckDb())
    bare["comparisons"] = [
        _unweighed(connection, comparison, people)
        for comparison in bare["comparisons"]
        if not comparison["output_column_name"].startswith(INTERACTION)
    ]
    made = linker(connection, bare)
    train(
        made,
        deterministic=[
            "l.number = r.number AND l.number_valid AND r.number_valid",
            "l.family_compact = r.family_compact AND l.given = r.given AND l.born = r.born AND l.born_day <> 0",
        ],
        recall=0.8,
        passes=[
            block_on("family_compact", "given"),
            "l.born = r.born AND l.born_day <> 0",
        ],
        pairs=_PAIRS,
    )
    saved: dict[str, Any] = made.misc.save_model_to_json()
    return saved


def _unweighed(connection: duckdb.DuckDBPyConnection, comparison: dict[str, Any], people: int) -> dict[str, Any]:
    """A comparison without our weights, but for levels that no sample of strangers ever shows."""
    field = comparison["output_column_name"]
    chances = _chances(connection, field, people)
    levels = []
    for level in comparison["comparison_levels"]:
        name = level["label_for_charts"]
        if name == "withheld":
            levels.append({**level, "fix_m_probability": True, "fix_u_probability": True})
        elif name in chances:
            free = {key: value for key, value in level.items() if key != "m_probability"}
            levels.append({**free, "u_probability": chances[name], "fix_u_probability": True})
        else:
            # of names alike but for their writing, u is far below the name's own share: no frequency there
            unused = _WEIGHTS if name == "exact" else _WEIGHTS | {"tf_adjustment_column"}
            levels.append({key: value for key, value in level.items() if key not in unused})
    return {**comparison, "comparison_levels": levels}


def _chances(connection: duckdb.DuckDBPyConnection, field: str, people: int) -> dict[str, float]:
    """Level → u, where it must be counted or reasoned: of the number from the size of the index."""
    if field == "nhs_number":
        known = {level: near / max(people, 1_000) for level, near in _NEIGHBOURS.items()}
    elif field in _CONTACTS:
        known = {"equal": chance_of_sharing(connection, field)}
    else:
        return {}
    return {**known, "differs": 1 - sum(known.values())}


def _predicted(
    connection: duckdb.DuckDBPyConnection,
    saved: dict[str, Any],
    *,
    lookups: Mapping[str, pa.Table],
    gap: float = 0.0,
) -> Answers:
    """Predict over the pairs, with these frequencies of names."""
    made = linker(connection, saved)
    for column, table in lookups.items():
        register_frequencies(made, column, table)
    register_pairs(made, connection, "pairs")
    return answers(connection, made.inference.predict().physical_name, gap=gap)
