"""The model file: what is compared, what each level weighs, and when the sum is enough.

A model is JSON handed in as bytes. It is checked twice: its shape (strict, unknown keys refused), then its
sense (every level of the closed vocabulary weighed, none invented, thresholds in order). Its hash covers
the content and not the layout, and is named in every link and every disclosure row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from linkage.compare import VOCABULARY
from linkage.findings import Step
from linkage.frequencies import COUNTED, Frequencies
from linkage.keys import KEYS
from linkage.person import NORMALISATION_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Condition",
    "Frequencies",
    "Interaction",
    "Knot",
    "Model",
    "ModelFault",
    "Prior",
    "TermFrequency",
    "Threshold",
    "Use",
    "Veto",
    "Weight",
    "json_schema",
    "load",
]

SCHEMA_VERSION: Final = 1
"""The version of this file format; a file of a later one is refused, whatever else it holds."""

Bits = Annotated[float, Field(ge=-60, le=60)]
Share = Annotated[float, Field(gt=0, lt=1)]
Condition = Mapping[str, tuple[str, ...]]
"""Field → levels; it holds for a level vector when every named field stands on one of its levels."""

Conditions = Annotated[tuple[Condition, ...], Field(min_length=1)]
"""Alternatives: one of them must hold."""


class Use(StrEnum):
    """What a match is for; each use has its own thresholds."""

    DIRECT_CARE = "direct-care"
    PROPOSE = "propose"
    ANALYTICS = "analytics"


class ModelFault(ValueError):
    """A model file that cannot be used: where in the file (a JSON path) and which rule it breaks."""

    def __init__(self, path: str, rule: str) -> None:
        super().__init__(f"model file, {path}: {rule}")
        self.path = path
        self.rule = rule


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Weight(_Part):
    """What one level weighs, in bits (log2 m/u).

    ``frequency``: the bits are those of a typical value and move with how common the value is.
    ``per_person``: as few people share it in a large index as in a small one, so the bits, given for an
    index of ``prior.reference_people``, grow with the logarithm of the index.
    """

    bits: Bits
    frequency: bool = False
    per_person: bool = False


class TermFrequency(_Part):
    """How a name's own frequency moves its weight.

    ``typical`` is the share at which the level's bits hold; ``pull`` is the number of people by which a
    small index is drawn towards it; no value counts as rarer than ``floor``. ``strength`` is the part of the movement
    that counts: candidates share a key, and rare names less often by chance than in the whole index.
    """

    strength: Annotated[float, Field(ge=0, le=1)] = 1.0
    typical: Share
    pull: Annotated[float, Field(ge=0)]
    floor: Share


class Interaction(_Part):
    """A correction for fields that are not independent: its bits are added when any condition holds."""

    name: str
    bits: Bits
    when: Conditions


class Veto(_Part):
    """A pattern that is never joined without a person's eyes, however much it weighs."""

    name: str
    when: Conditions


class Prior(_Part):
    """What is believed before comparing: the share of people asked about who are in the index at all."""

    coverage: Share
    least_people: Annotated[int, Field(ge=1)]
    reference_people: Annotated[int, Field(ge=1)]


class Threshold(_Part):
    """When a candidate is enough for one use.

    ``match`` and ``review`` are log2 odds of the candidate against the person being absent; ``gap`` is the
    least lead over the runner-up; ``agreeing`` the least number of independent groups that agree; ``steps``
    the steps whose match may be used without a person's confirmation.
    """

    match: float
    review: float
    gap: Annotated[float, Field(ge=0)]
    agreeing: Annotated[int, Field(ge=1)]
    steps: tuple[Step, ...]


class Knot(_Part):
    """A point of the calibration: log2 odds as the weights claim them, and as they turned out."""

    odds: float
    calibrated: float


class Model(_Part):
    """A whole model, checked. Made by `load` only. ``provenance`` says what trained weights rest on."""

    schema_version: Annotated[int, Field(ge=1)] = SCHEMA_VERSION
    name: Annotated[str, Field(min_length=1)]
    version: Annotated[str, Field(min_length=1)]
    normalisation: int
    keys: tuple[str, ...]
    comparisons: Mapping[str, Mapping[str, Weight]]
    term_frequencies: Mapping[str, TermFrequency]
    interactions: tuple[Interaction, ...]
    vetoes: tuple[Veto, ...]
    groups: Mapping[str, Conditions]
    prior: Prior
    thresholds: Mapping[Use, Threshold]
    calibration: tuple[Knot, ...] = ()
    provenance: Mapping[str, JsonValue] = Field(default_factory=dict)

    @property
    def label(self) -> str:
        """How links and ledger rows name the model: ``name@version#`` and twelve letters of its hash."""
        return f"{self.name}@{self.version}#{self.hash[:12]}"

    @cached_property
    def hash(self) -> str:
        """SHA-256, in hex, of the content in canonical JSON."""
        return hashlib.sha256(orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)).hexdigest()


