"""Signing in and out, and the start page. In demo mode a person is chosen; production has no such page at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from flask import Blueprint, current_app, g, redirect, request, session

from gateway.auth.cookies import OpaqueSession, new_token
from gateway.auth.desk import Desk, current_caller
from gateway.errors import NotFound
from gateway.services.governance.personas import PERSONAS, Persona
from gateway.settings import Mode
from gateway.web.forms import FormFault
from gateway.web.logs import log
from gateway.web.render import house, organisation_words, page, with_faults
from gateway.web.tasks import TASKS, tasks_for
from gateway.web.words import PURPOSES, ROLES, sentence

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from ig.purpose import Purpose

signin: Final = Blueprint("signin", __name__)

_WHO: Final = "Who are you?"
_WHY: Final = "Why are you asking?"
_OPEN: Final = frozenset({"signin.choose", "signin.enter", "static"})


@signin.before_app_request
def know_the_visitor() -> None:
    """Find out who the session's cookie belongs to, on pages."""
    if request.blueprint in PAGES and request.endpoint not in _OPEN:
        g.caller = _desk().visitor(_session().token)


@signin.get("/")
def home() -> str | Response:
    """Say who is signed in and what they may do."""
    if g.caller is None:
        return redirect("/sign-in", 303)
    caller = current_caller()
    others = [PURPOSES[each] for each in _purposes_of(caller.persona) if each is not caller.purpose]
    return page(
        "home.jinja",
        "Start",
        tasks=tasks_for(caller),
        role_words=ROLES[caller.role],
        organisation=organisation_words(caller.organisation),
        others=", ".join(others),
    )


@signin.get("/sign-in")
def choose() -> str:
    """Ask who it is."""
    if not _demo():
        return page("sign-in.jinja", "Sign in")
    return _ask_who()


@signin.post("/sign-in")
def enter() -> str | tuple[str, int] | Response:
    """Begin a session for the persona chosen, once the purpose is clear.

    Raises:
        NotFound: outside demo mode there is nobody to choose.
    """
    if not _demo():
        raise NotFound(reason="no-demo-sign-in")
    persona = PERSONAS.get(request.form.get("persona", ""))
    if persona is None:
        return _ask_who(FormFault("persona", "persona", "Choose who you are")), 400
    sent = request.form.get("purpose")
    purpose = next((each for each in persona.purposes if each.value == sent), None)
    if purpose is None and len(persona.purposes) > 1:
        return _ask_why(persona, asked=sent is not None)
    return _begin(persona, purpose or persona.default_purpose)


@signin.post("/sign-out")
def leave() -> Response:
    """End the session, here and in the store."""
    held = _session()
    _desk().sign_out(held.token)
    held.rotate(new_token())
    return redirect("/sign-in", 303)


def _begin(persona: Persona, purpose: Purpose) -> Response:
    held = _session()
    _desk().sign_out(held.token)
    held.rotate(_desk().sign_in(persona.subject, purpose))
    log.info("sign-in", persona=persona.subject, purpose=purpose.value)
    return redirect(_next() or "/", 303)


def _ask_who(*faults: FormFault) -> str:
    items = [
        {
            "value": key,
            "text": each.name,
            "hint": {"text": f"{ROLES[each.role]}, {organisation_words(each.organisation)}"},
        }
        for key, each in PERSONAS.items()
    ]
    return page("sign-in.jinja", _WHO, personas=items, next=_next(), **_faults(faults))


def _ask_why(persona: Persona, *, asked: bool) -> str | tuple[str, int]:
    faults = [FormFault("purpose", "purpose", "Choose why you are asking")] if asked else []
    items: list[dict[str, Any]] = [
        {"value": each.value, "text": sentence(PURPOSES[each]), "checked": each is persona.default_purpose}
        for each in persona.purposes
    ]
    chosen = {"key": persona.subject, "name": persona.name}
    text = page("sign-in.jinja", _WHY, chosen=chosen, purposes=items, next=_next(), **_faults(faults))
    return (text, 400) if faults else text


def _faults(faults: list[FormFault] | tuple[FormFault, ...]) -> dict[str, Any]:
    return with_faults(faults) if faults else {}


def _next() -> str:
    """Return the page to go on to, where it is one of ours: never an address from elsewhere."""
    wanted = request.values.get("next", "")
    return wanted if wanted in {task.href for task in TASKS} else ""


def _purposes_of(persona: str) -> tuple[Purpose, ...]:
    held = PERSONAS.get(persona)
    return held.purposes if held else ()


def _demo() -> bool:
    return house().settings.mode is Mode.DEMO


def _desk() -> Desk:
    held: Desk = current_app.extensions["gateway-desk"]
    return held


def _session() -> OpaqueSession:
    held = cast("Any", session)._get_current_object()  # noqa: SLF001 - the proxy's documented way to its object
    assert isinstance(held, OpaqueSession)
    return held


PAGES: Final = frozenset(
    {"signin", "verify", "review", "samples", "changes", "reports", "audit", "agreements", "recalls"}
)
