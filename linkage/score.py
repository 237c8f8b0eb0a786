"""The Python evaluator of a model: a pair of people in, bits and evidence out.

Everything that does not depend on the pair is worked out once, when the scorer is made. A scorer is never
changed afterwards and may be shared between threads.
"""

from __future__ import annotations

from functools import lru_cache
from math import log2
from typing import TYPE_CHECKING, Final

from linkage.compare import FIELDS, compare
from linkage.explain import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from linkage.model import Conditions, Frequencies, Model, Weight
    from linkage.person import Person

FAMILY: Final = FIELDS.index("family")
GIVEN: Final = FIELDS.index("given")
APPLIES: Final = "applies"
"""The level of an interaction's evidence: it is named after the pattern it corrects."""

_LEAST_BITS_OF_A_SHARED_VALUE: Final = 1.0
_REMEMBERED: Final = 65_536

Alternatives = tuple[tuple[tuple[int, frozenset[str]], ...], ...]


class Scorer:
    """A model with the name frequencies and the size of one index.

    ``prior_bits`` is the weight at which a candidate is as likely as the person's absence.
    """

    def __init__(self, model: Model, frequencies: Frequencies, index_size: int) -> None:
        self.model = model
        self.frequencies = frequencies
        self.people = max(index_size, model.prior.least_people)
        coverage = model.prior.coverage
        self.prior_bits = log2(self.people) - log2(coverage / (1 - coverage))
        self._growth = log2(self.people / model.prior.reference_people)
        self._fixed = tuple(
            {level: Evidence(field, level, self._bits(weight)) for level, weight in model.comparisons[field].items()}
            for field in FIELDS
        )
        self._by_name = tuple(
            frozenset(level for level, weight in model.comparisons[field].items() if weight.frequency)
            for field in ("family", "given")
        )
        self._interactions = tuple(
            (compiled(rule.when), Evidence(rule.name, APPLIES, rule.bits)) for rule in model.interactions
        )
        self._name_bits = lru_cache(maxsize=_REMEMBERED)(self._of_name)
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._of_levels)

    def score(
        self, asked: Person, held: Person, *, hide_location: bool = False
    ) -> tuple[float, tuple[str, ...], tuple[Evidence, ...]]:
        """The pair's match weight in bits, its level vector and the evidence that adds up to the weight."""
        levels = compare(asked, held, hide_location=hide_location)
        bits, evidence = self._remembered(levels)
        family = self.name_bits("family", compact(asked.family)) if levels[FAMILY] in self._by_name[0] else 0.0
        given = self.name_bits("given", asked.given) if levels[GIVEN] in self._by_name[1] else 0.0
        if family or given:
            named = list(evidence)
            named[FAMILY] = _moved(evidence[FAMILY], family)
            named[GIVEN] = _moved(evidence[GIVEN], given)
            evidence = tuple(named)
        return bits + (family + given), levels, evidence

    def fixed(self, levels: tuple[str, ...]) -> float:
        """What a level vector weighs before names are looked at: its levels' bits and the interactions that apply."""
        return self._remembered(levels)[0]

    def name_bits(self, field: str, name: str) -> float:
        """What the frequency of a name (a surname without its spaces) adds to the bits of a typical one."""
        return self._name_bits(field, name)

    def by_name(self, field: str) -> frozenset[str]:
        """The levels of a field whose bits move with the name's frequency; on them both sides carry one name."""
        return self._by_name[("family", "given").index(field)]

    def fixed_bits(self, field: str) -> dict[str, float]:
        """Level → bits of one field in an index of this size, before name frequencies."""
        return {level: piece.bits for level, piece in self._fixed[FIELDS.index(field)].items()}

    def _of_levels(self, levels: tuple[str, ...]) -> tuple[float, tuple[Evidence, ...]]:
        """What a level vector weighs before names are looked at; few vectors occur, so it is remembered."""
        evidence = [table[level] for table, level in zip(self._fixed, levels, strict=True)]
        evidence.extend(term for alternatives, term in self._interactions if holds(alternatives, levels))
        return sum(piece.bits for piece in evidence), tuple(evidence)

    def _bits(self, weight: Weight) -> float:
        """A level's bits in an index of this size."""
        if not weight.per_person:
            return weight.bits
        return max(weight.bits + self._growth, _LEAST_BITS_OF_A_SHARED_VALUE)

    def _of_name(self, field: str, name: str) -> float:
        """Agreement on a name is worth less the more people carry it."""
        rule = self.model.term_frequencies[field]
        carriers = self.frequencies.count(field, name) + rule.typical * rule.pull
        share = max(carriers / (self.frequencies.total + rule.pull), rule.floor)
        return rule.strength * log2(rule.typical / share)


def compiled(conditions: Conditions) -> Alternatives:
    """Conditions by place in the level vector instead of by field name."""
    return tuple(
        tuple((FIELDS.index(field), frozenset(levels)) for field, levels in condition.items())
        for condition in conditions
    )


def holds(alternatives: Alternatives, levels: tuple[str, ...]) -> bool:
    """Whether one of the alternatives is true of a level vector."""
    for condition in alternatives:
        for place, wanted in condition:
            if levels[place] not in wanted:
                break
        else:
            return True
    return False


def agreeing(groups: Iterable[Alternatives], levels: tuple[str, ...]) -> int:
    """How many independent groups of fields agree."""
    return sum(holds(group, levels) for group in groups)


def compact(family: str) -> str:
    """A surname without its spaces: under which it is counted."""
    return family.replace(" ", "")


def _moved(piece: Evidence, bits: float) -> Evidence:
    return Evidence(piece.field, piece.level, piece.bits + bits) if bits else piece
