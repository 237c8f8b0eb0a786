"""Use case: source files become stored records, resources and people. Atomic by batch, resumable, idempotent.

The job's checkpoint is committed with the batch it speaks of, so that a run that was killed goes on after the last
whole batch; reading is deterministic, so "skip the first n items" means the same thing twice.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Self

from adapters import acute, gp, social_care, tabular
from adapters.feed import Feed, FeedRefused, Quarantined, SourceRecord
from adapters.person import to_demographics
from adapters.ukcore import person_id
from gateway.errors import InputError
from gateway.services.files import binary, named
from gateway.services.progress import silent
from gateway.services.records.objections import objections
from gateway.services.records.ranges import fit_for, set_aside
from gateway.services.records.shelves import dataset_of, shelf_of
from gateway.storage.jobs import JobState
from gateway.storage.records import Incoming
from ig.decide import Population
from ig.purpose import Level, Section
from linkage.normalise import normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from adapters.feed import Item
    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.storage.jobs import Job
    from gateway.storage.records import Counts

BATCH: Final = 1000
"""Items in one transaction: what a crash can make us read again, and how long a writer keeps others waiting."""

_FIGURES: Final = ("read", "new", "changed", "same", "stale", "deleted")

READERS: Final[dict[str, Callable[[Sequence[Feed]], Iterator[Item]]]] = {
    "social-care": social_care.read,
    "gp": gp.read,
    "acute": acute.read,
}


@dataclass(slots=True)
class IngestReport:
    """What became of the rows. ``quarantined`` counts by (field, rule); ``already`` when every file had been read."""

    read: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    stale: int = 0
    deleted: int = 0
    quarantined: Counter[tuple[str, str]] = field(default_factory=Counter)
    already: bool = False

    def add(self, counts: Counts) -> None:
        """Add what one batch came to."""
        self.new += counts.new
        self.changed += counts.changed
        self.same += counts.same
        self.stale += counts.stale
        self.deleted += counts.deleted

    def as_json(self) -> dict[str, Any]:
        """The report as a job's checkpoint keeps it."""
        figures = {name: getattr(self, name) for name in _FIGURES}
        return {**figures, "quarantined": [[*key, count] for key, count in sorted(self.quarantined.items())]}

    @classmethod
    def of_json(cls, data: dict[str, Any]) -> IngestReport:
        """Read back what :meth:`as_json` wrote."""
        figures = {name: data.get(name, 0) for name in _FIGURES}
        return cls(**figures, quarantined=Counter({(f, r): n for f, r, n in data.get("quarantined", ())}))

    def __iadd__(self, other: IngestReport) -> Self:
        """Add up groups of files."""
        for name in _FIGURES:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.quarantined.update(other.quarantined)
        return self


@dataclass(frozen=True, slots=True)
class _Run:
    """One run over one group of files: who reads what, under which job, and who is told."""

    house: House
    caller: Caller
    source: str
    read: Callable[[Sequence[Feed]], Iterator[Item]]
    report: Report
    rules: str = ""

    def group(self, files: Sequence[Path]) -> IngestReport:
        """Read files that belong together, or say that they have been read."""
        key = f"{self.source}:{self.rules}{_digest(files)}"
        with self.house.gate.permit(
            self.caller,
            level=Level.PATIENT,
            datasets={dataset_of(self.source)},
            fields=frozenset(Section),
            subject=Population(),
            job=key,
        ) as passage:
            done = self._already(key) or self._anew(key, files)
            passage.disclose((), rows=0 if done.already else done.read)
        return done

    def _already(self, key: str) -> IngestReport | None:
        held = self.house.stores.jobs.get("ingest", key)
        if held is None or held.state is not JobState.DONE:
            return None
        done = IngestReport.of_json(held.checkpoint)
        bad = sum(done.quarantined.values())
        return IngestReport(read=done.read, same=done.read - bad, quarantined=done.quarantined, already=True)

    def _anew(self, key: str, files: Sequence[Path]) -> IngestReport:
        job = self.house.stores.jobs.start_or_resume("ingest", key)
        if not job.checkpoint:
            self.house.gate.administer(self.caller, "ingest:start", job.job_id, source=self.source, files=len(files))
        try:
            return self._items(job, self.read([_feed(path) for path in files]))
        except FeedRefused as refused:
            raise InputError(str(refused), reason=refused.rule, field=refused.field) from None

    def _items(self, job: Job, items: Iterator[Item]) -> IngestReport:
        done = IngestReport.of_json(job.checkpoint)
        for _ in islice(items, done.read):
            pass
        while batch := list(islice(items, BATCH)):
            self._store(job, batch, done)
            self.report(done.read, None)
        with self.house.stores.transaction() as tx:
            self.house.stores.jobs.finish(tx, job, done.as_json())
        return done

    def _store(self, job: Job, batch: Sequence[Item], done: IngestReport) -> None:
        read = (incoming(item) for item in batch if isinstance(item, SourceRecord))
        good, aside = fit_for(self.house.settings, read)
        bad = [item for item in batch if isinstance(item, Quarantined)]
        bad += [_set_aside(one.record) for one in aside]
        stores = self.house.stores
        with stores.transaction() as tx:
            done.add(stores.records.put_many(tx, good, shelf_of))
            stores.quarantine.put_many(tx, self.source, bad)
            stores.governance.facts.put_many(tx, objections(good))
            done.read += len(batch)
            done.quarantined.update((item.field, item.rule) for item in bad)
            stores.jobs.checkpoint(tx, job, done.as_json())


