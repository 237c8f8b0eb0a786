"""Why a candidate won or did not: every reason of the decision rule has a sentence, and any pair has a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linkage.findings import Candidate, Finding, Outcome, Scored, Step
from linkage.person import Person
from linkage.reasons import SENTENCES, Reason, sentence, why

if TYPE_CHECKING:
    from linkage.model import Model


def scored(name: str, bits: float) -> Scored:
    return Scored(Candidate(name, Person()), bits, 0.5, ())


def finding(outcome: Outcome, best: Scored | None, reason: str, step: Step | None = Step.ALGORITHMIC) -> Finding:
    return Finding(outcome, step, best, (), None, frozenset(), reason)


BEST, NEXT, FAR = scored("best", 40), scored("next", 37.5), scored("far", 9)


@pytest.mark.parametrize(
    ("found", "one", "reason"),
    [
        (finding(Outcome.MATCHED, BEST, "weight"), BEST, Reason("found")),
        (finding(Outcome.REVIEW, BEST, "given-name-differs"), BEST, Reason("given-name-differs")),
        (finding(Outcome.MANY, BEST, "runner-up-too-close"), BEST, Reason("runner-up-too-close")),
        (finding(Outcome.MANY, BEST, "runner-up-too-close"), NEXT, Reason("runner-up-too-close")),
        (finding(Outcome.MANY, BEST, "runner-up-too-close"), scored("third", 30), Reason("another-ahead", 10.0)),
        (finding(Outcome.MATCHED, BEST, "weight"), NEXT, Reason("another-ahead", 2.5)),
        (finding(Outcome.MATCHED, BEST, "weight"), FAR, Reason("too-far")),
        (finding(Outcome.NONE, None, "nobody-near", None), FAR, Reason("too-far")),
        (finding(Outcome.MATCHED, BEST, "number-and-birth-date", Step.CROSS_CHECK), NEXT, Reason("settled-by-number")),
    ],
)
def test_any_candidate_has_a_reason(found: Finding, one: Scored, reason: Reason) -> None:
    assert why(found, one, review=-3, gap=5, prior_bits=20) == reason


def test_how_far_another_is_ahead_is_said_in_bits() -> None:
    assert Reason("another-ahead", 2.54).sentence == "Another candidate is ahead, by 2.5 bits."
    assert Reason("found").sentence == "This is the person found."


def test_every_veto_of_the_shipped_model_has_its_sentence(shipped: Model) -> None:
    assert {veto.name for veto in shipped.vetoes} <= SENTENCES.keys()


def test_a_veto_of_another_model_is_named() -> None:
    assert sentence("same-hat") == "Same hat: a person must decide"
