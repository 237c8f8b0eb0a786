"""The CapabilityStatement, made from the routes: what is not routed cannot be claimed, and the other way round."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from gateway.fhir.interactions import Interaction, interaction_of
from gateway.fhir.json import MEDIA_TYPE
from gateway.fhir.outcome import FHIR_BASE, PDS_BASE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

DISTRIBUTION: Final = "nhs-linkage-gateway"
# the day the set of interactions last changed
DATE: Final = "2026-11-22"
_BASES: Final = {
    FHIR_BASE: f"The joined record, under {FHIR_BASE}",
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
    told: dict[str, Any] = {"type": name}
    told["interaction"] = [{"code": each.code} for each in held if not each.code.startswith("$")]
    told["searchParam"] = [parameter for each in held for parameter in _parameters(each)]
    told["operation"] = [_operation(each) for each in held if each.code.startswith("$")]
    return {key: value for key, value in told.items() if value}


def _operation(interaction: Interaction) -> dict[str, str]:
    name = interaction.code.removeprefix("$")
    definition = f"http://hl7.org/fhir/OperationDefinition/{interaction.resource}-{name}"
    return {"name": name, "definition": definition, "documentation": interaction.summary}


def _parameters(interaction: Interaction) -> Iterator[dict[str, str]]:
    if interaction.query is None:
        return
    for name, field in interaction.query.model_fields.items():
        sent = field.alias or name
        yield {"name": sent, "type": "date" if sent.endswith("date") else "string"}


def served(app: Flask) -> list[tuple[str, Interaction]]:
    """Return each FHIR path (as a template) with its interaction, in the order of the paths."""
    found = ((rule.rule, interaction_of(app.view_functions[rule.endpoint])) for rule in app.url_map.iter_rules())
    return sorted(((path, each) for path, each in found if each is not None), key=lambda pair: pair[0])
