"""``Patient/$ihe-pix`` as IHE PIXm (ITI-83) has it: what corresponds, to whom it is told, and how it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fhir.resources.R4B.parameters import Parameters

from adapters.systems import NHS_NUMBER
from gateway.services.tracing.crossref import LocalDomain, Source, UnknownIdentifier, cross_reference, local_domain
from gateway.storage.records import source_person_id
from ig.purpose import Purpose
from tests.gateway.fhir.conftest import CLIENTS, issue, told
from tests.gateway.houses import AMINA, BRAM, DIED, GONE, HIDDEN, MOVED, STRANGER, TWIN, event, persona, take_in

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

    from gateway.house import House
    from tests.gateway.fhir.conftest import Front
    from tests.gateway.houses import Watch

PIX = "Patient/$ihe-pix"
BASE = "http://localhost/fhir/R4"
WARD = "https://gateway.example/Id/acute/RZZ"


def pairs(response: TestResponse) -> set[tuple[str, str]]:
    """Everything that corresponds: (system, value), and the reference as ("", address)."""
    body = told(response)
    assert response.status_code == 200, body
    Parameters.model_validate(body)
    found = set()
    for one in body.get("parameter", ()):
        if one["name"] == "targetId":
            found.add(("", one["valueReference"]["reference"]))
        else:
            assert one["name"] == "targetIdentifier"
            found.add((one["valueIdentifier"]["system"], one["valueIdentifier"]["value"]))
    return found


def source(system: str, value: str, *targets: str) -> str:
    return "&".join([f"{PIX}?sourceIdentifier={system}|{value}", *(f"targetSystem={one}" for one in targets)])


def amina(*besides: tuple[str, str]) -> set[tuple[str, str]]:
    return {("", f"{BASE}/Patient/{AMINA.id}"), *besides}


NUMBER = (NHS_NUMBER, AMINA.number)
ONE, TWO = (CLIENTS, "amina"), (CLIENTS, "twice")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (source(*NUMBER), amina(ONE, TWO)),
        (source(NHS_NUMBER, MOVED.number), amina(NUMBER, ONE, TWO)),
        (source(*ONE), amina(NUMBER, TWO)),
        (source(*ONE, NHS_NUMBER), amina(NUMBER)),
        (source(*ONE, CLIENTS), {TWO}),
        (source(*NUMBER, BASE), amina()),
        (source(BASE, f"Patient/{AMINA.id}"), {NUMBER, ONE, TWO}),
        (source(BASE, AMINA.id, NHS_NUMBER), {NUMBER}),
        (source(NHS_NUMBER, TWIN.number), {("", f"{BASE}/Patient/{TWIN.id}")}),
    ],
)
def test_what_corresponds_is_given_and_the_source_is_not(front: Front, asked: str, found: set[tuple[str, str]]) -> None:
    assert pairs(front.get(asked)) == found


def test_it_may_be_asked_by_post_so_that_no_address_holds_a_number(front: Front) -> None:
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "sourceIdentifier", "valueIdentifier": {"system": CLIENTS, "value": "amina"}},
            {"name": "targetSystem", "valueUri": NHS_NUMBER},
        ],
    }
    assert pairs(front.post(PIX, body)) == amina(NUMBER)


@pytest.mark.parametrize("ref", ["bram", "wrong", "nobody"])
def test_a_record_that_is_not_joined_well_enough_for_care_corresponds_to_nothing(front: Front, ref: str) -> None:
    """A number that was only proposed, a link taken back, and somebody whom no index knows."""
    response = front.get(source(CLIENTS, ref))
    assert pairs(response) == set()
    assert told(response) == {"resourceType": "Parameters"}


@pytest.mark.parametrize(
    ("asked", "status", "code", "words"),
    [
        (source(CLIENTS, "unknown"), 404, "not-found", "sourceIdentifier Patient Identifier not found"),
        (source(NHS_NUMBER, STRANGER.number), 404, "not-found", "sourceIdentifier Patient Identifier not found"),
        (source(NHS_NUMBER, "1234567890"), 404, "not-found", "sourceIdentifier Patient Identifier not found"),
        (source(NHS_NUMBER, GONE.number), 404, "not-found", "sourceIdentifier Patient Identifier not found"),
        (source(BASE, "Observation/1"), 404, "not-found", "sourceIdentifier Patient Identifier not found"),
        (source("urn:oid:1.2.3", "94"), 400, "code-invalid", "sourceIdentifier Assigning Authority not found"),
        (source(WARD, "94"), 400, "code-invalid", "sourceIdentifier Assigning Authority not found"),
        (source(*NUMBER, "urn:oid:1.2.3"), 403, "code-invalid", "targetSystem not found"),
        (source(*NUMBER, WARD), 403, "code-invalid", "targetSystem not found"),
    ],
)
def test_it_fails_as_the_profile_says(front: Front, asked: str, status: int, code: str, words: str) -> None:
    response = front.get(asked)
    found = issue(response)
    assert (response.status_code, found["severity"], found["code"]) == (status, "error", code)
    assert found["diagnostics"] == words


@pytest.mark.parametrize(
    "query",
    [
        "",
        "sourceIdentifier=",
        "sourceIdentifier=no-system",
        f"sourceIdentifier={CLIENTS}|a&sourceIdentifier={CLIENTS}|b",
    ],
)
def test_a_source_is_one_identifier_with_its_domain(front: Front, query: str) -> None:
    response = front.get(f"{PIX}?{query}")
    assert (response.status_code, issue(response)["location"]) == (400, ["http.sourceIdentifier"])


def test_a_parameter_that_there_is_not_is_refused_without_being_repeated(front: Front) -> None:
    response = front.get(f"{source(*NUMBER)}&Zanzibar=1")
    assert response.status_code == 400
    assert "Zanzibar" not in response.text


@pytest.mark.parametrize(
    ("parameter", "path"),
    [
        ({"name": "Zanzibar", "valueUri": "x"}, "Parameters.parameter[0].name"),
        ({"name": "sourceIdentifier", "valueString": "a|b"}, "Parameters.parameter[0].valueIdentifier"),
        (
            {"name": "sourceIdentifier", "valueIdentifier": {"system": "urn:x"}},
            "Parameters.parameter[0].valueIdentifier",
        ),
        ({"name": "targetSystem", "valueUri": "a|b"}, "Parameters.parameter[0].valueUri"),
    ],
)
def test_bad_parameters_are_refused_by_their_path(front: Front, parameter: dict[str, Any], path: str) -> None:
    response = front.post(PIX, {"resourceType": "Parameters", "parameter": [parameter]})
    assert (response.status_code, issue(response)["expression"]) == (400, [path])
    assert "Zanzibar" not in response.text


def test_another_organisations_numbers_are_not_told_for_tracing(front: Front) -> None:
    """The ward may trace; that Amina is known to the council it does not learn by it."""
    assert pairs(front.get(source(*NUMBER), "ward")) == amina()


def test_for_direct_care_the_numbers_of_the_agreements_organisations_are_told(front: Front) -> None:
    found = pairs(front.get(source(*NUMBER), "social-worker", Purpose.DIRECT_CARE))
    assert found == amina(ONE, TWO)
    by_id = pairs(front.get(source(BASE, AMINA.id), "social-worker", Purpose.DIRECT_CARE))
    assert by_id == {NUMBER, ONE, TWO}


def test_for_direct_care_a_relationship_is_needed(front: Front) -> None:
    response = front.get(source(NHS_NUMBER, TWIN.number), "social-worker", Purpose.DIRECT_CARE)
    assert (response.status_code, issue(response)["details"]["coding"][0]["code"]) == (403, "relationship-required")


def test_looking_somebody_up_by_a_local_number_is_tracing_and_not_care(front: Front) -> None:
    response = front.get(source(*ONE), "social-worker", Purpose.DIRECT_CARE)
    assert (response.status_code, issue(response)["code"]) == (400, "code-invalid")


def test_of_a_restricted_person_only_ones_own_number_is_told(front: Front) -> None:
    found = pairs(front.get(source(NHS_NUMBER, HIDDEN.number), "social-worker", Purpose.DIRECT_CARE))
    assert found == {("", f"{BASE}/Patient/{HIDDEN.id}"), (CLIENTS, "esme")}
    assert pairs(front.get(source(NHS_NUMBER, HIDDEN.number), "ward")) == {("", f"{BASE}/Patient/{HIDDEN.id}")}


def test_the_ledger_names_the_person_and_a_failure_leaves_its_row_too(front: Front, seen: Watch) -> None:
    front.get(source(*ONE))
    front.get(source(CLIENTS, "unknown"))
    found, missed = [row.body for row in seen.rows() if row.kind == "disclosure"]
    assert found["subjects"]["count"] == 1
    assert (missed["subjects"]["count"], missed["result"]) == (0, "source-identifier")


@pytest.mark.parametrize(
    ("system", "domain"),
    [
        (CLIENTS, LocalDomain("social-care", "999")),
        ("https://gateway.example/Id/tabular/nhs111/999", LocalDomain("tabular:nhs111", "999")),
        ("https://gateway.example/Id/social-care/999/event", None),
        ("https://gateway.example/Id/social-care/", None),
        ("https://gateway.example/Id/sha-256", None),
        (NHS_NUMBER, None),
    ],
)
def test_a_local_domain_is_a_source_and_an_organisation(system: str, domain: LocalDomain | None) -> None:
    assert local_domain(system) == domain
    assert domain is None or domain.system == system


def test_somebody_only_the_index_knows_of_corresponds_to_their_resource_alone(front: Front) -> None:
    assert pairs(front.get(source(NHS_NUMBER, DIED.number, CLIENTS))) == set()
    assert pairs(front.get(source(NHS_NUMBER, BRAM.number, CLIENTS))) == set()


def test_a_record_that_its_source_merged_leads_where_the_other_does(own_town: House, tmp_path: Path) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("kept", AMINA, number=AMINA.number), event("gone", STRANGER)])
    kept, gone = (source_person_id("social-care", "999", ref) for ref in ("kept", "gone"))
    worker = persona(own_town, "social-worker")
    with own_town.stores.transaction() as tx:
        own_town.stores.records.retire(tx, gone, kept)
    found = cross_reference(own_town, worker, Source(CLIENTS, "gone", BASE))
    assert {one["value"] for one in found.identifiers} == {AMINA.number, "kept"}
    with own_town.stores.transaction() as tx:
        own_town.stores.records.retire(tx, kept, gone)
    with pytest.raises(UnknownIdentifier):
        cross_reference(own_town, worker, Source(CLIENTS, "gone", BASE))
