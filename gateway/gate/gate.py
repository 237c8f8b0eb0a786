"""The gate: asks the policy, makes the permit, and writes the row without which nothing leaves."""

from __future__ import annotations

import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from gateway.errors import GatewayError, NotPermitted, NotSignedIn
from gateway.gate.came_in import answered, circumstances
from gateway.gate.facts import FactFinder
from gateway.storage.callers import ACTIVE
from gateway.storage.permit import mint
from ig import disclosure
from ig.decide import Asker, Known, Request, decide
from ig.purpose import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from gateway.auth.caller import Caller
    from gateway.storage import Stores
    from gateway.storage.callers import StoredCaller
    from gateway.storage.permit import Permit
    from ig.decide import Decision, Described, Facts, Population
    from ig.purpose import Level
    from ig.register import Register

STEWARDS: Final = frozenset({Role.IG_OFFICER, Role.PRIVACY_OFFICER, Role.SYSTEM_ADMIN})
"""Who acts on agreements: puts them in force, signs for a controller, suspends. None of them sees records by it."""

_SENTENCES = {
    "relationship-required": "You need a care relationship with this person to see their record.",
    "break-glass-required": "This record can be seen only in an emergency, with a reason.",
    "isa-suspended": "The agreement that would allow this is suspended.",
    "isa-expired": "The agreement that would allow this has expired.",
}


@dataclass(slots=True)
class Passage:
    """What a use case holds inside the gate: the permit to read with, and the place to say what is about to leave."""

    permit: Permit
    decision: Decision
    decision_id: str
    _subjects: set[str] = field(default_factory=set)
    _rows: int = 0
    _outcome: str = ""

    def allows(self, name: str) -> bool:
        """Whether the agreement shows this field or section."""
        return name in self.decision.fields_allowed

    def disclose(self, people: Iterable[str], *, rows: int = 0, outcome: str = "") -> None:
        """Say whom the answer is about (person ids), how many rows it has, and its outcome code.

        May be called more than once; nothing leaves before the ``with`` block has ended and the row is durable.
        """
        self._subjects.update(people)
        self._rows += rows
        self._outcome = outcome or self._outcome

    @property
    def people(self) -> frozenset[str]:
        """Whom the answer is about, as said so far."""
        return frozenset(self._subjects)

    @property
    def outcome(self) -> str:
        """The code of what was found, as said last; empty where nothing was said."""
        return self._outcome

    @property
    def rows(self) -> int:
        """How many rows the answer has, as said so far."""
        return self._rows


