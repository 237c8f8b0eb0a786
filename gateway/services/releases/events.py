"""From a stored resource to a row of a release: what, in which week, under which code. No free text, no place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from gateway.services.records.shelves import dataset_of
from ig.purpose import Section

if TYPE_CHECKING:
    from gateway.storage.records import LinkedResource

_TYPES: Final = {
    Section.PROBLEMS: "problem",
    Section.MEDICATIONS: "medication",
    Section.OBSERVATIONS: "observation",
    Section.ALLERGIES: "allergy",
    Section.IMMUNISATIONS: "immunisation",
    Section.ENCOUNTERS: "attendance",
    Section.ADMISSIONS: "admission",
    Section.DISCHARGE: "discharge",
    Section.CARE_NEEDS: "care-need",
    Section.CARE_SERVICES: "care-service",
    Section.CARE_ASSESSMENTS: "care-assessment",
    Section.CARE_REQUESTS: "care-request",
}
RELEASED: Final = frozenset(_TYPES)
"""Sections that become events. Consultations, documents and the sensitive section never do."""

_CODED: Final = ("code", "medicationCodeableConcept", "vaccineCode")


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of one person; ``event_week`` is the Monday, ``length_of_stay`` whole days."""

    person_id: str
    event_type: str
    event_week: date | None
    code: str | None
    provider_class: str
    service_type: str | None
    length_of_stay: int | None


def event_of(linked: LinkedResource) -> EventRow | None:
    """Return the event that a resource stands for, or None for those that stand for none."""
    kind = _TYPES.get(Section(linked.section))
    if kind is None:
        return None
    body = orjson.loads(linked.body)
    start, end = _span(body, linked.occurred)
    return EventRow(
        person_id=linked.person_id,
        event_type=kind,
        event_week=start - timedelta(days=start.weekday()) if start else None,
        code=_code(body),
        provider_class=dataset_of(linked.source).value,
        service_type=_service(body),
        length_of_stay=(end - start).days if start and end and kind == "discharge" else None,
    )


def _span(body: dict[str, Any], occurred: str) -> tuple[date | None, date | None]:
    period = body.get("period") or {}
    start = _day(period.get("start") or body.get("effectiveDateTime") or body.get("onsetDateTime") or occurred)
    return start, _day(period.get("end", ""))


def _day(text: str) -> date | None:
    # partial dates place an event in no week
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _code(body: dict[str, Any]) -> str | None:
    for name in _CODED:
        for coding in (body.get(name) or {}).get("coding", ()):
            return str(coding.get("code", "")) or None
    return None


def _service(body: dict[str, Any]) -> str | None:
    if body["resourceType"] != "EpisodeOfCare":
        return None
    for kind in body.get("type", ()):
        for coding in kind.get("coding", ()):
            return str(coding.get("code", "")) or None
    return None
