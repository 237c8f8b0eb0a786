"""Where a version may go from where it is."""

from __future__ import annotations

import itertools

import pytest

from ig.lifecycle import STATUS_TRANSITIONS, TransitionRefused, can_transition, check_transition
from ig.terms import Status


def test_every_status_has_its_row() -> None:
    assert set(STATUS_TRANSITIONS) == set(Status)


@pytest.mark.parametrize(("present", "wanted"), list(itertools.product(Status, Status)))
def test_the_check_and_its_boolean_are_one_rule(present: Status, wanted: Status) -> None:
    if can_transition(present, wanted):
        check_transition(present, wanted)
        assert wanted in STATUS_TRANSITIONS[present]
    else:
        with pytest.raises(TransitionRefused) as refused:
            check_transition(present, wanted)
        assert (refused.value.present, refused.value.wanted) == (present, wanted)


def test_what_is_over_stays_over() -> None:
    assert not STATUS_TRANSITIONS[Status.TERMINATED]
    assert not STATUS_TRANSITIONS[Status.SUPERSEDED]


def test_suspension_is_one_step_from_active_and_back() -> None:
    assert can_transition(Status.ACTIVE, Status.SUSPENDED)
    assert can_transition(Status.SUSPENDED, Status.ACTIVE)
