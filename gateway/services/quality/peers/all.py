"""Every peer that an evaluation runs beside the house, in the order of the table.

Each is given the population and the model that is evaluated; whoever shares nothing of ours has no use for the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.services.quality.peers.ecm import recordlinkage_ecm
from gateway.services.quality.peers.handbook import national_mps
from gateway.services.quality.peers.house import splink_house_gap, splink_house_levels
from gateway.services.quality.peers.recipe import splink_recipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.services.quality.peers.ranked import Ranked, Tables
    from linkage.model import Model


class Run(NamedTuple):
    """One peer: the words a reader is told while it runs, and how it answers."""

    name: str
    answer: Callable[[Tables, Model], Ranked]


RUNS: Final = (
    Run("splink recipe", lambda tables, _: splink_recipe(tables)),
    Run("splink house levels", splink_house_levels),
    Run("splink house gap", splink_house_gap),
    Run("recordlinkage ecm", lambda tables, _: recordlinkage_ecm(tables)),
    Run("national mps", lambda tables, _: national_mps(tables)),
)
