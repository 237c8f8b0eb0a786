"""The pages *Changed since*: the work that differences make, one of them side by side, and what is decided about it.

Addresses hold a difference's opaque id and nothing of anybody. Looking at one is recorded like any other look at a
person.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, redirect, request

from gateway.auth.desk import current_caller
from gateway.errors import InputError
from gateway.services.changes import work
from gateway.services.changes.words import FIELDS, KINDS, STATES
from gateway.storage.differing import BY_RULE, State
from gateway.web.forms import FormFault
from gateway.web.render import house, page, with_faults
from gateway.web.words import SENT_BY, day_words, field_words, moment_words, sentence

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from gateway.services.changes.work import Work
    from gateway.storage.differing import Difference

    Cell = dict[str, Any]

changes: Final = Blueprint("changes", __name__)

QUEUE: Final = "What has changed"
ONE: Final = "Does this record need a change?"
ACCEPT, DISMISS, LEAVE = "accept", "dismiss", "leave"
_LONGEST: Final = 200
_MOST: Final = 100
_UNKNOWN: Final = "Not known"
_WHOLE: Final = len("1941-03-15")


@changes.get("/changes")
def queue() -> str:
    """Show what waits for somebody, most pressing first."""
    found = work.work_list(house(), current_caller(), limit=_MOST)
    return page("changes.jinja", QUEUE, rows=[_line(one) for one in found], most=_MOST)


@changes.get("/changes/<uuid:difference_id>")
def one(difference_id: object) -> str:
    """Show one difference side by side."""
    return _one(str(difference_id))


@changes.post("/changes/<uuid:difference_id>")
def decide(difference_id: object) -> Response | tuple[str, int]:
    """Accept, dismiss, or leave it to somebody else."""
    caller, chosen = current_caller(), request.form.get("what", "")
    if chosen == LEAVE:
        return redirect("/changes", 303)
    note = request.form.get("note", "").strip()
    faults = _faults(chosen, note)
    if not faults:
        try:
            work.decide(house(), caller, str(difference_id), accept=chosen == ACCEPT, note=note)
        except InputError as fault:
            faults = [FormFault("what", "what", f"{sentence(str(fault))}")]
    if faults:
        return _one(str(difference_id), faults), 400
    return redirect("/changes", 303)


def _one(difference_id: str, faults: list[FormFault] | None = None) -> str:
    shown = work.show(house(), current_caller(), difference_id)
    told = shown.difference
    return page(
        "change.jinja",
        ONE,
        difference_id=told.difference_id,
        why=f"{sentence(FIELDS[told.field])}: {KINDS[told.kind]}.",
        sent_by=f"{SENT_BY.get(told.source, told.source)}, as {told.local_id}",
        since=moment_words(told.opened_at),
        is_open=told.state is State.OPEN,
        state=_decided(told),
        stands=shown.stands,
        withheld=shown.withheld,
        rows=[_row(shown, name) for name in shown.names if shown.record[name] or shown.index[name]],
        choices=_choices(shown),
        never=work.NEVER.get(told.kind, ""),
        **with_faults(faults or []),
    )


def _line(told: Difference) -> list[Cell]:
    return [
        {
            "text": told.difference_id[:8],
            "href": f"/changes/{told.difference_id}",
            "classes": "app-codes",
        },
        {"text": sentence(FIELDS[told.field])},
        {"text": f"{sentence(KINDS[told.kind])}."},
        {"text": sentence(SENT_BY.get(told.source, told.source))},
    ]


def _decided(told: Difference) -> str:
    if told.decided_at is None:
        by_rule = told.actor == BY_RULE
        return f"{sentence(STATES[told.state])}, by rule." if by_rule else ""
    who = f" by {told.actor}" if told.actor else ""
    return f"{sentence(STATES[told.state])}{who}, {moment_words(told.decided_at)}."


def _row(shown: Work, name: str) -> list[Cell]:
    label = sentence(field_words(name))
    if name in shown.differing:
        label = f"{label} (differs)"
    return [{"text": label}, _cell(name, shown.record[name]), _cell(name, shown.index[name])]


def _cell(name: str, value: str) -> Cell:
    """A value as people read it: whole dates in words, a number in its groups; anything else as it was sent."""
    if name == "nhs_number" and value:
        value = f"{value[:3]} {value[3:6]} {value[6:]}"
    elif name in {"birth_date", "death_date"} and len(value) == _WHOLE:
        value = day_words(date.fromisoformat(value))
    return {"text": value or _UNKNOWN, "classes": "app-codes"}


def _choices(shown: Work) -> list[Cell]:
    told = [{"value": ACCEPT, "text": "Send the value of the index to the case system"}] if shown.may_apply else []
    return [
        *told,
        {"value": DISMISS, "text": "Dismiss it: the record is right, or it has been dealt with"},
        {"value": LEAVE, "text": "Leave it open"},
    ]


def _faults(chosen: str, note: str) -> list[FormFault]:
    found = [] if chosen in {ACCEPT, DISMISS} else [FormFault("what", "what", "Choose what is to be done")]
    if chosen == DISMISS and not note:
        found.append(FormFault("note", "note", "Say why, in a few words that name nobody"))
    if len(note) > _LONGEST:
        found.append(FormFault("note", "note", f"The reason must be {_LONGEST} characters or fewer"))
    return found
