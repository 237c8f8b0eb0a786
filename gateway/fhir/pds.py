"""The Patient of the PDS FHIR API: read by NHS number, and search; existing PDS clients need only another address.

Order of checks as in PDS: the token, then the request id, then the parameters. Nothing but codes is logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, request

from gateway.auth.caller import Kind
from gateway.auth.desk import current_caller
from gateway.errors import NotPermitted
from gateway.fhir.interactions import Interaction, serves
from gateway.fhir.json import fhir_response
from gateway.fhir.outcome import PDS_BASE
from gateway.fhir.query import SearchParameters, read_search
from gateway.fhir.request import house, mirror_ids, require_request_id, sign_in_by_token
from gateway.services.tracing.patients import PatientQuery, read_patient, search_patients

if TYPE_CHECKING:
    from gateway.auth.caller import Caller

pds: Final = Blueprint("pds", __name__, url_prefix=PDS_BASE)
pds.before_request(sign_in_by_token)
pds.before_request(require_request_id)
pds.after_request(mirror_ids)


@pds.get("/Patient/<number>")
@serves(Interaction("read", "Read a patient by NHS number", "Patient", needs_request_id=True))
def read(number: str) -> Response:
    """Return the patient now known by ``number``; the id differs where that number was superseded."""
    found = read_patient(house(), current_caller(), number)
    response = fhir_response(found.body)
    response.headers["ETag"] = f'W/"{found.version}"'
    return response


@pds.get("/Patient")
@serves(Interaction("search-type", "Search for patients", "Patient", SearchParameters, needs_request_id=True))
def search() -> Response:
    """Return the matching patients, best first."""
    wanted = read_search(request.args.to_dict(flat=False))
    caller = current_caller()
    bundle = search_patients(house(), caller, as_query(wanted, caller))
    for entry in bundle.get("entry", ()):
        entry["fullUrl"] = request.host_url.rstrip("/") + entry["fullUrl"]
    return fhir_response(bundle)


def as_query(wanted: SearchParameters, caller: Caller) -> PatientQuery:
    """Return the search as the use case takes it; an application may be told of one person only.

    Raises:
        NotPermitted: an application asked for more than one result (PDS: application-restricted access).
    """
    most = wanted.max_results
    if caller.kind is Kind.SYSTEM:
        if most not in {None, 1}:
            text = "Cannot retrieve more than one result with application-restricted access token"
            raise NotPermitted(text, reason="INVALID_VALUE")
        most = 1
    return PatientQuery(
        family=wanted.family,
        given=wanted.given,
        gender=wanted.gender,
        birthdate=wanted.birthdate,
        death_date=wanted.death_date,
        postcode=wanted.postalcode or wanted.postcode,
        gp=wanted.general_practitioner,
        phone=wanted.phone,
        email=wanted.email,
        exact=wanted.exact,
        fuzzy=wanted.fuzzy,
        history=wanted.history,
        max_results=most,
    )
