"""Use cases of the quarantine: list what waits and why, and read it again once a map or the source is mended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from adapters.feed import FeedRefused, SourceRecord
from adapters.feed import replay as as_feed
from gateway.services.records.ingest import READERS, incoming
from gateway.services.records.objections import objections
from gateway.services.records.ranges import fit_for
from gateway.services.records.shelves import DATASET_OF, shelf_of
from gateway.storage.quarantine import QuarantineState
from ig.decide import Population
from ig.purpose import Level, Section

if TYPE_CHECKING:
    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.storage.quarantine import HeldRow, QuarantinedRow
    from gateway.storage.records import Incoming

_PAGE: Final = 500


@dataclass(slots=True)
class ReplayReport:
    """How many held rows were read again, and what became of them."""

    read: int = 0
    mended: int = 0

    @property
    def left(self) -> int:
        """How many stay."""
        return self.read - self.mended


def listing(house: House, rule: str = "", limit: int = 50) -> list[QuarantinedRow]:
    """Return held rows: file, row, field and rule, never the row itself."""
    return house.stores.quarantine.list(rule=rule or None, state=QuarantineState.HELD, limit=limit)


def replay(house: House, caller: Caller) -> ReplayReport:
    """Read every held row again with today's rules. Those that pass go in, in one transaction a page.

    Raises:
        NotPermitted: no processing grant covers a source.
    """
    done = ReplayReport()
    for source, dataset in DATASET_OF.items():
        if not house.stores.quarantine.list(source=source, state=QuarantineState.HELD, limit=1):
            continue
        with house.gate.permit(
            caller,
            level=Level.PATIENT,
            datasets={dataset},
            fields=frozenset(Section),
            subject=Population(),
            job=f"quarantine-replay-{source}",
        ) as passage:
            _replay_source(house, passage, source, done)
            passage.disclose((), rows=done.read)
    return done


def _replay_source(house: House, passage: Passage, source: str, done: ReplayReport) -> None:
    after = ""
    while rows := house.stores.quarantine.list(source=source, state=QuarantineState.HELD, after=after, limit=_PAGE):
        after = rows[-1].quarantine_id
        readable: dict[str, Incoming] = {}
        for row in rows:
            again = _again(source, house.stores.quarantine.get(passage.permit, row.quarantine_id))
            if again is not None:
                readable[row.quarantine_id] = incoming(again)
        good, aside = fit_for(house.settings, readable.values())
        mended = [held for held, one in readable.items() if one not in aside]
        with house.stores.transaction() as tx:
            house.stores.records.put_many(tx, good, shelf_of)
            house.stores.governance.facts.put_many(tx, objections(good))
            house.stores.quarantine.mark(tx, mended, QuarantineState.REPLAYED)
        done.read += len(rows)
        done.mended += len(mended)


def _again(source: str, held: HeldRow) -> SourceRecord | None:
    """Read one row as a file of its own: its header, then itself. None where it still breaks a rule."""
    try:
        items = list(READERS[source]([as_feed(held.row.feed, held.header, held.original)]))
    except FeedRefused:
        # a row of an extract folder may need its other tables: it waits until the source sends it again
        return None
    records = [item for item in items if isinstance(item, SourceRecord)]
    return replace(records[0], row=held.row.row) if len(items) == len(records) == 1 else None
