"""A response in the making: what a killed run wrote is gone on with, and by nobody who has no right to it."""

from __future__ import annotations

import json
import os
import stat
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.errors import InputError, Unavailable
from gateway.services.tracing import batch, bulk, work
from gateway.services.tracing.batch import HOUSE, trace_csv
from gateway.services.tracing.bulk import BULK
from gateway.services.tracing.work import BatchReport, Piece, begun, clear_abandoned
from tests.gateway.houses import AMINA, BRAM, DIED, HIDDEN, STRANGER, TODAY, Watch, persona

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.house import House
    from gateway.services.tracing.batch import Algorithm

NUMBER = "9990000018"
HEADER = "row_id,nhs_number,family,given,birth_date,gender,postcode"


def piece(lines: bytes = b"line\n", *named: str) -> Piece:
    return Piece(1, lines, named, Counter(matched=1), Counter(required=2), Counter(birth=3))


def killed(data_dir: Path, *pieces: Piece, name: str = "run") -> None:
    """Write some pieces and go away as a killed run does: nothing is tidied."""
    ended(KeyboardInterrupt(), data_dir, name, *pieces)


def ended(fault: BaseException, data_dir: Path, name: str, *pieces: Piece) -> None:
    """Write some pieces and fail."""

    def run() -> None:
        with begun(data_dir, name) as one:
            for each in pieces:
                one.add(each)
            assert list(one.people()) == ([] if not name else [number for each in pieces for number in each.named])
            raise fault

    with pytest.raises(type(fault)):
        run()


def left(data_dir: Path) -> list[str]:
    return sorted(path.name for path in (data_dir / "traces").iterdir())


