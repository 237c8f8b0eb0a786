"""A real `mesh-sandbox` process, the mailboxes it comes with, and what the tests put into them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import requests

from adapters.spine import mpt, pds_mesh
from adapters.spine.tracing import Request
from gateway.services.exchange.poll import Poller
from gateway.services.exchange.post import Parcel
from gateway.services.exchange.workflows import read_workflows
from gateway.services.governance.callers import SYSTEM_MESH, named_caller
from gateway.services.progress import silent
from gateway.transports.mesh import Account, MeshPost
from ig.purpose import Purpose
from tests.gateway import houses
from tests.journeys.real import PATIENCE, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.house import House
    from gateway.services.exchange.poll import Round
    from gateway.services.exchange.post import Envelope, Post
    from gateway.settings import Settings
    from tests.gateway.houses import Townsperson

SERVER: Final = Path(sys.prefix) / "mesh-sandbox" / "bin" / "uvicorn"
OURS, COUNCIL, STRANGER = "X26ABC2", "X26ABC1", "X26ABC3"
PASSWORD, SHARED_KEY = "password", "TestKey"
STAMP: Final = "20260312093000"
_GENDERS: Final = {"male": "1", "female": "2"}


@contextmanager
def serving(*options: str) -> Iterator[str]:
    """Start the sandbox on a free port of this machine; yields its address once it answers."""
    port = free_port()
    environment = os.environ | {"SHARED_KEY": SHARED_KEY, "AUTH_MODE": "full", "STORE_MODE": "memory"}
    command = [str(SERVER), "mesh_sandbox.api:app", "--port", str(port), "--log-level", "critical", *options]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet) as process:
        try:
            _wait(process, port)
            yield f"{'https' if options else 'http'}://127.0.0.1:{port}"
        finally:
            process.kill()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    import socket

    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert process.poll() is None, "the sandbox ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the sandbox did not answer")


@dataclass(frozen=True)
class Sandbox:
    """The sandbox, by its address."""

    address: str

    def account(self, mailbox: str, password: str = PASSWORD) -> Account:
        """Whose mailbox it is."""
        return Account(self.address, mailbox, password, SHARED_KEY)

    @contextmanager
    def post(self, mailbox: str) -> Iterator[MeshPost]:
        """Open a mailbox."""
        post = MeshPost(self.account(mailbox))
        try:
            yield post
        finally:
            post.close()

    def settings(self) -> dict[str, Any]:
        """What the gateway is told of it."""
        return {
            "mesh_url": self.address,
            "mesh_mailbox": OURS,
            "mesh_password": PASSWORD,
            "mesh_shared_key": SHARED_KEY,
            "mesh_settle_seconds": 0,  # nothing is under way when a test looks again
        }

    def reset(self) -> None:
        """Empty every mailbox."""
        requests.delete(f"{self.address}/messageexchange/admin/reset", timeout=PATIENCE).raise_for_status()

    def report(self, about: str) -> None:
        """Put a report into our mailbox, as MESH does for a response that it could not deliver."""
        body = {
            "mailbox_id": OURS,
            "code": "14",
            "description": "Message not collected by recipient after 5 days",
            "workflow_id": "SPINE_MPT_RESPONSE",
            "subject": "",
            "local_id": "",
            "status": "undeliverable",
            "file_name": "",
            "linked_message_id": about,
        }
        url = f"{self.address}/messageexchange/admin/report"
        requests.post(url, json=body, timeout=PATIENCE).raise_for_status()


@dataclass(frozen=True)
class Box:
    """A sender's mailbox."""

    post: MeshPost

    def send(self, content: bytes, workflow: str, name: str = "", chunks: int = 1, **other: str) -> str:
        """Send to the gateway; returns the message's id."""
        told = {"recipient": OURS, "workflow": workflow, "file_name": name, "local_id": "", "subject": "", **other}
        parcel = Parcel(**told, chunks=chunks)
        size = -(-len(content) // chunks)
        begun = self.post.begin(parcel, content[:size])
        assert begun.sent_id, begun.refused
        for number in range(2, chunks + 1):
            self.post.go_on(begun.sent_id, parcel, number, content[(number - 1) * size : number * size])
        return begun.sent_id

    def responses(self) -> list[tuple[Envelope, bytes]]:
        """What is in the mailbox, oldest first; it stays there."""
        found = []
        for message_id in self.post.waiting():
            with self.post.opened(message_id) as (envelope, blocks):
                found.append((envelope, b"".join(blocks)))
        return found

    def the_response(self) -> tuple[Envelope, bytes]:
        """The one response that is there."""
        (one,) = self.responses()
        return one


def asks(who: Townsperson, reference: str = "r0", number: str = "") -> Request:
    """A row that asks for somebody."""
    return Request(
        reference=reference,
        nhs_number=number,
        family=who.family,
        given=who.given,
        birth_date=who.birth_date.replace("-", ""),
        gender=_GENDERS[who.gender],
        postcode=who.postcode,
    )


def mpt_file(requests: Sequence[Request], stamp: str = STAMP, service: mpt.Service = mpt.PHASE_4) -> bytes:
    """An MPT or MPSaaS request."""
    header = mpt.Header(mpt.reference(stamp), stamp, len(requests), service.workflow)
    return b"".join(mpt.write_requests(header, requests))


def mesh_file(requests: Sequence[Request]) -> bytes:
    """A PDS MESH request."""
    return b"".join(pds_mesh.write_requests(requests))


def polled(house: House, post: Post) -> Round:
    """Poll once, as the system caller does."""
    workflows = read_workflows(house.settings.mesh_workflows)
    return Poller(house, post, workflows, named_caller(house, SYSTEM_MESH, Purpose.PROCESSING)).round(silent)


@contextmanager
def house_of(settings: Settings, sandbox: Sandbox, folder: Path, **other: object) -> Iterator[House]:
    """Open a copy of a house that has the sandbox's mailbox, and lets the council's send."""
    told = settings.model_copy(update={**sandbox.settings(), **other})
    with houses.copied(told, folder) as house:
        yield house
