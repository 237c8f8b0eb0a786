"""A client of the PDS FHIR API, or of anything shaped like it: one patient by NHS number.

Off unless ``GATEWAY_PDS_BASE_URL`` is set. What is sent is one NHS number in the path, which the specification asks
for; nothing is logged. Plain HTTP is spoken to this machine only. Source: PDS FHIR API specification, retrieve.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests

from gateway.errors import InputError, UpstreamError

if TYPE_CHECKING:
    from linkage.nhs_number import NhsNumber

_SECONDS: Final = (3.05, 10.0)
_LARGEST: Final = 1024 * 1024
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_ABSENT: Final = frozenset({"RESOURCE_NOT_FOUND", "INVALIDATED_RESOURCE"})


class PdsClient:
    """Asks one upstream. ``token`` is the bearer token to send, or empty for the open sandbox."""

    def __init__(self, base_url: str, token: str = "") -> None:
        """Prepare a client.

        Raises:
            InputError: the address is not HTTPS (or HTTP to this machine).
        """
        parts = urlsplit(base_url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise InputError("GATEWAY_PDS_BASE_URL: https, or http to this machine", reason="setting")
        self._base = base_url.rstrip("/")
        self._session = requests.Session()
        # what a proxy variable or a netrc file says is not for a national service
        self._session.trust_env = False
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def patient(self, number: NhsNumber) -> dict[str, Any] | None:
        """Return the Patient now known by ``number``, or None where PDS knows none in force.

        Raises:
            UpstreamError: PDS did not answer, or not as its specification says. Names the status, never the number.
        """
        try:
            answer = self._session.get(
                f"{self._base}/Patient/{number.digits}",
                headers={"X-Request-ID": str(uuid.uuid4()), "Accept": "application/fhir+json"},
                timeout=_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as fault:
            raise UpstreamError(f"PDS did not answer ({type(fault).__name__})", reason="upstream-silent") from None
        body = _body(answer)
        if answer.status_code == requests.codes.ok and body.get("resourceType") == "Patient":
            return body
        if answer.status_code == requests.codes.not_found and _code(body) in _ABSENT:
            return None
        raise UpstreamError(f"PDS answered {answer.status_code}", reason="upstream-refused")

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()


def _body(answer: requests.Response) -> dict[str, Any]:
    try:
        read = answer.json() if len(answer.content) <= _LARGEST else None
    except requests.JSONDecodeError:
        read = None
    return read if isinstance(read, dict) else {}


def _code(outcome: dict[str, Any]) -> str:
    for issue in outcome.get("issue", ()):
        for coding in issue.get("details", {}).get("coding", ()):
            return str(coding.get("code", ""))
    return ""
