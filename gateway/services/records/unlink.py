"""Use case: a joined record turns out to be somebody else's. Undo it exactly, and never join the pair again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import NotFound
from ig.decide import Described
from ig.purpose import Dataset, Element, Level

if TYPE_CHECKING:
    from gateway.auth.caller import Caller
    from gateway.house import House


def unlink_record(house: House, caller: Caller, source_person_id: str, reason: str) -> str:
    """Take back the standing link; what it had superseded stands again. Returns the person now ruled out.

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
        passage.disclose([wrong], rows=1, outcome="unlinked")
    house.gate.administer(caller, "link:unlink", source_person_id, reason=reason)
    with house.stores.transaction() as tx:
        changed = house.stores.links.unlink(tx, source_person_id, caller.subject)
        # what the trace said is what was wrong: nothing of it is left in reports, and the next run asks anew
        concerned = sorted({fact.source_person_id for fact in changed})
        house.stores.traces.forget(tx, concerned)
        house.stores.reviews.close_of(tx, concerned, "unlinked")
    return wrong
