"""A house for the benches: the demonstration's agreements and callers, and a larger population on top."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Console

from fixtures.county import stream_people
from fixtures.index_csv import write_index
from fixtures.rates import AS_OF
from gateway import demo
from gateway.house import open_house
from gateway.services.governance.callers import named_caller
from gateway.services.governance.personas import COUNCIL
from gateway.services.records.index import IndexSource, load_index
from gateway.settings import Mode, load_settings
from ig.purpose import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.house import House

FEW: Final = 500
SEED: Final = 11


@contextmanager
def demo_house(folder: Path, database_url: str | None = None) -> Iterator[House]:
    """Open a demonstration of a few people; what a bench measures is put on top of it."""
    settings = load_settings(
        {}, mode=Mode.DEMO, data_dir=folder / "var", index_max_age_days=36_500, database_url=database_url
    )
    demo.run(settings, people=FEW, seed=SEED, out=Console(quiet=True))
    house = open_house(settings.model_copy(update={"organisation": COUNCIL}))
    try:
        yield house
    finally:
        house.close()


def system(house: House, name: str) -> Caller:
    """The named system caller, processing."""
    return named_caller(house, name, Purpose.PROCESSING)


def load_people(house: House, folder: Path, people: int) -> Path:
    """Load an index of ``people`` and return the CSV it came from."""
    path = folder / "index.csv"
    write_index(path, stream_people(people, SEED + 1))
    load_index(house, system(house, "system-index"), IndexSource(path, "demo", AS_OF))
    return path
