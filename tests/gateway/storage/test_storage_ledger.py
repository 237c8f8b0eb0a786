"""The ledger: one unbroken chain whoever writes, durable before anybody is told so, found again by whose it is."""

from __future__ import annotations

import multiprocessing
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from gateway.errors import Conflict, InputError, Unavailable
from gateway.storage import ledger as ledger_module
from gateway.storage import open_stores
from gateway.storage.groupcommit import CAP, GroupCommit
from ig.checkpoint import Checkpoint
from ig.disclosure import subject_digest
from ig.ledger import Kind, verify_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.settings import Settings
    from gateway.storage import Stores

NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def body(actor: str = "sw-1", at: datetime = NOON, **given: Any) -> dict[str, Any]:  # noqa: ANN401 - fields by name
    who = {"subject": actor, "organisation": given.pop("organisation", "X09")}
    return {"at": at.isoformat(timespec="microseconds"), "actor": who, "agreement": "ISA-1@1#abc", **given}


def check(stores: Stores, rows: int) -> None:
    assert stores.ledger.size() == rows
    assert verify_rows(stores.ledger.rows(), stores.keys.ledger_mac()) is None
    assert stores.ledger.misfiled() is None


def test_rows_are_chained_sealed_and_read_back(stores: Stores) -> None:
    for actor in ("sw-1", "gp-1"):
        stores.ledger.append("disclosure", body(actor, rows=3))
    check(stores, 2)
    newest, oldest = stores.ledger.search()
    assert (newest.seq, newest.kind, newest.at) == (2, "disclosure", NOON)
    assert oldest.body["rows"] == 3
    assert [row.seq for row in stores.ledger.rows(from_seq=2)] == [2]


def test_a_row_is_found_by_whose_it_is_and_who_did_it(stores: Stores) -> None:
    ann, bob = stores.keys.subject_token("9990000018"), stores.keys.subject_token("9990000026")
    stores.ledger.append("disclosure", body("sw-1"), [ann])
    stores.ledger.append("refusal", body("gp-1", NOON + timedelta(hours=1), organisation="P01"), [bob])
    stores.ledger.append("batch", body("system", NOON + timedelta(days=1), agreement="ISA-10@1#x"), [bob, ann, ann])
    found = {
        "subject": [row.seq for row in stores.ledger.search(subject=ann)],
        "actor": [row.seq for row in stores.ledger.search(actor="gp-1")],
        "organisation": [row.seq for row in stores.ledger.search(organisations=["P01"])],
        "agreement": [row.seq for row in stores.ledger.search(agreement="ISA-1")],
        "whole": [row.seq for row in stores.ledger.search(agreement="ISA-1@1#abc")],
        "kind": [row.seq for row in stores.ledger.search(kinds=["refusal", "batch"])],
        "since": [row.seq for row in stores.ledger.search(since=NOON + timedelta(hours=1))],
        "until": [row.seq for row in stores.ledger.search(until=NOON + timedelta(hours=1))],
        "limit": [row.seq for row in stores.ledger.search(limit=1)],
        "page": [row.seq for row in stores.ledger.search(before_seq=3, limit=1)],
    }
    assert found == {
        "subject": [3, 1],
        "actor": [2],
        "organisation": [2],
        "agreement": [2, 1],
        "whole": [2, 1],
        "kind": [3, 2],
        "since": [3, 2],
        "until": [1],
        "limit": [3],
        "page": [2],
    }


def test_what_a_row_is_searched_by_is_hashed_with_it(stores: Stores) -> None:
    token = stores.keys.subject_token("9990000018")
    stores.ledger.append("administration", {"action": "isa:activate"}, [token])
    (row,) = stores.ledger.search(subject=token)
    assert row.body["event"] == "administration"
    assert row.body["subjects"] == {**subject_digest([token]), "tokens": [token]}
    assert row.body["at"] == row.at.isoformat(timespec="microseconds")


