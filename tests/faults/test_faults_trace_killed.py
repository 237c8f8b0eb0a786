"""SIGKILL while a national file is traced: no response, nothing left of anybody, and the same bytes next time."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from adapters.spine import dbs, mpt, pds_mesh
from adapters.spine.tracing import Request
from gateway.services.tracing import batch, bulk, work
from tests.faults.stages import SIGKILL
from tests.journeys.real import PATIENCE, environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.write import Manifest
    from tests.faults.stages import Gateway

    HouseAt = Callable[[str], Gateway]

STAMP: Final = "20260312093000"
_GENDERS: Final = {"male": "1", "female": "2"}
PLACES: Final = {
    "first-row": ("gateway.services.tracing.batch", "HouseTracer.found", 1),
    "midway": ("gateway.services.tracing.batch", "HouseTracer.found", 40),
    "all-at-once": ("gateway.services.tracing.bulk", "house_cells", 40),
    "before-it-is-whole": ("os", "fsync", 1),
    "before-it-is-moved": ("pathlib", "Path.replace", 1),
}


def asked(manifest: Manifest) -> list[Request]:
    with manifest.index.open(encoding="utf-8", newline="") as opened:
        people = list(csv.DictReader(opened))
    return [
        Request(
            reference=f"r{place}",
            family=who["family"],
            given=who["given"],
            birth_date=who["birth_date"].replace("-", ""),
            gender=_GENDERS.get(who["gender"], "0"),
            postcode=who["postcode"],
        )
        for place, who in enumerate(people)
    ]


def write(folder: Path, layout: str, requests: list[Request]) -> Path:
    source = folder / f"MPTREQ_{STAMP}.csv"
    if layout == "mpt":
        lines = mpt.write_requests(mpt.Header(mpt.reference(STAMP), STAMP, len(requests)), requests)
    elif layout == "pds-mesh":
        lines = pds_mesh.write_requests(requests)
    else:
        header = dbs.Header(dbs.FileType.REQUEST, "001", dbs.Body.FIXED, "X09", "T1", STAMP, 1, len(requests))
        lines = dbs.write_requests(header, requests)
    source.write_bytes(b"".join(lines))
    return source


def dying(module: str, path: str, nth: int) -> str:
    """Python that lets the process die before the ``nth`` call of something, once the command has begun."""
    return f"""
import importlib, os, signal
import gateway.cli.tracing
module, path = {module!r}, {path!r}
owner = importlib.import_module(module)
*outer, name = path.split(".")
for part in outer:
    owner = getattr(owner, part)
real, calls = getattr(owner, name), 0
def fatal(*args, **kwargs):
    global calls
    if module != "pathlib" or str(args[0]).endswith((".part", ".aside")):
        calls += 1
        if calls == {nth}:
            os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **kwargs)
setattr(owner, name, fatal)
"""


@pytest.mark.parametrize(
    ("layout", "place"),
    [
        ("mpt", "before-it-is-moved"),
        ("pds-mesh", "midway"),
        ("dbs", "midway"),
        *(pytest.param("mpt", place, marks=pytest.mark.peers) for place in PLACES if place != "before-it-is-moved"),
    ],
)
def test_a_trace_that_was_killed_leaves_no_response_and_gives_the_same_bytes_again(
    layout: str, place: str, house_at: HouseAt, manifest: Manifest, tmp_path: Path
) -> None:
    gateway, target = house_at("indexed"), tmp_path / "answers.out"
    source = write(tmp_path, layout, asked(manifest))
    engine = "duckdb" if place == "all-at-once" else "python"
    words = ("trace", source, "--format", layout, "--engine", engine, "--out", target)
    killed = gateway.after(dying(*PLACES[place]), *words)
    assert killed.returncode == SIGKILL, killed.stderr
    assert not target.exists()
    gateway.good(*words)
    once = target.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["var", source.name, target.name])
    assert list((gateway.folder / "traces").iterdir()) == []
    gateway.good(*words)
    assert target.read_bytes() == once
    assert gateway("audit", "verify").exit_code == 0


KEPT: Final = """
import multiprocessing, os, signal
from pathlib import Path
from gateway.services.tracing import batch, bulk
batch._WORTH_KEEPING, batch._PIECE, bulk.PART, bulk.PARTS, bulk._WORTH_PROCESSES = 0, 100, 50, 2, 0
really = os.kill
def kill(process, how):
    if how == signal.SIGKILL:
        Path("{folder}/helpers").write_text(" ".join(str(one.pid) for one in multiprocessing.active_children()))
    really(process, how)
