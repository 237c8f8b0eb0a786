"""Access tokens of the API platform for an application: a signed assertion in exchange for a token.

PDS FHIR API, application-restricted access (signed JWT): header ``alg: RS512``, ``typ: JWT``, ``kid``; claims ``iss``
and ``sub`` the API key, ``aud`` the token address, ``jti`` new each time, ``exp`` at most five minutes ahead. The token
is kept until shortly before it ends; the platform says for how many seconds, as text.
"""

from __future__ import annotations

import stat
import threading
import time
import uuid
from typing import TYPE_CHECKING, Final, Protocol

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from gateway.errors import InputError, UpstreamError
from gateway.services.files import named

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.transports.pds_patience import Patience

ALGORITHM: Final = "RS512"
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFE: Final = 240
"""Seconds that an assertion is good for: five minutes, less what two clocks may differ by."""
_EARLY: Final = 30
_SECONDS: Final = (3.05, 10.0)
_OTHERS: Final = 0o077


class Access(Protocol):
    """Whatever knows the bearer token to send."""

    def bearer(self) -> str:
        """Return a token, or empty for an open service."""

    def renew(self) -> bool:
        """Forget a token that was refused; whether there can be another."""


class FixedToken:
    """A token from the settings, or none at all."""

    def __init__(self, token: str) -> None:
        self._token = token

    def bearer(self) -> str:
        """Return it."""
        return self._token

    def renew(self) -> bool:
        """There is no other."""
        return False


class SignedAccess:
    """Tokens in exchange for assertions that this application signs."""

    def __init__(  # noqa: PLR0913 - what an exchange is made of
        self,
        session: requests.Session,
        patience: Patience,
        *,
        token_url: str,
        api_key: str,
        key_id: str,
        key: RSAKey,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``clock`` gives the seconds since 1970, which assertions and tokens end by."""
        self._session = session
        self._patience = patience
        self._url = token_url
        self._api_key = api_key
        self._key_id = key_id
        self._key = key
        self._clock = clock
        self._token = ""
        self._until = 0.0
        self._lock = threading.Lock()

    def bearer(self) -> str:
        """Return a token that is good for a while yet.

        Raises:
            UpstreamError: the platform gave none. Names the status, nothing else.
        """
        with self._lock:
            if not self._token or self._clock() >= self._until:
                self._token, life = self._exchange()
                self._until = self._clock() + max(0.0, life - _EARLY)
            return self._token

    def renew(self) -> bool:
        """Have another token fetched the next time."""
        with self._lock:
            self._token = ""
        return True

    def assertion(self) -> str:
        """Return a new assertion."""
        claims = {
            "iss": self._api_key,
            "sub": self._api_key,
            "aud": self._url,
            "jti": str(uuid.uuid4()),
            "exp": int(self._clock()) + _LIFE,
        }
        header = {"alg": ALGORITHM, "typ": "JWT", "kid": self._key_id}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])

    def _exchange(self) -> tuple[str, float]:
        answer = self._patience.send(
            lambda: self._session.post(
                self._url,
                data={
                    "grant_type": "client_credentials",
                    "client_assertion_type": _ASSERTION,
                    # each try has its own: an assertion's jti is taken once
                    "client_assertion": self.assertion(),
                },
                timeout=_SECONDS,
                allow_redirects=False,
            )
        )
        try:
            told = answer.json() if answer.status_code == requests.codes.ok else {}
            return str(told["access_token"]), float(told["expires_in"])
        except (requests.JSONDecodeError, KeyError, TypeError, ValueError):
            message = f"no access token for PDS: the token address answered {answer.status_code}"
            raise UpstreamError(message, reason="upstream-token") from None


def read_key(path: Path) -> RSAKey:
    """Read an RSA private key, PEM or JWK.

    Raises:
        InputError: it cannot be read, is none, or others of this machine can read it too.
    """
    with named(path):
        mode, data = path.stat().st_mode, path.read_bytes()
    if stat.S_IMODE(mode) & _OTHERS:
        message = f"GATEWAY_PDS_PRIVATE_KEY: {path.name} can be read by others: mode 0600"
        raise InputError(message, reason="key-exposed", field="GATEWAY_PDS_PRIVATE_KEY")
    try:
        key = RSAKey.import_key(data)
    except (JoseError, ValueError, TypeError):
        key = None
    if key is None or not key.is_private:
        message = f"GATEWAY_PDS_PRIVATE_KEY: {path.name} is no RSA private key"
        raise InputError(message, reason="key-malformed", field="GATEWAY_PDS_PRIVATE_KEY")
    return key
