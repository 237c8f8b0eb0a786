"""``POST Patient/$match``: which people may be the one described (IHE PDQm ITI-119).

In: Parameters (``resource``, ``onlyCertainMatches``, ``count``), or the Patient alone. Out: a searchset, each entry
with a score and a match grade, and an OperationOutcome beside them where a person must decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from adapters.person import to_demographics
from gateway.auth.desk import current_caller
from gateway.errors import InputError
from gateway.fhir.body import read_resource
from gateway.fhir.bundle import matched, outcome, searchset
from gateway.fhir.interactions import Interaction, serves
from gateway.fhir.json import fhir_response
from gateway.fhir.request import fhir_blueprint, house, own_base
from gateway.services.tracing.fitting import MOST
from gateway.services.tracing.match import DEFAULT_COUNT, match_patient
from linkage.person import Gender

if TYPE_CHECKING:
    from flask import Response

    from linkage.person import Demographics

    Resource = dict[str, Any]

match: Final = fhir_blueprint("match", __name__)
_VALUE: Final = {"resource": "resource", "onlyCertainMatches": "valueBoolean", "count": "valueInteger"}
_PATHS: Final = {
    "family": "name.family",
    "given": "name.given",
    "birth_date": "birthDate",
    "death_date": "deceasedDateTime",
    "postcode": "address.postalCode",
}
_GENDERS: Final = frozenset(Gender) | {""}


@dataclass(frozen=True, slots=True)
class MatchQuestion:
    """A match request, read: whom it describes, where the Patient stood, and how much is wanted."""

    patient: Resource
    path: str
    only_certain: bool = False
    count: int = DEFAULT_COUNT


@match.post("/Patient/$match")
@serves(
    Interaction(
        "$match",
        "Find the people who may be the one described, graded",
        "Patient",
        method="POST",
        body=("Parameters", "Patient"),
    )
)
def match_one() -> Response:
    """Return whoever may be the person described, best first, with score and match grade."""
    asked = read_question(read_resource("Parameters", "Patient"))
    try:
        found = match_patient(
            house(), current_caller(), described(asked), only_certain=asked.only_certain, count=asked.count
        )
    except InputError as fault:
        raise _in_patient(asked, fault) from None
    entries = [matched(one.patient, own_base(), score=one.score, grade=one.grade) for one in found.graded]
    told = [outcome("informational", words) for words in found.advice]
    return fhir_response(searchset(house(), found.against, found.decision_id, [*entries, *told], len(entries)))


def read_question(body: Resource) -> MatchQuestion:
    """Read the Parameters of a match, or the Patient alone.

    Raises:
        InputError: a parameter that the operation does not have, that is there twice, or of another type.
    """
    if body["resourceType"] == "Patient":
        return MatchQuestion(body, "Patient")
    read: dict[str, tuple[str, Any]] = {}
    for place, parameter in enumerate(body.get("parameter", ())):
        path, name = f"Parameters.parameter[{place}]", parameter["name"]
        if name not in _VALUE:
            raise InputError(f"{path}.name: no parameter of $match", reason="parameter", field=f"{path}.name")
        if name in read:
            raise InputError(f"{path}: {name} is there twice", reason="parameter-twice", field=path)
        if set(parameter) - {"name", "id", "extension"} != {_VALUE[name]}:
            where = f"{path}.{_VALUE[name]}"
            raise InputError(f"{where}: {name} is given so and no other way", reason="parameter-type", field=where)
        read[name] = (f"{path}.{_VALUE[name]}", parameter[_VALUE[name]])
    if "resource" not in read:
        raise InputError(
            "Parameters.parameter: a Patient named resource is needed", reason="required", field="Parameters.parameter"
        )
    path, patient = read["resource"]
    if patient.get("resourceType") != "Patient":
        raise InputError(f"{path}: is to be a Patient", reason="resource-type", field=path)
    return MatchQuestion(patient, path, _flag(read), _count(read))


def described(asked: MatchQuestion) -> Demographics:
    """Return what the Patient says of whoever is sought.

    Raises:
        InputError: it changes the meaning of its elements, or a code is none of its value set.
    """
    for name in ("modifierExtension", "implicitRules"):
        if name in asked.patient:
            where = f"{asked.path}.{name}"
            raise InputError(f"{where}: is not taken here (PDQm)", reason="not-supported", field=where)
    if asked.patient.get("gender", "") not in _GENDERS:
        where = f"{asked.path}.gender"
        raise InputError(f"{where}: not one of {', '.join(Gender)}", reason="unknown-code", field=where)
    return to_demographics(asked.patient)


def _in_patient(asked: MatchQuestion, fault: InputError) -> InputError:
    """Say of a fault in what was described where in the Patient it stands."""
    if fault.field not in _PATHS:
        return fault
    where = f"{asked.path}.{_PATHS[fault.field]}"
    return InputError(f"{where}: {str(fault).partition(': ')[2]}", reason=fault.reason, field=where)


def _flag(read: dict[str, tuple[str, Any]]) -> bool:
    path, value = read.get("onlyCertainMatches", ("", False))
    if not isinstance(value, bool):
        raise InputError(f"{path}: true or false", reason="parameter-type", field=path)
    return value


def _count(read: dict[str, tuple[str, Any]]) -> int:
    path, value = read.get("count", ("", DEFAULT_COUNT))
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST:
        raise InputError(f"{path}: a whole number from 1 to {MOST}", reason="count", field=path)
    return value
