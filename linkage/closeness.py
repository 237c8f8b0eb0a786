"""How many candidates of a question are too close to call, as a national file counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from linkage.ranking import odds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linkage.model import Threshold
    from linkage.score import Scorer

COUNTED: Final = 10
"""So many are counted, the likeliest first: ten means ten or more."""


def too_close(scorer: Scorer, bits: Sequence[float], threshold: Threshold) -> int:
    """How many cannot be told from the best, itself among them; ``bits`` are those of every candidate, best first."""
    return sum(bits[0] - one < threshold.gap and odds(scorer, one) >= threshold.review for one in bits[:COUNTED])
