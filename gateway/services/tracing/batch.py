"""Use case: trace a whole file. The response has a row for every request row, and is written whole or not at all."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar, runtime_checkable

from adapters.spine import asked_of
from gateway.errors import InputError
from gateway.services.files import named
from gateway.services.progress import silent
from gateway.services.tracing.against import checked_against
from gateway.services.tracing.asked import asked_person
from gateway.services.tracing.outcomes import OF_TRACE, batch_code, status_of
from ig.decide import Described
from ig.purpose import Dataset, Element, Level
from linkage.decide import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.engine import Engine
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.services.tracing.against import CheckedAgainst
    from linkage.findings import Flag, Step
    from linkage.nhs_number import NhsNumber
    from linkage.person import Demographics, Person

    Cells = dict[str, str]

REQUEST_COLUMNS: Final = (
    "row_id",
    "nhs_number",
    "family",
    "given",
    "other_given",
    "birth_date",
    "gender",
    "postcode",
    *(f"address_line{line}" for line in range(1, 6)),
    "phone",
    "email",
    "gp_practice",
    "death_date",
    "previous_family",
    "previous_postcode",
    "superseded_by",
    "sensitivity",
)
"""The index CSV's columns with ``row_id`` first; the last two say nothing about whom to find, and are passed over."""
RESPONSE_COLUMNS: Final = (
    "row_id",
    "outcome",
    "code",
    "matched_nhs_number",
    "step",
    "confidence",
    "status",
    "flags",
    "reason",
    "checked_against",
)
_REQUIRED: Final = frozenset({"row_id", "family", "birth_date"})
_PART: Final = ".part"


@dataclass(slots=True)
class BatchReport:
    """What a file came to: rows answered, by outcome; rows with too little to trace, by rule.

    ``capped`` counts the rows with more candidates than are looked at, by the kind of their largest key.
    """

    rows: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    capped: Counter[str] = field(default_factory=Counter)


R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Asked(Generic[R]):
    """One row of a request: the row as its format has it, what it says, and whom it asks about or why nobody."""

    row: R
    said: Demographics
    person: Person | InputError

    @classmethod
    def of(cls, row: R, said: Demographics, *, number_will_do: bool = False) -> Asked[R]:
        """Make comparable what a row says; ``number_will_do`` as `asked_person` takes it."""
        try:
            return cls(row, said, asked_person(said, number_will_do=number_will_do))
        except InputError as refused:
            return cls(row, said, refused)


class Exchange(Protocol[R]):
    """A request file of one format, and the response it gets; ``count`` is the number of its rows, where known."""

    @property
    def count(self) -> int | None:
        """How many rows there are."""

    def asked(self) -> Iterator[Asked[R]]:
        """Yield every row in order."""

    def lines(self, answered: Iterable[tuple[R, Cells]]) -> Iterator[bytes]:
        """Yield the whole response to the answered rows, line by line."""


class Tracer(Protocol):
    """What answers the rows of a file: a matching algorithm over the index, inside one passage of the gate."""

    @property
    def capped(self) -> Counter[str]:
        """How many rows so far met more candidates than are looked at, by the kind of their largest key."""

    def found(self, said: Demographics, asked: Person) -> tuple[Outcome, Cells]:
        """Return what became of one row, and the cells that tell it; whom it names has been disclosed."""


@runtime_checkable
class Forewarned(Tracer, Protocol):
    """A tracer that answers sooner when it is told beforehand who comes next, ``stretch`` rows at a time."""

    stretch: int

    def take(self, people: Sequence[Person]) -> None:
        """Prepare the answers for these people, who are then asked about one by one in this order."""


@dataclass(frozen=True, slots=True)
class HouseTracer:
    """The house model, which is the default."""

    engine: Engine
    passage: Passage
    against: CheckedAgainst
    capped: Counter[str] = field(default_factory=Counter)

    def found(self, said: Demographics, asked: Person) -> tuple[Outcome, Cells]:  # noqa: ARG002 - for others
        """Trace one person by the house model."""
        finding = self.engine.trace(self.passage.permit, asked, capped=self.capped)
        best = finding.best if finding.outcome is Outcome.MATCHED else None
        number = best.candidate.person.nhs_number if best else None
        self.passage.disclose([best.candidate.person_id] if best else (), rows=1)
        return finding.outcome, house_cells(finding, number, best.posterior if best else None, self.against)


