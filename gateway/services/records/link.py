"""Use case: trace every source person who is new or changed, and join what the model settles.

Results, links and the "traced under this model" mark of a batch are one transaction, so that a killed run goes on
where it stopped and ends in the same state. What a person decided is a fact that no model overrides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.ids import person_id, person_id_without_number
from gateway.services.governance.facts import NEVER_LINK
from gateway.services.progress import silent
from gateway.services.records.objections import carry_objections
from gateway.services.records.unnumbered import join_unnumbered
from gateway.services.tracing.against import checked_against
from gateway.storage.links import Basis, LinkKind, NewLink
from gateway.storage.reviews import CaseCandidate, NewCase
from gateway.storage.traces import TraceResult
from ig.decide import Population
from ig.purpose import Dataset, Element, Level
from linkage.decide import Flag, Outcome
from linkage.nhs_number import NhsNumber
from linkage.person import Person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.auth.caller import Caller
    from gateway.engine import Engine
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.storage.jobs import Job
    from gateway.storage.links import Link
    from gateway.storage.records import SourcePerson
    from linkage.decide import Finding

BATCH: Final = 500

JOINS_FOR_CARE: Final = frozenset({Basis.CROSS_CHECK, Basis.PDS, Basis.PERSON})
"""Grounds on which a record is joined for direct care; any other match only proposes a number (DESIGN section 6)."""


@dataclass(slots=True)
class LinkReport:
    """What a run came to: people traced, outcomes, links made, how many of them join for care."""

    model: str = ""
    traced: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    links: int = 0
    joined: int = 0
    duplicates: int = 0
    reviews: int = 0


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: the engine it traces with, the permit it reads by, and what a trace of it answers for."""

    house: House
    engine: Engine
    passage: Passage
    stamp: str
    job: Job
    done: LinkReport

    def batch(self, people: Sequence[SourcePerson]) -> None:
        """Trace some source people and store what came of it, whole."""
        stores, engine = self.house.stores, self.engine
        sealed = _sealed(self.house, people)
        nevers = stores.links.nevers(self.passage.permit, [who.source_person_id for who in people])
        found = []
        for who in people:
            never = nevers.get(who.source_person_id, frozenset()) | {fact.person_id for fact in sealed.get(who, ())}
            found.append((who, engine.trace(self.passage.permit, Person.unpack(who.packed), never=never)))
        links = [fact for facts in sealed.values() for fact in facts]
        links += [_link(who, finding, engine) for who, finding in found]
        cases = [_case(who, finding, engine) for who, finding in found if finding.outcome in _UNDECIDED]
        settled = [who.source_person_id for who, finding in found if finding.outcome not in _UNDECIDED]
        with stores.transaction() as tx:
            made = stores.links.append(tx, links)
            stores.traces.put_many(tx, [_result(who, finding, self.stamp) for who, finding in found])
            stores.reviews.close_of(tx, settled)
            self.done.reviews += stores.reviews.open(tx, cases)
            stores.jobs.checkpoint(tx, self.job, {"traced": self.done.traced + len(found)})
        self._count([finding for _, finding in found], made)

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
        stamp = _stamp(house, engine)
        run = _Run(house, engine, passage, stamp, house.stores.jobs.start_or_resume("link", stamp), done)
        while people := house.stores.records.source_people(passage.permit, limit=BATCH, untraced_for=run.stamp):
            run.batch(people)
            report(done.traced, None)
        join_unnumbered(house, engine, passage.permit)
        carry_objections(house, passage.permit)
        with house.stores.transaction() as tx:
            done.duplicates = house.stores.traces.flag_duplicates(tx, Flag.DUPLICATE_IN_SOURCE)
            house.stores.jobs.finish(tx, run.job, {"traced": done.traced})
    return done


def _stamp(house: House, engine: Engine) -> str:
    """What a trace answers for: this model over this index."""
    info = house.stores.index.describe()
    return f"{engine.model_hash[:16]}:{info.source}:{info.as_of}:{info.people}" if info else engine.model_hash[:16]


_UNDECIDED: Final = frozenset({Outcome.REVIEW, Outcome.MANY})


def _sealed(house: House, people: Sequence[SourcePerson]) -> dict[SourcePerson, list[NewLink]]:
    """Never-links of protected identities: a record under a former number is not the person of today."""
    holders: dict[str, list[SourcePerson]] = defaultdict(list)
    for who in people:
        if who.nhs_number:
            holders[person_id(NhsNumber(who.nhs_number))].append(who)
    sealed: dict[SourcePerson, list[NewLink]] = defaultdict(list)
    for fact in house.stores.governance.facts.of(holders, {NEVER_LINK}):
        for who in holders[fact.subject]:
            never = NewLink(
                who.source_person_id, fact.value, LinkKind.NEVER, Basis.PERSON, "gateway:protected", sealed=True
            )
            sealed[who].append(never)
    return sealed


def _link(who: SourcePerson, finding: Finding, engine: Engine) -> NewLink:
    """The fact to add: the person found, or the person known only by this record."""
    best = finding.best
    if finding.outcome is not Outcome.MATCHED or best is None or finding.step is None:
        return NewLink(
            who.source_person_id,
            person_id_without_number(who.source_person_id),
            LinkKind.IS,
            Basis.OWN,
            "gateway:link",
            engine.model,
        )
    number = best.candidate.person.nhs_number
    return NewLink(
        who.source_person_id,
        best.candidate.person_id,
        LinkKind.IS,
        Basis(finding.step.value),
        "gateway:link",
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
