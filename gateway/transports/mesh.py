"""A mailbox of MESH, the national message exchange, by NHS England's own client.

Off unless ``GATEWAY_MESH_URL`` is set. Plain HTTP is spoken to this machine only. Nothing that goes wrong leaves with
the words of the library or of the service: they may hold the mailbox's name, its password's digest or a file's name.
Source: MESH API (api-catalogue, Message Exchange for Social Care and Health), version 2; tracking by local id is marked
as deprecated there and has no successor, and the library has no call for it, so it is made here.
"""

from __future__ import annotations

import re
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, urlsplit

import requests
from mesh_client import MeshClient, MeshError
from urllib3.exceptions import HTTPError as TransferError

from gateway.errors import InputError, NotFound, UpstreamError
from gateway.services.exchange.post import Begun, Envelope, Fate, Tracked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gateway.services.exchange.post import Parcel
    from gateway.settings import Settings

FOREIGN: Final[tuple[type[Exception], ...]] = (
    *(requests.RequestException, TransferError, MeshError),
    *(ValueError, KeyError, TypeError, AttributeError),  # an answer of another shape
)
"""What the libraries beneath raise: none of it leaves this module."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_SECONDS: Final = 60.0
_RETRIES: Final = 2
_BLOCK: Final = 1 << 20
_PAGE: Final = 500
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}", re.ASCII)
_MAILBOX: Final = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)
_CODE: Final = re.compile(r"[A-Za-z0-9-]{1,20}", re.ASCII)
_TAKEN: Final = (requests.codes.ok, requests.codes.accepted)
_ABSENT: Final = (requests.codes.not_found, requests.codes.gone)
_FAILED: Final = frozenset({"error", "undeliverable"})


@dataclass(frozen=True, slots=True)
class Account:
    """Whose mailbox, where, and how to show that it is ours. Secrets are not in its representation."""

    url: str
    mailbox: str
    password: str = field(repr=False)
    shared_key: str = field(repr=False)
    certificate: tuple[Path, Path] | None = None
    authority: Path | None = None


def account(settings: Settings) -> Account:
    """Return the account that the settings name.

    Raises:
        InputError: a setting is missing, or the address is neither HTTPS nor HTTP to this machine. Names the setting.
    """
    needed = {
        "GATEWAY_MESH_URL": settings.mesh_url,
        "GATEWAY_MESH_MAILBOX": settings.mesh_mailbox,
        "GATEWAY_MESH_PASSWORD": settings.mesh_password,
        "GATEWAY_MESH_SHARED_KEY": settings.mesh_shared_key,
    }
    for name, value in needed.items():
        if not value:
            raise InputError(f"set {name}: without it no mailbox is polled", reason="mesh-not-set", field=name)
    parts = urlsplit(settings.mesh_url or "")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise InputError("GATEWAY_MESH_URL: https, or http to this machine", reason="setting", field="GATEWAY_MESH_URL")
    pair = (settings.mesh_cert, settings.mesh_key)
    if (pair[0] is None) is not (pair[1] is None):
        message = "GATEWAY_MESH_CERT and GATEWAY_MESH_KEY: both, or neither"
        raise InputError(message, reason="setting", field="GATEWAY_MESH_CERT")
    return Account(
        settings.mesh_url or "",
        settings.mesh_mailbox.upper(),
        settings.mesh_password,
        settings.mesh_shared_key,
        cast("tuple[Path, Path] | None", pair if pair[0] else None),
        settings.mesh_ca,
    )


class _Client(MeshClient):
    """The library's client, and the one call of the API that it lacks."""

    def __init__(self, held: Account) -> None:
        super().__init__(
            held.url,
            held.mailbox,
            held.password,
            shared_key=held.shared_key.encode(),
            cert=(str(held.certificate[0]), str(held.certificate[1])) if held.certificate else None,
            verify=str(held.authority) if held.authority else None,
            timeout=_SECONDS,
            max_retries=_RETRIES,
            application_name="nhs-linkage-gateway",
        )
        # what a proxy variable or a netrc file says is not for a national service
        self._session.trust_env = False
        if held.authority:
            # the library would trust the public authorities too
            self._session.verify = str(held.authority)

    def track_by_local_id(self, local_id: str) -> requests.Response:
        """Ask for a message of this mailbox by the id that we gave it."""
        return self._session.get(
            f"{self.mailbox_url}/outbox/tracking/{quote(local_id)}", timeout=self._timeout, allow_redirects=False
        )


