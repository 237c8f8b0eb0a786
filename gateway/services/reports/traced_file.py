"""Use case: why rows of a traced file did not match. The response says which, the index of this box says why.

A row that was answered with a number is looked at for two things only: whether it is the number that was asked with,
and whether another row of the file got it too.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from adapters.spine.tracing import Meaning
from gateway.errors import InputError
from gateway.ids import person_id
from gateway.services.progress import silent
from gateway.services.reports.lines import Line, Unmatched, in_order
from gateway.services.reports.look import SHOWN, Bench
from gateway.services.reports.reasons import Cause
from gateway.services.tracing.against import checked_against
from ig.decide import Described
from ig.purpose import Dataset, Level
from linkage.findings import Outcome
from linkage.nhs_number import NhsNumber, NotAnNhsNumber

if TYPE_CHECKING:
    from adapters.spine.tracing import Answer
    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.services.reports.answers import Question, TracedFile

_FILE: Final = "file"
_SETTLED: Final = frozenset({Meaning.FOUND, Meaning.SUPERSEDED, Meaning.SENSITIVE, Meaning.MERGED})
_NUMBER_CAUSES: Final = {
    Meaning.SUPERSEDED: Cause.NUMBER_SUPERSEDED,
    Meaning.MERGED: Cause.NUMBER_SUPERSEDED,
    Meaning.DELETED: Cause.NUMBER_WITHDRAWN,
}
_ABSENT: Final = frozenset({"required", "date-empty"})
_EVEN: Final = 0.5


@dataclass(slots=True)
class _Run:
    """A report on a file in the making. ``first`` is the row that each number was first met in."""

    bench: Bench
    organisation: str
    lines: list[Line] = field(default_factory=list)
    first: dict[str, str] = field(default_factory=dict)
    lined: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    settled: int = 0

    def row(self, reference: str, asked: Question, answer: Answer) -> None:
        """Look at one row."""
        self.rows += 1
        number = _digits(asked.said.nhs_number)
        line, about = self._wrong(reference, asked, answer, number)
        if line is not None:
            self._add(line)
        if answer.number:
            # the number that was asked with is no ground: it may be somebody else's
            self._duplicate(reference, answer.number)
            about |= {person_id(NhsNumber(answer.number))}
        self.bench.passage.disclose(about, rows=1)

    def _wrong(self, reference: str, asked: Question, answer: Answer, number: str) -> tuple[Line | None, set[str]]:
        """What is wrong with a row by itself, and of whom of the index something is told by it."""
        cause = _NUMBER_CAUSES.get(answer.meaning)
        if answer.meaning is Meaning.FOUND and number and number != answer.number:
            cause = Cause.NUMBER_SOMEBODY_ELSES
        if cause is not None:
            made = self._line(reference, Outcome.MATCHED, cause, ("nhs_number",), 1.0) if number else None
            return made, set()
        if answer.meaning in _SETTLED:
            return None, set()
        if isinstance(asked.person, InputError):
            return self._unread(reference, asked.person), set()
        found = self.bench.tell(asked.said, asked.person)
        if found is None:
            self.settled += 1
            return None, set()
        said = found.diagnosis
        made = self._line(reference, found.outcome, said.cause, said.fields, found.pays)
        return replace(made, also=said.also), set(found.about)

    def _unread(self, reference: str, fault: InputError) -> Line:
        cause = Cause.NOT_ENOUGH if fault.reason in _ABSENT else Cause.ROW_REFUSED
        return self._line(reference, Outcome.INVALID_INPUT, cause, (fault.field or "row",), _EVEN)

    def _line(self, reference: str, outcome: Outcome, cause: Cause, fields: tuple[str, ...], pays: float) -> Line:
        return Line(_FILE, self.organisation, reference, outcome, cause, fields, pays=pays)

    def _add(self, line: Line) -> None:
        self.lined[line.reference] = len(self.lines)
        self.lines.append(line)

    def _duplicate(self, reference: str, number: str) -> None:
        """Mark a row, and the first of its number, when another row of the file was given that number too."""
        first = self.first.setdefault(number, reference)
        if first != reference:
            for one in (first, reference):
                self._mark(one)

    def _mark(self, reference: str) -> None:
        place = self.lined.get(reference)
        if place is None:
            self._add(self._line(reference, Outcome.MATCHED, Cause.DUPLICATE, (), _EVEN))
        elif Cause.DUPLICATE not in {self.lines[place].cause, *self.lines[place].also}:
            self.lines[place] = replace(self.lines[place], also=(*self.lines[place].also, Cause.DUPLICATE))


def unmatched_in_file(house: House, caller: Caller, file: TracedFile, report: Report = silent) -> Unmatched:
    """Return why rows of a traced file did not match.

    Raises:
        InputError: a file cannot be read, or the response is not this request's; names row and rule.
        NotPermitted: the caller's agreement does not let them trace.
        Unavailable: no usable index, or the ledger cannot take the row; nothing leaves.
    """
    against = checked_against(house)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields=SHOWN,
        subject=Described(),
        filtered_on=SHOWN,
        job="unmatched-file",
    ) as passage:
        engine = house.engine()
        run = _Run(Bench(engine, passage), caller.organisation)
        for reference, asked, answer in file.rows():
            run.row(reference, asked, answer)
            report(run.rows, None)
    return Unmatched(house.now(), engine.model, against, in_order(run.lines), run.rows, settled=run.settled)


def _digits(text: str) -> str:
    """The ten digits of a valid number, or empty."""
    try:
        return NhsNumber.parse(text).digits
    except NotAnNhsNumber:
        return ""
