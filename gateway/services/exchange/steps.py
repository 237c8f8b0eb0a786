"""The steps of a message: received, answered, sending, sent, acknowledged; each is committed before the next begins.

Whatever is killed in between, the next poll goes on from the last step that was committed. Only one step cannot be
repeated blindly, since MESH takes the same response twice without a word: sending. So its beginning is committed
before it begins, and a response found in that state is asked for by its local id, once MESH has had time to know of
it, before it is sent again. The message is acknowledged, and so leaves the inbox, only after its response was accepted.

What is left: a response is sent twice if MESH takes it, and then, the time allowed being over, says that it has never
heard of it. That a service which has stopped telling is not taken for one that says no, it is first asked about a
response that it is known to have taken.
"""

from __future__ import annotations

from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Final

from adapters.spine.tracing import Code
from gateway.errors import InputError, NotFound, UpstreamError
from gateway.services.exchange.answer import Question, answer
from gateway.services.exchange.place import Place, unfit
from gateway.services.exchange.post import Fate, Parcel
from gateway.storage.mailbox import ANSWER_MARK, UNDELIVERED, WORKFLOW_UNKNOWN, MessageState, Outcome
from gateway.storage.schema import now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.services.exchange.post import Envelope, Post
    from gateway.services.exchange.workflows import Workflow
    from gateway.services.progress import Report
    from gateway.storage.mailbox import Message

_RENEW_EVERY: Final = 60.0
_REMEMBERED: Final = timedelta(days=5)
_S: Final = MessageState


