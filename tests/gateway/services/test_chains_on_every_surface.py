"""A number replaced twice leads every surface to the one in force; a ring, and a successor nobody holds, to nobody."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fixtures.rates import AS_OF
from gateway.errors import NotFound
from gateway.services.records.index import IndexSource, load_index
from gateway.services.tracing.batch import HOUSE, trace_csv
from gateway.services.tracing.bulk import BULK
from gateway.services.tracing.explain import explain_source_person
from gateway.services.tracing.national import NATIONAL
from gateway.services.tracing.patients import read_patient
from gateway.services.tracing.verify import verify_number
from gateway.storage.records import source_person_id
from linkage.decide import Verdict
from tests.gateway.houses import AMINA, BRAM, PEOPLE, Watch, event, index_csv, nth, persona, system, take_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateway.house import House
    from gateway.services.tracing.batch import Algorithm
    from tests.gateway.houses import Townsperson

FIRST = replace(AMINA, number=nth(20), superseded_by=nth(21), phone="", email="")
SECOND = replace(FIRST, number=nth(21), superseded_by=AMINA.number)
RING = replace(SECOND, superseded_by=FIRST.number)
LOST = replace(SECOND, superseded_by=nth(22))


def hold(house: House, folder: Path, *more: Townsperson) -> None:
    """Load the town's people and some more."""
    source = IndexSource(index_csv(folder / "index.csv", [*PEOPLE, *more]), "demo", AS_OF)
    assert not load_index(house, system(house, "system-index"), source).quarantined


@pytest.fixture
def chained(own_town: House, tmp_path: Path) -> House:
    """Amina's number took the place of one that had taken the place of another."""
    hold(own_town, tmp_path, FIRST, SECOND)
    return own_town


def traced(house: House, folder: Path, algorithm: Algorithm, who: Townsperson) -> str:
    """The number that a file finds for somebody under a number."""
    names: Sequence[str] = ("family", "given", "birth_date", "gender", "postcode")
    source, target = folder / "request.csv", folder / "out.csv"
    row = ",".join((who.number, *(getattr(who, name) for name in names)))
    source.write_text(f"row_id,nhs_number,{','.join(names)}\nr,{row}\n", encoding="utf-8")
    trace_csv(house, persona(house, "data-team"), source, target, algorithm=algorithm)
    with target.open(encoding="utf-8", newline="") as opened:
        return next(csv.DictReader(opened))["matched_nhs_number"]


def test_the_number_in_force_is_confirmed_and_whoever_fails_is_a_look_at_its_holder(chained: House) -> None:
    caller = persona(chained, "social-worker")
    found = verify_number(chained, caller, FIRST.number, AMINA.asked())
    assert found.verdict is Verdict.CONFIRMED
    assert found.current is not None
    assert found.current.digits == AMINA.number
    seen = Watch(chained)
    verify_number(chained, caller, FIRST.number, BRAM.asked())
    (row,) = seen.rows("disclosure")
    assert row.body["subjects"]["tokens"] == [chained.stores.keys.subject_token(AMINA.id)]


def test_the_patient_in_force_is_read(chained: House) -> None:
    assert read_patient(chained, persona(chained, "social-worker"), FIRST.number).body["id"] == AMINA.number


@pytest.mark.parametrize("algorithm", [HOUSE, BULK, NATIONAL])
def test_a_file_finds_the_number_in_force(chained: House, tmp_path: Path, algorithm: Algorithm) -> None:
    assert traced(chained, tmp_path, algorithm, FIRST) == AMINA.number


def test_an_explanation_weighs_the_person_in_force(chained: House, tmp_path: Path) -> None:
    take_in(chained, tmp_path / "clients.csv", [event("c1", AMINA)])
    told = explain_source_person(
        chained, persona(chained, "reviewer"), source_person_id("social-care", "999", "c1"), FIRST.number
    )
    assert [pair.person_id for pair in told.pairs] == [AMINA.id]


@pytest.mark.parametrize("last", [RING, LOST], ids=["ring", "lost"])
def test_a_ring_and_a_successor_nobody_holds_lead_to_nobody(own_town: House, tmp_path: Path, last: Townsperson) -> None:
    hold(own_town, tmp_path, FIRST, last)
    caller = persona(own_town, "social-worker")
    assert verify_number(own_town, caller, FIRST.number, AMINA.asked()).current is None
    with pytest.raises(NotFound):
        read_patient(own_town, caller, FIRST.number)
    # by their details the person is found all the same, under the number that is in force
    assert traced(own_town, tmp_path, NATIONAL, FIRST) in {AMINA.number, "0000000000"}
    assert traced(own_town, tmp_path, HOUSE, FIRST) == traced(own_town, tmp_path, BULK, FIRST)
