"""The model file: what is compared, what each level weighs, and when the sum is enough."""

from __future__ import annotations

from enum import StrEnum

from linkage.frequencies import Frequencies

__all__ = ["Frequencies", "Use"]


class Use(StrEnum):
    """What a match is for; each use has its own thresholds."""

    DIRECT_CARE = "direct-care"
    PROPOSE = "propose"
    ANALYTICS = "analytics"
