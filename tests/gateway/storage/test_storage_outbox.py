"""The outbox on both databases: kept with its cause, in order, one worker at a time, and never anybody's data."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from gateway.errors import Conflict, InputError
from gateway.storage import outbox
from gateway.storage.outbox import DeliveryState, Outgoing, Topic, Webhook
from gateway.storage.schema import now

if TYPE_CHECKING:
    from gateway.storage import Stores

CHANGED = Outgoing(Topic.RECORD_CHANGED, "diff-1", b'{"record":"r1"}', "999", "r1")


def subscribe(stores: Stores, organisation: str = "999", *topics: Topic) -> Webhook:
    wanted = frozenset(topics or (Topic.RECORD_CHANGED,))
    one = Webhook(str(uuid4()), "case-system", organisation, "https://hook.example/in", wanted, now())
    with stores.transaction() as tx:
        stores.outbox.subscribe(tx, one)
    return one


def put(stores: Stores, *messages: Outgoing) -> int:
    with stores.transaction() as tx:
        return stores.outbox.put(tx, messages)


def put_and_break(stores: Stores, twice: Webhook) -> None:
    with stores.transaction() as tx:
        assert stores.outbox.put(tx, [CHANGED]) == 1
        stores.outbox.subscribe(tx, twice)


def test_a_message_goes_to_those_of_its_organisation_who_asked_for_its_topic(stores: Stores) -> None:
    mine = subscribe(stores)
    subscribe(stores, "RZZ")
    subscribe(stores, "999", Topic.NUMBER_CHANGED)
    assert put(stores, CHANGED) == 1
    (due,) = stores.outbox.claim()
    assert (due.webhook, due.topic, due.body, due.attempts) == (mine, CHANGED.topic, CHANGED.body, 0)


def test_a_message_that_names_its_subscribers_goes_to_them_whatever_they_asked_for(stores: Stores) -> None:
    elsewhere, _other = subscribe(stores, "RZZ"), subscribe(stores)
    assert put(stores, replace(CHANGED, webhooks=frozenset({elsewhere.webhook_id}))) == 1
    assert [due.webhook for due in stores.outbox.claim()] == [elsewhere]


def test_what_nobody_is_to_hear_of_is_not_kept(stores: Stores) -> None:
    assert put(stores, CHANGED) == 0
    subscribe(stores)
    assert stores.outbox.claim() == []


def test_a_message_is_there_if_and_only_if_its_cause_is(stores: Stores) -> None:
    subscribe(stores)
    twice = Webhook(stores.outbox.subscribers()[0].webhook_id, "", "", "", frozenset(), now())
    with pytest.raises(Conflict):
        put_and_break(stores, twice)
    assert stores.outbox.claim() == []


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"not json",
        b'{"x":"' + b"y" * 20_000 + b'"}',
        b'{"number":"9990000018"}',
        b'{"number":9990000018}',
        b'{"said":"it is 999 000 0018 now"}',
    ],
    ids=["list", "text", "long", "number", "digits", "spaced"],
)
def test_a_message_that_could_name_somebody_is_refused(stores: Stores, body: bytes) -> None:
    subscribe(stores)
    with pytest.raises(InputError):
        put(stores, replace(CHANGED, body=body))


def test_ids_and_other_digits_are_not_taken_for_numbers(stores: Stores) -> None:
    subscribe(stores)
    assert put(stores, replace(CHANGED, body=b'{"id":"99900000-1890-4000-8000-9990000018ab","n":9990000019}')) == 1


def test_each_subscriber_is_told_in_order_and_one_message_at_a_time(stores: Stores) -> None:
    subscribe(stores)
    subscribe(stores, "999", *Topic)
    put(stores, *(replace(CHANGED, body=b'{"n":%d}' % n) for n in range(3)))
    told: dict[str, list[bytes]] = {}
    while due := stores.outbox.claim():
        assert stores.outbox.claim() == [], "what is held is nobody else's"
        for one in due:
            told.setdefault(one.webhook.webhook_id, []).append(one.body)
            assert stores.outbox.settle(one, DeliveryState.DELIVERED)
    assert list(told.values()) == [[b'{"n":0}', b'{"n":1}', b'{"n":2}']] * 2


def test_what_is_to_be_tried_again_keeps_its_place_and_its_id(stores: Stores) -> None:
    subscribe(stores)
    put(stores, CHANGED, replace(CHANGED, body=b"{}"))
    (first,) = stores.outbox.claim()
    stores.outbox.settle(first, DeliveryState.WAITING, "status-500", again_at=now() + timedelta(hours=1))
    assert stores.outbox.claim() == [], "those behind it wait too"
    with stores.transaction() as tx:
        tx.change("UPDATE delivery SET due_at = ? WHERE seq = ?", (now().isoformat(), first.seq))
    (again,) = stores.outbox.claim()
    assert (again.message_id, again.attempts) == (first.message_id, 1)
    stores.outbox.settle(again, DeliveryState.DEAD, "status-500")
    (behind,) = stores.outbox.claim()
    assert behind.body == b"{}"
    assert list(stores.outbox.standing().values()) == [outbox.Standing(waiting=1, dead=1)]


def test_what_a_dead_worker_held_is_free_and_what_it_says_late_does_not_count(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(stores)
    put(stores, CHANGED)
    monkeypatch.setattr(outbox, "LEASE", timedelta(seconds=-1))
    (lost,) = stores.outbox.claim()
    (again,) = stores.outbox.claim()
    assert again.message_id == lost.message_id
    assert not stores.outbox.settle(lost, DeliveryState.DELIVERED)
    assert stores.outbox.settle(again, DeliveryState.DELIVERED)
    assert stores.outbox.claim() == []


def test_whoever_leaves_hears_no_more_and_cannot_leave_twice(stores: Stores) -> None:
    one = subscribe(stores)
    put(stores, CHANGED)
    with stores.transaction() as tx:
        assert stores.outbox.unsubscribe(tx, one.webhook_id)
        assert not stores.outbox.unsubscribe(tx, one.webhook_id)
    assert (stores.outbox.claim(), stores.outbox.subscribers()) == ([], [])
    assert put(stores, CHANGED) == 0


def test_who_heard_of_a_record_is_known_by_the_time(stores: Stores) -> None:
    one = subscribe(stores)
    before = now()
    put(stores, CHANGED, replace(CHANGED, source_person_id="r2"))
    put(stores, replace(CHANGED, topic=Topic.LINK_RETRACTED, webhooks=frozenset({one.webhook_id})))
    after = now()
    (found,) = stores.outbox.about(["r1"], before, after)
    assert found.webhook == one
    assert before <= found.at <= after
    assert stores.outbox.about(["r1"], before - timedelta(1), before) == []
    assert stores.outbox.about(["r3"], before, after) == []


def test_what_arrived_is_known_by_its_reference(stores: Stores) -> None:
    subscribe(stores)
    put(stores, CHANGED, replace(CHANGED, reference="diff-2"))
    (due,) = stores.outbox.claim()
    stores.outbox.settle(due, DeliveryState.DELIVERED)
    assert set(stores.outbox.arrived(["diff-1", "diff-2"])) == {"diff-1"}


def test_a_narrowed_claim_leaves_the_others(stores: Stores) -> None:
    one, other = subscribe(stores), subscribe(stores)
    put(stores, CHANGED)
    assert [due.webhook for due in stores.outbox.claim(webhooks={other.webhook_id})] == [other]
    assert [due.webhook for due in stores.outbox.claim()] == [one]
