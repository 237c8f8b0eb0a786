"""Two journeys as people make them: finding out whether a number is right, and finding out who looked.

Each state of each page is held to axe's WCAG 2.2 AA rules, to 320 px without sideways scroll, and to the keyboard.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.gateway.web.small_house import AMINA, BRAM, MOVED

if TYPE_CHECKING:
    from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "verify.png"
LARGEST_PICTURE = 200 * 1024


def focused(visitor: Visitor) -> str:
    """The id or class of what has the keyboard's focus."""
    told: str = visitor.page.evaluate("document.activeElement.id || document.activeElement.className")
    return told


def test_a_social_worker_checks_a_number(visitor: Visitor) -> None:
    visitor.go("/sign-in")
    visitor.check()
    visitor.sign_in("Sam Socialworker", "Finding and checking NHS numbers")
    expect(visitor.page.get_by_role("heading", name="What you can do")).to_be_visible()
    visitor.check()
    visitor.page.get_by_role("main").get_by_role("link", name="Verify or find an NHS number").click()
    visitor.check()
    visitor.describe(AMINA.given, AMINA.family, AMINA.birth_date, AMINA.number)
    expect(visitor.page.get_by_role("heading", name="This is the right NHS number")).to_be_visible()
    expect(visitor.page.get_by_text(AMINA.shown, exact=True)).to_be_visible()
    assert visitor.page.url.endswith("/verify")
    visitor.check()
    write_picture(visitor)


def write_picture(visitor: Visitor) -> None:
    """Renew the picture in the documentation, where somebody asked for it."""
    if os.environ.get("GATEWAY_WRITE_SCREENSHOTS") == "1":
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        visitor.page.set_viewport_size({"width": 1000, "height": 980})
        visitor.page.screenshot(path=PICTURE)


def test_the_picture_in_the_documentation_is_there_and_small() -> None:
    assert PICTURE.is_file()
    assert PICTURE.stat().st_size <= LARGEST_PICTURE


def test_a_superseded_number_leads_to_the_current_one(visitor: Visitor) -> None:
    visitor.sign_in("Sam Socialworker", "Finding and checking NHS numbers")
    visitor.go("/verify")
    visitor.describe(AMINA.given, AMINA.family, AMINA.birth_date, MOVED.number)
    expect(visitor.page.get_by_text(AMINA.shown, exact=True)).to_be_visible()
    visitor.check()


def test_a_wrong_number_leads_to_finding_the_right_one(visitor: Visitor) -> None:
    visitor.sign_in("Sam Socialworker", "Finding and checking NHS numbers")
    visitor.go("/verify")
    visitor.describe(BRAM.given, BRAM.family, BRAM.birth_date, AMINA.number)
    expect(visitor.page.get_by_role("heading", name="This number belongs to someone else")).to_be_visible()
    visitor.check()
    visitor.press("Find this person")
    expect(visitor.page.get_by_text(BRAM.shown, exact=True)).to_be_visible()


def test_a_reviewer_sees_the_evidence(visitor: Visitor) -> None:
    visitor.sign_in("Ravi Reviewer", "")
    visitor.go("/verify")
    visitor.describe(BRAM.given, BRAM.family, BRAM.birth_date)
    expect(visitor.page.get_by_role("columnheader", name="Weight in bits")).to_be_visible()
    visitor.check()


def test_faults_take_the_keyboard_to_where_they_are(visitor: Visitor) -> None:
    visitor.sign_in("Sam Socialworker", "Finding and checking NHS numbers")
    visitor.go("/verify")
    visitor.press("Check or find")
    assert visitor.page.title().startswith("Error:")
    assert "nhsuk-error-summary" in focused(visitor)
    visitor.check()
    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.press("Enter")
    assert focused(visitor) == "family"


def test_the_keyboard_reaches_the_content_first_and_the_whole_form_in_order(visitor: Visitor) -> None:
    visitor.sign_in("Sam Socialworker", "Finding and checking NHS numbers")
    visitor.go("/verify")
    visitor.page.keyboard.press("Tab")
    assert "nhsuk-skip-link" in focused(visitor)
    visitor.page.keyboard.press("Enter")
    seen = []
    for _ in range(8):
        visitor.page.keyboard.press("Tab")
        seen.append(focused(visitor))
    boxes = ["nhs_number", "family", "given", "birth_date-day", "birth_date-month", "birth_date-year", "postcode"]
    assert seen[:7] == boxes
    assert seen[7].startswith("gender")


def test_an_officer_finds_out_who_looked(visitor: Visitor) -> None:
    visitor.sign_in("Sam Socialworker", "Finding and checking NHS numbers")
    visitor.go("/verify")
    visitor.describe(BRAM.given, BRAM.family, BRAM.birth_date, BRAM.number)
    visitor.press("Sign out")
    visitor.sign_in("Ingrid Governance", "Checking who looked at what")
    visitor.page.get_by_role("main").get_by_role("link", name="Who looked at what").click()
    visitor.check()
    visitor.page.get_by_label("NHS number").fill(BRAM.shown)
    visitor.press("Search the record of access")
    expect(visitor.page.get_by_role("cell", name="Sam Socialworker").first).to_be_visible()
    expect(visitor.page.get_by_role("heading", name="The record of access is intact")).to_be_visible()
    assert visitor.page.url.endswith("/audit")
    visitor.check()


def test_the_agreements_and_the_refusals_are_readable_by_all(visitor: Visitor) -> None:
    visitor.sign_in("Nia Navigator", "")
    visitor.go("/agreements")
    visitor.check()
    visitor.go("/agreements/ISA-CARE/1")
    visitor.check()
    visitor.go("/nowhere")
    assert visitor.page.title().startswith("Error:")
    visitor.check()


def test_everything_works_without_javascript(plain_visitor: Visitor) -> None:
    visitor = plain_visitor
    visitor.sign_in("Sam Socialworker", "Finding and checking NHS numbers")
    visitor.go("/verify")
    visitor.press("Check or find")
    expect(visitor.page.get_by_role("link", name="Enter the family name")).to_be_visible()
    visitor.describe(AMINA.given, AMINA.family, AMINA.birth_date)
    expect(visitor.page.get_by_text(AMINA.shown, exact=True)).to_be_visible()
    visitor.press("Sign out")
    expect(visitor.page.get_by_role("heading", name="Who are you?")).to_be_visible()
