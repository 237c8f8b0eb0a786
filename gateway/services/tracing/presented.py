"""A person of the index as the PDS surface shows them, retrieved or listed, and which index vouches for it.

Rules: the PDS FHIR API specification. A search entry is a part of the record (usual, nickname and temporary names, the
home address); a restricted person (R) has no whereabouts, a very restricted one (V) neither name nor birth date too.
PDS has one source and says nothing of it. Ours may be another, so ``meta`` says which, of which day, and how old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from adapters.spine.pds import AS_IT_CAME, CHECKED_AGAINST
from gateway.errors import NotFound
from ig.redact import redact_patient
from linkage.person import Security

if TYPE_CHECKING:
    from datetime import date

    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.tracing.against import CheckedAgainst
    from linkage.decide import Candidate

    Resource = dict[str, Any]

LISTED_NAMES: Final = frozenset({"usual", "nickname", "temp"})
LISTED_ADDRESSES: Final = frozenset({"home"})
_NOT_LISTED: Final = frozenset({"managingOrganization"})
_VERY_RESTRICTED: Final = frozenset({"name", "birthDate", "_birthDate"})
_PDS: Final = "pds"


def retrieved(house: House, passage: Passage, held: Candidate, against: CheckedAgainst) -> Resource:
    """Return the Patient of an index row, as far as the decision and the person's protection allow.

    Raises:
        NotFound: the row has gone since it was found.
    """
    number = held.person.nhs_number
    row = house.stores.index.patient(passage.permit, number) if number else None
    if row is None:
        raise NotFound(reason="RESOURCE_NOT_FOUND")
    whole = orjson.loads(row.patient)
    # a version that came with the Patient is what clients know it by; else the row's own, which changes when, and only
    # when, what is held of the person does
    if whole["meta"].pop("source", "") != AS_IT_CAME:
        whole["meta"]["versionId"] = str(row.version)
    restricted = held.security is not Security.UNRESTRICTED
    body = redact_patient(whole, passage.decision.fields_allowed, restricted=restricted)
    if held.security is Security.VERY_RESTRICTED:
        body = {name: value for name, value in body.items() if name not in _VERY_RESTRICTED}
    return _vouched(body, against, house.now().date())


def listed(patient: Resource) -> Resource:
    """Return the part of a retrieved Patient that a search shows."""
    cut = {name: value for name, value in patient.items() if name not in _NOT_LISTED}
    for name, uses in (("name", LISTED_NAMES), ("address", LISTED_ADDRESSES)):
        kept = [part for part in cut.pop(name, ()) if part.get("use") in uses]
        if kept:
            cut[name] = kept
    return cut


def index_meta(against: CheckedAgainst, today: date) -> Resource:
    """Return what ``meta`` of a Bundle says of the index: its source, its day, its age, its people, its coverage."""
    parts = _source(against.source, against.as_of.isoformat(), (today - against.as_of).days)
    parts.append({"url": "people", "valueUnsignedInt": against.people})
    if against.coverage:
        parts.append({"url": "coverage", "valueString": against.coverage})
    return {"extension": [{"url": CHECKED_AGAINST, "extension": parts}]}


def _vouched(body: Resource, against: CheckedAgainst, today: date) -> Resource:
    """Move the note of what a number was checked against from the identifier, where PDS has no room, to ``meta``."""
    # a row that comes from PDS itself carries no note
    source, as_of = _PDS, against.as_of.isoformat()
    identifiers = []
    for identifier in body.get("identifier", ()):
        notes = [one for one in identifier.get("extension", ()) if one.get("url") == CHECKED_AGAINST]
        for part in (part for note in notes for part in note["extension"]):
            source, as_of = part.get("valueCode", source), part.get("valueDate", as_of)
        others = [one for one in identifier.get("extension", ()) if one not in notes]
        identifiers.append({**identifier, "extension": others})
    body = {**body, **({"identifier": identifiers} if identifiers else {})}
    age = (today - today.fromisoformat(as_of)).days
    note = {"url": CHECKED_AGAINST, "extension": _source(source, as_of, age)}
    return {**body, "meta": {**body.get("meta", {}), "extension": [note]}}


def _source(source: str, as_of: str, age: int) -> list[Resource]:
    return [
        {"url": "source", "valueCode": source},
        {"url": "asOf", "valueDate": as_of},
        {"url": "ageDays", "valueUnsignedInt": max(age, 0)},
    ]
