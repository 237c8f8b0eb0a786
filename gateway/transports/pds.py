"""A client of the PDS FHIR API, or of anything shaped like it: one patient by NHS number, or by what is known of them.

Off unless ``GATEWAY_PDS_BASE_URL`` is set. A retrieve sends one NHS number in the path, which the specification asks
for; a search sends what an application may (``_max-results=1``: one person, or "too many"). Nothing is logged. Plain
HTTP is spoken to this machine only. Source: PDS FHIR API specification, retrieve and search.
"""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests

from gateway.errors import InputError, UpstreamError
from gateway.services.tracing.onward_cascade import Found
from gateway.transports.pds_access import FixedToken, SignedAccess, read_key
from gateway.transports.pds_patience import TRIES, Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.services.tracing.onward_cascade import Query
    from gateway.settings import Settings
    from gateway.transports.pds_access import Access
    from linkage.nhs_number import NhsNumber

    Params = Mapping[str, str]

_SECONDS: Final = (3.05, 10.0)
_LARGEST: Final = 1024 * 1024
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_ABSENT: Final = frozenset({"RESOURCE_NOT_FOUND", "INVALIDATED_RESOURCE"})
_TOO_MANY: Final = "TOO_MANY_MATCHES"
_MOST_REMEMBERED: Final = 10_000
_REMEMBERED: Final = frozenset({requests.codes.ok, requests.codes.not_found})


@dataclass(frozen=True, slots=True)
class _Answer:
    """What PDS answered, and when, by the client's clock."""

    status: int
    body: dict[str, Any]
    at: float


