"""Resources that come over HTTP: whatever is sent is read, or refused with a place and without a word of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InputError
from gateway.fhir.body import path_of, read_resource
from gateway.fhir.match import described, read_question
from gateway.fhir.outcome import FHIR_BASE, refusal
from linkage.person import Demographics

APP = Flask(__name__)
SECRET = "zanzibar"
NAMES = sorted(
    {"resourceType", "name", "family", "given", "use", "birthDate", "gender", "address", "line", "postalCode"}
    | {"identifier", "system", "value", "telecom", "parameter", "resource", "valueInteger", "valueBoolean"}
    | {"valueString", "extension", "url", "contained", "meta", "text", "div", "link", "deceasedDateTime"}
)
LEAF = (
    st.none() | st.booleans() | st.integers(-5, 60) | st.floats(allow_nan=False) | st.sampled_from([SECRET, "Patient"])
)
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, SECRET]), inner, max_size=4),
    max_leaves=20,
)


def read(body: object, *types: str) -> dict[str, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with APP.test_request_context(method="POST", data=data, content_type="application/fhir+json"):
        return read_resource(*types)


@given(st.dictionaries(st.sampled_from([*NAMES, SECRET]), JSON, max_size=6))
def test_any_patient_is_read_as_a_question_or_refused_without_its_words(wrong: dict[str, Any]) -> None:
    try:
        asked = described(read_question(read({**wrong, "resourceType": "Patient"}, "Parameters", "Patient")))
    except InputError as refused:
        with APP.test_request_context():
            told = refusal(refused, f"{FHIR_BASE}/Patient/$match")
        assert told.status_code == 400
        assert SECRET not in told.get_data(as_text=True)
    else:
        assert isinstance(asked, Demographics)


@given(st.lists(st.dictionaries(st.sampled_from([*NAMES, SECRET]), JSON, max_size=4), max_size=4))
def test_any_parameters_are_read_or_refused_without_their_words(parameters: list[dict[str, Any]]) -> None:
    try:
        read_question(read({"resourceType": "Parameters", "parameter": parameters}, "Parameters"))
    except InputError as refused:
        assert SECRET not in str(refused)  # noqa: PT017 - some of what is drawn is in order
        assert SECRET not in refused.field  # noqa: PT017


@given(st.binary(max_size=60))
def test_any_bytes_are_no_resource_and_no_accident(data: bytes) -> None:
    with pytest.raises(InputError):
        read(data, "Patient")


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (("parameter", 0, "resource", "name", 1, "given"), "Patient.parameter[0].resource.name[1].given"),
        (("name", "no name at all"), "Patient.name"),
        (("name", SECRET, "given"), "Patient.name.given"),
        ((), "Patient"),
    ],
)
def test_a_place_is_told_by_the_names_of_the_specification(place: tuple[int | str, ...], path: str) -> None:
    assert path_of("Patient", place) == path


def test_an_element_that_there_is_not_is_told_by_where_it_stood() -> None:
    assert path_of("Patient", ("name", 0, "given"), unknown=True) == "Patient.name[0]"


def test_a_patient_of_r4_with_all_that_r4_allows_is_read() -> None:
    whole = {
        "resourceType": "Patient",
        "id": "example",
        "_birthDate": {"extension": [{"url": "http://example.org/x", "valueDateTime": "1974-12-25T14:35:45-05:00"}]},
        "birthDate": "1974-12-25",
        "contained": [{"resourceType": "Organization", "id": "o", "name": "x"}],
        "managingOrganization": {"reference": "#o"},
        "communication": [{"language": {"text": "English"}, "preferred": True}],
        "multipleBirthInteger": 2,
        "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}],
    }
    assert read(whole, "Patient") == whole


def test_a_contained_resource_of_no_type_is_refused() -> None:
    with pytest.raises(InputError, match="no known type"):
        read({"resourceType": "Patient", "contained": [{"resourceType": SECRET}]}, "Patient")
