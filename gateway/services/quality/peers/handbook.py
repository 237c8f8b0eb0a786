"""The national algorithm over a population: `linkage.mps` on whoever shares a key and what every step of it asks.

Each of its steps wants the same number or the same birth date, so pairs that share neither are left out beforehand. Our
keys stand in for its blocks: they find more than it looks at.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from adapters.feed import Feed
from gateway.services.files import binary
from gateway.services.quality.files import index_people, questions
from gateway.services.quality.peers.ranked import ABSENT, Clock, Ranked, Tables, peak_mib
from gateway.services.quality.peers.splinked import database
from linkage import mps
from linkage.nhs_number import NhsNumber
from linkage.person import Security

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import duckdb

    from adapters.spine import IndexRow
    from gateway.services.quality.peers.splinked import Answers
    from linkage.person import Demographics

NAME: Final = "MPS, the handbook's algorithm"

_STEP: Final = {mps.Indicator.CROSS_CHECK: 300.0, mps.Indicator.ALPHANUMERIC: 200.0}


def national_mps(tables: Tables) -> Ranked:
    """The handbook's three steps for every question; a tie within its five points names nobody."""
    clock = Clock()
    with database() as connection:
        near = _near(connection, tables)
    rows, numbers = _rows(tables, {held for some in near.values() for held in some})
    found: Answers = []
    for position, (_, said) in enumerate(questions(Feed(tables.queries_csv.name, lambda: binary(tables.queries_csv)))):
        candidates = [rows[held] for held in near.get(position, ()) if held in rows]
        result = mps.trace(mps.prepare(said), candidates)
        number = numbers[result.row.person_id] if result.row is not None else None
        found.append((position, number, _score(result)))
    note = "cross-check 300, alphanumeric 200, algorithmic its own percentage; the five-point rule applied"
    return Ranked(NAME, found, clock.seconds, peak_mib(), note)


def _near(connection: duckdb.DuckDBPyConnection, tables: Tables) -> Mapping[int, list[int]]:
    """Position of a question → positions in the index of those who share a key, and number or birth date."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    pairs = connection.execute(
        """SELECT DISTINCT qk.person, hk.person FROM read_parquet($query_keys) qk
             JOIN read_parquet($index_keys) hk USING (hash)
             JOIN read_parquet($query_people) q ON q.id = qk.person
             JOIN read_parquet($index_people) h ON h.id = hk.person
           WHERE (q.born = h.born AND q.born <> 0) OR (q.number = h.number AND q.number_valid AND h.number_valid)""",
        {name: str(getattr(tables, name)) for name in ("query_keys", "index_keys", "query_people", "index_people")},
    ).fetchall()
    for asked, held in sorted(pairs):
        found[asked].append(held)
    return found


def _rows(tables: Tables, wanted: Collection[int]) -> tuple[Mapping[int, mps.Row], Mapping[str, str]]:
    """Position → row of the index, of those wanted, and row → number in force."""
    rows: dict[int, mps.Row] = {}
    numbers: dict[str, str] = {}
    feed = Feed(tables.index_csv.name, lambda: tables.index_csv.open("rb"))
    for position, row in enumerate(index_people(feed)):
        if position in wanted and row.sensitivity is not Security.INVALIDATED:
            successor = NhsNumber.parse(row.superseded_by) if row.superseded_by else None
            rows[position] = mps.Row(str(position), mps.prepare(_seen(row)), successor)
            numbers[str(position)] = row.superseded_by or row.demographics.nhs_number
    return rows, numbers


def _seen(row: IndexRow) -> Demographics:
    """What may be looked at of a row: the places of restricted people may not."""
    if not row.sensitivity.hides_location:
        return row.demographics
    return replace(row.demographics, postcode="", previous_postcode=(), address=(), gp_practice="")


def _score(result: mps.Result) -> float:
    """How sure: the algorithmic trace, 0 to 100, is the least sure of the three steps."""
    if result.row is None:
        return ABSENT
    return result.scores.total if result.scores is not None else _STEP[result.indicator]
