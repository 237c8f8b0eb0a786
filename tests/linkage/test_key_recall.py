"""What the keys miss, held to what weighing everybody would have found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linkage.keys import index_keys, probe_keys
from linkage.model import Frequencies, Model, Use
from linkage.normalise import normalise
from linkage.score import Scorer

if TYPE_CHECKING:
    from tests.linkage.conftest import Town


def test_of_those_worth_a_reviewers_look_not_one_in_a_thousand_shares_no_key(town: Town, shipped: Model) -> None:
    scorer = Scorer(shipped, Frequencies.of(row.person for row in town.rows.values()), len(town.rows))
    worth = shipped.thresholds[Use.PROPOSE].review + scorer.prior_bits
    looked_at, missed = 0, []
    for question in town.questions:
        if question.truth is not None:
            asked, held = normalise(question.said), town.rows[question.truth].person
            if scorer.score(asked, held)[0] >= worth:
                looked_at += 1
                if not set(probe_keys(asked)) & set(index_keys(held)):
                    missed.append(question.tags)
    assert looked_at > 3_000
    assert len(missed) * 1_000 <= looked_at, missed


def test_a_person_is_a_dozen_rows_of_the_key_table_and_a_block_is_small(town: Town) -> None:
    keys = [len(index_keys(row.person)) for row in town.rows.values()]
    assert sum(keys) / len(keys) < 13
    assert max(len(people) for people in town.keys.values()) < 30
