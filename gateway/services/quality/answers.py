"""The house's own answers to a population: by the batch engine, or by the engine that answers one person at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from math import log2
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow.parquet as pq

from adapters.feed import Feed
from gateway.services.files import binary
from gateway.services.progress import silent
from gateway.services.quality.files import questions
from gateway.services.quality.memory import MemoryIndex, engine_over, nobodys_permit
from linkage import batch
from linkage.decide import Matcher, Outcome
from linkage.normalise import normalise
from linkage.ranking import certainty

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateway.services.progress import Report
    from gateway.services.quality.peers import Tables
    from gateway.services.quality.population import Population
    from linkage.findings import Finding
    from linkage.model import Model
    from linkage.score import Scorer

_NEVER: Final = -1e6
"""A threshold that every candidate passes: what is left of the decision is everything but the weight."""
_NEARLY_CERTAIN: Final = 1 - 1e-9
"""Beyond it a probability has too few digits left to say the odds by."""
_ASKED, _ASKED_KEYS, _HELD, _HELD_KEYS = "asked", "asked_keys", "held", "held_keys"


class Engines(StrEnum):
    """How a population may be asked."""

    DUCKDB = "duckdb"
    PYTHON = "python"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the house says to one question.

    ``number`` is the best candidate's, whatever the outcome; ``posterior`` its probability. ``score`` orders answers by
    how sure they are, in log2 odds. ``may_join`` is what the decision rule says when weight is left out of it: no veto,
    far enough ahead of the runner-up, enough independent fields.
    """

    outcome: Outcome
    reason: str
    number: str | None
    posterior: float
    score: float
    may_join: bool

    @property
    def joined(self) -> str | None:
        """The number that is joined at the shipped thresholds, or None."""
        return self.number if self.outcome is Outcome.MATCHED else None


@dataclass(frozen=True, slots=True)
class Answers:
    """Every answer in the order of the questions, and how many had more candidates than are looked at."""

    answers: Sequence[Answer]
    capped: int


def without_weight(model: Model) -> Model:
    """The model with thresholds that every weight passes, so that only its other rules decide."""
    open_to_all = {
        use: rule.model_copy(update={"match": _NEVER, "review": _NEVER}) for use, rule in model.thresholds.items()
    }
    return model.model_copy(update={"thresholds": open_to_all})


def answer_all(
    population: Population, model: Model, engine: Engines = Engines.DUCKDB, report: Report = silent
) -> Answers:
    """Ask the house every question of a population, for the use of proposing a number.

    Raises:
        InputError: a file of the population is unusable.
    """
    return (by_python if engine is Engines.PYTHON else by_duckdb)(population, model, report)


def by_duckdb(population: Population, model: Model, report: Report) -> Answers:
    """Ask all questions at once, as ``gateway trace`` does for files."""
    numbers = pq.read_table(population.whose)["number"].to_pylist()
    done = batch.Report()
    with duckdb.connect() as connection:
        for name, path in _sources(population.tables).items():
            connection.read_parquet(str(path)).create_view(name)
        decided = _asked(connection, population, model, report, done)
        ranked = _asked(connection, population, without_weight(model), report, batch.Report())
    return Answers([_batch_answer(*pair, numbers) for pair in zip(decided, ranked, strict=True)], len(done.capped))


def _asked(
    connection: duckdb.DuckDBPyConnection, population: Population, model: Model, report: Report, done: batch.Report
) -> list[batch.Answer]:
    matcher = Matcher(model, population.prepared.frequencies, population.prepared.people)
    answers: list[batch.Answer] = []
    for answer in batch.trace(
        connection,
        matcher,
        asked=_ASKED,
        asked_keys=_ASKED_KEYS,
        held=_HELD,
        held_keys=_HELD_KEYS,
        report=done,
    ):
        answers.append(answer)
        report(len(answers), len(population.told))
    return answers


def _sources(tables: Tables) -> dict[str, Path]:
    return {
        _ASKED: tables.query_people,
        _ASKED_KEYS: tables.query_keys,
        _HELD: tables.index_people,
        _HELD_KEYS: tables.index_keys,
    }


def _batch_answer(decided: batch.Answer, ranked: batch.Answer, numbers: Sequence[str]) -> Answer:
    if ranked.held is None:
        return _nobody(decided.outcome, decided.reason)
    may_join = ranked.outcome is Outcome.MATCHED
    posterior, score = ranked.posterior or 0.0, ranked.odds if ranked.odds is not None else _NEVER
    return Answer(decided.outcome, decided.reason, numbers[ranked.held], posterior, score, may_join=may_join)


def by_python(population: Population, model: Model, report: Report) -> Answers:
    """Ask one question after another, as the pages and FHIR do."""
    tables, prepared, permit = population.tables, population.prepared, nobodys_permit()
    index = MemoryIndex(tables.index_csv)
    shipped = engine_over(index, model, prepared.frequencies)
    weightless = engine_over(index, without_weight(model), prepared.frequencies)
    found: list[Answer] = []
    capped: Counter[str] = Counter()
    for _, asked in questions(Feed(tables.queries_csv.name, lambda: binary(tables.queries_csv))):
        one = normalise(asked)
        decided = shipped.trace(permit, one, capped=capped)
        found.append(_answer(decided, weightless.trace(permit, one), weightless.matcher.scorer))
        report(len(found), len(population.told))
    return Answers(found, capped.total())


def _answer(decided: Finding, ranked: Finding, scorer: Scorer) -> Answer:
    best = ranked.best
    if best is None or best.candidate.person.nhs_number is None:
        return _nobody(decided.outcome, decided.reason)
    # a finding names the likeliest few; its posterior is over all of them
    certain = best.posterior >= _NEARLY_CERTAIN
    score = certainty(scorer, [one.bits for one in (best, *ranked.others)]) if certain else _odds(best.posterior)
    number = best.candidate.person.nhs_number.digits
    may_join = ranked.outcome is Outcome.MATCHED
    return Answer(decided.outcome, decided.reason, number, best.posterior, score, may_join=may_join)


def _odds(posterior: float) -> float:
    return log2(posterior / (1 - posterior)) if posterior else _NEVER


def _nobody(outcome: Outcome, reason: str) -> Answer:
    return Answer(outcome, reason, None, 0.0, _NEVER, may_join=False)
