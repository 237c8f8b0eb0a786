"""Use case: send what is due, as a named system caller under its processing grant.

At least once and in order: a message is recorded as delivered only after the subscriber took it, and nothing behind it
is sent before it is settled. What no subscriber takes is tried again, each time after about twice as long as before,
for some days; then it is dead, which the ledger records and ``gateway webhook list`` shows.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gateway.errors import Unavailable
from gateway.services.governance.callers import SYSTEM_OUTBOUND, named_caller
from gateway.services.outbound.envelope import envelope
from gateway.services.outbound.signed import Answer, Message
from gateway.services.outbound.subscribers import reach_of
from gateway.services.progress import silent
from gateway.storage.outbox import DeliveryState
from gateway.storage.schema import now
from ig.decide import Population
from ig.purpose import Dataset, LedgerField, Level, Purpose

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.services.outbound.reach import Reach
    from gateway.services.outbound.signed import Post
    from gateway.services.progress import Report
    from gateway.storage.outbox import Due

_FIRST: Final = timedelta(seconds=30)
_LONGEST: Final = timedelta(hours=6)
_LEAST_ATTEMPTS: Final = 5
_JITTER: Final = 1000


@dataclass(slots=True)
class Deliveries:
    """What a run came to: messages taken, to be tried again, and given up."""

    delivered: int = 0
    again: int = 0
    dead: int = 0


def deliver_due(
    house: House, post: Post, report: Report = silent, *, webhooks: Collection[str] | None = None
) -> Deliveries:
    """Send what is due as the run begins; ``webhooks`` narrows it to some subscribers.

    What fails is for a later run, so that none ever waits for a subscriber that is away. Where nothing is due nothing
    is asked of the gate.

    Raises:
        NotPermitted: the system caller is not registered, or its processing grant is gone; nothing is sent.
        Unavailable: a store cannot be written; what was not recorded will be sent again.
    """
    done, begun = Deliveries(), now()
    if not house.stores.outbox.is_due():
        return done
    caller, reach = named_caller(house, SYSTEM_OUTBOUND, Purpose.PROCESSING), reach_of(house)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.LEDGER},
        fields={LedgerField.EVENT},
        subject=Population(),
        job="outbound",
    ) as passage:
        while claimed := house.stores.outbox.claim(by=begun, webhooks=webhooks):
            for due in claimed:
                _settle(house, caller, due, _send(house, post, due, reach), done)
                report(done.delivered, None)
        passage.disclose((), rows=done.delivered)
    return done


def _settle(house: House, caller: Caller, due: Due, answer: Answer, done: Deliveries) -> None:
    if answer.delivered:
        done.delivered += house.stores.outbox.settle(due, DeliveryState.DELIVERED)
    elif _is_over(house, due):
        # the row first: what is given up silently is what nobody looks for
        house.gate.administer(
            caller, "webhook:dead", due.webhook.webhook_id, message=due.message_id, fault=answer.reason
        )
        done.dead += house.stores.outbox.settle(due, DeliveryState.DEAD, answer.reason)
    else:
        again = now() + pause(due.attempts)
        done.again += house.stores.outbox.settle(due, DeliveryState.WAITING, answer.reason, again_at=again)


def _send(house: House, post: Post, due: Due, reach: Reach) -> Answer:
    try:
        signed_under = house.stores.keys.webhook_secrets(due.webhook.webhook_id)
    except Unavailable as fault:
        return Answer(fault.reason)
    message = Message(due.message_id, int(now().timestamp()), envelope(due.topic, due.at, due.body))
    return post(due.webhook.url, message, signed_under, reach)


def _is_over(house: House, due: Due) -> bool:
    """Given up when it is old and was tried; that no worker ran for a week is not the subscriber's doing."""
    old = now() - due.at > timedelta(days=house.settings.webhook_days)
    return old and due.attempts + 1 >= _LEAST_ATTEMPTS


def pause(attempts: int) -> timedelta:
    """Return how long to wait after one more failed attempt: doubling, up to six hours, half as much more or less."""
    whole: timedelta = min(_FIRST * 2 ** min(attempts, 20), _LONGEST)
    # by chance, so that subscribers that failed together are not all called on together
    return whole * (0.5 + secrets.randbelow(_JITTER + 1) / _JITTER)
