"""A full disk, a ledger that cannot be written, a half-made release: nothing is answered, nothing is left half done."""

from __future__ import annotations

import shutil
from contextlib import closing
from threading import Timer
from typing import TYPE_CHECKING

import pysqlite3
import pytest

from tests.faults.stages import SIGKILL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.stages import Gateway, Stages

    HouseAt = Callable[[str], Gateway]

RELEASE = ("release", "build", "--agreement", "ISA-ANALYTICS", "--period", "2026-09")


def full_beyond(size: int) -> str:
    """Python after which no file can grow beyond ``size`` bytes until the process ends."""
    return f"""
import atexit, resource
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, most))
atexit.register(resource.setrlimit, resource.RLIMIT_FSIZE, (most, most))
"""


def question(stages: Stages) -> tuple[str, ...]:
    """Ask about somebody of the index, with details that would be confirmed."""
    with stages.manifest.index.open(encoding="utf-8") as opened:
        columns, held = (opened.readline().rstrip("\n").split(",") for _ in range(2))
    person = dict(zip(columns, held, strict=True))
    told = ("--family", person["family"], "--given", person["given"], "--birthdate", person["birth_date"])
    return ("verify", person["nhs_number"], *told, "--postcode", person["postcode"])


def no_room(folder: Path) -> None:
    """Put a folder where the ledger's log has to be: the ledger can be neither opened nor written."""
    (folder / "ledger.db-wal").mkdir()


def test_with_a_full_disk_nobody_is_told_anything(house_at: HouseAt, stages: Stages) -> None:
    """The disclosure row has to be durable first: without room for it there is no answer."""
    gateway = house_at("linked")
    asked = question(stages)
    assert gateway(*asked).exit_code == 0
    ran = gateway.after(full_beyond(4096), *asked)
    assert (ran.returncode, ran.stdout) == (4, "")
    assert ran.stderr.startswith("gateway: ")
    assert "Traceback" not in ran.stderr
    assert gateway("audit", "verify").exit_code == 0
    assert gateway(*asked).exit_code == 0


@pytest.mark.parametrize(
    "words",
    [None, ("audit", "search"), ("link",), ("isa", "suspend", "ISA-TRACE", "--reason", "x"), RELEASE],
    ids=["verify", "search", "link", "suspend", "release"],
)
def test_without_a_ledger_nothing_is_answered_and_nothing_done(
    words: tuple[str, ...] | None, house_at: HouseAt, stages: Stages
) -> None:
    gateway = house_at("linked")
    before = gateway.digest()
    no_room(gateway.folder)
    ran = gateway(*(words or question(stages)))
    assert (ran.exit_code, ran.stdout) == (4, "")
    assert "Traceback" not in ran.stderr
    (gateway.folder / "ledger.db-wal").rmdir()
    assert gateway.digest() == before
    assert not list(gateway.folder.glob("releases/*"))


def test_a_ledger_that_somebody_else_is_writing_is_waited_for(house_at: HouseAt, stages: Stages) -> None:
    """Another process's short write delays an answer and does not make it fail."""
    gateway = house_at("linked")
    ledger = str(gateway.folder / "ledger.db")
    with closing(pysqlite3.connect(ledger, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = Timer(0.5, other.execute, ["ROLLBACK"])
        done.start()
        assert gateway(*question(stages)).exit_code == 0
        done.join()


@pytest.mark.parametrize("room", [400_000, 1_000_000])
def test_an_ingest_that_ran_out_of_disk_goes_on_when_there_is_room(
    room: int, house_at: HouseAt, stages: Stages
) -> None:
    gateway = house_at("indexed")
    _, (social_care, gp, acute) = stages.steps("fed")
    gateway.good(*social_care)
    ran = gateway.after(full_beyond(room), *gp)
    assert (ran.returncode, ran.stdout) == (4, ""), ran.stderr
    assert "Traceback" not in ran.stderr
    gateway.good(*gp)
    gateway.good(*acute)
    assert gateway.digest() == stages.digest("fed")


def test_a_trace_that_ran_out_of_disk_leaves_no_answer_file(house_at: HouseAt, stages: Stages, tmp_path: Path) -> None:
    gateway = house_at("linked")
    lines = stages.manifest.index.read_text("utf-8").splitlines()
    numbered = ["row_id,family,given,birth_date,postcode"]
    for number, line in enumerate(lines[1:], 1):
        cells = line.split(",")
        numbered.append(",".join((str(number), cells[1], cells[2], cells[4], cells[6])))
    (tmp_path / "in.csv").write_text("\n".join(numbered), "utf-8")
    ran = gateway.after(full_beyond(8192), "trace", tmp_path / "in.csv", "--out", tmp_path / "out.csv")
    assert (ran.returncode, ran.stdout) == (4, ""), ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "var"]


def test_a_release_killed_between_its_files_and_its_row_is_built_again(house_at: HouseAt) -> None:
    gateway = house_at("linked")
    die = """
import os, signal
from gateway.storage.releases import Releases
Releases.add = lambda *_args: os.kill(os.getpid(), signal.SIGKILL)
"""
    assert gateway.after(die, *RELEASE).returncode == SIGKILL
    assert gateway.good("release", "list") == ""
    built = gateway.good(*RELEASE).splitlines()[0]
    assert gateway.good("release", "verify", built).startswith("every file")
    assert [folder.name for folder in (gateway.folder / "releases").iterdir()] == [built]


def test_a_house_whose_ledger_file_is_gone_says_so(house_at: HouseAt, stages: Stages) -> None:
    gateway = house_at("linked")
    (gateway.folder / "ledger.db").unlink()
    ran = gateway(*question(stages))
    assert (ran.exit_code, ran.stdout) == (4, "")
    assert "the ledger database is not there yet" in ran.stderr


def test_a_backup_without_room_leaves_no_half_copy(house_at: HouseAt, tmp_path: Path) -> None:
    gateway = house_at("linked")
    ran = gateway.after(full_beyond(65_536), "db", "backup", tmp_path / "copy")
    assert (ran.returncode, ran.stdout) == (4, "")
    assert not list((tmp_path / "copy").glob("*.db"))
    shutil.rmtree(tmp_path / "copy", ignore_errors=True)
    gateway.good("db", "backup", tmp_path / "copy")
