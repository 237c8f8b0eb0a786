"""From candidates to an answer, over all candidates of a question at once.

The hypotheses are each candidate and "not in this index". A match must outweigh absence, lead the
runner-up, rest on enough independent fields, and meet none of the model's vetoes; else a person decides.
Wrong links harm people, so every doubt falls towards review.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from linkage.calibration import probability
from linkage.compare import WHOLE_POSTCODE
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
from linkage.ranking import Standing, certainty, odds, rank
from linkage.score import Scorer, agreeing, compiled, holds
from linkage.steps import agrees_exactly, cross_checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkage.model import Frequencies, Model, Threshold
    from linkage.person import Person

__all__ = [
    "Candidate",
    "Contest",
    "Death",
    "Finding",
    "Flag",
    "Judgement",
    "Matcher",
    "Outcome",
    "Pattern",
    "Scored",
    "Step",
    "Verdict",
    "Verification",
]

_SHOWN: Final = 10
_REMEMBERED: Final = 65_536
_DEATH_FLAGS: Final = {Death.FORMAL: Flag.DECEASED_FORMAL, Death.INFORMAL: Flag.DECEASED_INFORMAL}


class Pattern(NamedTuple):
    """What a level vector says by itself: independent groups that agree, the veto it meets, if it agrees exactly."""

    agreeing: int
    veto: str
    exact: bool


class Contest(NamedTuple):
    """What a decision over all candidates of a question rests on, whichever engine compared them.

    ``best`` and ``runner_up`` are log2 odds against absence, ``gap`` the bits between the two, ``certain`` the
    calibrated log2 odds of the best against everything else; ``sole``: nobody but the best agrees exactly.
    """

    best: float
    certain: float
    runner_up: float | None
    gap: float | None
    pattern: Pattern
    sole: bool
    orphan: bool


class Judgement(NamedTuple):
    """What may be said of a question, in which step, and why."""

    outcome: Outcome
    step: Step | None
    reason: str


class Matcher:
    """A model for one index: its name frequencies and its size. Built once, shared between threads."""

    def __init__(self, model: Model, frequencies: Frequencies, index_size: int) -> None:
        self.model = model
        self._scorer = Scorer(model, frequencies, index_size)
        self._vetoes = tuple((veto.name, compiled(veto.when)) for veto in model.vetoes)
        self._groups = tuple(compiled(when) for when in model.groups.values())
        self.pattern = lru_cache(maxsize=_REMEMBERED)(self._pattern)

    @property
    def scorer(self) -> Scorer:
        """What weighs a pair."""
        return self._scorer

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
        if not ranking.standings:
            return self._absent(ranking.invalid_bits, "no-candidates", use)
        best, *rest = ranking.standings
        sole = not any(agrees_exactly(standing.levels) for standing in rest)
        bits = [standing.bits for standing in ranking.standings]
        contest = self.contest(bits, self.pattern(best.levels), sole=sole, orphan=best.orphan)
        judgement = self.judge(contest, use)
        if judgement.outcome is Outcome.NONE:
            return self._absent(ranking.invalid_bits, judgement.reason, use)
        return self._found(ranking.standings, judgement)

    def contest(self, bits: Sequence[float], pattern: Pattern, *, sole: bool, orphan: bool) -> Contest:
        """What a decision rests on: the bits of every candidate, best first, and what the best one's vector says."""
        return Contest(
            best=odds(self._scorer, bits[0]),
            certain=certainty(self._scorer, bits),
            runner_up=odds(self._scorer, bits[1]) if len(bits) > 1 else None,
            gap=bits[0] - bits[1] if len(bits) > 1 else None,
            pattern=pattern,
            sole=sole,
            orphan=orphan,
        )

    def judge(self, contest: Contest, use: Use) -> Judgement:
        """Say what may be said of the best of all candidates: the one decision rule of every engine."""
        threshold = self.model.thresholds[use]
        if contest.best < threshold.review:
            return Judgement(Outcome.NONE, None, "nobody-near")
        if (
            contest.runner_up is not None
            and contest.gap is not None
            and contest.gap < threshold.gap
            and contest.runner_up >= threshold.review
        ):
            return Judgement(Outcome.MANY, Step.ALGORITHMIC, "runner-up-too-close")
        step = Step.ALPHANUMERIC if contest.pattern.exact and contest.sole else Step.ALGORITHMIC
        if doubt := _doubt(contest, step, threshold):
            return Judgement(Outcome.REVIEW, step, doubt)
        reason = "details-agree-exactly" if step is Step.ALPHANUMERIC else "weight"
        return Judgement(Outcome.MATCHED, step, reason)

    def known_invalid(self, bits: float | None, use: Use) -> bool:
        """Whether nobody was found because the row that was meant, of this weight, is invalidated."""
        return bits is not None and odds(self._scorer, bits) >= self.model.thresholds[use].match

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

    def _pattern(self, levels: tuple[str, ...]) -> Pattern:
        veto = next((name for name, alternatives in self._vetoes if holds(alternatives, levels)), "")
        return Pattern(agreeing(self._groups, levels), veto, agrees_exactly(levels))

    def _absent(self, invalid_bits: float | None, reason: str, use: Use) -> Finding:
        if self.known_invalid(invalid_bits, use):
            return replace(_nobody(Outcome.NONE, "invalidated"), flags=frozenset({Flag.INVALIDATED}))
        return _nobody(Outcome.NONE, reason)

    def _found(self, standings: tuple[Standing, ...], judgement: Judgement) -> Finding:
        outcome, step, reason = judgement
        gap = standings[0].bits - standings[1].bits if len(standings) > 1 else None
        scored = self._scored(standings, _SHOWN)
        found = _flags(standings[0]) if outcome is Outcome.MATCHED else frozenset()
        return Finding(outcome, step, scored[0], scored[1:], gap, found, reason)

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
        bits = [standing.bits for standing in standings]
        return tuple(
            Scored(standing.candidate, standing.bits, self.posterior(bits, place), standing.evidence)
            for place, standing in enumerate(standings[:shown])
        )

    def posterior(self, bits: Sequence[float], place: int = 0) -> float:
        """The calibrated probability of one of all candidates, given the bits of each, best first."""
        return probability(certainty(self._scorer, bits, place))


