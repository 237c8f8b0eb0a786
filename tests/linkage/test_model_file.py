"""The model file: read strictly, refused by path and rule, hashed by content."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from linkage.compare import VOCABULARY
from linkage.model import Frequencies, Model, ModelFault, Use, json_schema, load
from linkage.normalise import normalise
from linkage.person import NORMALISATION_VERSION, Demographics

if TYPE_CHECKING:
    from collections.abc import Callable

Content = dict[str, Any]


def test_the_shipped_model_loads_and_knows_every_use(shipped: Model) -> None:
    assert (shipped.name, set(shipped.thresholds)) == ("house", set(Use))
    assert len(shipped.hash) == 64


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
        (_set("schema_version", value=2), "$.schema_version", "future-version"),
        (_set("normalisation", value=99), "$.normalisation", "future-version"),
        (_drop("comparisons", "family", "close", "bits"), "$.comparisons.family.close.bits", "missing"),
        (_set("comparisons", "family", "close", "bits", value="4"), "$.comparisons.family.close.bits", "float_type"),
        (
            _set("comparisons", "family", "previous", "frequency", value=True),
            "$.comparisons.family.previous",
            "frequency-not-counted",
        ),
        (
            _set("calibration", value=[{"odds": 1, "calibrated": 1}, {"odds": 1, "calibrated": 2}]),
            "$.calibration.1.odds",
            "not-increasing",
        ),
        (
            _set("calibration", value=[{"odds": 1, "calibrated": 1}, {"odds": 2, "calibrated": 1}]),
            "$.calibration.1.calibrated",
            "not-increasing",
        ),
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


@pytest.mark.parametrize(
    ("change", "path", "rule"),
    [
        (_drop("comparisons", "family", "close", "bits"), "$.comparisons.family.close.bits", "missing"),
        (_set("comparisons", "family", "close", "bits", value="4.5"), "$.comparisons.family.close.bits", "float_type"),
        (_set("comparisons", "family", "close", "bits", value=None), "$.comparisons.family.close.bits", "float_type"),
        (_set("comparisons", "family", "close", "bits", value=True), "$.comparisons.family.close.bits", "float_type"),
        (
            _set("comparisons", "family", "close", "bits", value=61),
            "$.comparisons.family.close.bits",
            "less_than_equal",
        ),
        (
            _set("comparisons", "family", "close", "bits", value=-61),
            "$.comparisons.family.close.bits",
            "greater_than_equal",
        ),
        (
            _set("comparisons", "family", "close", value={"bits": 1, "m": 0.9}),
            "$.comparisons.family.close.m",
            "extra_forbidden",
        ),
        (
            _set("comparisons", "given", "close", "frequency", value=True),
            "$.comparisons.given.close",
            "frequency-not-counted",
        ),
        (_set("comparisons", "family", value=[]), "$.comparisons.family", "dict_type"),
        (_set("schema_version", value=2), "$.schema_version", "future-version"),
        (_set("schema_version", value=0), "$.schema_version", "greater_than_equal"),
        (_set("schema_version", value="2"), "$.schema_version", "int_type"),
        (_set("normalisation", value=NORMALISATION_VERSION + 1), "$.normalisation", "future-version"),
        (_set("normalisation", value=NORMALISATION_VERSION - 1), "$.normalisation", "other-normalisation"),
        (_set("keys", value=[]), "$.keys", "other-keys"),
        (_set("name", value=""), "$.name", "string_too_short"),
        (_set("prior", "coverage", value=0), "$.prior.coverage", "greater_than"),
        (_set("prior", "least_people", value=0), "$.prior.least_people", "greater_than_equal"),
        (_set("prior", "reference_people", value=1.5), "$.prior.reference_people", "int_type"),
        (_set("term_frequencies", "family", "floor", value=0), "$.term_frequencies.family.floor", "greater_than"),
        (_set("term_frequencies", "family", "pull", value=-1), "$.term_frequencies.family.pull", "greater_than_equal"),
        (
            _set("term_frequencies", "gender", value={"typical": 0.1, "pull": 1, "floor": 0.1}),
            "$.term_frequencies.gender",
            "unknown-name",
        ),
        (_set("thresholds", "propose", "gap", value=-1), "$.thresholds.propose.gap", "greater_than_equal"),
        (_set("thresholds", "propose", "agreeing", value=0), "$.thresholds.propose.agreeing", "greater_than_equal"),
        (_set("thresholds", "propose", "steps", value=["guess"]), "$.thresholds.propose.steps.0", "enum"),
        (_set("thresholds", "shopping", value={}), "$.thresholds.shopping.[key]", "enum"),
        (_drop("thresholds", "propose", "match"), "$.thresholds.propose.match", "missing"),
        (_set("interactions", "0", "when", value=[]), "$.interactions.0.when", "too_short"),
        (_set("interactions", "0", "when", value=[{"given": ["big"]}]), "$.interactions.0.given.big", "unknown-name"),
        (
            _set("interactions", value=[{"name": "x", "when": [{"given": ["exact"]}]}]),
            "$.interactions.0.bits",
            "missing",
        ),
        (_set("vetoes", "0", "bits", value=-3), "$.vetoes.0.bits", "extra_forbidden"),
        (_set("groups", "shoe", value=[{"shoe": ["big"]}]), "$.groups.shoe.shoe", "unknown-name"),
        (
            _set("calibration", value=[{"odds": 1, "calibrated": 1}, {"odds": 1, "calibrated": 2}]),
            "$.calibration.1.odds",
            "not-increasing",
        ),
        (
            _set("calibration", value=[{"odds": 1, "calibrated": 1}, {"odds": 2, "calibrated": 1}]),
            "$.calibration.1.calibrated",
            "not-increasing",
        ),
        (_set("calibration", value=[{"odds": 1}]), "$.calibration.0.calibrated", "missing"),
    ],
)
def test_a_model_that_cannot_be_meant_is_refused_with_the_path_to_the_fault(
    model_file: bytes, change: Callable[[Content], None], path: str, rule: str
) -> None:
    content = copy.deepcopy(orjson.loads(model_file))
    change(content)
    with pytest.raises(ModelFault, match=re.escape(f"{path}: ")) as refused:
        load(orjson.dumps(content))
    assert (refused.value.path, refused.value.rule) == (path, rule)


@pytest.mark.parametrize(
    ("field", "level"), [(field, level) for field, levels in VOCABULARY.items() for level in levels]
)
def test_every_level_of_every_field_must_be_weighed(model_file: bytes, field: str, level: str) -> None:
    content = orjson.loads(model_file)
    del content["comparisons"][field][level]
    with pytest.raises(ModelFault) as refused:
        load(orjson.dumps(content))
    assert (refused.value.path, refused.value.rule) == (f"$.comparisons.{field}.{level}", "missing-name")


@pytest.mark.parametrize("field", VOCABULARY)
def test_no_level_may_be_invented(model_file: bytes, field: str) -> None:
    content = orjson.loads(model_file)
    content["comparisons"][field]["nearly"] = {"bits": 1}
    with pytest.raises(ModelFault) as refused:
        load(orjson.dumps(content))
    assert (refused.value.path, refused.value.rule) == (f"$.comparisons.{field}.nearly", "unknown-name")


def test_a_level_may_outweigh_a_name_in_common_which_is_weighed_for_a_typical_one(model_file: bytes) -> None:
    content = orjson.loads(model_file)
    content["comparisons"]["family"]["previous"]["bits"] = content["comparisons"]["family"]["exact"]["bits"] + 1
    assert load(orjson.dumps(content)).comparisons["family"]["previous"].bits > 0
    content["comparisons"]["family"]["exact"]["frequency"] = False
    with pytest.raises(ModelFault, match="outweighs-best"):
        load(orjson.dumps(content))


@pytest.mark.parametrize("strength", [-0.1, 1.1])
def test_the_strength_of_a_frequency_is_a_part_of_the_whole(model_file: bytes, strength: float) -> None:
    content = orjson.loads(model_file)
    content["term_frequencies"]["family"]["strength"] = strength
    with pytest.raises(ModelFault, match=r"\$\.term_frequencies\.family\.strength"):
        load(orjson.dumps(content))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize(
    ("was", "becomes", "path"),
    [
        (b'"close":{"bits":4.5}', b'"close":{"bits":%b}', "$.comparisons.family.close.bits"),
        (b'"coverage":', b'"coverage":%b,"was":', "$.prior.coverage"),
        (b'{"name":"round"', b'{"provenance":{"by":[0,%b]},"name":"round"', "$.provenance.by.1"),
    ],
)
def test_what_is_no_number_is_no_weight_wherever_it_stands(
    model_file: bytes, number: str, was: bytes, becomes: bytes, path: str
) -> None:
    data = orjson.dumps(orjson.loads(model_file))
    assert was in data
    with pytest.raises(ModelFault) as refused:
        load(data.replace(was, becomes % number.encode(), 1))
    assert refused.value.path == path
    assert "finite" in refused.value.rule or refused.value.rule == "less_than"


@pytest.mark.parametrize(
    ("data", "path", "rule"),
    [
        (b"", "$", "not-json"),
        (b"{", "$", "not-json"),
        (b"\xff{}", "$", "not-json"),
        (b"[]", "$", "model_type"),
        (b"null", "$", "model_type"),
        (b'"house"', "$", "model_type"),
        (b'{"name": "a", "name": "b"}', "$.name", "written-twice"),
        (b'{"schema_version": 7, "whatever": "a later format holds"}', "$.schema_version", "future-version"),
    ],
)
def test_what_is_no_model_at_all_is_refused(data: bytes, path: str, rule: str) -> None:
    with pytest.raises(ModelFault) as refused:
        load(data)
    assert (refused.value.path, refused.value.rule) == (path, rule)


def test_a_calibration_that_rises_is_taken(model_file: bytes) -> None:
    content = orjson.loads(model_file)
    content["calibration"] = [{"odds": odds, "calibrated": odds / 2} for odds in range(4)]
    assert len(load(orjson.dumps(content)).calibration) == 4


def test_the_schema_names_every_part_that_must_be_there(shipped_file: bytes) -> None:
    schema = json_schema()
    content = orjson.loads(shipped_file)
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) <= set(content) <= set(schema["properties"])


def test_frequencies_count_names_leave_out_the_unknown_and_survive_storage() -> None:
    people = [normalise(Demographics(family=family, given="Asha")) for family in ("Patel", "Patel", "Shah", "")]
    counted = Frequencies.of(people)
    stored = Frequencies(counted.as_counts(), counted.total)
    assert stored.as_counts() == {"family": {"PATEL": 2, "SHAH": 1}, "given": {"ASHA": 4}}
    assert (stored.total, stored.count("family", "PATEL"), stored.count("family", "")) == (4, 2, 0)


def test_a_model_is_named_with_its_version_and_its_hash(model: Model) -> None:
    assert model.label == f"{model.name}@{model.version}#{model.hash[:12]}"
