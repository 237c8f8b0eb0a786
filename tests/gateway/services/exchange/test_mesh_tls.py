"""Mutual TLS as MESH has it: our certificate shown, theirs checked against the authority that we name."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.errors import UpstreamError
from gateway.settings import load_settings
from gateway.transports import mesh
from gateway.transports.mesh import MeshPost, account
from tests.gateway.services.exchange.sandbox import OURS, PASSWORD, SERVER, SHARED_KEY, serving

if TYPE_CHECKING:
    from pathlib import Path


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate that stands for itself, for this machine; returns it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths


@pytest.mark.peers
def test_both_sides_show_a_certificate_that_the_other_trusts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not SERVER.exists():
        pytest.skip("mesh-sandbox is not installed (make install)")
    monkeypatch.setattr(mesh, "_RETRIES", 0)
    theirs, mine, stranger = (certificate(tmp_path, name) for name in ("theirs", "mine", "stranger"))
    options = [
        "--ssl-certfile",
        theirs[0],
        "--ssl-keyfile",
        theirs[1],
        "--ssl-ca-certs",
        mine[0],
        "--ssl-cert-reqs",
        "2",
    ]
    with serving(*map(str, options)) as address:

        def validated(shown: tuple[Path, Path], trusted: Path) -> None:
            given = {"URL": address, "MAILBOX": OURS, "PASSWORD": PASSWORD, "SHARED_KEY": SHARED_KEY}
            given |= {"CERT": str(shown[0]), "KEY": str(shown[1]), "CA": str(trusted)}
            post = MeshPost(account(load_settings({f"GATEWAY_MESH_{name}": value for name, value in given.items()})))
            try:
                post.validate()
            finally:
                post.close()

        validated(mine, theirs[0])
        for shown, trusted in ((mine, stranger[0]), (stranger, theirs[0])):
            with pytest.raises(UpstreamError) as fault:
                validated(shown, trusted)
            assert fault.value.reason == "mesh-silent"
