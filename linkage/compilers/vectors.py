"""Level vectors as numbers, and what the matcher says of each: few occur, so each is judged once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from linkage.compare import FIELDS, VOCABULARY
from linkage.steps import agrees_exactly, cross_checked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from linkage.compilers.meeting import Pairs
    from linkage.decide import Matcher, Pattern

NIBBLE: Final = 4
"""A level's place in its field's vocabulary takes so many bits of a level vector written as one number."""

LEVEL: Final = (1 << NIBBLE) - 1
_TABLES: Final = tuple((NIBBLE * place, VOCABULARY[field]) for place, field in enumerate(FIELDS))


class Judged(NamedTuple):
    """What is said of a level vector by itself. ``cross_check`` is the rule of that step it meets, if any."""

    levels: tuple[str, ...]
    pattern: Pattern
    cross_check: str


class Vectors:
    """What a matcher says of level vectors, remembered from stretch to stretch."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._weighed: dict[int, tuple[float, bool]] = {}
        self._judged: dict[int, Judged] = {}

    def weigh(self, pairs: Pairs) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Each pair's bits, and whether it agrees exactly."""
        codes, places = np.unique(pairs.code, return_inverse=True)
        weighed = [self._weigh(code) for code in codes.tolist()]
        fixed = np.array([bits for bits, _ in weighed], np.float64)
        exact = np.array([same for _, same in weighed], np.bool_)
        return fixed[places] + pairs.adjustment, exact[places]

    def judge(self, code: int) -> Judged:
        """What is said of one vector; asked of the best candidates only, which are fewer still."""
        known = self._judged.get(code)
        if known is None:
            levels = levels_of(code)
            known = self._judged[code] = Judged(levels, self._matcher.pattern(levels), cross_checked(levels))
        return known

    def _weigh(self, code: int) -> tuple[float, bool]:
        known = self._weighed.get(code)
        if known is None:
            levels = levels_of(code)
            known = self._weighed[code] = (self._matcher.scorer.fixed(levels), agrees_exactly(levels))
        return known


def levels_of(code: int) -> tuple[str, ...]:
    """The level vector behind its number."""
    return tuple(levels[code >> shift & LEVEL] for shift, levels in _TABLES)
