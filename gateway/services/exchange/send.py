"""Use case: send a file to another mailbox, such as a request file for the real service. Once, if it is asked twice."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

from gateway.errors import InputError, UpstreamError
from gateway.services.exchange.mailboxes import act_on_files, mailbox_id
from gateway.services.exchange.post import Fate, Parcel
from gateway.services.exchange.workflows import workflow_id
from gateway.services.files import named

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.services.exchange.post import Post
    from gateway.services.progress import Report

_PLAIN: Final = re.compile(r"[A-Za-z0-9_. -]{1,100}", re.ASCII)
_NAMESPACE: Final = UUID("8c7f3a52-0b61-5c1b-9a2e-6f2f2f4b1d90")


@dataclass(frozen=True, slots=True)
class Sent:
    """What MESH calls the message, and whether it had it already."""

    message_id: str
    before: bool


def send_file(  # noqa: PLR0913 - a file is sent so
    house: House, caller: Caller, post: Post, path: Path, report: Report, *, to: str, workflow: str, again: bool = False
) -> Sent:
    """Send a file, unless the same bytes went to the same mailbox under the same workflow before.

    What is sent and by whom is in the ledger before the first byte leaves. ``again`` sends it once more.

    Raises:
        InputError: the file cannot be read or is empty, or the mailbox or the workflow is no id.
        NotPermitted: sending files is for a data team; nothing was sent.
        UpstreamError: MESH does not take it, or does not answer: give the same command again.
        Unavailable: the ledger cannot take the row; nothing was sent.
    """
    recipient, asked = mailbox_id(to), workflow_id(workflow)
    digest, size = _looked_over(path)
    local_id = f"gateway-{uuid5(_NAMESPACE, f'{post.mailbox}|{recipient}|{asked}|{digest}')}"
    found = post.track(local_id)
    if found is not None and found.fate is Fate.ACCEPTED and not again:
        return Sent(found.sent_id, before=True)
    act_on_files(house, caller, "mesh:send", recipient, workflow=asked, bytes=size, content=digest)
    chunk = house.settings.mesh_chunk_bytes
    parcel = Parcel(recipient, asked, _plain(path.name), local_id, "", -(-size // chunk))
    with named(path), path.open("rb") as opened:
        begun = post.begin(parcel, opened.read(chunk))
        if begun.refused:
            raise UpstreamError(f"MESH does not take the file ({begun.refused})", reason=begun.refused)
        for number in range(2, parcel.chunks + 1):
            report(number - 1, parcel.chunks)
            post.go_on(begun.sent_id, parcel, number, opened.read(chunk))
    return Sent(begun.sent_id, before=False)


def _plain(name: str) -> str:
    """A file's name where a header can hold it."""
    return name if _PLAIN.fullmatch(name) else "file"


def _looked_over(path: Path) -> tuple[str, int]:
    with named(path), path.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
        size = opened.tell()
    if not size:
        raise InputError(f"{path.name}: the file is empty", reason="empty-file", field="path")
    return digest, size
