"""What becomes of a record when the national service has answered about it.

| The service says                          | Link                          | Status |
|-------------------------------------------|-------------------------------|--------|
| the number sent, and the details, agree   | joined, on the ground ``pds`` | 01     |
| the number sent was replaced or merged    | joined to the new number      | 01     |
| found by details, and the details that it returns are matched by the house's own model | joined, ``pds`` | 01 |
| found by details alone                    | proposed, on the step's ground | 02    |
| another number than the one sent          | none: somebody has to look    | 05     |
| the number sent was withdrawn             | never that person             | 05     |
| not found or several, with a number sent  | as it was                     | 05     |
| not found or several, without one         | as it was                     | 04     |
| not enough data                           | as it was                     | 03     |

A cross-check of a number that the same service found by the same details says nothing new, and confirms nothing. What
a person decided, a never-link, a seal and records that somebody separated outrank every answer: such a record is left
as it was, at 05. An answer about other details than the record has today, or older than one already here, is put down
and not applied.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from adapters.spine.tracing import Meaning
from gateway.ids import person_id
from gateway.services.records.decided import standing
from gateway.services.records.link import JOINS_FOR_CARE
from gateway.services.records.protected import sealed_people
from gateway.services.records.renew import renewed
from gateway.services.records.supersede import number_changed
from gateway.services.tracing.outcomes import NO_OR_MANY, NOT_TRACED, TO_RESOLVE, TRACE_REQUIRED, VERIFIED
from gateway.storage.links import Basis, LinkKind, NewLink
from gateway.storage.onward import Answered, Check
from gateway.storage.successions import note
from linkage.decide import Candidate, Outcome, Step
from linkage.nhs_number import NhsNumber
from linkage.normalise import normalise
from linkage.person import Person

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gateway.engine import Engine
    from gateway.house import House
    from gateway.services.records.decided import Standing
    from gateway.storage.database import Tx
    from gateway.storage.links import Link
    from gateway.storage.onward import Question
    from gateway.storage.permit import Permit
    from gateway.storage.records import SourcePerson
    from linkage.person import Demographics

_ACTOR: Final = "gateway:national"
_SETTLED: Final = "national-answer"
_NAMES: Final = frozenset({Meaning.FOUND, Meaning.SUPERSEDED, Meaning.MERGED, Meaning.SENSITIVE})
_MOVED: Final = frozenset({Meaning.SUPERSEDED, Meaning.MERGED})
_NO_WORD: Final = frozenset({Meaning.NOT_TRACED, Meaning.REFUSED})
"""Answers that say nothing about the person: the question stays to be asked."""
_PROPOSES: Final[dict[Step | None, Basis]] = {Step.ALPHANUMERIC: Basis.ALPHANUMERIC}
"""Grounds of a number that was found and not confirmed; whatever is not exact counts as the algorithm's."""


