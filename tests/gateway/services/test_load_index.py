"""The index: loaded in batches, stamped when whole, and never a real person in a demonstration."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from fixtures.agreements import demo_agreements
from gateway.errors import InputError, NotPermitted
from gateway.services.governance.agreements import activate
from gateway.services.records import index as loading
from gateway.services.records.index import IndexReport, IndexSource, load_index
from gateway.services.records.ingest import ingest_files
from gateway.services.records.quarantine import replay
from gateway.services.records.ranges import refuse_real_numbers
from gateway.settings import Mode, load_settings
from gateway.storage.factkinds import REGISTRATION
from linkage.nhs_number import NhsNumber
from linkage.person import Security
from tests.gateway.houses import (
    AMINA,
    BRAM,
    FORMER,
    HIDDEN,
    MOVED,
    OUTSIDER,
    PEOPLE,
    Townsperson,
    Watch,
    empty,
    event,
    extract_csv,
    index_csv,
    nth,
    opened,
    persona,
    register_callers,
    settings_in,
    system,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gateway.house import House
    from gateway.settings import Settings
    from gateway.storage import Permit

DAY = date(2026, 10, 31)


def load(house: House, folder: Path, people: Iterable[Townsperson] = PEOPLE, day: date = DAY) -> IndexReport:
    path = index_csv(folder / "load.csv", people)
    return load_index(house, system(house, "system-index"), IndexSource(path, "demo", day))


def test_an_index_describes_itself_once_it_is_whole(own_town: House, tmp_path: Path) -> None:
    done = load(own_town, tmp_path)
    info = own_town.stores.index.describe()
    assert info
    assert (done.people, info.people, info.source, info.as_of) == (13, 13, "demo", DAY)
    assert own_town.stores.index.terms()["family"]["PATELOVA"] == 1


def test_a_load_that_broke_off_leaves_the_description_as_it_was_and_can_be_repeated(
    own_town: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = own_town.stores.index.describe()
    monkeypatch.setattr(loading, "BATCH", 3)

    def fail(done: int, _total: int | None) -> None:
        if done > 3:
            raise KeyboardInterrupt

    path = IndexSource(index_csv(tmp_path / "load.csv"), "demo", DAY)
    with pytest.raises(KeyboardInterrupt):
        load_index(own_town, system(own_town, "system-index"), path, fail)
    assert own_town.stores.index.describe() == before
    load_index(own_town, system(own_town, "system-index"), path)
    info = own_town.stores.index.describe()
    assert info
    assert info.as_of == DAY


def test_the_engine_is_made_again_for_a_new_index_and_only_then(own_town: House, tmp_path: Path) -> None:
    first = own_town.engine()
    assert own_town.engine() is first
    load(own_town, tmp_path)
    assert own_town.engine() is not first


def test_bad_rows_are_quarantined_and_the_rest_go_in(own_town: House, tmp_path: Path) -> None:
    people = [AMINA, replace(BRAM, birth_date="1962-13-40"), replace(HIDDEN, number="9990000019")]
    done = load(own_town, tmp_path, people)
    assert done.people == 1
    assert sum(done.quarantined.values()) == 2
    held = own_town.stores.quarantine.list(source="index")
    assert {row.rule for row in held} == set(done.quarantined)


@pytest.mark.parametrize("text", ["", "nhs_number,shoe_size\n1,2\n"])
def test_a_file_that_is_no_index_is_refused_by_name(own_town: House, tmp_path: Path, text: str) -> None:
    path = tmp_path / "load.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"load\.csv"):
        load_index(own_town, system(own_town, "system-index"), IndexSource(path, "demo", DAY))


def test_a_file_that_is_not_there_is_refused_by_name(own_town: House, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.csv"):
        load_index(own_town, system(own_town, "system-index"), IndexSource(tmp_path / "absent.csv", "demo", DAY))


def test_a_demonstration_takes_no_number_that_could_be_somebodys(own_town: House, tmp_path: Path) -> None:
    issued = "4" + "01023213" + "7"  # well-formed, and of a range that is in use
    with pytest.raises(InputError) as refused:
        load(own_town, tmp_path, [AMINA, replace(BRAM, number=issued)])
    assert refused.value.reason == "real-number"
    assert issued not in str(refused.value)


def test_ranges_that_were_never_issued_are_the_demonstrations() -> None:
    refuse_real_numbers(settings_in_mode(Mode.DEMO), [nth(0), "5" + "0" * 9])
    refuse_real_numbers(settings_in_mode(Mode.PRODUCTION), ["4" + "0" * 9])


def settings_in_mode(mode: Mode) -> Settings:
    return load_settings({}, mode=mode)


def test_superseded_and_withdrawn_rows_are_kept_as_what_they_are(town: House, permit: Permit) -> None:
    moved = town.stores.index.by_number(permit, NhsNumber(MOVED.number))
    assert moved
    assert moved.superseded_by == NhsNumber(AMINA.number)
    former = town.stores.index.by_number(permit, NhsNumber(FORMER.number))
    assert former
    assert former.security is Security.INVALIDATED


def test_a_restricted_persons_practice_is_not_written_where_filters_join(town: House) -> None:
    def registered(who: Townsperson) -> list[str]:
        return [one.value for one in town.stores.governance.facts.of([who.id], {REGISTRATION})]

    assert registered(AMINA) == ["Z99001"]
    assert not registered(HIDDEN)
    assert not registered(MOVED)


def test_a_load_is_recorded_and_only_its_own_caller_may(own_town: House, tmp_path: Path) -> None:
    seen = Watch(own_town)
    load(own_town, tmp_path)
    did, row = seen.rows()
    assert (did.body["action"], did.body["target"]) == ("index:load", "load.csv")
    assert (row.kind, row.body["rows"]) == ("batch", 13)
    with pytest.raises(NotPermitted):
        load_index(own_town, OUTSIDER, IndexSource(tmp_path / "load.csv", "demo", DAY))
    assert seen.rows()[-1].kind == "refusal"


def test_without_agreements_nobody_loads_anything(tmp_path: Path) -> None:
    with opened(empty(settings_in(tmp_path / "var"))) as house:
        register_callers(house)
        with pytest.raises(NotPermitted):
            load(house, tmp_path)


def sign_up(house: House) -> None:
    """Callers and agreements, and nobody in the index."""
    register_callers(house)
    for text in demo_agreements():
        activate(house, persona(house, "ig-officer"), text)


def test_production_sets_test_numbers_aside(tmp_path: Path) -> None:
    """A test patient in a live index is a wrong answer waiting for somebody."""
    settings = empty(settings_in(tmp_path / "live", mode=Mode.PRODUCTION))
    with opened(settings) as house:
        sign_up(house)
        done = load(house, tmp_path)
        held = house.stores.quarantine.list(source="index")
    assert done.people == 0
    assert done.quarantined == {"test-number": 13}
    assert {(row.feed, row.field, row.rule) for row in held} == {("load.csv", "nhs_number", "test-number")}
    assert sorted(row.row for row in held) == list(range(2, 15))
    assert not any(person.number in row.message for row in held for person in PEOPLE)


def test_production_sets_source_rows_with_test_numbers_aside(tmp_path: Path) -> None:
    settings = empty(settings_in(tmp_path / "live", mode=Mode.PRODUCTION))
    path = extract_csv(tmp_path / "cld.csv", [event("c-1", AMINA, number=AMINA.number), event("c-2", BRAM)])
    with opened(settings) as house:
        sign_up(house)
        done = ingest_files(house, system(house, "system-ingest"), "social-care", [path])
        again = replay(house, system(house, "system-ingest"))
        held = house.stores.quarantine.list(source="social-care")
    assert (again.read, again.mended) == (1, 0), "reading it again does not let it in"
    assert [row.rule for row in held] == ["test-number"]
    assert (done.read, done.new, dict(done.quarantined)) == (2, 1, {("nhs_number", "test-number"): 1})