def load(data: bytes) -> Model:
    """Read and check a model file.

    Raises:
        ModelFault: with the path of the first fault and the rule it breaks.
    """
    try:
        content = json.loads(data, object_pairs_hook=_each_once)
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise ModelFault("$", "not-json") from None
    _check_version(content)
    try:
        model = Model.model_validate_json(data)
    except ValidationError as errors:
        first = errors.errors(include_url=False, include_context=False, include_input=False)[0]
        raise ModelFault(_path(first["loc"]), first["type"]) from None
    _check_sense(model)
    return model


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a model file: its shape, for whoever edits one. `load` checks its sense as well."""
    return Model.model_json_schema()


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of a file; a name written twice would silently be the last of the two."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        _refuse("written-twice", next(name for name in names if names.count(name) > 1))
    return found


def _check_version(content: object) -> None:
    """Refuse a file of a later format by that, before its unknown parts are found fault with."""
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        _refuse("future-version", "schema_version")


_BEST_FIRST: Final = "outweighs-best"
_BY_NAME: Final = frozenset({"exact", "folded"})
"""The levels on which both sides carry one name, so that its frequency can be looked up on either."""


def _check_sense(model: Model) -> None:
    if model.normalisation != NORMALISATION_VERSION:
        later = model.normalisation > NORMALISATION_VERSION
        _refuse("future-version" if later else "other-normalisation", "normalisation")
    if set(model.keys) != set(KEYS):
        _refuse("other-keys", "keys")
    _check_names(model.comparisons, VOCABULARY, "comparisons")
    for field, levels in VOCABULARY.items():
        _check_levels(model, field, levels)
    _check_names(model.term_frequencies, COUNTED, "term_frequencies")
    _check_names(model.thresholds, Use, "thresholds")
    for use, threshold in model.thresholds.items():
        if threshold.review > threshold.match:
            _refuse("review-above-match", "thresholds", use, "review")
    _check_conditions(model)
    _check_calibration(model.calibration)
    _check_finite(model.provenance, "provenance")


def _check_levels(model: Model, field: str, levels: tuple[str, ...]) -> None:
    weights = model.comparisons[field]
    _check_names(weights, levels, "comparisons", field)
    for level, weight in weights.items():
        # a level with frequencies is weighed for a typical value, so others may weigh more than that
        if weight.bits > weights[levels[0]].bits and not weights[levels[0]].frequency:
            _refuse(_BEST_FIRST, "comparisons", field, level)
        if weight.frequency and (field not in COUNTED or level not in _BY_NAME):
            _refuse("frequency-not-counted", "comparisons", field, level)


def _check_conditions(model: Model) -> None:
    for place, interaction in enumerate(model.interactions):
        _check_any(interaction.when, "interactions", str(place))
    for place, veto in enumerate(model.vetoes):
        _check_any(veto.when, "vetoes", str(place))
    for group, when in model.groups.items():
        _check_any(when, "groups", group)


def _check_calibration(knots: tuple[Knot, ...]) -> None:
    for place, (left, right) in enumerate(pairwise(knots), 1):
        if right.odds <= left.odds:
            _refuse("not-increasing", "calibration", str(place), "odds")
        if right.calibrated <= left.calibrated:
            _refuse("not-increasing", "calibration", str(place), "calibrated")


def _check_finite(value: object, *path: str) -> None:
    """JSON knows no NaN and no infinity, and a hash of one would not be the content's."""
    if isinstance(value, float) and not isfinite(value):
        _refuse("finite_number", *path)
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        _check_finite(part, *path, str(name))


def _check_any(conditions: tuple[Condition, ...], *path: str) -> None:
    for field, levels in ((field, levels) for condition in conditions for field, levels in condition.items()):
        if field not in VOCABULARY:
            _refuse("unknown-name", *path, field)
        for level in levels:
            if level not in VOCABULARY[field]:
                _refuse("unknown-name", *path, field, level)


def _check_names(found: Iterable[str], wanted: Iterable[str], *path: str) -> None:
    """Every wanted name is there and no other."""
    for name in found:
        if name not in wanted:
            _refuse("unknown-name", *path, name)
    for name in wanted:
        if name not in found:
            _refuse("missing-name", *path, name)


def _refuse(rule: str, *path: str) -> NoReturn:
    raise ModelFault(_path(path), rule)


def _path(parts: Iterable[str | int]) -> str:
    return ".".join(("$", *map(str, parts)))
