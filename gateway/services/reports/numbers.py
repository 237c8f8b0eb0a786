"""Use case: how the NHS number is held, as the standard asks a system to be able to report (ISB 0149).

Requirements 12 and 13 of Amendment 136/2010: the same number on more than one record, and records without one; beside
them numbers that are not valid, and numbers that nobody has verified. Then the share of open adult clients by NHS
number status indicator, the deceased and duplicates left out. A status is `onward_status.number_status`'s to say.

Somebody's own organisation's records, and no other's; a named system caller's are everybody's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Final

from gateway.errors import Unavailable
from gateway.services.progress import silent
from gateway.services.records.renew import renewed
from gateway.services.reports.reasons import Cause
from gateway.services.reports.set_aside import set_aside
from gateway.services.reports.unmatched import whose_records
from gateway.services.tracing.against import checked_against
from gateway.services.tracing.onward_status import number_status
from gateway.services.tracing.outcomes import VERIFIED
from ig.decide import Population
from ig.purpose import Dataset, Element, Level
from linkage.findings import Flag
from linkage.nhs_number import NhsNumber
from linkage.person import PartialDate, Person

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date, datetime

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.services.tracing.against import CheckedAgainst
    from gateway.storage.reporting import Record

ADULT: Final = 18
_PAGE: Final = 500


class LeftOut(StrEnum):
    """Why a record is not among the open adult clients."""

    DECEASED = "deceased"
    DUPLICATE = "duplicate"
    CHILD = "child"
    NOT_OPEN = "not open"


class Fault(StrEnum):
    """What is to be mended about the number of a record."""

    MISSING = "no NHS number"
    MISSING_FOUND = "no NHS number; one was found for it"
    SHARED = "NHS number on another record too"
    INVALID = "NHS number not valid"


@dataclass(frozen=True, slots=True)
class Finding:
    """A record whose number is to be mended; ``number`` is its own, shown 3-3-4, or empty. ``rows`` say so."""

    source: str
    organisation: str
    reference: str
    fault: Fault
    number: str = ""
    rows: int = 1


@dataclass(slots=True)
class Holding:
    """How one organisation's source holds NHS numbers, in records.

    ``without``: the source gave none, ``found``: of those, joined to a person with one; ``shared``: with a number
    that another record has too, ``groups`` such numbers; ``invalid``: set aside for a number that cannot be one;
    ``unverified``: with a number that no national service confirmed. ``clients`` counts open adults by status.
    """

    source: str
    organisation: str
    records: int = 0
    without: int = 0
    found: int = 0
    shared: int = 0
    groups: int = 0
    invalid: int = 0
    unverified: int = 0
    last_traced: date | None = None
    clients: Counter[str] = field(default_factory=Counter)
    left_out: Counter[LeftOut] = field(default_factory=Counter)

    @property
    def open_adults(self) -> int:
        """How many clients the shares are of."""
        return self.clients.total()


@dataclass(frozen=True, slots=True)
class Numbers:
    """The report: holdings by source and organisation, and the records to mend. ``against`` None: no usable index."""

    made_at: datetime
    against: CheckedAgainst | None
    holdings: tuple[Holding, ...]
    findings: tuple[Finding, ...]

    @property
    def organisations(self) -> tuple[str, ...]:
        """Whose records there are to mend, by code."""
        return tuple(sorted({one.organisation for one in self.findings}))


@dataclass(slots=True)
class _Run:
    """A report in the making."""

    house: House
    passage: Passage
    against: CheckedAgainst | None
    today: date
    holdings: dict[tuple[str, str], Holding] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    met: set[tuple[str, str, str]] = field(default_factory=set)
    seen: int = 0

    def holding(self, source: str, organisation: str) -> Holding:
        """The figures of one organisation's source."""
        return self.holdings.setdefault((source, organisation), Holding(source, organisation))

    def page(self, records: Sequence[Record]) -> None:
        """Count some records."""
        permit, stores = self.passage.permit, self.house.stores
        names = [one.source_person_id for one in records]
        numbered, checks = stores.onward.numbered(permit, names), stores.onward.checks(permit, names)
        asked = stores.onward.last_asked(permit, names)
        underway = stores.reporting.underway(permit, names)
        people = {
            who.source_person_id: who for who in renewed(self.house, permit, stores.records.people(permit, names))
        }
        for record in records:
            name = record.source_person_id
            held = self.holding(record.source, record.organisation)
            _count(held, record)
            if name not in numbered or name not in people:
                continue
            status = number_status(numbered[name], checks.get(name), asked.get(name), self.against).code
            if numbered[name].number and status != VERIFIED:
                held.unverified += 1
            reason = self._left_out(record, Person.unpack(people[name].packed), is_open=name in underway)
            if reason is None:
                held.clients[status] += 1
            else:
                held.left_out[reason] += 1
            if not record.number:
                held.found += bool(numbered[name].number)
                fault = Fault.MISSING_FOUND if numbered[name].number else Fault.MISSING
                self.findings.append(Finding(record.source, record.organisation, record.person_ref, fault))
        self.seen += len(records)
        self.passage.disclose({one.person_id for one in records if one.person_id}, rows=len(records))

    def _left_out(self, record: Record, person: Person, *, is_open: bool) -> LeftOut | None:
        """Why a record is no open adult client's, or None. Who is not known to be a child counts as an adult.

        A death that is not registered yet closes nothing.
        """
        if person.death_date is not None or Flag.DECEASED_FORMAL in record.flags:
            return LeftOut.DECEASED
        if not is_open:
            return LeftOut.NOT_OPEN
        if person.birth_date is not None and not is_adult(person.birth_date, self.today):
            return LeftOut.CHILD
        if Flag.DUPLICATE_IN_SOURCE in record.flags:
            key = record.source, record.organisation, record.person_id
            if key in self.met:
                return LeftOut.DUPLICATE
            self.met.add(key)
        return None

    def shared(self, records: Iterable[Record]) -> None:
        """Count the records that have a number in common, and name them."""
        for (source, organisation, digits), group in groupby(
            records, key=lambda one: (one.source, one.organisation, one.number)
        ):
            held, together = self.holding(source, organisation), list(group)
            held.groups += 1
            held.shared += len(together)
            shown = str(NhsNumber(digits))
            self.findings += (Finding(source, organisation, one.person_ref, Fault.SHARED, shown) for one in together)


