"""The OpenAPI description of the FHIR routes, made from the routes and the models that read them."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from gateway.fhir.capability import DISTRIBUTION, served
from gateway.fhir.json import MEDIA_TYPE

if TYPE_CHECKING:
    from flask import Flask

    from gateway.fhir.interactions import Interaction

_PART: Final = re.compile(r"<(?:\w+:)?(\w+)>")
_REQUEST_ID: Final = {
    "name": "X-Request-ID",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}
_REFUSALS: Final = {
    "400": "What was sent cannot be right",
    "401": "No token, or none that is in order",
    "403": "No agreement allows it",
    "404": "There is no such thing",
    "503": "The service cannot answer just now",
}


def describe(app: Flask, title: str) -> dict[str, Any]:
    """Return the description of every FHIR route of ``app``."""
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version(DISTRIBUTION)},
        "paths": {_PART.sub(r"{\1}", path): {"get": _operation(path, each)} for path, each in served(app)},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt"}},
            "schemas": {"OperationOutcome": _resource("OperationOutcome")},
        },
    }


def _operation(path: str, interaction: Interaction) -> dict[str, Any]:
    told: dict[str, Any] = {"summary": interaction.summary, "parameters": _parameters(path, interaction)}
    told["responses"] = {"200": _answer("The answer", {"type": "object", "required": ["resourceType"]})}
    if not interaction.open_to_all:
        told["security"] = [{"token": []}]
        outcome = {"$ref": "#/components/schemas/OperationOutcome"}
        told["responses"] |= {status: _answer(words, outcome) for status, words in _REFUSALS.items()}
    return told


def _parameters(path: str, interaction: Interaction) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in _PART.findall(path)
    ]
    if interaction.needs_request_id:
        told.append(_REQUEST_ID)
    if interaction.query is not None:
        properties = interaction.query.model_json_schema(by_alias=True)["properties"]
        told += [{"name": name, "in": "query", "schema": _as_sent(schema)} for name, schema in properties.items()]
    return told


def _as_sent(schema: dict[str, Any]) -> dict[str, Any]:
    """Everything in a query is text, possibly repeated; defaults and titles are the model's own business."""
    return {key: value for key, value in schema.items() if key not in {"default", "title"}}


def _answer(words: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": words, "content": {MEDIA_TYPE: {"schema": schema}}}


def _resource(name: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["resourceType", "issue"],
        "properties": {"resourceType": {"const": name}, "issue": {"type": "array", "minItems": 1}},
    }
