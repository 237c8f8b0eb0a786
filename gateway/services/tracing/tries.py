"""Five failed verifications of one number lock it for whoever failed (DESIGN section 7): a number is not guessed at.

The ledger is the count: every try at a number left a row about its holder, so there is nothing to keep beside it, no
worker that could miss a try, and no way to forget one. A confirmation in between begins the count anew.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final

from gateway.auth.caller import Kind
from gateway.errors import NotPermitted
from ig.detection import FAILED_VERIFICATIONS, TRIES, TRIES_WITHIN
from ig.disclosure import Event
from linkage.decide import Verdict

if TYPE_CHECKING:
    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House

LOCKED: Final = "verification-locked"
"""The outcome code of the row, and the reason of the refusal."""

_ROWS: Final = 200


def is_locked(house: House, asker: Caller, person_id: str) -> bool:
    """Whether ``asker``, a person at a desk, has failed too often of late at the number of ``person_id``."""
    if asker.kind is Kind.SYSTEM:
        return False
    rows = house.stores.ledger.search(
        subject=house.stores.keys.subject_token(person_id),
        actor=asker.subject,
        kinds={Event.DISCLOSURE.value},
        since=house.now() - TRIES_WITHIN,
        limit=_ROWS,
    )
    results = [str(row.body.get("result", "")) for row in rows]
    since_confirmed = takewhile(lambda result: result != Verdict.CONFIRMED, results)
    return sum(result in FAILED_VERIFICATIONS for result in since_confirmed) >= TRIES


def refusal(passage: Passage) -> NotPermitted:
    """What somebody is told who is locked out of a number."""
    hours = int(TRIES_WITHIN.total_seconds() // 3600)
    message = (
        f"You have tried this NHS number {TRIES} times with details that are not its person's. It is locked for you "
        f"for up to {hours} hours, and your privacy officer can see it. Find the person by their details instead."
    )
    return NotPermitted(message, reason=LOCKED, decision=passage.decision_id)
