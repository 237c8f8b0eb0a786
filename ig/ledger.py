"""The arithmetic of the ledger: rows that prove their own order, and a reader that names the damage.

A row's body is canonical bytes, made once. Its hash binds it to its place and to all before it:
``hash = SHA-256(0x01 ‖ previous hash ‖ seq as 8 bytes ‖ SHA-256(0x00 ‖ body))``; the inner hash is also its leaf in the
RFC 6962 tree of ``ig.checkpoint``. ``mac = HMAC-SHA256(writer's key, hash)``: whoever rewrites the chain without that
key is found out; whoever has the key and rewrites it all is found out by a checkpoint that somebody else holds.
Design: ``design/http-ledger.md`` and ``design/ig.md`` section 5.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ig.canonical import Json, NotCanonical, canonical
from ig.checkpoint import Tree, leaf_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ig.checkpoint import Checkpoint

__all__ = ["GENESIS", "Damage", "Json", "Kind", "NotCanonical", "Row", "canonical", "leaf_hash", "link", "mac", "seal"]
__all__ += ["verify_rows"]

GENESIS = bytes(32)
"""The hash before the first row, whose seq is 1."""

_LOOK_AHEAD = 1000
"""How many rows after a bad one are read to tell a swap or a renumbering from an alteration."""


class Kind(StrEnum):
    """What has been done to a ledger."""

    ALTERED = "altered"  # a row's content is not what was chained
    DELETED = "deleted"  # a seq is missing
    SWAPPED = "swapped"  # two rows have changed places
    RENUMBERED = "renumbered"  # a row stands under a seq that is not its own
    FORGED = "forged"  # a row fits the chain but the writer's key did not seal it
    TRUNCATED = "truncated"  # fewer rows than a checkpoint counted
    REWRITTEN = "rewritten"  # every row fits, and yet a checkpoint knew another ledger


@dataclass(frozen=True, slots=True)
class Row:
    """One row as stored. ``hash``, ``prev_hash`` and ``mac`` are 32 bytes each; a damaged column is read as ``b""``."""

    seq: int
    body: bytes
    prev_hash: bytes
    hash: bytes
    mac: bytes


@dataclass(frozen=True, slots=True)
class Damage:
    """The first row found wrong, and how. For a rewritten ledger: the first row that no sound checkpoint covers."""

    seq: int
    kind: Kind


def link(prev_hash: bytes, seq: int, body: bytes) -> bytes:
    """Return the hash that chains ``body`` as row ``seq`` (from 1 up) after ``prev_hash``."""
    return _chained(prev_hash, seq, leaf_hash(body))


def _chained(prev_hash: bytes, seq: int, leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + prev_hash + seq.to_bytes(8, "big") + leaf).digest()


def mac(key: bytes, row_hash: bytes) -> bytes:
    """Return the writer's seal on a row, given its chained hash."""
    return hmac.digest(key, row_hash, "sha256")


def seal(key: bytes, prev_hash: bytes, seq: int, body: bytes) -> Row:
    """Return the whole row for ``body``: chained and sealed, ready to be stored."""
    chained = link(prev_hash, seq, body)
    return Row(seq, body, prev_hash, chained, mac(key, chained))


def verify_rows(rows: Iterable[Row], mac_key: bytes, checkpoints: Sequence[Checkpoint] = ()) -> Damage | None:
    """Read a whole ledger in order of seq and return the first damage, or None when it is sound.

    ``checkpoints`` must be authentic already (:func:`ig.checkpoint.verify`). Rows after the last of them can be cut
    off unseen: that is why witnesses are sent new ones.
    """
    tree, prev, sound_to = Tree(), GENESIS, 0
    heads = deque(sorted(checkpoints))
    # a checkpoint of the empty ledger has no row after which to be looked at
    while heads and heads[0].size == 0:
        if heads.popleft().root != tree.root():
            return Damage(1, Kind.REWRITTEN)
    stream = iter(rows)
    for row in stream:
        seq = tree.size + 1
        leaf = leaf_hash(row.body)
        sound = row.seq == seq and row.prev_hash == prev and row.hash == _chained(prev, seq, leaf)
        if not sound or not hmac.compare_digest(row.mac, mac(mac_key, row.hash)):
            return Damage(seq, _diagnose(row, seq, prev, stream))
        tree.append(leaf)
        prev = row.hash
        while heads and heads[0].size == seq:
            if heads.popleft().root != tree.root():
                return Damage(sound_to + 1, Kind.REWRITTEN)
            sound_to = seq
    return Damage(tree.size + 1, Kind.TRUNCATED) if heads else None


def _diagnose(row: Row, seq: int, prev: bytes, rest: Iterator[Row]) -> Kind:
    """Name what happened to the first row that does not fit, looking a little way ahead where that tells."""
    if row.seq != seq:
        return Kind.DELETED if row.seq > seq else Kind.RENUMBERED
    if row.prev_hash == prev and row.hash == link(prev, seq, row.body):
        return Kind.FORGED
    ahead = (other for other in itertools.islice(rest, _LOOK_AHEAD) if other.seq > seq)
    if any(_changed_places(row, other) for other in ahead):
        return Kind.SWAPPED
    if any(row.hash == link(row.prev_hash, true, row.body) for true in range(seq + 1, seq + _LOOK_AHEAD)):
        return Kind.RENUMBERED
    return Kind.ALTERED


def _changed_places(row: Row, other: Row) -> bool:
    """Whether two rows are each sound in the other's place, moved whole or by their bodies alone."""
    whole = row.hash == link(row.prev_hash, other.seq, row.body) and other.hash == link(
        other.prev_hash, row.seq, other.body
    )
    bodies = row.hash == link(row.prev_hash, row.seq, other.body) and other.hash == link(
        other.prev_hash, other.seq, row.body
    )
    return whole or bodies
