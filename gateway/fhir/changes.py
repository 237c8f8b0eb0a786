"""``GET /fhir/R4/changes``: what changed about a case system's own records, page by page from a cursor.

Each change is a Task: ``for`` is the record by what its organisation calls it, ``code`` the field, ``reasonCode`` why.
An update that the case system is to take over (status ``ready``) contains a Patient with that value and nothing else.
Where nothing is new and the caller already holds the page's ETag, the answer is 304; a cursor from which nobody can go
on is 410.

``POST /fhir/R4/signals`` takes in what the Multicast Notification Service sends, as it sends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlencode

from flask import Response, request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from adapters import ukcore
from gateway.auth.desk import current_caller
from gateway.errors import InputError
from gateway.fhir.body import UnsupportedMediaType
from gateway.fhir.bundle import matched, searchset
from gateway.fhir.interactions import Interaction, serves
from gateway.fhir.json import MEDIA_TYPE, fhir_response
from gateway.fhir.request import fhir_blueprint, house, own_base
from gateway.services.changes.feed import MOST, Change, Page, changes_since
from gateway.services.changes.signals import take_signal
from gateway.services.changes.words import FIELDS, KINDS
from gateway.storage.differing import Kind, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Resource = dict[str, Any]

changes: Final = fhir_blueprint("changes-feed", __name__)

FIELD: Final = "https://gateway.example/changed-field"
REASON: Final = "https://gateway.example/change-reason"
_STATUS: Final = {
    State.OPEN: "requested",
    State.APPLIED: "ready",
    State.DISMISSED: "rejected",
    State.SUPERSEDED: "cancelled",
}
_URGENT: Final = frozenset({Kind.FORMAL_DEATH, Kind.RESTRICTED})
_PAGE: Final = 100
_NOT_MODIFIED: Final = 304
_SIGNALS: Final = frozenset({MEDIA_TYPE, "application/json", "application/cloudevents+json"})
_MARKED: Final = "Taken: whoever it is about will be read anew."
_HELD: Final = "Taken: that version has been read already."
_STRANGER: Final = "Taken: it is about nobody in the index, and nothing of it was kept."


def _a_count(text: object) -> int:
    # str.isdecimal alone would read other scripts' digits
    if not (isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= 3):  # noqa: PLR2004 - 500 is the most
        raise ValueError("a whole number")
    return int(text)


class ChangesParameters(BaseModel):
    """One page of the feed: from where, and how many changes at most."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    since: Annotated[str, Field(alias="_since", max_length=128, pattern=r"^[A-Za-z0-9_=-]+$")] = ""
    count: Annotated[int, BeforeValidator(_a_count), Field(alias="_count", ge=1, le=MOST)] = _PAGE
    format: Annotated[str, Field(alias="_format")] = ""


@changes.get("/changes")
@serves(
    Interaction(
        "changes",
        "What changed about the caller's own records since a cursor",
        query=ChangesParameters,
        also=(("304", "Nothing is new"), ("410", "Nobody can go on from this cursor")),
    )
)
def feed() -> Response:
    """Return the next page, or 304 where the caller has it already."""
    asked = read_parameters(request.args.to_dict(flat=False))
    page = changes_since(house(), current_caller(), asked.since, asked.count)
    etag = f'W/"{page.cursor}"'
    if page.cursor and not page.changes and etag in request.headers.get("If-None-Match", ""):
        response = Response(status=_NOT_MODIFIED)
    else:
        response = fhir_response(bundle_of(page, asked))
    if page.cursor:
        response.headers["ETag"] = etag
    return response


@changes.post("/signals")
@serves(Interaction("signals", "Take in a signal of MNS: whose record changed", method="POST", body=("Bundle",)))
def signal() -> Response:
    """Take in one signal, as a CloudEvent or as a FHIR history Bundle, and say what came of it."""
    if request.mimetype not in _SIGNALS:
        raise UnsupportedMediaType(f"Content-Type: one of {', '.join(sorted(_SIGNALS))}", reason="media-type")
    done = take_signal(house(), current_caller(), request.get_data())
    words = _MARKED if done.marked else _HELD if done.held else _STRANGER
    issue = {"severity": "information", "code": "informational", "details": {"text": words}}
    return fhir_response({"resourceType": "OperationOutcome", "issue": [issue]})


def read_parameters(sent: Mapping[str, Sequence[str]]) -> ChangesParameters:
    """Return what ``sent`` asks for.

    Raises:
        InputError: a parameter is not known, was sent twice or cannot be; names which.
    """
    known = {field.alias or name for name, field in ChangesParameters.model_fields.items()}
    if any(name not in known or len(values) > 1 for name, values in sent.items()):
        words = f"query: the parameters are {', '.join(sorted(known))}, each once"
        raise InputError(words, reason="parameter", field="query")
    try:
        return ChangesParameters.model_validate({name: values[0] for name, values in sent.items()})
    except ValidationError as faults:
        name = str(faults.errors(include_url=False, include_input=False)[0]["loc"][0])
        words = f"1 to {MOST}" if name == "_count" else "a cursor as this feed gave it"
        raise InputError(f"{name}: {words}", reason="parameter", field=name) from None


def bundle_of(page: Page, asked: ChangesParameters) -> Resource:
    """Return a page as a searchset; its ``next`` link is where to go on, now or when there is more."""
    bundle = searchset(
        house(), None, page.decision_id, [matched(task_of(one), own_base()) for one in page.changes], None
    )
    links = [("self", asked.since)] + ([("next", page.cursor)] if page.cursor else [])
    bundle["link"] = [{"relation": relation, "url": _address(cursor, asked.count)} for relation, cursor in links]
    return bundle


def task_of(one: Change) -> Resource:
    """Return one change as a Task."""
    told = one.difference
    made: Resource = {
        "resourceType": "Task",
        "id": told.difference_id,
        "meta": {"lastUpdated": (told.decided_at or told.opened_at).isoformat(timespec="milliseconds")},
        "status": _STATUS[told.state],
        "intent": "order" if told.state is State.APPLIED else "proposal",
        "priority": "urgent" if told.kind in _URGENT else "routine",
        "code": {"coding": [{"system": FIELD, "code": told.field.value, "display": FIELDS[told.field]}]},
        "for": {
            "type": "Patient",
            "identifier": ukcore.local_identifier(told.source.replace(":", "/"), told.organisation, told.local_id),
        },
        "reasonCode": {"coding": [{"system": REASON, "code": told.kind.value, "display": KINDS[told.kind]}]},
    }
    if one.update:
        made["contained"] = [{**one.update, "resourceType": "Patient", "id": "update"}]
        made["focus"] = {"reference": "#update"}
    return made


def _address(cursor: str, count: int) -> str:
    query = ({"_since": cursor} if cursor else {}) | {"_count": str(count)}
    return f"{own_base()}/changes?{urlencode(query)}"
