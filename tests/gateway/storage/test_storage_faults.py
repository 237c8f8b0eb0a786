"""Killed at any moment, a house is whole: what was committed is there, what was not is not."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from gateway.storage import Stores, open_stores, upgrade
from ig.ledger import verify_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.settings import Settings
    from gateway.storage.records import Incoming, Shelf

FORK = multiprocessing.get_context("fork")


def _ingest(stores: Stores, batches: Sequence[Sequence[Incoming]], classify: Callable[..., Shelf]) -> None:
    job = stores.jobs.start_or_resume("ingest", "feed")
    for n in range(int(job.checkpoint.get("batches", 0)), len(batches)):
        with stores.transaction() as tx:
            stores.records.put_many(tx, batches[n], classify)
            job = stores.jobs.checkpoint(tx, job, {"batches": n + 1})
    with stores.transaction() as tx:
        stores.jobs.finish(tx, job)


def _ingest_and_die(
    settings: Settings, batches: Sequence[Sequence[Incoming]], classify: Callable[..., Shelf], dies_at: int
) -> None:
    """Ingest in a process that is killed within the transaction of batch ``dies_at``."""
    seen = 0

    def counting(record: object, resource: object) -> Shelf:
        nonlocal seen
        seen += 1
        if seen == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return classify(record, resource)

    _ingest(open_stores(settings), batches, counting)


@pytest.mark.parametrize("dies_at", [1, 7, 18])
def test_killed_within_a_batch_and_run_again_it_ends_as_if_undisturbed(
    settings: Settings, make_incoming: Callable[..., Incoming], classify: Callable[..., Shelf], dies_at: int
) -> None:
    people = [make_incoming(f"e{n}", str(n), person_ref=f"p{n % 4}", occurred=f"2026-01-{n + 1:02}") for n in range(12)]
    batches = [people[start : start + 4] for start in range(0, 12, 4)]
    upgrade(settings)
    child = FORK.Process(target=_ingest_and_die, args=(settings, batches, classify, dies_at))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    with open_stores(settings) as stores:
        (job,) = stores.jobs.pending()
        committed = 4 * int(job.checkpoint.get("batches", 0))
        assert committed == (dies_at - 1) // 8 * 4
        assert sum(count.records for count in stores.records.counts()) == committed
        _ingest(stores, batches, classify)
        disturbed = stores.digest()
        with stores.transaction() as tx:
            for table in ("resource", "source_record", "source_person", "original"):
                tx.change(f"DELETE FROM {table}")
        _ingest(stores, batches, classify)
        assert stores.digest() == disturbed


def _append_until_killed(stores: Stores, told: multiprocessing.SimpleQueue[int]) -> None:
    for n in range(100_000):
        stores.ledger.append("disclosure", {"n": n})
        told.put(n)


def test_every_row_that_was_answered_for_outlives_a_kill(stores: Stores) -> None:
    told = FORK.SimpleQueue()
    child = FORK.Process(target=_append_until_killed, args=(stores, told))
    child.start()
    answered = [told.get() for _ in range(30)]
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    while not told.empty():
        answered.append(told.get())
    # The lock of the dead is free: the next process goes on with the same chain.
    stores.ledger.append("disclosure", {"n": -1})
    kept = {row.body["n"] for row in stores.ledger.search(limit=200_000)}
    assert set(answered) <= kept
    assert verify_rows(stores.ledger.rows(), stores.keys.ledger_mac()) is None


def test_a_long_ingest_does_not_delay_a_disclosure(stores: Stores) -> None:
    with stores.transaction() as tx:
        tx.change("INSERT INTO meta (name, value) VALUES ('busy', 'yes')")
        row = threading.Thread(target=stores.ledger.append, args=("disclosure", {"n": 1}))
        row.start()
        row.join(timeout=10)
        assert not row.is_alive()
        assert stores.ledger.size() == 1
