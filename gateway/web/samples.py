"""The page *Same person?*: one pair of a blind sample at a time, judged without knowing what the model made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, redirect, request

from gateway.auth.desk import current_caller
from gateway.services.quality.sample import answer, next_pair
from gateway.storage.samples import Verdict
from gateway.web.forms import FormFault
from gateway.web.render import house, page, with_faults

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from gateway.services.quality.sample import Shown

samples: Final = Blueprint("samples", __name__)

TITLE: Final = "Same person?"
_CHOICES: Final = (
    (Verdict.SAME, "The same person"),
    (Verdict.DIFFERENT, "Different people"),
    (Verdict.CANNOT_TELL, "It cannot be told from these details"),
)
_CHOOSE: Final = FormFault("verdict", "verdict", "Choose one of the three answers")


@samples.get("/review/sample")
def pair() -> str:
    """Show the next pair without an answer, or that there is none left."""
    return _page([])


@samples.post("/review/sample/<uuid:pair_id>")
def judge(pair_id: object) -> Response | tuple[str, int]:
    """Record the answer and go on to the next pair."""
    caller, chosen = current_caller(), request.form.get("verdict", "")
    if chosen not in set(Verdict):
        return _page([_CHOOSE]), 400
    answer(house(), caller, str(pair_id), Verdict(chosen))
    return redirect("/review/sample", 303)


def _page(faults: list[FormFault]) -> str:
    shown = next_pair(house(), current_caller())
    choices = [{"value": verdict.value, "text": text} for verdict, text in _CHOICES]
    rows = _rows(shown) if shown else []
    return page("sample.jinja", TITLE, pair=shown, rows=rows, choices=choices, **with_faults(faults))


def _rows(shown: Shown) -> list[list[dict[str, Any]]]:
    return [
        [{"text": label}, *({"text": side[label] or "Not known", "classes": "app-codes"} for side in _sides(shown))]
        for label in shown.source
    ]


def _sides(shown: Shown) -> tuple[dict[str, str], dict[str, str]]:
    return shown.source, shown.index
