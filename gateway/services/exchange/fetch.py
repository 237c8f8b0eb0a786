"""Use case: take messages out of the mailbox that are not for the gateway to answer, such as the real service's own."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from gateway.errors import InputError
from gateway.services.exchange.mailboxes import act_on_files
from gateway.services.exchange.place import unpacked
from gateway.services.files import named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.services.exchange.post import Post
    from gateway.services.exchange.workflows import Workflow


def fetch(  # noqa: PLR0913 - what is fetched, for whom, and where to
    house: House, caller: Caller, post: Post, folder: Path, *, workflow: str, answered: Mapping[str, Workflow]
) -> Iterator[Path]:
    """Write every message of a workflow into ``folder``, named by its id, and acknowledge it; yields the files.

    Who takes it is in the ledger before it is opened, and it leaves the mailbox only once it is whole on disk.

    Raises:
        InputError: the workflow is one that the gateway answers (``answered``), or the folder cannot be written.
        NotPermitted: taking files is for a data team; nothing was read.
        UpstreamError: MESH did not answer as it should; give the same command again.
        Unavailable: the ledger cannot take the row; the message stays.
    """
    if workflow in answered:
        raise InputError(f"{workflow} is answered by 'gateway mesh poll'", reason="workflow-answered", field="workflow")
    act_on_files(house, caller, "mesh:fetch", post.mailbox, workflow=workflow)
    for message_id in list(post.waiting()):
        with post.opened(message_id) as (envelope, blocks):
            if envelope.workflow != workflow or envelope.report:
                continue
            path = folder / f"{message_id}.dat"
            digest = _written(path, unpacked(blocks))
        act_on_files(house, caller, "mesh:take-out", envelope.sender, message=message_id, content=digest)
        post.acknowledge(message_id)
        house.stores.mailbox.fetched(message_id)
        yield path


def _written(path: Path, blocks: Iterator[bytes]) -> str:
    aside = path.with_name(f".{path.name}.part")
    content = hashlib.sha256()
    with named(path):
        aside.unlink(missing_ok=True)
        aside.touch(0o600)
        with aside.open("wb") as opened:
            for block in blocks:
                content.update(block)
                opened.write(block)
            opened.flush()
            os.fsync(opened.fileno())
        aside.replace(path)
    return content.hexdigest()
