"""An agreement as tables: its facts, and for each purpose which role is shown which section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gateway.web.words import LONDON, PURPOSES, ROLES, day_words, field_words, sentence

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from gateway.services.governance.agreements import AgreementSummary
    from ig.purpose import Role
    from ig.terms import Agreement, Grant

Cell = dict[str, Any]

_OWN: Final = "Own patients"


@dataclass(frozen=True, slots=True)
class Grid:
    """One table: roles across, sections down."""

    id: str
    caption: str
    head: list[Cell]
    rows: list[list[Cell]]
    notes: list[str]


def row_of(summary: AgreementSummary, terms: Agreement) -> list[Cell]:
    """Return one line of the list of agreements."""
    href = f"/agreements/{summary.id}/{summary.version}"
    lapsed = f" ({len(summary.lapses)} to look at)" if summary.lapses else ""
    return [
        {"text": summary.title, "href": href},
        {"text": str(summary.version)},
        {"text": sentence(summary.status) + lapsed},
        {"text": f"{_day(terms.valid_from)} to {_day(terms.valid_to)}"},
        {"text": _day(terms.review_by)},
        {"text": ", ".join(summary.parties)},
    ]


def facts_of(summary: AgreementSummary, terms: Agreement) -> list[Cell]:
    """Return what an agreement says about itself."""
    told = {
        "Agreement": f"{summary.id}, version {summary.version}",
        "State": sentence(summary.status),
        "In force": f"{_day(terms.valid_from)} to {_day(terms.valid_to)}",
        "Review by": _day(terms.review_by),
        "Parties": ", ".join(summary.parties),
        "Text hash": summary.hash,
    }
    return [{"key": {"text": key}, "value": {"text": value, "classes": "app-codes"}} for key, value in told.items()]


def grids_of(terms: Agreement) -> list[Grid]:
    """Return a table for each purpose the agreement grants anything for."""
    by_purpose: dict[tuple[str, str], list[Grant]] = {}
    for grant in terms.all_grants():
        by_purpose.setdefault((PURPOSES[grant.purpose], grant.level.value), []).append(grant)
    return [_grid(number, *named, grants) for number, (named, grants) in enumerate(by_purpose.items(), 1)]


def _grid(number: int, purpose: str, level: str, grants: list[Grant]) -> Grid:
    roles = sorted({role for grant in grants for role in grant.roles})
    sections = sorted({name for grant in grants for name in grant.fields})
    return Grid(
        id=f"grid-{number}",
        caption=f"{sentence(purpose)}, {level} level",
        head=[{"text": "Section"}, *({"text": ROLES[role]} for role in roles)],
        rows=[[{"text": sentence(field_words(name))}, *_cells(name, roles, grants)] for name in sections],
        notes=_notes(grants),
    )


def _cells(name: str, roles: Iterable[Role], grants: list[Grant]) -> list[Cell]:
    showing = [grant for grant in grants if name in grant.fields]
    return [{"text": _cell([grant for grant in showing if role in grant.roles])} for role in roles]


def _cell(grants: list[Grant]) -> str:
    if not grants:
        return "No"
    return _OWN if all(grant.recipients.own_registered_only for grant in grants) else "Yes"


def _notes(grants: list[Grant]) -> list[str]:
    """What the table alone would overstate: which relationship is asked for, and whose staff may be looked at."""
    kinds = sorted({field_words(kind) for grant in grants for kind in grant.relationship})
    notes = [f"Only with a relationship to the person: {', '.join(kinds)}."] if kinds else []
    if any(grant.recipients.own_registered_only for grant in grants):
        notes.append(f"{_OWN}: people registered with the asking practice.")
    if any(grant.recipients.own_staff_only for grant in grants):
        notes.append("Only what staff of the asking organisation did.")
    return notes


def _day(moment: datetime) -> str:
    return day_words(moment.astimezone(LONDON))
