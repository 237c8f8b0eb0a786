"""Every peer that an evaluation runs beside the house, in the order of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.services.quality.peers.ecm import recordlinkage_ecm
from gateway.services.quality.peers.handbook import national_mps
from gateway.services.quality.peers.house import splink_house_gap, splink_house_levels
from gateway.services.quality.peers.recipe import splink_recipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.services.quality.peers.ranked import Ranked, Tables

RUNS: Final[tuple[Callable[[Tables], Ranked], ...]] = (
    splink_recipe,
    splink_house_levels,
    splink_house_gap,
    recordlinkage_ecm,
    national_mps,
)
