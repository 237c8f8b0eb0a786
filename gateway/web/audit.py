"""The page *Who looked at what*. The search is a POST, so that no NHS number is ever part of an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint, current_app, request

from gateway.auth.desk import current_caller
from gateway.errors import InputError
from gateway.services.governance.audit import who_looked
from gateway.web.accesses import LIMIT, Report, report_of
from gateway.web.forms import AuditForm, FormFault
from gateway.web.render import house, page, with_faults

if TYPE_CHECKING:
    from gateway.web.integrity import IntegrityWatch

audit: Final = Blueprint("audit", __name__)

TITLE: Final = "Who looked at what"


@audit.get("/audit")
def ask() -> str:
    """Show the empty form."""
    current_caller()
    return page("audit.jinja", TITLE, form=AuditForm())


@audit.post("/audit")
def answer() -> str | tuple[str, int]:
    """Show who looked at a person, or at whom a member of staff looked, and whether the ledger is intact."""
    current_caller()
    form = AuditForm.read(request.form)
    faults = form.faults()
    if not faults:
        try:
            report = _search(form)
            return page("audit.jinja", TITLE, form=form, report=report, integrity=_watch().status(house()))
        except InputError as refused:
            faults = [FormFault(refused.field or "nhs_number", refused.field or "nhs_number", str(refused))]
    return page("audit.jinja", TITLE, form=form, **with_faults(faults)), 400


def _search(form: AuditForm) -> Report:
    found = who_looked(
        house(),
        current_caller(),
        number=form.nhs_number,
        staff=form.staff,
        since=form.since,
        until=form.until,
        limit=LIMIT,
    )
    return report_of(found)


def _watch() -> IntegrityWatch:
    held: IntegrityWatch = current_app.extensions["gateway-integrity"]
    return held
