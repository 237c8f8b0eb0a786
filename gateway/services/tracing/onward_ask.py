"""Use case: ask the PDS FHIR API about the records that the index could not settle, one after another.

Each question is decided, and its disclosure row durable, before anything is sent. What came of it is stored before the
next one is asked, so that a run that was stopped goes on where it was: whoever has been asked about with the same
details is not asked about again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from adapters.person import to_demographics
from adapters.spine.tracing import Code, Meaning
from gateway.ids import person_id, person_id_without_number
from gateway.services.progress import silent
from gateway.services.records.ranges import is_test_number, refuse_real_numbers
from gateway.services.tracing.asked import asked_person, elements_used
from gateway.services.tracing.onward_apply import Judge, Reply, apply
from gateway.services.tracing.onward_cascade import search
from gateway.services.tracing.onward_select import SENT, Screen, Selection, Wanted, select
from gateway.storage.onward import NewQuestion, Question
from ig.decide import Known, Population, SubjectRef
from ig.purpose import Dataset, Element, Level
from linkage.decide import Candidate, Step
from linkage.nhs_number import NhsNumber, NotAnNhsNumber
from linkage.normalise import normalise

if TYPE_CHECKING:
    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.services.tracing.onward_cascade import Found, Query
    from gateway.services.tracing.onward_select import Askable
    from linkage.person import Demographics

SERVICE: Final = "pds-fhir"
"""What the number of a record settled so was checked against."""

_SECURED: Final = frozenset({"R", "V"})


class AskablePds(Protocol):
    """A PDS that gives a patient by number, and looks one up. Raises UpstreamError when it cannot."""

    @property
    def age(self) -> float:
        """How many seconds ago the answer given last was got."""

    def patient(self, number: NhsNumber) -> dict[str, Any] | None:
        """Return the Patient now known by ``number``, or None."""

    def search(self, query: Query) -> Found:
        """Return what one search found."""


@dataclass(slots=True)
class AskReport:
    """How many records were asked about, what became of them, and who was left out by reason.

    ``oldest`` is the age, in seconds, of the oldest answer that was not asked for again.
    """

    asked: int = 0
    became: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    oldest: float = 0.0


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: who asks whom, inside which passage, and what has come of it."""

    house: House
    caller: Caller
    passage: Passage
    pds: AskablePds
    done: AskReport

    def one(self, one: Askable) -> None:
        """Ask about one record and store what came of it."""
        self._declare(one)
        question = self._question(one)
        reply = self._reply(one, question)
        self.done.oldest = max(self.done.oldest, self.pds.age)
        judge = Judge.of(self.house, self.passage.permit, [reply])
        remembered = NewQuestion(
            question.reference, question.source_person_id, question.demographics_hash, question.nhs_number, SERVICE
        )
        with self.house.stores.transaction() as tx:
            self.house.stores.onward.ask(tx, [remembered])
            applied = apply(self.house, tx, judge, [reply])
        self.passage.disclose(applied.people, rows=1)
        self.done.asked += 1
        self.done.became.update(str(became) for became in applied.became)

    def _declare(self, one: Askable) -> None:
        """Have the question decided, and its row written, before it is sent."""
        who = one.record.person_id or person_id_without_number(one.record.source_person_id)
        with self.house.gate.permit(
            self.caller,
            level=Level.PATIENT,
            datasets={Dataset.INDEX},
            fields={Element.NHS_NUMBER},
            subject=Known(SubjectRef(who)),
            filtered_on=elements_used(one.asked),
        ) as passage:
            passage.disclose(one.people, rows=1, outcome="asks-pds")

    def _question(self, one: Askable) -> Question:
        at = self.house.now()
        token = self.house.stores.keys.subject_token(f"{SERVICE}|{one.record.source_person_id}|{at.isoformat()}")
        return Question(
            reference=f"P{token.upper()}"[:20],
            source_person_id=one.record.source_person_id,
            demographics_hash=one.record.demographics_hash,
            nhs_number=one.asked.nhs_number,
            service=SERVICE,
            file=0,
            meaning="",
            code="",
            found="",
            asked_at=at,
        )

    def _reply(self, one: Askable, question: Question) -> Reply:
        if question.nhs_number:
            patient = self.pds.patient(NhsNumber(question.nhs_number))
            if patient is not None and self._agrees(one.asked, patient):
                return self._of(question, patient, Step.CROSS_CHECK)
        cascade = search(self.pds, replace(one.asked, nhs_number=""))
        if cascade.found.patient is not None:
            return self._of(question, cascade.found.patient, Step.ALPHANUMERIC if cascade.exact else Step.ALGORITHMIC)
        if cascade.several:
            return Reply(question, Meaning.SEVERAL, str(Code.SEVERAL_CLOSE), None, None)
        enough = cascade.steps or question.nhs_number
        meaning, code = (Meaning.NOT_FOUND, Code.NOT_FOUND) if enough else (Meaning.NOT_ENOUGH, Code.NOT_ENOUGH_DATA)
        return Reply(question, meaning, str(code), None, None)

    def _agrees(self, asked: Demographics, patient: dict[str, Any]) -> bool:
        """Whether the details are those of the patient, by the house's own cross-check."""
        number = _number(patient)
        if number is None:
            return False
        person = replace(asked_person(asked, number_will_do=True), nhs_number=number)
        held = Candidate(person_id(number), normalise(to_demographics(patient)))
        return self.house.engine().matcher.cross_check(person, held) is not None

    def _of(self, question: Question, patient: dict[str, Any], step: Step) -> Reply:
        number = _number(patient)
        if number is None or is_test_number(self.house.settings, number.digits):
            return Reply(question, Meaning.REFUSED, str(Code.INVALID_FORMAT), None, None)
        refuse_real_numbers(self.house.settings, [number.digits])
        moved = step is Step.CROSS_CHECK and number.digits != question.nhs_number
        meaning, code = (Meaning.SUPERSEDED, Code.SUPERSEDED) if moved else (Meaning.FOUND, Code.SUCCESS)
        if _is_secured(patient):
            meaning, code = Meaning.SENSITIVE, Code.SENSITIVE
        returned = to_demographics(patient) if step is not Step.CROSS_CHECK else None
        return Reply(question, meaning, str(code), number, step, returned)


