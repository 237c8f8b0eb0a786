"""Every error body that PDS publishes is given to a request that deserves it, or named as one nobody can deserve."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.errors import NotSignedIn
from gateway.fhir.departures import DEPARTURES, FIELDS, departure_rows, field_rows
from gateway.fhir.outcome import PDS_BASE
from gateway.fhir.spine import CODES, INSUFFICIENT, NOT_GIVEN, code_rows
from gateway.services.governance.callers import named_caller
from gateway.services.tracing.patients import refuse_change
from ig.purpose import Purpose
from tests.gateway.web.small_house import ABSENT, AMINA, GONE, TWIN, bearer

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from gateway.house import House

SPECS = Path(__file__).parents[4] / "shared" / "specs" / "pds"
STUBS = "karate-tests/src/test/java/mocks/stubs"
FUNCTIONAL = "tests/functional/data/responses"
NO_ERRORS = {"valid_patient_post_response"}
ONE = f"Patient/{AMINA.number}"


@dataclass(frozen=True)
class Deserving:
    """A request: ``headers`` replace the usual ones, None takes one away."""

    path: str = ONE
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str | None] = field(default_factory=dict)
    method: str = "GET"


REQUESTS = {
    f"{STUBS}/errorResponses/ACCESS_DENIED": Deserving(headers={"Authorization": None}),
    f"{STUBS}/errorResponses/ADDITIONAL_PROPERTIES": Deserving("Patient", {"year": "2010"}),
    f"{STUBS}/errorResponses/INVALIDATED_RESOURCE": Deserving(f"Patient/{GONE.number}"),
    f"{STUBS}/errorResponses/INVALID_METHOD": Deserving(method="PATCH"),
    f"{STUBS}/errorResponses/INVALID_RESOURCE_ID": Deserving("Patient/9000000000"),
    f"{STUBS}/errorResponses/INVALID_SEARCH_DATA": Deserving("Patient", {"birthdate": "eq2010-10-22"}),
    f"{STUBS}/errorResponses/INVALID_VALUE": Deserving("Patient", {"family": "Smith", "birthdate": "20101022"}),
    f"{STUBS}/errorResponses/MISSING_VALUE": Deserving("Patient", {"family": "Smith"}),
    f"{STUBS}/errorResponses/RESOURCE_NOT_FOUND": Deserving(f"Patient/{ABSENT.number}"),
    f"{STUBS}/errorResponses/TOO_MANY_VALUES_SUBMITTED": Deserving("Patient", {"gender": ["male", "female"]}),
    f"{STUBS}/errorResponses/UNSUPPORTED_SERVICE": Deserving("Patient"),
    f"{STUBS}/searchResponses/TOO_MANY_MATCHES": Deserving(
        "Patient", {"family": TWIN.family, "birthdate": TWIN.birth_date, "_max-results": "1"}
    ),
    f"{FUNCTIONAL}/too_many_matches": Deserving(
        "Patient", {"family": TWIN.family, "birthdate": f"eq{TWIN.birth_date}", "_max-results": "1"}
    ),
    f"{FUNCTIONAL}/missing_authorization_header": Deserving(headers={"Authorization": None}),
    f"{FUNCTIONAL}/empty_authorization_header": Deserving(headers={"Authorization": ""}),
    f"{FUNCTIONAL}/invalid_access_token": Deserving(headers={"Authorization": "Bearer INVALID_TOKEN"}),
    f"{FUNCTIONAL}/missing_x-request_id": Deserving(headers={"X-Request-ID": None}),
    f"{FUNCTIONAL}/empty_x-request_id": Deserving(headers={"X-Request-ID": ""}),
    f"{FUNCTIONAL}/invalid_x-request_id": Deserving(headers={"X-Request-ID": "1234"}),
    f"{FUNCTIONAL}/missing_urid_header": Deserving(headers={"NHSD-Session-URID": ""}),
    f"{FUNCTIONAL}/invalid_urid_header": Deserving(headers={"NHSD-Session-URID": "invalid"}),
}


def published() -> list[str]:
    """Every body that PDS publishes of an error, by its path without the ending."""
    found = [*(SPECS / STUBS / "errorResponses").glob("*.json"), *(SPECS / FUNCTIONAL).glob("*.json")]
    found += (SPECS / STUBS / "searchResponses").glob("TOO_*.json")
    return sorted(str(path.relative_to(SPECS).with_suffix("")) for path in found if path.stem not in NO_ERRORS)


def sent(client: FlaskClient, house: House, request: Deserving) -> TestResponse:
    headers = {**bearer(house, "social-worker"), **request.headers}
    kept = {name: value for name, value in headers.items() if value is not None}
    path = f"{PDS_BASE}/{request.path}"
    return client.open(path, method=request.method, query_string=request.query, headers=kept)


def agrees(given: Any, wanted: Any) -> bool:  # noqa: ANN401 - JSON of any shape
    """Equal, where a placeholder of the published stubs stands for any text."""
    if isinstance(wanted, str) and wanted.startswith("#("):
        return isinstance(given, str) and bool(given)
    if isinstance(wanted, dict) and isinstance(given, dict):
        return wanted.keys() == given.keys() and all(agrees(given[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list) and isinstance(given, list):
        return len(wanted) == len(given) and all(map(agrees, given, wanted))
    return bool(given == wanted)


@pytest.mark.specs
def test_every_published_error_has_its_request_or_its_reason() -> None:
    if not SPECS.is_dir():
        pytest.skip("../shared/specs/pds is absent")
    without = {name for name in published() if name not in REQUESTS}
    assert {name.rpartition("/")[2] for name in without} <= NOT_GIVEN.keys()
    assert REQUESTS.keys() <= set(published())


@pytest.mark.specs
@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_that_deserves_it_is_given_the_published_body(client: FlaskClient, house: House, name: str) -> None:
    if not SPECS.is_dir():
        pytest.skip("../shared/specs/pds is absent")
    response = sent(client, house, REQUESTS[name])
    given, wanted = json.loads(response.data), json.loads((SPECS / f"{name}.json").read_text())
    assert agrees(given, wanted), given
    code = wanted["issue"][0]["details"]["coding"][0]["code"]
    assert response.status_code == CODES[code].status
    assert response.mimetype == "application/fhir+json"


@pytest.mark.parametrize(("method", "path"), [("PATCH", ONE), ("POST", "Patient")])
def test_a_write_is_answered_as_a_read_only_application_is(
    client: FlaskClient, house: House, method: str, path: str
) -> None:
    response = sent(client, house, Deserving(path, method=method))
    issue = json.loads(response.data)["issue"][0]
    assert (response.status_code, issue["code"]) == (403, "forbidden")
    assert issue["details"]["coding"][0]["code"] == "INVALID_METHOD"
    assert issue["details"]["coding"][0]["display"].endswith("resource with application-restricted access token")
    assert issue["diagnostics"] == INSUFFICIENT


@pytest.mark.parametrize(
    ("method", "path", "people"), [("PATCH", ONE, 1), ("PATCH", "Patient/nonsense", 0), ("POST", "Patient", 0)]
)
def test_a_try_to_write_leaves_a_refusal_about_whoever_it_named(
    client: FlaskClient, house: House, method: str, path: str, people: int
) -> None:
    before = {row.seq for row in house.stores.ledger.search(limit=200)}
    assert sent(client, house, Deserving(path, method=method)).status_code == 403
    rows = [row for row in house.stores.ledger.search(limit=200) if row.seq not in before and row.kind == "refusal"]
    assert [(row.body["reason"], row.body["subjects"]["count"]) for row in rows] == [("field-not-in-scope", people)]


def test_whoever_has_changed_since_signing_in_signs_in_again_before_being_refused(house: House) -> None:
    changed = replace(named_caller(house, "social-worker", Purpose.DEMOGRAPHIC_TRACE), organisation="X99")
    with pytest.raises(NotSignedIn):
        refuse_change(house, changed, AMINA.number, verb="update")


def test_a_write_without_a_token_is_nobodys(client: FlaskClient, house: House) -> None:
    assert sent(client, house, Deserving(method="PATCH", headers={"Authorization": None})).status_code == 401


def test_the_tables_of_departures_have_no_empty_cell() -> None:
    rows = [*departure_rows(), *field_rows()]
    assert len(rows) == len(DEPARTURES) + len(FIELDS)
    assert all(cell for row in rows for cell in row)


def test_the_table_of_the_docs_names_every_code_once() -> None:
    rows = list(code_rows())
    assert [row[2] for row in rows] == [*CODES, *NOT_GIVEN]
    assert all(row[0] for row in rows)
    assert not CODES.keys() & NOT_GIVEN.keys()
