"""Use case: try a model on everybody as they are now, changing nothing, and say which links would be gained and lost.

Every source person is traced anew, in order of id, with progress kept as a job: a stopped run goes on where it was
while index, records and model are the same. What is compared is the standing link and the latest trace; what a person
decided stands whatever a model says. The run is recorded as figures; examples name source people by opaque id, and
evidence by field, level and bits.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from gateway.errors import Conflict
from gateway.ids import person_id
from gateway.services.progress import silent
from gateway.services.quality.models import stamps
from gateway.services.records.decided import standing, uncontested
from gateway.services.records.link import BATCH
from gateway.services.records.protected import sealed_people
from gateway.services.tracing.against import checked_against
from gateway.storage.links import Basis
from gateway.storage.models import ShadowRun
from gateway.storage.schema import now
from ig.decide import Population
from ig.purpose import Dataset, Element, Level
from linkage.decide import Outcome
from linkage.explain import Evidence
from linkage.nhs_number import NhsNumber
from linkage.person import Person

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gateway.auth.caller import Caller
    from gateway.engine import Engine
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.services.quality.models import Stamps
    from gateway.services.records.decided import Standing
    from gateway.storage.jobs import Job
    from gateway.storage.records import SourcePerson
    from gateway.storage.traces import TraceResult
    from linkage.decide import Finding
    from linkage.model import Model

EXAMPLES: Final = 20
"""Of each kind of change, this many are kept; ids are hashes, so the first in their order are a fair choice."""

NOT_TRACED: Final = "not-traced"
"""The outcome before, of somebody whom no trace has looked at yet."""

_IN_REVIEW: Final = frozenset({Outcome.REVIEW.value, Outcome.MANY.value})


class Change(StrEnum):
    """What would become of one source person. ``lost`` and ``changed`` both take a standing link away."""

    GAINED = "gained"
    LOST = "lost"
    CHANGED = "changed"
    INTO_REVIEW = "into-review"
    OUT_OF_REVIEW = "out-of-review"


@dataclass(frozen=True, slots=True)
class Side:
    """What was, or would be, said of one source person; nothing in it is about anybody else."""

    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class Example:
    """One source person of whom something would change, and what speaks for and against the likeliest person now.

    Where nobody is near any more, the evidence is that of the person of the link that would be lost.
    """

    source_person_id: str
    before: Side
    after: Side
    evidence: tuple[Evidence, ...] = ()


@dataclass(slots=True)
class Tally:
    """The figures of a run so far. ``decided`` people were settled by a person; ``moves`` is (before, after)."""

    people: int = 0
    decided: int = 0
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    changes: Counter[Change] = field(default_factory=Counter)
    examples: dict[Change, list[Example]] = field(default_factory=lambda: {change: [] for change in Change})

    @property
    def gained(self) -> int:
        """People newly joined, who had no link."""
        return self.changes[Change.GAINED]

    @property
    def changed(self) -> int:
        """Links that would name another person."""
        return self.changes[Change.CHANGED]

    @property
    def lost(self) -> int:
        """Links that would stand no more, those that would name another person among them."""
        return self.changes[Change.LOST] + self.changed

    @property
    def before(self) -> Counter[str]:
        """Outcome → people, as things stand."""
        return self._along(0)

    @property
    def after(self) -> Counter[str]:
        """Outcome → people, under the model tried."""
        return self._along(1)

    def count(self, before: str, after: str, changes: Iterable[Change]) -> None:
        """Count one source person, by outcome before and after."""
        self.people += 1
        self.moves[before, after] += 1
        self.changes.update(changes)

    def wants(self, changes: Iterable[Change]) -> list[Change]:
        """Of which of these changes another example is wanted."""
        return [change for change in changes if len(self.examples[change]) < EXAMPLES]

    def _along(self, side: int) -> Counter[str]:
        counted: Counter[str] = Counter()
        for move, people in self.moves.items():
            counted[move[side]] += people
        return counted


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """A completed run: the model tried, the hash of the one in use, over what, and what came of it."""

    model: Model
    against: str
    over: Stamps
    tally: Tally


@dataclass(slots=True)
class _Run:
    """One run: the engine tried, the permit to read with, and how far it has come."""

    house: House
    engine: Engine
    passage: Passage
    job: Job
    tally: Tally
    after: str
    sealed: frozenset[str]

    def batch(self, people: Sequence[SourcePerson]) -> None:
        """Trace some source people and count what would become of them; only the job's checkpoint is written."""
        stores, permit = self.house.stores, self.passage.permit
        at = standing(self.house, permit, people)
        found = [
            (who, self.engine.trace(permit, Person.unpack(who.packed), never=at.never[who.source_person_id]))
            for who in at.people
        ]
        # those drawn in because somebody separated them from one of these are counted with their own batch
        findings = {who.source_person_id: finding for who, finding in uncontested(found, at)}
        names = [who.source_person_id for who in people]
        traced = stores.traces.of_many(permit, names)
        for who in people:
            self._count(who, at, traced.get(who.source_person_id), findings[who.source_person_id])
        self.after = names[-1]
        with stores.transaction() as tx:
            self.job = stores.jobs.checkpoint(tx, self.job, {"after": self.after, "tally": packed(self.tally)})
        self.passage.disclose({joined for name in names if (joined := _joined(findings[name]))}, rows=len(people))

    def _count(self, who: SourcePerson, at: Standing, traced: TraceResult | None, finding: Finding) -> None:
        """Compare one source person's standing with what the model tried finds."""
        name, link = who.source_person_id, at.link(who.source_person_id)
        before = Side(traced.outcome, traced.reason) if traced else Side(NOT_TRACED, "")
        after = Side(finding.outcome.value, finding.reason)
        held = link.person_id if link is not None and link.basis is not Basis.OWN else ""
        decided = at.is_decided(name)
        changes = [] if decided else _changes(before, after, held, _joined(finding))
        self.tally.decided += decided
        self.tally.count(before.outcome, after.outcome, changes)
        wanted = self.tally.wants(changes)
        if wanted and not self._is_protected(who, held, finding):
            example = Example(name, before, after, self._evidence(who, held, finding))
            for change in wanted:
                self.tally.examples[change].append(example)

    def _is_protected(self, who: SourcePerson, held: str, finding: Finding) -> bool:
        """Whether a seal concerns anybody of an example: such a one is counted and never shown."""
        own = {person_id(NhsNumber(who.nhs_number))} if who.nhs_number else set()
        best = {finding.best.candidate.person_id} if finding.best else set()
        return not self.sealed.isdisjoint({held, *own, *best})

    def _evidence(self, who: SourcePerson, held: str, finding: Finding) -> tuple[Evidence, ...]:
        if finding.best is not None or not held:
            return finding.best.evidence if finding.best else ()
        before = self.house.stores.index.by_person(self.passage.permit, held)
        ranked = self.engine.matcher.rank(Person.unpack(who.packed), [before]) if before else ()
        return ranked[0].evidence if ranked else ()


