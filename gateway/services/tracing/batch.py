"""Use case: trace a whole file. The response has a row for every request row, and is written whole or not at all.

It is written aside, piece by piece, under the data folder (`gateway.services.tracing.work`): a run that was killed is
gone on with, and whom it had named is in the disclosure row of the run that delivers the response.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from dataclasses import dataclass, field
from importlib import metadata
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from gateway import ids
from gateway.errors import InputError
from gateway.services.files import named
from gateway.services.progress import silent
from gateway.services.tracing.against import checked_against
from gateway.services.tracing.csv_file import REQUEST_COLUMNS, CsvExchange
from gateway.services.tracing.outcomes import OF_TRACE, batch_code, refused_cells, status_of
from gateway.services.tracing.request_files import Asked, digest_of
from gateway.services.tracing.work import BatchReport, Piece, begun
from ig.decide import Described
from ig.purpose import Dataset, Element, Level
from linkage.closeness import too_close
from linkage.decide import Outcome
from linkage.model import Use
from linkage.nhs_number import NhsNumber
from linkage.person import NORMALISATION_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.engine import Engine
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.services.tracing.against import CheckedAgainst
    from gateway.services.tracing.request_files import Cells, Exchange
    from gateway.services.tracing.work import Work
    from linkage.findings import Finding, Flag, Step
    from linkage.person import Demographics, Person

__all__ = [
    "HOUSE",
    "REQUEST_COLUMNS",
    "RESPONSE_COLUMNS",
    "Algorithm",
    "Answering",
    "Asked",
    "BatchReport",
    "CsvExchange",
    "HouseTracer",
    "OneByOne",
    "Tracer",
    "clear_away",
    "house_cells",
    "told_of",
    "trace_csv",
    "trace_file",
]

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
_PART: Final = ".part"
_WORTH_KEEPING: Final = 1 << 18
"""Bytes of a file (some two thousand rows) below which a run that was killed is simply begun again."""
_PIECE: Final = 1_000
"""Rows answered one by one between two marks."""


class Tracer(Protocol):
    """What answers rows one by one: a matching algorithm over the index, inside one passage of the gate."""

    @property
    def capped(self) -> Counter[str]:
        """How many rows so far met more candidates than are looked at, by the kind of their largest key."""

    def found(self, said: Demographics, asked: Person) -> tuple[Outcome, Cells]:
        """Return what became of one row, and the cells that tell it; whom it names has been disclosed."""


class Answering(Protocol):
    """What answers the rows of a file, inside one passage of the gate."""

    def pieces(self, exchange: Exchange[Any, Any], skip: int, tell: Callable[[int], None]) -> Iterator[Piece]:
        """Answer all rows but the first ``skip``, in order; ``tell`` is told how many more are done now and then.

        Whom a piece names has been disclosed.
        """


@dataclass(frozen=True, slots=True)
class OneByOne:
    """A tracer that looks people up one after another."""

    tracer: Tracer
    against: CheckedAgainst

    def pieces(self, exchange: Exchange[Any, Any], skip: int, tell: Callable[[int], None]) -> Iterator[Piece]:
        """Answer the rows, a thousand to a piece."""
        rows, form, told = islice(exchange.rows(), skip, None), exchange.form, told_of(self.against)
        while raws := list(islice(rows, _PIECE)):
            lines: list[bytes] = []
            numbers: list[str] = []
            outcomes: Counter[str] = Counter()
            refused: Counter[str] = Counter()
            before = Counter(self.tracer.capped)
            for raw in raws:
                asked = form.asked(raw)
                if isinstance(asked.person, InputError):
                    refused[asked.person.reason] += 1
                    cells = refused_cells(asked.person.reason)
                else:
                    outcome, cells = self.tracer.found(asked.said, asked.person)
                    outcomes[outcome] += 1
                    numbers += [cells["matched_nhs_number"]] if outcome is Outcome.MATCHED else []
                lines.append(form.line(asked.row, {**told, **cells}))
                tell(1)
            yield Piece(len(raws), b"".join(lines), numbers, outcomes, refused, self.tracer.capped - before)


def told_of(against: CheckedAgainst) -> Cells:
    """Return the cells that every row of a response has."""
    return {"checked_against": f"{against.source} {against.as_of}"}


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
        posterior = best.posterior if best else None
        return finding.outcome, house_cells(finding, number, posterior, self.against, self._several(finding))

    def _several(self, finding: Finding) -> int:
        if finding.best is None or finding.outcome is Outcome.MATCHED:
            return 0
        bits = [one.bits for one in (finding.best, *finding.others)]
        return too_close(self.engine.matcher.scorer, bits, self.engine.matcher.model.thresholds[Use.PROPOSE])


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


def house_cells(
    told: Told, number: NhsNumber | None, posterior: float | None, against: CheckedAgainst, several: int = 0
) -> Cells:
    """Return the cells of a response row; ``number`` and ``posterior`` are those of the person found, if any.

    ``several`` counts the people who may be meant where nobody was found.
    """
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
        "several": str(several),
    }


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A way to trace a file: its name, the columns of its response, and what answers inside a passage."""

    name: str
    columns: tuple[str, ...]
    answering: Callable[[House, Passage, CheckedAgainst], Answering]


