"""200 files through two mailboxes, pollers killed at random: 200 responses, none twice, none lost (issue 4)."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from gateway.services.exchange import mailboxes
from gateway.services.exchange.place import root
from gateway.storage.mailbox import AT_WORK
from ig.purpose import Purpose
from tests.gateway.houses import PEOPLE, opened, persona
from tests.gateway.services.exchange.sandbox import OURS, STRANGER, Box, asks, mesh_file, mpt_file
from tests.journeys.real import PATIENCE, Real, environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.house import House
    from gateway.transports.mesh import MeshPost
    from tests.gateway.services.exchange.sandbox import Sandbox

FILES, POLLERS, SEED = 200, 2, 4
LIMIT: Final = 4 * PATIENCE


def request(place: int) -> tuple[bytes, str, str]:
    """The ``place``-th file, its workflow and its name: MPT and PDS MESH in turn, nobody's twice the same."""
    who, reference = PEOPLE[place % len(PEOPLE)], f"file-{place}"
    if place % 2:
        return mesh_file([asks(who, reference)]), "SPINE_PDS_MESH_V1", ""
    stamp = f"2026031209{place // 60:02d}{place % 60:02d}"
    return mpt_file([asks(who, reference)], stamp), "SPINE_MPTPHASE4_TRACE", f"MPTREQ_{stamp}.csv"


def started(real: Real, told: dict[str, str]) -> subprocess.Popen[bytes]:
    """A poller that goes on until it is killed."""
    words = real.words("mesh", "poll", "--forever", "--interval", "1")
    quiet = subprocess.DEVNULL
    return subprocess.Popen(words, env=environment(told), stdout=quiet, stderr=quiet)


def unfinished(house: House) -> int:
    states = house.stores.mailbox.standing(OURS).states
    return FILES - sum(states.values()) + sum(states[state] for state in AT_WORK)


@pytest.mark.peers
def test_two_hundred_files_and_pollers_killed_at_random(
    house_with: Callable[..., House], ours: MeshPost, council: Box, stranger: Box, sandbox: Sandbox
) -> None:
    house = house_with(mesh_settle_seconds=2)
    mailboxes.allow(house, persona(house, "ig-officer", Purpose.IG_AUDIT), STRANGER, "data-team")
    told = {f"GATEWAY_{name.upper()}": str(value) for name, value in sandbox.settings().items()}
    told |= {"GATEWAY_MESH_SETTLE_SECONDS": "2", "GATEWAY_MESH_CHUNK_BYTES": "1024"}
    for place in range(FILES):
        content, workflow, name = request(place)
        (council, stranger)[place // 2 % 2].send(content, workflow, name)

    dice, struck, until = random.Random(SEED), Counter[str](), time.monotonic() + LIMIT
    real, kills, running = Real(house.settings.data_dir), 0, list[subprocess.Popen[bytes]]()
    try:
        while unfinished(house) and time.monotonic() < until:
            running += [started(real, told) for _ in range(POLLERS - len(running))]
            killed = running.pop(dice.randrange(len(running)))
            wait_until_at_work(house, killed)
            time.sleep(dice.uniform(0.0, 1.5))
            killed.send_signal(signal.SIGKILL)
            killed.wait(PATIENCE)
            kills += 1
            struck.update(held_by(house, killed.pid))
    finally:
        for one in running:
            one.kill()
            one.wait(PATIENCE)

    print(f"{kills} kills, of them at a message: {dict(struck)}")  # noqa: T201 - the figure of the report
    assert unfinished(house) == 0
    assert list(ours.waiting()) == []
    responses = [*council.responses(), *stranger.responses()]
    assert len(responses) == FILES, "none twice, none lost"
    found = Counter(content.splitlines()[1].split(b",")[0] for _envelope, content in responses)
    assert found == Counter(f"file-{place}".encode() for place in range(FILES))
    assert len({envelope.local_id for envelope, _content in responses}) == FILES
    assert list(root(house.settings).iterdir()) == []
    with opened(house.settings) as again:
        assert again.stores.mailbox.standing(OURS).stuck == []
    assert real("audit", "verify").returncode == 0


def wait_until_at_work(house: House, poller: subprocess.Popen[bytes]) -> None:
    """Wait until a poller has begun with a message, or nothing is left to begin with."""
    until = time.monotonic() + PATIENCE
    while unfinished(house) and not held_by(house, poller.pid) and time.monotonic() < until:
        time.sleep(0.02)


def held_by(house: House, pid: int) -> list[str]:
    """The states of the messages that a process had leased."""
    with house.stores.transaction() as tx:
        rows = tx.raw("SELECT state, lease_owner FROM mesh_message WHERE lease_owner <> ''")
    return [state for state, owner in rows if owner.split(":")[1] == str(pid)]
