"""How a page comes out of its template: the frontend's macros, our layout, and everything every page needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import current_app, g, render_template, request
from jinja2 import ChainableUndefined, ChoiceLoader, PackageLoader

from gateway.auth.caller import Caller
from gateway.settings import Mode
from gateway.web.build_assets import read_manifest
from gateway.web.security import nonce
from gateway.web.tasks import navigation
from gateway.web.words import PURPOSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask

    from gateway.house import House
    from gateway.settings import Settings
    from gateway.web.forms import FormFault

JINJA: Final[dict[str, Any]] = {
    # the frontend's macros read attributes of what was not given
    "undefined": ChainableUndefined,
    "trim_blocks": True,
    "lstrip_blocks": True,
    # Flask escapes by file name and does not know .jinja: without this, components print what they are given
    "autoescape": True,
}


def prepare(app: Flask, settings: Settings) -> None:
    """Give ``app`` its templates and what they all use."""
    app.jinja_options = JINJA | {
        "loader": ChoiceLoader([PackageLoader("gateway.web"), PackageLoader("nhsuk_frontend_jinja")])
    }
    checksums = (read_manifest() or {}).get("files", {})
    assert isinstance(checksums, dict)

    def asset(name: str) -> str:
        return f"/static/dist/{name}?v={checksums.get(name, '')[:8]}"

    def shared() -> dict[str, Any]:
        caller = visitor()
        return {
            "asset": asset,
            "caller": caller,
            "cspNonce": nonce(),
            "demo": settings.mode is Mode.DEMO,
            "fault_of": {},
            "navigation": navigation(caller, request.path),
            "purpose_words": PURPOSES[caller.purpose] if caller else "",
            "service_name": settings.service_name,
        }

    app.context_processor(shared)


def house() -> House:
    """Return the open house that serves this application."""
    held: House = current_app.extensions["gateway"]
    return held


def organisation_words(ods: str) -> str:
    """Return an organisation's name with its code, or the code where it has not been loaded."""
    known = house().stores.governance.organisations.get(ods)
    return f"{known.name} ({ods})" if known else f"organisation {ods}"


def visitor() -> Caller | None:
    """Return who is signed in, or None."""
    caller = g.get("caller")
    return caller if isinstance(caller, Caller) else None


def page(template: str, title: str, **values: object) -> str:
    """Render one page; ``title`` goes into its title element, and into the browser's history."""
    return render_template(template, title=title, **values)


def with_faults(faults: Sequence[FormFault]) -> dict[str, Any]:
    """Return what a form's template needs to show its faults: the summary, and the first one of each field."""
    summary = [{"text": fault.text, "href": f"#{fault.at}"} for fault in faults]
    return {"faults": summary, "fault_of": {fault.field: fault.text for fault in reversed(faults)}}
