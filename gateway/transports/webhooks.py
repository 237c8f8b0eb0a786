"""One message to one subscriber over HTTPS, signed in the form of Standard Webhooks (standardwebhooks.com).

Where it may go is decided on the address that is connected to, not on a name that could resolve to another the next
moment: nothing goes to this machine, to private, shared or link-local networks, unless a setting allows the network;
a demonstration may also speak to this machine, plain HTTP included. Redirects are not followed, nothing of the answer
but its status is read, and an answer that does not come within some seconds is none.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from gateway.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address
    Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SECONDS: Final = (3.05, 10.0)
_PATIENCE: Final = 25.0
_LONGEST_URL: Final = 500
_PORTS: Final = {"http": 80, "https": 443}
# addresses of these forms stand for an IPv4 address inside them: NAT64, Teredo and 6to4 (RFC 6052, 4380, 3056)
_TRANSLATED: Final = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")))
_SUCCESS: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)


@dataclass(frozen=True, slots=True)
class Reach:
    """Where messages may go besides the public internet: ``networks`` by setting, this machine in a demonstration."""

    networks: tuple[Network, ...] = ()
    this_machine: bool = False

    @classmethod
    def read(cls, listed: str, *, this_machine: bool) -> Reach:
        """Read networks from a comma separated list such as ``10.20.0.0/16, 192.0.2.7``.

        Raises:
            InputError: one of them is not a network.
        """
        try:
            networks = tuple(ipaddress.ip_network(one.strip()) for one in listed.split(",") if one.strip())
        except ValueError:
            message = "GATEWAY_WEBHOOK_NETWORKS: networks such as 10.20.0.0/16, separated by commas"
            raise InputError(message, reason="setting", field="GATEWAY_WEBHOOK_NETWORKS") from None
        return cls(networks, this_machine)

    def allows(self, address: Address) -> bool:
        """Whether a connection to this address may be made."""
        mapped = getattr(address, "ipv4_mapped", None)
        if mapped is not None:
            return self.allows(mapped)
        if any(address in network for network in self.networks):
            return True
        if address.is_loopback:
            return self.this_machine
        if any(address in network for network in _TRANSLATED):
            return False
        return address.is_global and not address.is_multicast


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: the id that stays over retries, when it is sent (seconds since 1970), and the bytes."""

    message_id: str
    timestamp: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """How it ended. ``reason`` is a stable code, empty where the subscriber took it (any 2xx)."""

    reason: str

    @property
    def delivered(self) -> bool:
        """Whether the subscriber has it."""
        return not self.reason


def signature(secret: bytes, message: Message) -> str:
    """Return ``v1,`` and the base64 HMAC-SHA256 of ``id.timestamp.body`` under one secret."""
    signed = f"msg_{message.message_id}.{message.timestamp}.".encode() + message.body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def shown(secret: bytes) -> str:
    """Return a secret in the form in which a subscriber's library takes it."""
    return "whsec_" + base64.b64encode(secret).decode()


def check_url(url: str, reach: Reach) -> None:
    """See that an address can be a subscriber's; where its name leads is looked at again whenever something is sent.

    Raises:
        InputError: it is not an HTTPS address (HTTP to this machine in a demonstration), holds a password or a
            fragment, or is written as an address that nothing may be sent to.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    plain = parts.scheme == "http" and reach.this_machine and host in {"127.0.0.1", "localhost", "::1"}
    if not host.isascii() or not host or not (parts.scheme == "https" or plain) or len(url) > _LONGEST_URL:
        raise InputError("URL: https://… (a demonstration may use http to this machine)", reason="webhook-url")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InputError("URL: without a password and without a fragment", reason="webhook-url")
    try:
        written = ipaddress.ip_address(host)
    except ValueError:
        return
    if not reach.allows(written):
        raise InputError("URL: nothing may be sent to this network", reason="webhook-network")


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
