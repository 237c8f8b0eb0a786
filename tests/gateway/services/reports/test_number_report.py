"""How NHS numbers are held: missing, shared, not valid, not verified, and open adult clients by status (ISB 0149)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from gateway.services.reports import numbers as room
from gateway.services.reports.indicators import INDICATORS
from gateway.services.reports.numbers import Fault, LeftOut, is_adult, numbers
from gateway.storage.onward import Check, NewQuestion
from gateway.storage.permit import mint
from gateway.storage.records import source_person_id
from gateway.web.words import STATUSES
from linkage.person import PartialDate
from tests.gateway.houses import (
    AMINA,
    BRAM,
    DIED,
    STRANGER,
    TWIN,
    Watch,
    copied,
    event,
    persona,
    system,
    take_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.house import House
    from gateway.services.reports.numbers import Holding, Numbers
    from gateway.settings import Settings
    from gateway.storage import Permit

OPEN = {"Event Type": "Service", "Service Type": "Long Term Support: Community", "Service Component": "Home Support"}
CHILD = replace(STRANGER, birth_date="2020-02-02", given="Kim")


@pytest.fixture(scope="module")
def clients(town_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Clients with and without numbers, open and closed."""
    rows = [
        event("right", AMINA, OPEN, number=AMINA.number),
        event("again", AMINA, OPEN, number=AMINA.number),
        event("found", BRAM, OPEN),
        event("nobody", STRANGER, OPEN),
        event("closed", TWIN, {**OPEN, "Event End Date": "18/11/2025"}, number=TWIN.number),
        event("died", DIED, OPEN, number=DIED.number),
        event("child", CHILD, OPEN),
        event("mistyped", BRAM, OPEN, number="9990000019"),
    ]
    folder = tmp_path_factory.mktemp("numbers")
    with copied(town_settings, folder / "var") as house:
        take_in(house, folder / "clients.csv", rows)
        return house.settings


@pytest.fixture(scope="module")
def town(clients: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The same for tests that only ask."""
    with copied(clients, tmp_path_factory.mktemp("numbers") / "open") as house:
        yield house


@pytest.fixture
def own(clients: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The same, and the test may spoil it."""
    with copied(clients, tmp_path_factory.mktemp("numbers") / "own") as house:
        yield house


def report(house: House) -> Numbers:
    """The report as the data team gets it."""
    return numbers(house, persona(house, "data-team"))


def holding(house: House) -> Holding:
    """The council's figures."""
    (one,) = report(house).holdings
    return one


def test_records_are_counted_by_what_is_wrong_with_their_number(town: House) -> None:
    held = holding(town)
    assert (held.source, held.organisation, held.records) == ("social-care", "999", 7)
    assert (held.without, held.found) == (3, 1)
    assert (held.shared, held.groups) == (2, 1)
    assert held.invalid == 1
    assert held.unverified == held.records - 2
    assert held.last_traced == town.now().date()


def test_each_record_to_mend_is_named_with_its_own_number_in_groups(town: House) -> None:
    found = [(one.fault, one.reference, one.number) for one in report(town).findings]
    shown = f"{AMINA.number[:3]} {AMINA.number[3:6]} {AMINA.number[6:]}"
    assert found == [
        (Fault.INVALID, "mistyped", ""),
        (Fault.SHARED, "again", shown),
        (Fault.SHARED, "right", shown),
        (Fault.MISSING_FOUND, "found", ""),
        (Fault.MISSING, "child", ""),
        (Fault.MISSING, "nobody", ""),
    ]
    assert report(town).organisations == ("999",)


def test_open_adults_are_shared_out_by_status_without_the_deceased_and_duplicates(town: House) -> None:
    held = holding(town)
    assert held.clients == {"02": 2, "04": 1}
    assert held.open_adults == 3
    assert held.left_out == {LeftOut.DECEASED: 1, LeftOut.DUPLICATE: 1, LeftOut.CHILD: 1, LeftOut.NOT_OPEN: 1}


def test_what_the_national_service_said_is_the_status(own: House) -> None:
    names = [source_person_id("social-care", "999", ref) for ref in ("found", "nobody")]
    marks = {name: one.demographics_hash for name, one in own.stores.onward.numbered(_reader(), names).items()}
    verified = Check(names[0], "q1", marks[names[0]], "", BRAM.number, "01", "found", "00", False, "pds", date.today())  # noqa: DTZ011 - any day, in order
    with own.stores.transaction() as tx:
        own.stores.onward.check(tx, [verified])
        own.stores.onward.ask(tx, [NewQuestion("q2", names[1], marks[names[1]], "", "dbs", 1)])
    held = holding(own)
    assert held.clients == {"01": 1, "02": 1, "06": 1}
    assert held.unverified == 4


def test_an_index_too_old_says_so_and_the_report_is_made_all_the_same(own: House) -> None:
    own.settings = own.settings.model_copy(update={"index_max_age_days": 1})
    with own.stores.transaction() as tx:
        tx.change("UPDATE index_info SET source = 'gp-list'")
    made = report(own)
    assert made.against is None
    assert made.holdings[0].clients == {"02": 2, "03": 1}


def _reader() -> Permit:
    return mint(decision_id="t", caller="t", organisation="999", purpose="t", agreement="T", providers=["999"])


def test_the_report_is_a_batch_in_the_ledger(town: House, watch: Callable[[House], Watch]) -> None:
    seen = watch(town)
    report(town)
    (row,) = seen.rows("batch")
    assert (row.body["job"], row.body["rows"]) == ("numbers-999", 13)
    assert AMINA.number not in seen.text()


def test_somebody_is_told_of_their_own_organisation_and_work_by_itself_of_all(
    county: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_PAGE", 50)
    assert {one.organisation for one in report(county).holdings} == {"999"}
    everybodys = numbers(county, system(county, "system-link"))
    assert len({one.organisation for one in everybodys.holdings}) > 2
    only = numbers(county, system(county, "system-link"), sources=["acute"])
    assert {one.source for one in only.holdings} == {"acute"}
    assert {one.source for one in only.findings} <= {"acute"}


@pytest.mark.parametrize(
    ("born", "adult"),
    [
        ("2008-03-10", True),
        ("2008-03-11", False),
        ("2008-03", False),
        ("2008-02", True),
        ("2008", False),
        ("2007", True),
    ],
)
def test_somebody_is_of_age_on_their_eighteenth_birthday_and_not_before_the_latest_it_can_be(
    born: str, *, adult: bool
) -> None:
    assert is_adult(PartialDate.parse(born), date(2026, 3, 10)) is adult


def test_the_indicators_have_one_list_of_words() -> None:
    assert list(INDICATORS) == [f"0{n}" for n in range(1, 9)]
    assert STATUSES["01"] == "01, present and verified"
