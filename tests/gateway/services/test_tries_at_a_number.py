"""Five failed verifications of one number lock it for whoever failed, and for nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.auth.caller import Kind
from gateway.errors import NotPermitted
from gateway.ids import person_id
from gateway.services.governance.callers import add, named_caller
from gateway.services.tracing.tries import is_locked
from gateway.services.tracing.verify import verify_number
from ig.detection import TRIES, Rule, examine
from ig.purpose import OrgClass, Purpose, Role
from linkage.decide import Verdict
from linkage.nhs_number import NhsNumber
from tests.gateway.houses import AMINA, BRAM, MOVED, STRANGER, Watch, persona

if TYPE_CHECKING:
    from gateway.auth.caller import Caller
    from gateway.house import House

HOLDER = person_id(NhsNumber(AMINA.number))


@pytest.fixture
def worker(own_town: House) -> Caller:
    return persona(own_town, "social-worker", Purpose.DEMOGRAPHIC_TRACE)


def fail(house: House, caller: Caller, times: int) -> None:
    for _ in range(times):
        assert verify_number(house, caller, AMINA.number, STRANGER.asked()).verdict is not Verdict.CONFIRMED


def test_the_sixth_try_is_refused_even_with_the_right_details(own_town: House, worker: Caller) -> None:
    fail(own_town, worker, TRIES)
    seen = Watch(own_town)
    with pytest.raises(NotPermitted, match="tried this NHS number 5 times") as refused:
        verify_number(own_town, worker, AMINA.number, AMINA.asked())
    assert refused.value.reason == "verification-locked"
    (row,) = seen.rows()
    assert (row.body["result"], row.body["decision_id"]) == ("verification-locked", refused.value.decision)
    assert row.body["subjects"]["tokens"] == [own_town.stores.keys.subject_token(HOLDER)]
    assert AMINA.number not in str(refused.value)


def test_a_number_that_was_replaced_leads_to_the_same_lock(own_town: House, worker: Caller) -> None:
    fail(own_town, worker, TRIES)
    with pytest.raises(NotPermitted):
        verify_number(own_town, worker, MOVED.number, AMINA.asked())


def test_other_numbers_and_other_staff_are_not_locked(own_town: House, worker: Caller) -> None:
    fail(own_town, worker, TRIES)
    assert verify_number(own_town, worker, BRAM.number, BRAM.asked()).verdict is Verdict.CONFIRMED
    other = persona(own_town, "data-team", Purpose.DEMOGRAPHIC_TRACE)
    assert verify_number(own_town, other, AMINA.number, AMINA.asked()).verdict is Verdict.CONFIRMED


def test_a_confirmation_begins_the_count_anew(own_town: House, worker: Caller) -> None:
    fail(own_town, worker, TRIES - 1)
    assert verify_number(own_town, worker, AMINA.number, AMINA.asked()).verdict is Verdict.CONFIRMED
    fail(own_town, worker, TRIES - 1)
    assert verify_number(own_town, worker, AMINA.number, AMINA.asked()).verdict is Verdict.CONFIRMED


def test_the_lock_opens_after_a_day(own_town: House, worker: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(own_town, worker, TRIES)
    assert is_locked(own_town, worker, HOLDER)
    later = own_town.now() + timedelta(hours=25)
    monkeypatch.setattr(type(own_town), "now", lambda _house: later)
    assert not is_locked(own_town, worker, HOLDER)


def test_a_system_that_asks_for_many_is_not_locked(own_town: House) -> None:
    trace = (Purpose.DEMOGRAPHIC_TRACE,)
    add(own_town, "council-batch", "Council batch", "999", OrgClass.COUNCIL, Role.SYSTEM, trace, kind=Kind.SYSTEM)
    system = named_caller(own_town, "council-batch", Purpose.DEMOGRAPHIC_TRACE)
    assert not is_locked(own_town, system, HOLDER)


def test_the_privacy_officer_sees_who_guessed(own_town: House, worker: Caller) -> None:
    fail(own_town, worker, TRIES)
    own_town.stores.ledger.flush()
    bodies = [row.body for row in own_town.stores.ledger.search(kinds={"disclosure"})]
    (alert,) = (one for one in examine(bodies) if one.rule is Rule.GUESSED_NUMBER)
    assert (alert.actor, alert.subject) == ("social-worker", own_town.stores.keys.subject_token(HOLDER))
