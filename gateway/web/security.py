"""What every answer carries to keep a browser honest, and what every form must bring.

OWASP ASVS 5.0, V3: a content policy that lets nothing run but our own nonced script, no framing, no sniffing, no
referrer to anybody else; forms carry a token of their session and must come from our own pages.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from flask import g, request

from gateway.auth.network import check_demo, check_trusted
from gateway.errors import NotPermitted
from gateway.settings import Mode

if TYPE_CHECKING:
    from flask import Flask, Response

    from gateway.settings import Settings

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # our URLs hold no personal data; Flask-WTF wants a referrer over HTTPS
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_OWN_SITE: Final = frozenset({"same-origin", "none"})
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HEALTH: Final = "/health/"
# a typed form is small; files come as multipart, up to GATEWAY_UPLOAD_MAX_BYTES
_FORM: Final = "application/x-www-form-urlencoded"
_FORM_BYTES: Final = 64 * 1024


def guard(app: Flask, settings: Settings) -> None:
    """Check where every request of ``app`` comes from, and what every answer carries."""
    trusted = [name.strip() for name in settings.trusted_hosts.split(",") if name.strip()]
    demo = settings.mode is Mode.DEMO

    def check_origin() -> None:
        if demo and not request.path.startswith(_HEALTH):
            check_demo(request.remote_addr, request.headers.get("Host", ""), set(request.headers.keys()))
        check_trusted(request.headers.get("Host", ""), trusted)
        if request.mimetype == _FORM:
            request.max_content_length = _FORM_BYTES
        site = request.headers.get("Sec-Fetch-Site")
        if request.method not in _READING and site is not None and site not in _OWN_SITE:
            raise NotPermitted("A form may be sent only from a page of this service.", reason="cross-site")

    def add_headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", _POLICY.format(nonce=nonce()))
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        if not demo:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return response

    app.before_request(check_origin)
    app.after_request(add_headers)


def nonce() -> str:
    """Return this request's nonce: only a script that carries it runs."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    held: str = g.csp_nonce
    return held
