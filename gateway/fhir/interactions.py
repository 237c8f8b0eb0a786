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
    """One FHIR interaction: a RESTful one (``read``, ``search-type``, ``capabilities``) or an operation (``$…``)."""

    code: str
    summary: str
    resource: str = ""
    query: type[BaseModel] | None = None
    needs_request_id: bool = False
    open_to_all: bool = False


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