def numbers(house: House, caller: Caller, *, sources: Collection[str] = (), report: Report = silent) -> Numbers:
    """Return how the NHS number is held, of ``sources`` only, where named.

    Raises:
        NotPermitted: the caller's agreement does not let them look at everybody of the organisation.
        Unavailable: the ledger cannot take the row; nothing leaves.
    """
    whose, stores = whose_records(caller), house.stores
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER, Element.BIRTH_DATE, Element.DECEASED},
        subject=Population(),
        job=f"numbers-{caller.organisation}",
    ) as passage:
        permit, after = passage.permit, ""
        run = _Run(house, passage, _against(house), house.now().date())
        while page := stores.reporting.records(permit, after, _PAGE, sources=sources, organisations=whose):
            run.page(page)
            report(run.seen, None)
            after = page[-1].source_person_id
        common = stores.reporting.shared_numbers(permit, organisations=whose)
        run.shared(one for one in common if not sources or one.source in sources)
        for line in set_aside(house, permit, sources=sources, organisations=whose).lines:
            if line.cause is Cause.NUMBER_INVALID:
                run.holding(line.source, line.organisation).invalid += 1
                where = line.source, line.organisation, line.reference
                run.findings.append(Finding(*where, Fault.INVALID, rows=line.rows))
        passage.disclose((), rows=len(run.findings))
    holdings = tuple(run.holdings[key] for key in sorted(run.holdings))
    return Numbers(house.now(), run.against, holdings, tuple(sorted(run.findings, key=_in_order)))


def is_adult(born: PartialDate, today: date) -> bool:
    """Whether somebody is of age on a day; of a birth date that is not whole, the latest it can be counts."""
    turned = (born.year + ADULT, born.month or 12, born.day or 31)
    return turned <= (today.year, today.month, today.day)


def _count(held: Holding, record: Record) -> None:
    held.records += 1
    held.without += not record.number
    if record.traced_at is not None:
        traced = record.traced_at.date()
        held.last_traced = max(held.last_traced or traced, traced)


def _against(house: House) -> CheckedAgainst | None:
    """The index in use, or None where there is none or it is too old: then nothing has been checked against it."""
    try:
        return checked_against(house)
    except Unavailable:
        return None


_FIRST: Final = (Fault.INVALID, Fault.SHARED, Fault.MISSING_FOUND, Fault.MISSING)


def _in_order(one: Finding) -> tuple[int, str, str, str, str]:
    return _FIRST.index(one.fault), one.organisation, one.source, one.number, one.reference
