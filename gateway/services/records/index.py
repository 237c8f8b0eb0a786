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
from gateway.services.progress import silent
from gateway.services.records.ranges import refuse_real_numbers
from gateway.storage.factkinds import REGISTRATION
from gateway.storage.facts import StoredFact
from gateway.storage.index import IndexEntry
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
    from collections.abc import Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from adapters.spine import IndexRow
    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report

BATCH: Final = 2000


@dataclass(slots=True)
class IndexReport:
    """How many people went in, and how many rows stayed out by rule."""

    people: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)


def load_index(  # noqa: PLR0913 - a load has these parts
    house: House, caller: Caller, path: Path, source: str, as_of: date, report: Report = silent
) -> IndexReport:
    """Load an index CSV (columns of DESIGN section 9) as ``source``, true on ``as_of``.

    Raises:
        InputError: the file is unusable as a whole, or holds a number of the issued range in demo mode.
        NotPermitted: no processing grant covers the index.
        Unavailable: a store cannot be written; the load can be repeated.
    """
    done = IndexReport()
    house.gate.administer(caller, "index:load", path.name, source=source, as_of=as_of.isoformat())
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Section.DEMOGRAPHICS, Section.REGISTRATION},
        subject=Population(),
        job=f"index-load-{as_of:%Y%m%d}",
    ) as passage:
        rows = spine.index_rows(Feed(path.name, lambda: path.open("rb")))
        try:
            _load(house, rows, source, as_of, done, report)
        except FeedRefused as refused:
            raise InputError(str(refused), reason=refused.rule, field=refused.field) from None
        _count_terms(house, passage, source, as_of)
        passage.disclose((), rows=done.people)
    return done


def _load(  # noqa: PLR0913 - a load has these parts
    house: House,
    rows: Iterator[IndexRow | Quarantined],
    source: str,
    as_of: date,
    done: IndexReport,
    report: Report,
) -> None:
    as_of_instant = datetime.combine(as_of, time.min, UTC)
    while batch := list(islice(rows, BATCH)):
        bad = [row for row in batch if isinstance(row, Quarantined)]
        good = [row for row in batch if not isinstance(row, Quarantined)]
        refuse_real_numbers(house.settings, (row.demographics.nhs_number for row in good))
        entries = [_entry(row, source, as_of) for row in good]
        with house.stores.transaction() as tx:
            house.stores.index.put_many(tx, entries, source=source, as_of=as_of)
            house.stores.governance.facts.put_many(tx, _registrations(entries, source, as_of_instant))
            house.stores.quarantine.put_many(tx, "index", bad)
        done.people += len(good)
        done.quarantined.update(row.rule for row in bad)
        report(done.people, None)


def _entry(row: IndexRow, source: str, as_of: date) -> IndexEntry:
    person = normalise(row.demographics)
    number = NhsNumber.parse(row.demographics.nhs_number)
    patient = spine.pds_patient(row, version=1, source=source, as_of=as_of.isoformat())
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


def _registrations(entries: Sequence[IndexEntry], source: str, at: datetime) -> list[StoredFact]:
    """Who is registered where, as facts that row filters can join. A restricted person's practice is not written."""
    rows = []
    for entry in entries:
        practice = Person.unpack(entry.packed).gp_practice
        if practice and not entry.security.hides_location and entry.superseded_by is None:
            rows.append(StoredFact(REGISTRATION, person_id(entry.number), practice, source, at))
    return rows


def _count_terms(house: House, passage: Passage, source: str, as_of: date) -> None:
    people = (Person.unpack(packed) for packed in house.stores.index.each_packed(passage.permit))
    counts = Frequencies.of(people).as_counts()
    with house.stores.transaction() as tx:
        house.stores.index.put_terms(tx, counts)
        house.stores.index.stamp(tx, source=source, as_of=as_of)
