"""The pages of what has changed: the list, one side by side, and deciding it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.app import create_app
from gateway.auth.caller import Kind as CallerKind
from gateway.ids import person_id
from gateway.services.changes.work import work_list
from gateway.services.governance.callers import add, named_caller
from gateway.storage.differing import Field, Found, Kind, State
from ig.purpose import OrgClass, Purpose, Role
from linkage.nhs_number import NhsNumber
from tests.gateway.houses import Townsperson
from tests.gateway.services.changes.senders import link_and_find, patient, send
from tests.gateway.web.front import Browser
from tests.gateway.web.small_house import AMINA, BRAM, HIDDEN, copied, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.house import House
    from gateway.settings import Settings
    from tests.gateway.web.small_house import Known


@pytest.fixture(scope="module")
def changed(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The small house, whose council's records say other things than the index."""
    with opened(copied(settings, tmp_path_factory.mktemp("pages") / "changed")) as house:
        for name in ("system-link", "system-changes"):
            who = (name, name, "0ZZ", OrgClass.SAFE_HAVEN, Role.SYSTEM)
            add(house, *who, (Purpose.PROCESSING,), kind=CallerKind.SYSTEM)
        bram = send(house, "bram", patient(told(BRAM), birthDate="1962-11-03"))
        send(house, "hidden", patient(told(HIDDEN)))
        send(house, "amina", patient(told(AMINA), name=[{"use": "usual", "family": "PATELOVA", "given": ["AMINA"]}]))
        link_and_find(house)
        whose = (bram, person_id(NhsNumber(BRAM.number)), "social-care", "999")
        death = Found(*whose, Field.DEATH, Kind.INFORMAL_DEATH, "about")
        with house.stores.transaction() as tx:
            house.stores.differences.settle(tx, [bram], [death], frozenset({Field.DEATH}))
        return house.settings


def told(known: Known) -> Townsperson:
    """Somebody of the small house, as a record says who they are."""
    return Townsperson(known.number, known.family, known.given, known.birth_date, known.postcode, known.gender)


@pytest.fixture
def house_changed(changed: Settings, tmp_path: Path) -> Iterator[House]:
    with opened(copied(changed, tmp_path / "own")) as house:
        yield house


@pytest.fixture
def team(house_changed: House) -> Browser:
    """A browser in which the council's data team has signed in."""
    browser = Browser(create_app(house=house_changed).test_client())
    assert browser.sign_in("data-team", "demographic-trace").status_code == 303
    return browser


def at(house: House, kind: Kind, state: State = State.OPEN) -> str:
    caller = named_caller(house, "data-team", Purpose.DEMOGRAPHIC_TRACE)
    (found,) = (one for one in work_list(house, caller, state=state) if one.kind is kind)
    return f"/changes/{found.difference_id}"


def test_the_list_says_what_waits_and_names_nobody(team: Browser, house_changed: House) -> None:
    shown = team.get("/changes")
    assert shown.status_code == 200
    assert shown.text.count("/changes/") == 3
    order = [shown.text.rindex(words) for words in ("is protected", "no registrar has", "say different things")]
    assert order == sorted(order)
    assert not any(mark in shown.text for mark in (BRAM.number, BRAM.family, HIDDEN.family))
    assert at(house_changed, Kind.SUBSTANTIVE) in shown.text


def test_one_is_side_by_side_and_is_accepted(team: Browser, house_changed: House) -> None:
    path = at(house_changed, Kind.SUBSTANTIVE)
    shown = team.get(path)
    assert "3 November 1962" in shown.text
    assert "2 November 1962" in shown.text
    assert "Date of birth (differs)" in shown.text
    done = team.post(path, what="accept")
    assert (done.status_code, done.headers["Location"]) == (303, "/changes")
    assert "To be taken over by the case system by data-team" in team.get(path).text
    assert "Save this decision" not in team.get(path).text


def test_a_dismissal_wants_a_reason_and_an_informal_death_no_update(team: Browser, house_changed: House) -> None:
    path = at(house_changed, Kind.INFORMAL_DEATH)
    shown = team.get(path)
    assert "never updates a case" in shown.text
    assert 'value="accept"' not in shown.text
    for fields, said in (
        ({}, "Choose what is to be done"),
        ({"what": "dismiss"}, "Say why"),
        ({"what": "dismiss", "note": "x" * 201}, "200 characters or fewer"),
        ({"what": "accept", "note": ""}, "never updates a case"),
    ):
        refused = team.post(path, **fields)
        assert refused.status_code == 400
        assert said in refused.text
        assert "There is a problem" in refused.text
    assert team.post(path, what="leave").headers["Location"] == "/changes"
    assert team.post(path, what="dismiss", note="rang the family").status_code == 303
    assert "Dismissed by data-team" in team.get(path).text


def test_nobodys_protected_place_is_on_its_page(team: Browser, house_changed: House) -> None:
    shown = team.get(at(house_changed, Kind.RESTRICTED)).text
    assert "No place is compared or shown" in shown
    assert HIDDEN.postcode not in shown


def test_an_update_by_rule_says_so_and_asks_nothing(team: Browser, house_changed: House) -> None:
    shown = team.get(at(house_changed, Kind.FORMATTING, State.APPLIED)).text
    assert "by rule." in shown
    assert "Save this decision" not in shown


def test_when_everything_is_decided_the_list_says_so(team: Browser, house_changed: House) -> None:
    with house_changed.stores.transaction() as tx:
        tx.change("DELETE FROM difference")
    assert "Nothing waits for a decision" in team.get("/changes").text


def test_whoever_looks_at_one_person_at_a_time_is_refused(house_changed: House) -> None:
    browser = Browser(create_app(house=house_changed).test_client())
    browser.sign_in("social-worker", "demographic-trace")
    assert browser.get("/changes").status_code == 403
    assert "/changes" not in browser.get("/").text
