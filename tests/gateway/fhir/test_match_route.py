"""``Patient/$match`` as IHE PDQm (ITI-119) has it: each case of the transaction, and what must not be answered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from adapters.systems import NHS_NUMBER
from gateway.auth.caller import Kind
from gateway.errors import NotPermitted
from gateway.fhir.body import DEEPEST, LARGEST, MOST_REPEATS
from gateway.fhir.bundle import MATCH_GRADE
from gateway.services.tracing.match import match_patient
from gateway.services.tracing.tries import LOCKED
from gateway.services.tracing.verify import verify_number
from ig.detection import TRIES
from ig.purpose import Purpose
from linkage.decide import Outcome
from tests.gateway.fhir.conftest import issue, told
from tests.gateway.houses import (
    AMINA,
    FORMER,
    GONE,
    HIDDEN,
    MOVED,
    NAMESAKE,
    STRANGER,
    TWIN,
    Townsperson,
    persona,
)

if TYPE_CHECKING:
    from gateway.house import House
    from tests.gateway.fhir.conftest import Front
    from tests.gateway.houses import Watch

Resource = dict[str, Any]
MATCH = "Patient/$match"


def patient(who: Townsperson, **other: object) -> Resource:
    described: Resource = {
        "resourceType": "Patient",
        "name": [{"use": "usual", "family": who.family, "given": [who.given]}],
        "gender": who.gender,
        "birthDate": who.birth_date,
        "address": [{"use": "home", "postalCode": who.postcode}],
    }
    return described | other


def numbered(who: Townsperson, number: str) -> Resource:
    return patient(who, identifier=[{"system": NHS_NUMBER, "value": number}])


def parameters(who: Resource, **others: bool | int) -> Resource:
    kinds = {"onlyCertainMatches": "valueBoolean", "count": "valueInteger"}
    more = [{"name": name, kinds[name]: value} for name, value in others.items()]
    return {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": who}, *more]}


# known by a name that two people of one address and birth date nearly share
EITHER = replace(TWIN, given="Ros")


def graded(bundle: Resource) -> list[tuple[str, str, float]]:
    """(person, grade, score) of each match."""
    Bundle.model_validate(bundle)
    assert bundle["type"] == "searchset"
    matches = [one for one in bundle.get("entry", ()) if one["search"]["mode"] == "match"]
    assert bundle["total"] == len(matches)
    return [
        (one["resource"]["id"], one["search"]["extension"][0]["valueCode"], one["search"]["score"]) for one in matches
    ]


def test_case_1_one_person_is_found_with_score_and_grade(front: Front) -> None:
    body = told(front.post(MATCH, parameters(patient(AMINA))))
    ((person, grade, score),) = graded(body)
    assert (person, grade) == (AMINA.id, "certain")
    assert 0.9 < score < 1
    (entry,) = body["entry"]
    assert entry["fullUrl"] == f"http://localhost/fhir/R4/Patient/{AMINA.id}"
    assert entry["search"]["extension"][0]["url"] == MATCH_GRADE
    assert entry["resource"]["identifier"][0]["value"] == AMINA.number
    assert entry["resource"]["active"] is True


def test_a_patient_may_be_posted_alone(front: Front) -> None:
    assert graded(told(front.post(MATCH, patient(AMINA)))) == graded(
        told(front.post(MATCH, parameters(patient(AMINA))))
    )


def test_case_2_of_several_each_is_graded_best_first_with_advice_beside_them(front: Front) -> None:
    body = told(front.post(MATCH, patient(EITHER)))
    found = graded(body)
    assert len(found) == 2
    assert {grade for _, grade, _ in found} <= {"probable", "possible"}
    assert [score for *_, score in found] == sorted((score for *_, score in found), reverse=True)
    (outcome,) = [one["resource"] for one in body["entry"] if one["search"]["mode"] == "outcome"]
    assert outcome["issue"][0]["severity"] == "information"
    assert TWIN.family not in outcome["issue"][0]["details"]["text"]


def test_cases_3_to_5_only_certain_matches_are_given_where_only_they_are_wanted(front: Front) -> None:
    certain = told(front.post(MATCH, parameters(patient(AMINA), onlyCertainMatches=True)))
    assert [grade for _, grade, _ in graded(certain)] == ["certain"]
    doubtful = told(front.post(MATCH, parameters(patient(EITHER), onlyCertainMatches=True)))
    assert graded(doubtful) == []
    assert "entry" not in doubtful


def test_case_6_a_count_cuts_the_answer(front: Front) -> None:
    found = graded(told(front.post(MATCH, parameters(patient(EITHER), count=1))))
    assert found == graded(told(front.post(MATCH, patient(EITHER))))[:1]


def test_case_7_nobody_is_an_empty_bundle(front: Front) -> None:
    body = told(front.post(MATCH, patient(STRANGER)))
    assert (body["total"], "entry" in body) == (0, False)


@pytest.mark.parametrize("who", [GONE, FORMER])
def test_case_8_a_withdrawn_person_is_nobody(front: Front, who: Townsperson) -> None:
    assert graded(told(front.post(MATCH, patient(who)))) == []
    assert graded(told(front.post(MATCH, numbered(who, who.number)))) == []


def test_a_replaced_number_leads_to_the_one_in_force_and_says_so(front: Front) -> None:
    body = told(front.post(MATCH, numbered(AMINA, MOVED.number)))
    assert [person for person, *_ in graded(body)] == [AMINA.id]
    assert "replaced" in body["entry"][-1]["resource"]["issue"][0]["details"]["text"]


def test_a_restricted_person_is_found_by_who_they_are_and_shown_without_where(front: Front) -> None:
    (entry,) = told(front.post(MATCH, patient(HIDDEN)))["entry"]
    assert entry["resource"]["id"] == HIDDEN.id
    assert not {"address", "telecom", "generalPractitioner"} & entry["resource"].keys()


def test_an_application_is_told_of_one_person_at_most(linked: House) -> None:
    application = replace(persona(linked, "data-team"), kind=Kind.SYSTEM)
    assert [one.grade for one in match_patient(linked, application, AMINA.asked()).graded] == ["certain"]
    several = match_patient(linked, application, NAMESAKE.asked(postcode=""))
    assert (several.outcome, several.graded) == (Outcome.MANY, ())
    assert len(match_patient(linked, persona(linked, "data-team"), NAMESAKE.asked(postcode="")).graded) == 2


def test_the_ledger_names_whoever_was_shown_and_what_was_searched_by(front: Front, seen: Watch) -> None:
    body = told(front.post(MATCH, patient(AMINA)))
    (row,) = [row for row in seen.rows() if row.kind == "disclosure"]
    assert row.body["decision_id"] == body["meta"]["tag"][0]["code"]
    assert row.body["result"] == "matched"
    assert row.body["subjects"]["count"] == 1
    assert {"name", "birth_date", "address"} <= set(row.body["filtered_on"])


def test_a_number_sent_with_other_details_is_a_look_at_its_holder(front: Front, seen: Watch) -> None:
    assert graded(told(front.post(MATCH, numbered(STRANGER, AMINA.number)))) == []
    (row,) = [row for row in seen.rows() if row.kind == "disclosure"]
    assert (row.body["result"], row.body["subjects"]["count"]) == ("none", 1)


def test_whoever_is_locked_out_of_a_number_does_not_get_round_it_by_a_match(own_town: House) -> None:
    guesser = persona(own_town, "social-worker")
    for _ in range(TRIES):
        verify_number(own_town, guesser, AMINA.number, STRANGER.asked())
    with pytest.raises(NotPermitted) as refused:
        match_patient(own_town, guesser, AMINA.asked(nhs_number=AMINA.number))
    assert refused.value.reason == LOCKED
    assert match_patient(own_town, guesser, AMINA.asked()).graded


def test_direct_care_is_no_purpose_to_search_by_description(front: Front) -> None:
    response = front.post(MATCH, patient(AMINA), purpose=Purpose.DIRECT_CARE)
    assert (response.status_code, issue(response)["code"]) == (403, "forbidden")


SECRET = "Zanzibar"
BAD: dict[str, tuple[object, str]] = {
    "no name": (patient(AMINA, name=[]), "Patient.name.family"),
    "a name that is null": (patient(AMINA, name=[{"family": None, "given": [SECRET]}]), "Patient.name[0].family"),
    "a birth date that is none": (
        parameters(patient(AMINA, birthDate=SECRET)),
        "Parameters.parameter[0].resource.birthDate",
    ),
    "no birth date": (patient(AMINA, birthDate=None), "Patient.birthDate"),
    "a forename that is null": (patient(AMINA, name=[{"family": SECRET, "given": [None]}]), "Patient.name[0].given[0]"),
    "an element that there is not": (patient(AMINA, **{SECRET: "x"}), "Patient"),
    "a code of no value set": (patient(AMINA, gender=SECRET), "Patient.gender"),
    "a name too long": (patient(AMINA, name=[{"family": SECRET * 9}]), "Patient.name.family"),
    "a modifier": (patient(AMINA, modifierExtension=[{"url": "http://x"}]), "Patient.modifierExtension"),
    "no resource": ({"resourceType": "Parameters"}, "Parameters.parameter"),
    "another resource": (
        parameters({"resourceType": "Organization", "name": SECRET}),
        "Parameters.parameter[0].resource",
    ),
    "a resource of no type": (parameters({"resourceType": SECRET}), "Parameters"),
    "a count of none": (parameters(patient(AMINA), count=0), "Parameters.parameter[1].valueInteger"),
    "a count too high": (parameters(patient(AMINA), count=51), "Parameters.parameter[1].valueInteger"),
    "a count that is text": (
        {
            "resourceType": "Parameters",
            "parameter": [{"name": "resource", "resource": patient(AMINA)}, {"name": "count", "valueString": "3"}],
        },
        "Parameters.parameter[1].valueInteger",
    ),
    "a flag that is text": (
        {
            "resourceType": "Parameters",
            "parameter": [
                {"name": "resource", "resource": patient(AMINA)},
                {"name": "onlyCertainMatches", "valueBoolean": "true"},
            ],
        },
        "Parameters.parameter[1].valueBoolean",
    ),
    "another parameter": (
        {"resourceType": "Parameters", "parameter": [{"name": SECRET, "valueString": "x"}]},
        "Parameters.parameter[0].name",
    ),
    "a parameter twice": (
        {
            "resourceType": "Parameters",
            "parameter": [
                {"name": "resource", "resource": patient(AMINA)},
                {"name": "resource", "resource": patient(AMINA)},
            ],
        },
        "Parameters.parameter[1]",
    ),
    "too many names": (patient(AMINA, name=[{"family": SECRET}] * (MOST_REPEATS + 1)), "Patient.name"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_its_path_and_without_its_words(front: Front, name: str) -> None:
    body, path = BAD[name]
    response = front.post(MATCH, body)
    assert response.status_code == 400, response.text
    assert issue(response)["expression"] == [path]
    assert SECRET not in response.text
    assert AMINA.family not in response.text


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"5", b'{"resourceType":"Zanzibar"}', b'\xff{"a":1}'])
def test_what_is_no_resource_is_refused_without_its_words(front: Front, body: bytes) -> None:
    response = front.post(MATCH, body)
    assert response.status_code == 400
    assert SECRET not in response.text


def test_a_body_nested_without_end_is_refused_before_anything_follows_it(front: Front) -> None:
    deep: Resource = {"url": "http://example.org"}
    for _ in range(DEEPEST):
        deep = {"url": "http://example.org", "extension": [deep]}
    response = front.post(MATCH, patient(AMINA, extension=[deep]))
    assert response.status_code == 400
    assert issue(response)["details"]["coding"][0]["code"] == "too-deep"


def test_a_body_that_is_too_large_is_refused(front: Front) -> None:
    response = front.post(MATCH, b" " * (LARGEST + 1))
    assert (response.status_code, issue(response)["details"]["coding"][0]["code"]) == (413, "too-large")


def test_another_media_type_is_refused(front: Front) -> None:
    headers = front.headers("social-worker", Purpose.DEMOGRAPHIC_TRACE)
    response = front.web.post(
        "/fhir/R4/Patient/$match", data="<Patient/>", content_type="application/fhir+xml", headers=headers
    )
    assert (response.status_code, issue(response)["code"]) == (415, "not-supported")


def test_the_examples_of_the_profile_are_understood(front: Front) -> None:
    """The shapes of IHE's own example: a foreign identifier, a narrative, an address without lines, test data."""
    example = {
        "resourceType": "Patient",
        "meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}]},
        "text": {"status": "empty", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Input of a match.</div>'},
        "extension": [
            {"url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName", "valueString": "Nobodyova"}
        ],
        "identifier": [{"system": "http://example.org/exampleSystem", "value": "8675309"}],
        "name": [{"family": AMINA.family, "given": [AMINA.given]}],
        "gender": "other",
        "birthDate": AMINA.birth_date,
        "address": [{"state": "WI", "country": "USA"}],
    }
    response = front.post(MATCH, parameters(example))
    assert response.status_code == 200
    assert AMINA.id in {person for person, *_ in graded(told(response))}
