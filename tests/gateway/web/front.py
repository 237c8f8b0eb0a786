"""The front doors on the small house, as fixtures; the conftest of each folder takes what it needs from here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from gateway.app import create_app
from tests.gateway.web.small_house import make, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from gateway.house import House
    from gateway.settings import Settings

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Browser:
    """A browser without JavaScript: it keeps cookies and sends the hidden fields of the form it was shown."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, *, headers: dict[str, str] | None = None) -> TestResponse:
        """Follow a link."""
        return self.client.get(path, headers=headers)

    def post(self, path: str, *, page: str = "", **fields: str) -> TestResponse:
        """Open ``page`` (by default ``path``), fill in its form and send it to ``path``."""
        shown = self.client.get(page or path)
        found = _TOKEN.search(shown.text)
        assert found, f"no form on {page or path}: {shown.status}"
        return self.client.post(path, data={"csrf_token": found[1], **fields})

    def sign_in(self, persona: str, purpose: str) -> TestResponse:
        """Choose who it is and why."""
        return self.post("/sign-in", persona=persona, purpose=purpose)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Where the small house is."""
    return make(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="session")
def house(settings: Settings) -> Iterator[House]:
    """The small house, open for the whole run. A test that spoils it makes a copy."""
    with opened(settings) as held:
        yield held


@pytest.fixture(scope="session")
def app(house: House) -> Flask:
    """The application on the small house."""
    return create_app(house=house)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client without cookies."""
    return app.test_client()


@pytest.fixture
def browser(client: FlaskClient) -> Browser:
    """A browser in which nobody has signed in."""
    return Browser(client)


@pytest.fixture
def worker(browser: Browser) -> Browser:
    """A browser in which the social worker has signed in to trace."""
    assert browser.sign_in("social-worker", "demographic-trace").status_code == 303
    return browser


@pytest.fixture
def officer(browser: Browser) -> Browser:
    """A browser in which the information governance officer has signed in to audit."""
    assert browser.sign_in("ig-officer", "ig-audit").status_code == 303
    return browser
