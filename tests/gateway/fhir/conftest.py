"""Fixtures of the tests of the FHIR routes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from gateway.app import create_app
from gateway.auth.tokens import issue_token
from gateway.fhir.outcome import FHIR_BASE
from gateway.services.records.unlink import unlink_record
from gateway.storage.records import source_person_id
from ig.purpose import Purpose
from tests.gateway.house_fixtures import own_town, town_settings
from tests.gateway.houses import (
    AMINA,
    BRAM,
    DIED,
    HIDDEN,
    MOVED,
    Watch,
    copied,
    event,
    persona,
    take_in,
)
from tests.gateway.web.front import app, browser, client, house, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from gateway.house import House
    from gateway.settings import Settings

__all__ = ["app", "browser", "client", "house", "own_town", "settings", "town_settings"]

CLIENTS = "https://gateway.example/Id/social-care/999"
"""The council's own numbering of its clients."""


@dataclass(frozen=True)
class Front:
    """The doors of a house with linked records, and whoever knocks."""

    house: House
    web: FlaskClient

    def headers(self, who: str, purpose: Purpose) -> dict[str, str]:
        """Return what a client of ``who`` sends."""
        return {"Authorization": f"Bearer {issue_token(self.house, persona(self.house, who, purpose))}"}

    def get(
        self, path: str, who: str = "social-worker", purpose: Purpose = Purpose.DEMOGRAPHIC_TRACE, **headers: str
    ) -> TestResponse:
        """Ask by address."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.web.get(f"{FHIR_BASE}/{path}", headers=self.headers(who, purpose) | sent)

    def post(
        self, path: str, body: object, who: str = "social-worker", purpose: Purpose = Purpose.DEMOGRAPHIC_TRACE
    ) -> TestResponse:
        """Send a resource."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.web.post(
            f"{FHIR_BASE}/{path}", data=sent, content_type="application/fhir+json", headers=self.headers(who, purpose)
        )


def told(response: TestResponse) -> dict[str, Any]:
    """Return the resource that was answered with."""
    assert response.mimetype == "application/fhir+json"
    body: dict[str, Any] = json.loads(response.data)
    return body


def issue(response: TestResponse) -> dict[str, Any]:
    """Return the one issue of a refusal."""
    body = told(response)
    assert body["resourceType"] == "OperationOutcome"
    (only,) = body["issue"]
    return dict(only)


@pytest.fixture(scope="session")
def linked(town_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The town with clients of the council joined to it; one of them wrongly, and unlinked."""
    folder = tmp_path_factory.mktemp("linked")
    with copied(town_settings, folder / "var") as open_house:
        rows = [
            event("amina", AMINA, number=AMINA.number),
            event("twice", AMINA, number=MOVED.number),
            event("bram", BRAM),
            event("esme", HIDDEN, number=HIDDEN.number),
            event("wrong", DIED, number=DIED.number),
            event("nobody", AMINA, {"First Name": "Quite", "Last Name": "Unknown", "Date of Birth": "01/01/1999"}),
        ]
        take_in(open_house, folder / "clients.csv", rows)
        unlink_record(
            open_house, persona(open_house, "reviewer"), source_person_id("social-care", "999", "wrong"), "test"
        )
        yield open_house


@pytest.fixture(scope="session")
def front(linked: House) -> Front:
    """The doors of the linked town."""
    return Front(linked, create_app(house=linked).test_client())


@pytest.fixture
def seen(linked: House) -> Watch:
    """What the linked town writes into its ledger from now on."""
    return Watch(linked)
