"""Use case: a practitioner knows a person and not their number; find it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.services.tracing.against import checked_against
from gateway.services.tracing.asked import asked_person, elements_used
from gateway.services.tracing.outcomes import OF_TRACE, status_of
from ig.decide import Described
from ig.purpose import Dataset, Element, Level
from linkage.decide import Outcome

if TYPE_CHECKING:
    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.tracing.against import CheckedAgainst
    from linkage.decide import Finding, Flag, Step
    from linkage.explain import Evidence
    from linkage.nhs_number import NhsNumber
    from linkage.person import Demographics


@dataclass(frozen=True, slots=True)
class FindResult:
    """What a search found. ``number`` is set only when one person matched; ``candidates`` counts those considered."""

    outcome: Outcome
    step: Step | None
    flags: frozenset[Flag]
    number: NhsNumber | None
    evidence: tuple[Evidence, ...]
    checked_against: CheckedAgainst | None
    advice: str
    status: str
    candidates: int
    decision_id: str


def find_number(house: House, caller: Caller, demographics: Demographics) -> FindResult:
    """Trace a described person, under an agreement.

    Raises:
        InputError: the demographics cannot be searched with.
        NotPermitted: no agreement lets this caller trace; nothing was read.
        Unavailable: no usable index, or the ledger could not take the row; nothing leaves.
    """
    asked = asked_person(demographics)
    against = checked_against(house)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER, Element.EVIDENCE},
        subject=Described(),
        filtered_on=elements_used(demographics),
    ) as passage:
        finding = house.engine().trace(passage.permit, asked)
        matched = finding.best if finding.outcome is Outcome.MATCHED else None
        passage.disclose([matched.candidate.person_id] if matched else [], rows=bool(matched), outcome=finding.outcome)
    return _result(finding, against, passage)


def _result(finding: Finding, against: CheckedAgainst, passage: Passage) -> FindResult:
    row = OF_TRACE[finding.outcome]
    best = finding.best
    found = best.candidate.person.nhs_number if best and finding.outcome is Outcome.MATCHED else None
    return FindResult(
        outcome=finding.outcome,
        step=finding.step,
        flags=finding.flags if found else frozenset(),
        number=found,
        evidence=best.evidence if best and passage.allows(Element.EVIDENCE) else (),
        checked_against=against,
        advice=row.advice,
        status=status_of(row, index_source=against.source),
        candidates=len(finding.others) + (best is not None),
        decision_id=passage.decision_id,
    )
