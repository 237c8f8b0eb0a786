"""What subscribers hear of a change: opaque ids and where to ask. Whoever asks there is asked who they are."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import orjson

from gateway.storage.outbox import Outgoing, Topic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.storage.differing import Moved

FEED: Final = "/fhir/R4/changes"


def messages(moved: Iterable[Moved]) -> list[Outgoing]:
    """Return one message for each record, to go out with the transaction that moved its differences."""
    by_record: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in moved:
        by_record[one.organisation, one.source_person_id].append(one.difference_id)
    return [
        Outgoing(
            Topic.RECORD_CHANGED,
            record,
            orjson.dumps({"record": record, "differences": sorted(names), "link": FEED}),
            organisation,
            record,
        )
        for (organisation, record), names in sorted(by_record.items())
    ]
