"""A refit finds the weights that were planted, moves nothing without reason, and gives a model that can be used."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pytest

from linkage.compare import FIELDS, VOCABULARY
from linkage.model import load
from linkage.refine import TooFewQuestions, refine
from linkage.refine_contests import SIZES, Contests, weigh
from linkage.refine_fit import LEAST_SHARED, NOBODY
from linkage.score import Scorer
from linkage.train import UNKNOWN

if TYPE_CHECKING:
    from typing import Any

    from linkage.model import Model

INDEX = 50_000
CANDIDATES = 4


def drawn(questions: int, rng: np.random.Generator) -> Contests:
    """Questions with four candidates each, whose levels are drawn so that some candidates stand out."""
    rows = questions * CANDIDATES
    alike = rng.random(rows) < 0.5
    levels = np.empty((rows, len(FIELDS)), np.uint8)
    for place, size in enumerate(SIZES):
        near = np.minimum(rng.integers(0, size, rows), rng.integers(0, size, rows))
        levels[:, place] = np.where(alike, near, rng.integers(0, size, rows))
    asked = np.repeat(np.arange(questions, dtype=np.int32), CANDIDATES)
    return Contests(asked, levels, rng.normal(0, 1, rows), np.zeros(rows, bool))


def answered(model: Model, contests: Contests, rng: np.random.Generator) -> Contests:
    """The same questions, the right candidate (or nobody) drawn by the model's own posterior."""
    scorer = Scorer(model, NOBODY, INDEX)
    odds = (weigh(scorer, contests) - scorer.prior_bits).reshape(-1, CANDIDATES)
    everybody = np.column_stack((np.zeros(len(odds)), odds))
    shares = np.exp2(everybody - everybody.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    chosen = (np.cumsum(shares, axis=1) < rng.random((len(odds), 1))).sum(axis=1)
    right = np.zeros((len(odds), CANDIDATES + 1), bool)
    right[np.arange(len(odds)), chosen] = True
    return replace(contests, right=right[:, 1:].ravel())


def gentle(model: Model, scale: float = 0.25) -> dict[str, Any]:
    """The model with smaller weights and likely coverage, so that few questions are settled beforehand."""
    content = model.model_dump(mode="json")
    for levels in content["comparisons"].values():
        for weight in levels.values():
            weight["bits"] *= scale
            weight["per_person"] = False
    for rule in content["interactions"]:
        rule["bits"] *= scale
    content["prior"] |= {"coverage": 0.5, "least_people": 1, "reference_people": INDEX}
    return content


def of(content: dict[str, Any]) -> Model:
    return load(orjson.dumps(content))


@pytest.fixture(scope="module")
def planted(model: Model) -> Model:
    content = gentle(model)
    content["prior"]["coverage"] = 0.9
    return of(content)


def posterior_contests(planted: Model, questions: int, seed: int) -> Contests:
    rng = np.random.default_rng(seed)
    return answered(planted, drawn(questions, rng), rng)


def elsewhere(planted: Model, seed: int) -> Model:
    """The planted model with every number moved by up to two bits, best levels staying best."""
    rng = np.random.default_rng(seed)
    content = planted.model_dump(mode="json")
    for field, levels in content["comparisons"].items():
        first = VOCABULARY[field][0]
        for level, weight in levels.items():
            if level not in UNKNOWN:
                weight["bits"] += float(rng.uniform(-2, 0))
        levels[first]["bits"] = max(weight["bits"] for weight in levels.values()) + float(rng.uniform(0, 2))
    for rule in content["interactions"]:
        rule["bits"] += float(rng.uniform(-2, 2))
    return of(content)


def test_the_numbers_planted_in_answers_are_recovered_within_a_fifth_of_a_bit_on_average(planted: Model) -> None:
    contests = posterior_contests(planted, 25_000, 3)
    refined = refine(elsewhere(planted, 4), contests, INDEX, version="refined", ridge=0.05)
    found = of(refined.content)
    away = {
        (field, level): found.comparisons[field][level].bits - weight.bits
        for field in FIELDS
        for level, weight in planted.comparisons[field].items()
        if level not in UNKNOWN
    }
    assert max(map(abs, away.values())) < 1
    assert sum(map(abs, away.values())) / len(away) < 0.2
    rows = {move.name: move.rows for move in refined.moves}
    for rule, other in zip(found.interactions, planted.interactions, strict=True):
        # of an interaction that few rows meet little is known
        if rows[f"interaction.{rule.name}"] > 2_000:
            assert rule.bits == pytest.approx(other.bits, abs=0.8), rule.name
    assert found.prior.coverage == pytest.approx(0.9, abs=0.03)
    assert refined.after > refined.before


def test_answers_that_the_model_predicts_move_it_hardly_and_unseen_levels_not_at_all(planted: Model) -> None:
    contests = posterior_contests(planted, 5_000, 5)
    unseen = [(place, VOCABULARY[field].index("differs")) for place, field in enumerate(FIELDS)]
    levels = contests.levels.copy()
    for place, level in unseen:
        levels[levels[:, place] == level, place] = len(VOCABULARY[FIELDS[place]]) - 1
    rng = np.random.default_rng(6)
    refined = refine(planted, answered(planted, replace(contests, levels=levels), rng), INDEX, version="v", ridge=50)
    for move in refined.moves:
        assert move.after == pytest.approx(move.before, abs=0.6), move.name
        if move.name.endswith(".differs"):
            assert (move.after, move.rows) == (move.before, 0)
        if move.name.rpartition(".")[2] in UNKNOWN:
            assert move.after == move.before


def test_what_was_fitted_says_what_it_rests_on(planted: Model) -> None:
    contests = posterior_contests(planted, 400, 7)
    refined = refine(planted, contests, INDEX, version="refined-7", ridge=9, seed=7, notes={"labels": "planted"})
    found = of(refined.content)
    assert found.version == "refined-7"
    assert found.provenance == {
        "refined-from": planted.hash,
        "questions": 400,
        "questions-right": int(contests.right.sum()),
        "candidates": refined.candidates,
        "index-people": INDEX,
        "ridge": 9,
        "seed": 7,
        "log-likelihood-before": round(refined.before, 6),
        "log-likelihood-after": round(refined.after, 6),
        "labels": "planted",
    }
    assert [move.name for move in refined.moves][-1] == "prior.coverage"


def exchanged(contests: Contests, field: str, one: str, other: str) -> Contests:
    """The same answers, each of two levels where the other stood."""
    column = FIELDS.index(field)
    first, second = VOCABULARY[field].index(one), VOCABULARY[field].index(other)
    levels = contests.levels.copy()
    levels[contests.levels[:, column] == first, column] = second
    levels[contests.levels[:, column] == second, column] = first
    return replace(contests, levels=levels)


def test_no_level_comes_out_heavier_than_the_best_of_its_field(planted: Model) -> None:
    """Where answers say that a lesser level weighs more, both weigh the same, and the rest is fitted around that."""
    content = planted.model_dump(mode="json")
    content["comparisons"]["address"]["full"]["bits"] = 5.0
    content["comparisons"]["address"]["postcode"]["bits"] = 3.0
    crossed = exchanged(posterior_contests(of(content), 4_000, 8), "address", "full", "postcode")
    found = of(refine(planted, crossed, INDEX, version="v", ridge=0.05).content).comparisons["address"]
    assert found["full"].bits == found["postcode"].bits
    assert 3 < found["full"].bits < 5


def test_a_level_may_outweigh_a_name_in_common_where_names_have_frequencies(planted: Model) -> None:
    """The same name is weighed for a typical one: a rare one outweighs whatever this level weighs."""
    content = planted.model_dump(mode="json")
    content["comparisons"]["family"]["exact"]["bits"] = 0.5
    content["comparisons"]["family"]["previous"]["bits"] = 2.5
    contests = posterior_contests(of(content), 6_000, 15)
    found = of(refine(planted, contests, INDEX, version="v", ridge=0.05).content).comparisons["family"]
    assert found["exact"].bits == pytest.approx(0.5, abs=0.5)
    assert found["previous"].bits == pytest.approx(2.5, abs=0.5)


@pytest.mark.parametrize("field", ["family", "gp_practice"])
def test_what_differs_never_speaks_for_a_match_whatever_answers_say(planted: Model, field: str) -> None:
    content = planted.model_dump(mode="json")
    best = VOCABULARY[field][0]
    content["comparisons"][field][best]["bits"] = 3.0
    content["comparisons"][field]["differs"]["bits"] = -0.5
    crossed = exchanged(posterior_contests(of(content), 4_000, 16), field, best, "differs")
    refined = refine(of(content), crossed, INDEX, version="v", ridge=0.05)
    found = of(refined.content).comparisons[field]
    assert found["differs"].bits == 0
    assert found[best].bits == 0


def test_a_best_level_that_speaks_against_a_match_says_nothing_at_least(planted: Model) -> None:
    """The best level of a field may not weigh less than a missing value."""
    contests = posterior_contests(planted, 2_000, 14)
    column = FIELDS.index("gender")
    levels = contests.levels.copy()
    levels[contests.right, column] = VOCABULARY["gender"].index("missing")
    refined = refine(planted, replace(contests, levels=levels), INDEX, version="v", ridge=0.05)
    assert of(refined.content).comparisons["gender"]["equal"].bits == 0


def test_what_few_people_share_keeps_growing_with_the_index(planted: Model) -> None:
    """Planted for an index of 50,000 people and refitted there, the bits are written for the reference index."""
    content = planted.model_dump(mode="json")
    content["prior"]["reference_people"] = INDEX * 8
    content["comparisons"]["phone"]["equal"] = {"bits": 5.0, "frequency": False, "per_person": True}
    content["comparisons"]["email"]["equal"] = {"bits": 3.0, "frequency": False, "per_person": True}
    start = of(content)
    contests = posterior_contests(start, 6_000, 9)
    assert Scorer(start, NOBODY, INDEX).fixed_bits("phone")["equal"] == pytest.approx(2)
    content["comparisons"]["phone"]["equal"]["bits"] = 7.0
    refined = of(refine(of(content), contests, INDEX, version="v", ridge=0.05).content)
    assert refined.comparisons["phone"]["equal"].bits == pytest.approx(5, abs=0.5)
    assert refined.comparisons["email"]["equal"].bits >= LEAST_SHARED + 3 - 1e-9


def test_a_shared_value_is_never_refitted_below_what_the_scorer_makes_of_it(planted: Model) -> None:
    content = planted.model_dump(mode="json")
    content["comparisons"]["phone"]["equal"] = {"bits": 5.0, "frequency": False, "per_person": True}
    content["prior"]["reference_people"] = INDEX * 2**20
    assert Scorer(of(content), NOBODY, INDEX).fixed_bits("phone")["equal"] == LEAST_SHARED


def test_candidates_far_behind_are_left_out_without_changing_the_answer(model: Model) -> None:
    contests = posterior_contests(model, 1_500, 10)
    all_of_them = refine(model, contests, INDEX, version="v", within=1_000)
    near = refine(model, contests, INDEX, version="v", within=25)
    assert near.candidates < all_of_them.candidates == len(contests.asked)
    for one, other in zip(near.moves, all_of_them.moves, strict=True):
        assert one.after == pytest.approx(other.after, abs=0.02)


def test_a_question_that_counts_twice_is_a_question_asked_twice(planted: Model) -> None:
    once = posterior_contests(planted, 300, 11)
    twice = Contests(
        np.concatenate((once.asked, once.asked + 300)),
        np.concatenate((once.levels, once.levels)),
        np.concatenate((once.adjustment, once.adjustment)),
        np.concatenate((once.right, once.right)),
    )
    weighty = replace(once, weight=np.full(len(once.asked), 2.0))
    one, other = (refine(planted, contests, INDEX, version="v") for contests in (twice, weighty))
    for move, same in zip(one.moves, other.moves, strict=True):
        assert move.after == pytest.approx(same.after, abs=1e-3)


def test_a_person_held_twice_may_be_found_under_either_row(planted: Model) -> None:
    contests = posterior_contests(planted, 500, 12)
    both = contests.right.copy()
    both[1::CANDIDATES] |= contests.right[::CANDIDATES]
    refined = refine(planted, replace(contests, right=both), INDEX, version="v")
    assert refined.after > refined.before
    assert of(refined.content).version == "v"


def test_too_few_questions_or_nobody_right_are_refused(planted: Model) -> None:
    contests = posterior_contests(planted, 49, 13)
    with pytest.raises(TooFewQuestions, match="49 answered"):
        refine(planted, contests, INDEX, version="v")
    more = posterior_contests(planted, 60, 13)
    with pytest.raises(TooFewQuestions, match="0 answered"):
        refine(planted, replace(more, right=np.zeros(len(more.right), bool)), INDEX, version="v")
