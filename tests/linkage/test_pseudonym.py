"""Pseudonyms: the same person the same token in one domain, and nothing in common between two."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.nhs_number import NhsNumber
from linkage.pseudonym import Domain, check, domain_key, surrogate, tag, token

ROOT = bytes(range(32))
DOMAIN = Domain("ISA-7", "04C", "healthtrak", "2026")
ANNE = NhsNumber("9990000018")
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_a_token_is_what_the_recipe_says() -> None:
    """HKDF-SHA256 and HMAC-SHA256-128 by hand, from RFC 5869 and RFC 2104."""
    extracted = hmac.digest(bytes(32), ROOT, "sha256")
    key = hmac.digest(extracted, b"gateway|pseudonym|v1|ISA-7|04C|healthtrak|2026\x01", "sha256")
    assert domain_key(ROOT, DOMAIN) == key
    mac = int.from_bytes(hmac.new(key, b"\x01nhs9990000018", hashlib.sha256).digest()[:16], "big")
    body = ""
    for _ in range(26):
        mac, place = divmod(mac, 32)
        body = CROCKFORD[place] + body
    made = token(key, tag(DOMAIN), ANNE)
    assert made[:-1] == "p1" + tag(DOMAIN) + body
    assert check(made)


def test_a_known_answer_never_changes() -> None:
    """Recipients hold these for years: a different token is a different person to them."""
    key = domain_key(ROOT, DOMAIN)
    assert token(key, tag(DOMAIN), ANNE) == "p18BCF3BAC2YV73FD7XGK2X5ZP36XQSG8"
    assert surrogate(key, tag(DOMAIN), "person-1") == "s18BCF5G1TV1MND1SB40KWPFSD6NYSEWT"


@pytest.mark.parametrize("part", ["agreement", "recipient", "project", "epoch"])
def test_another_domain_has_another_key_and_another_token(part: str) -> None:
    other = replace(DOMAIN, **{part: "else"})
    one, two = domain_key(ROOT, DOMAIN), domain_key(ROOT, other)
    assert one != two
    assert tag(DOMAIN) != tag(other)
    assert token(one, "0000", ANNE) != token(two, "0000", ANNE)


@pytest.mark.parametrize("part", ["agreement", "recipient", "project", "epoch"])
@pytest.mark.parametrize("value", ["", "a|b"])
def test_a_domain_that_could_be_read_as_another_is_refused(part: str, value: str) -> None:
    with pytest.raises(ValueError, match="empty or holds a separator"):
        replace(DOMAIN, **{part: value})


def test_a_short_root_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        domain_key(ROOT[:31], DOMAIN)


def test_a_surrogate_is_never_taken_for_a_token_of_a_number() -> None:
    key = domain_key(ROOT, DOMAIN)
    made = surrogate(key, tag(DOMAIN), ANNE.digits)
    assert made.startswith("s1")
    assert check(made)
    assert made[6:] != token(key, tag(DOMAIN), ANNE)[6:]


@given(st.binary(min_size=32, max_size=32), st.integers(0, 32), st.sampled_from(CROCKFORD))
def test_one_wrong_character_is_always_caught(root: bytes, place: int, letter: str) -> None:
    made = token(domain_key(root, DOMAIN), tag(DOMAIN), ANNE)
    wrong = made[:place] + letter + made[place + 1 :]
    assert check(wrong) == (wrong == made)


@pytest.mark.parametrize("text", ["", "9990000018", "p1", "p1" + "U" * 31])
def test_what_is_no_token_is_told(text: str) -> None:
    assert not check(text)
