"""Pseudonyms: one person, one token per domain, and nothing in common between domains.

A domain is one agreement, recipient, project and epoch. Its key comes from the root key by HKDF-SHA256;
a token is HMAC-SHA256 cut to 128 bits, over the canonical ten digits, in Crockford's base 32, with the
domain's tag in front (a join across domains is seen to be wrong) and an ISO 7064 MOD 37,36 check character
behind. Destroying a domain's key ends its pseudonyms. Nothing here decides who may have one.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

if TYPE_CHECKING:
    from linkage.nhs_number import NhsNumber

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECKED: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TOKEN: Final = re.compile(rf"[ps]1[{_ALPHABET}]{{30}}[0-9A-Z]", re.ASCII)
_KEY_BYTES: Final = 32
_TOKEN_BYTES: Final = 16
_TOKEN_LENGTH: Final = 26
_TAG_LENGTH: Final = 4
_NUMBER: Final = b"\x01nhs"
_PERSON: Final = b"\x02person"


@dataclass(frozen=True, slots=True)
class Domain:
    """Within which pseudonyms agree: an agreement, its recipient's ODS code, a project, an epoch.

    Raises:
        ValueError: a part is empty or holds the separator ``|``.
    """

    agreement: str
    recipient: str
    project: str
    epoch: str

    def __post_init__(self) -> None:
        # an empty part or a separator inside one could make two domains' keys the same
        for part in (self.agreement, self.recipient, self.project, self.epoch):
            if not part or "|" in part:
                raise ValueError("a part of a pseudonym domain is empty or holds a separator")

    def __str__(self) -> str:
        return f"{self.agreement}|{self.recipient}|{self.project}|{self.epoch}"


def domain_key(root: bytes, domain: Domain) -> bytes:
    """Derive the 32-byte key of a domain from the 32-byte root key.

    Raises:
        ValueError: the root key is shorter than 32 bytes.
    """
    if len(root) < _KEY_BYTES:
        raise ValueError("a root key has at least 32 bytes")
    info = f"gateway|pseudonym|v1|{domain}".encode()
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(root)


def tag(domain: Domain) -> str:
    """The four characters that mark a domain's tokens; no secret, and no proof of anything."""
    digest = blake2b(str(domain).encode(), digest_size=8, person=b"pseudonym-tag").digest()
    return _base32(int.from_bytes(digest, "big") % len(_ALPHABET) ** _TAG_LENGTH, _TAG_LENGTH)


def token(key: bytes, domain_tag: str, number: NhsNumber) -> str:
    """The pseudonym of the person whose surviving NHS number this is: ``p1``, tag, 26 characters, check.

    The caller resolves superseded numbers first: two numbers of one person give two tokens.
    """
    return _token("p1", key, domain_tag, _NUMBER + number.digits.encode())


def surrogate(key: bytes, domain_tag: str, internal_id: str) -> str:
    """The pseudonym of a person without an NHS number, from our own id and never from a name or a date."""
    return _token("s1", key, domain_tag, _PERSON + internal_id.encode())


def check(text: str) -> bool:
    """Whether a text is a well-formed token, its check character included; it may still be nobody's."""
    return _TOKEN.fullmatch(text) is not None and _check_character(text[:-1]) == text[-1]


def _token(kind: str, key: bytes, domain_tag: str, message: bytes) -> str:
    mac = hmac.digest(key, message, "sha256")[:_TOKEN_BYTES]
    body = kind + domain_tag + _base32(int.from_bytes(mac, "big"), _TOKEN_LENGTH)
    return body + _check_character(body)


def _base32(value: int, length: int) -> str:
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(5 * (length - 1), -1, -5))


def _check_character(body: str) -> str:
    """ISO 7064 MOD 37,36: catches every wrong character and nearly every exchange of neighbours."""
    modulus = len(_CHECKED)
    product = modulus
    for character in body.upper():
        product = (product + _CHECKED.index(character)) % modulus or modulus
        product = product * 2 % (modulus + 1)
    return _CHECKED[(modulus + 1 - product) % modulus]
