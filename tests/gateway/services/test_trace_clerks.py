"""Clerks read and write the rows of a file, here or in processes of their own, with one result."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from typing import TYPE_CHECKING

import pytest

from adapters.spine.tracing import Charset
from gateway.errors import InputError, Unavailable
from gateway.services import processes
from gateway.services.processes import helpers, in_order
from gateway.services.tracing import bulk, clerks
from gateway.services.tracing.batch import HOUSE, trace_csv
from gateway.services.tracing.bulk import BULK
from gateway.services.tracing.clerks import Clerk, of_stream, office
from gateway.services.tracing.csv_file import CsvForm
from gateway.services.tracing.formats import Format, NationalForm
from linkage.keys import KEYS, named_keys
from linkage.normalise import normalise
from tests.gateway.houses import AMINA, BRAM, persona

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.house import House

FORM = CsvForm(("row_id", "outcome", "reason", "checked_against"))
TOLD = {"checked_against": "demo"}
ROWS = [
    {"row_id": "a", "family": AMINA.family, "given": AMINA.given, "birth_date": AMINA.birth_date},
    {"row_id": "b", "family": "", "given": "", "birth_date": ""},
    {"row_id": "c", "family": BRAM.family, "given": BRAM.given, "birth_date": BRAM.birth_date},
]
CELLS = [{"outcome": "matched"}, {"outcome": "none"}]
WRITTEN = b"a,matched,,demo\r\nb,invalid-input,required,demo\r\nc,none,,demo\r\n"


def test_a_clerk_makes_tables_of_whoever_can_be_asked_about_and_writes_everybody() -> None:
    clerk = Clerk(FORM, TOLD)
    reading = clerk.read(7, 100, ROWS)
    assert (reading.rows, reading.refused) == (3, ("required",))
    assert of_stream(reading.people).column("id").to_pylist() == [100, 102]
    keys = of_stream(reading.keys).to_pylist()
    expected = [
        {"hash": key, "person": place, "kind": KEYS.index(name)}
        for place in (100, 102)
        for name, key in named_keys(normalise(FORM.asked(ROWS[place - 100]).said))
    ]
    assert keys == expected
    assert clerk.write(7, CELLS) == WRITTEN


@pytest.mark.parametrize("apart", [False, True])
def test_a_part_is_written_by_the_clerk_that_read_it(apart: bool) -> None:  # noqa: FBT001 - a parameter
    with office(FORM, TOLD, apart=apart) as clerks_there:
        readings = [clerks_there.of(part).read(part, 0, ROWS) for part in range(3)]
        assert {reading.result().refused for reading in readings} == {("required",)}
        assert [clerks_there.of(part).write(part, CELLS).result() for part in range(3)] == [WRITTEN] * 3


def test_a_row_that_cannot_be_written_back_is_named_from_another_process_too() -> None:
    form = NationalForm(Format.MPT, Charset.WINDOWS, workflow="SPINE_MPTPHASE4_TRACE")
    row = (2, ["r0", "", "Patelovǎ", "Amina", "", "2", "19410315", *[""] * 16], b"")
    cells = {"outcome": "none", "code": "98", "matched_nhs_number": "0000000000", "reason": ""}
    with office(form, {}, apart=True) as clerks_there:
        desk = clerks_there.of(0)
        assert desk.read(0, 0, [row]).result().rows == 1
        with pytest.raises(InputError, match="FAMILY_NAME") as refused:
            desk.write(0, [cells]).result()
    assert (refused.value.reason, refused.value.field) == ("not-in-charset", "FAMILY_NAME")


def test_a_large_file_is_answered_alike_with_helpers(
    own_town: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_WORTH_PROCESSES", 0)
    monkeypatch.setattr("gateway.services.tracing.snapshot._WORTH_PROCESSES", 0)
    monkeypatch.setattr(bulk, "PART", 2)
    lines = [",".join((f"r{n}", who.family, who.given, who.birth_date)) for n, who in enumerate([AMINA, BRAM] * 10)]
    source, caller = tmp_path / "in.csv", persona(own_town, "data-team")
    source.write_text("\n".join(("row_id,family,given,birth_date", *lines, "")), encoding="utf-8")
    many = trace_csv(own_town, caller, source, tmp_path / "many.csv", algorithm=BULK)
    one = trace_csv(own_town, caller, source, tmp_path / "one.csv", algorithm=HOUSE)
    assert (many, (tmp_path / "many.csv").read_bytes()) == (one, (tmp_path / "one.csv").read_bytes())


def test_work_is_done_in_order_and_not_far_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processes.many() == 1
    numbers = iter((3, -4, 5, -6))
    with helpers(1) as pool:
        done = in_order(pool, abs, numbers, 2)
        assert next(done) == 3
        assert next(numbers) == 5
        assert list(done) == [4, 6]


def test_a_helper_that_is_killed_is_no_foreign_error() -> None:
    with pytest.raises(Unavailable, match="helped was ended") as lost, helpers(1) as pool:
        pool.submit(os.kill, pool.submit(os.getpid).result(), signal.SIGKILL).result()
    assert lost.value.reason == "process-lost"


def test_a_helper_takes_its_seat_and_leaves_with_whoever_began_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a helper does in its own process, here: interruptions are not its affair, and it outlives nobody."""
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(gc, "disable", lambda: None)
    monkeypatch.setattr(multiprocessing, "parent_process", _Gone)
    processes._begin(clerks._sit_down, (FORM, TOLD))
    processes._begin(None, ())
    assert clerks._read(0, 0, ROWS).rows == 3
    assert clerks._write(0, CELLS) == WRITTEN
    processes._leave_with(_Gone())
    assert left
    clerks._seat.clear()


class _Gone:
    """A process that has ended."""

    def join(self) -> None:
        """Return at once."""
