"""Use case: the national service's answers brought home, each to the record whose question it answers.

Links, the service's last word, the questions' answers and how far the file has been read are one transaction a batch:
a killed run goes on where it stopped, and the same file a second time changes nothing. A row that answers no question
of this house, another question than its reference's, or one that has another answer already is put into quarantine.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from adapters.feed import Quarantined
from gateway.services.files import named
from gateway.services.progress import silent
from gateway.services.records.ranges import is_test_number, refuse_real_numbers
from gateway.services.tracing.onward_answers import Given, opened_answers
from gateway.services.tracing.onward_apply import Judge, Reply, apply
from gateway.storage.jobs import JobState
from ig.decide import Population
from ig.purpose import Dataset, Element, Level
from linkage.nhs_number import NhsNumber, NotAnNhsNumber

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from adapters.spine.tracing import Charset
    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.services.tracing.formats import Format
    from gateway.services.tracing.onward_answers import AnswerFile
    from gateway.storage.jobs import Job
    from gateway.storage.onward import Question

SOURCE: Final = "trace-response"
"""Under this source rows of response files wait in quarantine."""

_KIND: Final = "trace-import"
_BATCH: Final = 500


@dataclass(slots=True)
class ImportReport:
    """What a file came to: rows read, answers by what became of them, rows in quarantine by rule.

    ``same`` counts answers that were here already; ``already`` when the whole file was.
    """

    rows: int = 0
    became: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    same: int = 0
    already: bool = False

    def as_json(self) -> dict[str, Any]:
        """The report as a job's checkpoint keeps it."""
        counts = {"became": dict(self.became), "quarantined": dict(self.quarantined)}
        return {"rows": self.rows, "same": self.same, **counts}

    @classmethod
    def of_json(cls, data: dict[str, Any]) -> ImportReport:
        """Read back what :meth:`as_json` wrote."""
        counts = Counter(data.get("became", {})), Counter(data.get("quarantined", {}))
        return cls(data.get("rows", 0), *counts, same=data.get("same", 0))


@dataclass(slots=True)
class _Batch:
    """Some rows of a file, sorted into answers to apply and rows to set aside."""

    rows: int = 0
    replies: list[Reply] = field(default_factory=list)
    aside: list[Quarantined] = field(default_factory=list)
    same: int = 0


def import_answers(  # noqa: PLR0913, PLR0917 - the last is who is told
    house: House, caller: Caller, layout: Format, source: Path, charset: Charset, report: Report = silent
) -> ImportReport:
    """Apply every answer of a response file.

    Raises:
        InputError: the file is no whole response of this format, or holds a number of the issued range in a
            demonstration.
        NotPermitted: no grant covers it.
        Conflict: the same file is being read by another run, or somebody decided about one of its records meanwhile.
        Unavailable: a store cannot be written; the run can be repeated.
    """
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER},
        subject=Population(),
        job="trace-import",
    ) as passage:
        file = opened_answers(layout, source, charset)
        key = f"{layout}:{_digest(source)}"
        held = house.stores.jobs.get(_KIND, key)
        if held is not None and held.state is JobState.DONE:
            done = ImportReport.of_json(held.checkpoint)
            return ImportReport(done.rows, same=done.rows - done.quarantined.total(), already=True)
        job = house.stores.jobs.start_or_resume(_KIND, key)
        return _read(house, passage, job, file, report)


def _read(house: House, passage: Passage, job: Job, file: AnswerFile, report: Report) -> ImportReport:
    done = ImportReport.of_json(job.checkpoint)
    answers = file.answers()
    for _ in islice(answers, done.rows):
        pass
    while rows := list(islice(answers, _BATCH)):
        for batch in _sorted(house, passage, file.name, rows):
            _store(house, passage, job, batch, done)
        report(done.rows, file.count)
    with house.stores.transaction() as tx:
        house.stores.jobs.finish(tx, job, done.as_json())
    return done


def _store(house: House, passage: Passage, job: Job, batch: _Batch, done: ImportReport) -> None:
    judge = Judge.of(house, passage.permit, batch.replies)
    with house.stores.transaction() as tx:
        applied = apply(house, tx, judge, batch.replies)
        house.stores.quarantine.put_many(tx, SOURCE, batch.aside)
        done.rows += batch.rows
        done.same += batch.same
        done.became.update(str(one) for one in applied.became)
        done.quarantined.update(row.rule for row in batch.aside)
        house.stores.jobs.checkpoint(tx, job, done.as_json())
    passage.disclose(applied.people, rows=batch.rows, outcome="imported")


def _sorted(house: House, passage: Passage, feed: str, rows: Sequence[Given | Quarantined]) -> Iterator[_Batch]:
    """Sort rows into batches in which no record is answered about twice."""
    given = [row for row in rows if not isinstance(row, Quarantined)]
    refuse_real_numbers(house.settings, (row.answer.number for row in given if row.answer.number))
    asked = house.stores.onward.questions(passage.permit, {row.answer.reference.strip() for row in given})
    batch, seen, met = _Batch(), set[str](), dict[str, Given]()
    for row in rows:
        question = None if isinstance(row, Quarantined) else asked.get(row.answer.reference.strip())
        if question is not None and question.source_person_id in seen:
            yield batch
            batch, seen = _Batch(), set()
        batch.rows += 1
        if isinstance(row, Quarantined):
            batch.aside.append(row)
            continue
        before = met.setdefault(row.answer.reference.strip(), row)
        rule = _fault(house, row, question, before)
        if rule == _SAME:
            batch.same += 1
        elif rule or question is None:
            batch.aside.append(_set_aside(feed, row, rule))
        else:
            seen.add(question.source_person_id)
            batch.replies.append(_reply(row, question))
    yield batch


_SAME: Final = "same"
_NEVER_ASKED: Final = "never-asked"
_SENTENCES: Final = {
    _NEVER_ASKED: ("reference", "no question of this house has it"),
    "answered-otherwise": ("reference", "the question has another answer already"),
    "another-question": ("nhs_number", "the question with this reference was about another number"),
    "not-an-nhs-number": ("matched number", "not an NHS number"),
    "test-number": ("matched number", "a number of the never-issued ranges, which are for tests"),
}


def _fault(house: House, row: Given, question: Question | None, before: Given) -> str:
    """Why a row cannot be believed; ``same`` for an answer that is here already, empty for a new one."""
    answer = row.answer
    if question is None:
        return _NEVER_ASKED
    if question.nhs_number and answer.asked_number.strip() not in {"", question.nhs_number}:
        return "another-question"
    if answer.number and _number(answer.number) is None:
        return "not-an-nhs-number"
    if is_test_number(house.settings, answer.number):
        return "test-number"
    first = before.answer
    told = (question.meaning, question.code, question.found) if question.meaning else ("", "", "")
    if before is not row:
        told = (first.meaning, first.code, first.number)
    if not any(told):
        return ""
    return _SAME if told == (answer.meaning, answer.code, answer.number) else "answered-otherwise"


def _reply(row: Given, question: Question) -> Reply:
    answer = row.answer
    return Reply(question, answer.meaning, str(answer.code), _number(answer.number), row.step, row.returned)


def _number(text: str) -> NhsNumber | None:
    try:
        return NhsNumber(text)
    except NotAnNhsNumber:
        return None


def _set_aside(feed: str, row: Given, rule: str) -> Quarantined:
    name, sentence = _SENTENCES[rule]
    return Quarantined(feed, row.row, name, rule, f"{name}: {sentence} [{rule}]", row.original, row.answer.reference)


def _digest(source: Path) -> str:
    with named(source), source.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()[:32]
