"""Use case: the residue as request files for the national service, DBS or PDS MESH.

A reference says of whose record a row is to nobody but this house: letters and digits, made with a key of its own from
the record and the run. Every question is remembered, and the disclosure row of everybody named is durable, before a
file appears under its name; a run that was killed and is begun again gives the same files.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from adapters.spine import dbs, pds_mesh
from adapters.spine.dbs_columns import REQUEST as DBS_REQUEST
from adapters.spine.trace_lines import Style
from adapters.spine.trace_people import request_of
from adapters.spine.tracing import Charset, Request
from adapters.values import BadField
from gateway.services.files import named
from gateway.services.progress import silent
from gateway.services.tracing.batch import clear_away
from gateway.services.tracing.formats import Format
from gateway.services.tracing.onward_select import SENT, Screen, select
from gateway.storage.onward import NewQuestion
from ig.decide import Population
from ig.purpose import Dataset, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.spine.trace_columns import Layout
    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.services.tracing.onward_select import Askable, Wanted
    from gateway.storage.jobs import Job

LIMITS: Final = {Format.DBS: dbs.MOST_RECORDS, Format.PDS_MESH: pds_mesh.MOST_RECORDS}
"""Rows that the national service takes in one file; more go into further files."""

_KIND, _KEY = "trace-export", "onward"
_LAYOUTS: Final[dict[Format, Layout]] = {Format.DBS: DBS_REQUEST, Format.PDS_MESH: pds_mesh.REQUEST}
_PREFIX: Final = "Q"
_REFERENCE: Final = 20
_VERSION: Final = "001"
_SERVICE: Final = "DBS"
_DISPENSABLE: Final = (
    *(f"address_line{line}" for line in range(1, 6)),
    "other_given",
    "postcode",
    "gp_practice",
    "telephone",
    "mobile",
    "email",
    "previous_family",
    "previous_postcode",
)
"""What a question can do without: a cell that its field has no room for is left blank, and never cut short."""


class Body(StrEnum):
    """How the bodies of a DBS file are written."""

    FIXED = "fixed"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Written:
    """How request files are written; ``most`` rows go into one."""

    layout: Format
    charset: Charset = Charset.UTF_8
    body: Body = Body.FIXED
    most: int = 0

    @property
    def limit(self) -> int:
        """Rows in one file."""
        return self.most or LIMITS[self.layout]


@dataclass(slots=True)
class ExportReport:
    """What was written. ``left`` counts records left out, by reason; ``resumed``: only the end was still to be done."""

    rows: int = 0
    files: list[Path] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)
    resumed: bool = False


@dataclass(slots=True)
class _Run:
    """One export: what is wanted and how it is written, under which job, and what has come of it.

    ``first`` is the number of its first file, which counts on through all exports, and ``stamp`` when it was begun.
    """

    house: House
    wanted: Wanted
    written: Written
    target: Path
    job: Job
    first: int
    stamp: str
    done: ExportReport = field(default_factory=ExportReport)
    people: set[str] = field(default_factory=set)
    parts: list[tuple[Path, Path]] = field(default_factory=list)

    def write(self, passage: Passage, report: Report) -> None:
        """Write every part beside its name, and remember what they ask."""
        screen = Screen(self.house, passage, self.wanted)
        self.done.left = screen.left
        requests = self._requests(passage, screen, report)
        try:
            while (one := next(requests, None)) is not None:
                self._part(passage, chain([one], islice(requests, self.written.limit - 1)))
        except BaseException:
            for aside, _ in self.parts:
                aside.unlink(missing_ok=True)
            raise

    def _requests(self, passage: Passage, screen: Screen, report: Report) -> Iterator[Request]:
        style = Style(self.written.charset)
        layout = _LAYOUTS[self.written.layout]
        for found in select(self.house, passage.permit, self.wanted):
            page = []
            for one in screen.page(found):
                request = fitted(request_of(one.asked, self._reference(one)), layout, style)
                if isinstance(request, Request):
                    page.append((one, request))
                else:
                    self.done.left[request] += 1
            self._remember(page)
            for one, request in page:
                self.people |= one.people
                self.done.rows += 1
                yield request
            report(self.done.rows, None)

    def _reference(self, one: Askable) -> str:
        """Return the reference of a record in this run: the same for a run begun again, and nobody else's."""
        token = self.house.stores.keys.subject_token(f"onward|{self.first}|{one.record.source_person_id}")
        return f"{_PREFIX}{token.upper()}"[:_REFERENCE]

    def _remember(self, page: list[tuple[Askable, Request]]) -> None:
        questions = [
            NewQuestion(
                reference=request.reference,
                source_person_id=one.record.source_person_id,
                demographics_hash=one.record.demographics_hash,
                nhs_number=request.nhs_number,
                service=self.written.layout.value,
                file=self.first + (self.done.rows + place) // self.written.limit,
            )
            for place, (one, request) in enumerate(page)
        ]
        with self.house.stores.transaction() as tx:
            self.house.stores.onward.ask(tx, questions)
            self.house.stores.jobs.checkpoint(tx, self.job, self._state())

    def _state(self) -> dict[str, Any]:
        return {"of": _of(self.wanted, self.written, self.target), "first": self.first, "stamp": self.stamp}

    def _part(self, passage: Passage, requests: Iterator[Request]) -> None:
        place = len(self.parts)
        final = self.target if not place else self.target.with_stem(f"{self.target.stem}-{place + 1}")
        clear_away(final)
        aside = final.with_name(f".{final.name}.{os.getpid()}.part")
        self.parts.append((aside, final))
        with aside.open("w+b") as file:
            if self.written.layout is Format.DBS:
                self._dbs(file, passage.permit.organisation, self.first + place, requests)
            else:
                file.writelines(pds_mesh.write_requests(requests, Style(self.written.charset)))
            file.flush()
            os.fsync(file.fileno())

    def _dbs(self, file: BinaryIO, organisation: str, sequence: int, requests: Iterator[Request]) -> None:
        """Write a file whose header and trailer say how many rows there are, which is known at its end."""
        body = dbs.Body.CSV if self.written.body is Body.CSV else dbs.Body.FIXED
        style = Style(self.written.charset, dbs.STYLE.end, dbs.STYLE.quote_all)
        kind, service = dbs.FileType.REQUEST, _SERVICE
        header = dbs.Header(kind, _VERSION, body, organisation, service, self.stamp, sequence, 0)
        last, lines = 0, -2
        for line in dbs.write_requests(header, requests, style):
            last = file.tell()
            file.write(line)
            lines += 1
        head, tail = dbs.write_requests(replace(header, records=lines), (), style)
        file.seek(last)
        file.truncate()
        file.write(tail)
        file.seek(0)
        file.write(head)

    def appear(self) -> None:
        """Give the parts their names; whom they name is in the ledger by now."""
        ready = [[str(aside.absolute()), str(final.absolute())] for aside, final in self.parts]
        with self.house.stores.transaction() as tx:
            self.job = self.house.stores.jobs.checkpoint(
                tx, self.job, {**self._state(), "ready": ready, "rows": self.done.rows}
            )
        _finish(self.house, self.job)
        self.done.files = [final for _, final in self.parts]


