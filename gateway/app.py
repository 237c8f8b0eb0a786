"""The application put together: every front door on one open house, and one handler for whatever goes wrong.

``create_app`` makes a WSGI application; ``serve`` runs it under gunicorn. Stores are opened in the worker, after the
fork: a database connection or a lock file that two processes share protects nobody.
"""

from __future__ import annotations

import os
import secrets
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flask import Flask, Response, g, request
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from gateway.auth.cookies import CSRF_FIELD, OpaqueSessions
from gateway.auth.desk import Desk
from gateway.auth.outcomes import record_outcomes
from gateway.auth.tokens import office_of
from gateway.errors import GatewayError, InputError, NotFound
from gateway.fhir.changes import changes as changes_feed
from gateway.fhir.health import health
from gateway.fhir.history import history
from gateway.fhir.match import match
from gateway.fhir.metrics import Metrics
from gateway.fhir.outcome import NoSuchRoute, on_fhir_path, refusal
from gateway.fhir.pdqm import pdqm
from gateway.fhir.pds import pds
from gateway.fhir.pixm import pixm
from gateway.fhir.records import records
from gateway.house import House, open_house, settings_for
from gateway.settings import Mode, Settings
from gateway.web.agreements import agreements
from gateway.web.audit import audit
from gateway.web.changes import changes as changes_pages
from gateway.web.integrity import IntegrityWatch
from gateway.web.logs import configure_logs, log
from gateway.web.observe import observe, route
from gateway.web.recalls import recalls
from gateway.web.refusals import refusal_page
from gateway.web.render import prepare
from gateway.web.reports import reports
from gateway.web.review import review
from gateway.web.samples import samples
from gateway.web.security import guard
from gateway.web.serve import run
from gateway.web.signin import signin
from gateway.web.verify import verify

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as WerkzeugResponse

_PAGES: Final = (signin, verify, review, samples, changes_pages, reports, audit, agreements, recalls)
_MACHINES: Final = (pds, records, match, pdqm, pixm, history, changes_feed, health)
_COOKIE: Final = {Mode.DEMO: "gateway-demo-session", Mode.PRODUCTION: "__Host-gateway-session"}
_CACHE_SECONDS: Final = 3600


def create_app(settings: Settings | None = None, house: House | None = None) -> Flask:
    """Return the application on ``house``, or on one opened from ``settings`` (by default those of the environment).

    Raises:
        InputError: a setting breaks its rule.
        Unavailable: a store cannot be opened safely.
    """
    configure_logs()
    if house is None:
        house = open_house(settings or settings_for(os.environ))
    app = Flask("gateway.web", static_folder="static")
    app.extensions["gateway"] = house
    app.extensions["gateway-desk"] = Desk(house, office_of(house))
    app.extensions["gateway-metrics"] = Metrics()
    app.extensions["gateway-integrity"] = IntegrityWatch()
    _configure(app, house)
    observe(app)
    guard(app, house.settings)
    csrf = CSRFProtect(app)
    for blueprint in _MACHINES:
        # machines bring a token in every request; no browser sends that by itself
        csrf.exempt(blueprint)
    for blueprint in _PAGES + _MACHINES:
        app.register_blueprint(blueprint)
    app.register_error_handler(Exception, _refuse)
    record_outcomes(app)
    return app


def serve(settings: Settings, *, host: str = "127.0.0.1", port: int = 8000, workers: int = 2) -> None:
    """Serve until told to stop. Each worker opens the house for itself.

    Raises:
        Unavailable: a store cannot be opened safely; said once, here, and not by every worker in turn.
    """
    open_house(settings).close()
    run(lambda: _warmed(create_app(settings)), host=host, port=port, workers=workers)


def _warmed(app: Flask) -> Flask:
    """Make the matcher before the first question, which would otherwise wait for it."""
    house: House = app.extensions["gateway"]
    house.engine()
    return app


def _configure(app: Flask, house: House) -> None:
    settings = house.settings
    secret = house.stores.keys.session_secret()
    demo = settings.mode is Mode.DEMO
    app.config.update(
        SECRET_KEY=secret,
        SESSION_COOKIE_NAME=_COOKIE[settings.mode],
        # a demonstration is plain HTTP on loopback
        SESSION_COOKIE_SECURE=not demo,
        WTF_CSRF_FIELD_NAME=CSRF_FIELD,
        # as long as the session: nobody loses a half-filled form to a shorter limit they were not told of
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=settings.upload_max_bytes,
        MAX_FORM_MEMORY_SIZE=256 * 1024,
        SEND_FILE_MAX_AGE_DEFAULT=_CACHE_SECONDS,
    )
    app.session_interface = OpaqueSessions(secret)
    prepare(app, settings)
    # Flask writes exceptions with their messages and addresses; everything we may say goes through gateway.web.logs
    app.logger.disabled = True


def _refuse(error: Exception) -> WerkzeugResponse:
    """Turn anything raised into the answer that the path's clients expect."""
    if isinstance(error, HTTPException) and error.code is not None and error.code < 400:  # noqa: PLR2004 - redirects
        return error.get_response()
    reference = ""
    if isinstance(error, GatewayError):
        fault = error
    elif isinstance(error, HTTPException):
        fault = _from_http(error)
    else:
        reference = secrets.token_hex(6)
        fault = _unexpected(error, reference)
    g.refusal = fault.reason
    status = error.code if isinstance(error, HTTPException) else None
    if on_fhir_path(request.path):
        return refusal(fault, request.path, status=status)
    try:
        return refusal_page(fault, status=status, reference=reference)
    except Exception as broken:  # noqa: BLE001 - the page about trouble is itself in trouble; Flask would log messages
        return Response(str(_unexpected(broken, reference or secrets.token_hex(6))), 500, mimetype="text/plain")


def _from_http(error: HTTPException) -> GatewayError:
    """What Flask itself refuses, in our words; its own could repeat what was sent."""
    if isinstance(error, CSRFError):
        return InputError(
            "The form was open too long, or was not ours. Go back, load it again and send it.", reason="csrf"
        )
    if isinstance(error, RequestEntityTooLarge):
        return InputError("What was sent is too large.", reason="too-large")
    if error.code in {404, 405}:
        return NoSuchRoute(reason="UNSUPPORTED_SERVICE") if on_fhir_path(request.path) else NotFound(reason="no-page")
    return InputError(reason=f"http-{error.code}")


def _unexpected(error: Exception, reference: str) -> GatewayError:
    """Log where it happened and of what kind it was; the message could hold anything, so nobody sees it."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/gateway/" in frame.filename] or frames
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    log.error("unexpected", reference=reference, fault=type(error).__name__, where=where, route=route())
    return GatewayError(f"Something went wrong. Reference {reference}.", reason="unexpected")
