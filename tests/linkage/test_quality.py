"""How good the shipped model is on a town it has not seen: bars below what it reaches, so that a slip shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linkage.decide import Finding, Matcher, Outcome
from linkage.evaluate import Tally, tallies
from linkage.normalise import normalise

if TYPE_CHECKING:
    from linkage.model import Model
    from tests.linkage.conftest import Question, Town


@pytest.fixture(scope="module")
def answers(town: Town, shipped: Model) -> list[tuple[Question, Finding]]:
    matcher = town.matcher(shipped)
    return [(question, _ask(town, matcher, question)) for question in town.questions]


def _ask(town: Town, matcher: Matcher, question: Question) -> Finding:
    asked = normalise(question.said)
    held = town.rows.get(asked.nhs_number.digits) if asked.nhs_number else None
    return matcher.cross_check(asked, held) or matcher.trace(asked, town.candidates(asked))


def _joined(finding: Finding) -> str | None:
    return finding.best.candidate.person_id if finding.best and finding.outcome is Outcome.MATCHED else None


def test_wrong_joins_are_rare_and_few_people_are_missed(answers: list[tuple[Question, Finding]]) -> None:
    tally = sum((Tally.of(_joined(finding), question.truth) for question, finding in answers), Tally())
    assert tally.precision.value >= 0.9985
    assert tally.recall.value >= 0.97


def test_no_name_community_is_served_much_worse(answers: list[tuple[Question, Finding]]) -> None:
    groups = tallies((question.community, _joined(finding), question.truth) for question, finding in answers)
    for tally in groups.values():
        assert tally.recall.value >= 0.94
        assert tally.false_rate.interval[0] <= 0.002


def test_people_who_are_absent_are_hardly_ever_joined_to_their_relatives(
    answers: list[tuple[Question, Finding]],
) -> None:
    absent = [finding for question, finding in answers if question.truth is None]
    wrong = sum(finding.outcome is Outcome.MATCHED for finding in absent)
    assert len(absent) > 200
    assert wrong <= len(absent) * 0.02


def test_the_posterior_means_what_it_says(answers: list[tuple[Question, Finding]]) -> None:
    """Of the best candidates believed in to 99 %, at least 98 % are the person."""
    sure = [(question, finding) for question, finding in answers if finding.best and finding.best.posterior > 0.99]
    right = sum(
        finding.best is not None and finding.best.candidate.person_id == question.truth for question, finding in sure
    )
    assert right >= 0.98 * len(sure)
