"""Durable jobs: state, checkpoint and lease in one row, committed together with the work they describe."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

import orjson

from gateway.errors import Conflict
from gateway.storage.schema import now
from gateway.storage.schema.base import utc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.storage.database import Database, Tx

_NAMESPACE: Final = UUID("c2b7f5a4-6d0e-5b2b-9d53-2f4d8f1f7c33")
LEASE: Final = timedelta(minutes=5)
INDEX_LOAD: Final = "index-load"
"""The kind of job that changes the index; its one key is ``index``: no two loads mix, and its runs count them."""

_DEAD: Final = frozenset("ZXx")


class JobState(StrEnum):
    """Where a job is. ``running`` without a living worker is an orphan, which the next worker resumes."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work. ``run`` counts how often it was begun from the start; ``checkpoint`` is empty at first."""

    job_id: str
    kind: str
    key: str
    state: JobState
    run: int
    checkpoint: dict[str, Any]
    lease_owner: str


def worker_name(pid: int | None = None) -> str:
    """Return a name for a process that no later process of this machine can be mistaken for."""
    pid = os.getpid() if pid is None else pid
    return f"{socket.gethostname()}:{pid}:{_started(pid)}"


def _started(pid: int) -> str:
    """Return when a process started, in ticks since boot, or ``gone``; empty where the system does not say."""
    if not Path("/proc/self/stat").exists():  # pragma: no cover - not Linux
        return ""
    try:
        # The name in brackets may hold anything, spaces too: count from its end.
        told = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return "gone"
    # A process that was killed keeps its number until its parent asks after it, and some parents never do.
    return "gone" if told[0] in _DEAD else told[19]


def is_alive(worker: str) -> bool:
    """Whether a worker may still be at work. Of another machine's workers only the lease tells."""
    host, _, rest = worker.partition(":")
    if host != socket.gethostname():
        return True
    return worker == worker_name(int(rest.partition(":")[0]))


class Jobs:
    """The repository of jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start_or_resume(self, kind: str, key: str) -> Job:
        """Take the job of this kind and key: where it was left when unfinished, from the start otherwise.

        Raises:
            Conflict: another living worker holds it.
        """
        job_id = str(uuid5(_NAMESPACE, f"{kind}|{key}"))
        with self._database.write() as tx:
            held = _read(tx, job_id)
            if held is None:
                job = Job(job_id, kind, key, JobState.RUNNING, 1, {}, worker_name())
            elif held[0].state is JobState.DONE:
                job = replace(held[0], state=JobState.RUNNING, run=held[0].run + 1, checkpoint={})
            else:
                _refuse_if_held(*held)
                job = replace(held[0], state=JobState.RUNNING)
            return _save(tx, replace(job, lease_owner=worker_name()))

    def checkpoint(self, tx: Tx, job: Job, data: Mapping[str, Any]) -> Job:
        """Record how far the job has come, in the transaction that holds the work itself; renews the lease.

        Raises:
            Conflict: another worker has taken the job over.
        """
        held = _read(tx, job.job_id)
        if held is None or held[0].lease_owner != job.lease_owner:
            raise Conflict("another worker has taken this job over", reason="job-lost")
        return _save(tx, replace(job, checkpoint=dict(data)))

    def finish(self, tx: Tx, job: Job, data: Mapping[str, Any] | None = None) -> Job:
        """Record that the job is done; its last checkpoint stays as its result."""
        done = replace(job, state=JobState.DONE, checkpoint=dict(data if data is not None else job.checkpoint))
        return _save(tx, replace(done, lease_owner=""))

    def fail(self, job: Job, reason: str) -> Job:
        """Record that the job stopped, with a stable code; its checkpoint stays, so that it can be resumed."""
        with self._database.write() as tx:
            stopped = {**job.checkpoint, "failed": reason}
            return _save(tx, replace(job, state=JobState.FAILED, checkpoint=stopped, lease_owner=""))

    def pending(self) -> list[Job]:
        """Return the jobs that somebody should resume: failed ones, and running ones whose worker is gone."""
        with self._database.read() as view:
            rows = view.raw(f"SELECT {_COLUMNS} FROM job WHERE state <> 'done' ORDER BY job_id")  # noqa: S608 - our own names
        jobs = ((_job(row), row[7]) for row in rows)
        return [job for job, until in jobs if not _is_held(job, until)]

    def completed(self, kind: str, key: str) -> int:
        """Return how often a job was done to its end."""
        held = self.get(kind, key)
        if held is None:
            return 0
        return held.run if held.state is JobState.DONE else held.run - 1

    def get(self, kind: str, key: str) -> Job | None:
        """Return a job as it stands, or None when it was never begun."""
        with self._database.read() as view:
            held = _read(view, str(uuid5(_NAMESPACE, f"{kind}|{key}")))
        return held[0] if held else None


_COLUMNS: Final = "job_id, kind, key, state, run, checkpoint, lease_owner, lease_until"


def _read(view: Any, job_id: str) -> tuple[Job, Any] | None:  # noqa: ANN401
    rows = view.raw(f"SELECT {_COLUMNS} FROM job WHERE job_id = ?", (job_id,))  # noqa: S608 - our own names
    return (_job(rows[0]), rows[0][7]) if rows else None


def _is_held(job: Job, until: Any) -> bool:  # noqa: ANN401
    return bool(job.lease_owner) and until is not None and utc(until) > now() and is_alive(job.lease_owner)


def _refuse_if_held(job: Job, until: Any) -> None:  # noqa: ANN401
    if job.lease_owner != worker_name() and _is_held(job, until):
        raise Conflict("another worker is at this job", reason="job-held")


def _save(tx: Tx, job: Job) -> Job:
    sql = (
        f"INSERT INTO job ({_COLUMNS}, updated_at) VALUES ({','.join('?' * 9)}) ON CONFLICT (job_id) DO UPDATE SET "  # noqa: S608
        "state=excluded.state, run=excluded.run, checkpoint=excluded.checkpoint, lease_owner=excluded.lease_owner, "
        "lease_until=excluded.lease_until, updated_at=excluded.updated_at"
    )
    at = now()
    until = (at + LEASE).isoformat() if job.lease_owner else None
    data = orjson.dumps(job.checkpoint)
    tx.change(
        sql,
        (job.job_id, job.kind, job.key, job.state.value, job.run, data, job.lease_owner, until, at.isoformat()),
    )
    return job


def _job(row: tuple[Any, ...]) -> Job:
    values = (*row[:3], JobState(row[3]), row[4], orjson.loads(bytes(row[5])), row[6])
    return Job(*values)
