"""The reviewer's journey: the queue, a case side by side, a decision and its undoing; held to every page's promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from gateway.app import create_app
from tests.browser.conftest import Visitor, serving, visiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from gateway.house import House

pytestmark = pytest.mark.browser


@pytest.fixture
def reviewer(own_county: House, chromium: Browser, axe: str) -> Iterator[Visitor]:
    """The reviewer, signed in to a county whose records were linked."""
    with serving(create_app(house=own_county)) as base, visiting(chromium, base, axe) as visitor:
        visitor.sign_in("Ravi Reviewer", "Finding and checking NHS numbers")
        yield visitor


def test_a_reviewer_decides_a_case_and_takes_it_back(reviewer: Visitor) -> None:
    page = reviewer.page
    page.get_by_role("main").get_by_role("link", name="Review doubtful pairs").click()
    expect(page.get_by_role("heading", name="Review doubtful pairs")).to_be_visible()
    reviewer.check()
    page.get_by_role("main").get_by_role("table").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Is this the same person?")).to_be_visible()
    expect(page.get_by_role("img", name="Candidate 1: what adds up")).to_be_visible()
    reviewer.check()
    reviewer.press("Save this decision")
    expect(page.get_by_role("link", name="Choose who the record is")).to_be_visible()
    reviewer.check()
    page.get_by_label("The same person as candidate 1").check()
    reviewer.press("Save this decision")
    expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    reviewer.check()
    reviewer.press("Take this decision back")
    expect(page.get_by_role("button", name="Save this decision")).to_be_visible()
