"""Weights from data: how often levels occur between strangers (u), and between records of one person (m).

m comes from pairs that agree on something: on an NHS number where enough records carry one, otherwise on other fields
in several blocks. Some of those pairs are strangers or relatives; an EM with u held fixed gives every block its own
share of true pairs, lets a block say nothing of the fields it was made by, and believes the model's own corrections
for relatives. u comes from random pairs. What is too rare in them is counted instead: the chance that two different
people share a value is the number of ordered pairs who do, the sum of c (c - 1) over the values' carriers c, over that
of all who have one; an NHS number's is one in the size of the index, and nothing that few people share is rarer.
Weights that grow with the index are written for the reference index. A name weighs by its own frequency, so its u is
the model's typical share, divided among the field's levels that names' frequencies move as random pairs divide. A
level that neither can tell of keeps its bits, and so do interactions, vetoes and thresholds, which are judgements.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from math import log2
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from linkage.compare import FIELDS, VOCABULARY
from linkage.score import compiled, holds
from linkage.train_samples import BLOCKS, NUMBER

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from linkage.model import Model, Weight
    from linkage.train_samples import Samples, Vector

UNKNOWN: Final = frozenset({"missing", "withheld"})
"""Levels that say nothing: they weigh nothing and are left out of every estimate."""

FEWEST_PAIRS: Final = 100
ENOUGH_NUMBERS: Final = 1_000
"""From so many number-agreeing pairs on, m comes from them alone (but for the number's own levels)."""

_FEWEST_STRANGERS: Final = 10
_FEWEST_OF_A_LEVEL: Final = 5.0
_ROUNDS: Final = 100
_HALF: Final = 0.5
_HARDLY_ANY: Final = 1e-6
_TRUE_AT_FIRST: Final = {NUMBER: 0.95}
_ANY_BLOCK_AT_FIRST: Final = 0.2

Rates = dict[str, dict[str, float]]
"""Field → level → its share among the pairs in which the field is known."""


class TooFewPairs(ValueError):
    """Fewer pairs than any estimate can rest on."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} pairs are too few to train on; at least {FEWEST_PAIRS} are needed")


class How(StrEnum):
    """Where a level's bits come from: m and u from pairs, u from counting, or the model before."""

    LEARNT = "learnt"
    COUNTED = "counted"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Estimate:
    """m by field and level, the true pairs it rests on, and each block's share of true pairs."""

    m: Rates
    pairs: Mapping[str, Mapping[str, float]]
    shares: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Level:
    """One level before and after: ``m`` and ``u`` as estimated, ``before`` and ``after`` in bits as written."""

    field: str
    level: str
    m: float
    u: float
    before: float
    after: float
    how: How


@dataclass(frozen=True, slots=True)
class Trained:
    """A model's content, for `orjson.dumps` and `linkage.model.load`, and every level's way there.

    ``shares`` is each block's share of true pairs, among the blocks that were used.
    """

    content: dict[str, Any]
    levels: tuple[Level, ...]
    shares: Mapping[str, float]


def train(model: Model, samples: Samples, *, version: str, seed: int) -> Trained:
    """A model with the weights that the samples tell; ``seed`` is the one they were drawn by.

    Raises:
        TooFewPairs: fewer than 100 random pairs, or 100 pairs in all the blocks.
    """
    strangers = sum(samples.strangers.values())
    if strangers < FEWEST_PAIRS or sum(sum(pairs.values()) for pairs in samples.blocks.values()) < FEWEST_PAIRS:
        raise TooFewPairs(min(strangers, sum(sum(pairs.values()) for pairs in samples.blocks.values())))
    u = rates(samples.strangers)
    for (field, level), chance in samples.chances.items():
        # what few people share is not rarer than a number: a mistake would be likelier than sharing it
        rarest = 1 / samples.people if model.comparisons[field][level].per_person else 0.0
        u[field][level] = max(chance, rarest)
    estimate = _estimate(model, samples, u)
    levels = tuple(row for field in FIELDS for row in _Field(model, samples, estimate, u, field).levels())
    content = model.model_dump(mode="json")
    for row in levels:
        content["comparisons"][row.field][row.level]["bits"] = row.after
    content["version"] = version
    # what corrected other weights corrects nothing here
    content["calibration"] = []
    content["provenance"] = {
        "trained-from": model.hash,
        "normalisation": model.normalisation,
        "index-people": samples.people,
        "asked-people": samples.asked,
        "random-pairs": strangers,
        **{f"{block}-pairs": sum(pairs.values()) for block, pairs in samples.blocks.items()},
        **{f"{block}-true-share": round(share, 6) for block, share in estimate.shares.items()},
        "seed": seed,
    }
    return Trained(content, levels, estimate.shares)


def rates(vectors: Mapping[Vector, float]) -> Rates:
    """Each level's share among the vectors in which its field is known, half a pair added to each level."""
    return _smoothed(_counted(vectors))


def fit(
    blocks: Mapping[str, Mapping[Vector, int]], u: Rates, *, start: Rates | None = None, model: Model | None = None
) -> Estimate:
    """m, from pairs of blocks of which a share are not one person; u is known and held fixed.

    ``start`` is the m to begin with, else that of all pairs; ``model`` lends its corrections for relatives.
    """
    known = [_Block(block, vectors, model) for block, vectors in blocks.items() if vectors]
    shares = {block.name: _TRUE_AT_FIRST.get(block.name, _ANY_BLOCK_AT_FIRST) for block in known}
    m = start or _pooled(known, {block.name: np.ones(len(block.count)) for block in known})[0]
    pairs: Mapping[str, Mapping[str, float]] = {}
    for _ in range(_ROUNDS):
        belief = {block.name: block.belief(m, u, shares[block.name]) for block in known}
        shares = {block.name: block.share(belief[block.name]) for block in known}
        m, pairs = _pooled(known, belief)
    return Estimate(m, pairs, shares)


def _estimate(model: Model, samples: Samples, u: Rates) -> Estimate:
    """Find m in number-agreeing pairs where they are enough, in all blocks where not; the number's in the others."""
    blocks = samples.blocks
    numbers = sum(blocks.get(NUMBER, {}).values())
    together = fit(blocks, u, start=_implied(model, u), model=model)
    if numbers < ENOUGH_NUMBERS:
        return together
    alone = fit({NUMBER: blocks[NUMBER]}, u, model=model)
    own = BLOCKS[NUMBER]
    return Estimate(
        {field: (together if field in own else alone).m[field] for field in FIELDS},
        {field: (together if field in own else alone).pairs[field] for field in FIELDS},
        {**together.shares, **alone.shares},
    )


def _implied(model: Model, u: Rates) -> Rates:
    """The m that a model's weights and u amount to."""
    found: Rates = {}
    for field, chances in u.items():
        raw = {level: chance * 2.0 ** model.comparisons[field][level].bits for level, chance in chances.items()}
        found[field] = {level: share / sum(raw.values()) for level, share in raw.items()}
    return found


class _Block:
    """The pairs of one block: each distinct level vector as places [vectors, fields], how often, and its correction."""

    def __init__(self, name: str, vectors: Mapping[Vector, int], model: Model | None) -> None:
        self.name = name
        self.made_by = frozenset(BLOCKS[name])
        self.count = np.array(list(vectors.values()), np.float64)
        self.places = np.array(
            [[VOCABULARY[f].index(level) for f, level in zip(FIELDS, vector, strict=True)] for vector in vectors]
        )
        rules = [(compiled(rule.when), rule.bits) for rule in model.interactions] if model else []
        self._correction = np.array([sum(bits for when, bits in rules if holds(when, one)) for one in vectors])

    def share(self, belief: NDArray[np.float64]) -> float:
        """The share of true pairs, never quite none or all."""
        return float(np.clip(belief @ self.count / self.count.sum(), _HARDLY_ANY, 1 - _HARDLY_ANY))

    def belief(self, m: Rates, u: Rates, share: float) -> NDArray[np.float64]:
        """How likely each vector's pair is one person; the fields that the block was made by selected it."""
        odds = self._correction + log2(share / (1 - share))
        for place, field in enumerate(FIELDS):
            if field not in self.made_by:
                known = [level not in UNKNOWN for level in VOCABULARY[field]]
                bits = [log2(m[field][level] / u[field][level]) for level in VOCABULARY[field] if level not in UNKNOWN]
                table = np.zeros(len(known))
                table[known] = bits
                odds = odds + table[self.places[:, place]]
        return np.asarray(1 / (1 + np.exp2(-odds)), np.float64)


def _pooled(blocks: Collection[_Block], belief: Mapping[str, NDArray[np.float64]]) -> tuple[Rates, Rates]:
    """Find m and the true pairs behind it: each field's in the blocks that were not made by it."""
    counts: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for place, field in enumerate(FIELDS):
        total = np.zeros(len(VOCABULARY[field]))
        for block in blocks:
            if field not in block.made_by:
                total += np.bincount(block.places[:, place], belief[block.name] * block.count, len(total))
        counts[field] = dict(zip(VOCABULARY[field], total.tolist(), strict=True))
    return _smoothed(counts), counts


def _counted(vectors: Mapping[Vector, float]) -> Rates:
    counts: Rates = {field: dict.fromkeys(levels, 0.0) for field, levels in VOCABULARY.items()}
    for vector, weight in vectors.items():
        for field, level in zip(FIELDS, vector, strict=True):
            counts[field][level] += weight
    return counts


def _smoothed(counts: Mapping[str, Mapping[str, float]]) -> Rates:
    found: Rates = {}
    for field, levels in VOCABULARY.items():
        known = [level for level in levels if level not in UNKNOWN]
        total = sum(counts[field][level] for level in known) + _HALF * len(known)
        found[field] = {level: (counts[field][level] + _HALF) / total for level in known}
    return found


class _Field:
    """One field's levels on their way from the model before to the model after."""

    def __init__(self, model: Model, samples: Samples, estimate: Estimate, u: Rates, field: str) -> None:
        self._model, self._field = model, field
        self._m, self._pairs, self._u = estimate.m[field], estimate.pairs[field], u[field]
        self._strangers = _counted(samples.strangers)[field]
        self._countable = {level for of, level in samples.chances if of == field}
        self._true = sum(count for level, count in self._pairs.items() if level not in UNKNOWN)
        implied = _implied(model, u)[field]
        self._expected = {level: share * self._true for level, share in implied.items()}
        prior = model.prior
        self._growth = log2(max(samples.people, prior.least_people) / prior.reference_people)

    def levels(self) -> list[Level]:
        """Every level that can be known; none outweighs the best, nor does what is not known."""
        weights = self._model.comparisons[self._field]
        rows = {level: self._level(level, weights[level]) for level in self._m}
        first = VOCABULARY[self._field][0]
        silent = max(weight.bits for level, weight in weights.items() if level in UNKNOWN)
        best = max(rows[first].after, silent)
        return [_with_bits(row, best if level == first else min(row.after, best)) for level, row in rows.items()]

    def _level(self, level: str, weight: Weight) -> Level:
        chance, how = self._u[level], How.COUNTED if level in self._countable else How.LEARNT
        if weight.frequency:
            chance, how = self._of_a_typical_name(level), How.LEARNT
        bits = log2(self._m[level] / chance) - (self._growth if weight.per_person else 0.0)
        if not self._is_told(level, weight):
            bits, how = weight.bits, How.KEPT
        return Level(self._field, level, self._m[level], chance, weight.bits, round(bits, 3), how)

    def _is_told(self, level: str, weight: Weight) -> bool:
        """Whether both sides of the ratio rest on anything."""
        if self._true < FEWEST_PAIRS:
            return False
        rare = self._strangers[level] < _FEWEST_STRANGERS
        if rare and level not in self._countable and not (weight.frequency and self._named() >= _FEWEST_STRANGERS):
            return False
        return max(self._pairs[level], self._expected[level]) >= _FEWEST_OF_A_LEVEL

    def _named(self) -> float:
        """How many random pairs stand on the levels that names' frequencies move."""
        weights = self._model.comparisons[self._field]
        return sum(count for level, count in self._strangers.items() if weights[level].frequency)

    def _of_a_typical_name(self, level: str) -> float:
        weights = self._model.comparisons[self._field]
        among = sum(self._u[one] for one in self._u if weights[one].frequency)
        return self._model.term_frequencies[self._field].typical * self._u[level] / among


def _with_bits(row: Level, bits: float) -> Level:
    return Level(row.field, row.level, row.m, row.u, row.before, bits, row.how)