class PdsClient:
    """Asks one upstream, for one thread; threads that share a `Patience` share its rate.

    An answer is remembered for ``remember`` seconds (0: not at all); `age` tells how old the last one given was.
    """

    def __init__(  # noqa: PLR0913 - a client has these parts; all but the address have a default
        self,
        base_url: str,
        token: str = "",
        *,
        access: Access | None = None,
        patience: Patience | None = None,
        session: requests.Session | None = None,
        organisation: str = "",
        remember: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare a client. ``token`` is a bearer token, empty for the open sandbox; ``access`` fetches one instead.

        ``organisation`` is the ODS code of the end user's organisation, where the application serves several.

        Raises:
            InputError: the address is not HTTPS (or HTTP to this machine).
        """
        refuse_plain(base_url, "GATEWAY_PDS_BASE_URL")
        self._base = base_url.rstrip("/")
        self._session = session or new_session()
        self._access = access or FixedToken(token)
        self._patience = patience or Patience()
        self._headers = {"Accept": "application/fhir+json"}
        if organisation:
            self._headers["NHSD-End-User-Organisation-ODS"] = organisation
        self._remember = remember
        self._clock = clock
        self._known: OrderedDict[tuple[str, tuple[tuple[str, str], ...]], _Answer] = OrderedDict()
        self._last = 0.0

    @property
    def age(self) -> float:
        """How many seconds ago PDS gave the answer that was given last; 0 where it was asked for it."""
        return self._last

    def patient(self, number: NhsNumber) -> dict[str, Any] | None:
        """Return the Patient now known by ``number``, or None where PDS knows none in force.

        Raises:
            UpstreamError: PDS did not answer, or not as its specification says. Names the status, never the number.
        """
        answer = self._get(f"/Patient/{number.digits}", {})
        if answer.status == requests.codes.ok and answer.body.get("resourceType") == "Patient":
            return answer.body
        if answer.status == requests.codes.not_found and _code(answer.body) in _ABSENT:
            return None
        raise UpstreamError(f"PDS answered {answer.status}", reason="upstream-refused")

    def search(self, query: Query) -> Found:
        """Return the one person who fits, nobody, or that there are several: PDS shows an application no more.

        Raises:
            UpstreamError: as `patient`.
        """
        answer = self._get("/Patient", {**query.params(), "_max-results": "1"})
        body = answer.body
        if answer.status == requests.codes.ok and body.get("resourceType") == "OperationOutcome":
            # several people are a success of this API: look at what came before counting it
            if _code(body) == _TOO_MANY:
                return Found(several=True)
        elif answer.status == requests.codes.ok and body.get("resourceType") == "Bundle":
            return Found(_only(body))
        raise UpstreamError(f"PDS answered {answer.status}", reason="upstream-refused")

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def _get(self, path: str, params: Params) -> _Answer:
        key = path, tuple(sorted(params.items()))
        held = self._known.get(key)
        if held is not None and self._clock() - held.at < self._remember:
            self._last = self._clock() - held.at
            return held
        answer = self._asked(path, params)
        self._last = 0.0
        if self._remember and answer.status in _REMEMBERED:
            self._known[key] = answer
            while len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)
        return answer

    def _asked(self, path: str, params: Params) -> _Answer:
        # one id for every try of one question: PDS counts it once
        headers = {**self._headers, "X-Request-ID": str(uuid.uuid4())}
        answer = self._sent(path, params, headers)
        if answer.status_code == requests.codes.unauthorized and self._access.renew():
            answer = self._sent(path, params, headers)
        return _Answer(answer.status_code, _body(answer), self._clock())

    def _sent(self, path: str, params: Params, headers: Mapping[str, str]) -> requests.Response:
        token = self._access.bearer()
        sent = {**headers, "Authorization": f"Bearer {token}"} if token else dict(headers)
        return self._patience.send(
            lambda: self._session.get(
                f"{self._base}{path}", params=dict(params), headers=sent, timeout=_SECONDS, allow_redirects=False
            )
        )


def client_of(settings: Settings, *, tries: int = TRIES) -> PdsClient:
    """Return the client that the settings describe: with a key, tokens are fetched; else the token set, or none.

    One request is sent ``tries`` times at most.

    Raises:
        InputError: no upstream is set, its address is not safe, or the key cannot be used.
    """
    if settings.pds_base_url is None:
        raise InputError("GATEWAY_PDS_BASE_URL: not set, so there is no PDS to ask", reason="pds-not-set")
    session, patience = new_session(), Patience(settings.pds_rate, tries)
    return PdsClient(
        settings.pds_base_url,
        access=_access(settings, session, patience),
        patience=patience,
        session=session,
        organisation=settings.pds_organisation,
        remember=settings.pds_cache_seconds,
    )


def _access(settings: Settings, session: requests.Session, patience: Patience) -> Access:
    if settings.pds_private_key is None:
        return FixedToken(settings.pds_token)
    for name in ("pds_token_url", "pds_api_key", "pds_key_id"):
        if not getattr(settings, name):
            raise InputError(f"GATEWAY_{name.upper()}: needed with GATEWAY_PDS_PRIVATE_KEY", reason="setting")
    refuse_plain(settings.pds_token_url, "GATEWAY_PDS_TOKEN_URL")
    return SignedAccess(
        session,
        patience,
        token_url=settings.pds_token_url,
        api_key=settings.pds_api_key,
        key_id=settings.pds_key_id,
        key=read_key(settings.pds_private_key),
    )


def new_session() -> requests.Session:
    """Return a session for a national service: what a proxy variable or a netrc file says is not for it."""
    session = requests.Session()
    session.trust_env = False
    return session


def refuse_plain(address: str, setting: str) -> None:
    """Let through HTTPS, and HTTP to this machine.

    Raises:
        InputError: it is neither.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise InputError(f"{setting}: https, or http to this machine", reason="setting", field=setting)


def _body(answer: requests.Response) -> dict[str, Any]:
    try:
        read = answer.json() if len(answer.content) <= _LARGEST else None
    except requests.JSONDecodeError:
        read = None
    return read if isinstance(read, dict) else {}


def _only(bundle: dict[str, Any]) -> dict[str, Any] | None:
    """Return the one Patient of a searchset, None of an empty one (which has no ``entry`` at all).

    Raises:
        UpstreamError: there are more, or something else than a Patient.
    """
    entries = bundle.get("entry") or []
    patients = [entry.get("resource") for entry in entries if isinstance(entry, dict)]
    if not patients and bundle.get("total") == 0:
        return None
    (patient,) = patients if len(patients) == 1 else (None,)
    if not isinstance(patient, dict) or patient.get("resourceType") != "Patient":
        raise UpstreamError("PDS answered a search with something else than one patient", reason="upstream-refused")
    return patient


def _code(outcome: dict[str, Any]) -> str:
    for issue in outcome.get("issue", ()):
        for coding in issue.get("details", {}).get("coding", ()):
            return str(coding.get("code", ""))
    return ""
