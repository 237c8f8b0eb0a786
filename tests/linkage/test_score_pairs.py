"""The evaluator: bits are the model's, moved by how common a name is and how large the index."""

from __future__ import annotations

from dataclasses import replace
from math import log2
from typing import TYPE_CHECKING

import pytest

from linkage.explain import Evidence
from linkage.model import Frequencies, Model
from linkage.normalise import normalise
from linkage.person import Demographics
from linkage.score import Scorer

if TYPE_CHECKING:
    from collections.abc import Sequence

NOBODY = Frequencies({}, 0)
ASHA = Demographics(family="Patel", given="Asha", birth_date="1961-03-04", postcode="LE2 1AA")


def bits_of(field: str, evidence: Sequence[Evidence]) -> float:
    return next(piece.bits for piece in evidence if piece.field == field)


def test_the_weight_is_the_sum_of_the_evidence_and_every_field_is_named(model: Model) -> None:
    person = normalise(ASHA)
    bits, levels, evidence = Scorer(model, NOBODY, 1_000_000).score(person, person)
    assert bits == pytest.approx(sum(piece.bits for piece in evidence))
    assert len(evidence) == len(levels) == 11


def test_a_common_name_weighs_less_and_a_rare_one_no_more_than_the_floor_allows(model: Model) -> None:
    frequencies = Frequencies({"family": {"PATEL": 40_000}, "given": {"ASHA": 1}}, 1_000_000)
    scorer = Scorer(model, frequencies, 1_000_000)
    person = normalise(ASHA)
    _, _, evidence = scorer.score(person, person)
    weights, rules = model.comparisons, model.term_frequencies
    common = log2(rules["family"].typical / (40_008 / 1_002_000)) * rules["family"].strength
    rare = log2(rules["given"].typical / rules["given"].floor) * rules["given"].strength
    assert common < 0 < rare
    assert bits_of("family", evidence) == pytest.approx(weights["family"]["exact"].bits + common)
    assert bits_of("given", evidence) == pytest.approx(weights["given"]["exact"].bits + rare)


@pytest.mark.parametrize("field", ["family", "given"])
@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_how_common_a_name_is_counts_by_the_strength_the_model_gives_it(
    model: Model, field: str, strength: float
) -> None:
    frequencies = Frequencies({"family": {"PATEL": 40_000}, "given": {"ASHA": 1}}, 1_000_000)
    person = normalise(ASHA)

    def moved(strength: float) -> float:
        rule = model.term_frequencies[field].model_copy(update={"strength": strength})
        told = model.model_copy(update={"term_frequencies": {**model.term_frequencies, field: rule}})
        _, _, evidence = Scorer(told, frequencies, 1_000_000).score(person, person)
        return bits_of(field, evidence) - model.comparisons[field]["exact"].bits

    assert moved(1.0) != 0
    assert moved(strength) == pytest.approx(strength * moved(1.0))


def test_without_counts_a_name_weighs_what_a_typical_one_does(model: Model) -> None:
    person = normalise(ASHA)
    _, _, evidence = Scorer(model, NOBODY, 1_000_000).score(person, person)
    assert bits_of("family", evidence) == pytest.approx(model.comparisons["family"]["exact"].bits)


def test_a_surname_is_counted_without_its_spaces(model: Model) -> None:
    frequencies = Frequencies({"family": {"SMITHJONES": 10_000}}, 1_000_000)
    one, other = (normalise(Demographics(family=name)) for name in ("Smith-Jones", "SmithJones"))
    _, _, evidence = Scorer(model, frequencies, 1_000_000).score(one, other)
    rule = model.term_frequencies["family"]
    share = (10_000 + rule.typical * rule.pull) / (1_000_000 + rule.pull)
    assert bits_of("family", evidence) == pytest.approx(
        model.comparisons["family"]["folded"].bits + rule.strength * log2(rule.typical / share)
    )


def test_an_earlier_name_weighs_the_same_however_common_it_is(model: Model) -> None:
    """Which of the two sides' names is shared could not be looked up in one column by every engine."""
    frequencies = Frequencies({"family": {"SMITH": 10_000, "JONES": 5}}, 1_000_000)
    one = normalise(Demographics(family="Smith"))
    other = normalise(Demographics(family="Jones", previous_family=("Smith",)))
    _, _, evidence = Scorer(model, frequencies, 1_000_000).score(one, other)
    assert bits_of("family", evidence) == model.comparisons["family"]["previous"].bits


def test_what_few_people_share_weighs_more_in_a_larger_index_and_never_nothing(model: Model) -> None:
    person = normalise(ASHA)

    def address(size: int) -> float:
        return bits_of("address", Scorer(model, NOBODY, size).score(person, person)[2])

    assert address(2_000_000) == pytest.approx(address(1_000_000) + 1)
    assert address(5) == address(model.prior.least_people) >= 1


def test_a_twin_is_recognised_by_the_pattern_and_pays_for_it(model: Model) -> None:
    asha, usha = normalise(ASHA), normalise(replace(ASHA, given="Bhavna"))
    _, _, evidence = Scorer(model, NOBODY, 1_000_000).score(asha, usha)
    price = next(rule.bits for rule in model.interactions if rule.name == "twin-or-sibling")
    assert price < 0
    assert evidence[-1] == Evidence("twin-or-sibling", "applies", price)
