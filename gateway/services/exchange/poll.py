"""Use case: look into the mailbox, and bring every message that is there as far as it goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Final

from gateway.errors import GatewayError, UpstreamError
from gateway.services.exchange.place import clear_others
from gateway.services.exchange.steps import Steps
from gateway.storage.mailbox import MessageState, Outcome
from gateway.storage.schema import now

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.services.exchange.post import Post
    from gateway.services.exchange.workflows import Workflow
    from gateway.services.progress import Report
    from gateway.storage.mailbox import Message

MOST: Final = 10_000
"""Messages looked at in one round; those beyond wait for the next."""
_VALIDATE_EVERY: Final = timedelta(hours=12).total_seconds()


@dataclass(slots=True)
class Round:
    """What one look into the mailbox came to, in messages; ``failed`` are tried again in the next."""

    new: int = 0
    answered: int = 0
    refused: int = 0
    kept: int = 0
    failed: int = 0


class Poller:
    """One mailbox and what its workflows ask for. Answers in the name of the senders; works as the system caller."""

    def __init__(self, house: House, post: Post, workflows: Mapping[str, Workflow], system: Caller) -> None:
        self._house = house
        self._messages = house.stores.mailbox
        self._post = post
        self._workflows = workflows
        self._steps = Steps(house, post, workflows, system)
        self._validated = -_VALIDATE_EVERY

    def round(self, report: Report) -> Round:
        """Look into the mailbox once. What stands in one message's way is kept beside it, and the others go on.

        Raises:
            UpstreamError: the mailbox cannot be looked into.
            Unavailable: storage cannot serve.
        """
        mailbox, done = self._post.mailbox, Round()
        try:
            self._validate()
            done.new = self._messages.notice(mailbox, list(islice(self._post.waiting(), MOST)))
        except UpstreamError as fault:
            self._messages.polled(mailbox, fault.reason)
            raise
        self._messages.take_up_kept(mailbox, self._workflows)
        clear_others(self._house.settings, self._messages.open_ids)
        for count, message in enumerate(self._taken(), 1):
            self._one(message, done)
            report(count, None)
        self._messages.polled(mailbox)
        return done

    def _validate(self) -> None:
        if monotonic() - self._validated >= _VALIDATE_EVERY:
            self._post.validate()
            self._validated = monotonic()

    def _taken(self) -> Iterator[Message]:
        begun = now()
        settle = timedelta(seconds=self._house.settings.mesh_settle_seconds)
        while message := self._messages.take(self._post.mailbox, before=begun, settled=now() - settle):
            yield message

    def _one(self, message: Message, done: Round) -> None:
        trouble = ""
        try:
            message = self._steps.all(message)
        except GatewayError as fault:
            trouble = fault.reason
            done.failed += 1
        finally:
            self._messages.release(message.message_id, trouble)
        if not trouble:
            done.answered += message.outcome is Outcome.ANSWERED
            done.refused += message.outcome is Outcome.REFUSED
            done.kept += message.state is MessageState.KEPT
