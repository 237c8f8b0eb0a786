"""The front desk: a request in, its Caller out, or a refusal. The only place that reads a token or a session.

Whoever a token or session names must still be active, in the same role and organisation, and still hold the purpose:
revoking somebody takes effect on their next request (OWASP ASVS 5.0, 8.3.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from flask import g
from structlog import get_logger

from gateway.auth.caller import Caller
from gateway.errors import GatewayError, InputError, NotPermitted, NotSignedIn
from gateway.gate import arrival
from gateway.services.governance.callers import named_caller
from ig.disclosure import Event
from ig.purpose import Purpose

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

    from gateway.auth.tokens import Claims, TokenOffice
    from gateway.house import House

_SCHEME: Final = "bearer"
_PURPOSE: Final = "purpose"
_INVALID: Final = "Invalid Access Token"


@dataclass(frozen=True, slots=True)
class Desk:
    """Knows the house's callers and sessions, and its token office."""

    house: House
    tokens: TokenOffice

    def bearer(self, headers: Headers) -> tuple[Caller, str]:
        """Return the caller whose token came in the Authorization header, and the token's id.

        Raises:
            NotSignedIn: with the words that the PDS FHIR API uses; the log's code is in ``reason``.
        """
        try:
            return self._bearer(headers)
        except NotSignedIn as refused:
            self._turned_away(refused.reason)
            raise

    def _bearer(self, headers: Headers) -> tuple[Caller, str]:
        claims = self.tokens.read(_bearer_token(headers.get("Authorization")), self.house.now())
        caller = self._active(claims.sub, claims.purpose)
        if caller is None:
            raise NotSignedIn(_INVALID, reason="token-caller")
        _check_unchanged(caller, claims)
        return caller, claims.jti

    def sign_in(self, subject: str, purpose: Purpose) -> str:
        """Begin a session with one purpose; return the token for its cookie."""
        return self.house.stores.governance.sessions.create(subject, {_PURPOSE: purpose.value})

    def visitor(self, token: str) -> Caller | None:
        """Return the caller whose live session ``token`` opens, or None. A session without its caller ends."""
        settings = self.house.settings
        idle, limit = timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours)
        held = self.house.stores.governance.sessions.get(token, idle=idle, limit=limit)
        if held is None:
            return None
        caller = self._active(held.caller, held.data.get(_PURPOSE, ""))
        if caller is None:
            self.sign_out(token)
        return caller

    def sign_out(self, token: str) -> None:
        """End the session of ``token``, where there is one."""
        self.house.stores.governance.sessions.delete(token)

    def _turned_away(self, reason: str) -> None:
        """Leave a row that somebody was refused at the door. Nothing was shown, so nobody waits for it."""
        came = arrival.get()
        body = {
            "decision": "deny",
            "reason": reason,
            "request_id": came.request_id,
            "source_address": came.source_address,
        }
        try:
            self.house.stores.ledger.append(Event.REFUSAL.value, body, wait=False)
        except GatewayError as fault:
            get_logger("gateway").warning("refusal-not-recorded", reason=fault.reason)

    def _active(self, subject: str, purpose: str) -> Caller | None:
        try:
            return named_caller(self.house, subject, Purpose(purpose))
        except (NotPermitted, InputError, ValueError):
            return None


def _check_unchanged(caller: Caller, claims: Claims) -> None:
    if (caller.role, caller.organisation) != (claims.role, claims.org):
        raise NotSignedIn(_INVALID, reason="token-caller-changed")


def _bearer_token(header: str | None) -> str:
    if header is None:
        raise NotSignedIn("Missing Authorization header", reason="no-authorization")
    if not header.strip():
        raise NotSignedIn("Empty Authorization header", reason="empty-authorization")
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != _SCHEME or not token.strip():
        raise NotSignedIn("Missing access token", reason="no-token")
    return token.strip()


def current_caller() -> Caller:
    """Return who is asking.

    Raises:
        NotSignedIn: nobody is signed in.
    """
    caller = g.get("caller")
    if not isinstance(caller, Caller):
        raise NotSignedIn(reason="not-signed-in")
    return caller
