"""What is known of a request besides its caller: an id, and a network too coarse to name a desk."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from gateway.web.observe import _request_id, truncated

if TYPE_CHECKING:
    from flask.testing import FlaskClient


@pytest.mark.parametrize(
    ("address", "network"),
    [("10.1.2.3", "10.1.2.0"), ("2001:db8:1:2::5", "2001:db8:1::"), ("", ""), ("unix:", "")],
)
def test_an_address_is_cut_to_its_network(address: str, network: str) -> None:
    assert truncated(address) == network


def test_an_id_of_the_callers_is_kept_where_it_is_a_uuid() -> None:
    sent = "60E0B220-8136-4CA5-AE46-1D97EF59D068"
    assert _request_id(sent) == sent.lower()
    for unusable in ("not a uuid", ""):
        made = _request_id(unusable)
        assert str(UUID(made)) == made


def test_a_refusal_is_logged_with_its_reason(client: FlaskClient, capsys: pytest.CaptureFixture[str]) -> None:
    client.get("/nowhere")
    assert '"reason": "no-page"' in capsys.readouterr().err
