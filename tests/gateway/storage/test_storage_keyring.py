"""Keys are made once, kept from others, and missed by name."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1

from gateway.storage.keyring import KeyAbsent, KeyExposed, Keyring

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    ring = Keyring(tmp_path / "keys")
    assert len(ring.init()) == 6
    return ring


def test_what_is_there_stays(keys: Keyring, tmp_path: Path) -> None:
    root = keys.pseudonym_root()
    assert keys.init() == []
    keys.check()
    assert Keyring(tmp_path / "keys").pseudonym_root() == root
    assert len({root, keys.ledger_mac(), keys.session_secret()}) == 3
    assert isinstance(keys.token_key().curve, SECP256R1)
    assert keys.checkpoint_key() is keys.checkpoint_key()


def test_nobody_else_can_read_them(keys: Keyring, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_key_that_others_can_read_is_not_used(keys: Keyring, tmp_path: Path) -> None:
    (tmp_path / "keys" / "ledger-mac.key").chmod(0o644)
    with pytest.raises(KeyExposed, match=r"ledger-mac\.key"):
        keys.check()


@pytest.mark.parametrize("name", ["subject-token.key", "checkpoint.pem", "token-signing.pem"])
def test_a_missing_or_malformed_key_is_named(keys: Keyring, tmp_path: Path, name: str) -> None:
    path = tmp_path / "keys" / name
    path.write_bytes(b"too short")
    with pytest.raises(KeyAbsent, match=name):
        keys.check()
    path.unlink()
    with pytest.raises(KeyAbsent, match="gateway keys init"):
        Keyring(tmp_path / "keys").check()


def test_a_key_of_another_kind_is_refused(keys: Keyring, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    checkpoint, token = (folder / name for name in ("checkpoint.pem", "token-signing.pem"))
    first, second = checkpoint.read_bytes(), token.read_bytes()
    checkpoint.write_bytes(second)
    token.write_bytes(first)
    with pytest.raises(KeyAbsent, match="Ed25519"):
        keys.checkpoint_key()
    with pytest.raises(KeyAbsent, match="elliptic"):
        keys.token_key()


def test_a_subject_token_is_stable_opaque_and_of_this_house(keys: Keyring, tmp_path: Path) -> None:
    token = keys.subject_token("9990000018")
    assert token == keys.subject_token("9990000018")
    assert token != keys.subject_token("9990000026")
    assert len(token) == 26
    assert token.isalnum()
    other = Keyring(tmp_path / "other")
    other.init()
    assert other.subject_token("9990000018") != token


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(KeyAbsent) as refused:
        Keyring(tmp_path / "file" / "keys").init()
    assert refused.value.reason == "keys-unwritable"
