"""The outbox: what subscribers are to hear of, kept in the transaction that caused it, and sent from there.

Nothing in it is about a person: bodies hold opaque ids, codes and a link to fetch by, and whoever follows the link is
asked who they are. What is kept beside a body (``source_person_id``) stays here, so that a recall can find it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.storage.database import Database, Tx


class Topic(StrEnum):
    """What a message is about; subscribers name the topics that they want."""

    RECORD_CHANGED = "record-changed"
    NUMBER_CHANGED = "number-changed"
    LINK_RETRACTED = "link-retracted"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent. ``reference`` is an opaque id; ``body`` a JSON object of ids, codes and links.

    ``organisation`` (ODS code) is whose record it is about: its subscribers hear of it and nobody else's.
    ``source_person_id`` is that record; it is kept and not sent. ``webhooks`` names the subscribers instead, whatever
    topics they asked for: a retraction goes to whoever received what it takes back.
    """

    topic: Topic
    reference: str
    body: bytes
    organisation: str
    source_person_id: str = ""
    webhooks: frozenset[str] | None = None


class Outbox:
    """The repository of messages and of their deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, tx: Tx, messages: Sequence[Outgoing]) -> int:
        """Keep messages, in order, for every subscriber who is to hear of them. Returns how many deliveries are due.

        Raises:
            InputError: a body is not a JSON object, is longer than 16 KiB, or holds an NHS number.
        """
        raise NotImplementedError