@pytest.mark.parametrize(
    "wrong",
    [{"event": "refusal"}, {"subjects": subject_digest(["a" * 26])}, {"weight": 0.5}],
)
def test_a_body_that_contradicts_its_row_is_refused(stores: Stores, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        stores.ledger.append("disclosure", body(**wrong))
    assert refused.value.reason == "ledger-body"
    assert stores.ledger.size() == 0


def test_rows_cannot_be_changed_or_removed(stores: Stores) -> None:
    stores.ledger.append("disclosure", body(), [stores.keys.subject_token("x")])
    stores.ledger.put_checkpoint(1, "note")
    for table in ("ledger_entry", "ledger_subject", "checkpoint"):
        for sql in (f"DELETE FROM {table}", f"UPDATE {table} SET {'size' if table == 'checkpoint' else 'seq'} = 7"):
            with pytest.raises(Conflict), stores.ledger._database.write() as tx:
                tx.change(sql)


def _tamper(stores: Stores, sql: str, values: Sequence[object] = ()) -> None:
    """As somebody with the database's own password could."""
    with stores.ledger._database.write() as tx:
        if tx.postgres:
            tx.change("SET LOCAL session_replication_role = replica")
        else:
            for (name,) in tx.raw("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
                tx.change(f"DROP TRIGGER {name}")
        tx.change(sql, values)


def test_an_altered_row_is_found(stores: Stores) -> None:
    for _ in range(3):
        stores.ledger.append("disclosure", body())
    _tamper(stores, "UPDATE ledger_entry SET body = ? WHERE seq = 2", (b'{"event":"disclosure"}',))
    damage = verify_rows(stores.ledger.rows(), stores.keys.ledger_mac())
    assert damage is not None
    assert (damage.seq, damage.kind) == (2, Kind.ALTERED)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ledger_entry SET caller = 'another' WHERE seq = 2",
        "UPDATE ledger_entry SET kind = 'refusal' WHERE seq = 2",
        "DELETE FROM ledger_subject WHERE seq = 2",
    ],
)
def test_a_row_hidden_from_searches_is_found_though_the_chain_is_whole(stores: Stores, sql: str) -> None:
    for _ in range(3):
        stores.ledger.append("disclosure", body(), [stores.keys.subject_token("x")])
    _tamper(stores, sql)
    assert verify_rows(stores.ledger.rows(), stores.keys.ledger_mac()) is None
    assert stores.ledger.misfiled() == 2


def test_reading_and_checking_go_page_by_page(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "_PAGE", 2)
    for _ in range(5):
        stores.ledger.append("disclosure", body(), [stores.keys.subject_token("x")])
    check(stores, 5)


def test_a_clock_put_back_does_not_turn_time_back(stores: Stores) -> None:
    assert abs(stores.ledger.clock() - datetime.now(UTC)) < timedelta(minutes=1)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    stores.ledger.append("disclosure", body(at=tomorrow))
    assert stores.ledger.clock() == tomorrow


def test_checkpoints_are_kept_in_order_and_hold_the_ledger_to_its_word(stores: Stores) -> None:
    stores.ledger.put_checkpoint(5, "five")
    stores.ledger.put_checkpoint(2, "two")
    stores.ledger.put_checkpoint(2, "two again")
    assert [(held.size, held.note) for held in stores.ledger.checkpoints()] == [(2, "two"), (5, "five")]
    stores.ledger.append("disclosure", body())
    damage = verify_rows(stores.ledger.rows(), stores.keys.ledger_mac(), [Checkpoint(5, bytes(32), "x")])
    assert damage is not None
    assert damage.kind is Kind.TRUNCATED


def test_rows_nobody_waits_for_follow_by_themselves(stores: Stores) -> None:
    stores.ledger.append("outcome", body(), wait=False)
    until = time.monotonic() + 10
    while stores.ledger.size() == 0 and time.monotonic() < until:
        time.sleep(0.01)
    stores.ledger.append("outcome", body(), wait=False)
    stores.ledger.flush()
    check(stores, 2)
    assert stores.ledger.lost == 0


def test_closing_makes_queued_rows_durable(stores: Stores) -> None:
    stores.ledger.flush()
    for _ in range(5):
        stores.ledger.append("outcome", body(), wait=False)
    stores.ledger.close()
    check(stores, 5)


