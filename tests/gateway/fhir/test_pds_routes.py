"""The PDS-shaped Patient over HTTP: who may come in, what is answered, and what a client can rely on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gateway.app import create_app
from gateway.errors import Unavailable
from gateway.fhir.outcome import PDS_BASE, REASONS
from gateway.services.governance.callers import revoke
from ig.purpose import Purpose
from tests.gateway.web.small_house import (
    ABSENT,
    AMINA,
    BRAM,
    DIED,
    GONE,
    HIDDEN,
    MOVED,
    PEOPLE,
    TWIN,
    bearer,
    copied,
    opened,
)

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from gateway.house import House
    from gateway.settings import Settings

READ = f"{PDS_BASE}/Patient/{AMINA.number}"
SEARCH = f"{PDS_BASE}/Patient"


def code(response: TestResponse) -> str:
    issue = json.loads(response.data)["issue"][0]
    return str(issue["details"]["coding"][0]["code"])


def find(client: FlaskClient, house: House, **query: str) -> dict[str, Any]:
    response = client.get(SEARCH, query_string=query, headers=bearer(house, "social-worker"))
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = json.loads(response.data)
    return answer


def test_a_permitted_caller_reads_a_patient(client: FlaskClient, house: House) -> None:
    response = client.get(READ, headers=bearer(house, "social-worker"))
    patient = json.loads(response.data)
    assert response.status_code == 200
    assert response.mimetype == "application/fhir+json"
    assert patient["resourceType"] == "Patient"
    assert patient["id"] == AMINA.number
    assert patient["name"][0]["family"] == AMINA.family
    assert response.headers["ETag"] == f'W/"{patient["meta"]["versionId"]}"'


def test_request_and_correlation_ids_come_back_as_they_were_sent(client: FlaskClient, house: House) -> None:
    ids = {"X-Request-ID": "60E0B220-8136-4CA5-AE46-1D97EF59D068", "X-Correlation-ID": "11C46F5F.CDEF"}
    response = client.get(READ, headers=bearer(house, "social-worker") | ids)
    assert {name: response.headers[name] for name in ids} == ids
    refused = client.get(READ, headers=ids)
    assert {name: refused.headers[name] for name in ids} == ids


@pytest.mark.parametrize("path", [READ, SEARCH, "/fhir/R4/Patient/p1/$everything"])
@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (None, "Missing Authorization header"),
        ("", "Empty Authorization header"),
        ("Bearer ", "Missing access token"),
        ("Basic dTpw", "Missing access token"),
        ("Bearer nonsense", "Invalid Access Token"),
        ("Bearer a.b.c", "Invalid Access Token"),
    ],
)
def test_nobody_comes_in_without_a_token(client: FlaskClient, path: str, sent: str | None, words: str) -> None:
    response = client.get(path, headers={} if sent is None else {"Authorization": sent})
    outcome = json.loads(response.data)
    assert response.status_code == 401
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["diagnostics"] == words


def test_somebody_turned_away_at_the_door_leaves_a_row(client: FlaskClient, house: House) -> None:
    sent = "1f0e0d0c-0b0a-4908-8706-050403020100"
    client.get(READ, headers={"X-Request-ID": sent})
    client.get(READ, headers={"X-Request-ID": sent, "Authorization": "Bearer a.b.c"})
    house.stores.ledger.flush()
    rows = [row for row in house.stores.ledger.search(limit=5) if row.body.get("request_id") == sent]
    assert [(row.kind, row.body["reason"]) for row in rows] == [
        ("refusal", "token-shape"),
        ("refusal", "no-authorization"),
    ]
    assert rows[0].body["source_address"] == "127.0.0.0"


def test_somebody_is_turned_away_also_when_the_ledger_is_down(
    client: FlaskClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_args: object, **_options: object) -> None:
        raise Unavailable(reason="ledger")

    monkeypatch.setattr(house.stores.ledger, "append", down)
    assert client.get(READ).status_code == 401


def test_a_session_cookie_is_no_token(client: FlaskClient, house: House) -> None:
    client.set_cookie("gateway-demo-session", "x" * 43)
    assert client.get(READ).status_code == 401


@pytest.mark.parametrize(
    ("persona", "purpose"),
    [
        ("navigator", Purpose.DIRECT_CARE),
        ("analyst", Purpose.ANALYTICS),
        ("ig-officer", Purpose.IG_AUDIT),
        ("privacy-officer", Purpose.IG_AUDIT),
    ],
)
@pytest.mark.parametrize("path", [READ, f"{SEARCH}?family={AMINA.family}&birthdate={AMINA.birth_date}"])
def test_a_purpose_outside_the_agreement_is_refused_and_nothing_is_shown(
    client: FlaskClient, house: House, persona: str, purpose: Purpose, path: str
) -> None:
    response = client.get(path, headers=bearer(house, persona, purpose))
    codings = json.loads(response.data)["issue"][0]["details"]["coding"]
    assert response.status_code == 403
    assert codings[0]["code"] == "ACCESS_DENIED"
    assert codings[1]["system"] == REASONS
    assert codings[1]["code"]
    for private in (AMINA.number, AMINA.family, AMINA.given, AMINA.birth_date, AMINA.postcode):
        assert private not in response.text


def test_a_refusal_for_a_known_and_an_unknown_person_is_the_same(client: FlaskClient, house: House) -> None:
    headers = bearer(house, "analyst")
    answers = [client.get(f"{SEARCH}/{who.number}", headers=headers) for who in (AMINA, HIDDEN, ABSENT)]
    assert len({answer.data for answer in answers}) == 1


def test_a_revoked_caller_is_out_at_once(settings: Settings, tmp_path: Path) -> None:
    with opened(copied(settings, tmp_path / "copy")) as house:
        client, headers = create_app(house=house).test_client(), bearer(house, "social-worker")
        assert client.get(READ, headers=headers).status_code == 200
        revoke(house, "social-worker")
        assert client.get(READ, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("header", "spine", "words"),
    [
        (None, "MISSING_VALUE", "Invalid request with error - X-Request-ID header must be supplied"),
        ("", "INVALID_VALUE", "Invalid value - '' in header 'X-Request-ID'"),
        ("1234", "INVALID_VALUE", "Invalid value - '1234' in header 'X-Request-ID'"),
    ],
)
def test_the_request_id_is_mandatory(
    client: FlaskClient, house: House, header: str | None, spine: str, words: str
) -> None:
    headers = bearer(house, "social-worker")
    del headers["X-Request-ID"]
    response = client.get(READ, headers=headers | ({} if header is None else {"X-Request-ID": header}))
    assert (response.status_code, code(response)) == (400, spine)
    assert words in json.loads(response.data)["issue"][0]["diagnostics"]


@pytest.mark.parametrize("header", ["", "invalid", "1234x", "\u0661"])
def test_a_role_header_is_digits_where_it_is_sent(client: FlaskClient, house: House, header: str) -> None:
    headers = bearer(house, "social-worker") | {"NHSD-Session-URID": header}
    response = client.get(READ, headers=headers)
    assert (response.status_code, code(response)) == (400, "INVALID_VALUE")
    assert "in header 'NHSD-Session-URID'. Refer to the guidance" in response.text
    assert client.get(READ, headers=headers | {"NHSD-Session-URID": "555254240100"}).status_code == 200


def test_the_other_headers_of_pds_change_nothing(client: FlaskClient, house: House) -> None:
    more = {"NHSD-End-User-Organisation-ODS": "Y12345", "Accept": "application/fhir+json; version=1.1"}
    assert client.get(READ, headers=bearer(house, "social-worker") | more).status_code == 200


def test_related_people_are_an_empty_bundle_with_the_patients_version(client: FlaskClient, house: House) -> None:
    response = client.get(f"{READ}/RelatedPerson", headers=bearer(house, "social-worker"))
    bundle = json.loads(response.data)
    assert response.status_code == 200
    assert (bundle["resourceType"], bundle["type"], bundle["total"]) == ("Bundle", "searchset", 0)
    assert "entry" not in bundle
    assert response.headers["ETag"].startswith('W/"')


def test_the_token_is_looked_at_before_the_request_id(client: FlaskClient) -> None:
    assert client.get(READ).status_code == 401


@pytest.mark.parametrize(
    ("number", "status", "spine"),
    [
        (ABSENT.number, 404, "RESOURCE_NOT_FOUND"),
        (GONE.number, 404, "INVALIDATED_RESOURCE"),
        ("9990000019", 400, "INVALID_RESOURCE_ID"),
        ("999000001", 400, "INVALID_RESOURCE_ID"),
        ("nonsense", 400, "INVALID_RESOURCE_ID"),
        ("\uff19990000018", 400, "INVALID_RESOURCE_ID"),
    ],
)
def test_a_number_that_gives_nobody_says_why(
    client: FlaskClient, house: House, number: str, status: int, spine: str
) -> None:
    response = client.get(f"{SEARCH}/{number}", headers=bearer(house, "social-worker"))
    assert (response.status_code, code(response)) == (status, spine)


def test_a_superseded_number_gives_the_surviving_patient(client: FlaskClient, house: House) -> None:
    response = client.get(f"{SEARCH}/{MOVED.number}", headers=bearer(house, "social-worker"))
    assert json.loads(response.data)["id"] == AMINA.number


def test_a_restricted_patient_comes_without_a_place(client: FlaskClient, house: House) -> None:
    response = client.get(f"{SEARCH}/{HIDDEN.number}", headers=bearer(house, "social-worker"))
    patient = json.loads(response.data)
    assert patient["meta"]["security"][0]["code"] == "R"
    assert not {"address", "telecom", "generalPractitioner", "contact"} & patient.keys()
    assert HIDDEN.postcode not in response.text


def test_a_death_is_told_with_its_notification_status(client: FlaskClient, house: House) -> None:
    response = client.get(f"{SEARCH}/{DIED.number}", headers=bearer(house, "social-worker"))
    assert json.loads(response.data)["deceasedDateTime"].startswith("2024-02-01")


def test_a_search_finds_the_one_who_fits(client: FlaskClient, house: House) -> None:
    bundle = find(client, house, family=BRAM.family, given=BRAM.given, birthdate=f"eq{BRAM.birth_date}")
    assert (bundle["type"], bundle["total"]) == ("searchset", 1)
    entry = bundle["entry"][0]
    assert entry["search"]["score"] == 1
    assert entry["fullUrl"] == f"http://localhost{PDS_BASE}/Patient/{BRAM.number}"


def test_a_search_that_finds_nobody_has_no_entry(client: FlaskClient, house: House) -> None:
    bundle = find(client, house, family=ABSENT.family, birthdate=f"eq{ABSENT.birth_date}")
    assert bundle["total"] == 0
    assert "entry" not in bundle


def test_a_restricted_person_is_not_found_by_postcode(client: FlaskClient, house: House) -> None:
    who = {"family": HIDDEN.family, "birthdate": f"eq{HIDDEN.birth_date}"}
    assert find(client, house, **who)["total"] == 1
    assert find(client, house, **who, **{"address-postalcode": HIDDEN.postcode})["total"] == 0


@pytest.mark.parametrize(
    ("query", "spine"),
    [
        ("", "UNSUPPORTED_SERVICE"),
        ("year=2010", "ADDITIONAL_PROPERTIES"),
        ("family=Smith&birthdate=20101022", "INVALID_VALUE"),
        ("family=Smith", "MISSING_VALUE"),
        ("birthdate=eq2010-10-22", "INVALID_SEARCH_DATA"),
    ],
)
def test_a_search_is_refused_in_the_order_of_pds(client: FlaskClient, house: House, query: str, spine: str) -> None:
    response = client.get(f"{SEARCH}?{query}", headers=bearer(house, "social-worker"))
    assert (response.status_code, code(response)) == (400, spine)


def test_more_than_may_be_shown_is_a_success_without_anybody(client: FlaskClient, house: House) -> None:
    query = f"family={TWIN.family}&birthdate=eq{TWIN.birth_date}"
    headers = bearer(house, "social-worker")
    assert json.loads(client.get(f"{SEARCH}?{query}", headers=headers).data)["total"] == 2
    response = client.get(f"{SEARCH}?{query}&_max-results=1", headers=headers)
    assert (response.status_code, code(response)) == (200, "TOO_MANY_MATCHES")
    assert TWIN.given not in response.text


@pytest.mark.parametrize("method", ["patch", "post"])
def test_a_write_is_refused_as_a_read_only_application_is(client: FlaskClient, house: House, method: str) -> None:
    response = getattr(client, method)(READ if method == "patch" else SEARCH, headers=bearer(house, "social-worker"))
    assert (response.status_code, code(response)) == (403, "INVALID_METHOD")


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_what_is_not_served_is_refused_as_fhir(client: FlaskClient, house: House, method: str) -> None:
    response = getattr(client, method)(READ, headers=bearer(house, "social-worker"), json={})
    assert (response.status_code, code(response)) == (405, "UNSUPPORTED_SERVICE")


def test_a_route_nobody_made_is_refused_as_fhir(client: FlaskClient) -> None:
    for path in (f"{PDS_BASE}/RelatedPerson", "/fhir/R4/Observation"):
        response = client.get(path)
        assert response.status_code == 404
        assert json.loads(response.data)["resourceType"] == "OperationOutcome"


def test_a_search_leaves_its_decision_and_its_outcome(client: FlaskClient, house: House) -> None:
    before = house.stores.ledger.size()
    query = {"family": AMINA.family, "birthdate": AMINA.birth_date}
    with client.get(f"{PDS_BASE}/Patient", query_string=query, headers=bearer(house, "social-worker")) as response:
        assert response.status_code == 200
    house.stores.ledger.flush()
    rows = [row for row in house.stores.ledger.search(limit=20) if row.seq > before]
    assert sorted(row.kind for row in rows) == ["disclosure", "outcome"]
    assert len({row.body["decision_id"] for row in rows}) == 1


def test_every_answer_leaves_rows_that_carry_the_request_id(client: FlaskClient, house: House) -> None:
    sent = "0f0e0d0c-0b0a-4908-8706-050403020100"
    before = house.stores.ledger.size()
    with client.get(READ, headers=bearer(house, "social-worker") | {"X-Request-ID": sent}):
        pass
    with client.get(READ, headers=bearer(house, "analyst") | {"X-Request-ID": sent}):
        pass
    house.stores.ledger.flush()
    rows = [row for row in house.stores.ledger.search(limit=20) if row.seq > before]
    assert {row.kind for row in rows} >= {"disclosure", "refusal", "outcome"}
    assert {row.body["request_id"] for row in rows if row.kind in {"disclosure", "refusal"}} == {sent}
    kept = json.dumps([row.body for row in rows])
    for person in PEOPLE:
        assert person.number not in kept
        assert person.family not in kept
