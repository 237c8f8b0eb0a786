"""Level vectors as numbers, and what the matcher says of each: few occur, so each is judged once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from linkage.compare import FIELDS, VOCABULARY
from linkage.steps import agrees_exactly

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from linkage.compilers.meeting import Pairs
    from linkage.decide import Matcher

NIBBLE: Final = 4
"""A level's place in its field's vocabulary takes so many bits of a level vector written as one number."""

LEVEL: Final = (1 << NIBBLE) - 1
_TABLES: Final = tuple((NIBBLE * place, VOCABULARY[field]) for place, field in enumerate(FIELDS))


def levels_of(code: int) -> tuple[str, ...]:
    """The level vector behind its number."""
    return tuple(levels[code >> shift & LEVEL] for shift, levels in _TABLES)


class Vectors:
    """What a matcher says of level vectors, remembered from stretch to stretch."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._seen: dict[int, tuple[float, bool]] = {}

    def weigh(self, pairs: Pairs) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Each pair's bits, and whether it agrees exactly."""
        codes, places = np.unique(pairs.code, return_inverse=True)
        judged = [self._judge(code) for code in codes.tolist()]
        fixed = np.array([bits for bits, _ in judged], np.float64)
        exact = np.array([same for _, same in judged], np.bool_)
        return fixed[places] + pairs.adjustment, exact[places]

    def _judge(self, code: int) -> tuple[float, bool]:
        known = self._seen.get(code)
        if known is None:
            levels = levels_of(code)
            known = self._seen[code] = (self._matcher.scorer.fixed(levels), agrees_exactly(levels))
        return known
