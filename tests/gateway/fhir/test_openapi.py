"""The FHIR routes keep the promises of their own description, whatever is thrown at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.fhir.outcome import FHIR_BASE, PDS_BASE
from tests.gateway.web.small_house import bearer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask import Flask
    from flask.testing import FlaskClient

    from gateway.house import House

ROUTES = (
    (f"{PDS_BASE}/Patient", "GET"),
    (f"{PDS_BASE}/Patient/{{number}}", "GET"),
    (f"{PDS_BASE}/Patient/{{number}}/RelatedPerson", "GET"),
    (f"{FHIR_BASE}/Linkage", "GET"),
    (f"{FHIR_BASE}/Linkage/{{person_id}}", "GET"),
    (f"{FHIR_BASE}/Patient", "GET"),
    (f"{FHIR_BASE}/Patient/_search", "POST"),
    (f"{FHIR_BASE}/Patient/{{person_id}}", "GET"),
    (f"{FHIR_BASE}/Patient/{{person_id}}/$everything", "GET"),
    (f"{FHIR_BASE}/Patient/$match", "POST"),
    (f"{FHIR_BASE}/Patient/$ihe-pix", "GET"),
    (f"{FHIR_BASE}/Patient/$ihe-pix", "POST"),
    (f"{FHIR_BASE}/changes", "GET"),
    (f"{FHIR_BASE}/metadata", "GET"),
    (f"{FHIR_BASE}/signals", "POST"),
)
# the capability statement takes nothing, so that nothing wrong can be sent to it
TRIED = [
    (path, method, mode)
    for path, method in ROUTES
    for mode in schemathesis.GenerationMode
    if not (path.endswith("metadata") and mode is schemathesis.GenerationMode.NEGATIVE)
]
load_all_checks()
PROMISES = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
"""Not ``ignored_auth``: it takes the token that every case here carries for one that it made up."""


@pytest.fixture(scope="session")
def routes(app: Flask) -> schemathesis.BaseSchema:
    """The description, read from the application itself."""

    def from_this_machine(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        # a demonstration answers loopback peers only, and an in-process client has no peer at all
        return app(environ | {"REMOTE_ADDR": "127.0.0.1"}, start)

    return schemathesis.openapi.from_wsgi("/openapi.json", from_this_machine)


@pytest.mark.parametrize(("path", "method", "mode"), TRIED)
def test_every_route_answers_anything_as_described(
    routes: schemathesis.BaseSchema, house: House, path: str, method: str, mode: schemathesis.GenerationMode
) -> None:
    token = bearer(house, "social-worker")["Authorization"]

    @given(case=routes[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def keeps_its_promises(case: schemathesis.Case[Any]) -> None:
        response = case.call(headers={"Authorization": token, "Host": "localhost"})
        case.validate_response(response, checks=PROMISES)

    keeps_its_promises()


def test_the_description_names_every_route(client: FlaskClient) -> None:
    told = client.get("/openapi.json").get_json()
    assert told["openapi"] == "3.1.0"
    assert {(path, method.upper()) for path, held in told["paths"].items() for method in held} == set(ROUTES)
    names = {parameter["name"] for parameter in told["paths"][f"{PDS_BASE}/Patient"]["get"]["parameters"]}
    assert {"family", "birthdate", "_fuzzy-match", "X-Request-ID"} <= names
