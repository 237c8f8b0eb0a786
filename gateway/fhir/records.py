"""The joined record of one person, and what this server can do."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, current_app

from gateway.auth.desk import current_caller
from gateway.errors import InputError
from gateway.fhir.capability import capability_statement
from gateway.fhir.interactions import Interaction, serves
from gateway.fhir.json import fhir_response
from gateway.fhir.outcome import FHIR_BASE
from gateway.fhir.request import house, mirror_ids, sign_in_by_token
from gateway.services.records.everything import everything

records: Final = Blueprint("records", __name__, url_prefix=FHIR_BASE)
records.after_request(mirror_ids)

_LONGEST_ID: Final = 64


@records.get("/metadata")
@serves(Interaction("capabilities", "What this server can do", open_to_all=True))
def metadata() -> Response:
    """Return the capability statement; open to all, since it says nothing about anybody."""
    return fhir_response(capability_statement(current_app, house().settings.service_name))


@records.get("/Patient/<person_id>/$everything")
@serves(Interaction("$everything", "A person's joined record, as far as the caller's agreement goes", "Patient"))
def patient_everything(person_id: str) -> Response:
    """Return what the caller's agreement lets them see of one person's record, with where each part came from."""
    sign_in_by_token()
    if len(person_id) > _LONGEST_ID:
        raise InputError("id: at most 64 characters (FHIR id)", reason="id-too-long", field="id")
    bundle = everything(house(), current_caller(), person_id)
    return fhir_response(bundle)