class Gate:
    """Caller → facts → decision → permit → reading → durable row → answer."""

    def __init__(self, stores: Stores, register: Callable[[], Register], clock: Callable[[], datetime]) -> None:
        self._stores = stores
        self._register = register
        self._clock = clock
        self._facts = FactFinder(stores, self._own_permit)
        self._known: tuple[Register | None, frozenset[str]] = (None, frozenset())

    @contextmanager
    def permit(  # noqa: PLR0913 - a request has these parts
        self,
        caller: Caller,
        *,
        level: Level,
        datasets: Iterable[str],
        fields: Iterable[str],
        subject: Known | Described | Population,
        filtered_on: Iterable[str] = (),
        job: str = "",
    ) -> Iterator[Passage]:
        """Open the gate for one request, or refuse and record the refusal.

        On leaving the block the disclosure row is durable, or :class:`Unavailable` is raised and nothing may be
        answered. ``job`` names a piece of work on many people; its row is a batch row.

        Raises:
            NotPermitted: no agreement allows it; the refusal is in the ledger.
            Unavailable: the ledger cannot take the row.
        """
        request = Request(
            asker=_asker(caller),
            level=level,
            datasets=frozenset(map(str, datasets)),
            fields=frozenset(map(str, fields)),
            subject=subject,
            filtered_on=frozenset(map(str, filtered_on)),
        )
        self._refuse_changed(caller)
        now = self._clock()
        register = self._register()
        facts = self._facts.gather(request, self._parties(register), now)
        decision = decide(request, register, facts, now)
        decision_id = uuid.uuid4().hex
        if not decision.permits:
            self._refuse(request, decision, decision_id, now, facts)
        passage = Passage(self._mint(caller, decision, decision_id), decision, decision_id)
        try:
            yield passage
        except GatewayError:
            # "Not found" is an answer too: without its row it does not leave either.
            self._write(request, passage, now, facts, job, failed=True)
            raise
        except BaseException:
            with suppress(GatewayError):
                self._write(request, passage, now, facts, job, failed=True)
            raise
        self._write(request, passage, now, facts, job, failed=False)
        resting_on = answered.get()
        if resting_on is not None:
            resting_on.append((decision_id, passage.rows))

    def outcome(self, decision_id: str, status: int, rows: int) -> None:
        """Record, in the next group commit, how the answer to a decision ended (HTTP status, rows sent)."""
        body = disclosure.outcome(circumstances(decision_id, self._clock()), _ended(status, rows), rows=rows)
        self._stores.ledger.append(str(body["event"]), body, wait=False)

    def administer(self, caller: Caller, action: str, target: str, **details: str | int | bool) -> None:
        """Record, durably and before it is done, an act upon the gateway itself.

        Raises:
            NotPermitted: agreements are the affair of governance and administration alone; the try is recorded.
            Unavailable: the ledger cannot take the row; the act must not go on.
        """
        known = self._registered(caller)
        refused = action.startswith("isa:") and known.role not in STEWARDS
        if refused:
            details = {"refused": True}
        decision = uuid.uuid4().hex
        body = disclosure.administration(
            circumstances(decision, self._clock()), _asker(caller), action, target, details
        )
        self._stores.ledger.append(str(body["event"]), body, wait=True)
        if refused:
            raise NotPermitted("your role does not act on agreements", reason="role-not-permitted", decision=decision)

    def _registered(self, caller: Caller) -> StoredCaller:
        known = self._stores.governance.callers.get(caller.subject)
        if known is None or known.state != ACTIVE:
            raise NotSignedIn("this caller is not registered or has been revoked", reason="caller-unknown")
        return known

    def _refuse_changed(self, caller: Caller) -> None:
        """Whoever was given another role, post or purpose since signing in signs in again before seeing anybody."""
        known = self._registered(caller)
        claimed = (caller.organisation, caller.org_class, caller.role)
        if claimed != (known.organisation, known.org_class, known.role) or caller.purpose not in known.purposes:
            raise NotSignedIn("what this caller is registered for has changed", reason="caller-changed")

    def _refuse(self, request: Request, decision: Decision, decision_id: str, now: datetime, facts: Facts) -> None:
        subjects = self._tokens({request.subject.ref} if isinstance(request.subject, Known) else ())
        whom = disclosure.Whom(subjects, relationship=facts.relationship.value if facts.relationship else "")
        body = disclosure.decided(circumstances(decision_id, now), request, decision, whom)
        self._stores.ledger.append(str(body["event"]), body, subjects=subjects, wait=True)
        sentence = _SENTENCES.get(decision.reason, NotPermitted.staff_sentence)
        raise NotPermitted(sentence, reason=decision.reason, decision=decision_id)

    def _write(  # noqa: PLR0913 - a row has these parts
        self, request: Request, passage: Passage, now: datetime, facts: Facts, job: str, *, failed: bool
    ) -> None:
        # The batches of a job are in whatever became of the rest; of a failed question nothing was answered.
        people = set(passage.people) if job or not failed else set()
        if isinstance(request.subject, Known):
            people.add(request.subject.ref)
        tokens = self._tokens(people)
        came = circumstances(passage.decision_id, now)
        if job:
            work = disclosure.Work(job, passage.rows, tokens)
            body = disclosure.batch(came, request, passage.decision, work)
        else:
            relationship = facts.relationship.value if facts.relationship else ""
            whom = disclosure.Whom(tokens, relationship=relationship)
            body = disclosure.decided(came, request, passage.decision, whom)
        body["result"] = passage.outcome
        self._stores.ledger.append(str(body["event"]), body, subjects=tokens, wait=True)
        if failed:
            aborted = disclosure.outcome(came, disclosure.Status.FAILED, rows=0)
            self._stores.ledger.append(str(aborted["event"]), aborted, wait=False)

    def _tokens(self, people: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(self._stores.keys.subject_token(person) for person in people))

    def _mint(self, caller: Caller, decision: Decision, decision_id: str) -> Permit:
        return mint(
            decision_id=decision_id,
            caller=caller.subject,
            organisation=caller.organisation,
            purpose=caller.purpose,
            agreement=decision.agreement,
            fields=decision.fields_allowed,
            providers=decision.providers,
            row_filters=decision.row_filters,
        )

    def _parties(self, register: Register) -> frozenset[str]:
        """Every organisation that an agreement names: whose assurance a decision may turn on."""
        if self._known[0] is not register:
            parties = frozenset(party.ods for terms in register.agreements for party in terms.parties)
            self._known = (register, parties)
        return self._known[1]

    def _own_permit(self) -> Permit:
        """A permit for the gate's own look at the facts of a decision; its holder never leaves this room."""
        return mint(
            decision_id="gate-facts", caller="gate", organisation="", purpose="decision-facts", agreement="gate"
        )


def _ended(status: int, rows: int) -> disclosure.Status:
    """How an HTTP answer of ``status`` with so many rows ended."""
    if status == HTTPStatus.NOT_FOUND or (status < HTTPStatus.BAD_REQUEST and not rows):
        return disclosure.Status.NOTHING_FOUND
    return disclosure.Status.DONE if status < HTTPStatus.BAD_REQUEST else disclosure.Status.ABORTED


def _asker(caller: Caller) -> Asker:
    return Asker(caller.subject, caller.organisation, caller.org_class, caller.role, caller.purpose)
