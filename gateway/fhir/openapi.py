"""The OpenAPI description of the FHIR routes, made from the routes and the models that read them."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from gateway.fhir.capability import DISTRIBUTION, served
from gateway.fhir.json import MEDIA_TYPE

if TYPE_CHECKING:
    from flask import Flask
    from pydantic import BaseModel

    from gateway.fhir.interactions import Interaction

_PART: Final = re.compile(r"<(?:\w+:)?(\w+)>")
_REQUEST_ID: Final = {
    "name": "X-Request-ID",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}
FORM: Final = "application/x-www-form-urlencoded"
_REFUSALS: Final = {
    "400": "What was sent cannot be right",
    "401": "No token, or none that is in order",
    "403": "No agreement allows it",
    "404": "There is no such thing",
    "406": "Answers are given as FHIR JSON",
    "413": "The body is too large",
    "415": "The body is not sent as FHIR JSON",
    "503": "The service cannot answer just now",
}


def describe(app: Flask, title: str) -> dict[str, Any]:
    """Return the description of every FHIR route of ``app``."""
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version(DISTRIBUTION)},
        "paths": _paths(app),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt"}},
            "schemas": {"OperationOutcome": _resource("OperationOutcome")},
        },
    }


def _paths(app: Flask) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path, each in served(app):
        found.setdefault(_PART.sub(r"{\1}", path), {})[each.method.lower()] = _operation(path, each)
    return found


def _operation(path: str, interaction: Interaction) -> dict[str, Any]:
    told: dict[str, Any] = {"summary": interaction.summary, "parameters": _parameters(path, interaction)}
    if taken := _taken(interaction):
        told["requestBody"] = {"required": bool(interaction.body), "content": taken}
    told["responses"] = {"200": _answer("The answer", {"type": "object", "required": ["resourceType"]})}
    if not interaction.open_to_all:
        told["security"] = [{"token": []}]
        outcome = {"$ref": "#/components/schemas/OperationOutcome"}
        told["responses"] |= {status: _answer(words, outcome) for status, words in _REFUSALS.items()}
        told["responses"] |= {status: _other(status, words, outcome) for status, words in interaction.also}
    return told


def _other(status: str, words: str, outcome: dict[str, Any]) -> dict[str, Any]:
    """A status of this interaction alone; below 400 it comes without a body."""
    return _answer(words, outcome) if status >= "400" else {"description": words}


def _parameters(path: str, interaction: Interaction) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in _PART.findall(path)
    ]
    if interaction.needs_request_id:
        told.append(_REQUEST_ID)
    if interaction.query is not None and interaction.method == "GET":
        told += [{"name": name, "in": "query", "schema": schema} for name, schema in _sent_by(interaction.query)]
    return told


def _taken(interaction: Interaction) -> dict[str, Any]:
    """What a body may be: a resource of a type, or a form of search parameters."""
    if interaction.body:
        kinds = list(interaction.body)
        schema = {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"enum": kinds}}}
        return {MEDIA_TYPE: {"schema": schema}}
    if interaction.method == "GET" or interaction.query is None:
        return {}
    return {FORM: {"schema": {"type": "object", "properties": dict(_sent_by(interaction.query))}}}


def _sent_by(query: type[BaseModel]) -> list[tuple[str, dict[str, Any]]]:
    properties = query.model_json_schema(by_alias=True)["properties"]
    return [(name, _as_sent(schema)) for name, schema in properties.items()]


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
