"""Errors on FHIR paths look as PDS clients expect them, held to PDS's own published bodies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import Conflict, GatewayError, InputError, NotFound, NotPermitted, NotSignedIn, Unavailable
from gateway.fhir.outcome import FHIR_BASE, PDS_BASE, REASONS, NoSuchRoute, on_fhir_path, refusal
from gateway.fhir.spine import CODES, NOT_GIVEN, SYSTEM

SPECS = Path(__file__).parents[4] / "shared" / "specs" / "pds"
STUBS = SPECS / "karate-tests/src/test/java/mocks/stubs/errorResponses"
SEARCH = PDS_BASE + "/Patient"
RESPONSES = SPECS / "tests/functional/data/responses"


def body(
    error: GatewayError, path: str = PDS_BASE + "/Patient", status: int | None = None
) -> tuple[int, dict[str, Any]]:
    response = refusal(error, path, status=status)
    assert response.mimetype == "application/fhir+json"
    assert response.headers["Cache-Control"] == "no-store"
    return response.status_code, json.loads(response.data)


def published(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in sorted(folder.glob("*.json")) if path.stem not in NOT_GIVEN]


@pytest.mark.specs
def test_the_published_bodies_are_beside_us() -> None:
    if not STUBS.is_dir():
        pytest.skip("../shared/specs/pds is absent")
    assert published(STUBS)


@pytest.mark.specs
@pytest.mark.parametrize("path", published(STUBS), ids=lambda path: path.stem)
def test_each_code_looks_as_pds_publishes_it(path: Path) -> None:
    wanted = json.loads(path.read_text())["issue"][0]
    made = body(_error(path.stem))[1]["issue"][0]
    coding = wanted["details"]["coding"][0]
    if coding["display"].startswith("#("):
        coding["display"] = made["details"]["coding"][0]["display"]
    assert made["details"]["coding"][0] == coding
    assert (made["severity"], made["code"]) == (wanted["severity"], wanted["code"])
    assert ("diagnostics" in made) == ("diagnostics" in wanted)


def _error(code: str) -> GatewayError:
    return NotSignedIn("words") if code == "ACCESS_DENIED" else InputError("words", reason=code)


@pytest.mark.specs
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("missing_authorization_header", NotSignedIn("Missing Authorization header")),
        ("empty_authorization_header", NotSignedIn("Empty Authorization header")),
        ("invalid_access_token", NotSignedIn("Invalid Access Token")),
        ("too_many_matches", NotFound(reason="TOO_MANY_MATCHES")),
    ],
)
def test_the_functional_tests_bodies_are_ours(name: str, error: GatewayError) -> None:
    if not RESPONSES.is_dir():
        pytest.skip("../shared/specs/pds is absent")
    assert body(error)[1] == json.loads((RESPONSES / f"{name}.json").read_text())


@pytest.mark.parametrize("code", CODES)
def test_each_code_has_its_status(code: str) -> None:
    assert body(_error(code))[0] == CODES[code].status


def test_too_many_matches_is_a_success_that_carries_no_candidates() -> None:
    status, told = body(NotFound(reason="TOO_MANY_MATCHES"))
    assert status == 200
    assert told["issue"][0]["severity"] == "information"
    assert told["issue"][0]["code"] == "multiple-matches"


def test_a_refusal_carries_its_reason_code_and_the_spines() -> None:
    status, told = body(NotPermitted("No agreement.", reason="purpose-not-granted", decision="d1"))
    codings = told["issue"][0]["details"]["coding"]
    assert status == 403
    assert [(each["system"], each["code"]) for each in codings] == [
        (SYSTEM, "ACCESS_DENIED"),
        (REASONS, "purpose-not-granted"),
    ]


def test_an_application_that_asks_for_more_than_one_is_told_so_as_pds_does() -> None:
    status, told = body(NotPermitted("Cannot retrieve more than one result", reason="INVALID_VALUE"))
    coding = told["issue"][0]["details"]["coding"]
    assert status == 403
    assert [each["code"] for each in coding] == ["INVALID_VALUE"]
    assert coding[0]["display"] == "Cannot retrieve more than one result"
    assert told["issue"][0]["code"] == "forbidden"


def test_a_service_that_cannot_answer_says_when_to_try_again() -> None:
    response = refusal(Unavailable(reason="index-stale"), PDS_BASE + "/Patient")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


def test_somebody_unknown_is_told_how_to_come_in() -> None:
    response = refusal(NotSignedIn(), FHIR_BASE + "/Patient/1/$everything")
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InputError(reason="id"), 400, "invalid"),
        (NotFound(reason="not-joined"), 404, "not-found"),
        (NotPermitted(reason="isa-expired"), 403, "forbidden"),
        (Conflict(), 409, "conflict"),
        (GatewayError(reason="unexpected"), 500, "exception"),
    ],
)
def test_elsewhere_errors_carry_our_own_reason_codes(error: GatewayError, status: int, code: str) -> None:
    answered, told = body(error, FHIR_BASE + "/Patient/1/$everything")
    issue = told["issue"][0]
    assert (answered, issue["code"]) == (status, code)
    assert issue["details"]["coding"] == [{"system": REASONS, "code": error.reason}]


def test_the_unexpected_has_no_spine_code() -> None:
    status, told = body(GatewayError(reason="unexpected"))
    assert status == 500
    assert told["issue"][0]["details"]["coding"][0]["system"] == REASONS


def test_a_route_that_is_not_served_is_an_unsupported_service() -> None:
    status, told = body(NoSuchRoute(reason="UNSUPPORTED_SERVICE"), status=405)
    assert status == 405
    assert told["issue"][0]["details"]["coding"][0]["code"] == "UNSUPPORTED_SERVICE"


def test_fhir_paths_are_known_by_their_base() -> None:
    assert on_fhir_path(PDS_BASE + "/Patient")
    assert on_fhir_path("/fhir/R4/metadata")
    assert not on_fhir_path("/verify")
