"""Tree heads that witnesses can hold: what the ledger was, said so that it cannot be unsaid.

Rules: RFC 6962 section 2.1 (Merkle tree hash), C2SP ``tlog-checkpoint`` (origin, size, root) in a C2SP ``signed-note``
with Ed25519 (key id = first four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)). Proofs of inclusion and
consistency, and cosignatures, are not made here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
_SIGNATURE_LINE = re.compile(r"\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_HASH_BYTES = 32


class NoteFault(ValueError):
    """A note that is not a checkpoint, or is not signed by the key it should be. Says which rule it breaks."""


def leaf_hash(data: bytes) -> bytes:
    """Return the RFC 6962 hash of one leaf: SHA-256(0x00 ‖ data)."""
    return hashlib.sha256(b"\x00" + data).digest()


@dataclass(slots=True)
class Tree:
    """An RFC 6962 tree that grows by one leaf at a time and remembers only its right edge (log2 of size hashes)."""

    size: int = 0
    _edge: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> None:
        """Add a leaf, given as its :func:`leaf_hash`."""
        node, size = leaf, self.size
        while size & 1:
            node = hashlib.sha256(b"\x01" + self._edge.pop() + node).digest()
            size >>= 1
        self._edge.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the tree head: 32 bytes. Of no leaves it is SHA-256 of nothing."""
        if not self._edge:
            return hashlib.sha256(b"").digest()
        node = self._edge[-1]
        for left in reversed(self._edge[:-1]):
            node = hashlib.sha256(b"\x01" + left + node).digest()
        return node


def tree_head(bodies: Iterable[bytes]) -> bytes:
    """Return the root over whole ledger bodies, in order of seq."""
    tree = Tree()
    for body in bodies:
        tree.append(leaf_hash(body))
    return tree.root()


@dataclass(frozen=True, slots=True, order=True)
class Checkpoint:
    """The ledger named ``origin`` had ``size`` rows and this root."""

    size: int
    root: bytes
    origin: str

    def text(self) -> str:
        """Return the note's text: three lines, each ended."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def of_text(cls, text: str) -> Checkpoint:
        """Read the three lines; extension lines after them are allowed and ignored, as the format says.

        Raises:
            NoteFault: with the line at fault.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not lines[0]:  # noqa: PLR2004 - three lines, each ended
            raise NoteFault("a checkpoint has an origin, a size and a root, each on its line")
        if not _SIZE.fullmatch(lines[1]):
            raise NoteFault("the size is not a plain number")
        root = _base64(lines[2])
        if len(root) != _HASH_BYTES:
            raise NoteFault("the root is not 32 bytes")
        return cls(int(lines[1]), root, lines[0])


def write(checkpoint: Checkpoint, name: str, key: Ed25519PrivateKey) -> str:
    """Return the signed note: text, empty line, one signature line.

    Raises:
        NoteFault: when ``name`` is empty or holds a space, a line break or ``+``.
    """
    if not re.fullmatch(r"[^\s+]+", name):
        raise NoteFault("a key name has no spaces and no plus sign")
    text = checkpoint.text()
    public = key.public_key()
    signature = base64.b64encode(key_id(name, public) + key.sign(text.encode())).decode()
    return f"{text}\n\u2014 {name} {signature}\n"


def verify(note: str, name: str, key: Ed25519PublicKey) -> Checkpoint:
    """Return the checkpoint of a note that ``key``, under ``name``, has signed. Other signatures are ignored.

    Raises:
        NoteFault: when the note is malformed, not signed by that key, or its signature is wrong.
    """
    text, signatures = parse(note)
    wanted = key_id(name, key)
    ours = [raw[4:] for signer, raw in signatures if signer == name and raw[:4] == wanted]
    if not ours:
        raise NoteFault("the note is not signed by this key")
    for signature in ours:
        try:
            key.verify(signature, text.encode())
        except InvalidSignature:
            raise NoteFault("the signature is not right for this text") from None
    return Checkpoint.of_text(text)


def parse(note: str) -> tuple[str, tuple[tuple[str, bytes], ...]]:
    """Split a signed note into its text and its signatures: (name, key id ‖ signature).

    Raises:
        NoteFault: with the rule of the signed-note format that it breaks.
    """
    text, gap, tail = note.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise NoteFault("a note ends with an empty line and its signature lines")
    found = [_SIGNATURE_LINE.fullmatch(line) for line in tail[:-1].split("\n")]
    signatures = tuple((m[1], _base64(m[2])) for m in found if m)
    if len(signatures) != len(found):
        raise NoteFault("a signature line is malformed")
    if any(len(raw) <= 4 for _, raw in signatures):  # noqa: PLR2004 - the key id alone is four bytes
        raise NoteFault("a signature is too short")
    return text + "\n", signatures


def key_id(name: str, key: Ed25519PublicKey) -> bytes:
    """Return the four bytes by which a signature line names its key."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + key.public_bytes_raw()).digest()[:4]


def verifier_key(name: str, key: Ed25519PublicKey) -> str:
    """Return the key as C2SP tools take it: ``name+keyid+base64(0x01 ‖ public key)``."""
    return f"{name}+{key_id(name, key).hex()}+{base64.b64encode(_ED25519 + key.public_bytes_raw()).decode()}"


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise NoteFault("a base64 value is malformed") from None
