"""What the PDS client promises, against a real HTTP server on this machine."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from gateway.errors import InputError, UpstreamError
from gateway.transports.pds import PdsClient
from linkage.nhs_number import NhsNumber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Start = Callable[[int, bytes], tuple[str, list[dict[str, str]]]]

NUMBER = NhsNumber("9993874116")
PATIENT = {"resourceType": "Patient", "id": NUMBER.digits}


def refusal(code: str) -> bytes:
    """An OperationOutcome as PDS words it."""
    coding = {"system": "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode", "code": code}
    issue = {"severity": "error", "code": "value", "details": {"coding": [coding]}}
    return json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()


@pytest.fixture
def upstream() -> Iterator[Start]:
    """A server that gives one answer to every request and remembers the headers it was sent."""
    servers: list[ThreadingHTTPServer] = []

    def start(status: int, body: bytes) -> tuple[str, list[dict[str, str]]]:
        seen: list[dict[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append({**{k.lower(): v for k, v in self.headers.items()}, "path": self.path})
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}/R4", seen

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_known_number_gives_its_patient_and_every_request_has_its_own_id(upstream: Start) -> None:
    base, seen = upstream(200, json.dumps(PATIENT).encode())
    client = PdsClient(base, token="a-token")
    try:
        assert client.patient(NUMBER) == PATIENT
        client.patient(NUMBER)
    finally:
        client.close()
    assert seen[0]["path"] == f"/R4/Patient/{NUMBER.digits}"
    assert seen[0]["authorization"] == "Bearer a-token"
    assert len({one["x-request-id"] for one in seen}) == 2


@pytest.mark.parametrize("code", ["RESOURCE_NOT_FOUND", "INVALIDATED_RESOURCE"])
def test_a_number_that_pds_does_not_know_in_force_is_nobody(upstream: Start, code: str) -> None:
    base, _ = upstream(404, refusal(code))
    client = PdsClient(base)
    assert client.patient(NUMBER) is None
    client.close()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, refusal("SOMETHING_ELSE")),
        (404, b"{}"),
        (200, b"not json"),
        (200, b"[]"),
        (200, json.dumps({"resourceType": "Bundle"}).encode()),
        (302, b""),
        (429, refusal("TOO_MANY_REQUESTS")),
        (503, b""),
    ],
)
def test_whatever_the_specification_does_not_say_is_an_upstream_error_without_the_number(
    upstream: Start, status: int, body: bytes
) -> None:
    base, _ = upstream(status, body)
    client = PdsClient(base)
    with pytest.raises(UpstreamError) as refused:
        client.patient(NUMBER)
    client.close()
    assert str(status) in str(refused.value)
    assert NUMBER.digits not in str(refused.value)


def test_an_upstream_that_is_not_there_is_an_upstream_error() -> None:
    client = PdsClient("http://127.0.0.1:9/R4")
    with pytest.raises(UpstreamError, match="did not answer"):
        client.patient(NUMBER)
    client.close()


@pytest.mark.parametrize("address", ["http://pds.example/R4", "ftp://127.0.0.1/R4", "file:///etc/hosts"])
def test_plain_http_is_spoken_to_this_machine_only(address: str) -> None:
    with pytest.raises(InputError):
        PdsClient(address)
