"""What a decision allows is kept by name; everything else, and a restricted person's whereabouts, is gone."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ig.purpose import Dataset, Element, Section
from ig.redact import (
    NHS_NUMBER_SYSTEM,
    SECTION_SYSTEM,
    SUBSETTED,
    redact_bundle,
    redact_patient,
    redact_resource,
    section_of,
    strip_location,
)

_ELSEWHERE = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-"
_PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "9990000018",
    "meta": {"versionId": "1", "security": [{"code": "U"}]},
    "identifier": [{"system": NHS_NUMBER_SYSTEM, "value": "9990000018"}],
    "active": True,
    "name": [{"family": "Patel"}],
    "gender": "female",
    "birthDate": "1941-03-07",
    "address": [{"postalCode": "LE2 1AA"}],
    "telecom": [{"value": "0116"}],
    "contact": [{"name": {"family": "Patel"}, "telecom": [{"value": "1"}]}],
    "generalPractitioner": [{"identifier": {"value": "Z99001"}}],
    "managingOrganization": {"display": "Z99001"},
    "deceasedDateTime": "2026-01-01",
    "photo": [{"data": "x"}],
    "text": {"div": "<div>Patel, LE2 1AA</div>"},
    "extension": [
        {"url": _ELSEWHERE + "DeathNotificationStatus", "valueCode": "2"},
        {"url": _ELSEWHERE + "NominatedPharmacy", "valueReference": {"display": "a pharmacy"}},
        {"url": _ELSEWHERE + "EthnicCategory", "valueCode": "A"},
    ],
}
_WHEREABOUTS = ("LE2", "0116", "Z99001", "pharmacy")


def _labelled(code: str, kind: str = "Patient", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any element
    return {"resourceType": kind, "id": "x", "meta": {"security": [{"code": code}]}, **more}


@pytest.mark.parametrize(
    ("element", "keys"),
    [
        (Element.NHS_NUMBER, {"id", "identifier"}),
        (Element.NAME, {"name"}),
        (Element.BIRTH_DATE, {"birthDate"}),
        (Element.GENDER, {"gender"}),
        (Element.ADDRESS, {"address"}),
        (Element.TELECOM, {"telecom"}),
        (Element.GP, {"generalPractitioner", "managingOrganization"}),
        (Element.DECEASED, {"deceasedDateTime", "extension"}),
        (Element.EVIDENCE, set()),
        (Section.CONTACTS, {"contact"}),
        (Section.PROBLEMS, set()),
    ],
)
def test_each_element_lets_through_its_own_and_no_other(element: str, keys: set[str]) -> None:
    kept = redact_patient(_PATIENT, frozenset({element}), restricted=False)
    assert set(kept) - {"resourceType", "meta"} == keys


def test_the_id_stays_where_it_is_not_the_nhs_number() -> None:
    other = {**_PATIENT, "id": "local-1"}
    assert redact_patient(other, frozenset({Element.NAME}), restricted=False)["id"] == "local-1"


def test_demographics_are_the_person_without_narrative_picture_or_pharmacy() -> None:
    kept = redact_patient(_PATIENT, frozenset({Section.DEMOGRAPHICS}), restricted=False)
    assert {"name", "birthDate", "address", "telecom"} <= set(kept)
    assert not {"text", "photo", "contact", "generalPractitioner"} & set(kept)
    assert [e["url"].rpartition("-")[2] for e in kept["extension"]] == ["DeathNotificationStatus", "EthnicCategory"]


@pytest.mark.parametrize("restricted", [True, False])
def test_a_restricted_person_has_no_whereabouts_whatever_is_allowed(*, restricted: bool) -> None:
    """By the fact, or by the label that the resource itself carries."""
    patient = copy.deepcopy(_PATIENT)
    if not restricted:
        patient["meta"]["security"] = [{"code": "R"}]
    kept = redact_patient(patient, frozenset({*Element, *Section}), restricted=restricted)
    assert not any(word in json.dumps(kept) for word in _WHEREABOUTS)
    assert kept["name"] == _PATIENT["name"]


def test_nothing_handed_in_is_changed() -> None:
    before = copy.deepcopy(_PATIENT)
    redact_patient(_PATIENT, frozenset({*Element, *Section}), restricted=True)
    assert before == _PATIENT


def test_places_are_taken_out_at_any_depth() -> None:
    encounter = {
        "resourceType": "Encounter",
        "id": "e",
        "class": {"code": "IMP"},
        "location": [{"location": {"display": "Ward 7"}}],
        "serviceProvider": {"display": "RZZ"},
        "_location": [{}],
        "extension": [{"url": "x/Extension-BirthPlace", "valueAddress": {"city": "Leicester"}}, {"url": "x/Kept"}],
        "diagnosis": [{"condition": {"display": "asthma", "performer": [{"display": "Dr"}]}}],
        "reasonCode": [{"address": "only a place"}],
        "period": {"start": "2026"},
        "type": [{"text": "planned"}],
        "note": [{"text": "lives at"}],
        "text": {"div": "lives at"},
        "empty": [],
    }
    assert strip_location(encounter) == {
        "resourceType": "Encounter",
        "id": "e",
        "class": {"code": "IMP"},
        "extension": [{"url": "x/Kept"}],
        "diagnosis": [{"condition": {"display": "asthma"}}],
        "period": {"start": "2026"},
        "type": [{"text": "planned"}],
        "empty": [],
    }


@pytest.mark.parametrize(
    ("resource", "dataset", "section"),
    [
        ({"resourceType": "Patient"}, Dataset.GP, Section.DEMOGRAPHICS),
        ({"resourceType": "Condition"}, Dataset.GP, Section.PROBLEMS),
        ({"resourceType": "Condition"}, Dataset.SOCIAL_CARE, Section.CARE_NEEDS),
        ({"resourceType": "Encounter"}, Dataset.GP, Section.CONSULTATIONS),
        ({"resourceType": "Encounter", "class": {"code": "EMER"}}, Dataset.ACUTE, Section.ENCOUNTERS),
        ({"resourceType": "Encounter", "class": {"code": "IMP"}}, Dataset.ACUTE, Section.ADMISSIONS),
        (
            {"resourceType": "Encounter", "class": {"code": "IMP"}, "status": "finished"},
            Dataset.ACUTE,
            Section.DISCHARGE,
        ),
        ({"resourceType": "Basic"}, Dataset.ACUTE, None),
        ({}, Dataset.ACUTE, None),
        (_labelled("R", "Condition"), Dataset.GP, Section.SENSITIVE),
        (_labelled("SENSITIVE", "Observation"), Dataset.GP, Section.SENSITIVE),
        (_labelled("R"), Dataset.GP, Section.DEMOGRAPHICS),
        (
            {"resourceType": "Condition", "meta": {"tag": [{"system": SECTION_SYSTEM, "code": "care-needs"}]}},
            Dataset.GP,
            Section.CARE_NEEDS,
        ),
        (
            {"resourceType": "Condition", "meta": {"tag": [{"system": SECTION_SYSTEM, "code": "unheard-of"}]}},
            Dataset.GP,
            None,
        ),
        (
            {"resourceType": "Condition", "meta": {"tag": [{"system": "other", "code": "care-needs"}]}},
            Dataset.GP,
            Section.PROBLEMS,
        ),
    ],
)
def test_a_resource_belongs_to_the_section_its_label_tag_or_type_says(
    resource: dict[str, Any], dataset: str, section: Section | None
) -> None:
    assert section_of(resource, dataset) is section


def test_a_gp_entrys_free_text_goes_only_with_consultations() -> None:
    problem = {"resourceType": "Condition", "id": "c", "note": [{"text": "said in confidence"}], "text": {}, "code": {}}
    shown = redact_resource(problem, Dataset.GP, frozenset({Section.PROBLEMS}), restricted=False)
    assert shown == {"resourceType": "Condition", "id": "c", "code": {}}
    both = frozenset({Section.PROBLEMS, Section.CONSULTATIONS})
    assert "note" in (redact_resource(problem, Dataset.GP, both, restricted=False) or {})
    needs = frozenset({Section.CARE_NEEDS})
    assert "note" in (redact_resource(problem, Dataset.SOCIAL_CARE, needs, restricted=False) or {})
    assert "note" not in (redact_resource(problem, Dataset.SOCIAL_CARE, needs, restricted=True) or {})


def test_a_patient_is_shown_to_nobody_who_is_granted_nothing_of_them() -> None:
    assert redact_resource(_PATIENT, Dataset.GP, frozenset({Section.PROBLEMS}), restricted=False) is None
    assert redact_resource(_PATIENT, Dataset.GP, frozenset({Element.NAME}), restricted=False) is not None


def _bundle(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any element
    entries = [{"fullUrl": f"urn:uuid:{r['id']}", "resource": r, "link": "x"} for r in resources]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(resources), "entry": entries, **more}


def test_a_bundle_loses_entries_and_with_them_its_total() -> None:
    """T04: a total is an aggregate."""
    problem = {"resourceType": "Condition", "id": "c"}
    secret = _labelled("SENSITIVE", "Condition")
    shown = redact_bundle(
        _bundle(problem, secret, meta={"tag": [{"code": "kept"}]}),
        frozenset({Section.PROBLEMS}),
        lambda _: Dataset.GP,
        restricted=False,
    )
    assert [entry["resource"]["id"] for entry in shown["entry"]] == ["c"]
    assert "total" not in shown
    assert shown["meta"]["tag"] == [{"code": "kept"}, dict(SUBSETTED)]


def test_a_bundle_that_may_be_shown_whole_is_shown_whole() -> None:
    problem = {"resourceType": "Condition", "id": "c"}
    whole = {"resourceType": "Bundle", "total": 1, "entry": [{"fullUrl": "u", "resource": problem}]}
    assert redact_bundle(whole, frozenset({Section.PROBLEMS}), lambda _: Dataset.GP, restricted=False) == whole
    bare = {"resourceType": "Bundle"}
    assert redact_bundle(bare, frozenset(), lambda _: Dataset.GP, restricted=False) == {**bare, "entry": []}


_NAMES = st.sampled_from([*Element, *Section])


@given(st.frozensets(_NAMES), st.frozensets(_NAMES), st.booleans())
def test_allowing_less_never_shows_more(some: frozenset[str], others: frozenset[str], restricted: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    less = redact_patient(_PATIENT, some, restricted=restricted)
    more = redact_patient(_PATIENT, some | others, restricted=restricted)
    assert set(less) <= set(more)
    hidden = redact_patient(_PATIENT, some, restricted=True)
    assert set(hidden) <= set(less)
    assert not any(word in json.dumps(hidden) for word in _WHEREABOUTS)
