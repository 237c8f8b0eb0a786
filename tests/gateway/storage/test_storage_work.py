"""Traces, reviews, quarantine and jobs: the work and what came of it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from adapters.feed import Quarantined
from gateway.errors import Conflict, NotFound
from gateway.storage import jobs
from gateway.storage.jobs import JobState, is_alive, worker_name
from gateway.storage.links import Basis, LinkKind, NewLink
from gateway.storage.quarantine import HeldRow, QuarantineCount, QuarantineState
from gateway.storage.reviews import CaseCandidate, CaseState, NewCase
from gateway.storage.traces import NumberCount, TraceResult
from linkage.explain import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.storage import Permit, Stores
    from gateway.storage.records import Incoming, Shelf

EVIDENCE = (Evidence("family", "exact", 9.5),)


@pytest.fixture
def two_people(
    stores: Stores, permit: Permit, make_incoming: Callable[..., Incoming], classify: Callable[..., Shelf]
) -> list[str]:
    batch = [make_incoming("e1", nhs_number="9990000018"), make_incoming("e2", person_ref="p2")]
    with stores.transaction() as tx:
        stores.records.put_many(tx, batch, classify)
    return [person.source_person_id for person in stores.records.source_people(permit)]


def test_a_trace_is_kept_counted_and_marks_its_person(stores: Stores, permit: Permit, two_people: list[str]) -> None:
    first, second = two_people
    result = TraceResult(first, "matched", "algorithmic", "clear", ("deceased-formal",), "", "p", EVIDENCE, "house@1")
    none = TraceResult(second, "none", "", "no-candidates", (), "", "", (), "house@1")
    with stores.transaction() as tx:
        stores.traces.put_many(tx, [result, none])
        stores.traces.put_many(tx, [result])
    assert stores.traces.of(permit, first) == result
    assert stores.traces.of(permit, "nobody") is None
    assert stores.traces.counts() == {"social-care": {"matched": 1, "none": 1}}
    assert stores.records.source_people(permit, untraced_for="house@1") == []


def test_numbers_are_counted_before_and_after(stores: Stores, two_people: list[str]) -> None:
    assert stores.traces.numbers() == [NumberCount("social-care", 2, 1, 1)]
    facts = [
        NewLink(person, f"person-{n}", LinkKind.IS, Basis.ALGORITHMIC, "system", nhs_number=f"99900000{n}")
        for n, person in enumerate(two_people)
    ]
    with stores.transaction() as tx:
        stores.links.append(tx, facts)
    assert stores.traces.numbers() == [NumberCount("social-care", 2, 1, 2)]


def test_people_of_one_sender_who_are_one_person_are_flagged(
    stores: Stores, permit: Permit, two_people: list[str]
) -> None:
    results = [
        TraceResult(one, "matched", "", "clear", ("deceased-formal",), "9990000018", "p", (), "m") for one in two_people
    ]
    with stores.transaction() as tx:
        stores.traces.put_many(tx, results)
        stores.links.append(tx, [NewLink(one, "p", LinkKind.IS, Basis.PERSON, "reviewer") for one in two_people])
        assert stores.traces.flag_duplicates(tx, "duplicate-in-source") == 2
    flagged = stores.traces.of(permit, two_people[0])
    assert flagged is not None
    assert flagged.flags == ("deceased-formal", "duplicate-in-source")
    with stores.transaction() as tx:
        stores.links.unlink(tx, two_people[1], "reviewer")
        assert stores.traces.flag_duplicates(tx, "duplicate-in-source") == 0
    assert stores.traces.of(permit, two_people[0]) == results[0]
    assert stores.traces.numbers_found(permit) == dict.fromkeys(two_people, "9990000018")


def test_a_case_is_opened_shown_and_decided_once(stores: Stores, permit: Permit) -> None:
    candidates = (CaseCandidate("person-a", 12.5, 0.8, EVIDENCE), CaseCandidate("person-b", 11.0, 0.2))
    case = NewCase("source-person", "twins", candidates, "house@1")
    for _ in range(2):
        with stores.transaction() as tx:
            assert stores.reviews.open(tx, [case]) == 1
    (held,) = stores.reviews.list(permit)
    assert (held.candidates, held.state, held.decided_at) == (candidates, CaseState.OPEN, None)
    with stores.transaction() as tx:
        stores.reviews.decide(tx, held.case_id, "is", person_id="person-a", actor="reviewer", note="same address")
    shown = stores.reviews.show(permit, held.case_id)
    assert (shown.state, shown.decision, shown.person_id) == (CaseState.DECIDED, "is", "person-a")
    assert shown.decided_at is not None
    with pytest.raises(Conflict), stores.transaction() as tx:
        stores.reviews.decide(tx, held.case_id, "never", person_id="person-a", actor="another")
    with stores.transaction() as tx:
        stores.reviews.open(tx, [case])
    assert stores.reviews.list(permit) == []
    assert stores.reviews.counts() == {"decided": 1}
    with pytest.raises(NotFound):
        stores.reviews.show(permit, "unknown")


def test_a_newer_model_asks_anew_and_certainty_closes_the_case(stores: Stores, permit: Permit) -> None:
    for model in ("house@1", "house@2"):
        with stores.transaction() as tx:
            stores.reviews.open(tx, [NewCase("source-person", "close", (), model)])
    assert [case.model for case in stores.reviews.list(permit)] == ["house@2"]
    with stores.transaction() as tx:
        stores.reviews.close_of(tx, ["source-person"])
    assert stores.reviews.list(permit) == []


def test_a_quarantined_row_is_listed_without_and_shown_with_a_permit(stores: Stores, permit: Permit) -> None:
    bad = Quarantined(
        "events.csv", 7, "birth_date", "impossible-date", "birth_date: no such day", b"7,31/02/1980", "e7", b"id,born"
    )
    other = Quarantined("events.csv", 8, "gender", "unknown-code", "gender: code not in the list", b"8,Q")
    for _ in range(2):
        with stores.transaction() as tx:
            stores.quarantine.put_many(tx, "social-care", [bad, other])
    (listed,) = stores.quarantine.list(source="social-care", rule="impossible-date", feed="events.csv")
    assert "31/02" not in repr(listed)
    assert stores.quarantine.get(permit, listed.quarantine_id) == HeldRow(listed, b"id,born", b"7,31/02/1980")
    with stores.transaction() as tx:
        stores.quarantine.mark(tx, [listed.quarantine_id], QuarantineState.REPLAYED)
    assert [row.row for row in stores.quarantine.list()] == [8]
    assert stores.quarantine.counts() == [
        QuarantineCount("social-care", "impossible-date", QuarantineState.REPLAYED, 1),
        QuarantineCount("social-care", "unknown-code", QuarantineState.HELD, 1),
    ]
    with pytest.raises(NotFound):
        stores.quarantine.get(permit, "unknown")


def test_a_job_resumes_where_its_last_commit_left_it(stores: Stores) -> None:
    job = stores.jobs.start_or_resume("ingest", "events.csv")
    assert (job.run, job.checkpoint) == (1, {})
    with stores.transaction() as tx:
        job = stores.jobs.checkpoint(tx, job, {"rows": 1000})
    with suppress(Conflict), stores.transaction() as tx:
        stores.jobs.checkpoint(tx, job, {"rows": 2000})
        tx.change("INSERT INTO meta (name, value) VALUES ('mode', 'twice')")
    assert stores.jobs.start_or_resume("ingest", "events.csv").checkpoint == {"rows": 1000}
    with stores.transaction() as tx:
        done = stores.jobs.finish(tx, job)
    assert (done.state, done.checkpoint) == (JobState.DONE, {"rows": 1000})
    again = stores.jobs.start_or_resume("ingest", "events.csv")
    assert (again.run, again.checkpoint) == (2, {})


def test_a_job_held_by_a_living_worker_is_left_alone(stores: Stores) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        job = stores.jobs.start_or_resume("link", "all")
        with stores.transaction() as tx:
            tx.change("UPDATE job SET lease_owner = ?", (worker_name(sleeper.pid),))
        assert stores.jobs.pending() == []
        with pytest.raises(Conflict) as refused:
            stores.jobs.start_or_resume("link", "all")
        assert refused.value.reason == "job-held"
        with pytest.raises(Conflict) as lost, stores.transaction() as tx:
            stores.jobs.checkpoint(tx, job, {"at": "end"})
        assert lost.value.reason == "job-lost"
    finally:
        sleeper.communicate(b"\n")
    assert [one.kind for one in stores.jobs.pending()] == ["link"]
    assert stores.jobs.start_or_resume("link", "all").lease_owner == worker_name()


def test_a_lease_runs_out_on_a_worker_of_another_machine(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_alive("elsewhere:1:1")
    monkeypatch.setattr(jobs, "LEASE", timedelta(seconds=-1))
    stores.jobs.start_or_resume("link", "all")
    with stores.transaction() as tx:
        tx.change("UPDATE job SET lease_owner = 'elsewhere:1:1'")
    assert len(stores.jobs.pending()) == 1


def test_a_failed_job_waits_to_be_resumed(stores: Stores) -> None:
    job = stores.jobs.start_or_resume("release", "2026-10")
    stores.jobs.fail(job, "storage")
    assert [one.state for one in stores.jobs.pending()] == [JobState.FAILED]
    held = stores.jobs.get("release", "2026-10")
    assert held is not None
    assert held.checkpoint == {"failed": "storage"}
    assert stores.jobs.get("release", "2026-11") is None


def test_a_process_id_used_again_is_another_worker() -> None:
    host, pid, _ = worker_name().split(":")
    assert is_alive(worker_name())
    assert not is_alive(f"{host}:{pid}:1")
    assert int(pid) == os.getpid()
