"""Evidence in words: a sentence for every level there is, and never a value of anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from linkage.compare import VOCABULARY
from linkage.explain import Evidence, as_json, as_text, describe

if TYPE_CHECKING:
    from linkage.model import Model


@pytest.mark.parametrize(
    ("field", "level"), [(field, level) for field, levels in VOCABULARY.items() for level in levels]
)
def test_every_level_of_every_field_has_a_sentence(field: str, level: str) -> None:
    sentence = describe(Evidence(field, level, 0.0))
    assert sentence.endswith(".")
    assert len(sentence) > 10


def test_every_interaction_of_the_shipped_model_is_explained(model: Model) -> None:
    for rule in model.interactions:
        assert describe(Evidence(rule.name, "applies", rule.bits)) != rule.name.replace("-", " ").capitalize() + "."


def test_an_interaction_of_somebody_elses_model_is_named() -> None:
    assert describe(Evidence("same-hat", "applies", -1.0)) == "Same hat."


def test_text_shows_the_heaviest_first_and_the_sum() -> None:
    pieces = (Evidence("gender", "equal", 0.9), Evidence("given", "differs", -7.0))
    assert as_text(pieces).splitlines() == [
        "   -7.0  First name: different.",
        "   +0.9  Gender: the same.",
        "   -6.1  Sum of bits.",
    ]


def test_json_keeps_the_order_of_the_model() -> None:
    assert as_json([Evidence("gender", "equal", 0.90001)]) == [
        {"field": "gender", "level": "equal", "bits": 0.9, "sentence": "Gender: the same."}
    ]