def export_requests(  # noqa: PLR0913, PLR0917 - the last is who is told
    house: House, caller: Caller, wanted: Wanted, written: Written, target: Path, report: Report = silent
) -> ExportReport:
    """Write the request files that ask about the records wanted, beside ``target``, then move them there.

    The caller's own organisation's records, or under a processing grant everybody's. Further files are numbered behind
    the name of the first; where there is nothing to ask there is no file.

    Raises:
        NotPermitted: the caller's agreement does not let them trace.
        Conflict: another export is going on.
        InputError: ``target`` cannot be written.
        Unavailable: the ledger could not take the row; no file appears.
    """
    with (
        named(target),
        house.gate.permit(
            caller,
            level=Level.PATIENT,
            datasets={Dataset.INDEX},
            fields=SENT,
            subject=Population(),
            job="trace-export",
        ) as passage,
    ):
        job = house.stores.jobs.start_or_resume(_KIND, _KEY)
        before = job.checkpoint
        same = before.get("of") == _of(wanted, written, target)
        if "ready" in before:
            finished = _finish(house, job)
            if same:
                return finished
            job = house.stores.jobs.start_or_resume(_KIND, _KEY)
        run = _run(house, wanted, written, target, job, before if same else {})
        run.write(passage, report)
        passage.disclose(run.people, rows=run.done.rows, outcome="exported")
    with named(target):
        run.appear()
    return run.done


def _run(  # noqa: PLR0913, PLR0917 - what a run is made of
    house: House, wanted: Wanted, written: Written, target: Path, job: Job, before: dict[str, Any]
) -> _Run:
    """Begin a run, or begin again one that was killed; what that one had remembered never left the house."""
    if "first" in job.checkpoint and "ready" not in job.checkpoint:
        with house.stores.transaction() as tx:
            house.stores.onward.forget_files(tx, job.checkpoint["first"])
    first = before.get("first") or house.stores.onward.last_file() + 1
    stamp = before.get("stamp") or house.now().strftime("%Y%m%d%H%M%S")
    return _Run(house, wanted, written, target, job, first, stamp)


def _finish(house: House, job: Job) -> ExportReport:
    """Give finished parts their names, those that have none yet, and close the job."""
    ready = [(Path(aside), Path(final)) for aside, final in job.checkpoint["ready"]]
    for aside, final in ready:
        if aside.exists():
            aside.replace(final)
    with house.stores.transaction() as tx:
        house.stores.jobs.finish(tx, job)
    return ExportReport(job.checkpoint["rows"], [final for _, final in ready], resumed=True)


def _of(wanted: Wanted, written: Written, target: Path) -> str:
    """Tell one export from another: a killed one is gone on with only by the same command."""
    said = repr((wanted.selection, wanted.since, sorted(wanted.sources), wanted.again, written, str(target.absolute())))
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def fitted(request: Request, layout: Layout, style: Style) -> Request | str:
    """Return a request that a format has room for, or the rule and field that keep it out.

    What the question can do without is left blank where it does not fit; names, dates and numbers are never cut.
    """
    while True:
        cells = list(layout.cells(request))
        fault = layout.fault_in(cells)
        name, rule = (fault.field, fault.rule) if fault else _unwritable(layout, cells, style)
        if not rule:
            return request
        attribute = dict(zip(layout.names, layout.attributes, strict=True)).get(name, "")
        if attribute not in _DISPENSABLE:
            return f"{rule}: {name}"
        request = replace(request, **{attribute: ""})


def _unwritable(layout: Layout, cells: list[str], style: Style) -> tuple[str, str]:
    try:
        style.line(layout.names, cells)
    except BadField as fault:
        return fault.field, fault.rule
    return "", ""
