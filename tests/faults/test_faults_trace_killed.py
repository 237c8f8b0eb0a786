"""SIGKILL while a national file is traced: no response, nothing left of anybody, and the same bytes next time."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

import pytest

from adapters.spine import dbs, mpt, pds_mesh
from adapters.spine.tracing import Request
from tests.faults.stages import SIGKILL
from tests.journeys.real import PATIENCE, environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fixtures.write import Manifest
    from tests.faults.stages import Gateway

    HouseAt = Callable[[str], Gateway]

STAMP: Final = "20260312093000"
_GENDERS: Final = {"male": "1", "female": "2"}
PLACES: Final = {
    "first-row": ("gateway.services.tracing.batch", "HouseTracer.found", 1),
    "midway": ("gateway.services.tracing.batch", "HouseTracer.found", 40),
    "all-at-once": ("gateway.services.tracing.bulk", "BulkTracer.found", 40),
    "before-the-row-is-durable": ("os", "fsync", 1),
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
    if module != "pathlib" or str(args[0]).endswith(".part"):
        calls += 1
        if calls == {nth}:
            os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **kwargs)
setattr(owner, name, fatal)
"""


@pytest.mark.parametrize(
    ("layout", "place"), [*(("mpt", place) for place in PLACES), ("pds-mesh", "midway"), ("dbs", "midway")]
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
    gateway.good(*words)
    assert target.read_bytes() == once
    assert gateway("audit", "verify").exit_code == 0


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
