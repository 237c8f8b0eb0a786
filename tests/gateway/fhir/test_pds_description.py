"""The PDS surface held to PDS's own OpenAPI description: whatever is thrown at it, and for people who are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.fhir.outcome import PDS_BASE
from tests.gateway.web.small_house import ABSENT, AMINA, BRAM, DIED, GONE, HIDDEN, MOVED, TWIN, bearer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask import Flask

    from gateway.house import House

BUNDLE = Path(__file__).parents[4] / "shared" / "specs" / "pds" / "pds-fhir-api.bundled.json"
ADDRESS = "/pds.json"
SUPPORTED = (
    ("/Patient", "GET"),
    ("/Patient", "POST"),
    ("/Patient/{id}", "GET"),
    ("/Patient/{id}", "PATCH"),
    ("/Patient/{id}/RelatedPerson", "GET"),
)
load_all_checks()
PROMISES = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

pytestmark = pytest.mark.specs


@pytest.fixture(scope="module")
def described(app: Flask) -> schemathesis.BaseSchema:
    """PDS's description, as if it were the application's own."""
    if not BUNDLE.is_file():
        pytest.skip("../shared/specs/pds is absent")
    text = json.loads(BUNDLE.read_text())
    text["servers"] = [{"url": PDS_BASE}]
    body = json.dumps(text).encode()

    def served(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == ADDRESS:
            start("200 OK", [("Content-Type", "application/json")])
            return [body]
        return app(environ | {"REMOTE_ADDR": "127.0.0.1"}, start)

    return schemathesis.openapi.from_wsgi(ADDRESS, served)


@pytest.fixture
def headers(house: House) -> dict[str, str]:
    """What a client sends with every request."""
    return {**bearer(house, "social-worker"), "Host": "localhost"}


@pytest.mark.parametrize("mode", schemathesis.GenerationMode)
@pytest.mark.parametrize(("path", "method"), SUPPORTED)
def test_a_supported_path_answers_anything_as_pds_describes(
    described: schemathesis.BaseSchema,
    headers: dict[str, str],
    path: str,
    method: str,
    mode: schemathesis.GenerationMode,
) -> None:
    @given(case=described[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def keeps_its_promises(case: schemathesis.Case[Any]) -> None:
        case.validate_response(case.call(headers=headers), checks=PROMISES)

    keeps_its_promises()


@pytest.mark.parametrize("path", ["/Patient/{id}", "/Patient/{id}/RelatedPerson"])
@pytest.mark.parametrize(
    ("number", "status"),
    [
        (AMINA.number, 200),
        (MOVED.number, 200),
        (HIDDEN.number, 200),
        (DIED.number, 200),
        (GONE.number, 404),
        (ABSENT.number, 404),
        ("9000000000", 400),
    ],
)
def test_a_patient_who_is_there_conforms(
    described: schemathesis.BaseSchema, headers: dict[str, str], path: str, number: str, status: int
) -> None:
    case = described[path]["GET"].Case(path_parameters={"id": number})
    response = case.call(headers=headers)
    assert response.status_code == status
    case.validate_response(response, checks=PROMISES)


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ({"family": BRAM.family, "birthdate": f"eq{BRAM.birth_date}"}, 1),
        ({"family": TWIN.family, "birthdate": TWIN.birth_date}, 2),
        ({"family": f"{BRAM.family[:3]}*", "birthdate": [f"ge{BRAM.birth_date}", f"le{BRAM.birth_date}"]}, 1),
        ({"family": HIDDEN.family, "birthdate": HIDDEN.birth_date}, 1),
        ({"family": BRAM.family, "given": BRAM.given, "birthdate": BRAM.birth_date, "_fuzzy-match": "true"}, 1),
        ({"family": ABSENT.family, "birthdate": ABSENT.birth_date}, 0),
    ],
)
def test_a_search_that_finds_people_conforms(
    described: schemathesis.BaseSchema, headers: dict[str, str], query: dict[str, Any], total: int
) -> None:
    case = described["/Patient"]["GET"].Case(query=query)
    response = case.call(headers=headers)
    assert response.json()["total"] == total
    case.validate_response(response, checks=PROMISES)
