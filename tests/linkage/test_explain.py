"""Evidence in words: a sentence for every level there is, and never a value of anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linkage.compare import VOCABULARY
from linkage.explain import (
    Evidence,
    Weighing,
    agrees,
    as_json,
    as_text,
    describe,
    differs,
    phrase,
    short_label,
    weighed,
)

if TYPE_CHECKING:
    from linkage.model import Model


@pytest.mark.parametrize(
    ("field", "level"), [(field, level) for field, levels in VOCABULARY.items() for level in levels]
)
def test_every_level_of_every_field_has_a_sentence(field: str, level: str) -> None:
    sentence = describe(Evidence(field, level, 0.0))
    assert sentence.endswith(".")
    assert len(sentence) > 10


def test_every_interaction_of_the_shipped_model_is_explained(shipped: Model) -> None:
    for rule in shipped.interactions:
        assert describe(Evidence(rule.name, "applies", rule.bits)) != rule.name.replace("-", " ").capitalize() + "."


def test_an_interaction_of_somebody_elses_model_is_named() -> None:
    assert describe(Evidence("same-hat", "applies", -1.0)) == "Same hat."


def test_text_shows_the_prior_the_heaviest_first_and_the_total_with_its_probability() -> None:
    pieces = (Evidence("gender", "equal", 0.9), Evidence("given", "differs", -7.0))
    assert as_text(Weighing(pieces, -20.0, 0.00001)).splitlines() == [
        "  -20.0  Before comparing.",
        "   -7.0  First name: different.",
        "   +0.9  Gender: the same.",
        "  -26.1  Total, in bits (log2 odds against nobody in the index).",
        "-6.1 bits, probability under 0.01%: very probably somebody else.",
    ]


def test_json_keeps_the_order_of_the_model_and_rounds_once() -> None:
    pieces = (Evidence("gender", "equal", 0.904), Evidence("given", "exact", 7.004))
    told = as_json(Weighing(pieces, -1.0, 0.9951234567))
    assert [piece["field"] for piece in told["evidence"]] == ["gender", "given"]
    assert told["evidence"][0] == {"field": "gender", "level": "equal", "bits": 0.9, "sentence": "Gender: the same."}
    assert (told["prior_bits"], told["bits"], told["total"]) == (-1.0, 7.91, 6.91)
    assert (told["probability"], told["phrase"]) == (0.995123, "very probably this person")


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (0.0, "under 0.01%: very probably somebody else"),
        (0.05, "5.00%: probably somebody else"),
        (0.5, "50.00%: could be this person"),
        (0.8, "80.00%: probably this person"),
        (0.99, "99.00%: very probably this person"),
        (0.9995, "99.95%: almost certainly this person"),
        (1.0, "over 99.99%: almost certainly this person"),
    ],
)
def test_weight_probability_and_a_plain_phrase_are_said_together(probability: float, said: str) -> None:
    assert weighed(12.34, probability) == f"+12.3 bits, probability {said}"


def test_what_is_no_number_is_called_improbable() -> None:
    assert phrase(float("nan")) == "very probably somebody else"


def test_a_chart_names_a_field_or_a_pattern_in_a_word_or_two() -> None:
    assert short_label(Evidence("given", "exact", 7.0)) == "First name"
    assert short_label(Evidence("twin-or-sibling", "applies", -12.0)) == "Twin or sibling"


@pytest.mark.parametrize(
    ("field", "level", "agreed", "differed"),
    [
        ("given", "exact", True, False),
        ("given", "close", False, True),
        ("given", "missing", False, False),
        ("address", "withheld", False, False),
        ("twin-or-sibling", "applies", False, False),
    ],
)
def test_near_agreement_is_not_agreement_and_silence_is_neither(
    field: str,
    level: str,
    agreed: bool,  # noqa: FBT001 - a table
    differed: bool,  # noqa: FBT001
) -> None:
    piece = Evidence(field, level, 1.0)
    assert (agrees(piece), differs(piece)) == (agreed, differed)
