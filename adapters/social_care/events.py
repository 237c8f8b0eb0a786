"""The event columns of a client level row: a request, an assessment, a review or a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters import ukcore
from adapters.social_care.columns import CODED, DATED, END, EVENT_TYPE, NUMERIC, START, coded
from adapters.social_care.person import cld_concept
from adapters.systems import CLD
from adapters.values import BadField, decimal, uk_or_iso_date

if TYPE_CHECKING:
    from adapters.ukcore import Resource

OUTCOME: Final = CLD + "StructureDefinition/event-outcome"
"""Extension: what happens next after the event."""
PROVIDER: Final = CLD + "StructureDefinition/provider-location"
"""Extension: the registered location that gives a service, by its Care Quality Commission number."""
_CQC = CLD + "Id/cqc-location"
_AMBULATORY = ("AMB", "ambulatory")


class Event:
    """The checked event of one row. ``kind`` is empty for a carer known by association, who has none."""

    def __init__(self, row: dict[str, str], organisation: str, ref: str) -> None:
        """Read and check the event columns.

        Raises:
            BadField: the first event column that cannot be used.
        """
        self.row = row
        self.organisation = organisation
        self.kind = coded(row, EVENT_TYPE)
        self.start = uk_or_iso_date(row[START], START)
        self.end = uk_or_iso_date(row[END], END)
        self.client_type = coded(row, "Client Type")
        self._check()
        self.subject = ukcore.person_id("social-care", organisation, ref)
        # the national identity of an event; its local reference may change from file to file
        natural = (
            self.kind,
            self.client_type,
            self.start,
            "" if self.kind == "Service" else self.end,
            *self._subtype(),
        )
        self.id = ukcore.resource_id(self.subject, *natural)

    def _check(self) -> None:
        for column in NUMERIC:
            decimal(self.row.get(column, ""), column)
        for column in DATED:
            uk_or_iso_date(self.row.get(column, ""), column)
        coded(self.row, "Delivery Mechanism")
        if not self.kind:
            if self.client_type != "Unpaid carer known by association":
                raise BadField(
                    EVENT_TYPE, "blank-mandatory", "blank, and only a carer known by association has no event"
                )
            return
        if not self.start:
            raise BadField(START, "blank-mandatory", "blank, and every event has a start")
        if self.end and self.end < self.start:
            raise BadField(END, "end-before-start", "earlier than the start of the event")

    def _subtype(self) -> tuple[str, ...]:
        if self.kind == "Request":
            return (self.row.get("Request: Route of Access", "").casefold(),)
        if self.kind == "Assessment":
            return (self.row.get("Assessment Type", "").casefold(),)
        if self.kind == "Service":
            return coded(self.row, "Service Type"), coded(self.row, "Service Component")
        return ()

    def resources(self) -> tuple[Resource, ...]:
        """Make the event's resource, or none for a carer known by association."""
        if not self.kind:
            return ()
        made = _MAKERS[self.kind](self)
        if reference := self.row.get("Event Reference"):
            made["identifier"] = [ukcore.local_identifier("social-care", self.organisation, reference, "event")]
        if outcome := coded(self.row, "Event Outcome"):
            made.setdefault("extension", []).append(
                {"url": OUTCOME, "valueCodeableConcept": cld_concept(CODED["Event Outcome"], outcome)}
            )
        return (made,)


def _request(event: Event) -> Resource:
    made = ukcore.resource("ServiceRequest", event.id, "care-requests")
    made |= {"status": "completed", "intent": "order", "code": ukcore.concept("Request for adult social care")}
    made["subject"] = ukcore.reference("Patient", event.subject)
    made["authoredOn"] = event.start
    if route := event.row.get("Request: Route of Access"):
        made["reasonCode"] = [cld_concept("route-of-access", route)]
    if told := ukcore.note(event.row.get("Event Description", "")):
        made["note"] = told
    return made


def _seen(event: Event, kind: Resource, reason: Resource) -> Resource:
    begun = ukcore.resource("Encounter", event.id, "care-assessments")
    status = "finished" if event.end else "in-progress"
    when = ukcore.period(event.start, event.end)
    made = ukcore.encounter(begun, event.subject, status=status, kind=_AMBULATORY, when=when)
    made["type"] = [kind]
    if reason:
        made["reasonCode"] = [reason]
    made["serviceProvider"] = ukcore.organisation(event.organisation)
    return made


def _assessment(event: Event) -> Resource:
    said = event.row.get("Assessment Type", "")
    return _seen(event, cld_concept("assessment-type", said) or ukcore.concept("Assessment"), {})


def _review(event: Event) -> Resource:
    return _seen(
        event, cld_concept("event-type", "Review"), cld_concept("review-reason", event.row.get("Review Reason", ""))
    )


def _service(event: Event) -> Resource:
    begun = ukcore.resource("EpisodeOfCare", event.id, "care-services")
    kinds = [cld_concept(CODED[column], coded(event.row, column)) for column in ("Service Type", "Service Component")]
    status = "finished" if event.end else "active"
    when = ukcore.period(event.start, event.end)
    made = ukcore.episode_of_care(begun, event.subject, status=status, kinds=kinds, when=when)
    made["managingOrganization"] = ukcore.organisation(event.organisation)
    if location := event.row.get("Provider CQC Location ID"):
        provider = {"identifier": {"system": _CQC, "value": location}}
        made["extension"] = [{"url": PROVIDER, "valueReference": provider}]
    return made


_MAKERS = {"Request": _request, "Assessment": _assessment, "Review": _review, "Service": _service}
