"""How good the answers to populations are: one table for the house and its peers, and the house's faults by group.

Several populations are pooled: a rate in ten thousand needs more questions than one of them has.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import duckdb

from linkage.decide import Outcome
from linkage.evaluate import Bin, Curve, Share, Tally, calibration_error, reliability, widest_gap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.services.quality.answers import Answer
    from gateway.services.quality.peers import Ranked
    from gateway.services.quality.population import Population, Told

PRECISIONS: Final = (0.995, 0.999, 0.9995, 0.9999)
GAP_AT: Final = 0.999
HOUSE, BY_WEIGHT = "house", "house, by weight alone"
BINS: Final = 10
_DOUBTFUL: Final = frozenset({Outcome.REVIEW, Outcome.MANY})

Judgement = tuple[float, str | None, str | None]
"""Score, answer or None, truth or None: what a curve is drawn from."""


class At(NamedTuple):
    """The recall that a system reaches at a required precision, and the threshold it takes."""

    precision: float
    recall: Share
    threshold: float


@dataclass(frozen=True, slots=True)
class System:
    """One line of the table: ``best`` is the tally where F1 is highest, ``line`` holds (recall, precision)."""

    name: str
    at: tuple[At, ...]
    best: Tally
    line: tuple[tuple[float, float], ...]
    seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Keys:
    """What the keys find: present people who are among their candidates; questions with too many to look at."""

    recall: Share
    capped: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything measured in one run. Holds counts and rates, and nothing of anybody.

    ``shipped`` is the tally at the model's thresholds, ``groups`` by axis and value (of ``sizes`` questions), ``high``
    by community where the precision is .999. ``review`` is the share of questions left to a person, ``found`` the share
    of those whose best candidate is right. ``gap`` and ``gap_at_high`` are the widest differences of recall between
    communities.
    """

    questions: int
    present: int
    shipped: Tally
    groups: dict[str, dict[str, Tally]]
    sizes: dict[str, dict[str, int]]
    high: dict[str, Tally]
    review: Share
    found: Share
    bins: tuple[Bin, ...]
    calibration_error: float
    gap: float
    gap_at_high: float
    keys: Keys
    systems: list[System] = field(default_factory=list)


def evaluate(told: Sequence[Told], answers: Sequence[Answer], keys: Keys) -> Evaluation:
    """Judge the house's answers, one for each row of the truth."""
    pairs = list(zip(told, answers, strict=True))
    by_weight = [(a.score, a.number, t.nhs_number or None) for t, a in pairs]
    by_rule = [(a.score, a.number if a.may_join else None, t.nhs_number or None) for t, a in pairs]
    ruled = system(HOUSE, by_rule, note="vetoes, lead and agreement as the model says, at any threshold of weight")
    groups = _groups((t, a.joined) for t, a in pairs)
    threshold = next(at.threshold for at in ruled.at if at.precision == GAP_AT)
    high = _groups((t, a.number if a.may_join and a.score >= threshold else None) for t, a in pairs)
    bins = _bins(pairs)
    doubtful = [(t, a) for t, a in pairs if a.outcome in _DOUBTFUL]
    return Evaluation(
        questions=len(pairs),
        present=sum(bool(t.nhs_number) for t in told),
        shipped=_sum(Tally.of(a.joined, t.nhs_number or None) for t, a in pairs),
        groups=groups,
        sizes=_sizes(told),
        high=high.get("community", {}),
        review=Share(len(doubtful), len(pairs)),
        found=Share(sum(a.number is not None and a.number == t.nhs_number for t, a in doubtful), len(doubtful)),
        bins=bins,
        calibration_error=calibration_error(bins),
        gap=widest_gap(groups.get("community", {})),
        gap_at_high=widest_gap(high.get("community", {})),
        keys=keys,
        systems=[ruled, system(BY_WEIGHT, by_weight, note="the same posteriors, without vetoes, lead and agreement")],
    )


def system(name: str, judged: Iterable[Judgement], seconds: float = 0.0, note: str = "") -> System:
    """Measure one system at every precision asked for."""
    curve = Curve.of(judged)
    at = tuple(At(precision, curve.recall_at(precision), curve.at(precision).score) for precision in PRECISIONS)
    tallies = (_tally(point.joined, point.right, curve.present) for point in curve.points)
    best = max(tallies, key=lambda tally: tally.f1, default=Tally())
    return System(name, at, best, tuple(curve.line()), seconds, note)


def peer(runs: Sequence[tuple[Population, Ranked]]) -> System:
    """Measure one peer over every population it was run on: the same truth, the same curve."""
    judged = [
        (score, number, population.told[position].nhs_number or None)
        for population, ranked in runs
        for position, number, score in ranked.answers
    ]
    first = runs[0][1]
    return system(first.name, judged, sum(ranked.seconds for _, ranked in runs), first.note)


def key_recall(populations: Iterable[Population], capped: int) -> Keys:
    """Count the present people who share a key with a row of theirs, superseded rows included."""
    met = present = 0
    for population in populations:
        present += sum(bool(row.nhs_number) for row in population.told)
        met += _met(population)
    return Keys(Share(met, present), capped)


def _met(population: Population) -> int:
    asked = [position for position, row in enumerate(population.told) if row.nhs_number]
    numbers = [row.nhs_number for row in population.told if row.nhs_number]
    tables = population.tables
    query = """
SELECT count(DISTINCT t.asked)
FROM (SELECT unnest($asked) AS asked, unnest($numbers) AS number) t
JOIN read_parquet($whose) w ON w.number = t.number
JOIN read_parquet($query_keys) q ON q.person = t.asked
JOIN read_parquet($index_keys) k ON k.hash = q.hash AND k.person = w.person
"""
    values = {
        "asked": asked,
        "numbers": numbers,
        "whose": str(population.whose),
        "query_keys": str(tables.query_keys),
        "index_keys": str(tables.index_keys),
    }
    with duckdb.connect() as connection:
        (row,) = connection.execute(query, values).fetchall()
    return int(row[0])


def _groups(pairs: Iterable[tuple[Told, str | None]]) -> dict[str, dict[str, Tally]]:
    found: defaultdict[str, defaultdict[str, Tally]] = defaultdict(lambda: defaultdict(Tally))
    for told, joined in pairs:
        one = Tally.of(joined, told.nhs_number or None)
        for axis, value in told.groups():
            found[axis][value] += one
    return {axis: dict(sorted(values.items())) for axis, values in found.items()}


def _sizes(told: Iterable[Told]) -> dict[str, dict[str, int]]:
    counted: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in told:
        for axis, value in row.groups():
            counted[axis][value] += 1
    return {axis: dict(values) for axis, values in counted.items()}


def _bins(pairs: Iterable[tuple[Told, Answer]]) -> tuple[Bin, ...]:
    named = [(a.posterior, a.number == t.nhs_number) for t, a in pairs if a.number is not None]
    return reliability([claimed for claimed, _ in named], [right for _, right in named], BINS)


def _tally(joined: int, right: int, present: int) -> Tally:
    return Tally(right=right, wrong=joined - right, missed=present - right)


def _sum(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())
