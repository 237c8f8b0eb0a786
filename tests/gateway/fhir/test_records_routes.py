"""A person's joined record over HTTP, and what the server says it can do."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from fhir.resources.R4B.capabilitystatement import CapabilityStatement

from gateway.fhir import records
from gateway.fhir.capability import served
from gateway.fhir.json import dumps
from gateway.fhir.outcome import FHIR_BASE, PDS_BASE
from gateway.fhir.query import NAMES
from gateway.ids import person_id
from ig.purpose import Purpose
from linkage.nhs_number import NhsNumber
from tests.gateway.web.small_house import AMINA, bearer

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from gateway.house import House

EVERYTHING = f"{FHIR_BASE}/Patient/{person_id(NhsNumber(AMINA.number))}/$everything"


def test_direct_care_without_a_relationship_is_told_which_is_missing(client: FlaskClient, house: House) -> None:
    response = client.get(EVERYTHING, headers=bearer(house, "social-worker", Purpose.DIRECT_CARE))
    issue = json.loads(response.data)["issue"][0]
    assert response.status_code == 403
    assert issue["code"] == "forbidden"
    assert issue["details"]["coding"][0]["code"] == "relationship-required"
    assert AMINA.number not in response.text
    assert AMINA.family not in response.text


def test_a_refusal_does_not_tell_whether_there_is_such_a_person(client: FlaskClient, house: House) -> None:
    headers = bearer(house, "analyst")
    known = client.get(EVERYTHING, headers=headers)
    unknown = client.get(f"{FHIR_BASE}/Patient/nobody/$everything", headers=headers)
    assert known.status_code == unknown.status_code == 403
    assert known.data == unknown.data


def test_an_id_longer_than_fhir_allows_is_refused(client: FlaskClient, house: House) -> None:
    response = client.get(f"{FHIR_BASE}/Patient/{'x' * 65}/$everything", headers=bearer(house, "gp"))
    assert response.status_code == 400


def test_a_record_goes_out_as_it_was_given_decimals_and_all(
    client: FlaskClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = {"resourceType": "Observation", "id": "o1", "valueQuantity": {"value": Decimal("72.50")}}

    def everything(*_args: object) -> dict[str, Any]:
        tag = {"system": "https://gateway.example/decision", "code": "d1"}
        return {"resourceType": "Bundle", "type": "searchset", "meta": {"tag": [tag]}, "entry": [{"resource": value}]}

    monkeypatch.setattr(records, "everything", everything)
    with client.get(EVERYTHING, headers=bearer(house, "gp")) as response:
        assert response.status_code == 200
        assert b'"value":72.50' in response.data


@pytest.mark.parametrize(
    ("number", "text"),
    [("72.50", "72.50"), ("-0.00", "-0.00"), ("1E+3", "1E+3"), ("123456789012345678901.5", "123456789012345678901.5")],
)
def test_a_decimal_is_written_exactly(number: str, text: str) -> None:
    assert dumps([Decimal(number)]) == f"[{text}]".encode()


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), object()])
def test_what_json_cannot_hold_is_not_written(value: object) -> None:
    with pytest.raises(TypeError):
        dumps([value])


def test_the_capability_statement_is_open_and_valid(client: FlaskClient) -> None:
    response = client.get(f"{FHIR_BASE}/metadata")
    told = json.loads(response.data)
    assert response.status_code == 200
    assert response.mimetype == "application/fhir+json"
    CapabilityStatement.model_validate(told)
    assert told["fhirVersion"] == "4.0.1"


def test_the_capability_statement_claims_what_is_routed_and_nothing_else(client: FlaskClient, app: Flask) -> None:
    told = json.loads(client.get(f"{FHIR_BASE}/metadata").data)
    house_rest, pds_rest = told["rest"]
    linkage, patient = house_rest["resource"]
    assert [each["name"] for each in patient["operation"]] == ["everything", "ihe-pix", "match"]
    assert [each["code"] for each in patient["interaction"]] == ["search-type", "read"]
    assert {each["code"] for each in pds_rest["resource"][0]["interaction"]} == {"read", "search-type"}
    assert {each["name"] for each in pds_rest["resource"][0]["searchParam"]} == set(NAMES)
    assert (linkage["searchParam"][0]["type"], linkage["searchRevInclude"]) == ("reference", ["Provenance:target"])
    routed = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith((FHIR_BASE, PDS_BASE))}
    assert {path for path, _ in served(app)} == routed


def test_each_search_parameter_has_the_type_that_fhir_gives_it(client: FlaskClient) -> None:
    told = json.loads(client.get(f"{FHIR_BASE}/metadata").data)
    types = {one["name"]: one["type"] for one in told["rest"][0]["resource"][1]["searchParam"]}
    assert types == {
        "_id": "token",
        "active": "token",
        "address": "string",
        "address-city": "string",
        "address-postalcode": "string",
        "birthdate": "date",
        "email": "token",
        "family": "string",
        "gender": "token",
        "given": "string",
        "identifier": "token",
        "phone": "token",
        "telecom": "token",
    }
    operations = {one["name"]: one["definition"] for one in told["rest"][0]["resource"][1]["operation"]}
    assert operations == {
        "everything": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
        "ihe-pix": "https://profiles.ihe.net/ITI/PIXm/OperationDefinition/IHE.PIXm.pix",
        "match": "http://hl7.org/fhir/OperationDefinition/Patient-match",
    }
