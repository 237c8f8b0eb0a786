"""The house's own answers to a population: by the batch engine, or by the engine that answers one person at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from adapters.feed import Feed
from gateway.services.files import binary
from gateway.services.progress import silent
from gateway.services.quality.files import questions
from gateway.services.quality.memory import MemoryIndex, engine_over, nobodys_permit
from linkage.decide import Outcome
from linkage.model import Use
from linkage.normalise import normalise
from linkage.score import Scorer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.services.progress import Report
    from gateway.services.quality.population import Population
    from linkage.findings import Finding
    from linkage.model import Model

_CERTAIN: Final = 40.0
"""Log2 odds above which a posterior no longer tells two answers apart in a float."""
_NEVER: Final = -1e6
"""A threshold that every candidate passes: what is left of the decision is everything but the weight."""


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
    """Every answer in the order of the questions, and the keys whose blocks were too large to look at whole."""

    answers: Sequence[Answer]
    capped: int


def without_weight(model: Model) -> Model:
    """The model with thresholds that every weight passes, so that only its other rules decide."""
    open_to_all = {
        use: rule.model_copy(update={"match": _NEVER, "review": _NEVER}) for use, rule in model.thresholds.items()
    }
    return model.model_copy(update={"thresholds": open_to_all})


def score(posterior: float, bits: float, gap: float | None, prior_bits: float) -> float:
    """How sure an answer is, in log2 odds; where the posterior is as good as 1, from bits and lead.

    A posterior within a rounding of 1 would put all sure answers on one level, and no threshold between them.
    """
    if posterior <= 0.0:
        return _NEVER
    if posterior < 1.0:
        odds = math.log2(posterior / (1.0 - posterior))
        if odds < _CERTAIN:
            return odds
    against = 2.0 ** -(bits - prior_bits) + (2.0**-gap if gap is not None else 0.0)
    return max(_CERTAIN, -math.log2(against)) if against else -_NEVER


def answer_all(
    population: Population,
    model: Model,
    engine: Engines = Engines.DUCKDB,
    *,
    use: Use = Use.PROPOSE,
    report: Report = silent,
) -> Answers:
    """Ask the house every question of a population.

    Raises:
        InputError: a file of the population is unusable.
    """
    return by_python(population, model, use, report)


def by_python(population: Population, model: Model, use: Use, report: Report) -> Answers:
    """Ask one question after another, as the pages and FHIR do."""
    tables, prepared, permit = population.tables, population.prepared, nobodys_permit()
    index = MemoryIndex(tables.index_csv)
    shipped = engine_over(index, model, prepared.frequencies)
    weightless = engine_over(index, without_weight(model), prepared.frequencies)
    prior = Scorer(model, prepared.frequencies, prepared.people).prior_bits
    found: list[Answer] = []
    for _, asked in questions(Feed(tables.queries_csv.name, lambda: binary(tables.queries_csv))):
        one = normalise(asked)
        decided, ranked = shipped.trace(permit, one, use=use), weightless.trace(permit, one, use=use)
        found.append(_answer(decided, ranked, prior))
        report(len(found), len(population.told))
    return Answers(found, 0)


def _answer(decided: Finding, ranked: Finding, prior: float) -> Answer:
    best = ranked.best
    if best is None:
        return Answer(decided.outcome, decided.reason, None, 0.0, _NEVER, may_join=False)
    number = best.candidate.person.nhs_number
    return Answer(
        decided.outcome,
        decided.reason,
        number.digits if number else None,
        best.posterior,
        score(best.posterior, best.bits, ranked.gap, prior),
        may_join=ranked.outcome is Outcome.MATCHED,
    )
