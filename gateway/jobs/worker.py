"""Take up what was interrupted. The job table says what; each kind of job knows how to go on from its checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.services.governance.callers import SYSTEM_LINK, named_caller
from gateway.services.recall.receivers import find_receivers
from gateway.services.records.link import link_all
from ig.purpose import Purpose

if TYPE_CHECKING:
    from gateway.house import House
    from gateway.services.progress import Report


def run_pending(house: House, report: Report) -> int:
    """Finish every job that can be finished without its input files. Returns how many.

    Whoever received a wrong link is looked for where that was left undone, or may still turn up.
    A link run holds all it needs in the database. An interrupted ingest waits for its files to be given again:
    ``gateway ingest`` with the same files goes on where it stopped.

    Raises:
        NotPermitted: the system caller's processing grant is gone.
        Unavailable: a store cannot be written.
    """
    waiting = [job for job in house.stores.jobs.pending() if job.kind == "link"]
    if waiting:
        link_all(house, named_caller(house, SYSTEM_LINK, Purpose.PROCESSING), report)
    find_receivers(house)
    return len(waiting)
