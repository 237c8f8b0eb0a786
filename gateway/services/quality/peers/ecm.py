"""recordlinkage's unsupervised classifier (expectation and conditional maximisation), as its guide uses it.

It holds every pair in memory and compares in Python, so it is given a part of a population that it can bear: the first
questions, and of the index everybody who shares one of our keys with them, filled up with others.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

from gateway.services.quality.peers.ranked import ABSENT, Clock, Ranked, Tables, library, peak_mib
from gateway.services.quality.peers.raw import load
from gateway.services.quality.peers.splinked import ASKED, HELD, Answers, database

if TYPE_CHECKING:
    import duckdb

NAME: Final = "recordlinkage ECM"

_BLOCKS: Final = ("nhs_number", "postcode", "dob")
"""Whole postcodes and birth dates: with many near strangers among the pairs it tells the two classes apart best."""
_COMPARED: Final = (
    ("forename", 0.88),
    ("surname", 0.88),
    ("address", 0.88),
    ("postcode", None),
    ("dob", None),
    ("gender", None),
    ("nhs_number", None),
    ("phone", None),
)
"""Column, and the Jaro-Winkler similarity from which it agrees (None: only when it is the same)."""


def recordlinkage_ecm(tables: Tables, *, questions: int = 10_000, people: int = 100_000) -> Ranked:
    """The classifier over the first ``questions`` and some ``people`` of the index; others get no answer.

    Raises:
        InputError: recordlinkage is not installed.
    """
    recordlinkage = library("recordlinkage")
    pandas = library("pandas")
    clock = Clock()
    with database() as connection, warnings.catch_warnings():
        # the library is older than its pandas, and says so at every turn
        warnings.simplefilter("ignore")
        _sample(connection, tables, questions, people)
        asked, held = (_frame(connection, table) for table in (ASKED, HELD))
        scores = classified(recordlinkage, pandas, asked, held)
        found = _best(asked, held, scores)
    note = (
        f"{len(asked)} questions against {len(held)} of the index: those who share one of our keys, filled up; "
        f"{len(_BLOCKS)} blocks, {len(scores)} pairs, features of agreement or not"
    )
    return Ranked(NAME, found, clock.seconds, peak_mib(), note)


def classified(recordlinkage: Any, pandas: Any, asked: Any, held: Any) -> Any:  # noqa: ANN401 - no published types
    """A series of match weights over the blocked pairs (asked, held).

    They are summed from the weights it learnt: its probabilities are the same order, but crowd at 1.
    """
    pairs = pandas.MultiIndex.from_tuples([], names=["asked", "held"])
    for block in _BLOCKS:
        known = [frame.dropna(subset=[block]) for frame in (asked, held)]
        index = recordlinkage.Index()
        index.block(block)
        pairs = pairs.union(index.index(*known).rename(["asked", "held"]))
    compare = recordlinkage.Compare()
    for column, least in _COMPARED:
        if least is None:
            compare.exact(column, column, label=column)
        else:
            compare.string(column, column, method="jarowinkler", threshold=least, label=column)
    features = compare.compute(pairs, asked, held).astype(int)
    # a feature that never varies has no rate to learn
    features = features.loc[:, features.nunique() > 1]
    classifier = recordlinkage.ECMClassifier(init="jaro")
    classifier.fit(features)
    weights = classifier.log_weights
    return sum(features[column].map(weights[column]) for column in features)


def _sample(connection: duckdb.DuckDBPyConnection, tables: Tables, questions: int, people: int) -> None:
    """The part of the population, as the tables ``asked`` and ``held``."""
    load(connection, tables.queries_csv, ASKED)
    load(connection, tables.index_csv, HELD)
    connection.execute(f"DELETE FROM {ASKED} WHERE unique_id >= ?", [questions]).fetchall()  # noqa: S608 - this module's own words
    connection.execute(
        "CREATE TABLE near AS SELECT DISTINCT h.person FROM read_parquet(?) q JOIN read_parquet(?) h USING (hash)"
        " WHERE q.person < ?",
        [str(tables.query_keys), str(tables.index_keys), questions],
    ).fetchall()
    connection.execute(
        f"""DELETE FROM {HELD} WHERE unique_id NOT IN (SELECT unique_id FROM {HELD} ORDER BY
            unique_id NOT IN (SELECT person FROM near), unique_id LIMIT ?)""",  # noqa: S608 - this module's own words
        [people],
    ).fetchall()


def _frame(connection: duckdb.DuckDBPyConnection, table: str) -> Any:  # noqa: ANN401 - a pandas frame
    return connection.table(table).df().set_index("unique_id").astype(object)


def _best(asked: Any, held: Any, scores: Any) -> Answers:  # noqa: ANN401 - pandas frames
    """The heaviest person of each question; equal weights fall to the smaller number."""
    best: dict[int, tuple[float, str]] = {}
    people = held["person"].to_dict()
    for (question, row), weight in scores.items():
        candidate = (-float(weight), people[row])
        best[question] = min(best.get(question, candidate), candidate)
    return [
        (int(question), best[question][1], -best[question][0]) if question in best else (int(question), None, ABSENT)
        for question in asked.index
    ]
