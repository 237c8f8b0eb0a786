"""Recalls in figures, and as a file of retractions: one row for each receipt, for whoever works through them.

A row says which answer is taken back, not what was in it: the receiver has the answer, and asks again.
"""

from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING, Final

from gateway.services.files import harmless, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gateway.services.recall.incidents import Recall, Receipt

COLUMNS: Final = (
    *("recall", "receipt", "code", "kind", "recipient", "organisation", "received_at", "disclosure", "job"),
    *("agreement", "record", "state", "acknowledged_at", "due"),
)


def summed(recalls: Sequence[Recall]) -> Iterator[str]:
    """Yield a line for each kind and state of receipt, then the totals."""
    counts = Counter((str(one.kind), _state(one)) for recall in recalls for one in recall.receipts)
    for (kind, state), count in sorted(counts.items()):
        yield f"{kind}, {state}: {count:,}"
    yield f"{counted(len(recalls), 'recall')}, {counted(sum(one.open for one in recalls), 'receipt')} open"


def counted(count: int, thing: str) -> str:
    """Return ``1 receipt`` or ``2 receipts``."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def write_retractions(recalls: Sequence[Recall], path: Path) -> int:
    """Write every receipt as a row of CSV, aside and then renamed. Returns how many.

    Raises:
        InputError: the file cannot be written.
        Unavailable: the disk is full.
    """
    rows = [_row(recall, one) for recall in recalls for one in recall.receipts]
    aside = path.with_name(f".{path.name}.part")
    with named(path):
        with aside.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(COLUMNS)
            writer.writerows([harmless(cell) for cell in row] for row in rows)
        aside.replace(path)
    return len(rows)


def _row(recall: Recall, one: Receipt) -> tuple[str, ...]:
    return (
        recall.incident_id,
        one.notice_id,
        "link-retracted",
        str(one.kind),
        one.recipient,
        one.organisation,
        one.received_at.isoformat(timespec="seconds"),
        one.disclosure,
        one.job,
        one.agreement,
        recall.record,
        _state(one),
        one.acknowledged_at.isoformat(timespec="seconds") if one.acknowledged_at else "",
        one.due.isoformat(timespec="seconds"),
    )


def _state(one: Receipt) -> str:
    if one.acknowledged_at is not None:
        return "acknowledged"
    return "overdue" if one.overdue else "open"
