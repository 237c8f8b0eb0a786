"""The client reads the bodies that the PDS specification gives as examples."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.person import to_demographics
from gateway.services.tracing.onward_cascade import Query
from gateway.transports.pds import PdsClient
from linkage.nhs_number import NhsNumber
from tests.gateway.transports.upstreams import Said, Time, scripted

EXAMPLES: Final = Path(__file__).parents[4] / "shared/specs/pds/specification/components/examples"
NUMBER: Final = NhsNumber("9993874116")

pytestmark = pytest.mark.specs


def example(name: str) -> dict[str, Any]:
    """Read one; without the specifications this is skipped by name, and fails where everything must run."""
    if not EXAMPLES.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("../shared/specs/pds is absent")
        pytest.skip("../shared/specs/pds is absent")
    read: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))
    return read


@pytest.mark.parametrize("name", ["Patient", "Sensitive_Patient", "Minimal_Patient", "Patient-Jayne-Smyth"])
def test_a_retrieved_patient_is_read_whole(name: str) -> None:
    body = example(name)
    with scripted([Said(200, body)]) as server:
        client = PdsClient(server.base, patience=Time().patience())
        read = client.patient(NUMBER)
        client.close()
    assert read == body
    said = to_demographics(read)
    assert said.nhs_number == body["id"]
    assert bool(said.postcode) == (name not in {"Sensitive_Patient", "Minimal_Patient"})


@pytest.mark.parametrize(
    "name", ["PatientSearch", "Sensitive_PatientSearch", "Minimal_PatientSearch", "PatientCompoundName"]
)
def test_a_search_that_found_one_gives_that_one(name: str) -> None:
    body = example(name)
    with scripted([Said(200, body)]) as server:
        client = PdsClient(server.base, patience=Time().patience())
        found = client.search(Query("Smith", "Jane", "2010-10-22"))
        client.close()
    assert found.patient == body["entry"][0]["resource"]
    # the sandbox gives one of its people a number whose check digit is wrong: that is nobody to be joined to
    assert (found.number is None) == (name == "PatientCompoundName")
