"""Use cases: who is told of what. A subscription is an act upon the gateway, recorded in the ledger; it names a caller.

Subscribers are told that something happened, under opaque ids, and fetch what it was as that caller, decided again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from gateway.errors import InputError, NotFound, NotPermitted
from gateway.gate.gate import STEWARDS
from gateway.services.outbound.envelope import envelope
from gateway.services.outbound.reach import Reach, check_url
from gateway.services.outbound.signed import Message, shown
from gateway.settings import Mode
from gateway.storage.callers import ACTIVE
from gateway.storage.outbox import Standing, Topic, Webhook

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.services.outbound.signed import Answer, Post


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A new subscription, or a new secret of one: ``secret`` is shown once and kept in the keyring alone."""

    webhook_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscription, and how its messages stand."""

    webhook: Webhook
    standing: Standing


def reach_of(house: House) -> Reach:
    """Return where this house's messages may go.

    Raises:
        InputError: the setting does not name networks.
    """
    return Reach.read(house.settings.webhook_networks, this_machine=house.settings.mode is Mode.DEMO)


def add_webhook(house: House, caller: Caller, url: str, subscriber: str, topics: Collection[str]) -> Subscribed:
    """Tell ``subscriber``, a registered caller, of ``topics`` at ``url`` from now on.

    Raises:
        InputError: the address cannot be one, the subscriber is not a caller in force, or a topic is none of ours.
        NotPermitted: the caller's role does not act on the gateway; the try is recorded.
        Unavailable: the ledger cannot take the row; nothing is changed.
    """
    check_url(url, reach_of(house))
    wanted = _topics(topics)
    known = house.stores.governance.callers.get(subscriber)
    if known is None or known.state != ACTIVE:
        raise InputError("--for: a registered caller (see 'gateway caller list')", reason="caller-unknown", field="for")
    webhook = Webhook(str(uuid4()), known.subject, known.organisation, url, wanted, house.now())
    _administer(
        house, caller, "webhook:add", webhook.webhook_id, subscriber=subscriber, topics=" ".join(sorted(wanted))
    )
    secret = house.stores.keys.new_webhook_secret(webhook.webhook_id)
    with house.stores.transaction() as tx:
        house.stores.outbox.subscribe(tx, webhook)
    return Subscribed(webhook.webhook_id, shown(secret))


def remove_webhook(house: House, caller: Caller, webhook_id: str) -> None:
    """Tell a subscriber nothing any more, what waits for it included; its secrets are destroyed.

    Raises:
        NotFound: there is no such subscriber.
        NotPermitted: the caller's role does not act on the gateway; the try is recorded.
    """
    _find(house, webhook_id)
    _administer(house, caller, "webhook:remove", webhook_id)
    with house.stores.transaction() as tx:
        house.stores.outbox.unsubscribe(tx, webhook_id)
    house.stores.keys.retire_webhook_secret(webhook_id, every=True)


def rotate_secret(house: House, caller: Caller, webhook_id: str) -> Subscribed:
    """Give a subscriber a new secret. What is sent is signed under both until the older is retired.

    Raises:
        NotFound: there is no such subscriber.
        NotPermitted: the caller's role does not act on the gateway; the try is recorded.
    """
    _find(house, webhook_id)
    _administer(house, caller, "webhook:rotate", webhook_id)
    return Subscribed(webhook_id, shown(house.stores.keys.new_webhook_secret(webhook_id)))


def retire_secret(house: House, caller: Caller, webhook_id: str) -> bool:
    """Sign under the newest secret alone from now on. Returns whether there was an older one.

    Raises:
        NotFound: there is no such subscriber.
        NotPermitted: the caller's role does not act on the gateway; the try is recorded.
    """
    _find(house, webhook_id)
    _administer(house, caller, "webhook:retire", webhook_id)
    return house.stores.keys.retire_webhook_secret(webhook_id)


def try_webhook(house: House, caller: Caller, webhook_id: str, post: Post) -> Answer:
    """Send a subscriber a message of type ``test``, outside the queue, and return how it ended.

    Raises:
        NotFound: there is no such subscriber.
        NotPermitted: the caller's role does not act on the gateway; the try is recorded.
        Unavailable: it has no secret.
    """
    webhook = _find(house, webhook_id)
    _administer(house, caller, "webhook:test", webhook_id)
    at = house.now()
    message = Message(str(uuid4()), int(at.timestamp()), envelope("test", at, b"{}"))
    return post(webhook.url, message, house.stores.keys.webhook_secrets(webhook_id), reach_of(house))


def listing(house: House) -> list[Subscriber]:
    """Return every subscriber, oldest first, with how its messages stand; nothing in it is about anybody."""
    standing = house.stores.outbox.standing()
    return [Subscriber(one, standing.get(one.webhook_id, Standing())) for one in house.stores.outbox.subscribers()]


def _administer(house: House, caller: Caller, action: str, target: str, **details: str) -> None:
    refused = caller.role not in STEWARDS
    house.gate.administer(caller, action, target, **details, refused=refused)
    if refused:
        raise NotPermitted("your role does not act on webhooks", reason="role-not-permitted")


def _find(house: House, webhook_id: str) -> Webhook:
    for one in house.stores.outbox.subscribers():
        if one.webhook_id == webhook_id:
            return one
    raise NotFound("there is no such webhook", reason="webhook")


def _topics(topics: Collection[str]) -> frozenset[Topic]:
    try:
        wanted = frozenset(map(Topic, topics))
    except ValueError:
        wanted = frozenset()
    if not wanted:
        raise InputError(f"--topic: any of {', '.join(Topic)}", reason="topic", field="topic")
    return wanted