class Told(Protocol):
    """What a finding of either engine says of one person asked about."""

    @property
    def outcome(self) -> Outcome:
        """What was found."""

    @property
    def step(self) -> Step | None:
        """The step that settled it."""

    @property
    def reason(self) -> str:
        """Why, as a stable code."""

    @property
    def flags(self) -> frozenset[Flag]:
        """What must be said beside it."""


def house_cells(told: Told, number: NhsNumber | None, posterior: float | None, against: CheckedAgainst) -> Cells:
    """Return the cells of a response row; ``number`` and ``posterior`` are those of the person found, if any."""
    row = OF_TRACE[told.outcome]
    return {
        "outcome": told.outcome,
        "code": batch_code(row, told.flags),
        "matched_nhs_number": number.digits if number else row.batch_number,
        "step": told.step or "",
        "confidence": f"{100 * posterior:.2f}" if number and posterior is not None else "0",
        "status": status_of(row, index_source=against.source),
        "flags": "|".join(sorted(told.flags)) if number else "",
        "reason": told.reason,
    }


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A way to trace a file: the columns of its response, and what makes a tracer for a passage."""

    columns: tuple[str, ...]
    tracer: Callable[[House, Passage, CheckedAgainst], Tracer]


HOUSE: Final = Algorithm(
    RESPONSE_COLUMNS, lambda house, passage, against: HouseTracer(house.engine(), passage, against)
)


@dataclass(frozen=True, slots=True)
class _Run:
    """One file being traced: what it is traced with, against what, and what has come of it."""

    tracer: Tracer
    against: CheckedAgainst
    done: BatchReport

    def answers(self, asked: Iterator[Asked[R]]) -> Iterator[tuple[R, Cells]]:
        """Yield every row with the cells that answer it."""
        if isinstance(self.tracer, Forewarned):
            while stretch := list(islice(asked, self.tracer.stretch)):
                self.tracer.take([one.person for one in stretch if not isinstance(one.person, InputError)])
                yield from ((one.row, self._answer(one)) for one in stretch)
        else:
            yield from ((one.row, self._answer(one)) for one in asked)

    def _answer(self, asked: Asked[R]) -> Cells:
        told = {"checked_against": f"{self.against.source} {self.against.as_of}"}
        self.done.rows += 1
        if isinstance(asked.person, InputError):
            self.done.refused[asked.person.reason] += 1
            invalid = OF_TRACE[Outcome.INVALID_INPUT]
            return {
                **told,
                "outcome": Outcome.INVALID_INPUT,
                "code": invalid.batch_code,
                "matched_nhs_number": invalid.batch_number,
                "confidence": "0",
                "status": invalid.status,
                "reason": asked.person.reason,
            }
        outcome, cells = self.tracer.found(asked.said, asked.person)
        self.done.outcomes[outcome] += 1
        return {**told, **cells}


def trace_csv(  # noqa: PLR0913 - the last two are options
    house: House,
    caller: Caller,
    source: Path,
    target: Path,
    report: Report = silent,
    *,
    algorithm: Algorithm = HOUSE,
) -> BatchReport:
    """Trace every row of a CSV ``source`` and write the response beside ``target``, then move it there.

    Columns are those of the index CSV with ``row_id``; unknown columns are refused by name.

    Raises:
        InputError: the file is not readable as such a CSV; names row and column.
        NotPermitted: the caller's agreement does not let them trace.
        Unavailable: no usable index, or the ledger could not take the row; no response is written.
    """
    return trace_file(house, caller, CsvExchange(source, algorithm.columns), target, report, algorithm=algorithm)


def trace_file(  # noqa: PLR0913 - the last two are options
    house: House,
    caller: Caller,
    exchange: Exchange[R],
    target: Path,
    report: Report = silent,
    *,
    algorithm: Algorithm = HOUSE,
) -> BatchReport:
    """Trace every row of a request and write the response beside ``target``, then move it there.

    Raises:
        InputError: the request cannot be read to its end, or a row of it cannot be written back.
        NotPermitted: the caller's agreement does not let them trace.
        Unavailable: no usable index, or the ledger could not take the row; no response is written.
    """
    done = BatchReport()
    against = checked_against(house)
    clear_away(target)
    aside = target.with_name(f".{target.name}.{os.getpid()}{_PART}")
    try:
        with (
            named(target),
            house.gate.permit(
                caller,
                level=Level.PATIENT,
                datasets={Dataset.INDEX},
                fields={Element.NHS_NUMBER},
                subject=Described(),
                filtered_on=frozenset(Element) - {Element.EVIDENCE},
                job="trace-file",
            ) as passage,
        ):
            run = _Run(algorithm.tracer(house, passage, against), against, done)
            with aside.open("wb") as written:
                answered = _reported(run.answers(exchange.asked()), done, exchange.count, report)
                written.writelines(exchange.lines(answered))
                done.capped = run.tracer.capped
                written.flush()
                os.fsync(written.fileno())
        with named(target):
            aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
    return done


def _reported(answered: Iterator[R], done: BatchReport, count: int | None, report: Report) -> Iterator[R]:
    for one in answered:
        yield one
        report(done.rows, count)


def clear_away(target: Path) -> None:
    """Remove what runs that were killed left beside ``target``: people's data, in a file that nobody will finish.

    Raises:
        InputError: the folder cannot be read or written.
    """
    with named(target):
        for left in target.parent.glob(f".{target.name}.*{_PART}"):
            owner = left.name.removeprefix(f".{target.name}.").removesuffix(_PART)
            if owner.isdecimal() and not _runs(int(owner)):
                left.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # somebody else's
    return True


class CsvExchange:
    """The index CSV's columns with ``row_id`` in, the columns of an algorithm's answers out."""

    count = None

    def __init__(self, source: Path, columns: Sequence[str]) -> None:
        self._source = source
        self._columns = columns

    def asked(self) -> Iterator[Asked[str]]:
        """Yield every row by its ``row_id``."""
        for row in _rows(self._source):
            yield Asked.of(row["row_id"], asked_of(row))

    def lines(self, answered: Iterable[tuple[str, Cells]]) -> Iterator[bytes]:
        """Yield the header, then a line for every row."""
        line = io.StringIO(newline="")
        writer = csv.DictWriter(line, self._columns, lineterminator="\r\n", restval="")
        writer.writeheader()
        for row_id, cells in answered:
            yield _taken(line)
            writer.writerow({"row_id": row_id, **cells})
        yield _taken(line)


def _taken(line: io.StringIO) -> bytes:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text.encode()


def _rows(source: Path) -> Iterator[dict[str, str]]:
    with named(source):
        if source.stat().st_size == 0:
            raise InputError(f"{source.name}: the file is empty", reason="empty-file", field="path")
        opened = source.open(encoding="utf-8-sig", newline="")
    with opened:
        reader = csv.DictReader(opened, strict=True)
        try:
            _check_header(source, reader.fieldnames or ())
            for number, row in enumerate(reader, 2):
                if None in row or None in row.values():
                    raise InputError(
                        f"{source.name}, row {number}: not {len(reader.fieldnames or ())} columns", reason="columns"
                    )
                yield row
        except UnicodeDecodeError:
            raise InputError(f"{source.name}: not UTF-8 text", reason="wrong-encoding", field="path") from None
        except csv.Error:
            raise InputError(
                f"{source.name}, row {reader.line_num}: not CSV", reason="broken-quoting", field="path"
            ) from None


def _check_header(source: Path, names: object) -> None:
    given = list(names) if isinstance(names, list | tuple) else []
    for name in given:
        if name not in REQUEST_COLUMNS:
            raise InputError(f"{source.name}, row 1: unknown column {name[:40]!r}", reason="unknown-column", field=name)
    for name in sorted(_REQUIRED - set(given)):
        raise InputError(f"{source.name}, row 1: the column {name} is missing", reason="missing-column", field=name)
