"""An access token of ours opens the door; nothing else does (design note ig.md, 6.3)."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from gateway.auth.tokens import TokenOffice
from gateway.errors import NotSignedIn

NOW = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
OFFICE = TokenOffice("urn:test:office", ECKey.generate_key("P-256"))
BODY: dict[str, Any] = {
    "iss": OFFICE.name,
    "aud": OFFICE.name,
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 600,
    "sub": "social-worker",
    "role": "social-worker",
    "org": "999",
    "purpose": "direct-care",
    "jti": "7b2f5b1e",
}
HEADER = {"alg": "ES256", "typ": "at+jwt"}


def issued() -> str:
    return OFFICE.issue(sub="social-worker", role="social-worker", org="999", purpose="direct-care", now=NOW)


def signed(body: object = BODY, header: dict[str, Any] | None = None, *, raw: str | None = None) -> str:
    text = raw if raw is not None else json.dumps(body)
    return jws.serialize_compact(header or HEADER, text, OFFICE.key, algorithms=["ES256"])


def b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def refused(token: str, now: datetime = NOW) -> str:
    with pytest.raises(NotSignedIn) as fault:
        OFFICE.read(token, now)
    assert str(fault.value) == "Invalid Access Token"
    return fault.value.reason


def test_reads_back_what_it_issued() -> None:
    claims = OFFICE.read(issued(), NOW)
    assert (claims.sub, claims.role, claims.org, claims.purpose) == (
        "social-worker",
        "social-worker",
        "999",
        "direct-care",
    )
    assert claims.jti


def test_a_token_lives_an_hour_at_most() -> None:
    long = TokenOffice(OFFICE.name, OFFICE.key, timedelta(days=1))
    token = long.issue(sub="a", role="b", org="c", purpose="d", now=NOW)
    assert OFFICE.read(token, NOW + timedelta(minutes=59)).sub == "a"
    assert refused(token, NOW + timedelta(minutes=60)) == "token-expired"


def test_a_token_read_before_is_held_to_its_times_and_its_office_again() -> None:
    token = issued()
    assert [OFFICE.read(token, NOW).sub for _ in range(2)] == ["social-worker"] * 2
    assert refused(token, NOW + timedelta(hours=2)) == "token-expired"
    with pytest.raises(NotSignedIn, match="Invalid Access Token"):
        TokenOffice(OFFICE.name, ECKey.generate_key("P-256")).read(token, NOW)


def test_however_many_tokens_were_read_the_next_one_is_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.auth.tokens._REMEMBERED", 2)
    office = TokenOffice(OFFICE.name, OFFICE.key)
    assert [office.read(issued(), NOW).sub for _ in range(5)] == ["social-worker"] * 5
    assert len(office._checked) <= 2


def test_a_hand_made_token_in_order_is_read() -> None:
    assert OFFICE.read(signed(), NOW).jti == "7b2f5b1e"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"aud": [OFFICE.name]}, "token-claims"),
        ({"aud": [OFFICE.name, "urn:test:other"]}, "token-claims"),
        ({"aud": "urn:test:other"}, "token-audience"),
        ({"iss": "urn:test:other"}, "token-issuer"),
        ({"exp": BODY["exp"] + 315_360_000}, "token-life"),
        ({"exp": str(BODY["exp"])}, "token-times"),
        ({"exp": True}, "token-times"),
        ({"exp": None}, "token-times"),
        ({"iat": BODY["iat"] + 300, "exp": BODY["iat"] + 600}, "token-not-yet"),
        ({"nbf": BODY["iat"] + 300}, "token-not-yet"),
        ({"nbf": "tomorrow"}, "token-times"),
        ({"exp": BODY["iat"]}, "token-expired"),
        ({"sub": ""}, "token-claims"),
        ({"purpose": ["direct-care", "analytics"]}, "token-claims"),
        ({"jti": 7}, "token-claims"),
    ],
)
def test_refuses_a_body_out_of_order(change: dict[str, Any], reason: str) -> None:
    assert refused(signed(BODY | change)) == reason


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"alg": "ES256", "typ": "JWT"}, "token-type"),
        ({"alg": "ES256"}, "token-type"),
        (HEADER | {"jwk": {"kty": "EC"}}, "token-foreign-key"),
        (HEADER | {"jku": "https://keys.example/jwks"}, "token-foreign-key"),
        (HEADER | {"x5u": "https://keys.example/cert"}, "token-foreign-key"),
        (HEADER | {"x5c": ["AA"]}, "token-foreign-key"),
        (HEADER | {"crit": ["b64"], "b64": True}, "token-foreign-key"),
        (HEADER | {"alg": "none"}, "token-algorithm"),
        (HEADER | {"alg": "nOnE"}, "token-algorithm"),
        (HEADER | {"alg": "HS256"}, "token-algorithm"),
        (HEADER | {"alg": ["ES256"]}, "token-algorithm"),
    ],
)
def test_refuses_a_header_out_of_order_before_any_cryptography(header: dict[str, Any], reason: str) -> None:
    token = ".".join((b64(json.dumps(header)), *issued().split(".")[1:]))
    assert refused(token) == reason


def test_refuses_repeated_keys_in_header_and_body() -> None:
    twice = json.dumps(BODY)[:-1] + ', "sub": "gp"}'
    assert refused(signed(raw=twice)) == "token-json"
    header = '{"alg": "ES256", "typ": "at+jwt", "alg": "ES256"}'
    assert refused(".".join((b64(header), *issued().split(".")[1:]))) == "token-json"


@pytest.mark.parametrize("raw", ["[]", '"text"', "not json", "", "[" * 4000])
def test_refuses_a_body_that_is_no_object(raw: str) -> None:
    assert refused(signed(raw=raw)) in {"token-json", "token-size", "token-shape"}


def test_refuses_another_key_and_another_kind_of_key() -> None:
    text = json.dumps(BODY)
    other = jws.serialize_compact(HEADER, text, ECKey.generate_key("P-256"), algorithms=["ES256"])
    rsa = jws.serialize_compact(
        {"alg": "RS256", "typ": "at+jwt"}, text, RSAKey.generate_key(2048), algorithms=["RS256"]
    )
    assert refused(other) == "token-signature"
    assert refused(rsa) == "token-algorithm"
    # the classic confusion: our public key, used as if it were a shared secret
    unsigned = ".".join((b64(json.dumps(HEADER | {"alg": "HS256"})), b64(text)))
    mac = hmac.digest(OFFICE.key.as_pem(private=False), unsigned.encode(), "sha256")
    assert refused(f"{unsigned}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}") == "token-algorithm"


@pytest.mark.parametrize("text", ["", ".", "a.b", "a.b.c", "a..c", "\u2029.x.y", "é.é.é", "A" * 5000, "%%.%%.%%"])
def test_refuses_what_is_no_token(text: str) -> None:
    assert refused(text).startswith("token-")


@given(st.integers(0, 10_000), st.sampled_from("ABCxyz019-_."))
def test_one_changed_character_is_never_accepted(place: int, letter: str) -> None:
    token = signed()
    place %= len(token) - 1
    changed = token[:place] + letter + token[place + 1 :]
    # the last character of a part may carry unused bits: only a decoded difference counts
    if [_decoded(part) for part in changed.split(".")] != [_decoded(part) for part in token.split(".")]:
        refused(changed)


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        return part.encode()
