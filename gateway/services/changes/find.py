"""Use case: find where records and the index say different things, of whomever a load or a record has changed.

A batch's differences, what they were compared at and how far the run has come are one transaction. A record is
compared again only when it, its person in the index, or the rules have changed; a run that was killed goes on where it
was, and ends as if it had not been.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gateway.services.changes.compare import TABLE
from gateway.services.changes.numbers import number_difference
from gateway.services.changes.pairs import COMPARED, differences, pair_of, scope_of
from gateway.services.changes.tell import messages
from gateway.services.progress import silent
from gateway.storage.differing import Field, Found, State
from ig.decide import Population
from ig.purpose import Element, Level, Section

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.storage.compared import Due, Scope
    from gateway.storage.differing import Moved
    from gateway.storage.jobs import Job

BATCH: Final = 500
KEPT: Final = timedelta(days=90)
"""How long the feed remembers what does not stand any more. Whoever has not asked for as long begins anew."""

_JOB: Final = "changes"
_VALUES: Final = frozenset(Field) - {Field.NHS_NUMBER}
_NUMBERS: Final = frozenset({Field.NHS_NUMBER})
_LOOKED_AT: Final = frozenset({rule.element for rule in TABLE} | {Element.NHS_NUMBER, Element.DECEASED})


@dataclass(slots=True)
class FindReport:
    """What a run came to: records compared, differences that began by kind, and how many do not stand any more."""

    compared: int = 0
    begun: Counter[str] = field(default_factory=Counter)
    overtaken: int = 0


@dataclass(frozen=True, slots=True)
class _Run:
    house: House
    passage: Passage
    scope: Scope
    job: Job
    report: Report
    done: FindReport

    def lapsed(self) -> None:
        """Let go of what lost its ground: the record is joined otherwise, merged away, or protected by now."""
        stores, permit = self.house.stores, self.passage.permit
        while names := stores.compared.lapsed(permit, self.scope, BATCH):
            with stores.transaction() as tx:
                moved = stores.differences.settle(tx, names, (), frozenset(Field))
                stores.compared.forget(tx, names)
                stores.outbox.put(tx, messages(moved))
            self._count(moved)

    def values(self) -> None:
        """Compare what is due."""
        stores, permit, after = self.house.stores, self.passage.permit, ""
        total = stores.compared.due_count(permit, self.scope)
        while due := stores.compared.due(permit, self.scope, after, BATCH):
            found = [one for record in due for one in self._found(record)]
            with stores.transaction() as tx:
                moved = stores.differences.settle(tx, [one.source_person_id for one in due], found, _VALUES)
                stores.compared.put(tx, due, self.scope.rules)
                stores.outbox.put(tx, messages(moved))
                stores.jobs.checkpoint(tx, self.job, {"compared": self.done.compared + len(due)})
            self.done.compared += len(due)
            self._count(moved, found)
            self.passage.disclose({one.person_id for one in due}, rows=len(due))
            self.report(self.done.compared, total)
            after = due[-1].source_person_id

    def numbers(self) -> None:
        """Compare the numbers of whoever has another than their person; there are few of them, so all are looked at."""
        stores, permit, after = self.house.stores, self.passage.permit, ""
        while rows := stores.compared.misnumbered(permit, self.scope, after, BATCH):
            found = [one for row in rows if (one := number_difference(self.house, permit, row)) is not None]
            with stores.transaction() as tx:
                moved = stores.differences.settle(tx, [row.source_person_id for row in rows], found, _NUMBERS)
                stores.outbox.put(tx, messages(moved))
            self._count(moved, found)
            self.passage.disclose({row.person_id for row in rows}, rows=0)
            after = rows[-1].source_person_id

    def finish(self) -> None:
        """Forget what nobody asks for any more, and say that the run is whole."""
        with self.house.stores.transaction() as tx:
            self.house.stores.differences.clear(tx, self.house.now() - KEPT)
            self.house.stores.jobs.finish(tx, self.job, {"compared": self.done.compared})

    def _found(self, record: Due) -> Iterable[Found]:
        whose = (record.source_person_id, record.person_id, record.source, record.organisation)
        for one in differences(pair_of(record), self.passage.decision.fields_allowed):
            yield Found(*whose, one.field, one.kind, one.about)

    def _count(self, moved: Sequence[Moved], found: Sequence[Found] = ()) -> None:
        kinds = {one.difference_id: one.kind.value for one in found}
        self.done.begun.update(kinds[one.difference_id] for one in moved if one.difference_id in kinds)
        self.done.overtaken += sum(one.state is State.SUPERSEDED for one in moved)


def find_differences(
    house: House, caller: Caller, *, sources: Collection[str] = (), report: Report = silent
) -> FindReport:
    """Compare the records of these sources (none named: of all) with the index, as far as anything has changed.

    Raises:
        NotPermitted: no processing grant covers the comparison.
        Conflict: another run is at it.
        Unavailable: a store cannot be written; the run can be repeated.
    """
    done = FindReport()
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets=COMPARED,
        fields=_LOOKED_AT | {Section.DEMOGRAPHICS},
        subject=Population(),
        job="changes-find",
    ) as passage:
        job = house.stores.jobs.start_or_resume(_JOB, "find")
        run = _Run(house, passage, scope_of(sources), job, report, done)
        run.lapsed()
        run.values()
        run.numbers()
        run.finish()
    return done
