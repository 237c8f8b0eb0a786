"""What the PDS client promises, against a real HTTP server on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from gateway.errors import InputError, UpstreamError
from gateway.services.tracing.onward_cascade import Found, Query
from gateway.settings import load_settings
from gateway.transports.pds import PdsClient, client_of
from gateway.transports.pds_access import SignedAccess
from linkage.nhs_number import NhsNumber
from tests.gateway.transports.upstreams import KEY, Said, Time, outcome, scripted

if TYPE_CHECKING:
    from pathlib import Path

NUMBER = NhsNumber("9993874116")
PATIENT = {"resourceType": "Patient", "id": NUMBER.digits}
QUERY = Query("Patelova", "Ami*", "1941-03-15", "LE21AA")
EMPTY = {"resourceType": "Bundle", "type": "searchset", "total": 0}


def bundle(*patients: dict[str, Any]) -> dict[str, Any]:
    return {**EMPTY, "total": len(patients), "entry": [{"search": {"score": 1}, "resource": one} for one in patients]}


@pytest.fixture
def time() -> Time:
    return Time()


def test_a_known_number_gives_its_patient_and_every_question_has_its_own_id(time: Time) -> None:
    with scripted([Said(200, PATIENT)]) as server:
        client = PdsClient(server.base, token="a-token", patience=time.patience(), organisation="X09")
        assert client.patient(NUMBER) == PATIENT
        client.patient(NUMBER)
        client.close()
    assert server.seen[0]["path"] == f"/R4/Patient/{NUMBER.digits}"
    assert server.seen[0]["authorization"] == "Bearer a-token"
    assert server.seen[0]["nhsd-end-user-organisation-ods"] == "X09"
    assert len({one["x-request-id"] for one in server.seen}) == 2


@pytest.mark.parametrize("code", ["RESOURCE_NOT_FOUND", "INVALIDATED_RESOURCE"])
def test_a_number_that_pds_does_not_know_in_force_is_nobody(code: str, time: Time) -> None:
    with scripted([Said(404, outcome(code))]) as server:
        client = PdsClient(server.base, patience=time.patience())
        assert client.patient(NUMBER) is None
        client.close()
    assert "authorization" not in server.seen[0]


def test_a_search_says_what_an_application_may_and_no_gender(time: Time) -> None:
    with scripted([Said(200, bundle(PATIENT))]) as server:
        client = PdsClient(server.base, patience=time.patience())
        found = client.search(QUERY)
        client.close()
    assert (found, found.number) == (Found(PATIENT), NUMBER)
    assert parse_qs(urlsplit(server.seen[0]["path"]).query) == {
        "family": ["Patelova"],
        "given": ["Ami*"],
        "birthdate": ["eq1941-03-15"],
        "address-postalcode": ["LE21AA"],
        "_history": ["true"],
        "_max-results": ["1"],
    }


@pytest.mark.parametrize(
    ("body", "found"), [(EMPTY, Found()), (outcome("TOO_MANY_MATCHES"), Found(several=True))], ids=["none", "several"]
)
def test_nobody_is_a_bundle_without_entry_and_too_many_a_success_without_people(
    body: dict[str, Any], found: Found, time: Time
) -> None:
    with scripted([Said(200, body)]) as server:
        client = PdsClient(server.base, patience=time.patience())
        assert client.search(QUERY) == found
        client.close()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, outcome("SOMETHING_ELSE")),
        (404, {}),
        (200, b"not json"),
        (200, b"[]"),
        (200, bundle(PATIENT, PATIENT)),
        (200, bundle({"resourceType": "RelatedPerson"})),
        (200, outcome("SOMETHING_ELSE")),
        (200, {"resourceType": "Bundle"}),
        (302, b""),
        (400, outcome("INVALID_SEARCH_DATA")),
        (403, outcome("INVALID_VALUE")),
        (429, outcome("TOO_MANY_REQUESTS")),
        (503, b""),
    ],
)
def test_whatever_the_specification_does_not_say_is_an_upstream_error_without_the_person(
    status: int, body: object, time: Time
) -> None:
    with scripted([Said(status, body)]) as server:
        client = PdsClient(server.base, patience=time.patience(tries=1))
        for ask in (lambda: client.patient(NUMBER), lambda: client.search(QUERY)):
            with pytest.raises(UpstreamError) as refused:
                ask()
            assert not [one for one in (NUMBER.digits, QUERY.family, QUERY.birth_date) if one in str(refused.value)]
        client.close()


def test_an_upstream_that_is_not_there_is_an_upstream_error(time: Time) -> None:
    client = PdsClient("http://127.0.0.1:9/R4", patience=time.patience())
    with pytest.raises(UpstreamError, match="did not answer"):
        client.patient(NUMBER)
    client.close()
    assert len(time.slept) == 4


def test_a_question_sent_again_keeps_its_id(time: Time) -> None:
    with scripted([Said(503), Said(429, headers={"Retry-After": "7"}), Said(200, PATIENT)]) as server:
        client = PdsClient(server.base, patience=time.patience())
        assert client.patient(NUMBER) == PATIENT
        client.close()
    assert len({one["x-request-id"] for one in server.seen}) == 1
    assert time.slept == [1.0, 7.0]


def test_a_token_that_was_refused_is_fetched_anew_once(time: Time) -> None:
    tokens = [Said(200, {"access_token": name, "expires_in": "599"}) for name in ("first", "second")]
    with scripted([tokens[0], Said(401), tokens[1], Said(200, PATIENT)]) as server:
        patience = time.patience()
        client = PdsClient(server.base, patience=patience, access=_access(server.base, time))
        assert client.patient(NUMBER) == PATIENT
        client.close()
    assert [one.get("authorization", "") for one in server.seen] == ["", "Bearer first", "", "Bearer second"]
    with scripted([Said(401, outcome("ACCESS_DENIED"))]) as server:
        client = PdsClient(server.base, token="fixed", patience=patience)
        with pytest.raises(UpstreamError, match="401"):
            client.patient(NUMBER)
        client.close()
    assert len(server.seen) == 1


def _access(base: str, time: Time) -> SignedAccess:
    session = requests.Session()
    return SignedAccess(
        session, time.patience(), token_url=f"{base}/token", api_key="k", key_id="kid", key=KEY, clock=time
    )


def test_an_answer_is_used_again_for_as_long_as_was_set_and_its_age_is_told(
    time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.transports.pds._MOST_REMEMBERED", 2)
    other = Query("Okonjo", "Bram", "1962-11-02")
    with scripted([Said(200, PATIENT), Said(200, EMPTY), Said(500), Said(200, PATIENT)]) as server:
        client = PdsClient(server.base, patience=time.patience(tries=1), remember=60, clock=time)
        client.patient(NUMBER)
        assert client.age == 0
        time.now += 45
        assert client.patient(NUMBER) == PATIENT
        assert (client.age, len(server.seen)) == (45, 1)
        client.search(other)
        assert client.age == 0
        time.now += 30
        with pytest.raises(UpstreamError):
            client.patient(NUMBER)
        assert client.patient(NUMBER) == PATIENT
        assert len(server.seen) == 4
        client.close()


@pytest.mark.parametrize("address", ["http://pds.example/R4", "ftp://127.0.0.1/R4", "file:///etc/hosts"])
def test_plain_http_is_spoken_to_this_machine_only(address: str) -> None:
    with pytest.raises(InputError):
        PdsClient(address)


def test_there_is_no_client_unless_an_upstream_is_set() -> None:
    with pytest.raises(InputError, match="GATEWAY_PDS_BASE_URL"):
        client_of(load_settings({}))


def test_settings_make_a_client_with_a_token_or_with_a_key(tmp_path: Path) -> None:
    key = tmp_path / "pds.pem"
    key.write_bytes(KEY.as_pem(private=True))
    key.chmod(0o600)
    base = {"GATEWAY_PDS_BASE_URL": "https://pds.example/FHIR/R4"}
    client_of(load_settings(base | {"GATEWAY_PDS_TOKEN": "t"})).close()
    signed = base | {
        "GATEWAY_PDS_PRIVATE_KEY": str(key),
        "GATEWAY_PDS_TOKEN_URL": "https://pds.example/oauth2/token",
        "GATEWAY_PDS_API_KEY": "the-secret-api-key",
        "GATEWAY_PDS_KEY_ID": "kid-1",
    }
    settings = load_settings(signed)
    client_of(settings).close()
    assert "the-secret-api-key" not in repr(settings)
    for name in ("GATEWAY_PDS_TOKEN_URL", "GATEWAY_PDS_API_KEY", "GATEWAY_PDS_KEY_ID"):
        with pytest.raises(InputError, match=name):
            client_of(load_settings({key: value for key, value in signed.items() if key != name}))
    with pytest.raises(InputError, match="GATEWAY_PDS_TOKEN_URL: https"):
        client_of(load_settings(signed | {"GATEWAY_PDS_TOKEN_URL": "http://pds.example/token"}))