class Became(StrEnum):
    """What an answer came to."""

    CONFIRMED = "confirmed"
    MOVED = "number-moved"
    PROPOSED = "proposed"
    ANOTHER_NUMBER = "another-number"
    KEPT_APART = "kept-apart"
    WITHDRAWN = "number-withdrawn"
    SEVERAL = "several"
    NOT_FOUND = "not-found"
    NOT_ENOUGH = "not-enough"
    NOT_TRACED = "not-traced"
    REFUSED = "refused"
    DETAILS_CHANGED = "details-changed"
    OVERTAKEN = "overtaken"
    RECORD_GONE = "record-gone"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to one question; ``number`` is well-formed, or None. ``returned`` is what the service itself holds."""

    question: Question
    meaning: Meaning
    code: str
    number: NhsNumber | None
    step: Step | None
    returned: Demographics | None = None


@dataclass(frozen=True, slots=True)
class _Change:
    """What one reply changes."""

    became: Became
    check: Check | None = None
    link: NewLink | None = None
    settles: bool = False


@dataclass(frozen=True, slots=True)
class Judge:
    """Everything that is known about some records whose questions were answered."""

    house: House
    permit: Permit
    engine: Engine
    people: dict[str, SourcePerson]
    at: Standing
    checks: dict[str, Check]
    checked_at: dict[str, datetime]
    sealed: frozenset[str]
    claims: dict[str, str]

    @classmethod
    def of(cls, house: House, permit: Permit, replies: Sequence[Reply]) -> Judge:
        """Gather it."""
        names = {one.question.source_person_id for one in replies}
        people = renewed(house, permit, house.stores.records.people(permit, names))
        checks = house.stores.onward.checks(permit, names)
        asked = house.stores.onward.questions(permit, {one.reference for one in checks.values()})
        claims = {one.question.source_person_id: person_id(one.number) for one in replies if one.number is not None}
        return cls(
            house,
            permit,
            house.engine(),
            {who.source_person_id: who for who in people},
            standing(house, permit, people),
            checks,
            {name: asked[one.reference].asked_at for name, one in checks.items() if one.reference in asked},
            sealed_people(house),
            claims,
        )

    def change(self, reply: Reply) -> _Change:
        """Say what one reply changes."""
        question, name = reply.question, reply.question.source_person_id
        if name not in self.people:
            return _Change(Became.RECORD_GONE)
        if reply.meaning in _NO_WORD:
            return _Change(Became(reply.meaning))
        if name in self.checked_at and self.checked_at[name] > question.asked_at:
            return _Change(Became.OVERTAKEN)
        if self.people[name].demographics_hash != question.demographics_hash:
            return _Change(Became.DETAILS_CHANGED)
        if reply.meaning in _NAMES and reply.number is not None:
            return self._named(reply, reply.number)
        return self._unnamed(reply)

    def _named(self, reply: Reply, number: NhsNumber) -> _Change:
        name, target = reply.question.source_person_id, person_id(number)
        sent = reply.question.nhs_number
        # a seal may have come since the question went out
        sealed = bool(sent) and person_id(NhsNumber(sent)) in self.sealed
        if sealed or target in self._barred(name):
            return _Change(Became.KEPT_APART, self._check(reply, "", TO_RESOLVE))
        moved = sent not in {"", number.digits}
        if moved and reply.step is not Step.CROSS_CHECK and reply.meaning not in _MOVED:
            return _Change(Became.ANOTHER_NUMBER, self._check(reply, "", TO_RESOLVE))
        confirmed = self._confirmed(reply, number)
        check = self._check(reply, number.digits, VERIFIED if confirmed else NOT_TRACED)
        held = self.at.link(name)
        if not confirmed and held is not None and held.basis in JOINS_FOR_CARE and held.person_id != target:
            return _Change(Became.ANOTHER_NUMBER, self._check(reply, "", TO_RESOLVE))
        basis = Basis.PDS if confirmed else _PROPOSES.get(reply.step, Basis.ALGORITHMIC)
        link = NewLink(name, target, LinkKind.IS, basis, _ACTOR, reply.question.service, nhs_number=number.digits)
        weaker = not confirmed and held is not None and held.person_id == target
        became = Became.PROPOSED if not confirmed else Became.MOVED if moved else Became.CONFIRMED
        return _Change(became, check, None if weaker else link, settles=True)

    def _barred(self, name: str) -> set[str]:
        """Whom the record may not be joined to: by a person's decision, a seal, or a record separated from it."""
        ruling = self.at.rulings[name]
        barred = {*self.at.never[name], *self.sealed}
        for other in ruling.separated:
            link = self.at.link(other) if other in self.at.rulings else None
            barred |= {link.person_id} if link is not None else set()
            barred |= {self.claims[other]} if other in self.claims else set()
        if ruling.decided and ruling.decided != self.claims.get(name):
            barred.add(self.claims.get(name, ""))
        return barred

    def _confirmed(self, reply: Reply, number: NhsNumber) -> bool:
        name, before = reply.question.source_person_id, self.checks.get(reply.question.source_person_id)
        if reply.step is Step.CROSS_CHECK and reply.question.nhs_number:
            found_there = before is not None and before.status == NOT_TRACED and before.nhs_number == number.digits
            return not found_there or self.people[name].nhs_number == number.digits
        if reply.returned is None:
            return False
        asked = Person.unpack(self.people[name].packed)
        held = Candidate(person_id(number), normalise(reply.returned))
        return self.engine.matcher.trace(replace(asked, nhs_number=None), [held]).outcome is Outcome.MATCHED

    def _unnamed(self, reply: Reply) -> _Change:
        name, sent = reply.question.source_person_id, reply.question.nhs_number
        if reply.meaning is Meaning.DELETED and sent:
            gone = person_id(NhsNumber(sent))
            link = NewLink(name, gone, LinkKind.NEVER, Basis.PDS, _ACTOR, reply.question.service)
            kept = self.at.rulings[name].decided == gone
            return _Change(Became.WITHDRAWN, self._check(reply, "", TO_RESOLVE), None if kept else link)
        if reply.meaning is Meaning.NOT_ENOUGH:
            return _Change(Became.NOT_ENOUGH, self._check(reply, "", TRACE_REQUIRED))
        status = TO_RESOLVE if sent else NO_OR_MANY
        became = Became.SEVERAL if reply.meaning is Meaning.SEVERAL else Became.NOT_FOUND
        return _Change(became, self._check(reply, "", status))

    def _check(self, reply: Reply, number: str, status: str) -> Check:
        question, before = reply.question, self.checks.get(reply.question.source_person_id)
        # DBS has no word for restricted: what was known of it stands
        unsaid = question.service == "dbs" or reply.meaning not in _NAMES
        restricted = reply.meaning is Meaning.SENSITIVE or (unsaid and before is not None and before.restricted)
        return Check(
            question.source_person_id,
            question.reference,
            question.demographics_hash,
            question.nhs_number,
            number,
            status,
            str(reply.meaning),
            reply.code,
            restricted,
            question.service,
            question.asked_at.date(),
        )


