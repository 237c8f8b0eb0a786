"""The sandbox, its mailboxes, and a house that has one of them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from gateway.services.exchange import mailboxes
from ig.purpose import Purpose
from tests.gateway import houses
from tests.gateway.services.exchange.sandbox import COUNCIL, OURS, SERVER, STRANGER, Box, Sandbox, house_of, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gateway.house import House
    from gateway.settings import Settings
    from gateway.transports.mesh import MeshPost


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[str]:
    """The address of a running mesh-sandbox."""
    if not SERVER.exists():
        pytest.skip("mesh-sandbox is not installed (make install)")
    with serving() as address:
        yield address


@pytest.fixture
def sandbox(sandbox_process: str) -> Sandbox:
    """The sandbox, with nothing in its mailboxes."""
    found = Sandbox(sandbox_process)
    found.reset()
    return found


@pytest.fixture
def ours(sandbox: Sandbox) -> Iterator[MeshPost]:
    """The gateway's mailbox."""
    with sandbox.post(OURS) as post:
        yield post


@pytest.fixture
def council(sandbox: Sandbox) -> Iterator[Box]:
    """A mailbox that may send."""
    with sandbox.post(COUNCIL) as post:
        yield Box(post)


@pytest.fixture
def stranger(sandbox: Sandbox) -> Iterator[Box]:
    """A mailbox that nobody has said anything of."""
    with sandbox.post(STRANGER) as post:
        yield Box(post)


@pytest.fixture(scope="session")
def mesh_town(town_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The town, where the council's mailbox may send in the name of its data team."""
    folder = tmp_path_factory.mktemp("mesh") / "var"
    with houses.copied(town_settings, folder) as house:
        officer = houses.persona(house, "ig-officer", Purpose.IG_AUDIT)
        mailboxes.allow(house, officer, COUNCIL, "data-team")
    return town_settings.model_copy(update={"data_dir": folder})


@pytest.fixture
def house_with(mesh_town: Settings, sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Return what opens a copy of that town, for one test, with further settings."""
    with ExitStack() as stack:

        def make(**settings: object) -> House:
            return stack.enter_context(house_of(mesh_town, sandbox, tmp_path / "var", **settings))

        yield make


@pytest.fixture
def house(house_with: Callable[..., House]) -> House:
    """A copy of that town, for one test."""
    return house_with()
