"""Flask's session, without its contents: the cookie holds one opaque id, and what it opens is in the store.

Visitors who have not signed in get an id too, so that the sign-in form can be protected against cross-site requests:
its token is an HMAC of the id under the service's own secret, and nothing needs to be stored for it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING, Any, Final

from flask.sessions import SessionInterface, SessionMixin

if TYPE_CHECKING:
    from flask import Flask, Request, Response

CSRF_FIELD: Final = "csrf_token"
_TOKEN: Final = re.compile(r"[\w-]{43}", re.ASCII)


def new_token() -> str:
    """Return an id of 256 random bits for somebody who has not signed in."""
    return secrets.token_urlsafe(32)


class OpaqueSession(dict[str, Any], SessionMixin):
    """What code sees as ``flask.session``: the browser's token, and the one value that Flask-WTF keeps in it."""

    def __init__(self, token: str, secret: bytes, *, new: bool) -> None:
        super().__init__()
        self._secret = secret
        self.new = new
        self.rotate(token, new=new)

    def rotate(self, token: str, *, new: bool = True) -> None:
        """Go on under another token; whatever was known of the old one is worth nothing."""
        self.token = token
        self.new = new
        self[CSRF_FIELD] = hmac.new(self._secret, b"csrf\0" + token.encode(), hashlib.sha256).hexdigest()


class OpaqueSessions(SessionInterface):
    """Reads and writes the cookie."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def open_session(self, app: Flask, request: Request) -> OpaqueSession:
        """Return the session of the cookie that came, or a new one."""
        sent = request.cookies.get(self.get_cookie_name(app), "")
        known = bool(_TOKEN.fullmatch(sent))
        return OpaqueSession(sent if known else new_token(), self._secret, new=not known)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Send a token that the browser does not hold yet, where it will be needed."""
        assert isinstance(session, OpaqueSession)
        if session.new and session.accessed:
            response.set_cookie(
                self.get_cookie_name(app),
                session.token,
                path=self.get_cookie_path(app),
                httponly=True,
                secure=self.get_cookie_secure(app),
                samesite="Lax",
            )
            response.vary.add("Cookie")
