"""Use case: trace a file by the national algorithm (`linkage.mps`) over the index of this box, for comparison.

The steps, scores and codes are the handbook's; the response has the columns of a traced file and, after them, those
of an MPT response. Whom the algorithm looks at differs from the handbook in three ways, all of them on purpose:

* Candidates come by the keys of this box. Every row that shares birth date and postcode, current or earlier, has one
  (the handbook's second, third and fourth block); of the first (both names sound alike, same birth date) those are
  found whose forename or surname begins alike, or sounds alike to our own ear too.
* Where a restricted person lives is not known to it: such a row is weighed without postcode, address and practice,
  and found by names and number alone. PDS itself does weigh them, and leaves it to the receiver to hide the rest.
* A row that was withdrawn is never found, and a protected person's former number leads to nobody of today.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import orjson

from adapters.person import to_demographics
from gateway.services.tracing.batch import RESPONSE_COLUMNS, Algorithm, OneByOne
from gateway.services.tracing.outcomes import OF_TRACE, batch_code, status_of
from linkage import mps
from linkage.decide import Death, Flag, Outcome, Step
from linkage.person import Security

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.tracing.against import CheckedAgainst
    from linkage.decide import Candidate
    from linkage.person import Demographics, Person

COLUMNS: Final = (
    *RESPONSE_COLUMNS,
    "matched_algorithm_indicator",
    "family_name_score",
    "given_name_score",
    "date_of_birth_score",
    "gender_score",
    "postcode_score",
)
"""The response's columns: those of every traced file, then the indicator and the percentages of an MPT response."""

_OUTCOMES: Final = {
    mps.Code.SUCCESS: Outcome.MATCHED,
    mps.Code.SUPERSEDED: Outcome.MATCHED,
    mps.Code.SEVERAL_CLOSE: Outcome.MANY,
    mps.Code.NOT_ENOUGH: Outcome.INVALID_INPUT,
    mps.Code.NOT_FOUND: Outcome.NONE,
}
_STEPS: Final = {
    mps.Indicator.NONE: "",
    mps.Indicator.CROSS_CHECK: Step.CROSS_CHECK,
    mps.Indicator.ALPHANUMERIC: Step.ALPHANUMERIC,
    mps.Indicator.ALGORITHMIC: Step.ALGORITHMIC,
}
_DEATHS: Final = {Death.FORMAL: Flag.DECEASED_FORMAL, Death.INFORMAL: Flag.DECEASED_INFORMAL}


@dataclass(frozen=True, slots=True)
class NationalTracer:
    """The national algorithm over the index."""

    house: House
    passage: Passage
    against: CheckedAgainst
    capped: Counter[str] = field(default_factory=Counter)

    def found(self, said: Demographics, asked: Person) -> tuple[Outcome, dict[str, str]]:
        """Trace one person by the handbook."""
        rows = {one.person_id: one for one in self._candidates(asked)}
        result = mps.trace(mps.prepare(said), [self._row(one) for one in rows.values()])
        best = rows[result.row.person_id] if result.row is not None else None
        self.passage.disclose([best.person_id] if best else (), rows=1)
        outcome = _OUTCOMES[result.code]
        row, flags = OF_TRACE[outcome], _flags(result, best)
        number = best.person.nhs_number if best else None
        return outcome, {
            "outcome": outcome,
            "code": batch_code(row, flags),
            "matched_nhs_number": number.digits if number else row.batch_number,
            "step": _STEPS[result.indicator] if best else "",
            "confidence": str(result.confidence),
            "status": status_of(row, index_source=self.against.source),
            "flags": "|".join(sorted(flags)),
            "reason": result.step,
            "matched_algorithm_indicator": str(int(result.indicator)),
            **_percentages(result),
        }

    def _candidates(self, asked: Person) -> Iterator[Candidate]:
        """Whoever shares the number or the birth date, as every step of the handbook asks, and who came after them.

        A number that was replaced by one that nobody here holds leads to nobody, as in the house model.
        """
        permit, engine, never = self.passage.permit, self.house.engine(), frozenset[str]()
        found = engine.candidates(permit, asked, self.capped)
        if asked.nhs_number is not None:
            never = self.house.stores.index.sealed(permit, asked.nhs_number)
            found += [one for one in engine.in_force(permit, asked.nhs_number) if one is not None]

        def is_open(one: Candidate) -> bool:
            return one.security is not Security.INVALIDATED and one.person_id not in never

        for one in found:
            if is_open(one) and _shares(one.person, asked):
                if one.superseded_by is None or one.person.nhs_number is None:
                    yield one
                    continue
                _, current = engine.in_force(permit, one.person.nhs_number)
                if current is not None and is_open(current):
                    # the end of the chain at once: the numbers between need not be looked at
                    yield replace(one, superseded_by=current.person.nhs_number)
                    yield current

    def _row(self, held: Candidate) -> mps.Row:
        number = held.person.nhs_number
        raw = self.house.stores.index.patient_json(self.passage.permit, number) if number else None
        said = replace(to_demographics(orjson.loads(raw or b"{}")), previous_postcode=held.person.previous_postcode)
        if held.security.hides_location:
            said = replace(said, postcode="", previous_postcode=(), address=(), gp_practice="")
        return mps.Row(held.person_id, mps.prepare(said), held.superseded_by)


def _shares(held: Person, asked: Person) -> bool:
    return held.birth_date == asked.birth_date or (held.nhs_number is not None and held.nhs_number == asked.nhs_number)


def _flags(result: mps.Result, best: Candidate | None) -> frozenset[Flag]:
    if best is None:
        return frozenset()
    flags = {_DEATHS[best.death]} if best.death in _DEATHS else set()
    if best.security.hides_location:
        flags.add(Flag.RESTRICTED)
    if result.code is mps.Code.SUPERSEDED:
        flags.add(Flag.SUPERSEDED)
    return frozenset(flags)


def _percentages(result: mps.Result) -> dict[str, str]:
    """The five percentages, whole; 0 where the algorithmic step did not settle it (handbook: output meaning)."""
    scores = result.scores
    told = (scores.family, scores.given, scores.birth_date, scores.gender, scores.postcode) if scores else (0.0,) * 5
    return {name: str(round(score)) for name, score in zip(COLUMNS[-5:], told, strict=True)}


NATIONAL: Final = Algorithm(
    "mps", COLUMNS, lambda house, passage, against: OneByOne(NationalTracer(house, passage, against), against)
)
"""What ``gateway trace --algorithm mps`` answers with."""
