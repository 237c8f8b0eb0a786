"""Webhooks against a real receiver: signed, in order, at least once and never lost."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from gateway.errors import InputError, NotFound, NotPermitted
from gateway.services.governance import callers
from gateway.services.outbound import deliver, subscribers
from gateway.services.outbound.deliver import deliver_due
from gateway.storage.outbox import Outgoing, Topic
from gateway.storage.schema import now
from gateway.transports.webhooks import send
from tests.gateway.houses import persona
from tests.gateway.receiver import listening
from tests.journeys.real import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.house import House
    from gateway.services.outbound.subscribers import Subscribed
    from tests.gateway.houses import Watch
    from tests.gateway.receiver import Receiver


PAUSE: Final = deliver.pause


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as one:
        yield one


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "pause", lambda _attempts: timedelta(0))


def subscribe(house: House, url: str, *topics: Topic) -> Subscribed:
    wanted = topics or (Topic.RECORD_CHANGED,)
    return subscribers.add_webhook(house, persona(house, "ig-officer"), url, "data-team", wanted)


def put(house: House, *numbers: int) -> None:
    messages = [
        Outgoing(Topic.RECORD_CHANGED, f"diff-{n}", b'{"n":%d,"fetch":"/fhir/R4/changes"}' % n, "999") for n in numbers
    ]
    with house.stores.transaction() as tx:
        house.stores.outbox.put(tx, messages)


def told(receiver: Receiver) -> list[int]:
    return [call.told["data"]["n"] for call in receiver.taken]


def test_a_message_arrives_signed_and_says_nothing_but_codes(own_town: House, receiver: Receiver) -> None:
    made = subscribe(own_town, receiver.url)
    put(own_town, 1)
    assert deliver_due(own_town, send).delivered == 1
    (call,) = receiver.calls
    assert call.is_signed(made.secret)
    assert not call.is_signed(subscribe(own_town, receiver.url).secret)
    assert call.told == {
        "type": "record-changed",
        "timestamp": call.told["timestamp"],
        "data": {"n": 1, "fetch": "/fhir/R4/changes"},
    }
    assert call.headers["content-type"] == "application/json"
    assert abs(now().timestamp() - int(call.headers["webhook-timestamp"])) < 60
    assert deliver_due(own_town, send) == deliver.Deliveries(), "what was taken is not sent again"


def test_through_random_failures_every_message_arrives_in_order_under_one_id(
    own_town: House, receiver: Receiver
) -> None:
    chance = random.Random(7)
    receiver.answers = lambda: chance.choice([204, 200, 0, 500, 503, 404, 301, 302, 429])
    made = [subscribe(own_town, receiver.url + f"/{place}") for place in range(2)]
    put(own_town, *range(12))
    for _ in range(200):
        if not deliver_due(own_town, send).again:
            break
    for one in made:
        mine = [call for call in receiver.calls if call.is_signed(one.secret)]
        assert [call.told["data"]["n"] for call in mine if call in receiver.taken] == list(range(12))
        assert len({call.id for call in mine}) == 12, "a retry has the id of the first try"
        assert [call.told["data"]["n"] for call in mine] == sorted(call.told["data"]["n"] for call in mine)
    assert len(receiver.calls) > 24
    assert all(call.body == first.body for call in receiver.calls for first in receiver.calls if call.id == first.id)


def test_both_secrets_are_good_until_the_older_is_retired(own_town: House, receiver: Receiver) -> None:
    officer = persona(own_town, "ig-officer")
    old = subscribe(own_town, receiver.url)
    new = subscribers.rotate_secret(own_town, officer, old.webhook_id)
    put(own_town, 1)
    deliver_due(own_town, send)
    assert receiver.calls[-1].is_signed(old.secret)
    assert receiver.calls[-1].is_signed(new.secret)
    assert subscribers.retire_secret(own_town, officer, old.webhook_id)
    assert not subscribers.retire_secret(own_town, officer, old.webhook_id)
    put(own_town, 2)
    deliver_due(own_town, send)
    assert not receiver.calls[-1].is_signed(old.secret)
    assert receiver.calls[-1].is_signed(new.secret)


def test_a_redirect_is_a_failure_and_is_not_followed(own_town: House, receiver: Receiver) -> None:
    subscribe(own_town, receiver.url)
    put(own_town, 1)
    receiver.answers = lambda: 307
    assert deliver_due(own_town, send).again == 1
    (one,) = subscribers.listing(own_town)
    assert (one.standing.waiting, one.standing.reason) == (1, "redirected")
    assert len(receiver.calls) == 1


def test_one_subscriber_that_is_away_holds_up_nobody_else(own_town: House, receiver: Receiver) -> None:
    subscribe(own_town, "http://127.0.0.1:9/away")
    subscribe(own_town, receiver.url)
    put(own_town, 1, 2)
    for _ in range(3):
        deliver_due(own_town, send)
    assert told(receiver) == [1, 2]


def test_after_some_days_a_message_is_given_up_recorded_and_the_next_goes_on(
    own_town: House, receiver: Receiver, watch: type[Watch]
) -> None:
    subscribe(own_town, receiver.url)
    put(own_town, 1, 2)
    old = (now() - timedelta(days=8)).isoformat()
    with own_town.stores.transaction() as tx:
        tx.change("UPDATE outgoing SET at = ? WHERE seq = 1", (old,))
    receiver.answers = lambda: 500 if len(receiver.calls) < 5 else 200
    seen = watch(own_town)
    outcomes = [deliver_due(own_town, send) for _ in range(8)]
    assert sum(one.dead for one in outcomes) == 1
    assert told(receiver) == [2]
    (row,) = [row for row in seen.rows("administration") if row.body["action"] == "webhook:dead"]
    assert row.body["actor"]["subject"] == "system-outbound"
    assert row.body["details"]["fault"] == "status-500"
    (one,) = subscribers.listing(own_town)
    assert (one.standing.delivered, one.standing.dead) == (1, 1)


def test_killed_between_sending_and_recording_it_is_sent_again_under_the_same_id(
    own_town: House, receiver: Receiver
) -> None:
    subscribe(own_town, receiver.url)
    put(own_town, 1, 2)
    program = (
        "import os, signal\nfrom gateway.storage.outbox import Outbox\n"
        "Outbox.settle = lambda *_args, **_more: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from gateway.cli import main\nmain(prog_name='gateway')"
    )
    folder = str(own_town.settings.data_dir)
    words = [sys.executable, "-c", program, "--data-dir", folder, "webhook", "deliver", "--once"]
    ran = subprocess.run(words, check=False, env={**environment(), "GATEWAY_ORGANISATION": "999"}, capture_output=True)
    assert ran.returncode == -9, ran.stderr
    assert told(receiver) == [1]
    assert deliver_due(own_town, send).delivered == 2
    assert told(receiver) == [1, 1, 2]
    assert receiver.calls[0].id == receiver.calls[1].id


def test_two_workers_at_once_send_nothing_twice(own_town: House, receiver: Receiver) -> None:
    subscribe(own_town, receiver.url)
    put(own_town, *range(20))
    workers = [threading.Thread(target=lambda: deliver_due(own_town, send)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    deliver_due(own_town, send)
    assert told(receiver) == list(range(20))


def test_without_its_grant_the_system_caller_sends_nothing(own_town: House, receiver: Receiver) -> None:
    subscribe(own_town, receiver.url)
    put(own_town, 1)
    callers.revoke(own_town, "system-outbound")
    with pytest.raises(NotPermitted):
        deliver_due(own_town, send)
    assert receiver.calls == []


def test_a_run_is_one_row_that_names_nobody(own_town: House, receiver: Receiver, watch: type[Watch]) -> None:
    subscribe(own_town, receiver.url)
    put(own_town, 1, 2, 3)
    seen = watch(own_town)
    deliver_due(own_town, send)
    deliver_due(own_town, send)
    (row,) = seen.rows("batch")
    assert (row.body["rows"], row.body["subjects"]["count"], row.body["purpose"]) == (3, 0, "processing")


def test_a_subscriber_whose_secret_is_gone_is_not_written_to_unsigned(own_town: House, receiver: Receiver) -> None:
    made = subscribe(own_town, receiver.url)
    put(own_town, 1)
    own_town.stores.keys.retire_webhook_secret(made.webhook_id, every=True)
    assert deliver_due(own_town, send).delivered == 0
    assert receiver.calls == []
    assert subscribers.listing(own_town)[0].standing.reason == "key-absent"


# --- subscribing --------------------------------------------------------------------------------------------------


def test_only_stewards_act_on_webhooks_and_every_act_is_a_row(
    own_town: House, receiver: Receiver, watch: type[Watch]
) -> None:
    made = subscribe(own_town, receiver.url)
    stranger, seen = persona(own_town, "social-worker"), watch(own_town)
    tries: list[Callable[[], object]] = [
        lambda: subscribers.add_webhook(own_town, stranger, receiver.url, "data-team", ["record-changed"]),
        lambda: subscribers.remove_webhook(own_town, stranger, made.webhook_id),
        lambda: subscribers.rotate_secret(own_town, stranger, made.webhook_id),
        lambda: subscribers.retire_secret(own_town, stranger, made.webhook_id),
        lambda: subscribers.try_webhook(own_town, stranger, made.webhook_id, send),
    ]
    for attempt in tries:
        with pytest.raises(NotPermitted):
            attempt()
    rows = seen.rows("administration")
    assert [row.body["action"] for row in rows] == [
        f"webhook:{a}" for a in ("add", "remove", "rotate", "retire", "test")
    ]
    assert all(row.body["details"]["refused"] for row in rows)
    assert len(subscribers.listing(own_town)) == 1
    assert receiver.calls == []


def test_a_secret_is_shown_once_and_stands_in_no_row_and_no_table(
    own_town: House, receiver: Receiver, watch: type[Watch]
) -> None:
    seen = watch(own_town)
    made = subscribe(own_town, receiver.url)
    assert made.secret.startswith("whsec_")
    assert made.secret not in seen.text()
    secret = made.secret.removeprefix("whsec_").encode()
    for path in own_town.settings.data_dir.glob("gateway.db*"):
        assert secret not in path.read_bytes()


@pytest.mark.parametrize(
    ("subscriber", "topics", "reason"),
    [("nobody", ["record-changed"], "caller-unknown"), ("data-team", [], "topic"), ("data-team", ["gossip"], "topic")],
)
def test_a_subscription_names_a_caller_and_topics(
    own_town: House, subscriber: str, topics: list[str], reason: str
) -> None:
    with pytest.raises(InputError) as refused:
        subscribers.add_webhook(own_town, persona(own_town, "ig-officer"), "https://a.example/", subscriber, topics)
    assert refused.value.reason == reason


def test_whoever_is_removed_hears_no_more_and_their_secrets_are_gone(own_town: House, receiver: Receiver) -> None:
    officer, made = persona(own_town, "ig-officer"), subscribe(own_town, receiver.url)
    subscribers.rotate_secret(own_town, officer, made.webhook_id)
    put(own_town, 1)
    subscribers.remove_webhook(own_town, officer, made.webhook_id)
    assert not deliver_due(own_town, send).delivered
    assert list(own_town.settings.keys_dir.glob("webhook-*")) == []
    with pytest.raises(NotFound):
        subscribers.remove_webhook(own_town, officer, made.webhook_id)


def test_a_trial_is_sent_at_once_and_says_how_it_ended(own_town: House, receiver: Receiver) -> None:
    officer, made = persona(own_town, "ig-officer"), subscribe(own_town, receiver.url)
    assert subscribers.try_webhook(own_town, officer, made.webhook_id, send).delivered
    assert receiver.calls[0].told["type"] == "test"
    assert receiver.calls[0].is_signed(made.secret)
    receiver.answers = lambda: 410
    assert subscribers.try_webhook(own_town, officer, made.webhook_id, send).reason == "status-410"


def test_pauses_double_up_to_six_hours_half_as_much_more_or_less() -> None:
    for attempts, seconds in enumerate([30, 60, 120, 240, 480]):
        assert 0.5 <= PAUSE(attempts).total_seconds() / seconds <= 1.5
    assert all(timedelta(hours=3) <= PAUSE(many) <= timedelta(hours=9) for many in (15, 100))
    assert len({PAUSE(0) for _ in range(20)}) > 1
