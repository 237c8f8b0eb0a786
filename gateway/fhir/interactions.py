"""What is served, as data: the capability statement and the OpenAPI description are made from this and the routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Interaction:
    """One FHIR interaction: a RESTful one (``read``, ``search-type``, ``capabilities``) or an operation (``$…``).

    ``query`` reads the parameters of an address, or of a form where the method is POST; ``body`` names the types of
    resource that may be posted; ``definition`` is the canonical address of an operation that is not FHIR's own;
    ``revinclude`` is what a search can bring along; ``also`` are statuses that no other interaction answers with.
    """

    code: str
    summary: str
    resource: str = ""
    query: type[BaseModel] | None = None
    needs_request_id: bool = False
    open_to_all: bool = False
    method: str = "GET"
    body: tuple[str, ...] = ()
    definition: str = ""
    revinclude: str = ""
    also: tuple[tuple[str, str], ...] = ()


SEARCH: Final = "search-type"
_SERVED: Final[dict[str, Interaction]] = {}


def serves(interaction: Interaction) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a view with the interaction it answers."""

    def mark(view: Callable[..., Any]) -> Callable[..., Any]:
        _SERVED[f"{view.__module__}.{view.__name__}"] = interaction
        return view

    return mark


def interaction_of(view: Callable[..., Any]) -> Interaction | None:
    """Return the interaction that ``view`` answers, or None where it is no FHIR view."""
    return _SERVED.get(f"{view.__module__}.{view.__name__}")


_FHIR_PARAMETER: Final = "http://hl7.org/fhir/SearchParameter/"
SEARCH_PARAMETERS: Final[dict[str, tuple[str, str]]] = {
    "_id": ("token", "Resource-id"),
    "active": ("token", "Patient-active"),
    "address": ("string", "individual-address"),
    "address-city": ("string", "individual-address-city"),
    "address-postalcode": ("string", "individual-address-postalcode"),
    "address-postcode": ("string", ""),
    "birthdate": ("date", "individual-birthdate"),
    "death-date": ("date", "Patient-death-date"),
    "email": ("token", "individual-email"),
    "family": ("string", "individual-family"),
    "gender": ("token", "individual-gender"),
    "general-practitioner": ("token", ""),
    "given": ("string", "individual-given"),
    "identifier": ("token", "Patient-identifier"),
    "item": ("reference", "Linkage-item"),
    "phone": ("token", "individual-phone"),
    "telecom": ("token", "individual-telecom"),
    "_exact-match": ("special", ""),
    "_fuzzy-match": ("special", ""),
    "_history": ("special", ""),
    "_max-results": ("number", ""),
}
"""Search parameter → its FHIR type, and its name among FHIR's own search parameters where it is one of them.

The ODS code that PDS takes as ``general-practitioner`` is no reference, so FHIR's parameter of that name is another.
"""
RESULT_PARAMETERS: Final = frozenset({"_count", "_format", "_revinclude"})
"""What shapes an answer and searches for nothing; a capability statement does not list it as a search parameter."""


def search_parameter(name: str) -> dict[str, str]:
    """Return a search parameter as a capability statement lists it.

    Raises:
        KeyError: a parameter is served whose type nobody has said.
    """
    kind, definition = SEARCH_PARAMETERS[name]
    told = {"name": name, "type": kind}
    return {**told, "definition": _FHIR_PARAMETER + definition} if definition else told
