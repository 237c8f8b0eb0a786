"""What a release says of itself, signed: its files with their hashes, its agreement, and what was left out."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.house import House

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"


def file_entry(path: Path, rows: int) -> dict[str, Any]:
    """Return what the manifest says of one file."""
    return {"name": path.name, "rows": rows, "bytes": path.stat().st_size, "sha256": sha256_of(path)}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def write_manifest(house: House, folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest and, beside it, its Ed25519 signature (base64)."""
    data = orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)
    signature = house.stores.keys.checkpoint_key().sign(data)
    (folder / MANIFEST).write_bytes(data)
    (folder / SIGNATURE).write_bytes(base64.b64encode(signature) + b"\n")
