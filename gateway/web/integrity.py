"""Whether the record of access is what it was when written, as the audit page says it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gateway.services.governance.integrity import verify_ledger
from gateway.web.words import moment_words

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.house import House

# Verification reads every row, some 100,000 a second: often enough for a page, seldom enough for a long ledger.
_KEPT: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Integrity:
    """What the page says, and the colour of its edge."""

    tone: str
    heading: str
    text: str


class IntegrityWatch:
    """Verifies the ledger when asked, and remembers the answer for a minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: tuple[datetime, Integrity] | None = None

    def status(self, house: House) -> Integrity:
        """Return how the ledger stands, verified within the last minute."""
        now = house.now()
        with self._lock:
            if self._held is None or now - self._held[0] > _KEPT:
                self._held = now, _verified(house, now)
            return self._held[1]


def _verified(house: House, now: datetime) -> Integrity:
    found = verify_ledger(house)
    when = moment_words(now)
    if found.damage is not None:
        where = f"Row {found.damage.seq} is damaged ({found.damage.kind}), found on {when}."
        return Integrity(
            "bad", "The record of access is damaged", f"{where} Tell your information governance lead now."
        )
    signed = f" Signed checkpoints that agree: {found.checkpoints}." if found.checkpoints else ""
    text = f"All {found.rows:,} rows are as they were written; verified on {when}.{signed}"
    return Integrity("good", "The record of access is intact", text)
