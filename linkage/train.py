"""Weights from data: how often levels occur between strangers, and between records of one person.

u comes from random pairs of the index. m comes from pairs that carry one NHS number; some of those numbers
are somebody else's, so a one-parameter mixture (EM with u held fixed) sets the wrong pairs aside. What few
people share (addresses, telephones, NHS numbers) is too rare in random pairs to be learnt, and keeps the
bits of the model that training started from. Interactions, vetoes and thresholds are judgements and stay.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING, Any, Final

from linkage.compare import FIELDS, VOCABULARY, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from linkage.model import Model, Weight
    from linkage.person import Person

UNKNOWN: Final = frozenset({"missing", "withheld"})
"""Levels that say nothing: they weigh nothing and are left out of every estimate."""

_FEWEST_PAIRS: Final = 100
_ROUNDS: Final = 30
_HALF: Final = 0.5
_TRUE_AT_FIRST: Final = 0.95

Vector = tuple[str, ...]
Rates = dict[str, dict[str, float]]
"""Field → level → its share among the pairs in which the field is known."""


class TooFewPairs(ValueError):
    """Fewer pairs than any estimate can rest on."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} pairs are too few to train on; at least {_FEWEST_PAIRS} are needed")


@dataclass(frozen=True, slots=True)
class Estimate:
    """m by field and level, and the share of the number-agreeing pairs that truly are one person."""

    m: Rates
    true_share: float


def train(  # noqa: PLR0913 - all but three are how to draw and what to call the result
    model: Model,
    index: Sequence[Person],
    same_number: Iterable[tuple[Person, Person]],
    *,
    version: str,
    seed: int,
    random_pairs: int = 200_000,
) -> dict[str, Any]:
    """A model's content with weights learnt from an index and from pairs that carry one NHS number.

    ``same_number`` are pairs of different records, never a record with itself. The result goes through
    `orjson.dumps` and `linkage.model.load` like any model file; ``provenance`` says what it rests on.

    Raises:
        TooFewPairs: the index holds fewer than two people, or there are fewer than 100 pairs.
    """
    matched = Counter(compare(one, other) for one, other in same_number)
    if len(index) < 2 or matched.total() < _FEWEST_PAIRS:  # noqa: PLR2004 - a pair has two sides
        raise TooFewPairs(min(len(index), matched.total()))
    draw = random.Random(seed)  # noqa: S311 - a sample that can be drawn again, not a secret
    strangers = Counter(compare(*draw.sample(index, 2)) for _ in range(random_pairs))
    u = rates(strangers)
    estimate = fit(matched, u)
    content = model.model_dump(mode="json")
    for field in FIELDS:
        content["comparisons"][field] = _weights(model, field, estimate.m[field], u[field])
    return {
        **content,
        "version": version,
        "provenance": {
            "trained-from": model.hash,
            "index-people": len(index),
            "random-pairs": random_pairs,
            "same-number-pairs": matched.total(),
            "true-share": round(estimate.true_share, 6),
            "seed": seed,
        },
    }


def rates(vectors: Mapping[Vector, float]) -> Rates:
    """Each level's share among the vectors in which its field is known, half a pair added to each level."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for vector, weight in vectors.items():
        for field, level in zip(FIELDS, vector, strict=True):
            if level not in UNKNOWN:
                counts[field][level] += weight  # type: ignore[assignment]  # typeshed counts in whole numbers only
    found: Rates = {}
    for field, levels in VOCABULARY.items():
        known = [level for level in levels if level not in UNKNOWN]
        total = sum(counts[field].values()) + _HALF * len(known)
        found[field] = {level: (counts[field][level] + _HALF) / total for level in known}
    return found


def fit(matched: Mapping[Vector, int], u: Rates) -> Estimate:
    """m, from vectors of which a share are strangers after all; u is known and held fixed."""
    total = sum(matched.values())
    share, m = _TRUE_AT_FIRST, rates(matched)
    for _ in range(_ROUNDS):
        true = {vector: count * _belief(vector, m, u, share) for vector, count in matched.items()}
        share, m = sum(true.values()) / total, rates(true)
    return Estimate(m, share)


def _belief(vector: Vector, m: Rates, u: Rates, share: float) -> float:
    """How likely a number-agreeing pair is one person; the number itself is what selected it, so not used."""
    same, strange = share, 1 - share
    for field, level in zip(FIELDS[1:], vector[1:], strict=True):
        if level not in UNKNOWN:
            same *= m[field][level]
            strange *= u[field][level]
    return same / (same + strange)


def _weights(model: Model, field: str, m: Mapping[str, float], u: Mapping[str, float]) -> dict[str, Any]:
    """The levels of one field; none may outweigh the best, which is what the best means."""
    old = model.comparisons[field]
    fresh = {level: _bits(model, field, level, weight, m, u) for level, weight in old.items()}
    best = fresh[VOCABULARY[field][0]]
    return {level: {**old[level].model_dump(mode="json"), "bits": min(bits, best)} for level, bits in fresh.items()}


def _bits(  # noqa: PLR0913, PLR0917 - one level of one field, before and after
    model: Model, field: str, level: str, weight: Weight, m: Mapping[str, float], u: Mapping[str, float]
) -> float:
    # the number selected the pairs, so they say nothing about it
    if level in UNKNOWN or weight.per_person or field == "nhs_number":
        return weight.bits
    chance = model.term_frequencies[field].typical if weight.frequency and level == "exact" else u[level]
    return round(log2(m[level] / chance), 3)
