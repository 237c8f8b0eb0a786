"""Access tokens of our own making: ES256, one audience, an hour at most, nothing in them but codes.

RFC 9068 gives the shape (``typ: at+jwt``). The checks beyond the library's are those that the library, measured, lets
pass: several audiences, a life of ten years, another ``typ``, keys named in the header, repeated JSON keys. Whoever
holds a refused token learns only that it was refused; the reason is for our own log.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from gateway.errors import NotSignedIn

if TYPE_CHECKING:
    from gateway.auth.caller import Caller
    from gateway.house import House

ALGORITHM: Final = "ES256"
TYPE: Final = "at+jwt"
LONGEST_LIFE: Final = timedelta(minutes=60)
LARGEST: Final = 4096
SKEW: Final = timedelta(seconds=30)
_REMEMBERED: Final = 1024
# A key named by the token itself is a key the attacker chose.
_FOREIGN_KEYS: Final = frozenset({"jwk", "jku", "x5u", "x5c", "crit"})
_TEXT_CLAIMS: Final = ("iss", "aud", "sub", "role", "org", "purpose", "jti")


@dataclass(frozen=True, slots=True)
class Claims:
    """Who a token says is asking; codes only."""

    sub: str
    role: str
    org: str
    purpose: str
    jti: str


@dataclass(frozen=True, slots=True)
class TokenOffice:
    """Issues tokens and reads back its own. ``name`` is both issuer and audience: we talk to ourselves here."""

    name: str
    key: ECKey
    life: timedelta = LONGEST_LIFE
    _checked: dict[bytes, dict[str, Any]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def issue(self, *, sub: str, role: str, org: str, purpose: str, now: datetime) -> str:
        """Return a signed token for one person and one purpose."""
        claims = Claims(sub, role, org, purpose, str(uuid4()))
        times = {"iat": int(now.timestamp()), "exp": int((now + min(self.life, LONGEST_LIFE)).timestamp())}
        body = {"iss": self.name, "aud": self.name, **times, **asdict(claims)}
        header = {"alg": ALGORITHM, "typ": TYPE}
        return jws.serialize_compact(header, json.dumps(body), self.key, algorithms=[ALGORITHM])

    def read(self, token: str, now: datetime) -> Claims:
        """Return what a genuine token says.

        Raises:
            NotSignedIn: it is not ours, not now, or not in order; ``reason`` is a code for the log.
        """
        body = self._signed(token)
        self._check_body(body, now)
        return Claims(**{name: body[name] for name in Claims.__slots__})

    def _signed(self, token: str) -> dict[str, Any]:
        """What a token signed by us says. A signature is checked once: it cannot become wrong, a claim can."""
        name = sha256(token.encode("utf-8", "surrogatepass")).digest()
        body = self._checked.get(name)
        if body is None:
            _check_header(token)
            try:
                signed = jws.deserialize_compact(token, self.key, algorithms=[ALGORITHM])
            except (JoseError, ValueError):
                raise _refused("signature") from None
            body = _object(signed.payload)
            if len(self._checked) >= _REMEMBERED:
                self._checked.clear()
            self._checked[name] = body
        return body

    def _check_body(self, body: dict[str, Any], now: datetime) -> None:
        if not all(isinstance(body.get(name), str) and body[name] for name in _TEXT_CLAIMS):
            raise _refused("claims")
        if body["iss"] != self.name:
            raise _refused("issuer")
        if body["aud"] != self.name:
            raise _refused("audience")
        _check_times(body, now)


def _check_header(token: str) -> None:
    """Refuse by shape before any cryptography."""
    if len(token) > LARGEST or not token.isascii():
        raise _refused("size")
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):  # noqa: PLR2004 - header, payload, signature
        raise _refused("shape")
    try:
        header = _object(urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
    except NotBase64:
        raise _refused("shape") from None
    if header.get("alg") != ALGORITHM:
        raise _refused("algorithm")
    if header.get("typ") != TYPE:
        raise _refused("type")
    if _FOREIGN_KEYS & header.keys():
        raise _refused("foreign-key")


def _check_times(body: dict[str, Any], now: datetime) -> None:
    issued, expires, earliest = body.get("iat"), body.get("exp"), body.get("nbf", 0)
    # bool is an int to Python, not to us
    if not all(type(moment) is int for moment in (issued, expires, earliest)):
        raise _refused("times")
    assert isinstance(issued, int)
    assert isinstance(expires, int)
    if expires - issued > LONGEST_LIFE.total_seconds():
        raise _refused("life")
    present = now.astimezone(UTC).timestamp()
    if present >= expires:
        raise _refused("expired")
    if max(issued, earliest) > present + SKEW.total_seconds():
        raise _refused("not-yet")


def _object(data: bytes) -> dict[str, Any]:
    """Read one JSON object in which no key comes twice."""
    try:
        value = json.loads(data, object_pairs_hook=_no_repeats)
    except (ValueError, RecursionError):
        raise _refused("json") from None
    if not isinstance(value, dict):
        raise _refused("json")
    return value


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) != len(pairs):
        raise ValueError("a key comes twice")
    return held


def _refused(code: str) -> NotSignedIn:
    return NotSignedIn("Invalid Access Token", reason=f"token-{code}")


def office_of(house: House) -> TokenOffice:
    """Return the token office of an open house. Another installation has another key; the other mode, another name."""
    settings = house.settings
    name = f"urn:nhs-linkage-gateway:{settings.mode.value}"
    key = ECKey.import_key(house.stores.keys.token_key())
    return TokenOffice(name, key, timedelta(minutes=settings.token_minutes))


def issue_token(house: House, caller: Caller) -> str:
    """Return an access token for ``caller`` and its one purpose."""
    return office_of(house).issue(
        sub=caller.subject,
        role=caller.role.value,
        org=caller.organisation,
        purpose=caller.purpose.value,
        now=house.now(),
    )