HOUSE: Final = Algorithm(
    "house",
    RESPONSE_COLUMNS,
    lambda house, passage, against: OneByOne(HouseTracer(house.engine(), passage, against), against),
)


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
    exchange: Exchange[Any, Any],
    target: Path,
    report: Report = silent,
    *,
    algorithm: Algorithm = HOUSE,
) -> BatchReport:
    """Trace every row of a request and write the response beside ``target``, then move it there.

    A run that was killed, or ended with `Unavailable`, is gone on with by the next one of the same caller over the
    same bytes, index and model, which writes the response that the first would have written.

    Raises:
        InputError: the request cannot be read to its end, or a row of it cannot be written back.
        NotPermitted: the caller's agreement does not let them trace.
        Unavailable: no usable index, or the ledger could not take the row; no response is written.
    """
    against = checked_against(house)
    clear_away(target)
    with named(target):
        target.parent.stat()
    name = _name(house, caller, exchange, algorithm, against)
    with begun(house.settings.data_dir, name) as work:
        with house.gate.permit(
            caller,
            level=Level.PATIENT,
            datasets={Dataset.INDEX},
            fields={Element.NHS_NUMBER},
            subject=Described(),
            filtered_on=frozenset(Element) - {Element.EVIDENCE},
            job="trace-file",
        ) as passage:
            if not work.done.rows:
                work.write(exchange.head())
            passage.disclose(
                (ids.person_id(NhsNumber.trusted(number)) for number in work.people()),
                rows=work.done.outcomes.total(),
            )
            told = _Told(report, work.done.rows, exchange.count)
            for piece in algorithm.answering(house, passage, against).pieces(exchange, work.done.rows, told):
                work.add(piece)
            work.write(exchange.tail())
        _deliver(work, target)
        return work.done


class _Told:
    """Tells whoever watches how many rows are done."""

    def __init__(self, report: Report, done: int, count: int | None) -> None:
        self._report, self._done, self._count = report, done, count

    def __call__(self, rows: int) -> None:
        self._done += rows
        self._report(self._done, self._count)


def _name(
    house: House, caller: Caller, exchange: Exchange[Any, Any], algorithm: Algorithm, against: CheckedAgainst
) -> str:
    """Name a run by everything that its answers and its right to them depend on; a short file's has no name."""
    with named(exchange.source):
        if exchange.source.stat().st_size < _WORTH_KEEPING:
            return ""
    told = (
        metadata.version("nhs-linkage-gateway"),
        NORMALISATION_VERSION,
        algorithm.name,
        algorithm.columns,
        exchange.form,
        exchange.head(),
        digest_of(exchange.source),
        house.stores.whole_index.stamp(),
        house.engine().model_hash,
        against,
        caller,
    )
    return hashlib.sha256(repr(told).encode()).hexdigest()[:32]


def _deliver(work: Work, target: Path) -> None:
    """Put the whole response where it was asked for; nobody sees a part of it under that name."""
    aside = target.with_name(f".{target.name}.{os.getpid()}{_PART}")
    with named(target):
        try:
            work.deliver(aside)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)


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
