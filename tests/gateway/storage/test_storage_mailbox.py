"""Messages of a mailbox: one step after another, each by who holds the lease, on both databases."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from gateway.errors import Conflict, NotFound
from gateway.storage import mailbox
from gateway.storage.jobs import worker_name
from gateway.storage.mailbox import AT_WORK, TRANSITIONS, MessageState, Outcome, Sender
from gateway.storage.schema import now

if TYPE_CHECKING:
    from gateway.storage import Stores
    from gateway.storage.database import Tx
    from gateway.storage.mailbox import Message

BOX = "X26ABC2"
HOUR = timedelta(hours=1)


def taken(stores: Stores) -> Message | None:
    return stores.mailbox.take(BOX, before=now(), settled=now())


def one(stores: Stores) -> Message:
    found = taken(stores)
    assert found is not None
    return found


def test_every_state_is_on_the_way_to_an_end() -> None:
    assert TRANSITIONS.keys() == set(MessageState)
    ends = {state for state, after in TRANSITIONS.items() if not after}
    assert ends == {MessageState.ACKNOWLEDGED, MessageState.GONE}
    reached, more = {MessageState.RECEIVED}, True
    while more:
        further = reached | {after for state in reached for after in TRANSITIONS[state]}
        more, reached = further != reached, further
    assert reached == set(MessageState)
    assert set(MessageState) - set(AT_WORK) == ends | {MessageState.KEPT}


def test_a_message_is_noticed_once_and_those_tried_least_come_first(stores: Stores) -> None:
    assert (stores.mailbox.notice(BOX, ["B", "A"]), stores.mailbox.notice(BOX, ["A", "C", "C"])) == (2, 1)
    assert stores.mailbox.notice(BOX, []) == 0
    assert stores.mailbox.notice("OTHER", ["D"]) == 1
    assert [one(stores).message_id for _ in range(4)] == ["A", "B", "C", "A"], "of our own mailbox, in turn"
    assert stores.mailbox.take(BOX, before=now() - HOUR, settled=now()) is None, "all were tried since"


def test_a_message_goes_from_state_to_state_and_no_other_way(stores: Stores) -> None:
    stores.mailbox.notice(BOX, ["A"])
    message = stores.mailbox.note(one(stores), sender="X26ABC1", workflow="W")
    answered = stores.mailbox.move(message, MessageState.ANSWERED, outcome=Outcome.ANSWERED, rows=3)
    with pytest.raises(Conflict):
        stores.mailbox.move(answered, MessageState.SENT)
    sending = stores.mailbox.move(answered, MessageState.SENDING, sending_at=now())
    assert stores.mailbox.get("A") == sending
    assert (sending.sender, sending.workflow, sending.rows, sending.outcome) == ("X26ABC1", "W", 3, Outcome.ANSWERED)
    with pytest.raises(Conflict) as late:
        stores.mailbox.move(answered, MessageState.SENDING)
    assert late.value.reason == "message-lost", "it is not in that state any more"
    with pytest.raises(NotFound):
        stores.mailbox.get("NONE")


def test_a_response_under_way_is_left_alone_until_mesh_can_know(stores: Stores) -> None:
    stores.mailbox.notice(BOX, ["A"])
    begun = now()
    answered = stores.mailbox.move(one(stores), MessageState.ANSWERED)
    stores.mailbox.move(answered, MessageState.SENDING, sending_at=begun)
    assert stores.mailbox.take(BOX, before=now(), settled=begun - HOUR) is None
    assert one(stores).state is MessageState.SENDING


def test_two_pollers_never_hold_the_same_message(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        stores.mailbox.notice(BOX, ["A"])
        held = one(stores)
        with monkeypatch.context() as other:
            other.setattr(mailbox, "worker_name", lambda: worker_name(sleeper.pid))
            assert taken(stores) is None, "this process lives"
        with stores.transaction() as tx:
            tx.change("UPDATE mesh_message SET lease_owner = ?", (worker_name(sleeper.pid),))
        assert taken(stores) is None
        for lost in (
            lambda: stores.mailbox.renew(held),
            lambda: stores.mailbox.move(held, MessageState.ANSWERED),
            lambda: stores.mailbox.note(held, sender="S", workflow="W"),
        ):
            with pytest.raises(Conflict) as refused:
                lost()
            assert refused.value.reason == "message-lost"
        stores.mailbox.release("A", "never mine")
        assert stores.mailbox.get("A").trouble == ""
    finally:
        sleeper.kill()
        sleeper.communicate()
    assert one(stores).attempts == 2, "its poller was killed"


def test_a_lease_of_another_machine_holds_until_it_runs_out(stores: Stores) -> None:
    stores.mailbox.notice(BOX, ["A"])
    message = one(stores)
    stores.mailbox.renew(message)
    with stores.transaction() as tx:
        tx.change("UPDATE mesh_message SET lease_owner = 'elsewhere:1:1'")
    assert taken(stores) is None
    with stores.transaction() as tx:
        tx.change("UPDATE mesh_message SET lease_until = ?", ((now() - HOUR).isoformat(),))
    assert one(stores).message_id == "A"


def test_somebody_else_may_have_been_quicker(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a server two may read the same row; only one of them changes it."""
    stores.mailbox.notice(BOX, ["A"])
    with monkeypatch.context() as slow:
        slow.setattr(mailbox.Mailbox, "_lease", lambda _self, tx, row: lease_of(stores, tx, row))
        assert taken(stores) is None
    assert one(stores).attempts == 2


