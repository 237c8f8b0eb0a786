"""What every answer carries, which forms are taken, and what is never written into a log or an address."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING

import pytest

from gateway.app import create_app
from gateway.fhir import pds
from gateway.fhir.outcome import PDS_BASE
from gateway.settings import Mode
from gateway.web import audit as audit_page
from gateway.web import logs
from gateway.web import verify as verify_page
from tests.gateway.web.small_house import AMINA, PEOPLE, bearer, make, opened
from tests.gateway.web.test_pages import details

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

    from gateway.house import House
    from tests.gateway.web.front import Browser

PATHS = ["/sign-in", "/", "/nowhere", "/health/live", "/fhir/R4/metadata", f"{PDS_BASE}/Patient"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_keeps_a_browser_honest(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'nonce-")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"


def test_every_script_carries_this_answers_nonce_and_no_style_is_inline(worker: Browser) -> None:
    seen = set()
    for path in ("/", "/verify", "/agreements"):
        response = worker.get(path)
        policy = re.search(r"'nonce-([^']+)'", response.headers["Content-Security-Policy"])
        assert policy
        seen.add(policy[1])
        scripts = re.findall(r"<script[^>]*>", response.text)
        assert scripts
        assert all(f'nonce="{policy[1]}"' in script for script in scripts)
        assert "style=" not in response.text
        assert not re.search(r"\son\w+=", response.text)
    assert len(seen) == 3


def test_a_page_asks_nothing_of_any_other_host(worker: Browser) -> None:
    for path in ("/", "/verify", "/agreements", "/nowhere"):
        assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", worker.get(path).text)


def test_the_cookie_holds_an_opaque_id_and_nothing_else(browser: Browser) -> None:
    response = browser.post("/sign-in", persona="social-worker", purpose="demographic-trace")
    cookie = response.headers["Set-Cookie"]
    assert re.match(r"gateway-demo-session=[\w-]{43}; HttpOnly; Path=/; SameSite=Lax$", cookie)


def test_signing_in_makes_a_new_id(browser: Browser) -> None:
    browser.get("/sign-in")
    before = browser.client.get_cookie("gateway-demo-session")
    browser.sign_in("social-worker", "demographic-trace")
    after = browser.client.get_cookie("gateway-demo-session")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    browser.client.set_cookie("gateway-demo-session", before.value)
    assert browser.get("/verify").status_code == 303


def test_an_id_of_the_attackers_own_making_opens_nothing(browser: Browser) -> None:
    browser.client.set_cookie("gateway-demo-session", "A" * 43)
    assert browser.get("/verify").status_code == 303
    browser.client.set_cookie("gateway-demo-session", "' OR 1=1 --")
    assert browser.get("/verify").status_code == 303


def test_reading_a_page_sets_no_second_cookie(worker: Browser) -> None:
    assert "Set-Cookie" not in worker.get("/verify").headers


def test_machines_get_no_cookie(client: FlaskClient, house: House) -> None:
    response = client.get(f"{PDS_BASE}/Patient/{AMINA.number}", headers=bearer(house, "social-worker"))
    assert "Set-Cookie" not in response.headers
    assert "Set-Cookie" not in client.get("/health/live").headers


@pytest.mark.parametrize("path", ["/verify", "/audit", "/sign-in", "/sign-out"])
@pytest.mark.parametrize("token", ["", "nonsense"])
def test_a_form_without_its_token_is_refused(worker: Browser, path: str, token: str) -> None:
    response = worker.client.post(path, data={"csrf_token": token, **details(AMINA)})
    assert response.status_code == 400
    assert "Code: csrf" in re.sub(r"\s+", " ", response.text)


def test_a_token_of_another_session_is_refused(worker: Browser, app: Flask) -> None:
    other = re.search(r'name="csrf_token" value="([^"]+)"', app.test_client().get("/sign-in").text)
    assert other
    assert worker.client.post("/sign-out", data={"csrf_token": other[1]}).status_code == 400


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 303), ("none", 303)]
)
def test_a_form_from_another_site_is_refused(worker: Browser, site: str, status: int) -> None:
    token = re.search(r'name="csrf_token" value="([^"]+)"', worker.get("/").text)
    assert token
    sent = worker.client.post("/sign-out", data={"csrf_token": token[1]}, headers={"Sec-Fetch-Site": site})
    assert sent.status_code == status


def test_a_body_larger_than_allowed_is_refused(worker: Browser) -> None:
    response = worker.client.post("/verify", data={"family": "x" * 300_000})
    assert response.status_code == 413


# --- where requests come from -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/verify", "/metrics", "/static/dist/main.css", f"{PDS_BASE}/Patient"]
)
@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("10.0.0.9", {}),
        ("127.0.0.1", {"Host": "rebound.example"}),
        ("127.0.0.1", {"X-Forwarded-For": "10.0.0.9"}),
    ],
)
def test_a_demonstration_answers_nobody_beyond_this_machine(
    client: FlaskClient, house: House, path: str, peer: str, headers: dict[str, str]
) -> None:
    sent = bearer(house, "social-worker") | headers
    response = client.get(path, headers=sent, environ_base={"REMOTE_ADDR": peer})
    assert response.status_code == 403
    assert "Sam Socialworker" not in response.text
    assert "Set-Cookie" not in response.headers


def test_production_shows_no_demonstration_sign_in_at_all(tmp_path: Path) -> None:
    with opened(make(tmp_path / "house", mode=Mode.PRODUCTION)) as house:
        client = create_app(house=house).test_client()
        shown = client.get("/sign-in", base_url="https://localhost")
        token = re.search(r'name="csrf_token" value="([^"]+)"', shown.text)
        assert shown.status_code == 200
        assert "Socialworker" not in shown.text
        assert "Demonstration" not in shown.text
        assert token is None
        assert shown.headers["Strict-Transport-Security"]
        assert client.get("/", base_url="https://localhost").status_code == 303
        assert client.post("/sign-in", base_url="https://localhost", data={"persona": "gp"}).status_code == 400
        client.application.config["WTF_CSRF_ENABLED"] = False
        assert client.post("/sign-in", base_url="https://localhost", data={"persona": "gp"}).status_code == 404
        assert client.get("/sign-in", base_url="https://elsewhere.example").status_code == 400


# --- what is written down -----------------------------------------------------------------------------------------


def test_no_log_line_holds_anything_about_anybody(
    browser: Browser, house: House, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        browser.sign_in("social-worker", "demographic-trace")
        browser.post("/verify", nhs_number=AMINA.number, **details(AMINA))
        browser.get(f"/verify?number={AMINA.number}")
        browser.get(f"/nowhere/{AMINA.number}")
        headers = bearer(house, "social-worker")
        for path in (AMINA.number, f"?family={AMINA.family}&birthdate=eq{AMINA.birth_date}", "?family=Smith"):
            browser.get(f"{PDS_BASE}/Patient{'/' if path[0] != '?' else ''}{path}", headers=headers)
        browser.post("/sign-out", page="/")
        browser.sign_in("ig-officer", "ig-audit")
        browser.post("/audit", nhs_number=AMINA.number)
    written = capsys.readouterr()
    everything = written.err + written.out + caplog.text
    assert '"event": "request"' in everything
    for person in PEOPLE:
        for private in (person.number, person.shown, person.family, person.birth_date, person.postcode):
            assert private not in everything


def test_no_address_of_any_form_or_link_can_hold_personal_data(worker: Browser, officer: Browser) -> None:
    for browser, path in ((worker, "/verify"), (officer, "/audit")):
        forms = re.findall(r"<form[^>]*>", browser.get(path).text)
        assert forms
        assert all('method="post"' in form for form in forms)


@pytest.mark.parametrize("module", [(verify_page, "verify_number"), (audit_page, "who_looked")])
def test_the_unexpected_gives_a_reference_and_logs_a_code(
    worker: Browser,
    officer: Browser,
    module: tuple[object, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise KeyError(AMINA.family)

    monkeypatch.setattr(*module, broken)
    path = "/verify" if module[0] is verify_page else "/audit"
    response = officer.post(path, nhs_number=AMINA.number, **details(AMINA))
    reference = re.search(r"Reference ([0-9a-f]{12})", response.text)
    logged = capsys.readouterr().err
    assert response.status_code == 500
    assert reference
    assert f'"reference": "{reference[1]}"' in logged
    assert '"fault": "KeyError"' in logged
    assert AMINA.family not in logged + response.text


def test_the_unexpected_on_a_fhir_path_is_an_outcome(
    client: FlaskClient, house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_args: object) -> None:
        raise ValueError(AMINA.family)

    monkeypatch.setattr(pds, "read_patient", broken)
    response = client.get(f"{PDS_BASE}/Patient/{AMINA.number}", headers=bearer(house, "social-worker"))
    assert response.status_code == 500
    assert json.loads(response.data)["issue"][0]["code"] == "exception"
    assert AMINA.family not in response.text + capsys.readouterr().err


def test_trouble_in_the_page_about_trouble_is_a_plain_sentence(
    worker: Browser, app: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise KeyError(AMINA.family)

    monkeypatch.setattr("gateway.app.refusal_page", broken)
    response = worker.get("/nowhere")
    assert (response.status_code, response.mimetype) == (500, "text/plain")
    assert AMINA.family not in response.text + capsys.readouterr().err


def test_a_log_event_keeps_listed_fields_and_codes_only() -> None:
    event = {
        "event": "request",
        "route": "/x/<number>",
        "status": 200,
        "reason": "9990000018",
        "reference": "999 000 0018",
        "fault": "Name, given",
        "request_id": "60e0b220-8136-4ca5-ae46-1d97ef59d068",
        "family": "Patelova",
        "ms": None,
    }
    assert logs.redact(None, "info", event) == {
        "event": "request",
        "route": "/x/<number>",
        "status": 200,
        "reason": logs.HIDDEN,
        "reference": logs.HIDDEN,
        "fault": logs.HIDDEN,
        "request_id": "60e0b220-8136-4ca5-ae46-1d97ef59d068",
        "ms": None,
    }