def ask_pds(  # noqa: PLR0913 - the last two are options
    house: House,
    caller: Caller,
    pds: AskablePds,
    limit: int | None = None,
    report: Report = silent,
    *,
    again: bool = False,
) -> AskReport:
    """Ask about the residue, at most ``limit`` records of it; ``again`` also about those asked about before.

    Raises:
        NotPermitted: no grant covers it.
        UpstreamError: PDS cannot answer; what was asked so far is kept, and the run can be repeated.
        Unavailable: the ledger cannot take a row; the question was not sent.
    """
    done = AskReport()
    with house.gate.permit(
        caller, level=Level.PATIENT, datasets={Dataset.INDEX}, fields=SENT, subject=Population(), job="trace-ask"
    ) as passage:
        wanted = Wanted(Selection.UNRESOLVED, again=again)
        screen = Screen(house, passage, wanted, done.left)
        run = _Run(house, caller, passage, pds, done)
        pages = (screen.page(found) for found in select(house, passage.permit, wanted))
        for one in islice(chain.from_iterable(pages), limit):
            run.one(one)
            report(done.asked, limit)
    return done


def _number(patient: dict[str, Any]) -> NhsNumber | None:
    try:
        return NhsNumber(str(patient.get("id", "")))
    except NotAnNhsNumber:
        return None


def _is_secured(patient: dict[str, Any]) -> bool:
    labels = (patient.get("meta") or {}).get("security") or []
    return any(label.get("code") in _SECURED for label in labels)
