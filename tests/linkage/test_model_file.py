"""The model file: read strictly, refused by path and rule, hashed by content."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from linkage.model import Frequencies, Model, ModelFault, Use, load
from linkage.normalise import normalise
from linkage.person import Demographics

if TYPE_CHECKING:
    from collections.abc import Callable

Content = dict[str, Any]


def test_the_shipped_model_loads_and_knows_every_use(model: Model) -> None:
    assert (model.name, set(model.thresholds)) == ("house", set(Use))
    assert len(model.hash) == 64


def test_the_hash_follows_the_content_and_not_the_layout(model_file: bytes, model: Model) -> None:
    assert load(orjson.dumps(orjson.loads(model_file))).hash == model.hash
    other = orjson.loads(model_file)
    other["comparisons"]["gender"]["equal"]["bits"] = 0.8
    assert load(orjson.dumps(other)).hash != model.hash


def _set(*path: str, value: object) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        *way, last = path
        inner: Any = content
        for step in way:
            place: Any = int(step) if isinstance(inner, list) else step
            inner = inner[place]
        inner[last] = value

    return change


def _drop(*path: str) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        *way, last = path
        for step in way:
            content = content[step]
        del content[last]

    return change


@pytest.mark.parametrize(
    ("change", "path", "rule"),
    [
        (_drop("prior"), "$.prior", "missing"),
        (_set("colour", value="blue"), "$.colour", "extra_forbidden"),
        (_set("prior", "coverage", value=1.5), "$.prior.coverage", "less_than"),
        (_set("normalisation", value=0), "$.normalisation", "other-normalisation"),
        (_set("keys", value=["number"]), "$.keys", "other-keys"),
        (_set("comparisons", "shoe", value={}), "$.comparisons.shoe", "unknown-name"),
        (_drop("comparisons", "family"), "$.comparisons.family", "missing-name"),
        (_drop("comparisons", "family", "close"), "$.comparisons.family.close", "missing-name"),
        (_set("comparisons", "gender", "close", value={"bits": 0}), "$.comparisons.gender.close", "unknown-name"),
        (_set("comparisons", "gender", "missing", value={"bits": 9}), "$.comparisons.gender.missing", "outweighs-best"),
        (
            _set("comparisons", "gender", "equal", "frequency", value=True),
            "$.comparisons.gender.equal",
            "frequency-not-counted",
        ),
        (_drop("term_frequencies", "given"), "$.term_frequencies.given", "missing-name"),
        (_drop("thresholds", "analytics"), "$.thresholds.analytics", "missing"),
        (_set("thresholds", "propose", "review", value=50), "$.thresholds.propose.review", "review-above-match"),
        (_set("interactions", "0", "when", value=[{"shoe": ["big"]}]), "$.interactions.0.shoe", "unknown-name"),
        (_set("vetoes", "0", "when", value=[{"given": ["big"]}]), "$.vetoes.0.given.big", "unknown-name"),
        (_set("groups", "given", value=[{"given": ["big"]}]), "$.groups.given.given.big", "unknown-name"),
        (_set("groups", "given", value=[]), "$.groups.given", "too_short"),
    ],
)
def test_a_faulty_model_is_refused_with_the_place_and_the_rule(
    model_file: bytes, change: Callable[[Content], None], path: str, rule: str
) -> None:
    content = copy.deepcopy(orjson.loads(model_file))
    change(content)
    with pytest.raises(ModelFault) as refused:
        load(orjson.dumps(content))
    expected = "missing-name" if path == "$.thresholds.analytics" else rule
    assert (refused.value.path, refused.value.rule) == (path, expected)


def test_what_is_not_json_is_no_model() -> None:
    with pytest.raises(ModelFault) as refused:
        load(b"{")
    assert (refused.value.path, refused.value.rule) == ("$", "not-json")


def test_frequencies_count_names_leave_out_the_unknown_and_survive_storage() -> None:
    people = [normalise(Demographics(family=family, given="Asha")) for family in ("Patel", "Patel", "Shah", "")]
    counted = Frequencies.of(people)
    stored = Frequencies(counted.as_counts(), counted.total)
    assert stored.as_counts() == {"family": {"PATEL": 2, "SHAH": 1}, "given": {"ASHA": 4}}
    assert (stored.total, stored.count("family", "PATEL"), stored.count("family", "")) == (4, 2, 0)
