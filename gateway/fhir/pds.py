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
from gateway.fhir.request import check_role_header, house, mirror_ids, require_request_id, sign_in_by_token
from gateway.services.tracing.likeness import PatientQuery
from gateway.services.tracing.patients import read_patient, refuse_change, related_people, search_patients

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from gateway.auth.caller import Caller

pds: Final = Blueprint("pds", __name__, url_prefix=PDS_BASE)
pds.before_request(sign_in_by_token)
pds.before_request(require_request_id)
pds.before_request(check_role_header)
pds.after_request(mirror_ids)


@pds.get("/Patient/<number>")
@serves(Interaction("read", "Read a patient by NHS number", "Patient", needs_request_id=True))
def read(number: str) -> Response:
    """Return the patient now known by ``number``; the id differs where that number was superseded."""
    found = read_patient(house(), current_caller(), number)
    response = fhir_response(found.body)
    response.headers["ETag"] = f'W/"{found.version}"'
    return response


@pds.get("/Patient/<number>/RelatedPerson")
@serves(Interaction("search-type", "List the people related to a patient", "RelatedPerson", needs_request_id=True))
def related(number: str) -> Response:
    """Return the people related to a patient: nobody, since no index holds any."""
    found = related_people(house(), current_caller(), number)
    response = fhir_response(found.body)
    response.headers["ETag"] = f'W/"{found.version}"'
    return response


@pds.get("/Patient")
@serves(Interaction("search-type", "Search for patients", "Patient", SearchParameters, needs_request_id=True))
def search() -> Response:
    """Return the matching patients, best first."""
    caller = current_caller()
    sent = request.args.to_dict(flat=False)
    check_one_at_most(sent, caller)
    bundle = search_patients(house(), caller, as_query(read_search(sent), caller))
    for entry in bundle.get("entry", ()):
        entry["fullUrl"] = request.host_url.rstrip("/") + entry["fullUrl"]
    return fhir_response(bundle)


@pds.patch("/Patient/<number>")
def update(number: str) -> NoReturn:
    """Refuse to change a patient, as PDS refuses an application that may only read."""
    refuse_change(house(), current_caller(), number, verb="update")


@pds.post("/Patient")
def create() -> NoReturn:
    """Refuse to make a patient, as PDS refuses an application that may only read."""
    refuse_change(house(), current_caller(), verb="create")


def check_one_at_most(sent: Mapping[str, Sequence[str]], caller: Caller) -> None:
    """Hold an application to one result, before anything else that it sent is looked at.

    Raises:
        NotPermitted: it asked for anything but one (PDS: application-restricted access).
    """
    if caller.kind is Kind.SYSTEM and any(value != "1" for value in sent.get("_max-results", ())):
        text = "Cannot retrieve more than one result with application-restricted access token"
        raise NotPermitted(text, reason="INVALID_VALUE")


def as_query(wanted: SearchParameters, caller: Caller) -> PatientQuery:
    """Return the search as the use case takes it; an application is told of one person only."""
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
        max_results=1 if caller.kind is Kind.SYSTEM else wanted.max_results,
    )
