"""A file answered over a snapshot in DuckDB is the file that answering one by one writes, byte for byte."""

from __future__ import annotations

import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.errors import InputError
from gateway.house import House
from gateway.services.governance.facts import load_facts
from gateway.services.tracing import bulk
from gateway.services.tracing.batch import HOUSE, trace_csv
from gateway.services.tracing.bulk import BULK, fitting
from gateway.services.tracing.engines import Engine, rows_of
from gateway.services.tracing.national import NATIONAL
from gateway.services.tracing.outcomes import capped_sentence
from gateway.services.tracing.snapshot import KEYS, PEOPLE, kept
from linkage.keys import KEYS as KINDS
from tests.gateway.houses import (
    AMINA,
    BRAM,
    DIED,
    FORMER,
    HIDDEN,
    MOVED,
    NAMESAKE,
    STRANGER,
    TODAY,
    TWIN,
    facts_csv,
    persona,
)

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "row_id,nhs_number,family,given,birth_date,gender,postcode"


def request(folder: Path) -> Path:
    """Everybody of the small town, with and without their numbers, and rows that cannot be asked."""
    rows: list[str] = []
    for who in (AMINA, BRAM, STRANGER, HIDDEN, DIED, TODAY, NAMESAKE, MOVED):
        told = ",".join(getattr(who, name) for name in ("family", "given", "birth_date", "gender", "postcode"))
        rows += [f"{len(rows)},,{told}", f"{len(rows)}n,{who.number},{told}", f"{len(rows)}x,{MOVED.number},{told}"]
    rows += ["none,,,Amina,1941-03-15,,", "odd,,Patelova,Amina,1941-13-15,,"]
    path = folder / "request.csv"
    path.write_text("\n".join((HEADER, *rows, "")), encoding="utf-8")
    return path


def test_both_engines_write_the_same_file_and_disclose_the_same_people(
    own_town: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "PART", 4)
    source, caller = request(tmp_path), persona(own_town, "data-team")
    one = trace_csv(own_town, caller, source, tmp_path / "one.csv", algorithm=HOUSE)
    many = trace_csv(own_town, caller, source, tmp_path / "many.csv", algorithm=BULK)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "many.csv").read_bytes()
    assert one == many


@pytest.fixture
def short_sighted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that looks at one candidate of a question, so that twins and namesakes are too many."""
    whole = House.engine
    monkeypatch.setattr(House, "engine", lambda house: replace(whole(house), most=1))


@pytest.mark.usefixtures("short_sighted")
def test_questions_with_more_candidates_than_are_looked_at_are_counted_by_kind_of_key_in_either_engine(
    own_town: House, tmp_path: Path
) -> None:
    told = ",".join(getattr(TWIN, name) for name in ("family", "given", "birth_date", "gender", "postcode"))
    source, caller = tmp_path / "request.csv", persona(own_town, "data-team")
    source.write_text("\n".join((HEADER, f"1,,{told}", f"2,,{told}", f"3,{TWIN.number},{told}", "")), encoding="utf-8")
    one = trace_csv(own_town, caller, source, tmp_path / "one.csv", algorithm=HOUSE)
    many = trace_csv(own_town, caller, source, tmp_path / "many.csv", algorithm=BULK)
    national = trace_csv(own_town, caller, source, tmp_path / "national.csv", algorithm=NATIONAL)
    # a number that settles it looks at nobody else, but for the national algorithm
    assert (one.capped.total(), national.capped.total()) == (2, 3)
    assert set(one.capped) <= set(KINDS)
    assert one == many
    assert capped_sentence(one.capped).startswith("2 questions met more candidates than are looked at: ")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "many.csv").read_bytes()


def test_a_former_number_leads_to_nobody_of_today_in_either_engine(own_town: House, tmp_path: Path) -> None:
    """The details are today's, the number that of a sealed former identity: the seal outranks the details."""
    seal = facts_csv(tmp_path / "sealed.csv", f"never-link,{TODAY.number},{FORMER.number},x,2026-01-01,")
    load_facts(own_town, "never-link", seal)
    told = ",".join(getattr(TODAY, name) for name in ("family", "given", "birth_date", "gender", "postcode"))
    source = tmp_path / "request.csv"
    rows = (f"former,{FORMER.number},{told}", f"plain,,{told}", f"bram,{BRAM.number},{told}")
    source.write_text("\n".join((HEADER, *rows, "")), encoding="utf-8")
    caller = persona(own_town, "data-team")
    trace_csv(own_town, caller, source, tmp_path / "one.csv", algorithm=HOUSE)
    trace_csv(own_town, caller, source, tmp_path / "many.csv", algorithm=BULK)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "many.csv").read_bytes()
    former, plain, _ = (tmp_path / "many.csv").read_text("utf-8").splitlines()[1:]
    assert TODAY.number not in former
    assert TODAY.number in plain


def test_a_snapshot_is_kept_while_the_index_stays_and_is_nobody_elses_to_read(own_town: House, tmp_path: Path) -> None:
    assert kept(own_town) is None
    source, caller = request(tmp_path), persona(own_town, "data-team")
    trace_csv(own_town, caller, source, tmp_path / "out.csv", algorithm=BULK)
    folder = kept(own_town)
    assert folder is not None
    assert {file.name for file in folder.iterdir()} == {PEOPLE, KEYS}
    made = (folder / PEOPLE).stat().st_mtime_ns
    for path, mode in ((folder.parent, 0o700), (folder, 0o700), (folder / PEOPLE, 0o600), (folder / KEYS, 0o600)):
        assert stat.S_IMODE(path.stat().st_mode) == mode
    trace_csv(own_town, caller, source, tmp_path / "again.csv", algorithm=BULK)
    assert (folder / PEOPLE).stat().st_mtime_ns == made


def test_another_index_has_another_snapshot_and_the_old_one_goes(
    own_town: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, caller = request(tmp_path), persona(own_town, "data-team")
    trace_csv(own_town, caller, source, tmp_path / "out.csv", algorithm=BULK)
    before = kept(own_town)
    assert before is not None
    monkeypatch.setattr(type(own_town.stores.whole_index), "stamp", lambda _: "another load")
    assert kept(own_town) is None
    trace_csv(own_town, caller, source, tmp_path / "out.csv", algorithm=BULK)
    assert not before.exists()
    assert kept(own_town) is not None


def test_the_engine_is_the_one_that_answers_sooner(own_town: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fitting(own_town, 10) is Engine.PYTHON
    assert fitting(own_town, bulk.FEW) is Engine.DUCKDB
    monkeypatch.setattr(bulk, "_ROWS_PER_PERSON", 1e6)
    assert fitting(own_town, bulk.FEW) is Engine.PYTHON


def test_rows_are_counted_without_reading_them_twice(tmp_path: Path) -> None:
    assert rows_of(request(tmp_path)) == 27
    with pytest.raises(InputError):
        rows_of(tmp_path / "absent.csv")
