"""From candidates to an answer, over all candidates of a question at once.

The hypotheses are each candidate and "not in this index". A match must outweigh absence, lead the
runner-up, rest on enough independent fields, and meet none of the model's vetoes; else a person decides.
Wrong links harm people, so every doubt falls towards review.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from linkage.findings import (
    Candidate,
    Death,
    Finding,
    Flag,
    Outcome,
    Scored,
    Step,
    Verdict,
    Verification,
)
from linkage.model import Use
from linkage.person import Security
from linkage.ranking import Standing, odds, posteriors, rank
from linkage.score import Scorer, agreeing, compiled, holds
from linkage.steps import agrees_exactly, cross_checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkage.model import Frequencies, Model, Threshold
    from linkage.person import Person

__all__ = [
    "Candidate",
    "Death",
    "Finding",
    "Flag",
    "Matcher",
    "Outcome",
    "Scored",
    "Step",
    "Verdict",
    "Verification",
]

_SHOWN: Final = 10
_DEATH_FLAGS: Final = {Death.FORMAL: Flag.DECEASED_FORMAL, Death.INFORMAL: Flag.DECEASED_INFORMAL}


class Matcher:
    """A model for one index: its name frequencies and its size. Built once, shared between threads."""

    def __init__(self, model: Model, frequencies: Frequencies, index_size: int) -> None:
        self.model = model
        self._scorer = Scorer(model, frequencies, index_size)
        self._vetoes = tuple((veto.name, compiled(veto.when)) for veto in model.vetoes)
        self._groups = tuple(compiled(when) for when in model.groups.values())

    def cross_check(self, asked: Person, held: Candidate | None, current: Candidate | None = None) -> Finding | None:
        """Settle a question by the number it came with, or return None: inconclusive, go on.

        ``held`` is the index row of that number, ``current`` the row in force where ``held`` was superseded.
        """
        if held is None or held.security is Security.INVALIDATED:
            return None
        living = held if held.superseded_by is None else current
        if living is None or living.security is Security.INVALIDATED:
            return None
        for row in (held,) if living is held else (held, living):
            standing = replace(self._weighed(asked, row, living), superseded=living is not held)
            if reason := cross_checked(standing.levels):
                (scored,) = self._scored((standing,))
                return Finding(Outcome.MATCHED, Step.CROSS_CHECK, scored, (), None, _flags(standing), reason)
        return None

    def trace(
        self,
        asked: Person,
        candidates: Sequence[Candidate],
        *,
        use: Use = Use.PROPOSE,
        never: frozenset[str] = frozenset(),
    ) -> Finding:
        """Find the person among ``candidates``: the alphanumeric step, then the algorithmic one.

        ``never`` names the person ids that somebody has ruled out; they, and rows superseded by them, are
        neither weighed nor shown. Candidates come from `linkage.keys.probe_keys`; a superseded one should
        bring its survivor along.
        """
        if not _is_enough(asked):
            return _nobody(Outcome.INVALID_INPUT, "too-little")
        ranking = rank(self._scorer, asked, candidates, never)
        threshold = self.model.thresholds[use]
        best = ranking.standings[0] if ranking.standings else None
        if best is None or odds(self._scorer, best.bits) < threshold.review:
            known = ranking.invalid_bits
            if known is not None and odds(self._scorer, known) >= threshold.match:
                return replace(_nobody(Outcome.NONE, "invalidated"), flags=frozenset({Flag.INVALIDATED}))
            return _nobody(Outcome.NONE, "nobody-near" if best else "no-candidates")
        return self._decide(ranking.standings, threshold)

    def verify(
        self,
        asked: Person,
        held: Candidate | None,
        current: Candidate | None,
        others: Sequence[Candidate] = (),
    ) -> Verification:
        """Say whether the number somebody holds is this person's.

        ``held`` is the index row of the number, ``current`` the row that superseded it, ``others`` the
        candidates of the details alone. What is not confirmed names no number and no flag of anybody.
        """
        nothing: frozenset[Flag] = frozenset()
        if asked.nhs_number is None:
            return Verification(Verdict.INVALID_NUMBER, None, nothing, (), "no-valid-number")
        if held is None:
            return Verification(Verdict.NOT_IN_INDEX, None, nothing, (), "number-not-in-index")
        living = held if held.superseded_by is None else current
        if living is None:
            flags = frozenset({Flag.SUPERSEDED})
            return Verification(Verdict.NOT_IN_INDEX, held.superseded_by, flags, (), "successor-not-in-index")
        if living.security is Security.INVALIDATED:
            flags = frozenset({Flag.INVALIDATED})
            return Verification(Verdict.NOT_IN_INDEX, None, flags, (), "invalidated")
        finding = self.cross_check(asked, held, current) or self._by_details(asked, held, living, others)
        return self._verdict(asked, held, living, finding)

    def rank(self, asked: Person, candidates: Sequence[Candidate]) -> tuple[Scored, ...]:
        """Every living candidate with its weight, posterior and evidence, best first; nothing is decided."""
        return self._scored(rank(self._scorer, asked, candidates, frozenset()).standings)

    def _decide(self, standings: tuple[Standing, ...], threshold: Threshold) -> Finding:
        """The best candidate is near enough to speak of; say what may be said."""
        best, *rest = standings
        gap = best.bits - rest[0].bits if rest else None
        scored = self._scored(standings, _SHOWN)
        if rest and gap is not None and gap < threshold.gap and odds(self._scorer, rest[0].bits) >= threshold.review:
            return Finding(
                Outcome.MANY, Step.ALGORITHMIC, scored[0], scored[1:], gap, frozenset(), "runner-up-too-close"
            )
        exact = [standing for standing in standings if agrees_exactly(standing.levels)]
        step = Step.ALPHANUMERIC if exact == [best] else Step.ALGORITHMIC
        if doubt := self._doubt(best, step, threshold):
            return Finding(Outcome.REVIEW, step, scored[0], scored[1:], gap, frozenset(), doubt)
        reason = "details-agree-exactly" if step is Step.ALPHANUMERIC else "weight"
        return Finding(Outcome.MATCHED, step, scored[0], scored[1:], gap, _flags(best), reason)

    def _doubt(self, best: Standing, step: Step, threshold: Threshold) -> str:
        """Why the best candidate must not be joined without a person's eyes; empty when it may be."""
        if best.orphan:
            return "successor-not-among-candidates"
        if odds(self._scorer, best.bits) < threshold.match:
            return "too-little-weight"
        if agreeing(self._groups, best.levels) < threshold.agreeing:
            return "too-few-fields-agree"
        for name, alternatives in self._vetoes:
            if holds(alternatives, best.levels):
                return name
        return "" if step in threshold.steps else "needs-confirmation"

    def _by_details(self, asked: Person, held: Candidate, living: Candidate, others: Sequence[Candidate]) -> Finding:
        """Whose details these are, whatever number they came with."""
        return self.trace(replace(asked, nhs_number=None), (held, living, *others))

    def _verdict(self, asked: Person, held: Candidate, living: Candidate, finding: Finding) -> Verification:
        found = finding.best if finding.outcome is Outcome.MATCHED else None
        if found is not None and found.candidate.person_id == living.person_id:
            if _another_birth_date(found):
                return Verification(
                    Verdict.DEMOGRAPHICS_DIFFER, None, frozenset(), found.evidence, "birth-date-differs"
                )
            flags = finding.flags if living is held else finding.flags | {Flag.SUPERSEDED}
            return Verification(Verdict.CONFIRMED, living.person.nhs_number, flags, found.evidence, finding.reason)
        evidence = self._weighed(asked, held, living).evidence
        if found is not None:
            return Verification(Verdict.SOMEONE_ELSE, None, frozenset(), evidence, "details-are-another-persons")
        reason = "too-little" if finding.outcome is Outcome.INVALID_INPUT else "details-differ"
        return Verification(Verdict.DEMOGRAPHICS_DIFFER, None, frozenset(), evidence, reason)

    def _weighed(self, asked: Person, row: Candidate, living: Candidate) -> Standing:
        """One row for the number asked about; a superseded number counts as its successor's own."""
        asked = replace(asked, nhs_number=row.person.nhs_number)
        hide = row.security.hides_location or living.security.hides_location
        bits, levels, evidence = self._scorer.score(asked, row.person, hide_location=hide)
        return Standing(living, bits, levels, evidence)

    def _scored(self, standings: tuple[Standing, ...], shown: int | None = None) -> tuple[Scored, ...]:
        """The likeliest candidates as they are handed out; posteriors are over all of them."""
        shares = posteriors(self._scorer, standings)
        return tuple(
            Scored(standing.candidate, standing.bits, share, standing.evidence)
            for standing, share in zip(standings[:shown], shares, strict=False)
        )


def _another_birth_date(found: Scored) -> bool:
    """Whether a part of the birth date is simply another one.

    Two parts of three are enough for the national cross-check, and so for linking; to somebody who holds the number
    and asks whether the details are right, they are not right.
    """
    return any(piece.field == "birth_date" and piece.level == "two-parts" for piece in found.evidence)


def _is_enough(asked: Person) -> bool:
    """The least a trace needs: a number, or a name and a date of birth, whole or partial."""
    return asked.nhs_number is not None or (asked.birth_date is not None and bool(asked.family or asked.given))


def _flags(standing: Standing) -> frozenset[Flag]:
    """What must be said beside a person who was found."""
    candidate = standing.candidate
    flags = {_DEATH_FLAGS[candidate.death]} if candidate.death is not Death.NONE else set()
    if candidate.security.hides_location:
        flags.add(Flag.RESTRICTED)
    if standing.superseded:
        flags.add(Flag.SUPERSEDED)
    return frozenset(flags)


def _nobody(outcome: Outcome, reason: str) -> Finding:
    return Finding(outcome, None, None, (), None, frozenset(), reason)
