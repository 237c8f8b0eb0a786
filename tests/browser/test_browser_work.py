"""The data team's and the officer's pages in a browser: reports with charts, changes, and a wrong link recalled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from gateway.app import create_app
from gateway.services.records.unlink import unlink_record
from gateway.storage.records import source_person_id
from tests.browser.conftest import serving, visiting
from tests.gateway.houses import AMINA, BRAM, event, persona, take_in
from tests.gateway.services.changes.senders import link_and_find, patient, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from gateway.house import House
    from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser
TRACING = "Finding and checking NHS numbers"


@pytest.fixture
def data_team(own_county: House, chromium: Browser, axe: str) -> Iterator[Visitor]:
    """The data team of a county whose records were linked."""
    with serving(create_app(house=own_county)) as base, visiting(chromium, base, axe) as visitor:
        visitor.sign_in("Dee Datateam", TRACING)
        yield visitor


@pytest.mark.parametrize("report", ["unmatched", "numbers"])
def test_a_report_draws_what_it_counts(data_team: Visitor, report: str) -> None:
    data_team.go(f"/quality/{report}")
    expect(data_team.page.get_by_role("main").get_by_role("img").first).to_be_visible()
    expect(data_team.page.get_by_role("main").get_by_role("table").first).to_be_visible()
    data_team.check()


def test_the_data_team_decides_a_change(own_town: House, chromium: Browser, axe: str) -> None:
    send(own_town, "bram", patient(BRAM, birthDate="1962-11-03"))
    link_and_find(own_town)
    with serving(create_app(house=own_town)) as base, visiting(chromium, base, axe) as visitor:
        visitor.sign_in("Dee Datateam", TRACING)
        visitor.go("/changes")
        visitor.check()
        visitor.page.get_by_role("main").get_by_role("table").get_by_role("link").first.click()
        expect(visitor.page.get_by_role("main").get_by_role("table").first).to_be_visible()
        visitor.check()


def test_an_officer_works_through_a_recall(own_town: House, tmp_path: Path, chromium: Browser, axe: str) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", AMINA, number=AMINA.number)])
    unlink_record(own_town, persona(own_town, "reviewer"), source_person_id("social-care", "999", "c1"), "test")
    with serving(create_app(house=own_town)) as base, visiting(chromium, base, axe) as visitor:
        visitor.sign_in("Ingrid Governance", "Checking who looked at what")
        visitor.go("/recalls")
        visitor.check()
        visitor.page.get_by_role("main").get_by_role("link").first.click()
        visitor.check()