os.kill = kill
"""
"""A run that is gone on with after every hundred rows, its clerks in processes of their own, and who they were."""
STRUCK: Final = {
    "before-the-first-mark": ("gateway.services.tracing.work", "Work.add", 1),
    "between-lines-and-names": ("os", "fsync", 5),
    "before-a-mark-is-moved": ("pathlib", "Path.replace", 3),
    "after-three-marks": ("gateway.services.tracing.work", "Work.add", 4),
    "before-the-response-is-moved": ("gateway.services.tracing.work", "Work.deliver", 1),
}


@pytest.mark.parametrize(
    ("engine", "place"),
    [
        ("python", "before-the-response-is-moved"),
        *(pytest.param("python", place, marks=pytest.mark.peers) for place in list(STRUCK)[:-1]),
        ("duckdb", "after-three-marks"),
        *(pytest.param("duckdb", place, marks=pytest.mark.peers) for place in STRUCK if place != "after-three-marks"),
    ],
)
def test_a_long_trace_that_was_killed_goes_on_from_its_last_mark(  # noqa: PLR0913, PLR0917 - fixtures
    engine: str,
    place: str,
    house_at: HouseAt,
    manifest: Manifest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gateway, target = house_at("indexed"), tmp_path / "answers.out"
    source = write(tmp_path, "mpt", asked(manifest))
    words = ("trace", source, "--format", "mpt", "--engine", engine, "--out", target)
    gateway.good(*words)
    undisturbed = target.read_bytes()
    target.unlink()
    struck = gateway.after(KEPT.format(folder=tmp_path) + dying(*STRUCK[place]), *words)
    assert struck.returncode == SIGKILL, struck.stderr
    assert not target.exists()
    marks = list((gateway.folder / "traces").glob("*/mark.json"))
    assert len(marks) == (place != "before-the-first-mark")
    _are_gone((tmp_path / "helpers").read_text().split())
    for name, value in (("_WORTH_KEEPING", 0), ("_PIECE", 100)):
        monkeypatch.setattr(batch, name, value)
    monkeypatch.setattr(bulk, "PART", 50)
    monkeypatch.setattr(bulk, "PARTS", 2)
    answered = Tally(monkeypatch)
    gateway.good(*words)
    assert target.read_bytes() == undisturbed
    assert (answered.rows < len(asked(manifest))) == bool(marks)
    assert list((gateway.folder / "traces").iterdir()) == []
    assert gateway("audit", "verify").exit_code == 0


class Tally:
    """How many rows a run answers itself."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows = 0
        real = work.Work.add

        def add(one: work.Work, piece: work.Piece) -> None:
            self.rows += piece.rows
            real(one, piece)

        monkeypatch.setattr(work.Work, "add", add)


def _are_gone(processes: list[str]) -> None:
    """Wait until the helpers of a killed run have noticed; a process that is only not yet buried is gone."""
    patience = time.monotonic() + PATIENCE
    while living := [one for one in processes if _runs(one)]:
        assert time.monotonic() < patience, living
        time.sleep(0.05)


def _runs(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("wait", [0.9, 1.6])
def test_a_blow_at_a_time_nobody_chose_leaves_a_whole_response_or_none(
    wait: float, house_at: HouseAt, manifest: Manifest, tmp_path: Path
) -> None:
    gateway, target = house_at("indexed"), tmp_path / "answers.out"
    source = write(tmp_path, "mpt", asked(manifest))
    words = ["trace", str(source), "--format", "mpt", "--out", str(target)]
    program = "import sys\nfrom gateway.cli import main\nmain(sys.argv[1:], prog_name='gateway')"
    command = [sys.executable, "-c", program, "--data-dir", str(gateway.folder), *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()) as running:
        time.sleep(wait)
        os.kill(running.pid, signal.SIGKILL)
        running.wait(PATIENCE)
    struck = target.read_bytes() if target.exists() else None
    gateway.good(*words)
    assert struck in {None, target.read_bytes()}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["var", source.name, target.name])