def test_a_run_goes_on_behind_the_last_mark(tmp_path: Path) -> None:
    killed(tmp_path, piece(b"one\n", NUMBER), piece(b"two\n"))
    with (tmp_path / "traces" / "run" / "lines").open("ab") as lines:
        lines.write(b"half a li")
    with begun(tmp_path, "run") as again:
        assert again.done == BatchReport(2, Counter(matched=2), Counter(required=4), Counter(birth=6))
        assert list(again.people()) == [NUMBER]
        again.add(piece(b"three\n"))
        again.write(b"end")
        again.deliver(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"one\ntwo\nthree\nend"
    assert left(tmp_path) == []


def test_what_a_run_leaves_is_nobody_elses_to_read(tmp_path: Path) -> None:
    killed(tmp_path, piece())
    root = tmp_path / "traces"
    assert {stat.S_IMODE(path.stat().st_mode) for path in (root, root / "run")} == {0o700}
    for file in ("lines", "named", "lock"):
        assert stat.S_IMODE((root / "run" / file).stat().st_mode) == 0o600


@pytest.mark.parametrize("spoilt", ["lines", "named", "mark.json", "nothing", "no JSON"])
def test_a_run_whose_remains_are_not_whole_begins_anew(spoilt: str, tmp_path: Path) -> None:
    killed(tmp_path, piece(b"one\n", NUMBER))
    folder = tmp_path / "traces" / "run"
    if spoilt == "nothing":
        (folder / "mark.json").write_bytes(json.dumps({"lines": 4}).encode())
    elif spoilt == "no JSON":
        (folder / "mark.json").write_bytes(b"{")
    else:
        (folder / spoilt).unlink()
    with begun(tmp_path, "run") as again:
        assert (again.done, list(again.people())) == (BatchReport(), [])
        again.add(piece(b"first\n"))
        again.deliver(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"first\n"


def test_a_run_without_a_name_leaves_nothing(tmp_path: Path) -> None:
    ended(Unavailable(), tmp_path, "", piece(b"one\n", NUMBER))
    assert left(tmp_path) == []


def test_only_one_process_goes_on_with_a_run(tmp_path: Path) -> None:
    killed(tmp_path, piece(b"one\n"))
    with begun(tmp_path, "run") as first:
        with begun(tmp_path, "run") as second:
            assert second.done == BatchReport()
        assert first.done.rows == 1


@pytest.mark.parametrize(("fault", "kept"), [(InputError(), []), (Unavailable(), ["run"])])
def test_a_run_that_the_house_could_not_end_is_gone_on_with_and_a_refused_one_is_not(
    fault: Exception, kept: list[str], tmp_path: Path
) -> None:
    ended(fault, tmp_path, "run", piece())
    assert left(tmp_path) == kept


def test_what_nobody_went_on_with_for_a_day_is_removed(tmp_path: Path) -> None:
    clear_abandoned(tmp_path)
    killed(tmp_path, piece(), name="old")
    killed(tmp_path, piece(), name="new")
    killed(tmp_path, name="unmarked")
    for path in (tmp_path / "traces" / "old" / "mark.json", tmp_path / "traces" / "unmarked"):
        os.utime(path, (0, 0))
    with begun(tmp_path, "busy"):
        os.utime(tmp_path / "traces" / "busy", (0, 0))
        clear_abandoned(tmp_path)
        assert left(tmp_path) == ["busy", "new"]


def request(folder: Path, rows: int = 12) -> Path:
    people = [AMINA, BRAM, STRANGER, HIDDEN, DIED, TODAY]
    lines = []
    for place in range(rows):
        who = people[place % len(people)]
        told = ",".join(getattr(who, name) for name in ("family", "given", "birth_date", "gender", "postcode"))
        lines.append(f"r{place},,{told}")
    path = folder / "request.csv"
    path.write_text("\n".join((HEADER, *lines, "r,,,,,,", "")), encoding="utf-8")
    return path


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is worth going on with, and is answered a few rows at a time."""
    monkeypatch.setattr(batch, "_WORTH_KEEPING", 0)
    monkeypatch.setattr(batch, "_PIECE", 4)
    monkeypatch.setattr(bulk, "PART", 2)
    monkeypatch.setattr(bulk, "PARTS", 2)


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A run that is interrupted after so many marks as the list says; what it answers goes into the list."""
    lives: list[int] = []
    real = work.Work.add

    def add(one: work.Work, some: Piece) -> None:
        real(one, some)
        if lives:
            lives[0] -= 1
            if not lives[0]:
                lives.clear()
                raise KeyboardInterrupt

    monkeypatch.setattr(work.Work, "add", add)
    return lives


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("algorithm", [HOUSE, BULK], ids=["one-by-one", "at-once"])
@pytest.mark.parametrize("marks", [1, 2])
def test_a_run_begun_again_gives_the_same_bytes_counts_and_disclosures(
    algorithm: Algorithm, marks: int, own_town: House, tmp_path: Path, mortal: list[int]
) -> None:
    source, caller, target = request(tmp_path), persona(own_town, "data-team"), tmp_path / "out.csv"
    whole = trace_csv(own_town, caller, source, tmp_path / "whole.csv", algorithm=algorithm)
    mortal[:] = [marks]
    with pytest.raises(KeyboardInterrupt):
        trace_csv(own_town, caller, source, target, algorithm=algorithm)
    assert not target.exists()
    watch, told = Watch(own_town), list[int]()
    done = trace_csv(own_town, caller, source, target, lambda rows, _: told.append(rows), algorithm=algorithm)
    assert (target.read_bytes(), done) == ((tmp_path / "whole.csv").read_bytes(), whole)
    assert min(told) > marks * 3
    (row,) = watch.rows("batch")
    assert (row.body["subjects"]["count"], row.body["rows"]) == (5, 12)
    assert left(own_town.settings.data_dir) == []


@pytest.mark.usefixtures("small_pieces")
def test_neither_another_caller_nor_another_file_goes_on_with_a_run(
    own_town: House, tmp_path: Path, mortal: list[int]
) -> None:
    source, caller, target = request(tmp_path), persona(own_town, "data-team"), tmp_path / "out.csv"
    mortal[:] = [2]
    with pytest.raises(KeyboardInterrupt):
        trace_csv(own_town, caller, source, target)
    told: list[int] = []
    trace_csv(own_town, persona(own_town, "social-worker"), source, target, lambda rows, _: told.append(rows))
    assert min(told) == 1
    other = request(tmp_path, 11)
    told.clear()
    trace_csv(own_town, replace(caller), other, target, lambda rows, _: told.append(rows))
    assert (min(told), max(told)) == (1, 12)
