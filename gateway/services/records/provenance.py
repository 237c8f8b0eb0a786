"""Where a resource came from, as FHIR says it: the sender, the file and row, and the hash of what was received."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.ukcore import provenance

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.storage.records import StoredResource


def provenance_of(one: StoredResource, at: datetime, *, sender: str) -> dict[str, Any]:
    """Return the Provenance of a stored resource, said at ``at``; a blank ``sender`` is withheld."""
    return provenance(
        one.resource_id,
        recorded=at.isoformat(timespec="seconds"),
        feed=one.feed,
        row=one.row,
        content_hash=one.content_hash,
        sender=sender,
    )
