"""Is the ledger what it was? Reads every row, proves chain, seal and tree, and names the first damage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.errors import InputError
from gateway.services.files import named
from ig.checkpoint import Checkpoint, NoteFault, Tree, leaf_hash, write
from ig.checkpoint import verify as verify_note
from ig.ledger import Damage, Kind, verify_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from gateway.house import House
    from gateway.storage.ledger import StoredCheckpoint

ORIGIN: Final = "nhs-linkage-gateway/ledger"
SIGNER: Final = "nhs-linkage-gateway"
"""The key name of checkpoints; whose box it is shows in the key itself."""


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """What verification found: ``damage`` None means that every row is as written; ``head`` is the last row's hash."""

    rows: int
    checkpoints: int
    head: str
    damage: Damage | None


def verify_ledger(house: House, witness: Path | None = None) -> IntegrityReport:
    """Read the whole ledger against its own checkpoints and, where given, a witness's copies of them.

    A checkpoint beside the ledger that this box did not sign is damage like any other.

    Raises:
        InputError: a witness's file is not a checkpoint that this box signed.
        Unavailable: the ledger cannot be read.
    """
    ledger, keys = house.stores.ledger, house.stores.keys
    ledger.flush()
    key = keys.checkpoint_key().public_key()
    own, forged = _own_checkpoints(ledger.checkpoints(), key)
    try:
        checkpoints = own + [verify_note(note, SIGNER, key) for note in _witnessed(witness)]
    except NoteFault as fault:
        raise InputError(f"a checkpoint: {fault}", reason="checkpoint", field="checkpoints") from None
    damage = verify_rows(ledger.rows(), keys.ledger_mac(), checkpoints) or forged
    if damage is None and (filed := ledger.misfiled()) is not None:
        damage = Damage(filed, Kind.ALTERED)
    last = next(iter(ledger.rows(max(1, ledger.size()))), None)
    return IntegrityReport(ledger.size(), len(checkpoints), last.hash.hex() if last else "", damage)


def _own_checkpoints(
    stored: Sequence[StoredCheckpoint], key: Ed25519PublicKey
) -> tuple[list[Checkpoint], Damage | None]:
    """The checkpoints kept beside the ledger, and the first of them that this box did not sign."""
    sound: list[Checkpoint] = []
    forged: Damage | None = None
    for one in stored:
        try:
            sound.append(verify_note(one.note, SIGNER, key))
        except NoteFault:
            forged = forged or Damage(max(1, one.size), Kind.FORGED)
    return sound, forged


def make_checkpoint(house: House, folder: Path | None = None) -> str:
    """Sign the head as it stands; keep the note, and write it to ``folder`` for a witness. Returns the note."""
    ledger = house.stores.ledger
    ledger.flush()
    tree = Tree()
    for row in ledger.rows():
        tree.append(leaf_hash(row.body))
    note = write(Checkpoint(tree.size, tree.root(), ORIGIN), SIGNER, house.stores.keys.checkpoint_key())
    ledger.put_checkpoint(tree.size, note)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"checkpoint-{tree.size:012d}.txt"
        aside = target.with_suffix(".part")
        aside.write_text(note, encoding="utf-8")
        aside.replace(target)
    return note


def _witnessed(folder: Path | None) -> list[str]:
    return list(_notes(folder)) if folder is not None else []


def _notes(folder: Path) -> Iterator[str]:
    files = sorted(folder.glob("checkpoint-*.txt")) if folder.is_dir() else [folder]
    if not files:
        raise InputError("no checkpoints in this folder", reason="checkpoint", field="checkpoints")
    for file in files:
        with named(file):
            # what is not UTF-8 is no note of ours, and its signature will not fit
            yield file.read_text(encoding="utf-8", errors="replace")