@dataclass(frozen=True, slots=True)
class Applied:
    """What some replies came to, in their order, and whom records were joined to or kept from."""

    became: tuple[Became, ...]
    people: frozenset[str]


def apply(house: House, tx: Tx, judge: Judge, replies: Sequence[Reply]) -> Applied:
    """Store what the replies say, in the caller's transaction.

    Raises:
        Conflict: a person decided otherwise while this was being worked out; the run can be repeated.
    """
    changes = [judge.change(one) for one in replies]
    stores = house.stores
    links = [*judge.at.seals, *(one.link for one in changes if one.link is not None)]
    made = stores.links.append(tx, links)
    stores.onward.check(tx, [one.check for one in changes if one.check is not None])
    stores.onward.answer(
        tx,
        [
            Answered(one.question.reference, str(one.meaning), one.code, one.number.digits if one.number else "")
            for one in replies
        ],
    )
    names = [one.question.source_person_id for one in replies]
    settled = [name for name, change in zip(names, changes, strict=True) if change.settles]
    stores.reviews.close_of(tx, settled, _SETTLED)
    _tell_moved(house, tx, judge, replies, changes, made)
    # whoever is ruled out by a withdrawn number may be somebody else of the index
    ruled_out = [fact.source_person_id for fact in made if fact.kind is LinkKind.NEVER]
    stores.records.untrace(tx, ruled_out)
    return Applied(tuple(one.became for one in changes), frozenset(link.person_id for link in made))


def _tell_moved(  # noqa: PLR0913, PLR0917 - what was asked, what changes, and what was written of it
    house: House, tx: Tx, judge: Judge, replies: Sequence[Reply], changes: Sequence[_Change], made: Sequence[Link]
) -> None:
    """Remember which number took the place of which, as opt-outs and pseudonyms need it, and let subscribers hear."""
    moved = [one for one, change in zip(replies, changes, strict=True) if change.became is Became.MOVED and one.number]
    pairs = {person_id(NhsNumber(one.question.nhs_number)): person_id(one.number) for one in moved if one.number}
    note(tx, pairs)
    names = {one.question.source_person_id for one in moved}
    joined = [link for link in made if link.kind is LinkKind.IS and link.source_person_id in names]
    told = [number_changed(link, judge.people[link.source_person_id].organisation) for link in joined]
    house.stores.outbox.put(tx, told)
