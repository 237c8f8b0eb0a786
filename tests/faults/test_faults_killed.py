"""SIGKILL at the worst moments, then the same command again: the house knows what an undisturbed one knows.

Where the blow falls is exact: the process kills itself at the n-th call of a repository's method, before or after it.
One test strikes from outside, at a time nobody chose.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pysqlite3
import pytest

from gateway.storage.jobs import is_alive, worker_name
from tests.faults.stages import SIGKILL
from tests.journeys.real import PATIENCE, Real

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.stages import Gateway, Stages

    HouseAt = Callable[[str], Gateway]


def dying(where: str, nth: int, when: str = "before", *, batches: int = 120) -> str:
    """Python that lets the process die at the ``nth`` call of ``module:Class.method``; work comes in small batches."""
    return f"""
import importlib, os, signal
from gateway.services.records import index, ingest, link
index.BATCH = ingest.BATCH = link.BATCH = {batches}
module, _, path = {where!r}.partition(":")
owner, _, name = path.rpartition(".")
owner = getattr(importlib.import_module(module), owner)
real, calls = getattr(owner, name), 0
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def fatal(*args, **kwargs):
    global calls
    calls += 1
    if calls == {nth} and {when!r} == "before":
        die()
    done = real(*args, **kwargs)
    if calls == {nth}:
        die()
    return done
setattr(owner, name, fatal)
"""


CHECKPOINT, FINISH = "gateway.storage.jobs:Jobs.checkpoint", "gateway.storage.jobs:Jobs.finish"
RECORDS, HELD = "gateway.storage.records:Records.put_many", "gateway.storage.quarantine:Quarantine.put_many"
LINKS, TRACES = "gateway.storage.links:Links.append", "gateway.storage.traces:Traces.put_many"
DUPLICATES = "gateway.storage.traces:Traces.flag_duplicates"
PEOPLE, TERMS, STAMP = (f"gateway.storage.index:PersonIndex.{name}" for name in ("put_many", "put_terms", "stamp"))


@pytest.mark.parametrize(
    ("where", "nth", "when"),
    [
        (CHECKPOINT, 1, "after"),
        (RECORDS, 3, "before"),
        (CHECKPOINT, 4, "after"),
        (HELD, 5, "after"),
        (FINISH, 1, "before"),
    ],
    ids=["first-batch", "before-rows", "uncommitted", "quarantine-written", "before-done"],
)
def test_an_ingest_that_was_killed_goes_on_where_it_was(
    where: str,
    nth: int,
    when: str,
    house_at: HouseAt,
    stages: Stages,
) -> None:
    gateway = house_at("indexed")
    _, (social_care, gp, acute) = stages.steps("fed")
    gateway.good(*social_care)
    killed = gateway.after(dying(where, nth, when), *gp)
    assert killed.returncode == SIGKILL, killed.stderr
    assert "already in" not in gateway.good(*gp)
    gateway.good(*acute)
    assert gateway.digest() == stages.digest("fed")
    assert gateway("audit", "verify").exit_code == 0


@pytest.mark.parametrize(
    ("where", "nth", "when"),
    [(LINKS, 1, "after"), (TRACES, 3, "after"), (LINKS, 4, "before"), (DUPLICATES, 1, "after")],
    ids=["first-batch", "uncommitted", "between", "before-the-end"],
)
def test_a_link_run_that_was_killed_goes_on_where_it_was(
    where: str,
    nth: int,
    when: str,
    house_at: HouseAt,
    stages: Stages,
) -> None:
    gateway = house_at("fed")
    killed = gateway.after(dying(where, nth, when, batches=100), "link")
    assert killed.returncode == SIGKILL, killed.stderr
    gateway.good("link")
    assert gateway.digest() == stages.digest("linked")
    assert gateway("audit", "verify").exit_code == 0


def test_a_link_run_that_was_killed_is_finished_by_a_worker(house_at: HouseAt, stages: Stages) -> None:
    gateway = house_at("fed")
    assert gateway.after(dying(TRACES, 2, batches=100), "link").returncode == SIGKILL
    assert gateway.good("worker") == "1 jobs finished\n"
    assert gateway.digest() == stages.digest("linked")
    assert gateway.good("worker") == "0 jobs finished\n"


@pytest.mark.parametrize(
    ("where", "nth", "when"),
    [(PEOPLE, 2, "after"), (PEOPLE, 4, "before"), (TERMS, 1, "after"), (STAMP, 1, "before")],
    ids=["uncommitted", "between", "terms-written", "before-the-stamp"],
)
def test_an_index_that_was_half_loaded_answers_nothing_until_it_is_whole(
    where: str,
    nth: int,
    when: str,
    house_at: HouseAt,
    stages: Stages,
) -> None:
    gateway = house_at("governed")
    _, (load,) = stages.steps("indexed")
    killed = gateway.after(dying(where, nth, when), *load)
    assert killed.returncode == SIGKILL, killed.stderr
    asked = gateway("verify", "9990000018", "--family", "Sentinelname", "--birthdate", "1950")
    assert (asked.exit_code, asked.stdout) == (4, "")
    assert "no index is loaded" in asked.stderr
    gateway.good(*load)
    assert gateway.digest() == stages.digest("indexed")


def test_twice_killed_is_no_worse(house_at: HouseAt, stages: Stages) -> None:
    gateway = house_at("indexed")
    social_care, gp, acute = stages.steps("fed")[1]
    for nth in (1, 2):
        assert gateway.after(dying(CHECKPOINT, nth, "after", batches=50), *social_care).returncode == SIGKILL
    for words in (social_care, gp, acute):
        gateway.good(*words)
    assert gateway.digest() == stages.digest("fed")


@pytest.mark.parametrize("committed", [1, 3])
def test_an_ingest_killed_from_outside_goes_on_where_it_was(committed: int, house_at: HouseAt, stages: Stages) -> None:
    """The real command, struck as soon as ``committed`` batches of the default size can be seen."""
    gateway = house_at("indexed")
    _, (social_care, gp, acute) = stages.steps("fed")
    gateway.good(*social_care)
    with Real(gateway.folder).started(*gp) as ingest:
        wait_for_records(gateway.folder, committed)
        ingest.process.send_signal(signal.SIGKILL)
        ingest.ended()
    gateway.good(*gp)
    gateway.good(*acute)
    assert gateway.digest() == stages.digest("fed")


def wait_for_records(folder: Path, times: int) -> None:
    """Wait until the number of stored records has grown so many times."""
    until = time.monotonic() + PATIENCE
    with closing(pysqlite3.connect(f"file:{folder}/gateway.db?mode=ro", uri=True)) as view:
        seen, grown = count(view), 0
        while grown < times and time.monotonic() < until:
            now = count(view)
            grown, seen = grown + (now > seen), now
            if unfinished(view) is False and grown:
                return
            time.sleep(0.002)


def count(view: pysqlite3.Connection) -> int:
    found: int = view.execute("SELECT count(*) FROM source_record").fetchone()[0]
    return found


def unfinished(view: pysqlite3.Connection) -> bool:
    return bool(view.execute("SELECT count(*) FROM job WHERE state <> 'done'").fetchone()[0])


def test_a_killed_worker_that_nobody_asked_after_is_dead_all_the_same() -> None:
    """A container's first process may never reap its children: they stay in the table of processes."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as worker:
        name = worker_name(worker.pid)
        assert is_alive(name)
        worker.kill()
        os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
        assert not is_alive(name)
