"""A demonstration answers this machine alone; every installation answers only to its own names."""

from __future__ import annotations

import pytest

from gateway.auth.network import check_demo, check_trusted, hostname, is_loopback
from gateway.errors import InputError, NotPermitted

TRUSTED = ("127.0.0.1", "localhost", "[::1]")


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:8000", "[::1]:8000", "127.9.9.9"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "127.0.0.53"])
def test_a_demonstration_answers_loopback(peer: str, host: str) -> None:
    check_demo(peer, host, ())


@pytest.mark.parametrize(
    ("peer", "host", "headers"),
    [
        ("10.0.0.5", "127.0.0.1:8000", ()),
        ("127.0.0.1", "rebound.example:8000", ()),
        ("127.0.0.1", "127.0.0.1.example", ()),
        ("127.0.0.1", "localhost.example", ()),
        ("127.0.0.1", "", ()),
        (None, "127.0.0.1", ()),
        ("", "127.0.0.1", ()),
        ("127.0.0.1", "127.0.0.1", ("X-Forwarded-For",)),
        ("127.0.0.1", "127.0.0.1", ("forwarded",)),
        ("127.0.0.1", "127.0.0.1", ("VIA",)),
        ("127.0.0.1", "0.0.0.0:8000", ()),
        ("::ffff:10.0.0.5", "[::1]", ()),
    ],
)
def test_a_demonstration_answers_nobody_else(peer: str | None, host: str, headers: tuple[str, ...]) -> None:
    with pytest.raises(NotPermitted) as refused:
        check_demo(peer, host, headers)
    assert refused.value.reason == "demo-loopback-only"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:1", "[::1]:8000", "[::1]"])
def test_a_name_of_ours_is_answered(host: str) -> None:
    check_trusted(host, TRUSTED)


@pytest.mark.parametrize("host", ["", "example.org", "127.0.0.1.example.org", "[::2]:8000", "xlocalhost"])
def test_a_foreign_name_is_refused(host: str) -> None:
    with pytest.raises(InputError):
        check_trusted(host, TRUSTED)


def test_a_name_is_read_without_port_and_brackets() -> None:
    assert [hostname(text) for text in ("A.b:80", "[::1]:80", "[::1]", "")] == ["a.b", "::1", "::1", ""]
    assert not is_loopback("")
