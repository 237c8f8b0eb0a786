"""Use case: load the people who can be traced to. Rows that break a rule are quarantined; the rest go in, in batches.

The index describes itself as it was until the load is whole: only then is it stamped with its source and date.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from itertools import islice
from typing import TYPE_CHECKING, Final

from adapters import spine
from adapters.feed import Feed, FeedRefused, Quarantined
from gateway.errors import InputError
from gateway.ids import person_id
from gateway.services.files import binary
from gateway.services.progress import silent
from gateway.services.records.ranges import is_test_number, refuse_real_numbers, set_aside
from gateway.storage.factkinds import REGISTRATION
from gateway.storage.facts import StoredFact
from gateway.storage.index import IndexEntry
from gateway.storage.jobs import INDEX_LOAD
from gateway.storage.rows import dumps
from ig.decide import Population
from ig.purpose import Dataset, Level, Section
from linkage.decide import Death
from linkage.keys import index_keys
from linkage.model import Frequencies
from linkage.nhs_number import NhsNumber
from linkage.normalise import normalise
from linkage.person import Person, Security

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from adapters.spine import IndexRow
    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.settings import Settings
    from gateway.storage.jobs import Job

BATCH: Final = 2000
_READERS: Final = {"csv": spine.index_rows, "pds-json": spine.patient_rows, "gp-list": spine.practice_rows}
LAYOUTS: Final = (*_READERS, "parquet")
"""What an index file may be."""


@dataclass(slots=True)
class IndexReport:
    """How many people went in, and how many rows stayed out by rule."""

    people: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class IndexSource:
    """An index file, where it is from (``pds``, ``gp-list``, ``demo``), the day it was true, and its layout."""

    path: Path
    source: str
    as_of: date
    layout: str = "csv"


def load_index(house: House, caller: Caller, index: IndexSource, report: Report = silent) -> IndexReport:
    """Load an index file: CSV or Parquet (columns of DESIGN section 9), PDS-shaped JSON, or practice lists.

    Raises:
        InputError: the file is unusable as a whole, or holds a number of the issued range in demo mode.
        NotPermitted: no processing grant covers the index.
        Conflict: another load is at it.
        Unavailable: a store cannot be written; the load can be repeated.
    """
    as_of = index.as_of.isoformat()
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Section.DEMOGRAPHICS, Section.REGISTRATION},
        subject=Population(),
        job=f"index-load-{as_of}",
    ) as passage:
        house.gate.administer(caller, "index:load", index.path.name, source=index.source, as_of=as_of)
        job = house.stores.jobs.start_or_resume(INDEX_LOAD, "index")
        try:
            done = _load(house, index, job, report)
        except FeedRefused as refused:
            house.stores.jobs.fail(job, refused.rule)
            raise InputError(str(refused), reason=refused.rule, field=refused.field) from None
        except InputError as refused:
            house.stores.jobs.fail(job, refused.reason)
            raise
        _count_terms(house, passage, index, job)
        passage.disclose((), rows=done.people)
    return done


def _load(house: House, index: IndexSource, job: Job, report: Report) -> IndexReport:
    done, stores = IndexReport(), house.stores
    rows = _reader(index.layout)(Feed(index.path.name, lambda: binary(index.path)))
    while batch := list(islice(rows, BATCH)):
        read = [_for_use(house.settings, row, index.path.name) for row in batch]
        bad = [row for row in read if isinstance(row, Quarantined)]
        good = [row for row in read if not isinstance(row, Quarantined)]
        refuse_real_numbers(house.settings, (row.demographics.nhs_number for row in good))
        people = [normalise(row.demographics) for row in good]
        entries = [_entry(row, person, index) for row, person in zip(good, people, strict=True)]
        with stores.transaction() as tx:
            stores.index.put_many(tx, entries, source=index.source, as_of=index.as_of, load=job.run)
            stores.governance.facts.put_many(tx, _registrations(entries, people, index))
            stores.quarantine.put_many(tx, "index", bad)
            stores.jobs.checkpoint(tx, job, {"people": done.people + len(good)})
        done.people += len(good)
        done.quarantined.update(row.rule for row in bad)
        report(done.people, None)
    return done


def _reader(layout: str) -> Callable[[Feed], Iterator[IndexRow | Quarantined]]:
    if layout == "parquet":
        from adapters.spine.index_parquet import parquet_rows  # noqa: PLC0415 - nobody else waits for pyarrow

        return parquet_rows
    return _READERS[layout]


def _for_use(settings: Settings, row: IndexRow | Quarantined, feed: str) -> IndexRow | Quarantined:
    """The row itself, or its place in the quarantine where a test number has strayed into production."""
    if isinstance(row, Quarantined) or not is_test_number(settings, row.demographics.nhs_number):
        return row
    return set_aside(feed, row.row, row.original, row.header)


def _entry(row: IndexRow, person: Person, index: IndexSource) -> IndexEntry:
    number = NhsNumber.parse(row.demographics.nhs_number)
    patient = spine.pds_patient(row, version=1, source=index.source, as_of=index.as_of.isoformat())
    # An invalidated row may be a protected person's former identity: it is known by number alone, and never found.
    keyed = row.sensitivity is not Security.INVALIDATED
    return IndexEntry(
        number=number,
        packed=person.pack(),
        keys=index_keys(person, row.sensitivity) if keyed else (),
        patient=dumps(patient),
        security=row.sensitivity,
        superseded_by=NhsNumber.parse(row.superseded_by) if row.superseded_by else None,
        death=Death(row.death.value),
    )


def _registrations(entries: Sequence[IndexEntry], people: Sequence[Person], index: IndexSource) -> list[StoredFact]:
    """Who is registered where, as facts that row filters can join. A restricted person's practice is not written."""
    rows, at = [], datetime.combine(index.as_of, time.min, UTC)
    for entry, person in zip(entries, people, strict=True):
        practice = person.gp_practice
        if practice and not entry.security.hides_location and entry.superseded_by is None:
            rows.append(StoredFact(REGISTRATION, person_id(entry.number), practice, index.source, at))
    return rows


def _count_terms(house: House, passage: Passage, index: IndexSource, job: Job) -> None:
    people = (Person.unpack(packed) for packed in house.stores.index.each_packed(passage.permit))
    counts = Frequencies.of(people).as_counts()
    with house.stores.transaction() as tx:
        house.stores.index.put_terms(tx, counts)
        house.stores.index.stamp(tx, source=index.source, as_of=index.as_of)
        house.stores.jobs.finish(tx, job)
