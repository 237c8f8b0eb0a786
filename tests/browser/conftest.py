"""Debian's Chromium, driven against the real application on the small house; skipped by name where it is absent."""

from __future__ import annotations

import json
import shutil
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from gateway.web.build_assets import WORKSHOP, AssetsNotBuilt, build, install
from tests.gateway.house_fixtures import county_made, own_county, own_town, town_settings
from tests.gateway.web.front import app, house, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from playwright.sync_api import Browser, Page

__all__ = ["app", "county_made", "house", "own_county", "own_town", "settings", "town_settings"]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]
WIDE, NARROW = {"width": 1100, "height": 900}, {"width": 320, "height": 720}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# NHS.UK places the back link outside main, so that it comes before the content that it leaves
EXCUSED = {"region"}


@dataclass
class Visitor:
    """A page in the browser, and the promises that every page keeps."""

    page: Page
    base: str
    axe: str

    def go(self, path: str) -> None:
        """Open a page."""
        self.page.goto(self.base + path)

    def sign_in(self, name: str, purpose: str) -> None:
        """Choose who it is and why, as a person would."""
        self.go("/sign-in")
        self.page.get_by_label(name).check()
        self.press("Continue")
        if self.page.get_by_role("button", name="Sign in").count():
            self.page.get_by_label(purpose).check()
            self.press("Sign in")

    def press(self, button: str) -> None:
        """Send a form, and wait until its answer is the page: what a look finds at once could be the page before."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=button).click()

    def describe(self, given: str, family: str, born: str, number: str = "") -> None:
        """Fill in the form of verify or find, and send it."""
        year, month, day = born.split("-")
        self.page.get_by_label("NHS number, if you have one").fill(number)
        self.page.get_by_label("Family name").fill(family)
        self.page.get_by_label("Given name").fill(given)
        for label, value in (("Day", day), ("Month", month), ("Year", year)):
            self.page.get_by_label(label, exact=True).fill(value)
        self.press("Check or find")

    def check(self) -> None:
        """Hold the page to the promises of every page."""
        assert self.faults() == []
        assert not self.scrolls_sideways()

    def faults(self) -> list[str]:
        """What axe finds wrong with the page as it is, by rule and place; nothing about its content."""
        options = json.dumps({"runOnly": {"type": "tag", "values": TAGS}})
        # evaluated, not injected as a script element: the content policy stays as it is for everybody
        self.page.evaluate(self.axe)
        found: dict[str, Any] = self.page.evaluate(f"axe.run(document, {options})")
        return [
            f"{rule['id']} at {node['target']}"
            for rule in found["violations"]
            if rule["id"] not in EXCUSED
            for node in rule["nodes"]
        ]

    def scrolls_sideways(self) -> bool:
        """Is the page wider than the window at 320 px (WCAG 2.2, 1.4.10)?"""
        self.page.set_viewport_size(NARROW)  # type: ignore[arg-type] # two integers
        # the header folds its links into a menu once it has heard of the new width
        try:
            self.page.wait_for_function("document.documentElement.scrollWidth <= window.innerWidth", timeout=5_000)
        except PlaywrightTimeout:
            return True
        finally:
            self.page.set_viewport_size(WIDE)  # type: ignore[arg-type] # two integers
        return False


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    path = WORKSHOP / "node_modules" / "axe-core" / "axe.min.js"
    try:
        build()
        if not path.is_file():
            install(WORKSHOP)
    except AssetsNotBuilt as fault:
        pytest.skip(f"axe-core is absent: {fault}")
    return path.read_text(encoding="utf-8")


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve an application by a thread of this process; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def visiting(browser: Browser, base: str, axe: str) -> Iterator[Visitor]:
    """A fresh browser window; whatever its console complains of fails the test."""
    context = browser.new_context(viewport=WIDE)  # type: ignore[arg-type] # two integers
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if _is_complaint(message.text) else None)
    yield Visitor(page, base, axe)
    context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def base(app: Flask) -> Iterator[str]:
    """The address of the small house."""
    with serving(app) as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, started once."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("Chromium is absent")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def visitor(chromium: Browser, base: str, axe: str) -> Iterator[Visitor]:
    """Somebody at the small house."""
    with visiting(chromium, base, axe) as somebody:
        yield somebody


@pytest.fixture
def plain_visitor(chromium: Browser, base: str) -> Iterator[Visitor]:
    """A browser window without JavaScript."""
    context = chromium.new_context(viewport=WIDE, java_script_enabled=False)  # type: ignore[arg-type] # two integers
    yield Visitor(context.new_page(), base, "")
    context.close()


def _is_complaint(text: str) -> bool:
    """A refused policy or a broken script counts; the status of a page that refuses on purpose does not."""
    return "Content Security Policy" in text or "Uncaught" in text