class MeshPost:
    """One mailbox (see `gateway.services.exchange.post.Post`)."""

    def __init__(self, held: Account) -> None:
        """Prepare a client; nothing is asked yet.

        Raises:
            InputError: the certificates cannot be read.
        """
        _refuse_unreadable(held)
        self.mailbox = held.mailbox
        self._client = _Client(held)

    def validate(self) -> None:
        """Say that the mailbox is in use.

        Raises:
            UpstreamError: MESH did not answer, or does not know this mailbox or its password.
        """
        with _ours():
            self._client.handshake()  # type: ignore[no-untyped-call] # the library's types are partial

    def waiting(self) -> Iterator[str]:
        """Yield the ids of the messages in the inbox.

        Raises:
            UpstreamError: MESH did not answer as it should.
        """
        with _ours():
            for message_id in self._client.iterate_message_ids(batch_size=_PAGE):
                if _NAME.fullmatch(message_id):
                    yield message_id

    @contextmanager
    def opened(self, message_id: str) -> Iterator[tuple[Envelope, Iterator[bytes]]]:
        """Open a message: what is written on it, and its content in blocks.

        Raises:
            NotFound: it is no longer there.
            UpstreamError: MESH did not answer as it should, or not to its end.
        """
        with _ours():
            try:
                first = self._client.retrieve_message_chunk(message_id, 1)
            except requests.HTTPError as fault:
                if _status(fault) in _ABSENT:
                    raise NotFound("the message is no longer in the mailbox", reason="message-gone") from None
                raise
        with first:
            yield _envelope(message_id, first.headers), self._content(message_id, first)

    def _content(self, message_id: str, first: requests.Response) -> Iterator[bytes]:
        """Every piece to its end. The library's own reader takes a connection that broke off for the end of a piece."""
        with _ours():
            yield from first.iter_content(_BLOCK)
            pieces = int(first.headers.get("Mex-Chunk-Range", "1:1").partition(":")[2])
            for number in range(2, pieces + 1):
                with self._client.retrieve_message_chunk(message_id, number) as piece:
                    yield from piece.iter_content(_BLOCK)

    def begin(self, parcel: Parcel, chunk: bytes) -> Begun:
        """Send the first piece.

        Raises:
            UpstreamError: it is not known whether MESH took it.
        """
        with _ours():
            answer = self._client.send_chunk(
                parcel.recipient,
                chunk,
                1,
                parcel.chunks,
                workflow_id=parcel.workflow,
                filename=parcel.file_name,
                local_id=parcel.local_id,
                subject=parcel.subject,
            )
            if answer.status_code in _TAKEN:
                return Begun(sent_id=_name(answer.json()["message_id"]))
            return Begun(refused=f"mesh-{_code(answer)}")

    def go_on(self, sent_id: str, parcel: Parcel, number: int, chunk: bytes) -> None:
        """Send piece ``number``.

        Raises:
            UpstreamError: MESH did not take it.
        """
        with _ours():
            self._client.send_chunk(parcel.recipient, chunk, number, parcel.chunks, message_id=sent_id)

    def track(self, local_id: str) -> Tracked | None:
        """Ask what became of a message.

        Raises:
            UpstreamError: MESH did not answer as it should.
        """
        with _ours():
            answer = self._client.track_by_local_id(local_id)
            if answer.status_code == requests.codes.not_found:
                return None
            if answer.status_code == requests.codes.multiple_choices:
                return Tracked(Fate.ACCEPTED)  # more than one of that id: at least one was taken
            answer.raise_for_status()
            return _tracked(answer.json())

    def acknowledge(self, message_id: str) -> None:
        """Take a message out of the inbox.

        Raises:
            UpstreamError: MESH did not answer as it should.
        """
        with _ours():
            try:
                self._client.acknowledge_message(message_id)
            except requests.HTTPError as fault:
                if _status(fault) not in _ABSENT:
                    raise

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()  # type: ignore[no-untyped-call] # as above


def _refuse_unreadable(held: Account) -> None:
    """Try the certificates before the library does, which would go on with half a client."""
    context = ssl.create_default_context()
    try:
        if held.certificate:
            context.load_cert_chain(*held.certificate)
        if held.authority:
            context.load_verify_locations(held.authority)
    except OSError:  # ssl.SSLError is one
        message = "GATEWAY_MESH_CERT, _KEY and _CA: cannot be read, or are no certificates"
        raise InputError(message, reason="setting", field="GATEWAY_MESH_CERT") from None


@contextmanager
def _ours() -> Iterator[None]:
    """Say what went wrong in our words, with MESH's status where it gave one."""
    try:
        yield
    except requests.HTTPError as fault:
        raise UpstreamError(f"MESH answered {_status(fault)}", reason="mesh-refused") from None
    except FOREIGN as fault:
        raise UpstreamError(f"MESH did not answer ({type(fault).__name__})", reason="mesh-silent") from None


def _status(fault: requests.HTTPError) -> int:
    """What MESH answered; the answer is given up, which the library leaves to chance."""
    if fault.response is None:
        return 0
    fault.response.close()
    return fault.response.status_code


def _envelope(message_id: str, written: Mapping[str, str]) -> Envelope:
    file_name = written.get("Mex-FileName", "")
    return Envelope(
        sender=_fitting(_MAILBOX, written.get("Mex-From")).upper(),
        workflow=_fitting(_NAME, written.get("Mex-WorkflowID")),
        # what MESH calls a file that its sender gave no name
        file_name="" if file_name.upper() == f"{message_id}.dat".upper() else file_name,
        local_id=written.get("Mex-LocalID", ""),
        report=written.get("Mex-MessageType", "").upper() == "REPORT",
        about=_fitting(_NAME, written.get("Mex-LinkedMsgID")),
        encrypted=written.get("Mex-Content-Encrypted", "").upper() in {"Y", "TRUE"},
    )


def _tracked(told: dict[str, Any]) -> Tracked:
    """Read either version of the answer: the one to a local id is of the first."""
    status = str(told.get("status") or "").lower()
    fate = Fate.UPLOADING if status == Fate.UPLOADING else Fate.FAILED if status in _FAILED else Fate.ACCEPTED
    sent_id = _fitting(_NAME, told.get("messageId") or told.get("message_id"))
    return Tracked(fate, sent_id, int(told.get("chunkCount") or 0))


def _code(answer: requests.Response) -> str:
    """MESH's code for why it does not take a message, or the status where it gives none."""
    try:
        body = answer.json()
    except requests.JSONDecodeError:
        body = None
    told = body if isinstance(body, dict) else {}
    detail = told.get("detail")
    first = detail[0] if isinstance(detail, list) and detail and isinstance(detail[0], dict) else {}
    code = str(told.get("errorCode") or first.get("code") or "")
    return code if _CODE.fullmatch(code) else str(answer.status_code)


def _name(text: object) -> str:
    if found := _fitting(_NAME, text):
        return found
    raise ValueError


def _fitting(shape: re.Pattern[str], text: object) -> str:
    return text if isinstance(text, str) and shape.fullmatch(text) else ""
