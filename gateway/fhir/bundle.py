"""Searchset Bundles under ``/fhir/R4``: entries, the outcome beside them, and which index vouches for them."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from gateway.services.tracing.presented import index_meta

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.house import House
    from gateway.services.tracing.against import CheckedAgainst

    Resource = dict[str, Any]

DECISION: Final = "https://gateway.example/decision"
"""``meta.tag`` system of the decision that an answer rests on: the ledger row has the same id."""
MATCH_GRADE: Final = "http://hl7.org/fhir/StructureDefinition/match-grade"


def searchset(
    house: House, against: CheckedAgainst | None, decision_id: str, entries: Sequence[Resource], total: int | None
) -> Resource:
    """Return a searchset; without ``entry`` where there is none, and without ``total`` where nobody counted."""
    meta = index_meta(against, house.now().date()) if against is not None else {}
    tag = {"tag": [{"system": DECISION, "code": decision_id}]} if decision_id else {}
    bundle: Resource = {
        "resourceType": "Bundle",
        **({"meta": meta | tag} if meta | tag else {}),
        "type": "searchset",
        "timestamp": house.now().astimezone(UTC).isoformat(timespec="seconds"),
    }
    if total is not None:
        bundle["total"] = total
    return {**bundle, "entry": list(entries)} if entries else bundle


def matched(resource: Resource, base: str, *, score: float | None = None, grade: str = "") -> Resource:
    """Return the entry of a resource that was looked for, with its score and its match grade."""
    search: Resource = {"mode": "match"}
    if grade:
        search["extension"] = [{"url": MATCH_GRADE, "valueCode": grade}]
    if score is not None:
        search["score"] = score
    return {"fullUrl": f"{base}/{resource['resourceType']}/{resource['id']}", "resource": resource, "search": search}


def outcome(code: str, words: str, *, severity: str = "information") -> Resource:
    """Return an entry that says something about the answer, and nothing about anybody."""
    issue = {"severity": severity, "code": code, "details": {"text": words}}
    return {"resource": {"resourceType": "OperationOutcome", "issue": [issue]}, "search": {"mode": "outcome"}}