def test_many_threads_make_one_chain(stores: Stores) -> None:
    def work() -> None:
        for n in range(20):
            stores.ledger.append("disclosure", body(), wait=n % 3 != 0)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stores.ledger.flush()
    check(stores, 160)


def _append_many(stores: Stores, actor: str) -> None:
    for _ in range(50):
        stores.ledger.append("disclosure", body(actor), [stores.keys.subject_token(actor)])
    stores.close()


def test_two_processes_make_one_unbroken_chain(stores: Stores) -> None:
    stores.ledger.append("disclosure", body())
    fork = multiprocessing.get_context("fork")
    children = [fork.Process(target=_append_many, args=(stores, f"worker-{n}")) for n in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0]
    stores.ledger.append("disclosure", body())
    check(stores, 102)
    assert len(stores.ledger.search(actor="worker-1", limit=200)) == 50


def test_a_ledger_that_cannot_be_written_says_so_to_everybody(
    stores: Stores, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores.ledger.append("disclosure", body())
    with stores.ledger._database.write() as tx:
        tx.change("ALTER TABLE ledger_entry RENAME TO away")
    refused: list[Unavailable] = []

    def work() -> None:
        try:
            stores.ledger.append("disclosure", body())
        except Unavailable as error:
            refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [error.reason for error in refused] == ["ledger"] * 4
    stores.ledger.append("outcome", body(), wait=False)
    stores.ledger.flush()
    assert stores.ledger.lost == 1
    with stores.ledger._database.write() as tx:
        tx.change("ALTER TABLE away RENAME TO ledger_entry")
    stores.ledger.append("disclosure", body())
    check(stores, 2)


def test_whether_a_row_could_be_written_is_known_without_writing_one(stores: Stores) -> None:
    before = stores.ledger.size()
    stores.ledger.check_appendable()
    assert stores.ledger.size() == before


def test_a_ledger_without_its_key_is_not_appendable(stores: Stores, settings: Settings) -> None:
    (settings.keys_dir / "ledger-mac.key").unlink()
    with open_stores(settings) as reopened, pytest.raises(Unavailable):
        reopened.ledger.check_appendable()


def test_a_body_that_was_turned_into_text_is_named_as_damage(stores: Stores) -> None:
    stores.ledger.append("disclosure", body())
    if stores.ledger._database.postgres:
        # a server keeps the type of its columns
        return
    with stores.ledger._database.write() as tx:
        for (name,) in tx.raw("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            tx.change(f"DROP TRIGGER {name}")
        tx.change("UPDATE ledger_entry SET body = replace(body, 'event', 'evant')")
    damage = verify_rows(stores.ledger.rows(), stores.keys.ledger_mac())
    assert damage is not None
    assert (damage.seq, damage.kind) == (1, "altered")


def test_a_lock_file_that_cannot_be_opened_is_unavailable(stores: Stores, settings: Settings) -> None:
    if settings.database_url is not None:
        return
    settings.ledger_db.with_suffix(".lock").mkdir()
    with pytest.raises(Unavailable):
        stores.ledger.append("disclosure", body())


def test_a_batch_has_an_upper_bound_and_the_lead_passes_on() -> None:
    sizes: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def write(items: Sequence[int]) -> None:
        sizes.append(len(items))
        begun.set()
        go_on.wait(10)

    group = GroupCommit[int](write)
    first = threading.Thread(target=group.add, args=(0,), kwargs={"wait": True})
    first.start()
    begun.wait(10)
    for n in range(CAP + 10):
        group.add(n, wait=False)
    second = threading.Thread(target=group.add, args=(1,), kwargs={"wait": True})
    second.start()
    while len(group._queue) < CAP + 11:
        time.sleep(0.001)
    go_on.set()
    first.join()
    second.join()
    group.close()
    assert sizes == [1, CAP, 11]


def test_a_bug_in_writing_reaches_whoever_waits() -> None:
    def write(_items: Sequence[int]) -> None:
        raise ZeroDivisionError

    group = GroupCommit[int](write)
    with pytest.raises(Unavailable, match="ZeroDivisionError"):
        group.add(1, wait=True)
    group.close()
