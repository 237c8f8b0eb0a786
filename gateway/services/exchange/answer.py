"""Use case: a request file that came through a mailbox is traced, in the name of who sent it, or refused as a whole.

Whoever sent it is the registered caller of the mailbox; its purpose is a demographic trace, its grant its own
organisation's, and the disclosure row is durable before the response is whole. Then a second row says which mailbox
the response is for: a refusal has that one too, so nothing leaves without one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from adapters.spine import mpt
from adapters.spine.trace_lines import Style
from adapters.spine.trace_responses import refusal
from adapters.spine.tracing import Code, TraceFileRefused
from gateway.errors import InputError, NotPermitted
from gateway.services.files import named
from gateway.services.governance.callers import named_caller
from gateway.services.tracing.batch import HOUSE, trace_file
from gateway.services.tracing.engines import Engine
from gateway.services.tracing.formats import Format, opened
from gateway.storage.mailbox import Outcome
from ig.purpose import Purpose

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.services.exchange.place import Place
    from gateway.services.exchange.workflows import Workflow
    from gateway.services.progress import Report
    from gateway.storage.mailbox import Message

MAILBOX_UNKNOWN: Final = "mailbox-unknown"
"""The reason of a refusal: nobody has said whose the mailbox is."""
_LINES: Final = Style(end="\n")


@dataclass(frozen=True, slots=True)
class Question:
    """A message, what its workflow asks for, and its file, or why that could not be taken in."""

    message: Message
    workflow: Workflow
    source: Path | InputError

    @property
    def stamp(self) -> str:
        """When the message was first seen, as 14 digits: the time that stands in what is sent back."""
        return self.message.seen_at.strftime("%Y%m%d%H%M%S")

    @property
    def reference(self) -> str:
        """The request's reference, or one made of the time where it has none."""
        stem = "" if isinstance(self.source, InputError) else self.source.stem
        return stem if stem.startswith("MPTREQ_") else mpt.reference(self.stamp)

    @property
    def service(self) -> mpt.Service:
        """Which service's names the response has."""
        return mpt.SERVICES.get(self.workflow.workflow, mpt.PHASE_4)

    @property
    def response_name(self) -> str:
        """The name of the response file; for DBS, which has none published, one of our own."""
        if self.workflow.layout is Format.DBS:
            return f"RESP_DBS_{self.stamp}.dat"
        return self.service.response_name(self.reference, self.stamp)

    def refused(self, fault: TraceFileRefused) -> bytes:
        """Return the response that refuses the file: one line with the code, in every format."""
        return refusal(self.reference, fault, _LINES, self.service.response_workflow)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request came to; ``caller`` is in whose name it was traced, empty where nobody is known by the mailbox."""

    outcome: Outcome
    reason: str
    rows: int
    caller: str
    response_hash: str


def answer(house: House, system: Caller, question: Question, place: Place, report: Report) -> Answer:
    """Write the response to a request file: traced, or refused with a file-level code and nothing of anybody.

    The same request gives the same bytes over the same index.

    Raises:
        Unavailable: no usable index, or the ledger could not take a row; there is no response, so try again.
        InputError: the folder or the file in it cannot be read or written.
    """
    caller, reason, rows = house.stores.mailbox.caller_of(question.message.sender), "", 0
    try:
        rows = _traced(house, caller, question, place, report)
    except NotPermitted as no:
        reason = no.reason
        fault = TraceFileRefused("request", Code.NOT_TRACED, reason, "no agreement lets this file be traced")
        _refuse(question, place, fault)
    except InputError as unreadable:
        fault = _of_the_file(unreadable)
        reason = fault.rule
        _refuse(question, place, fault)
    outcome = Outcome.REFUSED if reason else Outcome.ANSWERED
    done = Answer(outcome, reason, rows, caller, place.response_hash())
    _record(house, system, question, done)
    return done


def _of_the_file(unreadable: InputError) -> TraceFileRefused:
    """What is wrong with the file; that our own copy of it cannot be read is no fault of its sender's."""
    fault = unreadable.__cause__
    if not isinstance(fault, TraceFileRefused) or fault.rule == "unreadable":
        raise unreadable
    return fault


def _record(house: House, system: Caller, question: Question, done: Answer) -> None:
    house.gate.administer(
        system,
        "mesh:answer",
        question.message.sender,
        message=question.message.message_id,
        workflow=question.workflow.response,
        outcome=done.outcome.value,
        reason=done.reason,
        in_the_name_of=done.caller,
        rows=done.rows,
        response=done.response_hash,
    )


def _traced(house: House, caller: str, question: Question, place: Place, report: Report) -> int:
    if not caller:
        raise NotPermitted("nobody is registered for this mailbox", reason=MAILBOX_UNKNOWN)
    asking = named_caller(house, caller, Purpose.DEMOGRAPHIC_TRACE)
    if isinstance(question.source, InputError):
        raise question.source
    file = opened(question.workflow.layout, question.source)
    from gateway.services.tracing.bulk import BULK, fitting  # noqa: PLC0415 - an empty mailbox needs no DuckDB

    chosen = BULK if fitting(house, file.count or 0) is Engine.DUCKDB else HOUSE
    return trace_file(house, asking, file, place.response, report, algorithm=chosen).rows


def _refuse(question: Question, place: Place, fault: TraceFileRefused) -> None:
    with named(place.response):
        place.response.write_bytes(question.refused(fault))