class Steps:
    """What is done with a message in each state, by whoever holds it."""

    def __init__(self, house: House, post: Post, workflows: Mapping[str, Workflow], system: Caller) -> None:
        self._house = house
        self._messages = house.stores.mailbox
        self._post = post
        self._workflows = workflows
        self._system = system
        self._next: dict[MessageState, Callable[[Message], Message]] = {
            _S.RECEIVED: self._answer,
            _S.ANSWERED: self._send,
            _S.SENDING: self._find_out,
            _S.SENT: self._acknowledge,
        }

    def all(self, message: Message) -> Message:
        """Take a message from where it is to where nothing is left to do, and return it.

        Raises:
            UpstreamError: the service did not do its part; the message stays where it had come to.
            Unavailable: the index, the ledger or storage cannot serve; as above.
            InputError: its files cannot be read or written, or its workflow has been taken off; as above.
            Conflict: another poller has taken it over.
        """
        while step := self._next.get(message.state):
            message = step(message)
        return message

    def _answer(self, message: Message) -> Message:
        """Received: read what is written on it, take its file in, and write the response."""
        place = Place.of(self._house.settings, message)
        place.make()
        try:
            with self._post.opened(message.message_id) as (envelope, blocks):
                message = self._read(message, envelope)
                if message.state is not _S.RECEIVED:
                    return message
                source = self._taken_in(place, envelope, blocks, message)
        except NotFound as gone:
            return self._messages.move(message, _S.GONE, reason=gone.reason)
        question = Question(message, self._workflows[message.workflow], source)
        done = answer(self._house, self._system, question, place, self._renewing(message))
        return self._messages.move(
            message,
            _S.ANSWERED,
            outcome=done.outcome,
            reason=done.reason,
            caller=done.caller,
            rows=done.rows,
            response_name=question.response_name,
            response_hash=done.response_hash,
        )

    def _read(self, message: Message, envelope: Envelope) -> Message:
        """Write down what is written on a message; one that no response is owed to comes back in another state."""
        message = self._messages.note(message, sender=envelope.sender, workflow=envelope.workflow)
        if envelope.report:
            self._messages.undeliverable(envelope.about)
            return self._messages.move(message, _S.SENT, outcome=Outcome.REPORT)
        reason = ""
        if envelope.workflow not in self._workflows:
            reason = WORKFLOW_UNKNOWN
        elif not envelope.sender or envelope.sender == self._post.mailbox:
            reason = "sender-unfit"
        elif envelope.local_id.startswith(ANSWER_MARK):
            reason = "not-a-question"
        return self._messages.move(message, _S.KEPT, reason=reason) if reason else message

    def _taken_in(
        self, place: Place, envelope: Envelope, blocks: Iterable[bytes], message: Message
    ) -> Path | InputError:
        if envelope.encrypted:
            return unfit(Code.PARSE_ERROR, "encrypted", "the file is encrypted, and nobody here has its key")
        try:
            return place.take_in(blocks, envelope.file_name, message.seen_at, self._house.settings.mesh_max_bytes)
        except InputError as refused:
            return refused

    def _renewing(self, message: Message) -> Report:
        last = monotonic()

        def report(_done: int, _total: int | None) -> None:
            nonlocal last
            if monotonic() - last >= _RENEW_EVERY:
                last = monotonic()
                self._messages.renew(message)

        return report

    def _send(self, message: Message) -> Message:
        """Answered: send the response, unless what was written is no longer here: then it is written again."""
        place = Place.of(self._house.settings, message)
        if place.response_hash() != message.response_hash:
            return self._messages.move(message, _S.RECEIVED)
        parcel = self._parcel(message, place)
        message = self._messages.move(message, _S.SENDING, sending_at=now())
        begun = self._post.begin(parcel, place.chunk(1, self._size))
        if begun.refused:
            self._messages.move(message, _S.ANSWERED)
            raise UpstreamError(f"MESH does not take the response ({begun.refused})", reason=begun.refused)
        return self._rest(message, begun.sent_id, parcel, place)

    @property
    def _size(self) -> int:
        return self._house.settings.mesh_chunk_bytes

    def _parcel(self, message: Message, place: Place) -> Parcel:
        workflow = self._workflows.get(message.workflow)
        if workflow is None:
            raise InputError("GATEWAY_MESH_WORKFLOWS no longer says how to answer this", reason=WORKFLOW_UNKNOWN)
        chunks = -(-place.response_size() // self._size)
        name, subject = message.response_name, message.message_id
        return Parcel(message.sender, workflow.response, name, message.local_id, subject, chunks)

    def _rest(self, message: Message, sent_id: str, parcel: Parcel, place: Place) -> Message:
        for number in range(2, parcel.chunks + 1):
            self._messages.renew(message)
            self._post.go_on(sent_id, parcel, number, place.chunk(number, self._size))
        return self._accepted(message, sent_id)

    def _accepted(self, message: Message, sent_id: str, trouble: str = "") -> Message:
        message = self._messages.move(message, _S.SENT, sent_id=sent_id, trouble=trouble)
        Place.of(self._house.settings, message).clear()
        return message

    def _find_out(self, message: Message) -> Message:
        """Sending: somebody began to, and it is not known how that ended."""
        found = self._post.track(message.local_id)
        if found is None:
            self._be_sure_of_no()
            return self._messages.move(message, _S.ANSWERED)
        if found.fate is not Fate.UPLOADING:
            return self._accepted(message, found.sent_id, UNDELIVERED if found.fate is Fate.FAILED else "")
        place = Place.of(self._house.settings, message)
        if place.response_hash() == message.response_hash:
            parcel = self._parcel(message, place)
            if found.chunks == parcel.chunks:
                return self._rest(message, found.sent_id, parcel, place)
        # without its last piece it is never delivered: another response takes its place, under another local id
        return self._messages.move(message, _S.RECEIVED, edition=message.edition + 1)

    def _be_sure_of_no(self) -> None:
        known = self._messages.last_sent(self._post.mailbox, now() - _REMEMBERED)
        if known is not None and self._post.track(known.local_id) is None:
            message = "MESH does not know a response that it took: whether it took this one has to be looked up there"
            raise UpstreamError(message, reason="mesh-tracking")

    def _acknowledge(self, message: Message) -> Message:
        """Sent: take the request out of the inbox."""
        self._post.acknowledge(message.message_id)
        return self._messages.move(message, _S.ACKNOWLEDGED, trouble=message.trouble)
