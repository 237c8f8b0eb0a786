"""The pages *Recalls of wrong links*: what was taken back, who received it, and who has said that they heard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, redirect, render_template_string, request

from gateway.auth.desk import current_caller
from gateway.services.recall import incidents
from gateway.storage.recalls import NoticeKind
from gateway.web.forms import FormFault
from gateway.web.render import house, organisation_words, page, with_faults
from gateway.web.words import day_words, moment_words

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from gateway.services.recall.incidents import Recall, Receipt

recalls: Final = Blueprint("recalls", __name__)

TITLE: Final = "Recalls of wrong links"
_CHOOSE: Final = FormFault("receipt", "receipt", "Tick the receivers who have heard")
_LINK: Final = '<a href="/recalls/{{ id }}">{{ words }}</a>'
_KINDS: Final = {
    NoticeKind.USER: "On a screen or by a system",
    NoticeKind.FILE: "In a file",
    NoticeKind.WEBHOOK: "By webhook",
    NoticeKind.RELEASE: "In a release",
}


@recalls.get("/recalls")
def listed() -> str:
    """Show the recalls that concern the officer, newest first."""
    found = incidents.recalls(house(), current_caller())
    return page("recalls.jinja", TITLE, rows=[_line(one) for one in found])


@recalls.get("/recalls/<uuid:incident_id>")
def shown(incident_id: object) -> str:
    """Show every receipt of one wrong link."""
    return _page(str(incident_id), [])


@recalls.post("/recalls/<uuid:incident_id>/acknowledge")
def acknowledge(incident_id: object) -> Response | tuple[str, int]:
    """Record that receivers have heard: those ticked, or every one where the button for all was used."""
    chosen = [] if "all" in request.form else request.form.getlist("receipt")
    if not chosen and "all" not in request.form:
        return _page(str(incident_id), [_CHOOSE]), 400
    incidents.acknowledge(house(), current_caller(), str(incident_id), chosen)
    return redirect(f"/recalls/{incident_id}", 303)


def _page(incident_id: str, faults: list[FormFault]) -> str:
    found = incidents.recall(house(), current_caller(), incident_id)
    rows = [_receipt(one) for one in found.receipts]
    # the summary of faults leads to the first box
    rows.sort(key=lambda row: not row["open"])
    return page(
        "recall.jinja", "Recall of a wrong link", recall=found, facts=_facts(found), rows=rows, **with_faults(faults)
    )


def _line(one: Recall) -> list[dict[str, Any]]:
    state = f"{one.open} open" + (f", {one.overdue} overdue" if one.overdue else "")
    return [
        {"html": render_template_string(_LINK, id=one.incident_id, words=moment_words(one.opened_at))},
        {"text": str(len(one.receipts)) if one.listed else "Not looked for yet"},
        {"text": state if one.receipts else "None"},
    ]


def _facts(found: Recall) -> list[dict[str, Any]]:
    until = moment_words(found.until) if found.until else "Receivers have not been looked for yet"
    facts = [("Wrong from", moment_words(found.since)), ("Until", until)]
    facts += [("Record", found.record)] if found.record else []
    return [{"key": {"text": name}, "value": {"text": value}} for name, value in facts]


def _receipt(one: Receipt) -> dict[str, Any]:
    state = "Open"
    if one.acknowledged_at is not None:
        state = f"Acknowledged {moment_words(one.acknowledged_at)} by {one.acknowledged_by}"
    elif one.overdue:
        state = f"Overdue since {day_words(one.due)}"
    return {
        "id": one.notice_id,
        "open": one.acknowledged_at is None,
        "who": f"{one.recipient}, {organisation_words(one.organisation)}",
        "how": _KINDS[one.kind],
        "when": moment_words(one.received_at),
        "reference": one.job or one.disclosure,
        "state": state,
    }
