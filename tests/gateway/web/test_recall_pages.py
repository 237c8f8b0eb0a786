"""The pages of recalls: for officers, each receipt with its box, and nothing about anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.app import create_app
from gateway.services.recall import incidents
from gateway.services.records.unlink import unlink_record
from gateway.services.tracing.verify import verify_number
from gateway.storage.records import source_person_id
from tests.gateway.houses import AMINA, BRAM, event, persona, take_in
from tests.gateway.web.front import Browser

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.house import House
    from gateway.services.recall.incidents import Recall


@pytest.fixture
def recalled(own_town: House, tmp_path: Path) -> Recall:
    """A link that two people were shown before it was taken back."""
    take_in(own_town, tmp_path / "c.csv", [event("c1", AMINA, number=AMINA.number), event("c2", BRAM)])
    for _ in range(2):
        verify_number(own_town, persona(own_town, "social-worker"), AMINA.number, AMINA.asked())
    record = source_person_id("social-care", "999", "c1")
    done = unlink_record(own_town, persona(own_town, "reviewer"), record, "test")
    return incidents.recall(own_town, persona(own_town, "ig-officer"), done.incident_id)


def seat(house: House, who: str, purpose: str = "ig-audit") -> Browser:
    browser = Browser(create_app(house=house).test_client())
    assert browser.sign_in(who, purpose).status_code == 303
    return browser


def test_an_officer_finds_a_recall_ticks_receipts_and_sees_them_acknowledged(own_town: House, recalled: Recall) -> None:
    officer = seat(own_town, "ig-officer")
    assert "Recalls of wrong links" in officer.get("/").text
    listed = officer.get("/recalls").text
    assert f'href="/recalls/{recalled.incident_id}"' in listed
    assert "2 open" in listed
    page = f"/recalls/{recalled.incident_id}"
    text = officer.get(page).text
    assert text.count('name="receipt"') == 2
    for hidden in (AMINA.number, AMINA.family, AMINA.id, BRAM.family, BRAM.id):
        assert hidden not in text
    sent = officer.post(f"{page}/acknowledge", page=page, receipt=recalled.receipts[0].notice_id)
    assert (sent.status_code, sent.location) == (303, page)
    assert officer.get(page).text.count('name="receipt"') == 1
    nothing = officer.post(f"{page}/acknowledge", page=page)
    assert (nothing.status_code, "Tick the receivers who have heard" in nothing.text) == (400, True)
    assert officer.get(page).text.count('name="receipt"') == 1, "nothing ticked acknowledges nothing"
    assert officer.post(f"{page}/acknowledge", page=page, all="yes").status_code == 303
    text = officer.get(page).text
    assert text.count("Acknowledged") == 2
    assert "All of them have heard" not in text


def test_what_is_late_and_what_was_not_looked_for_is_said(own_town: House, recalled: Recall) -> None:
    officer, page = seat(own_town, "privacy-officer"), f"/recalls/{recalled.incident_id}"
    with own_town.stores.transaction() as tx:
        tx.change("UPDATE recall_notice SET sent_at = '2026-01-01 00:00:00'")
    assert "2 overdue" in officer.get("/recalls").text
    assert "Overdue since 15 January 2026" in officer.get(page).text
    with own_town.stores.transaction() as tx:
        tx.change("UPDATE incident SET until = NULL")
        tx.change("DELETE FROM recall_notice")
    officer = seat(own_town, "ig-officer")
    assert "Not looked for yet" in officer.get("/recalls").text
    assert "Receivers have not been looked for yet" in officer.get(page).text


def test_a_recall_that_reached_nobody_says_so(own_town: House, recalled: Recall) -> None:
    with own_town.stores.transaction() as tx:
        tx.change("DELETE FROM recall_notice")
    assert "Nobody received it." in seat(own_town, "ig-officer").get(f"/recalls/{recalled.incident_id}").text
    assert "No recall concerns your organisation." in seat(own_town, "privacy-officer").get("/recalls").text


def test_nobody_but_officers_is_offered_or_shown_recalls(own_town: House, recalled: Recall) -> None:
    worker = seat(own_town, "social-worker", "direct-care")
    assert "/recalls" not in worker.get("/").text
    for page in ("/recalls", f"/recalls/{recalled.incident_id}"):
        assert worker.get(page).status_code == 403
    assert seat(own_town, "ig-officer").get("/recalls/5f5f2c7e-33b0-5d8c-9d4a-6d6f0d5b1e90").status_code == 404