def try_model(house: House, caller: Caller, model: Model, report: Report = silent) -> ShadowReport:
    """Trace every source person with ``model`` and compare with what stands. Writes no link and no trace.

    Raises:
        NotPermitted: no processing grant covers linking.
        Conflict: another run of it is going on, or index or records changed meanwhile: run it again.
        Unavailable: no usable index, or a store cannot be written; the run can be repeated.
    """
    checked_against(house)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER, Element.EVIDENCE},
        subject=Population(),
        job=f"shadow-{model.hash[:12]}",
    ) as passage:
        house.gate.administer(caller, "model:shadow", model.hash, name=model.name, version=model.version)
        over, against = stamps(house), house.stores.models.in_use()
        run = _start(house, passage, model, f"{model.hash}:{against[:16]}:{over.index[:32]}:{over.records[:32]}")
        while people := house.stores.records.source_people(passage.permit, run.after, BATCH):
            run.batch(people)
            report(run.tally.people, None)
        if stamps(house) != over or house.stores.models.in_use() != against:
            raise Conflict("index, records or model changed during the run: run it again", reason="shadow-overtaken")
        done = ShadowReport(model, against, over, run.tally)
        _record(house, caller, done, run.job)
    return done


def _start(house: House, passage: Passage, model: Model, key: str) -> _Run:
    job = house.stores.jobs.start_or_resume("shadow", key)
    tally = unpacked(job.checkpoint["tally"]) if "tally" in job.checkpoint else Tally()
    after = job.checkpoint.get("after", "")
    return _Run(house, house.engine_of(model), passage, job, tally, after, sealed_people(house))


def _record(house: House, caller: Caller, done: ShadowReport, job: Job) -> None:
    tally, told = done.tally, packed(done.tally)
    run = ShadowRun(
        hash=done.model.hash,
        index_stamp=done.over.index,
        records_stamp=done.over.records,
        against=done.against,
        people=tally.people,
        gained=tally.gained,
        lost=tally.lost,
        changed=tally.changed,
        counts={name: told[name] for name in ("moves", "changes", "decided")},
        actor=caller.subject,
        at=now(),
    )
    with house.stores.transaction() as tx:
        house.stores.models.put(tx, done.model, caller.subject)
        house.stores.models.put_shadow(tx, run)
        house.stores.jobs.finish(tx, job, {"traced": tally.people})


def _changes(before: Side, after: Side, held: str, joined: str) -> list[Change]:
    changes = []
    if held != joined:
        changes.append(Change.GAINED if not held else Change.CHANGED if joined else Change.LOST)
    if (before.outcome in _IN_REVIEW) != (after.outcome in _IN_REVIEW):
        changes.append(Change.INTO_REVIEW if after.outcome in _IN_REVIEW else Change.OUT_OF_REVIEW)
    return changes


def _joined(finding: Finding) -> str:
    """The person whom the model would join, or empty."""
    matched = finding.best if finding.outcome is Outcome.MATCHED else None
    return matched.candidate.person_id if matched else ""


def packed(tally: Tally) -> dict[str, Any]:
    """A tally as JSON values: the checkpoint of a run, and its report as a file."""
    return {
        "people": tally.people,
        "decided": tally.decided,
        "moves": [[*move, people] for move, people in sorted(tally.moves.items())],
        "changes": {change.value: people for change, people in sorted(tally.changes.items())},
        "examples": {change.value: [_packed_example(one) for one in found] for change, found in tally.examples.items()},
    }


def unpacked(data: Mapping[str, Any]) -> Tally:
    """Read back what :func:`packed` made."""
    return Tally(
        data["people"],
        data["decided"],
        Counter({(before, after): people for before, after, people in data["moves"]}),
        Counter({Change(change): people for change, people in data["changes"].items()}),
        {change: [_example(one) for one in data["examples"][change]] for change in Change},
    )


def _packed_example(example: Example) -> dict[str, Any]:
    return {
        "source_person_id": example.source_person_id,
        "before": {"outcome": example.before.outcome, "reason": example.before.reason},
        "after": {"outcome": example.after.outcome, "reason": example.after.reason},
        "evidence": [[piece.field, piece.level, piece.bits] for piece in example.evidence],
    }


def _example(data: Mapping[str, Any]) -> Example:
    evidence = tuple(Evidence(*piece) for piece in data["evidence"])
    return Example(data["source_person_id"], Side(**data["before"]), Side(**data["after"]), evidence)
