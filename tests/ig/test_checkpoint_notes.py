"""Tree heads and the notes that witnesses keep."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ig.checkpoint import Checkpoint, NoteFault, Tree, key_id, leaf_hash, parse, tree_head, verifier_key, verify, write

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_POINT = Checkpoint(3, tree_head([b"a", b"b", b"c"]), "gateway.example/ledger")


def _oracle(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, as written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + _oracle(leaves[:k]) + _oracle(leaves[k:])).digest()


@given(st.lists(st.binary(max_size=8), max_size=40))
def test_the_growing_tree_has_the_root_that_the_standard_defines(leaves: list[bytes]) -> None:
    assert tree_head(leaves) == _oracle(leaves)


def test_the_published_test_tree_has_its_published_root() -> None:
    """The eight-leaf tree that Certificate Transparency implementations test with."""
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    root = tree_head(bytes.fromhex(leaf) for leaf in leaves)
    assert root.hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_a_tree_can_be_asked_at_any_size() -> None:
    tree = Tree()
    for size, leaf in enumerate([b"a", b"b", b"c", b"d", b"e"]):
        assert (tree.size, tree.root()) == (size, _oracle([b"a", b"b", b"c", b"d", b"e"][:size]))
        tree.append(leaf_hash(leaf))


def test_a_signed_note_opens_to_the_checkpoint_it_was_made_of() -> None:
    note = write(_POINT, "gateway.example", _KEY)
    assert note.startswith("gateway.example/ledger\n3\n")
    assert verify(note, "gateway.example", _KEY.public_key()) == _POINT


def test_signatures_of_others_are_left_alone() -> None:
    note = write(_POINT, "gateway.example", _KEY)
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    theirs = write(_POINT, "witness.example", other).rpartition("\n\n")[2]
    assert verify(note + theirs, "gateway.example", _KEY.public_key()) == _POINT
    assert verify(note + theirs, "witness.example", other.public_key()) == _POINT


def test_extension_lines_do_not_hide_the_checkpoint() -> None:
    assert Checkpoint.of_text(_POINT.text() + "extension\n") == _POINT


def test_the_verifier_key_names_the_key_by_its_id() -> None:
    name, identity, key = verifier_key("gateway.example", _KEY.public_key()).split("+", 2)
    assert (name, identity) == ("gateway.example", key_id("gateway.example", _KEY.public_key()).hex())
    assert base64.b64decode(key) == b"\x01" + _KEY.public_key().public_bytes_raw()


@given(st.data())
def test_no_changed_character_goes_unnoticed(data: st.DataObject) -> None:
    note = write(_POINT, "gateway.example", _KEY)
    place = data.draw(st.integers(0, len(note) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != note[place]))
    with pytest.raises(NoteFault):
        verify(note[:place] + other + note[place + 1 :], "gateway.example", _KEY.public_key())


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb"])
def test_a_key_name_that_would_break_the_line_is_refused(name: str) -> None:
    with pytest.raises(NoteFault):
        write(_POINT, name, _KEY)


@pytest.mark.parametrize(
    "text",
    [
        "origin\n3\n",
        "\n3\nAAAA\n",
        "origin\n03\nAAAA\n",
        "origin\n-1\nAAAA\n",
        "origin\n3\nAAAA\n",
        "origin\n3\n!\n",
        "origin\n3\nAAAA",
    ],
)
def test_what_is_not_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteFault):
        Checkpoint.of_text(text)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text only\n",
        "text\n\nno dash\n",
        "text\n\n\u2014 name AAAA\n",
        "text\n\n\u2014 name A\n",
        "text\n\n\u2014 n AAAAAAAA",
    ],
)
def test_what_is_not_a_signed_note_is_refused(note: str) -> None:
    with pytest.raises(NoteFault):
        parse(note)
