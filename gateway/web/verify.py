"""The page *Verify or find an NHS number*."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, request

from gateway.auth.desk import current_caller
from gateway.errors import InputError
from gateway.services.tracing.find import find_number
from gateway.services.tracing.verify import verify_number
from gateway.web.forms import FormFault, VerifyForm
from gateway.web.render import house, page, with_faults
from gateway.web.results import Panel, found, verified

verify: Final = Blueprint("verify", __name__)

TITLE: Final = "Verify or find an NHS number"
_BOXES: Final = {"birth_date": "birth_date-day"}


@verify.get("/verify")
def ask() -> str:
    """Show the empty form."""
    current_caller()
    return page("verify.jinja", TITLE, form=VerifyForm())


@verify.post("/verify")
def answer() -> str | tuple[str, int]:
    """Verify the number on the form, or find one where it is empty."""
    current_caller()
    form = VerifyForm.read(request.form)
    faults = form.faults(house().now().date())
    if not faults:
        try:
            panel = _look_up(form)
            return page("verify.jinja", f"{panel.heading}: {TITLE}", form=form, result=panel)
        except InputError as refused:
            faults = [_as_fault(refused)]
    return page("verify.jinja", TITLE, form=form, **with_faults(faults)), 400


def _look_up(form: VerifyForm) -> Panel:
    if form.nhs_number:
        return verified(verify_number(house(), current_caller(), form.nhs_number, form.demographics))
    return found(find_number(house(), current_caller(), form.demographics))


def _as_fault(refused: InputError) -> FormFault:
    """A rule of the use case that the form did not know, shown where it belongs."""
    field = refused.field or "family"
    return FormFault(field, _BOXES.get(field, field), refused.staff_sentence)