def lease_of(stores: Stores, tx: Tx, row: Any) -> bool:  # noqa: ANN401 - a row of any columns
    """Lease a row that was changed after it was read."""
    tx.change("UPDATE mesh_message SET attempts = attempts + 1")
    return LEASE(stores.mailbox, tx, row)


LEASE = mailbox.Mailbox._lease


def test_a_response_is_called_by_the_same_name_however_often_it_is_tried(stores: Stores) -> None:
    stores.mailbox.notice(BOX, ["A", "B"])
    first, second = one(stores), one(stores)
    assert first.local_id != second.local_id
    assert first.local_id == stores.mailbox.get("A").local_id
    answered = stores.mailbox.move(first, MessageState.ANSWERED)
    sending = stores.mailbox.move(answered, MessageState.SENDING, sending_at=now())
    anew = stores.mailbox.move(sending, MessageState.RECEIVED, edition=1)
    assert anew.local_id != first.local_id


def test_a_mailbox_stands_as_its_messages_do(stores: Stores) -> None:
    assert stores.mailbox.standing(BOX).polled_at is None
    stores.mailbox.notice(BOX, ["A", "B", "C"])
    stores.mailbox.polled(BOX, "mesh-silent")
    stores.mailbox.polled(BOX)
    kept = stores.mailbox.move(one(stores), MessageState.KEPT, reason="workflow-unknown")
    stores.mailbox.release(kept.message_id)
    sent = stores.mailbox.move(one(stores), MessageState.SENT, sent_id="S1", outcome=Outcome.REPORT)
    stores.mailbox.move(sent, MessageState.ACKNOWLEDGED)
    for _ in range(3):
        assert one(stores).message_id == "C"
        stores.mailbox.release("C", "ledger-full")
    standing = stores.mailbox.standing(BOX)
    assert standing.states == {"kept": 1, "acknowledged": 1, "received": 1}
    assert standing.outcomes == {"": 2, "report": 1}
    assert [one.message_id for one in standing.stuck] == ["C"]
    assert [one.message_id for one in standing.kept] == ["A"]
    assert (standing.poll_reason, standing.polled_at is not None) == ("", True)
    assert stores.mailbox.undeliverable("S1") == 1
    assert stores.mailbox.undeliverable("") == 0
    assert [one.message_id for one in stores.mailbox.standing(BOX).undelivered] == ["B"]
    assert stores.mailbox.take_up_kept(BOX, ["OTHER"]) == 0
    assert stores.mailbox.open_ids() == ["C"]
    for message_id in ("A", "C"):
        stores.mailbox.fetched(message_id)
    assert stores.mailbox.standing(BOX).outcomes == {"": 1, "report": 1, "fetched": 1}, "only what was kept"


def test_the_last_response_sent_is_known_for_a_while(stores: Stores) -> None:
    stores.mailbox.notice(BOX, ["A"])
    assert stores.mailbox.last_sent(BOX, now() - HOUR) is None
    answered = stores.mailbox.move(one(stores), MessageState.ANSWERED)
    sending = stores.mailbox.move(answered, MessageState.SENDING, sending_at=now())
    sent = stores.mailbox.move(sending, MessageState.SENT, sent_id="S1")
    assert stores.mailbox.last_sent(BOX, now() - HOUR) == sent
    assert stores.mailbox.last_sent(BOX, now()) is None


def test_who_may_send_is_on_a_list(stores: Stores) -> None:
    with stores.transaction() as tx:
        stores.mailbox.allow(tx, Sender("X26ABC1", "first"))
        stores.mailbox.allow(tx, Sender("X26ABC1", "second"))
    assert stores.mailbox.senders() == [Sender("X26ABC1", "second")]
    assert (stores.mailbox.caller_of("X26ABC1"), stores.mailbox.caller_of("X26ABC3")) == ("second", "")
    with stores.transaction() as tx:
        stores.mailbox.deny(tx, "X26ABC1")
    with pytest.raises(NotFound), stores.transaction() as tx:
        stores.mailbox.deny(tx, "X26ABC1")


def test_only_a_response_under_way_is_settled_by_a_person(stores: Stores) -> None:
    stores.mailbox.notice(BOX, ["A"])
    for message_id in ("NONE", "A"):
        with pytest.raises(Conflict):
            stores.mailbox.settle(message_id, MessageState.SENT)
    answered = stores.mailbox.move(one(stores), MessageState.ANSWERED)
    stores.mailbox.move(answered, MessageState.SENDING, sending_at=now())
    stores.mailbox.release("A")
    stores.mailbox.settle("A", MessageState.ANSWERED)
    assert stores.mailbox.get("A").state is MessageState.ANSWERED
