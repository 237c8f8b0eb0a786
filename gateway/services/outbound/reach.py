"""Where messages may go: the public internet, and what a setting or a demonstration allows besides.

Nothing goes to this machine, to private, shared or link-local networks, unless a setting allows the network; a
demonstration may also speak to this machine, plain HTTP included. What a name leads to is for the transport to find
out, whenever something is sent.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from gateway.errors import InputError

if TYPE_CHECKING:
    Address = ipaddress.IPv4Address | ipaddress.IPv6Address
    Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LONGEST_URL: Final = 500
# addresses of these forms stand for an IPv4 address inside them: NAT64, Teredo and 6to4 (RFC 6052, 4380, 3056)
_TRANSLATED: Final = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")))


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
