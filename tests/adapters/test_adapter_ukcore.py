"""What every resource carries, and what its builders leave out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import ukcore
from adapters.acute.visit import ADMISSION_METHOD, ADMISSION_SOURCE, DISCHARGE_DESTINATION, DISCHARGE_METHOD
from adapters.systems import ODS
from adapters.validate import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_an_id_is_the_uuid5_of_its_natural_key(parts: list[str]) -> None:
    namespace = uuid5(NAMESPACE_URL, "https://gateway.example/")
    made = ukcore.resource_id(*parts)
    assert made == str(uuid5(namespace, "\x1f".join(parts)))
    assert UUID(made).version == 5


def test_a_resource_says_its_profile_section_and_labels() -> None:
    made = ukcore.resource("Condition", "x", "problems", ukcore.SENSITIVE, ukcore.RESTRICTED)
    assert made["meta"]["profile"] == ["https://fhir.hl7.org.uk/StructureDefinition/UKCore-Condition"]
    assert ukcore.section_of(made) == "problems"
    assert ukcore.is_sensitive(made)
    assert ukcore.is_restricted(made)
    plain = ukcore.resource("Condition", "x", "problems")
    assert not ukcore.is_sensitive(plain)
    assert not ukcore.is_restricted(plain)
    assert ukcore.section_of({}) == ""


@pytest.mark.parametrize(("said", "status"), [("01", "01"), ("08", "08"), ("", "02"), ("09", "02"), ("yes", "02")])
def test_a_number_is_not_traced_unless_its_sender_says_otherwise(said: str, status: str) -> None:
    assert ukcore.verification_status(said) == status


def test_blank_parts_are_left_out() -> None:
    assert ukcore.human_name("", ["", ""]) == {"use": "official"}
    assert ukcore.address(["", ""], "") == {}
    assert ukcore.address(["1 High Street"], "") == {"use": "home", "line": ["1 High Street"]}
    assert ukcore.telecom([("", "home")]) == []
    assert ukcore.concept("") == ukcore.period("", "") == {}
    assert ukcore.organisation("Z99999", "Example")["display"] == "Example"
    assert ukcore.local_identifier("gp", "Z99999", "1", "n")["system"].endswith("/gp/Z99999/n")
    assert ukcore.ethnicity("ZZ", "")["valueCodeableConcept"] == {"text": "ZZ"}
    bare = ukcore.patient("x", [])
    assert bare.keys() == {"resourceType", "id", "meta", "active"}


@pytest.mark.parametrize(
    ("sender", "who"),
    [("999", {"type": "Organization", "identifier": {"system": ODS, "value": "999"}}), ("", {"display": "withheld"})],
)
def test_provenance_says_sender_file_row_and_hash(sender: str, who: dict[str, object]) -> None:
    said = {"recorded": "2026-10-01T09:00:00+00:00", "feed": "cld.csv", "content_hash": "ab", "sender": sender}
    made = ukcore.provenance("Patient/x", row=7, **said)
    assert check(made) == []
    assert made["agent"] == [{"who": who}]
    assert made["entity"][0]["what"]["display"] == "cld.csv, row 7"
    assert made["entity"][0]["what"]["identifier"]["value"] == "ab"


@pytest.mark.specs
@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("NHSNumberVerificationStatusEngland", ukcore.VERIFICATION_STATUS),
        ("EthnicCategoryEngland", ukcore.ETHNIC_CATEGORY),
        ("AdmissionMethodEngland", ADMISSION_METHOD),
        ("SourceOfAdmissionEngland", ADMISSION_SOURCE),
        ("DischargeMethodEngland", DISCHARGE_METHOD),
        ("DischargeDestinationEngland", DISCHARGE_DESTINATION),
    ],
)
def test_our_national_lists_are_the_published_ones(
    specs: Callable[[str], Path], name: str, ours: dict[str, str] | frozenset[str]
) -> None:
    published = json.loads((specs("ukcore") / "codesystem" / f"CodeSystem-UKCore-{name}.json").read_text())
    assert {concept["code"] for concept in published["concept"]} == set(ours)
    if isinstance(ours, dict):
        assert {concept["code"]: concept["display"] for concept in published["concept"]} == ours
