"""The CapabilityStatement, made from the routes: what is not routed cannot be claimed, and the other way round."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from gateway.fhir.interactions import RESULT_PARAMETERS, SEARCH, interaction_of, search_parameter
from gateway.fhir.json import MEDIA_TYPE
from gateway.fhir.outcome import FHIR_BASE, PDS_BASE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from gateway.fhir.interactions import Interaction

DISTRIBUTION: Final = "nhs-linkage-gateway"
# the day the set of interactions last changed
DATE: Final = "2026-11-22"
_BASES: Final = {
    FHIR_BASE: f"Identity and the joined record, under {FHIR_BASE}",
    PDS_BASE: f"Demographics in the shape of the PDS FHIR API, under {PDS_BASE}",
}


def capability_statement(app: Flask, name: str) -> dict[str, Any]:
    """Return the statement of ``app``, one ``rest`` part for each base."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": DATE,
        "kind": "instance",
        "software": {"name": DISTRIBUTION, "version": version(DISTRIBUTION)},
        "implementation": {"description": name},
        "fhirVersion": "4.0.1",
        "format": [MEDIA_TYPE, "json"],
        "rest": [_rest(app, base, text) for base, text in _BASES.items()],
    }


def _rest(app: Flask, base: str, text: str) -> dict[str, Any]:
    by_resource: dict[str, list[Interaction]] = {}
    for path, interaction in served(app):
        if path.startswith(base) and interaction.resource:
            by_resource.setdefault(interaction.resource, []).append(interaction)
    return {
        "mode": "server",
        "documentation": text,
        "security": {"cors": False, "description": "Bearer token (RFC 9068) naming one person and one purpose"},
        "resource": [_resource(name, held) for name, held in sorted(by_resource.items())],
    }


def _resource(name: str, held: list[Interaction]) -> dict[str, Any]:
    """One resource type. What answers to GET and to POST alike is one interaction, one parameter, one operation."""
    codes = dict.fromkeys(each.code for each in held)
    operations = {each.code: each for each in reversed(held) if each.code.startswith("$")}
    told: dict[str, Any] = {"type": name}
    told["interaction"] = [{"code": code} for code in codes if not code.startswith("$")]
    revincludes = [each.revinclude for each in held if each.revinclude]
    told["searchRevInclude"] = list(dict.fromkeys(revincludes))
    told["searchParam"] = [search_parameter(each) for each in dict.fromkeys(_parameters(held))]
    told["operation"] = [_operation(each) for _, each in sorted(operations.items())]
    return {key: value for key, value in told.items() if value}


def _operation(interaction: Interaction) -> dict[str, str]:
    name = interaction.code.removeprefix("$")
    definition = interaction.definition or f"http://hl7.org/fhir/OperationDefinition/{interaction.resource}-{name}"
    return {"name": name, "definition": definition, "documentation": interaction.summary}


def _parameters(held: list[Interaction]) -> Iterator[str]:
    """The search parameters of the searches among these; what an operation takes is in its definition."""
    for each in held:
        if each.code == SEARCH and each.query is not None:
            for name, field in each.query.model_fields.items():
                sent = field.alias or name
                if ":" not in sent and sent not in RESULT_PARAMETERS:
                    yield sent


def served(app: Flask) -> list[tuple[str, Interaction]]:
    """Return each FHIR path (as a template) with each interaction on it, in the order of the paths and methods."""
    found = ((rule.rule, interaction_of(app.view_functions[rule.endpoint])) for rule in app.url_map.iter_rules())
    pairs = [(path, each) for path, each in found if each is not None]
    return sorted(pairs, key=lambda pair: (pair[0], pair[1].method))
