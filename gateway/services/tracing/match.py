"""Use case: which people of the index may be the one described? FHIR ``Patient/$match``, IHE PDQm ITI-119.

A trace, answered with Patients. The outcome table says the grade; the score is the calibrated posterior. One person is
shown where one matched; of a doubt, whoever is likely enough, so that a person can decide. Very restricted people are
shown to whoever held their number already; withdrawn ones to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gateway.auth.caller import Kind
from gateway.services.tracing.against import checked_against
from gateway.services.tracing.asked import asked_person, elements_used
from gateway.services.tracing.fitting import LIKELY_ENOUGH, MOST
from gateway.services.tracing.likeness import NEARLY
from gateway.services.tracing.outcomes import FLAG_SENTENCES, OF_TRACE
from gateway.services.tracing.people import SHOWN, as_patient
from gateway.services.tracing.tries import LOCKED, is_locked, refusal
from ig.decide import Described
from ig.purpose import Dataset, Level
from linkage.decide import Finding, Flag, Outcome
from linkage.findings import Step
from linkage.person import Security

if TYPE_CHECKING:
    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.tracing.against import CheckedAgainst
    from linkage.findings import Scored
    from linkage.person import Demographics, Person

_NOTHING: Final = Finding(Outcome.NONE, None, None, (), None, frozenset(), LOCKED)
DEFAULT_COUNT: Final = 10
"""So many candidates are shown where no count was given."""


@dataclass(frozen=True, slots=True)
class Graded:
    """One Patient that may be the person described; ``grade`` is of the FHIR match-grade value set."""

    patient: dict[str, Any]
    score: float
    grade: str


@dataclass(frozen=True, slots=True)
class MatchResult:
    """What a match found, best first. ``advice`` says what to do next where the match is not certain."""

    outcome: Outcome
    graded: tuple[Graded, ...]
    advice: tuple[str, ...]
    against: CheckedAgainst
    decision_id: str


def match_patient(
    house: House, caller: Caller, demographics: Demographics, *, only_certain: bool = False, count: int = DEFAULT_COUNT
) -> MatchResult:
    """Trace a described person and return whoever they may be, no more than ``count`` and never more than 50.

    An application, with nobody at a desk, is told of one person at most, and of nobody where several are too close.

    Raises:
        InputError: the demographics cannot be searched with.
        NotPermitted: no agreement lets this caller trace, or they have failed too often at the number they sent.
        Unavailable: no usable index, or the ledger could not take the row; nothing leaves.
    """
    asked = asked_person(demographics, number_will_do=True)
    against = checked_against(house)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields=SHOWN,
        subject=Described(),
        filtered_on=elements_used(demographics),
    ) as passage:
        holder = _holder(house, passage, asked)
        locked = holder != "" and is_locked(house, caller, holder)
        finding = _NOTHING if locked else house.engine().trace(passage.permit, asked)
        likely = _likely(finding, alone=caller.kind is Kind.SYSTEM, only_certain=only_certain)[: min(count, MOST)]
        graded = tuple(
            Graded(as_patient(house, passage, one.candidate, against), _score(one), _grade(finding, place))
            for place, one in enumerate(likely)
        )
        # a number that was sent with the details is a look at its holder, whatever comes of it
        about = {one.candidate.person_id for one in likely} | ({holder} if holder else set())
        passage.disclose(about, rows=len(graded), outcome=LOCKED if locked else finding.outcome)
    if locked:
        raise refusal(passage)
    return MatchResult(finding.outcome, graded, _advice(finding, graded), against, passage.decision_id)


def _holder(house: House, passage: Passage, asked: Person) -> str:
    """Whose the number is that came with the details; empty where none came, or it is nobody's."""
    held = house.stores.index.by_number(passage.permit, asked.nhs_number) if asked.nhs_number else None
    return held.person_id if held is not None else ""


def _likely(finding: Finding, *, alone: bool, only_certain: bool) -> list[Scored]:
    """Whoever may be shown of a finding, best first."""
    if finding.best is None or (only_certain and finding.outcome is not Outcome.MATCHED):
        return []
    if alone and finding.outcome is Outcome.MANY:
        return []
    others = () if alone or finding.outcome is Outcome.MATCHED else finding.others
    likely = (finding.best, *(one for one in others if one.posterior > LIKELY_ENOUGH))
    return [one for one in likely if _may_be_shown(one, finding)]


def _may_be_shown(one: Scored, finding: Finding) -> bool:
    if one.candidate.security is Security.VERY_RESTRICTED:
        return finding.step is Step.CROSS_CHECK
    return one.candidate.security is not Security.INVALIDATED and one.candidate.superseded_by is None


def _score(one: Scored) -> float:
    return min(round(one.posterior, 4), NEARLY)


def _grade(finding: Finding, place: int) -> str:
    """The grade of the outcome for the best; whoever else is likely is as one of several."""
    return OF_TRACE[Outcome.MANY if place else finding.outcome].grade


def _advice(finding: Finding, graded: tuple[Graded, ...]) -> tuple[str, ...]:
    """What goes with an answer that shows somebody and is not the whole answer."""
    if not graded:
        return ()
    if finding.outcome is not Outcome.MATCHED:
        row = OF_TRACE[finding.outcome]
        return (f"{row.heading}. {row.advice}",)
    return tuple(FLAG_SENTENCES[flag] for flag in (Flag.SUPERSEDED,) if flag in finding.flags)
