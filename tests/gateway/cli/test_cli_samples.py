"""``evaluate --sample`` and ``review sample``: pairs drawn, shown blind, answered, and turned into rates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import Command

NOT_SHOWN = ("bits", "posterior", "stratum", "cross-check", "algorithmic", "alphanumeric", "linked", "apart")


def test_a_sample_is_drawn_shown_blind_answered_and_counted(own_gateway: Command) -> None:
    drawn = own_gateway("evaluate", "--sample", "30")
    assert drawn.exit_code == 0, drawn.stderr
    assert "strata" in drawn.stdout
    shown = own_gateway("review", "sample", "show")
    assert shown.stdout.startswith("pair ")
    assert ", 1 of 30" in shown.stdout
    assert not any(word in shown.stdout.lower() for word in NOT_SHOWN)
    held = json.loads(own_gateway("review", "sample", "show", "--json").stdout)
    assert held.keys() == {"pair", "records"}
    assert len(held["records"]) == 2
    assert not any(word in json.dumps(held).lower() for word in NOT_SHOWN)
    assert own_gateway("review", "sample", "answer", held["pair"], "same").stdout == "answered\n"
    again = own_gateway("review", "sample", "answer", held["pair"], "different")
    assert again.exit_code == 2
    told = own_gateway("evaluate", "--sample-results").stdout
    assert "1 of 30 answered: same 1" in told
    assert "missed rate (a lower bound)" in told


def test_when_every_pair_has_an_answer_nothing_is_shown(own_gateway: Command) -> None:
    own_gateway("evaluate", "--sample", "20")
    while (held := json.loads(own_gateway("review", "sample", "show", "--json").stdout))["pair"]:
        own_gateway("review", "sample", "answer", held["pair"], "cannot-tell")
    assert "every pair has an answer" in own_gateway("review", "sample", "show").stdout


def test_a_council_worker_does_not_judge(own_gateway: Command) -> None:
    own_gateway("evaluate", "--sample", "20")
    refused = own_gateway("--as", "data-team", "--purpose", "demographic-trace", "review", "sample", "show")
    assert refused.exit_code == 3


def test_one_way_of_evaluating_at_a_time(own_gateway: Command) -> None:
    assert own_gateway("evaluate").exit_code == 2
    assert own_gateway("evaluate", "--sample", "20", "--febrl").exit_code == 2
