"""Use case: why is a record joined, in review or left alone, and why is it not that person? For who may see evidence.

What stands is told first: the latest trace and every link fact. Then the record is weighed anew under the model in
use, against its nearest candidates or against one person by number; nothing is changed. Somebody whom a seal keeps
apart from the record is never named: the answer is that of a number which the index does not hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gateway.errors import InputError, NotFound
from gateway.ids import person_id
from gateway.services.records.decided import standing, uncontested
from gateway.services.records.protected import withheld
from gateway.services.tracing.outcomes import OF_TRACE
from gateway.storage.factkinds import NEVER_LINK
from gateway.storage.links import LinkKind
from ig.decide import Described
from ig.purpose import Dataset, Element, Level
from linkage.explain import Weighing, as_json, describe
from linkage.model import Use
from linkage.nhs_number import NhsNumber, NotAnNhsNumber
from linkage.person import Person, Security
from linkage.reasons import INVALIDATED, NO_KEY, NOT_IN_INDEX, RULED_OUT, SEPARATED, Reason, why

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gateway.auth.caller import Caller
    from gateway.engine import Engine
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.storage.links import Link
    from gateway.storage.records import SourcePerson
    from gateway.storage.traces import TraceResult
    from linkage.findings import Candidate, Finding, Scored

NEAREST: Final = 3
"""How many candidates are told of where nobody is asked about by number."""

_REPLACED: Final = "This number was replaced; the person is weighed under the number in force."
_WITHHELD: Final = "Where this person lives is protected: no place is compared or shown."


@dataclass(frozen=True, slots=True)
class Pair:
    """The record and one person: why they are joined or not. ``weighing`` is None where nothing may be compared."""

    person_id: str
    reason: Reason
    weighing: Weighing | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a record is where it is. ``said`` is what stands, in words; the rest is what the model in use finds now."""

    record: str
    said: tuple[str, ...]
    model: str = ""
    outcome: str = ""
    reason: Reason = field(default_factory=lambda: Reason(""))
    advice: str = ""
    pairs: tuple[Pair, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The whole explanation as JSON values."""
        return {
            "record": self.record,
            "said": list(self.said),
            "model": self.model,
            "outcome": self.outcome,
            "reason": {"code": self.reason.code, "sentence": self.reason.sentence},
            "advice": self.advice,
            "pairs": [_pair_json(pair) for pair in self.pairs],
        }


@dataclass(frozen=True, slots=True)
class _Bench:
    """One record on the bench: who it is, what binds the model about it, and what a trace of it finds now.

    ``hidden`` are kept apart by a seal; ``never`` holds them and all others who are ruled out.
    """

    house: House
    passage: Passage
    engine: Engine
    who: SourcePerson
    hidden: frozenset[str]
    never: frozenset[str]
    by_person: frozenset[str]
    candidates: tuple[Candidate, ...]
    finding: Finding

    def ranked(self, rows: Iterable[Candidate]) -> tuple[Scored, ...]:
        """Some of the index, weighed against the record, best first."""
        return self.engine.matcher.rank(Person.unpack(self.who.packed), list(rows))

    def pair(self, one: Scored, reason: Reason | None = None, *notes: str) -> Pair:
        """Say of one candidate why it was found or was not."""
        matcher = self.engine.matcher
        threshold, prior = matcher.model.thresholds[Use.PROPOSE], matcher.scorer.prior_bits
        told = reason or why(self.finding, one, review=threshold.review, gap=threshold.gap, prior_bits=prior)
        hides = (_WITHHELD,) if any(piece.level == "withheld" for piece in one.evidence) else ()
        weighing = Weighing(one.evidence, -prior, one.posterior)
        return Pair(one.candidate.person_id, told, weighing, (*notes, *hides))


def explain_source_person(house: House, caller: Caller, source_person_id: str, against: str = "") -> Explanation:
    """Explain one record: what stands, and what the model in use finds now; ``against`` asks of one NHS number.

    Raises:
        InputError: ``against`` is not an NHS number.
        NotPermitted: the caller's agreement shows them no evidence.
        NotFound: there is no such record.
        Unavailable: the ledger cannot take the row; nothing leaves.
    """
    wanted = _number(against) if against else None
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER, Element.EVIDENCE},
        subject=Described(),
        filtered_on={Element.EVIDENCE},
    ) as passage:
        traced = house.stores.traces.of(passage.permit, source_person_id)
        history = house.stores.links.history(passage.permit, source_person_id)
        if traced is None and not history:
            raise NotFound("no record has this id", reason="source-person")
        said = (*_traced(traced), *(line for link in history for line in _link(house, passage, link)))
        people = house.stores.records.people(passage.permit, [source_person_id])
        told = _now(_bench(house, passage, people[0]), said, wanted) if people else Explanation(source_person_id, said)
        named = {pair.person_id for pair in told.pairs} | {link.person_id for link in history}
        passage.disclose(named, rows=len(history) + len(told.pairs))
    return told


def _number(text: str) -> NhsNumber:
    try:
        return NhsNumber(text)
    except NotAnNhsNumber as fault:
        raise InputError(f"against: {fault.fault}", reason="nhs-number", field="against") from None


def _bench(house: House, passage: Passage, who: SourcePerson) -> _Bench:
    """Put a record on the bench as a link run would trace it."""
    permit, name = passage.permit, who.source_person_id
    at = standing(house, permit, [who])
    hidden = frozenset(house.stores.index.survivors(permit, _sealed(house, passage, who)))
    never = at.never[name] | hidden
    decided = frozenset(house.stores.index.survivors(permit, at.rulings[name].nevers)) - hidden
    engine, asked = house.engine(), Person.unpack(who.packed)
    # those whom somebody separated from the record are traced along: two of them may not be one person
    barred = {**at.never, name: never}
    traced = [
        (one, engine.trace(permit, Person.unpack(one.packed), never=barred[one.source_person_id])) for one in at.people
    ]
    finding = next(found for one, found in uncontested(traced, at) if one.source_person_id == name)
    candidates = tuple(one for one in engine.candidates(permit, asked) if not _is_one_of(one, never))
    return _Bench(house, passage, engine, who, hidden, never, decided, candidates, finding)


def _is_one_of(one: Candidate, people: frozenset[str]) -> bool:
    """Whether a row is of one of these people, under its own number or the one that replaced it."""
    return one.person_id in people or (one.superseded_by is not None and person_id(one.superseded_by) in people)


def _sealed(house: House, passage: Passage, who: SourcePerson) -> set[str]:
    """Whom a seal keeps apart from the record, whichever of the two identities it is under."""
    history = house.stores.links.history(passage.permit, who.source_person_id, sealed=True)
    found = {fact.person_id for fact in history if fact.sealed}
    own = {fact.person_id for fact in history if fact.kind is LinkKind.IS}
    own |= {person_id(NhsNumber(who.nhs_number))} if who.nhs_number else set()
    for fact in house.stores.governance.facts.of_kind(NEVER_LINK):
        found |= {fact.value} if fact.subject in own else set()
        found |= {fact.subject} if fact.value in own else set()
    return found


def _now(bench: _Bench, said: tuple[str, ...], wanted: NhsNumber | None) -> Explanation:
    finding = bench.finding
    pairs = _nearest(bench) if wanted is None else [_against(bench, wanted)]
    return Explanation(
        record=bench.who.source_person_id,
        said=said,
        model=bench.engine.model,
        outcome=finding.outcome,
        reason=Reason(finding.reason),
        advice=OF_TRACE[finding.outcome].advice,
        pairs=tuple(pairs),
    )


def _nearest(bench: _Bench) -> list[Pair]:
    """The likeliest candidate and the next ones, whether or not any of them is near enough."""
    best = bench.finding.best
    first = [best] if best is not None else []
    others = [
        one
        for one in bench.ranked(bench.candidates)
        if best is None or one.candidate.person_id != best.candidate.person_id
    ]
    return [bench.pair(one) for one in [*first, *others][:NEAREST]]


def _against(bench: _Bench, wanted: NhsNumber) -> Pair:
    """The one person asked about: found, behind somebody, too far, ruled out, or not looked at."""
    held, current = bench.engine.in_force(bench.passage.permit, wanted)
    rows = [row for row in (held, current) if row is not None]
    if held is None or any(row.person_id in bench.hidden for row in rows):
        return Pair(person_id(wanted), Reason(NOT_IN_INDEX))
    living = current or held
    if Security.INVALIDATED in {held.security, living.security}:
        return Pair(held.person_id, Reason(INVALIDATED))
    notes = (_REPLACED,) if held.superseded_by is not None else ()
    reason = _unweighed(bench, rows)
    # whoever is ruled out has no place among the candidates
    among = () if reason is not None and reason.code != NO_KEY else bench.candidates
    ranked = bench.ranked([*among, *rows])
    best = bench.finding.best
    if best is not None and best.candidate.person_id == living.person_id:
        return bench.pair(best, None, *notes)
    return bench.pair(next(one for one in ranked if one.candidate.person_id == living.person_id), reason, *notes)


def _unweighed(bench: _Bench, rows: Sequence[Candidate]) -> Reason | None:
    """Why a person was not weighed at all, or None where it was."""
    people = {row.person_id for row in rows}
    if people & bench.by_person:
        return Reason(RULED_OUT)
    if people & bench.never:
        return Reason(SEPARATED)
    return None if people & {one.person_id for one in bench.candidates} else Reason(NO_KEY)


def _pair_json(pair: Pair) -> dict[str, Any]:
    return {
        "person_id": pair.person_id,
        "reason": {"code": pair.reason.code, "sentence": pair.reason.sentence, "ahead": pair.reason.ahead},
        "notes": list(pair.notes),
        "weighing": as_json(pair.weighing) if pair.weighing else None,
    }


def _traced(traced: TraceResult | None) -> Iterator[str]:
    if traced is None:
        yield "not traced yet"
        return
    step = f" by {traced.step}" if traced.step else ""
    yield f"traced: {traced.outcome}{step} ({traced.reason}), model {traced.model}"
    for flag in traced.flags:
        yield f"  flag: {flag}"


def _link(house: House, passage: Passage, link: Link) -> Iterator[str]:
    weight = f", {link.bits:+.1f} bits" if link.bits is not None else ""
    yield f"{link.at:%Y-%m-%d %H:%M} {link.kind} {link.person_id} ({link.basis} by {link.actor}{weight})"
    held = house.stores.index.by_person(passage.permit, link.person_id) if link.evidence else None
    evidence = withheld(link.evidence) if held is not None and held.security.hides_location else link.evidence
    for piece in evidence:
        yield f"  {describe(piece)}"
