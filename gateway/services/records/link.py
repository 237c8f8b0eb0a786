"""Use case: trace every source person who is new or changed, and join what the model settles.

Results, links and the "traced under this model" mark of a batch are one transaction, so that a killed run goes on
where it stopped and ends in the same state. What a person decided is a fact that no model overrides.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gateway.ids import person_id_without_number
from gateway.services.progress import silent
from gateway.services.records.changes import begin, stamp
from gateway.services.records.decided import past_of, pasts, standing, uncontested
from gateway.services.records.merges import follow_merges
from gateway.services.records.objections import carry_objections
from gateway.services.records.renew import renewed
from gateway.services.records.supersede import Followed, follow_numbers
from gateway.services.records.unnumbered import join_unnumbered
from gateway.services.tracing.against import checked_against
from gateway.storage.links import Basis, LinkKind, NewLink
from gateway.storage.reviews import CaseCandidate, NewCase
from gateway.storage.traces import TraceResult
from ig.decide import Population
from ig.purpose import Dataset, Element, Level
from linkage.decide import Flag, Outcome
from linkage.person import Person

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.auth.caller import Caller
    from gateway.engine import Engine
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.services.records.decided import Standing
    from gateway.storage.jobs import Job
    from gateway.storage.links import Link
    from gateway.storage.records import SourcePerson
    from linkage.decide import Finding

BATCH: Final = 500
_ACTOR: Final = "gateway:link"

JOINS_FOR_CARE: Final = frozenset({Basis.CROSS_CHECK, Basis.PDS, Basis.PERSON})
"""Grounds on which a record is joined for direct care; any other match only proposes a number (DESIGN section 6)."""


@dataclass(slots=True)
class LinkReport:
    """What a run came to: people traced, outcomes, links made, how many of them join for care.

    ``capped`` counts the people with more candidates than are looked at, and ``crowded`` the groups of records without
    a number that were too large to compare whole; both by the kind of key.
    """

    model: str = ""
    traced: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    links: int = 0
    joined: int = 0
    duplicates: int = 0
    reviews: int = 0
    capped: Counter[str] = field(default_factory=Counter)
    crowded: Counter[str] = field(default_factory=Counter)
    numbers: Followed = field(default_factory=Followed)


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: the engine it traces with, the permit it reads by, and what a trace of it answers for."""

    house: House
    engine: Engine
    passage: Passage
    stamp: str
    job: Job
    figures: Mapping[str, Any]
    done: LinkReport
    pasts: Mapping[str, set[str]]

    def batch(self, people: Sequence[SourcePerson]) -> None:
        """Trace some source people and store what came of it, whole."""
        stores, engine, permit = self.house.stores, self.engine, self.passage.permit
        at = standing(self.house, permit, renewed(self.house, permit, people))
        seals = list(at.seals)
        found = uncontested([(who, self._trace(who, at, seals)) for who in at.people], at)
        links = [*seals, *(fact for who, finding in found if (fact := _link(who, finding, engine, at)))]
        doubts = [one for one in found if one[1].outcome in _UNDECIDED and not at.is_decided(one[0].source_person_id)]
        cases = [_case(who, finding, engine) for who, finding in doubts]
        doubtful = {who.source_person_id for who, _ in doubts}
        settled = [who.source_person_id for who, _ in found if who.source_person_id not in doubtful]
        with stores.transaction() as tx:
            made = stores.links.append(tx, links)
            stores.traces.put_many(tx, [_result(who, finding, self.stamp) for who, finding in found])
            stores.reviews.close_of(tx, settled)
            self.done.reviews += stores.reviews.open(tx, cases)
            stores.jobs.checkpoint(tx, self.job, {**self.figures, "traced": self.done.traced + len(found)})
        self._count([finding for _, finding in found], made)

    def _trace(self, who: SourcePerson, at: Standing, seals: list[NewLink]) -> Finding:
        """Trace one record; a seal that its details turn out to need is added to ``seals``."""
        permit, asked, never = self.passage.permit, Person.unpack(who.packed), at.never[who.source_person_id]
        finding = self.engine.trace(permit, asked, never=never, capped=self.done.capped)
        held = at.link(who.source_person_id)
        needed = past_of(self.engine, permit, self.pasts, who, finding, held.person_id if held else "")
        if not needed:
            return finding
        seals += needed
        return self.engine.trace(permit, asked, never=never | {fact.person_id for fact in needed})

    def _count(self, findings: Sequence[Finding], made: Sequence[Link]) -> None:
        joins = [link for link in made if link.kind is LinkKind.IS]
        self.done.traced += len(findings)
        self.done.outcomes.update(str(finding.outcome) for finding in findings)
        self.done.links += sum(link.basis is not Basis.OWN for link in joins)
        self.done.joined += sum(link.basis in JOINS_FOR_CARE for link in joins)
        self.passage.disclose({link.person_id for link in joins}, rows=len(findings))


