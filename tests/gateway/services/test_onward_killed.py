"""Export and import killed at any moment, again and again: the same bytes and the same house as undisturbed ones."""

from __future__ import annotations

import csv
import os
import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from adapters.spine.tracing import Code, Indicator
from gateway.services.tracing import onward_import
from linkage.nhs_number import check_digit
from tests.gateway.houses import Townsperson, copied, event, opened, take_in
from tests.gateway.services.onward_houses import bring_home, export, permitted, response_file, said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.house import House
    from gateway.settings import Settings

pytestmark = pytest.mark.peers

PEOPLE, KILLS = 800, 12


def strangers() -> list[Townsperson]:
    """People whom no index knows, the same ones every time."""
    chance = random.Random(7)

    def name() -> str:
        return "".join(chance.choice("bdfgklmnprstvz") + chance.choice("aeiou") for _ in range(4)).title()

    return [
        Townsperson("", name(), name(), f"{chance.randrange(1925, 2009)}-05-{chance.randrange(1, 29):02}", "LE2 1AA")
        for _ in range(PEOPLE)
    ]


def numbers() -> list[str]:
    nines = range(999_500_000, 999_500_000 + 2 * PEOPLE)
    return [f"{nine}{digit}" for nine in nines if (digit := check_digit(str(nine))) is not None][:PEOPLE]


def killed(settings: Settings, work: Callable[[House], object]) -> None:
    """Do ``work`` in a process of its own that is killed at a random moment, until it is whole."""
    kills = 0
    while True:
        child = os.fork()
        if not child:
            code = 1
            try:
                with opened(settings) as house:
                    work(house)
                code = 0
            finally:
                # the child is a copy of the test run: nothing of that is its to finish
                os._exit(code)
        time.sleep(random.uniform(0.02, 0.4))
        done, status = os.waitpid(child, os.WNOHANG)
        if not done and kills < KILLS:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            kills += 1
            continue
        if not done:
            _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        return


def test_killed_at_any_moment_the_end_is_the_same(
    town_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onward_import, "_BATCH", 40)
    with copied(town_settings, tmp_path / "made") as house:
        take_in(house, tmp_path / "in.csv", [event(f"c{n}", one) for n, one in enumerate(strangers())])
        made = house.settings
    whole, parted = (tmp_path / name for name in ("whole.csv", "parted.csv"))
    with copied(made, tmp_path / "undisturbed") as house:
        undisturbed = house.settings
        assert export(house, whole).rows == PEOPLE
        digest = house.stores.digest()
    with copied(made, tmp_path / "killed") as house:
        disturbed = house.settings
    killed(disturbed, lambda house: export(house, parted))
    assert parted.read_bytes() == whole.read_bytes()
    assert list(tmp_path.glob(".*.part")) == []
    with whole.open(encoding="utf-8", newline="") as file:
        references = [row["UNIQUE REFERENCE"] for row in csv.DictReader(file)]
    with opened(undisturbed) as house, permitted(house) as permit:
        asked = house.stores.onward.questions(permit, references)
    answers = zip(references, numbers(), strict=True)
    rows = [said(asked[one], Code.SUCCESS, number, Indicator.ALPHANUMERIC) for one, number in answers]
    response = response_file(tmp_path / "response.csv", rows)
    with opened(disturbed) as house:
        assert house.stores.digest() == digest
    killed(disturbed, lambda house: bring_home(house, response))
    with opened(undisturbed) as house:
        bring_home(house, response)
        digest = house.stores.digest()
    with opened(disturbed) as house:
        assert house.stores.digest() == digest
        assert house.stores.onward.waiting() == {}