def _set_aside(record: SourceRecord) -> Quarantined:
    return set_aside(record.feed, record.row, record.original, record.header)


def ingest_files(  # noqa: PLR0913 - the last two are options
    house: House,
    caller: Caller,
    source: str,
    paths: Sequence[Path],
    report: Report = silent,
    *,
    mapping: Path | None = None,
) -> IngestReport:
    """Read files or extract folders of one source into the record store.

    Raises:
        InputError: a file is unusable as a whole, or holds a number of the issued range in demo mode; what earlier
            batches brought in stays.
        NotPermitted: no processing grant covers this source.
        Unavailable: a store cannot be written; the run can be repeated.
    """
    read, rules = _reader(source, mapping)
    total = IngestReport(already=True)
    for files in _groups(source, paths):
        done = _Run(house, caller, source, read, _offset(report, total.read), rules).group(files)
        total.already &= done.already
        total += done
    return total


def _reader(source: str, mapping: Path | None) -> tuple[Callable[[Sequence[Feed]], Iterator[Item]], str]:
    """Return what reads a source, and a digest of its rules: the same file under another map is other work."""
    if source != "tabular":
        return READERS[source], ""
    text = _map_text(mapping)
    try:
        columns = tabular.load_map(text)
    except tabular.MapFault as fault:
        raise InputError(f"{mapping}: {fault}", reason="map", field="map") from None
    return (lambda feeds: tabular.read(feeds, columns)), hashlib.sha256(text.encode()).hexdigest()[:12] + ":"


def _map_text(path: Path | None) -> str:
    """A shipped map by name, else one of the deployer's own from a file."""
    text = tabular.SHIPPED.get(str(path), "")
    if not text and path is not None and path.is_file():
        with named(path):
            text = path.read_text(encoding="utf-8", errors="replace")
    if not text:
        raise InputError("--map: no shipped map has this name and no file is there", reason="map", field="map")
    return text


def _groups(source: str, paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Files that are read as one: an extract folder is, other files stand alone."""
    for path in paths:
        inside = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
        if path.is_dir() and not inside:
            below = sorted(p for p in path.iterdir() if p.is_dir())
            if not below:
                raise InputError(f"{path.name}: no files here", reason="empty", field="path")
            yield from _groups(source, below)
        elif source == "gp":
            yield inside
        else:
            yield from ([file] for file in inside)


def incoming(record: SourceRecord) -> Incoming:
    """Return a record with its person made comparable, ready to be stored.

    A merge brings the surviving Patient along; it is stored when its own record comes, not under the retired one.
    """
    own = person_id(record.source, record.organisation, record.person_ref)
    kept = tuple(body for body in record.resources if body["resourceType"] != "Patient" or body["id"] == own)
    if len(kept) != len(record.resources):
        record = replace(record, resources=kept)
    patient = next((body for body in kept if body["resourceType"] == "Patient"), None)
    if patient is None or not record.person_ref:
        return Incoming(record)
    person = normalise(to_demographics(patient))
    return Incoming(record, person.pack(), person.nhs_number.digits if person.nhs_number else "")


def _feed(path: Path) -> Feed:
    return Feed(path.name, lambda: binary(path))


def _digest(files: Iterable[Path]) -> str:
    """Identify a set of files by name and content, so that the same files are the same job."""
    whole = hashlib.sha256()
    for path in files:
        with named(path), path.open("rb") as opened:
            whole.update(f"{path.name}\0".encode() + hashlib.file_digest(opened, "sha256").digest())
    return whole.hexdigest()[:32]


def _offset(report: Report, before: int) -> Report:
    return lambda done, total: report(before + done, total)
