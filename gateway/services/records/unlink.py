"""Use case: a joined record turns out to be somebody else's. Undo it exactly, and never join the pair again.

Whoever received the wrong link is found and told: the undoing opens a recall in its own transaction.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from gateway.errors import GatewayError, NotFound
from gateway.services.recall.receivers import find_receivers
from gateway.storage.recalls import Incident
from ig.decide import Described
from ig.purpose import Dataset, Element, Level

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.storage.links import Link


@dataclass(frozen=True, slots=True)
class Unlinked:
    """Who is ruled out for the record now, and the recall: how many receipts, None while nobody could look for them."""

    person_id: str
    incident_id: str
    receipts: int | None


def unlink_record(house: House, caller: Caller, source_person_id: str, reason: str) -> Unlinked:
    """Take back the standing link; what it had superseded stands again, unless that is the same person's old number.

    Raises:
        NotPermitted: the caller's agreement shows them no evidence: undoing a link is a reviewer's act.
        NotFound: there is no such record.
        Conflict: no link stands, or the record is joined to no other.
        Unavailable: the ledger cannot take the row; nothing is changed.
    """
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER},
        subject=Described(),
        filtered_on={Element.EVIDENCE},
    ) as passage:
        standing = house.stores.links.standing(passage.permit, [source_person_id])
        if source_person_id not in standing:
            raise NotFound("no link stands for this record", reason="not-linked")
        wrong = standing[source_person_id].person_id
        family = house.stores.successions.family(passage.permit, wrong)
        organisation = _sender(house, passage, source_person_id)
        passage.disclose([wrong], rows=1, outcome="unlinked")
    house.gate.administer(caller, "link:unlink", source_person_id, reason=reason)
    opened_at, incident_id = house.now(), str(uuid4())
    with house.stores.transaction() as tx:
        changed = house.stores.links.unlink(tx, source_person_id, caller.subject, also=family)
        # what the trace said is what was wrong: nothing of it is left in reports, and the next run asks anew
        concerned = sorted({fact.source_person_id for fact in changed})
        house.stores.traces.forget(tx, concerned)
        house.stores.reviews.close_of(tx, concerned, "unlinked")
        persons = _since(house.stores.links.taken_back(tx, changed))
        who = (caller.subject, min(persons.values()), None, opened_at)
        about = (source_person_id, organisation, persons, tuple(concerned))
        house.stores.recalls.open(tx, Incident(incident_id, *about, passage.decision_id, *who))
    return Unlinked(wrong, incident_id, _receipts(house, incident_id))


def _sender(house: House, passage: Passage, record: str) -> str:
    known = house.stores.records.source_person(passage.permit, record)
    return known.organisation if known else ""


def _since(wrong: Sequence[Link]) -> dict[str, datetime]:
    """Since when each of the persons was wrongly named: a link that was said anew counts from the first time."""
    since: dict[str, datetime] = {}
    for fact in wrong:
        since[fact.person_id] = min(fact.at, since.get(fact.person_id, fact.at))
    return since


def _receipts(house: House, incident_id: str) -> int | None:
    # the link is taken back whether or not anybody can be told now: the worker looks again
    with suppress(GatewayError):
        return find_receivers(house, incident_id).noted
    return None
