"""Is a release still what was signed? Signature first, then every file's hash."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import orjson
from cryptography.exceptions import InvalidSignature

from gateway.errors import NotFound
from gateway.services.releases.manifest import MANIFEST, SIGNATURE, sha256_of

if TYPE_CHECKING:
    from gateway.house import House


def verify_release(house: House, release_id: str) -> str:
    """Return the first thing that is not as signed, or an empty text.

    Raises:
        NotFound: there is no such release, or its folder is gone.
    """
    held = house.stores.releases.get(release_id)
    folder = house.settings.releases_dir / release_id
    if held is None or not folder.is_dir():
        raise NotFound("there is no such release here", reason="release")
    for name in (MANIFEST, SIGNATURE):
        if not (folder / name).is_file():
            return f"{name}: not there any more"
    data = (folder / MANIFEST).read_bytes()
    try:
        key = house.stores.keys.checkpoint_key().public_key()
        key.verify(base64.b64decode((folder / SIGNATURE).read_bytes()), data)
    except (InvalidSignature, ValueError):
        return f"{MANIFEST}: the signature does not fit"
    for entry in orjson.loads(data)["files"]:
        path = folder / entry["name"]
        if not path.is_file() or sha256_of(path) != entry["sha256"]:
            return f"{entry['name']}: not the file that was signed"
    return ""
