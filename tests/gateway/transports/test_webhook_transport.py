"""Where a message may go, and what a subscriber can do to whoever sends it: nothing."""

from __future__ import annotations

import base64
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InputError
from gateway.services.outbound.reach import Reach, check_url
from gateway.services.outbound.signed import Answer, Message, shown, signature
from gateway.transports import webhooks
from gateway.transports.webhooks import send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MESSAGE = Message("m1", 1_700_000_000, b'{"type":"test"}')
SECRETS = [b"k" * 32]
DEMO = Reach(this_machine=True)
OUTSIDE = Reach()


def test_the_signature_is_that_of_the_published_example() -> None:
    """The example of the Standard Webhooks specification, its id without the prefix that ours always have."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    message = Message("p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature(secret, message) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert shown(secret) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1"),
        *("169.254.169.254", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "2001:db8::1"),
        *("64:ff9b::a00:1", "2002:a00:1::", "2001::1"),
    ],
)
def test_nothing_goes_to_what_is_not_the_public_internet(address: str) -> None:
    assert not OUTSIDE.allows(ipaddress.ip_address(address))
    written = f"[{address}]" if ":" in address else address
    with pytest.raises(InputError) as refused:
        check_url(f"https://{written}/hook", OUTSIDE)
    assert refused.value.reason == "webhook-network"
    assert send(f"https://{written}/hook", MESSAGE, SECRETS, OUTSIDE).reason == "webhook-network"


def test_a_setting_opens_a_network_and_nothing_else() -> None:
    reach = Reach.read("10.20.0.0/16, fc00::/7", this_machine=False)
    allowed = {one: reach.allows(ipaddress.ip_address(one)) for one in ("10.20.1.1", "10.21.1.1", "fc00::5", "8.8.8.8")}
    assert allowed == {"10.20.1.1": True, "10.21.1.1": False, "fc00::5": True, "8.8.8.8": True}
    assert Reach.read("", this_machine=True) == DEMO
    with pytest.raises(InputError):
        Reach.read("10.20.0.0/99", this_machine=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://hook.example/",
        "ftp://hook.example/",
        "https://",
        "https:///path",
        "https://user:word@hook.example/",
        "https://hook.example/#part",
        "https://hook.example:port/",
        "https://höök.example/",
        "https://hook.example/" + "x" * 500,
        "https://[::1/",
        "hook.example",
        "",
    ],
)
def test_what_is_no_address_for_a_subscriber_is_refused(url: str) -> None:
    for reach in (OUTSIDE, DEMO):
        with pytest.raises(InputError):
            check_url(url, reach)
    assert send(url, MESSAGE, SECRETS, DEMO).reason == "webhook-url"


@given(st.text(max_size=60))
def test_no_text_at_all_makes_checking_fail_in_another_way(text: str) -> None:
    for url in (text, f"https://{text}", f"https://hook.example{text}"):
        try:
            check_url(url, OUTSIDE)
        except InputError:
            continue


def test_plain_http_is_for_this_machine_in_a_demonstration() -> None:
    check_url("http://127.0.0.1:8000/hook", DEMO)
    for url, reach in (("http://127.0.0.1:8000/", OUTSIDE), ("http://10.0.0.1/", DEMO), ("http://hook.example/", DEMO)):
        with pytest.raises(InputError):
            check_url(url, reach)


@pytest.mark.parametrize("second", ["10.0.0.1", "127.0.0.1", "169.254.169.254"])
def test_a_name_that_leads_inside_is_not_followed_even_when_it_leads_outside_too(
    second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answers(*_args: object, **_more: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in ("8.8.8.8", second)]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    monkeypatch.setattr(webhooks, "_post", lambda *_args: pytest.fail("something was sent"))
    assert send("https://hook.example/", MESSAGE, SECRETS, OUTSIDE).reason == "webhook-network"


def test_a_name_is_looked_up_once_so_that_it_cannot_change_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answers(host: str, *_args: object, **_more: object) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    posted: list[Any] = []

    def post(*given: object) -> Answer:
        posted.append(given)
        return Answer("")

    monkeypatch.setattr(webhooks, "_post", post)
    assert send("https://hook.example/in?x=1", MESSAGE, SECRETS, OUTSIDE).delivered
    assert asked == ["hook.example"]
    assert posted[0][:2] == ("https://hook.example/in?x=1", ipaddress.ip_address("8.8.8.8"))


def test_a_name_that_nobody_knows_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_args: object, **_more: object) -> list[Any]:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    assert send("https://hook.example/", MESSAGE, SECRETS, OUTSIDE).reason == "unresolved"


@contextmanager
def speaking(say: Callable[[socket.socket], None], context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that reads a request and then does what it likes with the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            try:
                plain, _ = listener.accept()
                with plain, context.wrap_socket(plain, server_side=True) if context else plain as held:
                    held.settimeout(5)
                    came = b""
                    # an answer before the whole request is a reset connection
                    while not came.endswith(MESSAGE.body) and (more := held.recv(65_536)):
                        came += more
                    say(held)
            except OSError:
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        # closing alone does not wake whoever waits in accept
        with socket.create_connection(listener.getsockname()[:2]):
            pass
        listener.close()
        thread.join(5)


def test_an_endless_answer_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = [0]

    def endless(held: socket.socket) -> None:
        held.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
        while sent[0] < 50_000_000:
            sent[0] += held.send(b"x" * 65_536)

    with speaking(endless) as place:
        assert send(f"http://{place}/", MESSAGE, SECRETS, DEMO).delivered
    assert sent[0] < 20_000_000


def test_an_answer_that_never_ends_its_headers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def drip(held: socket.socket) -> None:
        held.sendall(b"HTTP/1.1 200 OK\r\nx: ")
        for _ in range(30):
            held.sendall(b"y")
            time.sleep(0.05)

    monkeypatch.setattr(webhooks, "_PATIENCE", 0.3)
    with speaking(drip) as place:
        begun = time.monotonic()
        assert send(f"http://{place}/", MESSAGE, SECRETS, DEMO).reason == "timeout"
        assert time.monotonic() - begun < 1.2


def test_no_answer_is_a_timeout_and_no_server_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "_SECONDS", (0.2, 0.2))
    with speaking(lambda _held: time.sleep(0.5)) as place:
        assert send(f"http://{place}/", MESSAGE, SECRETS, DEMO).reason == "timeout"
    assert send("http://127.0.0.1:9/", MESSAGE, SECRETS, DEMO).reason == "unreachable"


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate for ``name`` that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begun = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begun)
        .not_valid_after(begun + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "cert.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, folder / "key.pem")
    return context, path


@pytest.mark.parametrize(("name", "reason"), [("hook.example", ""), ("other.example", "certificate")])
def test_the_certificate_must_be_that_of_the_name_although_an_address_is_called(
    name: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, authority = certificate(tmp_path, name)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(authority))
    with speaking(lambda held: held.sendall(b"HTTP/1.1 204 No Content\r\n\r\n"), context) as place:
        port = int(place.rpartition(":")[2])
        here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: here)
        assert send(f"https://hook.example:{port}/", MESSAGE, SECRETS, DEMO).reason == reason
