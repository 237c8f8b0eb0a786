"""A message as it is sent: signed in the form of Standard Webhooks (standardwebhooks.com), and how sending it ended."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.services.outbound.reach import Reach


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: the id that stays over retries, when it is sent (seconds since 1970), and the bytes."""

    message_id: str
    timestamp: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """How it ended. ``reason`` is a stable code, empty where the subscriber took it (any 2xx)."""

    reason: str

    @property
    def delivered(self) -> bool:
        """Whether the subscriber has it."""
        return not self.reason


def signature(secret: bytes, message: Message) -> str:
    """Return ``v1,`` and the base64 HMAC-SHA256 of ``id.timestamp.body`` under one secret."""
    signed = f"msg_{message.message_id}.{message.timestamp}.".encode() + message.body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def shown(secret: bytes) -> str:
    """Return a secret in the form in which a subscriber's library takes it."""
    return "whsec_" + base64.b64encode(secret).decode()


class Post(Protocol):
    """Sends one message, signed under each secret that is valid. What goes wrong is an answer, not an exception."""

    def __call__(self, url: str, message: Message, secrets: Sequence[bytes], reach: Reach, /) -> Answer:
        """Send a message to where it may go."""
