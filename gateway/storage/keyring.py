"""Secrets, one file each under ``keys/``, readable by the service alone. Made by ``gateway keys init``, never shipped.

| file                 | what                                                                   |
|----------------------|------------------------------------------------------------------------|
| pseudonym-root.key   | root from which each project's pseudonym key is derived (32 bytes)     |
| ledger-mac.key       | seals ledger rows (32 bytes)                                           |
| subject-token.key    | turns people into subject tokens in the ledger (32 bytes)              |
| session-secret.key   | signs cookies and form tokens (32 bytes)                               |
| checkpoint.pem       | Ed25519, signs ledger checkpoints                                      |
| token-signing.pem    | ECDSA P-256 (ES256), signs access tokens                               |
| webhook-ID.key       | signs what one subscriber is sent (32 bytes); made with the subscription |
| webhook-ID.old.key   | the one before, valid beside it until it is retired                    |
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
import stat
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SECRET_BYTES: Final = 32
_TOKEN_BYTES: Final = 16


class KeyAbsent(Unavailable):
    """A key file is not there, or is not a key. ``gateway keys init`` makes what is missing."""


class KeyExposed(Unavailable):
    """A key file can be read by others than the service: it may have been, so it is not used."""


class Keyring:
    """The keys of one house, read when first used and kept in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, bytes] = {}
        self._parsed: dict[str, object] = {}

    def init(self) -> list[str]:
        """Make every key that is missing, and return the names of those made. What is there stays.

        Raises:
            KeyAbsent: the folder cannot be written.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return [name for name, make in _MAKERS.items() if self._create(name, make)]
        except OSError as error:
            raise KeyAbsent(f"keys cannot be written ({type(error).__name__})", reason="keys-unwritable") from None

    def new_webhook_secret(self, webhook_id: str) -> bytes:
        """Make a secret for a subscriber (32 bytes); one made before stays valid beside it until it is retired.

        Raises:
            KeyAbsent: the folder cannot be written.
        """
        current = self._folder / f"webhook-{webhook_id}.key"
        try:
            if current.exists():
                current.replace(self._folder / f"webhook-{webhook_id}.old.key")
            self._create(current.name, _secret)
        except OSError as error:
            raise KeyAbsent(f"keys cannot be written ({type(error).__name__})", reason="keys-unwritable") from None
        return self.webhook_secrets(webhook_id)[0]

    def webhook_secrets(self, webhook_id: str) -> list[bytes]:
        """Return the secrets valid for a subscriber, newest first; read anew each time, since they are rotated.

        Raises:
            KeyAbsent: there is none.
            KeyExposed: one can be read by others.
        """
        names = [f"webhook-{webhook_id}{middle}.key" for middle in ("", ".old")]
        held = [name for name in names if (self._folder / name).exists()]
        if not held:
            raise KeyAbsent("this webhook has no secret: rotate it", reason="key-absent")
        return [self._from_disk(name) for name in held]

    def retire_webhook_secret(self, webhook_id: str, *, every: bool = False) -> bool:
        """Let the secret before the present one go, or with ``every`` the present one too. Returns whether any went."""
        names = [f"webhook-{webhook_id}.old.key", *([f"webhook-{webhook_id}.key"] if every else [])]
        held = [path for name in names if (path := self._folder / name).exists()]
        for path in held:
            path.unlink()
        return bool(held)

    def _create(self, name: str, make: Callable[[], bytes]) -> bool:
        path = self._folder / name
        if path.exists():
            return False
        # Written aside and renamed, so that a key is whole or not there; never readable by others, even for a moment.
        aside = self._folder / f".{name}.{os.getpid()}"
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
        return True

    def pseudonym_root(self) -> bytes:
        """Return the root of the pseudonym domains: 32 bytes."""
        return self._secret("pseudonym-root.key")

    def ledger_mac(self) -> bytes:
        """Return the key that seals ledger rows: 32 bytes."""
        return self._secret("ledger-mac.key")

    def session_secret(self) -> bytes:
        """Return the key that signs cookies: 32 bytes."""
        return self._secret("session-secret.key")

    def subject_token(self, subject: str) -> str:
        """Return the token under which a person (an NHS number or a person id) appears in the ledger: 26 characters.

        The same person gives the same token for as long as the key stays; without the key it names nobody.
        """
        digest = hmac.digest(self._secret("subject-token.key"), subject.encode(), "sha256")[:_TOKEN_BYTES]
        return base64.b32encode(digest).decode().rstrip("=").lower()

    def checkpoint_key(self) -> Ed25519PrivateKey:
        """Return the key that signs ledger checkpoints."""
        key = self._private("checkpoint.pem")
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyAbsent("checkpoint.pem is not an Ed25519 key", reason="key-malformed")
        return key

    def token_key(self) -> EllipticCurvePrivateKey:
        """Return the key that signs access tokens (ES256)."""
        key = self._private("token-signing.pem")
        if not isinstance(key, EllipticCurvePrivateKey):
            raise KeyAbsent("token-signing.pem is not an elliptic curve key", reason="key-malformed")
        return key

    def check(self) -> None:
        """Read every key.

        Raises:
            KeyAbsent: one is missing or malformed.
            KeyExposed: one can be read by others.
        """
        for name in _MAKERS:
            if name.endswith(".key"):
                self._secret(name)
        self.checkpoint_key()
        self.token_key()

    def _secret(self, name: str) -> bytes:
        data = self._bytes(name)
        if len(data) != _SECRET_BYTES:
            raise KeyAbsent(f"{name} is not a key of {_SECRET_BYTES} bytes", reason="key-malformed")
        return data

    def _private(self, name: str) -> object:
        if name not in self._parsed:
            try:
                self._parsed[name] = load_pem_private_key(self._bytes(name), password=None)
            except (ValueError, TypeError):
                raise KeyAbsent(f"{name} is not a private key", reason="key-malformed") from None
        return self._parsed[name]

    def _bytes(self, name: str) -> bytes:
        if name not in self._read:
            self._read[name] = self._from_disk(name)
        return self._read[name]

    def _from_disk(self, name: str) -> bytes:
        path = self._folder / name
        try:
            mode = path.stat().st_mode
            data = path.read_bytes()
        except OSError:
            raise KeyAbsent(f"{name} is missing: run gateway keys init", reason="key-absent") from None
        if stat.S_IMODE(mode) & 0o077:
            raise KeyExposed(f"{name} can be read by others: make a new one, mode 0600", reason="key-exposed")
        return data


def _secret() -> bytes:
    return secrets.token_bytes(_SECRET_BYTES)


def _pem(key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


_MAKERS: Final[dict[str, Callable[[], bytes]]] = {
    "pseudonym-root.key": _secret,
    "ledger-mac.key": _secret,
    "subject-token.key": _secret,
    "session-secret.key": _secret,
    "checkpoint.pem": lambda: _pem(Ed25519PrivateKey.generate()),
    "token-signing.pem": lambda: _pem(generate_private_key(SECP256R1())),
}
