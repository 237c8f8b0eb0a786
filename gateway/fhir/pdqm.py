"""``Patient`` under ``/fhir/R4``: search by GET or POST, and read by id (IHE PDQm ITI-78)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from flask import request

from gateway.auth.desk import current_caller
from gateway.errors import InputError
from gateway.fhir.body import UnsupportedMediaType
from gateway.fhir.bundle import matched, outcome, searchset
from gateway.fhir.interactions import SEARCH, Interaction, serves
from gateway.fhir.json import fhir_response
from gateway.fhir.openapi import FORM
from gateway.fhir.people import PeopleParameters, read_people_search
from gateway.fhir.request import fhir_blueprint, house, own_base
from gateway.services.tracing.fitting import TooManyMatches
from gateway.services.tracing.people import read_person, search_people

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Response

pdqm: Final = fhir_blueprint("pdqm", __name__)
_LONGEST_ID: Final = 64
_STRICT: Final = "handling=strict"


@pdqm.get("/Patient")
@serves(Interaction(SEARCH, "Search for people by demographics or identifier", "Patient", PeopleParameters))
def search() -> Response:
    """Return the people who fit the parameters of the address, best first."""
    return _search(request.args.to_dict(flat=False))


@pdqm.post("/Patient/_search")
@serves(
    Interaction(SEARCH, "Search for people, parameters in the body", "Patient", PeopleParameters, method="POST"),
)
def search_by_post() -> Response:
    """Return the people who fit the parameters of the form, which no address and no log of addresses holds."""
    if request.content_length and request.mimetype != FORM:
        raise UnsupportedMediaType(f"Content-Type: {FORM} is taken", reason="media-type", field="Content-Type")
    sent = request.args.to_dict(flat=False)
    for name, values in request.form.to_dict(flat=False).items():
        sent[name] = [*sent.get(name, ()), *values]
    return _search(sent)


@pdqm.get("/Patient/<person_id>")
@serves(Interaction("read", "Read a person by id", "Patient"))
def read(person_id: str) -> Response:
    """Return one person; one whose number was replaced is not active, and links to the one in force."""
    if len(person_id) > _LONGEST_ID:
        raise InputError("id: at most 64 characters (FHIR id)", reason="id-too-long", field="id")
    found = read_person(house(), current_caller(), person_id)
    response = fhir_response(found.body)
    response.headers["ETag"] = f'W/"{found.version}"'
    return response


def _search(sent: Mapping[str, Sequence[str]]) -> Response:
    asked = read_people_search(sent, strict=_STRICT in request.headers.get("Prefer", "").replace(" ", ""))
    told = []
    if asked.left_out:
        told.append(outcome("not-supported", f"{asked.left_out} parameters are not supported and were left out"))
    try:
        found = search_people(house(), current_caller(), asked.sought)
    except TooManyMatches as fault:
        told.append(outcome("multiple-matches", fault.staff_sentence, severity="warning"))
        return fhir_response(searchset(house(), None, "", told, None))
    entries = [matched(body, own_base(), score=score) for body, score in found.patients]
    bundle = searchset(house(), found.against, found.decision_id, [*entries, *told], found.total)
    query = f"?{urlencode(asked.used)}" if asked.used else ""
    bundle["link"] = [{"relation": "self", "url": f"{own_base()}/Patient{query}"}]
    return fhir_response(bundle)
