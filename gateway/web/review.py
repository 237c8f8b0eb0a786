"""The pages *Review doubtful pairs*: the queue, one case side by side, the decision, and taking it back.

Addresses hold a case's opaque id and nothing of anybody. Looking at a case is recorded like any other look at a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint, redirect, request

from gateway.auth.desk import current_caller
from gateway.errors import InputError
from gateway.services.records import reviews
from gateway.services.records.sides import side_by_side
from gateway.web.cases import facing, line
from gateway.web.forms import FormFault
from gateway.web.render import house, page, with_faults

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

review: Final = Blueprint("review", __name__)

QUEUE: Final = "Review doubtful pairs"
CASE: Final = "Is this the same person?"
NOBODY: Final = "nobody"
UNSURE: Final = "unsure"
_LONGEST: Final = 200
_MOST: Final = 100


@review.get("/review")
def queue() -> str:
    """Show the open cases."""
    cases = reviews.open_cases(house(), current_caller(), _MOST)
    return page("review.jinja", QUEUE, rows=[line(one) for one in cases], most=_MOST)


@review.get("/review/<uuid:case_id>")
def case(case_id: object) -> str:
    """Show one case side by side, to be decided or as it was decided."""
    return _case(str(case_id))


@review.post("/review/<uuid:case_id>")
def decide(case_id: object) -> Response | tuple[str, int]:
    """Decide: one of the candidates, nobody, or leave it to somebody else."""
    caller, chosen = current_caller(), request.form.get("who", "")
    if chosen == UNSURE:
        return redirect("/review", 303)
    note = request.form.get("note", "").strip()
    faults = _faults(chosen, note)
    if not faults:
        try:
            reviews.decide_case(house(), caller, str(case_id), "" if chosen == NOBODY else chosen, note)
        except InputError:
            faults = [_choose()]
    if faults:
        return _case(str(case_id), faults), 400
    return redirect(f"/review/{case_id}", 303)


@review.post("/review/<uuid:case_id>/take-back")
def take_back(case_id: object) -> Response:
    """Take a decision back: what stood before it stands again, and the case is open."""
    reviews.take_back(house(), current_caller(), str(case_id), "taken back on the page")
    return redirect(f"/review/{case_id}", 303)


def _case(case_id: str, faults: list[FormFault] | None = None) -> str:
    shown = facing(side_by_side(house(), current_caller(), case_id))
    return page("review-case.jinja", CASE, case=shown, nobody=NOBODY, unsure=UNSURE, **with_faults(faults or []))


def _faults(chosen: str, note: str) -> list[FormFault]:
    found = [] if chosen else [_choose()]
    if len(note) > _LONGEST:
        found.append(FormFault("note", "note", f"The note must be {_LONGEST} characters or fewer"))
    return found


def _choose() -> FormFault:
    return FormFault("who", "who", "Choose who the record is, or that you are not sure")
