"""Use case: why records did not match, for whoever mends them: the work that a withdrawn national service once did.

Every record that no trace settled is weighed anew under the model in use and told with its cause, the fields to look
at and the next step; so is every record that was found although its number is wrong or another record of its system is
the same person, and every row that was set aside. Somebody's own organisation's records, and no other's; a named system
caller's are everybody's, each organisation's in a list of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

import orjson

from adapters.person import to_demographics
from gateway.services.progress import silent
from gateway.services.records.decided import standing
from gateway.services.records.renew import renewed
from gateway.services.records.residue import residue
from gateway.services.reports.lines import Line, Unmatched, in_order
from gateway.services.reports.look import SHOWN, Bench
from gateway.services.reports.set_aside import set_aside
from gateway.services.tracing.against import checked_against
from ig.decide import Population
from ig.purpose import Dataset, Level, Purpose
from linkage.findings import Flag
from linkage.person import Person

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One record to be looked at: whose it is, and what is known of it beforehand."""

    source_person_id: str
    source: str
    organisation: str
    local_id: str
    flags: frozenset[str]


@dataclass(slots=True)
class _Run:
    """A report in the making."""

    house: House
    bench: Bench
    lines: list[Line] = field(default_factory=list)
    seen: int = 0
    settled: int = 0

    def page(self, wanted: list[_Wanted]) -> None:
        """Look at some records."""
        permit, stores = self.bench.passage.permit, self.house.stores
        by_id = {one.source_person_id: one for one in wanted}
        at = standing(self.house, permit, renewed(self.house, permit, stores.records.people(permit, by_id)))
        patients = stores.records.patients(permit, by_id)
        told: set[str] = set()
        for who in at.people:
            name = who.source_person_id
            if name not in by_id:
                continue
            ruling, one = at.rulings[name], by_id[name]
            found = self.bench.tell(
                to_demographics(orjson.loads(patients.get(name, b"{}"))),
                Person.unpack(who.packed),
                never=at.never[name],
                flags=frozenset(map(Flag, one.flags)),
                apart=bool(ruling.nevers - ruling.sealed or ruling.separated),
            )
            if found is None:
                self.settled += 1
                continue
            said = found.diagnosis
            self.lines.append(
                Line(
                    *(one.source, one.organisation, one.local_id, found.outcome),
                    *(said.cause, said.fields, said.also, found.pays),
                )
            )
            told |= found.about | ({ruling.link.person_id} if ruling.link else set())
        self.seen += len(wanted)
        self.bench.passage.disclose(told, rows=len(wanted))


def unmatched(
    house: House,
    caller: Caller,
    *,
    sources: Collection[str] = (),
    most: int | None = None,
    report: Report = silent,
) -> Unmatched:
    """Return why records did not match; of ``sources`` only, where named, and of at most ``most`` records.

    Raises:
        NotPermitted: the caller's agreement does not let them look at everybody of the organisation.
        Unavailable: no usable index, or the ledger cannot take the row; nothing leaves.
    """
    against = checked_against(house)
    whose = whose_records(caller)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields=SHOWN,
        subject=Population(),
        job=f"unmatched-{caller.organisation}",
    ) as passage:
        engine = house.engine()
        run = _Run(house, Bench(engine, passage))
        everybody = _wanted(house, passage, sources, whose)
        chosen = everybody if most is None else islice(everybody, most)
        while page := list(islice(chosen, _PAGE)):
            run.page(page)
            report(run.seen, None)
        aside = set_aside(house, passage.permit, sources=sources, organisations=whose)
        passage.disclose((), rows=len(aside.lines))
        left = sum(1 for _ in everybody)
    tallies = [one for one in house.stores.reporting.tallies(whose) if not sources or one.source in sources]
    return Unmatched(
        made_at=house.now(),
        model=engine.model,
        against=against,
        lines=in_order([*run.lines, *aside.lines]),
        records=sum(one.records for one in tallies),
        tallies=tuple(tallies),
        settled=run.settled,
        unread=aside.unread,
        left=left,
    )


def whose_records(caller: Caller) -> tuple[str, ...] | None:
    """Whose records a report is of: the caller's own organisation's, or None, everybody's, for work by itself."""
    return None if caller.purpose is Purpose.PROCESSING else (caller.organisation,)


def _wanted(
    house: House, passage: Passage, sources: Collection[str], whose: Collection[str] | None
) -> Iterator[_Wanted]:
    """Everybody whom no trace settled, then everybody found about whom something is wrong."""
    for left in residue(house, passage.permit, sources=sources):
        yield _Wanted(left.source_person_id, left.source, left.organisation, left.local_id, left.flags)
    after = ""
    while rows := house.stores.reporting.doubtful(passage.permit, after, _PAGE, sources=sources, organisations=whose):
        for row in rows:
            yield _Wanted(row.source_person_id, row.source, row.organisation, row.person_ref, row.flags)
        after = rows[-1].source_person_id
