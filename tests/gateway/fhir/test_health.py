"""What the machines that watch this one are told; open, and about nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from gateway.errors import Unavailable
from gateway.fhir import health, metrics
from gateway.fhir.metrics import Metrics
from gateway.fhir.outcome import PDS_BASE
from tests.gateway.web.small_house import AMINA, bearer

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from flask.testing import FlaskClient

    from gateway.house import House


def test_a_living_process_says_so(client: FlaskClient) -> None:
    response = client.get("/health/live")
    assert (response.status_code, response.get_json()) == (200, {"status": "live"})


def test_health_is_told_to_whoever_asks_from_this_host(client: FlaskClient) -> None:
    assert client.get("/health/live", environ_base={"REMOTE_ADDR": "10.1.1.1"}).status_code == 200


def test_a_house_that_could_answer_is_ready_and_says_how_old_its_index_is(client: FlaskClient) -> None:
    response = client.get("/health/ready")
    told = response.get_json()
    assert (response.status_code, told["status"]) == (200, "ready")
    assert told["checks"]["index"]["source"] == "demo"
    assert told["checks"]["index"]["age_days"] == 0


def test_an_index_past_its_age_is_not_ready(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def stale(_house: House) -> None:
        raise Unavailable(reason="index-stale")

    monkeypatch.setattr(health, "checked_against", stale)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.get_json()["checks"]["index"] == {"status": "not-ready", "reason": "index-stale"}


def test_a_ledger_that_cannot_be_read_is_not_ready(
    client: FlaskClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise Unavailable(reason="disk")

    monkeypatch.setattr(house.stores.keys, "ledger_mac", broken)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.get_json()["checks"]["ledger"] == {"status": "not-ready", "reason": "disk"}


def test_metrics_count_by_route_template_and_never_by_address(client: FlaskClient, house: House) -> None:
    client.get(f"{PDS_BASE}/Patient/{AMINA.number}", headers=bearer(house, "social-worker"))
    client.get(f"/nowhere/{AMINA.number}")
    text = client.get("/metrics").text
    assert f'route="{PDS_BASE}/Patient/<number>"' in text
    assert 'route="unrouted"' in text
    assert AMINA.number not in text


def test_metrics_of_several_workers_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    seen: list[object] = []
    monkeypatch.setattr(metrics, "MultiProcessCollector", seen.append)
    assert Metrics().page([("gateway_up", 1.0)]).endswith(b"gateway_up 1.0\n")
    assert isinstance(seen[0], CollectorRegistry)
