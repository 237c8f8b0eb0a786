"""``GET Linkage?item=Patient/<id>``: which source records are a person, and by ``_revinclude`` how they came to be.

FHIR has a resource for each half. Linkage says that resources are about one real person and which of them speaks for
it (the index's Patient is the ``source``; records joined now are ``alternate``, those that were are ``historical``).
Provenance says who or what did a thing to a resource, when and on what ground: one for each link fact, with the
lifecycle codes ``link`` and ``unlink``. ``Linkage/_history`` would give versions without a reason, and
``Patient.link`` is for duplicates within one server; so neither was chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from flask import request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters import ukcore
from gateway.auth.desk import current_caller
from gateway.errors import InputError
from gateway.fhir.bundle import matched, searchset
from gateway.fhir.interactions import SEARCH, Interaction, serves
from gateway.fhir.json import fhir_response
from gateway.fhir.request import fhir_blueprint, house, own_base
from gateway.services.tracing.history import link_history
from gateway.storage.links import LinkKind
from linkage.explain import describe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Response

    from gateway.services.tracing.history import LinkFact, PersonHistory, RecordHistory

    Resource = dict[str, Any]

history: Final = fhir_blueprint("history", __name__)
PROVENANCES: Final = "Provenance:target"
EVIDENCE: Final = "https://gateway.example/StructureDefinition/link-evidence"
"""Extension on a Provenance: what was compared, for whoever may see evidence; fields, levels and bits, no values."""
GROUND: Final = "https://gateway.example/link-ground"
_LIFECYCLE: Final = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
_AGENT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_LONGEST_ID: Final = 64
_ITEM: Final = r"^(?:\S+/)?(?:Patient/)?[A-Za-z0-9.\-]{1,64}$"


class LinkageParameters(BaseModel):
    """One search for the links of a person."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    item: Annotated[str, Field(max_length=255, pattern=_ITEM)]
    revinclude: Annotated[str, Field(alias="_revinclude", pattern=f"^{PROVENANCES}$")] = ""
    format: Annotated[str, Field(alias="_format")] = ""


@history.get("/Linkage")
@serves(
    Interaction(
        SEARCH,
        "Which records are joined to a person; with Provenance, how they came to be",
        "Linkage",
        LinkageParameters,
        revinclude=PROVENANCES,
    )
)
def linkage() -> Response:
    """Return a person's Linkage, and where asked the Provenance of every link fact, oldest first."""
    asked = read_linkage_search(request.args.to_dict(flat=False))
    found = link_history(house(), current_caller(), asked.item.rpartition("/")[2])
    entries = [matched(linkage_of(found), own_base())] if found.records else []
    if asked.revinclude:
        entries += [_included(fact, record, found) for record in found.records for fact in record.facts]
    return fhir_response(searchset(house(), found.against, found.decision_id, entries, int(bool(found.records))))


@history.get("/Linkage/<person_id>")
@serves(Interaction("read", "Read which records are joined to a person", "Linkage"))
def read(person_id: str) -> Response:
    """Return one person's Linkage; it has the person's id."""
    if len(person_id) > _LONGEST_ID:
        raise InputError("id: at most 64 characters (FHIR id)", reason="id-too-long", field="id")
    return fhir_response(linkage_of(link_history(house(), current_caller(), person_id)))


def read_linkage_search(sent: Mapping[str, Sequence[str]]) -> LinkageParameters:
    """Return the search that ``sent`` makes.

    Raises:
        InputError: no item, one that is no Patient, a parameter sent twice or not known.
    """
    known = {field.alias or name for name, field in LinkageParameters.model_fields.items()}
    if any(name not in known or len(values) > 1 for name, values in sent.items()):
        words = f"query: the parameters are {', '.join(sorted(known))}, each once"
        raise InputError(words, reason="parameter", field="query")
    try:
        return LinkageParameters.model_validate({name: values[0] for name, values in sent.items()})
    except ValidationError as faults:
        name = str(faults.errors(include_url=False, include_input=False)[0]["loc"][0])
        words = "a Patient is needed, as Patient/<id>" if name == "item" else f"the only one is {PROVENANCES}"
        raise InputError(f"{name}: {words}", reason="parameter", field=name) from None


def linkage_of(found: PersonHistory) -> Resource:
    """Return the Linkage of a person: the Patient of the index, and each record as it stands to them."""
    items = [{"type": "source", "resource": {"reference": f"Patient/{found.person_id}"}}]
    items += [
        {"type": "alternate" if record.joined else "historical", "resource": _record(record)}
        for record in found.records
    ]
    return {"resourceType": "Linkage", "id": found.person_id, "active": True, "item": items}


def provenance_of_link(fact: LinkFact, record: RecordHistory, person_id: str) -> Resource:
    """Return one link fact as a Provenance of the person's Linkage."""
    joins = fact.kind == LinkKind.IS
    made: Resource = {
        "resourceType": "Provenance",
        "id": fact.link_id,
        "target": [{"reference": f"Linkage/{person_id}"}],
        "recorded": fact.at.isoformat(timespec="milliseconds"),
        "activity": {"coding": [{"system": _LIFECYCLE, "code": "link" if joins else "unlink"}], "text": fact.kind},
        "reason": [{"coding": [{"system": GROUND, "code": fact.basis}]}],
        "agent": [_agent("performer", fact.actor)],
        "entity": [{"role": "source", "what": _record(record)}],
    }
    if fact.model:
        made["agent"].append(_agent("assembler", fact.model))
    if fact.evidence:
        made["extension"] = [_compared(fact)]
    return made


def _included(fact: LinkFact, record: RecordHistory, found: PersonHistory) -> Resource:
    made = provenance_of_link(fact, record, found.person_id)
    return {"fullUrl": f"urn:uuid:{fact.link_id}", "resource": made, "search": {"mode": "include"}}


def _record(record: RecordHistory) -> Resource:
    """A reference to a source record, by what its organisation calls the person."""
    identifier = ukcore.local_identifier(record.source.replace(":", "/"), record.organisation, record.local_id)
    return {"type": "Patient", "identifier": identifier}


def _agent(part: str, name: str) -> Resource:
    return {"type": {"coding": [{"system": _AGENT, "code": part}]}, "who": {"display": name}}


def _compared(fact: LinkFact) -> Resource:
    parts: list[Resource] = [{"url": "weight", "valueDecimal": fact.bits}] if fact.bits is not None else []
    parts += [
        {
            "url": piece.field,
            "extension": [
                {"url": "level", "valueCode": piece.level},
                {"url": "bits", "valueDecimal": piece.bits},
                {"url": "words", "valueString": describe(piece)},
            ],
        }
        for piece in fact.evidence
    ]
    return {"url": EVIDENCE, "extension": parts}
