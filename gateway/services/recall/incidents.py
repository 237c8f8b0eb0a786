"""Use cases: what an officer sees of recalls and says of them. Each is a decided read of the ledger, and recorded.

An IG officer sees every receipt, a privacy officer those of their own organisation's staff. Nothing tells one party
about the other's person: a receipt names who received, when and under which agreement, and the record itself only to
the organisation that sent it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.errors import Conflict, NotFound
from gateway.storage.recalls import NoticeState
from ig.decide import Described
from ig.decision import FilterKind
from ig.purpose import Dataset, LedgerField, Level

if TYPE_CHECKING:
    from collections.abc import Collection
    from contextlib import AbstractContextManager
    from datetime import datetime

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.storage.recalls import Incident, Notice, NoticeKind


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt of a wrong link. ``due`` is when it has to be acknowledged; ``overdue`` that it was not."""

    notice_id: str
    kind: NoticeKind
    recipient: str
    organisation: str
    disclosure: str
    job: str
    agreement: str
    received_at: datetime
    sent_at: datetime
    due: datetime
    overdue: bool
    acknowledged_at: datetime | None
    acknowledged_by: str


@dataclass(frozen=True, slots=True)
class Recall:
    """A link taken back, and its receipts that the officer may see. ``listed`` is False until they were looked for.

    ``record`` is the opaque id of the record, for officers of the organisation that sent it; empty for others.
    """

    incident_id: str
    opened_at: datetime
    since: datetime
    until: datetime | None
    record: str
    receipts: tuple[Receipt, ...]

    @property
    def listed(self) -> bool:
        """Whether the receivers have been looked for."""
        return self.until is not None

    @property
    def open(self) -> int:
        """How many receipts nobody has acknowledged."""
        return sum(one.acknowledged_at is None for one in self.receipts)

    @property
    def overdue(self) -> int:
        """How many of them are late."""
        return sum(one.overdue for one in self.receipts)


def recalls(house: House, caller: Caller) -> list[Recall]:
    """Return the recalls that concern the officer, newest first.

    Raises:
        NotPermitted: the caller may not read the ledger for this purpose.
        Unavailable: the reading could not be recorded; nothing is shown.
    """
    with _gate(house, caller) as passage:
        found = _visible(house, caller, passage)
        _disclose(passage, found)
    return [told for _, told in found]


def recall(house: House, caller: Caller, incident_id: str) -> Recall:
    """Return one recall.

    Raises:
        NotPermitted: the caller may not read the ledger for this purpose.
        NotFound: there is none of that id, or none of its receipts is the officer's to see.
        Unavailable: the reading could not be recorded; nothing is shown.
    """
    with _gate(house, caller) as passage:
        found = _visible(house, caller, passage, incident_id)
        if not found:
            raise NotFound("there is no such recall", reason="recall")
        _disclose(passage, found)
    return found[0][1]


def acknowledge(house: House, caller: Caller, incident_id: str, notices: Collection[str] = ()) -> int:
    """Record that receivers have heard: those of ``notices``, or all that are open. Returns how many.

    Raises:
        NotPermitted: the caller may not read the ledger for this purpose.
        NotFound: there is no such recall or receipt, or it is not the officer's to see.
        Conflict: one was acknowledged before, or there is nothing left to acknowledge.
    """
    known = {one.notice_id: one for one in recall(house, caller, incident_id).receipts}
    chosen = list(notices) or [name for name, one in known.items() if one.acknowledged_at is None]
    if not known.keys() >= set(chosen):
        raise NotFound("there is no such receipt in this recall", reason="recall-receipt")
    if not chosen:
        raise Conflict("every receipt of this recall has been acknowledged", reason="recall-acknowledged")
    house.gate.administer(caller, "recall:acknowledge", incident_id, receipts=len(chosen))
    with house.stores.transaction() as tx:
        for name in chosen:
            house.stores.recalls.acknowledge(tx, name, caller.subject, house.now())
    return len(chosen)


def _gate(house: House, caller: Caller) -> AbstractContextManager[Passage]:
    return house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.LEDGER},
        fields=frozenset(LedgerField),
        subject=Described(),
    )


def _visible(house: House, caller: Caller, passage: Passage, incident_id: str = "") -> list[tuple[Incident, Recall]]:
    filters = passage.decision.row_filters
    own_staff = next((kept.values for kept in filters if kept.kind is FilterKind.ACTORS_OF), None)
    store, permit = house.stores.recalls, passage.permit
    notices: dict[str, list[Notice]] = {}
    for notice in store.notices(permit, own_staff, incident_id):
        notices.setdefault(notice.incident_id, []).append(notice)
    incidents = [store.incident(permit, incident_id)] if incident_id else store.incidents(permit)
    return [
        (one, _told(house, caller, one, notices.get(one.incident_id, [])))
        for one in incidents
        # a recall without receipts is an IG officer's to know of; a privacy officer's are those of their own staff
        if own_staff is None or one.incident_id in notices
    ]


def _disclose(passage: Passage, found: list[tuple[Incident, Recall]]) -> None:
    people = {person for incident, _ in found for person in incident.persons}
    passage.disclose(people, rows=sum(len(told.receipts) for _, told in found))


def _told(house: House, caller: Caller, incident: Incident, notices: list[Notice]) -> Recall:
    own = incident.organisation == caller.organisation
    return Recall(
        incident.incident_id,
        incident.opened_at,
        incident.since,
        incident.until,
        incident.source_person_id if own else "",
        tuple(_receipt(house, notice) for notice in notices),
    )


def _receipt(house: House, notice: Notice) -> Receipt:
    due = notice.sent_at + timedelta(days=house.settings.recall_days)
    return Receipt(
        notice.notice_id,
        notice.kind,
        notice.recipient,
        notice.organisation,
        notice.disclosure,
        notice.job,
        notice.agreement,
        notice.received_at,
        notice.sent_at,
        due,
        notice.state is NoticeState.OPEN and house.now() > due,
        notice.acknowledged_at,
        notice.actor,
    )
