"""One message to one subscriber over HTTPS.

Where it may go is decided on the address that is connected to, not on a name that could resolve to another the next
moment. Redirects are not followed, nothing of the answer but its status is read, and an answer that does not come
within some seconds is none.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from gateway.errors import InputError
from gateway.services.outbound.reach import check_url
from gateway.services.outbound.signed import Answer, signature

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.services.outbound.reach import Address, Reach
    from gateway.services.outbound.signed import Message

_SECONDS: Final = (3.05, 10.0)
_PATIENCE: Final = 25.0
_PORTS: Final = {"http": 80, "https": 443}
_SUCCESS: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)


def send(url: str, message: Message, secrets: Sequence[bytes], reach: Reach) -> Answer:
    """Send one message, signed under each secret that is valid. What goes wrong is an answer, not an exception."""
    try:
        check_url(url, reach)
    except InputError as refused:
        return Answer(refused.reason)
    address = _resolved(url, reach)
    if isinstance(address, Answer):
        return address
    headers = {
        "content-type": "application/json",
        "user-agent": "nhs-linkage-gateway",
        "webhook-id": f"msg_{message.message_id}",
        "webhook-timestamp": str(message.timestamp),
        "webhook-signature": " ".join(signature(secret, message) for secret in secrets),
    }
    # a subscriber that sends its headers a byte at a time would otherwise keep the worker for as long as it likes
    return _within(_PATIENCE, lambda: _post(url, address, message.body, headers))


def _resolved(url: str, reach: Reach) -> Address | Answer:
    """The address to connect to; none where any address of the name is one that nothing may be sent to."""
    parts = urlsplit(url)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or _PORTS[parts.scheme], type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return Answer("unresolved")
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    if not all(map(reach.allows, addresses)):
        return Answer("webhook-network")
    return addresses[0]


class _Pinned(HTTPAdapter):
    """Connects to one address and still asks for the certificate of the name."""

    def __init__(self, host: str) -> None:
        self._host = host
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the library's own signature
        super().init_poolmanager(*args, **kwargs, assert_hostname=self._host, server_hostname=self._host)


def _post(url: str, address: Address, body: bytes, headers: dict[str, str]) -> Answer:
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    at = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - IPv6
    pinned = urlunsplit((parts.scheme, f"{at}{port}", parts.path or "/", parts.query, ""))
    with requests.Session() as session:
        # what a proxy variable or a netrc file says is not for subscribers
        session.trust_env = False
        if parts.scheme == "https":
            session.mount("https://", _Pinned(parts.hostname or ""))
        try:
            with session.post(
                pinned,
                data=body,
                headers={**headers, "host": f"{parts.hostname}{port}"},
                timeout=_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as answer:
                return Answer(_reason(answer.status_code))
        except requests.exceptions.SSLError:
            return Answer("certificate")
        except requests.Timeout:
            return Answer("timeout")
        except requests.RequestException:
            return Answer("unreachable")


def _reason(status: int) -> str:
    if status in _SUCCESS:
        return ""
    return "redirected" if status in _REDIRECT else f"status-{status}"


def _within(seconds: float, call: Callable[[], Answer]) -> Answer:
    """Return what a call comes to, or that it took too long; the thread that waits on ends with its connection."""
    came: list[Answer] = []
    waiting = threading.Thread(target=lambda: came.append(call()), daemon=True)
    waiting.start()
    waiting.join(seconds)
    return came[0] if came else Answer("timeout")