def link_all(house: House, caller: Caller, report: Report = silent) -> LinkReport:
    """Trace and link until nothing is left to do.

    Raises:
        NotPermitted: no processing grant covers linking.
        Conflict: another run is at it.
        Unavailable: no usable index, or a store cannot be written; the run can be repeated.
    """
    checked_against(house)
    engine = house.engine()
    done = LinkReport(model=engine.model)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER},
        subject=Population(),
        job=f"link-{engine.model_hash[:12]}",
    ) as passage:
        house.gate.administer(caller, "link:start", engine.model, model_hash=engine.model_hash[:12])
        stamped = stamp(house, engine)
        run = _Run(house, engine, passage, stamped, *begin(house, passage.permit, stamped), done, pasts(house))
        done.numbers = follow_numbers(house, passage.permit)
        while people := house.stores.records.source_people(passage.permit, limit=BATCH, untraced_for=run.stamp):
            run.batch(people)
            report(done.traced, None)
        done.crowded = join_unnumbered(house, engine, passage.permit).crowded
        follow_merges(house, passage.permit)
        carry_objections(house, passage.permit)
        with house.stores.transaction() as tx:
            done.duplicates = house.stores.traces.flag_duplicates(tx, Flag.DUPLICATE_IN_SOURCE)
            house.stores.jobs.finish(tx, run.job, {**run.figures, "traced": done.traced})
    return done


_UNDECIDED: Final = frozenset({Outcome.REVIEW, Outcome.MANY})


def _link(who: SourcePerson, finding: Finding, engine: Engine, at: Standing) -> NewLink | None:
    """The fact to add: the person found, or the person known only by this record.

    None where nothing is to be added: a person decided, or the record is already among those without a number, whose
    person the clustering says.
    """
    held = at.link(who.source_person_id)
    if at.is_decided(who.source_person_id):
        return None
    best = finding.best
    if finding.outcome is not Outcome.MATCHED or best is None or finding.step is None:
        if held is not None and held.basis is Basis.OWN:
            return None
        person = person_id_without_number(who.source_person_id)
        return NewLink(who.source_person_id, person, LinkKind.IS, Basis.OWN, _ACTOR, engine.model)
    number = best.candidate.person.nhs_number
    return NewLink(
        who.source_person_id,
        best.candidate.person_id,
        LinkKind.IS,
        Basis(finding.step.value),
        _ACTOR,
        engine.model,
        best.bits,
        best.posterior,
        best.evidence,
        number.digits if number else "",
    )


def _result(who: SourcePerson, finding: Finding, stamp: str) -> TraceResult:
    best = finding.best if finding.outcome is Outcome.MATCHED else None
    number = best.candidate.person.nhs_number if best else None
    return TraceResult(
        source_person_id=who.source_person_id,
        outcome=finding.outcome,
        step=finding.step.value if finding.step else "",
        reason=finding.reason,
        flags=tuple(sorted(finding.flags)),
        nhs_number=number.digits if number else "",
        person_id=best.candidate.person_id if best else "",
        evidence=best.evidence if best else (),
        model=stamp,
    )


def _case(who: SourcePerson, finding: Finding, engine: Engine) -> NewCase:
    scored = [finding.best, *finding.others] if finding.best else list(finding.others)
    return NewCase(
        source_person_id=who.source_person_id,
        reason=finding.reason,
        candidates=tuple(
            CaseCandidate(one.candidate.person_id, one.bits, one.posterior, one.evidence) for one in scored
        ),
        model=engine.model,
    )
