"""Where a request may come from: the hosts we answer to, and for a demonstration this machine alone.

The peer's address alone does not prove that the person sits here: another site's page can reach 127.0.0.1 through a
name it controls (DNS rebinding), and a reverse proxy makes every stranger a loopback peer. So Host must be loopback as
well, and a forwarded request is refused.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from gateway.errors import InputError, NotPermitted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_FORWARDED: Final = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"})


def hostname(host: str) -> str:
    """Return the name in a Host header, lower-case, without port and brackets; empty where there is none."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def check_trusted(host: str, trusted: Iterable[str]) -> None:
    """Refuse a Host that this service is not known by, so that no link or cookie is made for a foreign name.

    Raises:
        InputError: the name is not among ``trusted``.
    """
    if hostname(host) not in {hostname(each) for each in trusted}:
        raise InputError("this service is not known by that host name", reason="host-not-trusted", field="Host")


def check_demo(peer: str | None, host: str, headers: Collection[str]) -> None:
    """Let a demonstration answer this machine alone.

    Raises:
        NotPermitted: the peer or the Host is not loopback, or somebody stands in between.
    """
    forwarded = any(name.lower() in _FORWARDED for name in headers)
    if forwarded or not is_loopback(peer or "") or not is_loopback(hostname(host)):
        raise NotPermitted("A demonstration answers only on the machine it runs on.", reason="demo-loopback-only")


def is_loopback(name: str) -> bool:
    """Is ``name`` an address or name of this machine's own loopback?"""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