def _doubt(contest: Contest, step: Step, threshold: Threshold) -> str:
    """Why the best candidate must not be joined without a person's eyes; empty when it may be."""
    if contest.orphan:
        return "successor-not-among-candidates"
    if contest.certain < threshold.match:
        return "too-little-weight"
    if contest.pattern.agreeing < threshold.agreeing:
        return "too-few-fields-agree"
    return contest.pattern.veto or ("" if step in threshold.steps else "needs-confirmation")


def _another_birth_date(found: Scored) -> bool:
    """Whether a part of the birth date is simply another one.

    Two parts of three are enough for the national cross-check, and so for linking; to somebody who holds the number
    and asks whether the details are right, they are not right.
    """
    return any(piece.field == "birth_date" and piece.level == "two-parts" for piece in found.evidence)


def _is_enough(asked: Person) -> bool:
    return is_enough(
        number=asked.nhs_number is not None,
        born=asked.birth_date is not None,
        named=bool(asked.family or asked.given),
        placed=bool(asked.family and asked.given)
        and (len(asked.postcode) >= WHOLE_POSTCODE or bool(asked.phone) or bool(asked.email)),
    )


def is_enough(*, number: bool, born: bool, named: bool, placed: bool) -> bool:
    """Whether this is the least a trace needs: a valid number, a name and a date of birth, or names and a place.

    The date may be partial. ``placed`` is both names and where somebody lives or is reached: many systems write a
    date of 1900 for want of one.
    """
    return number or (born and named) or placed


def _flags(standing: Standing) -> frozenset[Flag]:
    candidate = standing.candidate
    return flags_of(candidate.security, candidate.death, superseded=standing.superseded)


@cache
def flags_of(security: Security, death: Death, *, superseded: bool) -> frozenset[Flag]:
    """What must be said beside a person who was found."""
    flags = {_DEATH_FLAGS[death]} if death is not Death.NONE else set()
    if security.hides_location:
        flags.add(Flag.RESTRICTED)
    if superseded:
        flags.add(Flag.SUPERSEDED)
    return frozenset(flags)


def _nobody(outcome: Outcome, reason: str) -> Finding:
    return Finding(outcome, None, None, (), None, frozenset(), reason)
