"""Tokens for a signed assertion: what the assertion says, how long a token is kept, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from gateway.errors import InputError, UpstreamError
from gateway.transports.pds_access import FixedToken, SignedAccess, read_key
from tests.gateway.transports.upstreams import KEY, Said, Time, scripted

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = Said(200, {"access_token": "first", "expires_in": "599", "token_type": "Bearer"})


def access(url: str, time: Time) -> SignedAccess:
    return SignedAccess(
        requests.Session(), time.patience(), token_url=url, api_key="api-key", key_id="kid-1", key=KEY, clock=time
    )


def test_an_assertion_is_signed_rs512_for_the_token_address_and_for_five_minutes_at_most() -> None:
    time = Time(now=1_800_000_000)
    one = access("https://api.example/oauth2/token", time)
    read = [
        jwt.decode(one.assertion(), RSAKey.import_key(KEY.as_dict(private=False)), algorithms=["RS512"]) for _ in "12"
    ]
    assert read[0].header == {"alg": "RS512", "typ": "JWT", "kid": "kid-1"}
    claims = read[0].claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("api-key", "api-key", "https://api.example/oauth2/token")
    assert 0 < claims["exp"] - time.now <= 300
    assert claims["jti"] != read[1].claims["jti"]


def test_a_token_is_kept_until_shortly_before_it_ends() -> None:
    time = Time()
    with scripted([TOKEN, Said(200, {"access_token": "second", "expires_in": 599})]) as server:
        one = access(server.base, time)
        assert [one.bearer(), one.bearer()] == ["first", "first"]
        time.now += 560
        assert one.bearer() == "first"
        time.now += 10
        assert one.bearer() == "second"
    form = parse_qs(server.seen[0]["form"])
    assert form["grant_type"] == ["client_credentials"]
    assert form["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    assert len(server.seen) == 2
    assert len({one["form"] for one in server.seen}) == 2


def test_a_token_can_be_forgotten() -> None:
    with scripted([TOKEN]) as server:
        one = access(server.base, Time())
        one.bearer()
        assert one.renew()
        one.bearer()
    assert len(server.seen) == 2
    assert (FixedToken("t").bearer(), FixedToken("t").renew()) == ("t", False)


@pytest.mark.parametrize(
    "said", [Said(400, {"error": "invalid_client"}), Said(200, b"no json"), Said(200, {}), Said(200, b"[]")]
)
def test_whatever_is_no_token_is_an_upstream_error_without_the_key(said: Said) -> None:
    with scripted([said]) as server, pytest.raises(UpstreamError, match="no access token") as refused:
        access(server.base, Time()).bearer()
    assert "api-key" not in str(refused.value)


def test_a_key_is_read_when_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(KEY.as_pem(private=True))
    path.chmod(0o644)
    with pytest.raises(InputError, match="can be read by others"):
        read_key(path)
    path.chmod(0o600)
    assert read_key(path).as_dict(private=True) == KEY.as_dict(private=True)


@pytest.mark.parametrize(
    "data",
    [b"no key", b"", KEY.as_pem(private=False), ECKey.generate_key("P-256").as_pem(private=True)],
    ids=["text", "empty", "public", "another kind"],
)
def test_what_is_no_rsa_private_key_is_refused_by_its_setting(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(data)
    path.chmod(0o600)
    with pytest.raises(InputError, match=r"GATEWAY_PDS_PRIVATE_KEY: key\.pem is no RSA private key"):
        read_key(path)
    with pytest.raises(InputError, match="cannot be opened"):
        read_key(tmp_path / "absent.pem")
