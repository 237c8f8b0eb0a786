"""What surfaces by itself, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ig.detection import (
    Rule,
    examine,
    guessed_numbers,
    out_of_hours,
    repeated_lookups,
    self_lookups,
    unusual_volume,
    without_relationship,
)

_MONDAY = datetime(2026, 11, 16, 10, tzinfo=UTC)


def _row(number: int = 0, at: datetime = _MONDAY, **parts: Any) -> dict[str, Any]:  # noqa: ANN401 - any part of a row
    usual = {
        "event": "disclosure",
        "at": at.isoformat(),
        "decision_id": f"d-{number}",
        "purpose": "direct-care",
        "relationship": "caseload",
        "actor": {"subject": "sw-1", "role": parts.pop("role", "social-worker")},
        "subjects": {"tokens": [parts.pop("token", f"token-{number}")]},
    }
    return {**usual, **parts}


def test_ones_own_record_is_always_asked_about() -> None:
    rows = [_row(1, token="mine"), _row(2, token="theirs")]
    (found,) = self_lookups(rows, {"sw-1": "mine"})
    assert (found.rule, found.actor, found.subject, found.decisions) == (Rule.SELF_LOOKUP, "sw-1", "mine", ("d-1",))
    assert str(found) == "self-lookup: sw-1 looked at their own record"
    assert self_lookups(rows, {"sw-2": "mine"}) == []


@pytest.mark.parametrize(
    ("parts", "count"),
    [
        ({"relationship": "caseload"}, 0),
        ({"relationship": "self-claim"}, 1),
        ({"relationship": "none"}, 1),
        ({"relationship": "none", "purpose": "demographic-trace"}, 0),
        ({"purpose": "emergency"}, 1),
        ({"relationship": "none", "event": "refusal"}, 0),
        ({"relationship": "none", "role": "system"}, 0),
        ({"relationship": "none", "subjects": {"tokens": []}}, 1),
    ],
)
def test_care_that_rests_on_no_recorded_tie_is_asked_about(parts: dict[str, Any], count: int) -> None:
    assert len(without_relationship([_row(1, **parts)])) == count


@pytest.mark.parametrize(
    ("at", "role", "count"),
    [
        (datetime(2026, 11, 16, 7, 0, tzinfo=UTC), "social-worker", 0),
        (datetime(2026, 11, 16, 6, 59, tzinfo=UTC), "social-worker", 1),
        (datetime(2026, 11, 16, 20, 0, tzinfo=UTC), "social-worker", 1),
        (datetime(2026, 7, 6, 6, 30, tzinfo=UTC), "social-worker", 0),
        (datetime(2026, 11, 21, 12, 0, tzinfo=UTC), "data-team", 1),
        (datetime(2026, 11, 21, 3, 0, tzinfo=UTC), "ward", 0),
    ],
)
def test_office_hours_are_londons_and_wards_have_none(at: datetime, role: str, count: int) -> None:
    assert len(out_of_hours([_row(1, at, role=role)])) == count


def _days(counts: list[int]) -> list[dict[str, Any]]:
    return [
        _row(100 * day + n, _MONDAY + timedelta(days=day), token=f"token-{n}")
        for day, count in enumerate(counts)
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("counts", "found"),
    [
        ([5, 6, 4, 5, 5, 25], 1),
        ([5, 6, 4, 5, 5, 20], 0),
        ([1, 1, 1, 1, 1, 19], 0),
        ([5, 6, 4, 5, 40], 0),
        ([30, 30, 30, 30, 30, 40], 0),
    ],
)
def test_a_day_far_above_ones_own_usual_is_asked_about(counts: list[int], found: int) -> None:
    alerts = unusual_volume(_days(counts))
    assert len(alerts) == found
    assert all(len(alert.decisions) == counts[-1] for alert in alerts)


def test_the_same_person_counts_once_a_day() -> None:
    rows = _days([5, 5, 5, 5, 5]) + [_row(900 + n, _MONDAY + timedelta(days=7), token="one") for n in range(50)]
    assert unusual_volume(rows) == []


@pytest.mark.parametrize(
    ("gap", "times", "relationship", "count"),
    [(1, 5, "", 1), (1, 4, "", 0), (2, 5, "", 0), (1, 9, "caseload", 0), (1, 9, "self-claim", 1)],
)
def test_coming_back_to_one_person_without_a_tie_is_asked_about(
    gap: int, times: int, relationship: str, count: int
) -> None:
    rows = [_row(n, _MONDAY + timedelta(days=gap * n), token="one", relationship=relationship) for n in range(times)]
    assert len(repeated_lookups(rows)) == count


@pytest.mark.parametrize(
    ("gap", "results", "count"),
    [
        (1, ["demographics-differ"] * 5, 1),
        (1, ["someone-else"] * 3 + ["demographics-differ"] * 2, 1),
        (1, ["demographics-differ"] * 4 + ["confirmed"], 0),
        (1, ["not-in-index"] * 9, 0),
        (7, ["demographics-differ"] * 5, 0),
        (7, ["demographics-differ"] * 4 + [""] * 3, 0),
    ],
)
def test_failing_at_one_number_again_and_again_is_asked_about(gap: int, results: list[str], count: int) -> None:
    rows = [_row(n, _MONDAY + timedelta(hours=gap * n), token="one", result=result) for n, result in enumerate(results)]
    assert len(guessed_numbers(rows)) == count


def test_every_rule_is_asked_of_the_same_rows() -> None:
    rows = [
        _row(n, _MONDAY.replace(hour=23), token="one", relationship="none", result="someone-else") for n in range(5)
    ]
    assert {alert.rule for alert in examine(iter(rows), {"sw-1": "one"})} == {
        Rule.SELF_LOOKUP,
        Rule.NO_RELATIONSHIP,
        Rule.OUT_OF_HOURS,
        Rule.REPEATED_LOOKUPS,
        Rule.GUESSED_NUMBER,
    }
    assert examine([]) == []
