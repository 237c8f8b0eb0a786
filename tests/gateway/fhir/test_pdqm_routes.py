"""``Patient`` search and read as IHE PDQm (ITI-78) has them: who fits, how it is asked, and what is not answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.patient import Patient

from adapters.systems import NHS_NUMBER
from gateway.fhir.body import LARGEST
from gateway.services.tracing import people as use_case
from ig.purpose import Purpose
from tests.gateway.fhir.conftest import issue, told
from tests.gateway.houses import (
    AMINA,
    BRAM,
    DIED,
    FORMER,
    GONE,
    HIDDEN,
    MOVED,
    NAMESAKE,
    OTHER_NAMESAKE,
    OTHER_TWIN,
    STRANGER,
    TWIN,
    Townsperson,
)

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.gateway.fhir.conftest import Front
    from tests.gateway.houses import Watch

Resource = dict[str, Any]
BASE = "http://localhost/fhir/R4"
BORN = f"birthdate={AMINA.birth_date}"


def people(response: TestResponse) -> list[str]:
    """The ids of those who were found, in the order of the answer."""
    bundle = told(response)
    assert response.status_code == 200, bundle
    Bundle.model_validate(bundle)
    assert bundle["type"] == "searchset"
    entries = [one for one in bundle.get("entry", ()) if one["search"]["mode"] == "match"]
    assert all(one["fullUrl"] == f"{BASE}/Patient/{one['resource']['id']}" for one in entries)
    scores = [one["search"]["score"] for one in entries]
    assert scores == sorted(scores, reverse=True)
    return [one["resource"]["id"] for one in entries]


def query(who: Townsperson, *more: str, family: str = "") -> str:
    return "Patient?" + "&".join([f"family={family or who.family}", f"birthdate={who.birth_date}", *more])


FOUND: dict[str, tuple[str, list[Townsperson]]] = {
    "family and birth date": (query(AMINA), [AMINA]),
    "in any case, with any accent": (query(AMINA, family="PÀTEL%C3%93VA"), [AMINA]),
    "by how a name begins": (query(AMINA, family="pat"), [AMINA]),
    "by an earlier name": (query(NAMESAKE, family="Nowak"), [NAMESAKE]),
    "both of two": (query(TWIN), [TWIN, OTHER_TWIN]),
    "one of two by forename": (query(TWIN, "given=Rosal"), [TWIN]),
    "either forename": (query(TWIN, "given=Rosalind,Rosamund"), [TWIN, OTHER_TWIN]),
    "no forename is two": (query(TWIN, "given=Rosalind&given=Rosamund"), []),
    "either family": (f"Patient?family={TWIN.family},Nobody&birthdate={TWIN.birth_date}", [TWIN, OTHER_TWIN]),
    "letter for letter": (f"Patient?family:exact={AMINA.family}&{BORN}", [AMINA]),
    "not letter for letter": (f"Patient?family:exact={AMINA.family.lower()}&{BORN}", []),
    "forename letter for letter": (query(AMINA, f"given:exact={AMINA.given}"), [AMINA]),
    "gender": (query(BRAM, "gender=male"), [BRAM]),
    "gender with its system": (query(BRAM, "gender=http://hl7.org/fhir/administrative-gender|male"), [BRAM]),
    "another gender": (query(BRAM, "gender=female,other"), []),
    "postcode": (query(NAMESAKE, "address-postalcode=LE18"), [NAMESAKE]),
    "postcode with a space": (query(NAMESAKE, "address-postalcode=LE18 2CC"), [NAMESAKE]),
    "postcode letter for letter": (query(NAMESAKE, f"address-postalcode:exact={NAMESAKE.postcode}"), [NAMESAKE]),
    "a line of the address": (query(AMINA, "address=1 test"), [AMINA]),
    "another line": (query(AMINA, "address=2 Test"), []),
    "both of two lines": (query(AMINA, "address=1 Test&address=LE2"), [AMINA]),
    "a town in the lines": (query(AMINA, "address-city=1 Test Street"), [AMINA]),
    "telephone": (query(AMINA, f"telecom={AMINA.phone}"), [AMINA]),
    "telephone by its system": (query(AMINA, f"telecom=phone|{AMINA.phone}"), [AMINA]),
    "e-mail": (query(AMINA, f"telecom={AMINA.email.upper()}"), [AMINA]),
    "phone and e-mail": (query(AMINA, f"phone={AMINA.phone}", f"email={AMINA.email}"), [AMINA]),
    "active": (query(AMINA, "active=true"), [AMINA]),
    "not active": (query(AMINA, "active=false"), []),
    "a month": (f"Patient?family={BRAM.family}&birthdate=1962-11", [BRAM]),
    "a year": (f"Patient?family={BRAM.family}&birthdate=1962", [BRAM]),
    "a range": (f"Patient?family={BRAM.family}&birthdate=ge1962-11-01&birthdate=lt1962-12", [BRAM]),
    "a range that ends before": (f"Patient?family={BRAM.family}&birthdate=ge1962-10-01&birthdate=lt1962-11", []),
    "a range that begins after": (f"Patient?family={BRAM.family}&birthdate=gt1962-11-02&birthdate=le1962-12", []),
    "either date": (f"Patient?family={BRAM.family}&birthdate=1962-11-02,1950-01-01", [BRAM]),
    "an NHS number": (f"Patient?identifier={NHS_NUMBER}|{AMINA.number}", [AMINA]),
    "a number of no system": (f"Patient?identifier={AMINA.number}", [AMINA]),
    "a replaced number": (f"Patient?identifier={NHS_NUMBER}|{MOVED.number}", [AMINA]),
    "either number": (f"Patient?identifier={AMINA.number},{BRAM.number}", [AMINA, BRAM]),
    "two numbers": (f"Patient?identifier={AMINA.number}&identifier={BRAM.number}", []),
    "a number and a name": (f"Patient?identifier={AMINA.number}&family=Pat", [AMINA]),
    "a number and another name": (f"Patient?identifier={AMINA.number}&family=Okonjo", []),
    "somebody else's identifier": (f"Patient?identifier=urn:oid:1.2.3|{AMINA.number}", []),
    "no number": ("Patient?identifier=1234567890", []),
    "a number nobody has": (f"Patient?identifier={STRANGER.number}", []),
    "people with a number": (query(AMINA, f"identifier={NHS_NUMBER}|"), [AMINA]),
    "an id": (f"Patient?_id={AMINA.id}", [AMINA]),
    "the id of a replaced number": (f"Patient?_id={MOVED.id}", [AMINA]),
    "an id nobody has": ("Patient?_id=nobody", []),
    "an id and a number": (f"Patient?_id={AMINA.id}&identifier={AMINA.number}", [AMINA]),
    "an id and another number": (f"Patient?_id={AMINA.id}&identifier={BRAM.number}", []),
    "nobody": (query(STRANGER), []),
    "a withdrawn person": (query(GONE), []),
    "a withdrawn number": (f"Patient?identifier={GONE.number}", []),
    "a former identity": (query(FORMER), []),
    "a restricted person by name": (query(HIDDEN), [HIDDEN]),
    "a restricted person by place": (query(HIDDEN, "address-postalcode=LE5"), []),
    "a restricted person by address": (query(HIDDEN, "address=1 Test"), []),
    "a restricted person by telephone": (query(HIDDEN, f"telecom={HIDDEN.phone}"), []),
    "somebody who died": (query(DIED), [DIED]),
}


@pytest.mark.parametrize("name", FOUND)
def test_whoever_fits_is_found_and_nobody_else(front: Front, name: str) -> None:
    asked, wanted = FOUND[name]
    assert sorted(people(front.get(asked))) == sorted(who.id for who in wanted)


def test_a_post_is_answered_as_a_get_and_no_address_holds_a_name(front: Front) -> None:
    headers = front.headers("social-worker", Purpose.DEMOGRAPHIC_TRACE)
    form = {"family": AMINA.family, "birthdate": AMINA.birth_date}
    posted = front.web.post("/fhir/R4/Patient/_search", data=form, headers=headers)
    assert people(posted) == [AMINA.id]
    both = front.web.post(
        f"/fhir/R4/Patient/_search?family={AMINA.family}", data={"birthdate": AMINA.birth_date}, headers=headers
    )
    assert people(both) == [AMINA.id]


def test_a_search_posted_as_something_else_is_refused(front: Front) -> None:
    response = front.post("Patient/_search", {"family": "x"})
    assert (response.status_code, issue(response)["code"]) == (415, "not-supported")
    headers = front.headers("social-worker", Purpose.DEMOGRAPHIC_TRACE)
    response = front.web.post("/fhir/R4/Patient/_search", data={"family": "x" * LARGEST}, headers=headers)
    assert response.status_code == 413


def test_a_search_says_what_it_was_made_of_and_which_index_answered(front: Front) -> None:
    bundle = told(front.get(query(AMINA, "_count=5")))
    assert bundle["link"] == [
        {"relation": "self", "url": f"{BASE}/Patient?family={AMINA.family}&birthdate={AMINA.birth_date}&_count=5"}
    ]
    assert bundle["total"] == 1
    assert bundle["meta"]["extension"][0]["extension"][0] == {"url": "source", "valueCode": "demo"}


def test_the_score_is_one_where_all_is_as_held_and_less_for_less(front: Front) -> None:
    def score(asked: str) -> float:
        return float(told(front.get(asked))["entry"][0]["search"]["score"])

    assert score(query(AMINA)) == 1
    assert 0 < score(query(AMINA, family="pat")) < score(query(AMINA, family="patel")) < 1


def test_no_more_are_shown_than_wanted_and_all_are_counted(front: Front) -> None:
    bundle = told(front.get(query(TWIN, "_count=1")))
    assert (bundle["total"], len(bundle["entry"])) == (2, 1)
    nobody = told(front.get(query(TWIN, "_count=0")))
    assert (nobody["total"], "entry" in nobody) == (2, False)


def test_where_more_fit_than_may_be_shown_nobody_is(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use_case, "MOST", 1)
    bundle = told(front.get(query(TWIN)))
    (entry,) = bundle["entry"]
    assert (entry["search"]["mode"], entry["resource"]["issue"][0]["code"]) == ("outcome", "multiple-matches")
    assert "total" not in bundle


def test_what_is_not_supported_is_left_out_and_said(front: Front) -> None:
    bundle = told(front.get(query(AMINA, "mothersMaidenName=Zanzibar", "address-country=GBR")))
    assert bundle["total"] == 1
    assert "Zanzibar" not in bundle["link"][0]["url"]
    assert bundle["entry"][-1]["resource"]["issue"][0]["code"] == "not-supported"


def test_a_strict_client_is_refused_instead(front: Front) -> None:
    asked = query(AMINA, "address-country=GBR")
    response = front.get(asked, "social-worker", Purpose.DEMOGRAPHIC_TRACE, Prefer="respond-async, handling=strict")
    assert (response.status_code, issue(response)["location"]) == (400, ["http.address-country"])
    odd = front.get(query(AMINA, "%C3%A9=1"), "social-worker", Purpose.DEMOGRAPHIC_TRACE, Prefer="handling=strict")
    assert odd.status_code == 400


REFUSED = {
    "nothing": ("Patient", "too-costly", "family"),
    "a family alone": ("Patient?family=Smith", "too-costly", "family"),
    "a birth date alone": ("Patient?birthdate=1941-03-15", "too-costly", "family"),
    "a forename and a date": ("Patient?given=Amina&birthdate=1941-03-15", "too-costly", "family"),
    "a telephone number": ("Patient?telecom=01160000010", "too-costly", "family"),
    "one letter": ("Patient?family=S&birthdate=1941-03-15", "invalid", "family"),
    "a wildcard": ("Patient?family=Sm*&birthdate=1941-03-15", "invalid", "family"),
    "an empty value": ("Patient?family=&birthdate=1941-03-15", "invalid", "family"),
    "an empty choice": ("Patient?family=Smith,&birthdate=1941-03-15", "invalid", "family"),
    "a name twice": ("Patient?family=Smith&family=Jones&birthdate=1941-03-15", "invalid", "family"),
    "no date": ("Patient?family=Smith&birthdate=Zanzibar", "invalid", "birthdate"),
    "no such day": ("Patient?family=Smith&birthdate=1941-02-31", "invalid", "birthdate"),
    "the year nought": ("Patient?family=Smith&birthdate=lt0001-01-01", "invalid", "birthdate"),
    "too wide a range": ("Patient?family=Smith&birthdate=ge1941&birthdate=le1960", "invalid", "birthdate"),
    "no gender": ("Patient?family=Smith&birthdate=1941-03-15&gender=Zanzibar", "invalid", "gender"),
    "no flag": ("Patient?family=Smith&birthdate=1941-03-15&active=Zanzibar", "invalid", "active"),
    "no count": ("Patient?family=Smith&birthdate=1941-03-15&_count=-1", "invalid", "_count"),
    "no id": ("Patient?_id=%2F..", "invalid", "_id"),
    "too many choices": (
        f"Patient?family={','.join(['Smith'] * 9)}&given={','.join(['Ann'] * 9)}&birthdate=1941-03-15",
        "invalid",
        "family",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_searched_by_is_refused_by_its_name_and_not_repeated(front: Front, name: str) -> None:
    asked, code, where = REFUSED[name]
    response = front.get(asked)
    found = issue(response)
    assert (response.status_code, found["code"], found["location"]) == (400, code, [f"http.{where}"])
    assert "Zanzibar" not in response.text
    assert "Smith" not in response.text


@pytest.mark.parametrize(
    "domains", ["urn:oid:1.2.3|", "urn:oid:1.2.3|,urn:oid:4.5.6|", f"{NHS_NUMBER}|,{AMINA.number}"]
)
def test_a_domain_that_is_not_given_out_is_not_found(front: Front, domains: str) -> None:
    response = front.get(query(AMINA, f"identifier={domains}"))
    found = issue(response)
    assert (response.status_code, found["code"], found["diagnostics"]) == (404, "not-found", "targetSystem not found")


@pytest.mark.parametrize(
    ("sent", "headers", "status"),
    [
        ("_format=json", {}, 200),
        ("_format=application/fhir+json", {}, 200),
        ("_format=application/fhir%2Bjson", {"Accept": "application/fhir+xml"}, 200),
        ("_format=xml", {}, 406),
        ("_format=", {}, 406),
        ("", {"Accept": "application/fhir+json; fhirVersion=4.0"}, 200),
        ("", {"Accept": "application/fhir+xml, application/json;q=0.5"}, 200),
        ("", {"Accept": "*/*"}, 200),
        ("", {"Accept": ""}, 200),
        ("", {"Accept": "application/fhir+xml"}, 406),
    ],
)
def test_answers_are_json_and_whoever_wants_another_format_is_told(
    front: Front, sent: str, headers: dict[str, str], status: int
) -> None:
    response = front.get(query(AMINA, sent), "social-worker", Purpose.DEMOGRAPHIC_TRACE, **headers)
    assert response.status_code == status
    assert status == 200 or issue(response)["code"] == "not-supported"


def test_a_person_is_read_by_id_with_a_version(front: Front) -> None:
    response = front.get(f"Patient/{AMINA.id}")
    body = told(response)
    Patient.model_validate(body)
    assert (body["id"], body["active"], body["identifier"][0]["value"]) == (AMINA.id, True, AMINA.number)
    assert response.headers["ETag"] == f'W/"{body["meta"]["versionId"]}"'


def test_a_person_whose_number_was_replaced_is_not_active_and_links_to_the_one_in_force(front: Front) -> None:
    body = told(front.get(f"Patient/{MOVED.id}"))
    Patient.model_validate(body)
    assert body["active"] is False
    assert body["link"] == [{"other": {"reference": f"Patient/{AMINA.id}"}, "type": "replaced-by"}]
    assert not {"name", "birthDate", "address"} & body.keys()


@pytest.mark.parametrize("person", [GONE.id, FORMER.id, STRANGER.id, "nobody"])
def test_whoever_is_withdrawn_or_unknown_is_not_there(front: Front, person: str) -> None:
    response = front.get(f"Patient/{person}")
    assert (response.status_code, issue(response)["code"], issue(response)["severity"]) == (404, "not-found", "error")


def test_an_id_longer_than_fhir_allows_is_no_id(front: Front) -> None:
    assert front.get(f"Patient/{'x' * 65}").status_code == 400


def test_for_care_a_person_is_read_by_id_where_there_is_a_relationship(front: Front) -> None:
    body = told(front.get(f"Patient/{AMINA.id}", "social-worker", Purpose.DIRECT_CARE))
    assert body["name"][0]["family"] == AMINA.family
    response = front.get(f"Patient/{TWIN.id}", "social-worker", Purpose.DIRECT_CARE)
    assert issue(response)["details"]["coding"][0]["code"] == "relationship-required"
    by_number = front.get(f"Patient?identifier={AMINA.number}", "social-worker", Purpose.DIRECT_CARE)
    assert people(by_number) == [AMINA.id]


def test_the_ledger_names_who_was_shown_and_what_was_searched_by(front: Front, seen: Watch) -> None:
    front.get(query(AMINA, "address=1 Test", "gender=female"))
    front.get(f"Patient/{AMINA.id}")
    front.get(f"Patient?identifier={AMINA.number}")
    searched, read, known = [row.body for row in seen.rows() if row.kind == "disclosure"]
    assert set(searched["filtered_on"]) == {"name", "birth_date", "address", "gender"}
    assert known["filtered_on"] == ["nhs_number"]
    assert {row["subjects"]["count"] for row in (searched, read, known)} == {1}
    assert searched["subjects"]["tokens"] == read["subjects"]["tokens"] == known["subjects"]["tokens"]


def test_without_a_token_nobody_is_told_anything(front: Front) -> None:
    response = front.web.get(f"/fhir/R4/{query(AMINA)}")
    assert response.status_code == 401
    assert AMINA.family not in response.text


def test_ids_of_a_request_come_back(front: Front) -> None:
    headers = front.headers("social-worker", Purpose.DEMOGRAPHIC_TRACE) | {"X-Request-ID": "abc"}
    assert front.web.get(f"/fhir/R4/Patient/{AMINA.id}", headers=headers).headers["X-Request-ID"] == "abc"


def test_namesakes_are_told_apart_by_what_is_asked_of_the_address(front: Front) -> None:
    assert sorted(people(front.get(query(NAMESAKE)))) == sorted([NAMESAKE.id, OTHER_NAMESAKE.id])
    assert people(front.get(query(NAMESAKE, "address=LE19"))) == [OTHER_NAMESAKE.id]
