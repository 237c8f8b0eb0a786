"""The server as it is started: workers that open the house for themselves, and a log without addresses."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import requests

from gateway.web.logs import configure_logs
from gateway.web.serve import QuietLogger, Server, options
from tests.gateway.web.small_house import AMINA

if TYPE_CHECKING:
    from gateway.settings import Settings

START = """
import os
from gateway.app import serve
from gateway.settings import load_settings
serve(load_settings(os.environ), host="127.0.0.1", port=int(os.environ["PORT"]), workers=2)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_it_serves_counts_over_its_workers_and_stops_when_told(settings: Settings) -> None:
    port = free_port()
    environ = os.environ | {"GATEWAY_MODE": "demo", "GATEWAY_DATA_DIR": str(settings.data_dir), "PORT": str(port)}
    running = subprocess.Popen([sys.executable, "-c", START], env=environ, stderr=subprocess.PIPE, text=True)
    base = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{base}/health/ready", running)
        for _ in range(12):
            assert requests.get(f"{base}/nowhere/{AMINA.number}", timeout=10).status_code == 404
        counted = requests.get(f"{base}/metrics", timeout=10).text
        assert 'gateway_requests_total{method="GET",route="unrouted",status="404"} 12.0' in counted
        assert requests.get(f"{base}/sign-in", timeout=10, headers={"Host": "rebound.example"}).status_code == 403
    finally:
        running.send_signal(signal.SIGTERM)
        _, written = running.communicate(timeout=30)
    assert running.returncode == 0
    assert '"event": "serving"' in written
    assert AMINA.number not in written


def wait_for(url: str, running: subprocess.Popen[str]) -> None:
    for _ in range(200):
        try:
            if requests.get(url, timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        assert running.poll() is None
        time.sleep(0.1)
    pytest.fail("the server did not start")


def test_an_ipv6_address_is_bound_in_brackets() -> None:
    assert options("::1", 8000, 1)["bind"] == "[::1]:8000"


def test_the_server_makes_its_application_when_a_worker_asks() -> None:
    made: list[str] = []
    server = Server(lambda: made.append("app"), options("127.0.0.1", 8000, 2))  # type: ignore[arg-type,return-value] # no application needed
    assert not made
    server.load()
    assert made == ["app"]
    assert server.cfg.workers == 2
    assert server.cfg.accesslog is None


def test_the_servers_own_words_never_reach_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    logger = QuietLogger(Server(lambda: None, options("127.0.0.1", 8000, 1)).cfg)  # type: ignore[arg-type,return-value] # no application needed
    for write in (logger.critical, logger.error, logger.exception):
        write("Error handling request %s", f"/Patient/{AMINA.number}")
    logger.warning("Invalid request from %s", AMINA.number)
    written = capsys.readouterr().err
    assert written.count('"fault": "Error handling request"') == 3
    assert AMINA.number not in written
