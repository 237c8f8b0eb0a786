"""Use case: one person's joined record, as far as the agreement shows it to this caller."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import orjson

from gateway.errors import NotFound
from gateway.services.records.link import JOINS_FOR_CARE
from gateway.services.records.provenance import provenance_of
from gateway.services.records.shelves import dataset_of
from ig.decide import Known, SubjectRef
from ig.decision import Duty
from ig.purpose import Dataset, Level, Section
from ig.redact import redact_patient, redact_resource
from linkage.person import Security

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House

    Resource = dict[str, Any]

_DATASETS: Final = frozenset({Dataset.GP, Dataset.SOCIAL_CARE, Dataset.ACUTE})


def everything(house: House, caller: Caller, person_id: str) -> Resource:
    """Return a searchset Bundle: the Patient first, then what each source holds, newest first, with its Provenance.

    Only records joined on grounds good enough for direct care are read (DESIGN section 6).

    Raises:
        NotPermitted: no agreement, role or relationship allows it; the answer does not tell whether the person exists.
        NotFound: the person is known, and nothing is joined to them.
        Unavailable: a store or the ledger cannot serve; nothing leaves.
    """
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets=_DATASETS,
        fields=frozenset(Section),
        subject=Known(SubjectRef(person_id)),
    ) as passage:
        entries = list(_entries(house, passage, person_id))
        if not entries:
            raise NotFound("nothing is joined to this person", reason="not-joined")
        passage.disclose([person_id], rows=len(entries))
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "meta": {"tag": [{"system": "https://gateway.example/decision", "code": passage.decision_id}]},
        "entry": entries,
    }


def _entries(house: House, passage: Passage, person_id: str) -> Iterator[Resource]:
    permit = passage.permit
    links = [link for link in house.stores.links.of_person(permit, person_id) if link.basis in JOINS_FOR_CARE]
    if not links:
        return
    number = house.stores.links.number_of(permit, person_id)
    held = house.stores.index.by_number(permit, number) if number else None
    restricted = held is not None and held.security is not Security.UNRESTRICTED
    hide = restricted and Duty.STRIP_LOCATION in passage.decision.obligations
    allowed, now = passage.decision.fields_allowed, house.now()
    if held is not None and number is not None and Section.DEMOGRAPHICS in allowed:
        raw = house.stores.index.patient_json(permit, number)
        patient = redact_patient(orjson.loads(raw or b"{}"), allowed, restricted=restricted)
        yield _entry({**patient, "id": person_id}, "match")
    stored = house.stores.records.resources_of(permit, [link.source_person_id for link in links], allowed)
    for one in stored:
        body = json.loads(one.body, parse_float=Decimal)
        shown = redact_resource(body, dataset_of(one.source), allowed, restricted=hide)
        if shown is not None:
            yield _entry(shown, "match")
            yield _entry(provenance_of(one, now, sender="" if hide else one.organisation), "include")


def _entry(resource: Resource, mode: str) -> Resource:
    return {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource, "search": {"mode": mode}}
