"""Incidents and receipts on both databases: opened once, told once, acknowledged once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.errors import Conflict, NotFound
from gateway.storage.outbox import DeliveryState, Outgoing, Topic, Webhook
from gateway.storage.recalls import Incident, Notice, NoticeKind, NoticeState
from gateway.storage.schema import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.storage import Permit, Stores

AT = now()
INCIDENT = Incident("i1", "r1", "999", {"p1": AT}, ("r1", "r2"), "d0", "reviewer", AT, None, AT)
NOTICE = Notice("n1", "i1", NoticeKind.FILE, "data-team", "999", "d1", "job-1", "ISA-1@1", AT, AT)


@pytest.fixture
def kept(stores: Stores) -> Stores:
    """Stores with an incident and two notices."""
    with stores.transaction() as tx:
        stores.recalls.open(tx, INCIDENT)
        told = stores.recalls.tell(tx, [NOTICE, replace(NOTICE, notice_id="n2", organisation="RZZ")])
    assert [one.notice_id for one in told] == ["n1", "n2"]
    return stores


def test_what_was_kept_comes_back_whole(kept: Stores, make_permit: Callable[..., Permit]) -> None:
    permit = make_permit()
    assert kept.recalls.incidents(permit) == [INCIDENT]
    assert kept.recalls.incident(permit, "i1") == INCIDENT
    assert kept.recalls.notices(permit, {"999"}) == [NOTICE]
    assert [one.notice_id for one in kept.recalls.notices(permit, None, "i1")] == ["n1", "n2"]
    assert kept.recalls.notices(permit, None, "i2") == []
    with pytest.raises(NotFound):
        kept.recalls.incident(permit, "i2")


def test_a_notice_told_again_stays_as_it_is(kept: Stores, make_permit: Callable[..., Permit]) -> None:
    with kept.transaction() as tx:
        kept.recalls.acknowledge(tx, "n1", "officer", AT)
    with kept.transaction() as tx:
        assert kept.recalls.tell(tx, [NOTICE]) == []
        assert kept.recalls.tell(tx, []) == []
    (one,) = kept.recalls.notices(make_permit(), {"999"})
    assert (one.state, one.actor, one.acknowledged_at) == (NoticeState.ACKNOWLEDGED, "officer", AT)


def test_what_was_acknowledged_is_not_again_and_waits_no_more(kept: Stores, make_permit: Callable[..., Permit]) -> None:
    assert {one.notice_id for one in kept.recalls.waiting(make_permit())} == {"n1", "n2"}
    with kept.transaction() as tx:
        kept.recalls.acknowledge(tx, "n1", "officer")
    with pytest.raises(Conflict), kept.transaction() as tx:
        kept.recalls.acknowledge(tx, "n1", "officer")
    assert {one.notice_id for one in kept.recalls.waiting(make_permit())} == {"n2"}


def test_the_window_closes_once(kept: Stores, make_permit: Callable[..., Permit]) -> None:
    for until in (AT, AT + timedelta(hours=1)):
        with kept.transaction() as tx:
            kept.recalls.close_window(tx, "i1", until)
    assert kept.recalls.incident(make_permit(), "i1").until == AT


def test_a_recall_is_settled_when_its_time_is_over_and_no_retraction_has_arrived(kept: Stores) -> None:
    later = AT + timedelta(days=1)
    assert kept.recalls.unsettled(later), "nobody has looked for the receivers"
    with kept.transaction() as tx:
        kept.recalls.close_window(tx, "i1", AT)
    assert kept.recalls.unsettled(AT - timedelta(hours=1)), "work that had begun before may still write its row"
    assert not kept.recalls.unsettled(later), "what people have to acknowledge is not for a worker"
    hook = Webhook("w1", "data-team", "999", "https://hook.example/", frozenset({Topic.LINK_RETRACTED}), AT)
    with kept.transaction() as tx:
        kept.outbox.subscribe(tx, hook)
        kept.outbox.put(tx, [Outgoing(Topic.LINK_RETRACTED, "n1", b"{}", "999", "r1")])
    assert not kept.recalls.unsettled(later)
    (due,) = kept.outbox.claim()
    kept.outbox.settle(due, DeliveryState.DELIVERED)
    assert kept.recalls.unsettled(later), "a retraction has arrived"
    with kept.transaction() as tx:
        kept.recalls.acknowledge(tx, "n1", "webhook:data-team")
    assert not kept.recalls.unsettled(later)
