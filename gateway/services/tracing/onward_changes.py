"""Use case: what has changed about the numbers of one source since its last such file, as a CSV its system can load.

Columns are named as that system names them. A row says which number the record had in the source, which it is to hold
from now on, its status, and against what and when it was checked. Every cell stands in quotes; one that a spreadsheet
would take for a formula gets an apostrophe before it (OWASP, CSV injection). What a source was told is remembered
before its file appears, so that the next file has only what is new; a killed run that is begun again writes the same
file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.errors import InputError, Unavailable
from gateway.services.files import harmless, named
from gateway.services.progress import silent
from gateway.services.records.protected import sealed_people
from gateway.services.tracing.against import checked_against
from gateway.services.tracing.batch import clear_away
from gateway.services.tracing.onward_status import number_status
from gateway.services.tracing.outcomes import NOT_TRACED, TO_RESOLVE, TRACE_REQUIRED
from gateway.storage.onward import Told, Whose
from ig.decide import Population
from ig.purpose import Dataset, Element, Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.services.tracing.against import CheckedAgainst
    from gateway.storage.jobs import Job
    from gateway.storage.onward import Numbered, ToldRow

_GENERAL: Final = ("local_id", "old_nhs_number", "nhs_number", "nhs_number_status", "checked_against", "checked_on")
COLUMNS: Final = {
    "social-care": (
        "LA Person Unique Identifier",
        "Old NHS Number",
        "NHS Number",
        "NHS Number Status",
        "Checked Against",
        "Checked On",
    ),
    "gp": ("PatientGuid", "OldNhsNumber", "NhsNumber", "NhsNumberStatus", "CheckedAgainst", "CheckedOn"),
    "acute": ("PID-3", "PID-3 Old NHS Number", "PID-3 NHS Number", "PID-32", "Checked Against", "Checked On"),
}
"""How each kind of source names the columns: Client Level Data, EMIS Web, HL7 v2 (PID-32, NHS number status)."""

_KIND: Final = "number-changes"
_PAGE: Final = 500


@dataclass(slots=True)
class ChangesReport:
    """How many rows the file has, and which file of this source it is, from 1; no file where there are no rows."""

    rows: int = 0
    batch: int = 0


@dataclass(frozen=True, slots=True)
class _Run:
    house: House
    passage: Passage
    source: str
    batch: int
    index: CheckedAgainst | None
    sealed: frozenset[str]

    def tell(self, job: Job, report: Report) -> None:
        """Put down everything that this file is to say."""
        organisation = self.passage.permit.organisation
        whose = Whose(frozenset({self.source}), frozenset({organisation}))
        onward, after, looked_at = self.house.stores.onward, "", 0
        while rows := onward.records(self.passage.permit, whose, after, _PAGE):
            after = rows[-1].source_person_id
            looked_at += len(rows)
            news = self._news(rows)
            with self.house.stores.transaction() as tx:
                onward.tell(tx, news)
                self.house.stores.jobs.checkpoint(tx, job, {"batch": self.batch})
            report(looked_at, None)

    def _news(self, rows: list[Numbered]) -> list[Told]:
        permit, onward = self.passage.permit, self.house.stores.onward
        names = [row.source_person_id for row in rows]
        checks, asked, told = onward.checks(permit, names), onward.last_asked(permit, names), onward.told(permit, names)
        news = []
        for row in rows:
            name = row.source_person_id
            status = number_status(row, checks.get(name), asked.get(name), self.index)
            number = row.own if status.code == TO_RESOLVE or row.person_id in self.sealed else row.number
            before = told.get(name)
            known = (before.nhs_number, before.status) if before else (row.own, _untold(row))
            if (number, status.code) == known:
                continue
            on = status.on.isoformat() if status.on else ""
            whose = (name, row.source, row.organisation)
            news.append(Told(*whose, row.own, number, status.code, status.against, on, self.batch))
        return news

    def lines(self, columns: tuple[str, ...], told: Iterable[ToldRow]) -> Iterator[bytes]:
        """Yield the file's lines."""
        yield _line(columns)
        for row in told:
            yield _line((row.person_ref, row.old_number, row.nhs_number, row.status, row.against, row.checked_on))

    def told(self, done: ChangesReport) -> Iterator[ToldRow]:
        """Yield the rows of this file, and say to the gate whom they are about."""
        onward, permit, after = self.house.stores.onward, self.passage.permit, ""
        while page := onward.told_in(permit, self.source, permit.organisation, self.batch, after):
            after = page[-1][0]
            records = onward.numbered(permit, [name for name, _ in page])
            self.passage.disclose({one.person_id for one in records.values() if one.person_id}, rows=len(page))
            done.rows += len(page)
            yield from (row for _, row in page)


def write_changes(house: House, caller: Caller, source: str, target: Path, report: Report = silent) -> ChangesReport:
    """Write what the caller's organisation has not been told yet about its records of one source.

    Raises:
        NotPermitted: the caller's agreement does not let them look at everybody of the organisation.
        InputError: the file cannot be written.
        Conflict: another run for this source is going on.
        Unavailable: the ledger cannot take the row; no file appears.
    """
    if not source:
        raise InputError("--source: name one", reason="source", field="source")
    clear_away(target)
    aside = target.with_name(f".{target.name}.{os.getpid()}.part")
    done = ChangesReport()
    try:
        with (
            named(target),
            house.gate.permit(
                caller,
                level=Level.PATIENT,
                datasets={Dataset.INDEX},
                fields={Element.NHS_NUMBER},
                subject=Population(),
                job=f"number-changes-{source}",
            ) as passage,
        ):
            job = house.stores.jobs.start_or_resume(_KIND, f"{passage.permit.organisation}:{source}")
            done.batch = job.run
            run = _Run(house, passage, source, job.run, _index(house), sealed_people(house))
            run.tell(job, report)
            with aside.open("wb") as file:
                file.writelines(run.lines(COLUMNS.get(source, _GENERAL), run.told(done)))
                file.flush()
                os.fsync(file.fileno())
        with named(target):
            if done.rows:
                aside.replace(target)
        with house.stores.transaction() as tx:
            house.stores.jobs.finish(tx, job)
    finally:
        aside.unlink(missing_ok=True)
    return done


def _untold(row: Numbered) -> str:
    """The status that a source takes a record to have before anybody has said anything."""
    return NOT_TRACED if row.own else TRACE_REQUIRED


def _index(house: House) -> CheckedAgainst | None:
    try:
        return checked_against(house)
    except Unavailable:
        # nothing was traced in what is not there: statuses are then those of the national service alone
        return None


def _line(cells: Iterable[str]) -> bytes:
    return (",".join('"' + harmless(cell).replace('"', '""') + '"' for cell in cells) + "\r\n").encode()
