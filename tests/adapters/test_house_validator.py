"""What the validator finds: above all the three faults of a number that UK Core lets pass."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from adapters import ukcore
from adapters.validate import Severity, check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def patient() -> dict[str, Any]:
    return copy.deepcopy(ukcore.patient("x", [ukcore.nhs_number("9990001006", "01")], gender="female"))


def rules(resource: dict[str, Any]) -> list[str]:
    found = check(resource)
    assert all(issue.severity is Severity.ERROR for issue in found)
    return [issue.rule for issue in found]


def test_a_good_patient_has_no_issues() -> None:
    assert check(patient()) == []


@pytest.mark.parametrize(
    ("value", "rule"),
    [("9990001007", "check-digit"), ("999 000 1006", "not-ten-digits"), ("9999999999", "repeated-digit")],
)
def test_the_number_itself_is_checked(value: str, rule: str) -> None:
    resource = patient()
    resource["identifier"][0]["value"] = value
    assert rules(resource) == [rule]
    assert value not in check(resource)[0].message


def test_a_misspelt_system_is_found() -> None:
    resource = patient()
    resource["identifier"][0]["system"] = "https://fhir.nhs.uk/id/nhs-number"
    assert rules(resource) == ["nhs-number-system"]


def test_another_identifier_is_nobodys_business() -> None:
    resource = patient()
    resource["identifier"].append({"system": "https://example.org/ward", "value": "12"})
    assert check(resource) == []


def test_a_number_without_status_is_found() -> None:
    resource = patient()
    del resource["identifier"][0]["extension"]
    assert rules(resource) == ["no-verification-status"]


@pytest.mark.parametrize("key", ["code", "system"])
def test_a_status_from_another_list_is_found(key: str) -> None:
    resource = patient()
    resource["identifier"][0]["extension"][0]["valueCodeableConcept"]["coding"][0][key] = "number-present"
    assert rules(resource) == ["verification-status-code"]


def test_two_numbers_are_one_too_many() -> None:
    resource = patient()
    resource["identifier"] *= 2
    assert "two-nhs-numbers" in rules(resource)


@pytest.mark.parametrize(
    ("element", "value"), [("birthDate", "1948-13-40"), ("shoeSize", 7), ("name", [{"family": ["A"]}])]
)
def test_structure_is_checked_without_quoting_it(element: str, value: object) -> None:
    found = check(patient() | {element: value})
    assert found
    assert all(element in issue.path for issue in found)
    assert "1948" not in str(found)


@pytest.mark.parametrize(
    ("resource", "rule"),
    [
        ({}, "no-resource-type"),
        ({"resourceType": 7}, "no-resource-type"),
        ({"resourceType": "Shoe"}, "unknown-resource-type"),
    ],
)
def test_what_is_no_resource_is_said_to_be_none(resource: dict[str, Any], rule: str) -> None:
    assert rules(resource) == [rule]


@pytest.mark.specs
def test_the_published_patients_pass(specs: Callable[[str], Path]) -> None:
    for path in (specs("ukcore") / "example").glob("UKCore-Patient-*.json"):
        structural = {issue.rule for issue in check(json.loads(path.read_text()))}
        assert structural <= {"no-verification-status", "check-digit"}, path.name
