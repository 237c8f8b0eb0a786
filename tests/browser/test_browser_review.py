"""The reviewer's journey: the queue, a case side by side, a decision and its undoing; held to every page's promises."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from werkzeug.serving import make_server

from gateway.app import create_app
from tests.browser.conftest import WIDE, Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from gateway.house import House

pytestmark = pytest.mark.browser


@pytest.fixture
def reviewer(own_county: House, chromium: Browser, axe: str) -> Iterator[Visitor]:
    """The reviewer, signed in to a county whose records were linked."""
    server = make_server("127.0.0.1", 0, create_app(house=own_county), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    context = chromium.new_context(viewport=WIDE)  # type: ignore[arg-type] # two integers
    visitor = Visitor(context.new_page(), f"http://127.0.0.1:{server.server_port}", axe)
    visitor.sign_in("Ravi Reviewer", "Finding and checking NHS numbers")
    yield visitor
    context.close()
    server.shutdown()
    thread.join()
    server.server_close()


def check(visitor: Visitor) -> None:
    """The promises of every page."""
    assert visitor.faults() == []
    assert not visitor.scrolls_sideways()


def test_a_reviewer_decides_a_case_and_takes_it_back(reviewer: Visitor) -> None:
    page = reviewer.page
    page.get_by_role("main").get_by_role("link", name="Review doubtful pairs").click()
    expect(page.get_by_role("heading", name="Review doubtful pairs")).to_be_visible()
    check(reviewer)
    page.get_by_role("main").get_by_role("table").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Is this the same person?")).to_be_visible()
    expect(page.get_by_role("img", name="Candidate 1: what adds up")).to_be_visible()
    check(reviewer)
    page.get_by_role("button", name="Save this decision").click()
    expect(page.get_by_role("link", name="Choose who the record is")).to_be_visible()
    check(reviewer)
    page.get_by_label("The same person as candidate 1").check()
    page.get_by_role("button", name="Save this decision").click()
    expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    check(reviewer)
    page.get_by_role("button", name="Take this decision back").click()
    expect(page.get_by_role("button", name="Save this decision")).to_be_visible()
