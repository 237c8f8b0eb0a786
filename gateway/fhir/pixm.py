"""``Patient/$ihe-pix``: the identifiers that correspond to one (IHE PIXm ITI-83), by GET or POST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from flask import request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.auth.desk import current_caller
from gateway.errors import InputError
from gateway.fhir.body import read_resource
from gateway.fhir.interactions import Interaction, serves
from gateway.fhir.json import fhir_response
from gateway.fhir.request import fhir_blueprint, house, own_base
from gateway.services.tracing.crossref import Source, cross_reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Response

    Resource = dict[str, Any]

pixm: Final = fhir_blueprint("pixm", __name__)
DEFINITION: Final = "https://profiles.ihe.net/ITI/PIXm/OperationDefinition/IHE.PIXm.pix"
_WORDS: Final = "Find the identifiers that correspond to one"
_TYPES: Final = {"sourceIdentifier": ("valueIdentifier",), "targetSystem": ("valueUri", "valueString")}
Token = Annotated[str, Field(min_length=3, max_length=255, pattern=r"^[^|]+\|[^|]+$", examples=["urn:oid:1.2.3|94"])]
Uri = Annotated[str, Field(min_length=1, max_length=255)]


class PixParameters(BaseModel):
    """One cross-reference query, each parameter as often as it was sent."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    source: Annotated[tuple[Token, ...], Field(alias="sourceIdentifier", min_length=1, max_length=1)]
    targets: Annotated[tuple[Uri, ...], Field(alias="targetSystem", max_length=20)] = ()
    format: Annotated[tuple[str, ...], Field(alias="_format", max_length=1)] = ()


_NAMES: Final = tuple(field.alias for field in PixParameters.model_fields.values())


@pixm.get("/Patient/$ihe-pix")
@serves(Interaction("$ihe-pix", _WORDS, "Patient", PixParameters, definition=DEFINITION))
def by_get() -> Response:
    """Return what corresponds to the identifier of the address."""
    return _answer(read_pix(request.args.to_dict(flat=False)))


@pixm.post("/Patient/$ihe-pix")
@serves(Interaction("$ihe-pix", _WORDS, "Patient", method="POST", body=("Parameters",), definition=DEFINITION))
def by_post() -> Response:
    """Return what corresponds to the identifier of the Parameters, which no address and no log of addresses holds."""
    return _answer(read_pix(_as_sent(read_resource("Parameters"))))


def read_pix(sent: Mapping[str, Sequence[str]]) -> Source:
    """Return the query that ``sent`` (each parameter with all its values) makes.

    Raises:
        InputError: no source, more than one, one that is not ``system|value``, or a parameter that there is not.
    """
    if any(name not in _NAMES for name in sent):
        raise InputError(f"query: the parameters are {', '.join(map(str, _NAMES))}", reason="parameter", field="query")
    try:
        read = PixParameters.model_validate({name: tuple(values) for name, values in sent.items()})
    except ValidationError as faults:
        name = str(faults.errors(include_url=False, include_input=False)[0]["loc"][0])
        once = "one identifier as system|value" if name == "sourceIdentifier" else "empty, too long or too many"
        raise InputError(f"{name}: {once}", reason="parameter", field=name) from None
    system, _, value = read.source[0].partition("|")
    return Source(system, value, own_base(), read.targets)


def _as_sent(body: Resource) -> dict[str, list[str]]:
    """The Parameters as the address would have them.

    Raises:
        InputError: a parameter that the operation does not have, or one of another type.
    """
    sent: dict[str, list[str]] = {}
    for place, parameter in enumerate(body.get("parameter", ())):
        path, name = f"Parameters.parameter[{place}]", parameter["name"]
        if name not in _TYPES:
            raise InputError(f"{path}.name: no parameter of $ihe-pix", reason="parameter", field=f"{path}.name")
        element = next((each for each in _TYPES[name] if each in parameter), "")
        if not element:
            where = f"{path}.{_TYPES[name][0]}"
            raise InputError(f"{where}: {name} is given so", reason="parameter-type", field=where)
        sent.setdefault(name, []).append(_text(parameter[element], f"{path}.{element}"))
    return sent


def _text(value: object, path: str) -> str:
    """A value as the address would have it: an Identifier as ``system|value``."""
    parts = [value.get("system"), value.get("value")] if isinstance(value, dict) else [value]
    if not all(isinstance(part, str) and part and "|" not in part for part in parts):
        words = "needs a system and a value" if isinstance(value, dict) else "is to be a text"
        raise InputError(f"{path}: {words}", reason="parameter", field=path)
    return "|".join(str(part) for part in parts)


def _answer(source: Source) -> Response:
    found = cross_reference(house(), current_caller(), source)
    told: list[Resource] = [{"name": "targetIdentifier", "valueIdentifier": one} for one in found.identifiers]
    if found.person_id:
        reference = f"{own_base()}/Patient/{found.person_id}"
        told.append({"name": "targetId", "valueReference": {"reference": reference}})
    return fhir_response({"resourceType": "Parameters", **({"parameter": told} if told else {})})
