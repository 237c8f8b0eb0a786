"""What a mailbox can do, in the words of the use cases; `gateway.transports.mesh` does it.

Source: MESH API. A message stays in the inbox until it is acknowledged. Sending is not idempotent: every POST to the
outbox is a new message, so whoever does not know how one ended asks for it by its local id before sending again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


class Fate(StrEnum):
    """What became of a message that was sent."""

    ACCEPTED = "accepted"
    UPLOADING = "uploading"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is written on a message. ``about`` is the message that a report of MESH's own speaks of.

    ``sender`` and ``workflow`` are empty where they are not names that MESH gives.
    """

    sender: str
    workflow: str
    file_name: str = ""
    local_id: str = ""
    report: bool = False
    about: str = ""
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is written on a message to be sent in ``chunks`` pieces."""

    recipient: str
    workflow: str
    file_name: str
    local_id: str
    subject: str
    chunks: int


@dataclass(frozen=True, slots=True)
class Begun:
    """How sending the first piece went: the message's id, or the code of the rule by which it was not taken."""

    sent_id: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Tracked:
    """What is known of a message by its local id; ``chunks`` is 0 where that is not told."""

    fate: Fate
    sent_id: str = ""
    chunks: int = 0


class Post(Protocol):
    """One mailbox. Each method raises `UpstreamError` where the service does not answer as it should."""

    @property
    def mailbox(self) -> str:
        """Its id."""

    def validate(self) -> None:
        """Say that the mailbox is in use, as it must be said once a day."""

    def waiting(self) -> Iterator[str]:
        """Yield the ids of the messages in the inbox."""

    def opened(self, message_id: str) -> AbstractContextManager[tuple[Envelope, Iterator[bytes]]]:
        """Open a message: what is written on it, and its content in blocks.

        Raises:
            NotFound: it is no longer there.
        """

    def begin(self, parcel: Parcel, chunk: bytes) -> Begun:
        """Send the first piece; with one piece the message is sent, with more it waits for them.

        Where this raises, whether the message was taken is not known.
        """

    def go_on(self, sent_id: str, parcel: Parcel, number: int, chunk: bytes) -> None:
        """Send piece ``number``, from 2; the last one sends the message."""

    def track(self, local_id: str) -> Tracked | None:
        """Ask what became of a message of this mailbox; None where none of that local id was ever taken."""

    def acknowledge(self, message_id: str) -> None:
        """Take a message out of the inbox; one that is no longer there is left so."""
