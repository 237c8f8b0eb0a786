"""What each page says, to whom; every form works without JavaScript."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from gateway.app import create_app
from gateway.errors import InputError, Unavailable
from gateway.gate import Gate
from gateway.services.governance.callers import revoke
from gateway.services.governance.personas import PERSONAS
from gateway.web import verify as verify_page
from tests.gateway.web.front import Browser
from tests.gateway.web.small_house import ABSENT, AMINA, BRAM, DIED, GONE, HIDDEN, MOVED, copied, opened

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

    from gateway.house import House
    from gateway.settings import Settings
    from tests.gateway.web.small_house import Known


def words(response: TestResponse) -> str:
    """The page as it reads, without its tags."""
    return " ".join(unescape(re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", response.text, flags=re.DOTALL)).split())


def title(response: TestResponse) -> str:
    found = re.search(r"<title>(.*?)</title>", response.text, re.DOTALL)
    assert found
    return unescape(found[1])


def details(person: Known, **changes: str) -> dict[str, str]:
    year, month, day = person.birth_date.split("-")
    typed = {
        "family": person.family,
        "given": person.given,
        "birth_day": day,
        "birth_month": month,
        "birth_year": year,
        "postcode": person.postcode,
        "gender": person.gender,
    }
    return typed | changes


# --- signing in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/verify", "/audit", "/agreements", "/agreements/ISA-CARE/1"])
def test_a_page_takes_somebody_unknown_to_the_sign_in_page(browser: Browser, path: str) -> None:
    response = browser.get(path)
    assert response.status_code == 303
    assert response.headers["Location"].startswith("/sign-in")


@pytest.mark.parametrize("persona", PERSONAS)
def test_every_persona_can_sign_in_and_sees_what_they_may_do(browser: Browser, persona: str) -> None:
    who = PERSONAS[persona]
    assert who.name in browser.get("/sign-in").text
    response = browser.sign_in(persona, who.default_purpose.value)
    assert (response.status_code, response.headers["Location"]) == (303, "/")
    assert who.name in browser.get("/").text


def test_a_persona_with_several_purposes_is_asked_for_one(browser: Browser) -> None:
    response = browser.post("/sign-in", persona="social-worker")
    assert response.status_code == 200
    assert "Why are you asking?" in words(response)
    assert "Direct care" in words(response)


def test_a_persona_with_one_purpose_is_not_asked(browser: Browser) -> None:
    assert browser.post("/sign-in", persona="navigator").status_code == 303


def test_a_purpose_that_is_not_the_personas_own_is_refused(browser: Browser) -> None:
    response = browser.sign_in("social-worker", "ig-audit")
    assert response.status_code == 400
    assert title(response).startswith("Error:")


def test_nobody_chosen_is_a_fault_and_not_a_guess(browser: Browser) -> None:
    response = browser.post("/sign-in", persona="nobody")
    assert response.status_code == 400
    assert "Choose who you are" in words(response)


def test_signing_in_goes_on_to_the_page_that_was_asked_for_and_to_no_other_site(browser: Browser) -> None:
    went = browser.post("/sign-in?next=/verify", persona="navigator")
    assert went.headers["Location"] == "/verify"
    away = browser.post("/sign-in", persona="navigator", next="https://evil.example/")
    assert away.headers["Location"] == "/"


def test_signing_out_ends_the_session_here_and_in_the_store(worker: Browser) -> None:
    cookie = worker.client.get_cookie("gateway-demo-session")
    assert cookie is not None
    assert worker.post("/sign-out", page="/").status_code == 303
    worker.client.set_cookie("gateway-demo-session", cookie.value)
    assert worker.get("/verify").status_code == 303


def test_a_revoked_caller_is_out_on_the_next_request(settings: Settings, tmp_path: Path) -> None:
    with opened(copied(settings, tmp_path / "copy")) as house:
        browser = Browser(create_app(house=house).test_client())
        browser.sign_in("social-worker", "demographic-trace")
        assert browser.get("/verify").status_code == 200
        revoke(house, "social-worker")
        assert browser.get("/verify").status_code == 303


def test_the_home_page_offers_what_serves_the_purpose(worker: Browser) -> None:
    shown = words(worker.get("/"))
    assert "Verify or find an NHS number" in shown
    assert "Who looked at what" not in shown
    assert "You hold other purposes as well: direct care" in shown


# --- verify or find -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "person", "heading"),
    [
        (AMINA.number, AMINA, "This is the right NHS number"),
        (AMINA.shown, AMINA, "This is the right NHS number"),
        (BRAM.number, AMINA, "This number belongs to someone else"),
        (ABSENT.number, ABSENT, "This number is not in the index"),
    ],
)
def test_a_verification_says_what_came_of_it(worker: Browser, number: str, person: Known, heading: str) -> None:
    response = worker.post("/verify", nhs_number=number, **details(person))
    assert response.status_code == 200
    assert heading in words(response)
    assert title(response).startswith(heading)


def test_a_confirmed_number_is_shown_in_three_groups_with_what_it_was_checked_against(worker: Browser) -> None:
    shown = words(worker.post("/verify", nhs_number=AMINA.number, **details(AMINA)))
    assert f"NHS number: {AMINA.shown}" in shown
    assert "The demonstration index, 7 people, as of" in shown
    assert "02, present but not traced nationally" in shown
    assert "Recorded as" in shown


def test_a_superseded_number_gives_the_current_one(worker: Browser) -> None:
    shown = words(worker.post("/verify", nhs_number=MOVED.number, **details(AMINA)))
    assert "The right person, and the number has been replaced" in shown
    assert f"Current NHS number: {AMINA.shown}" in shown
    assert f"{MOVED.shown}, replaced" in shown


def test_a_failed_verification_does_not_say_which_detail_differs_and_offers_to_find(worker: Browser) -> None:
    wrong = details(AMINA, birth_year="1987", given="Zofia", postcode="LE9 9ZZ", family="Kowalczyk")
    response = worker.post("/verify", nhs_number=AMINA.number, **wrong)
    shown = words(response)
    assert "The details do not match this number" in shown
    assert "Details that agree" not in shown
    assert "Find this person" in shown
    assert "app-number" not in response.text


def test_a_death_and_a_restriction_are_said(worker: Browser) -> None:
    assert "registered death" in words(worker.post("/verify", nhs_number=DIED.number, **details(DIED)))
    assert "restricted" in words(worker.post("/verify", nhs_number=HIDDEN.number, **details(HIDDEN)))


def test_a_withdrawn_number_must_not_be_used(worker: Browser) -> None:
    shown = words(worker.post("/verify", nhs_number=GONE.number, **details(GONE)))
    assert "withdrawn" in shown
    assert "This is the right NHS number" not in shown


def test_a_person_is_found_by_their_details(worker: Browser) -> None:
    shown = words(worker.post("/verify", **details(BRAM)))
    assert "One person found" in shown
    assert f"NHS number: {BRAM.shown}" in shown


def test_somebody_not_in_the_index_is_said_to_be_not_in_this_index(worker: Browser) -> None:
    assert "Not found in this index" in words(worker.post("/verify", **details(ABSENT)))


def test_evidence_is_for_those_whose_agreement_grants_it(browser: Browser) -> None:
    browser.sign_in("reviewer", "demographic-trace")
    assert "Weight in bits" in words(browser.post("/verify", **details(BRAM)))
    browser.sign_in("social-worker", "demographic-trace")
    assert "Weight in bits" not in words(browser.post("/verify", **details(BRAM)))


def test_a_look_up_leaves_a_decision_and_an_outcome_in_the_ledger(worker: Browser, house: House) -> None:
    before = house.stores.ledger.size()
    with worker.post("/verify", nhs_number=AMINA.number, **details(AMINA)):
        pass
    house.stores.ledger.flush()
    kinds = [row.kind for row in house.stores.ledger.search(limit=10) if row.seq > before]
    assert sorted(kinds) == ["disclosure", "outcome"]


def test_an_empty_form_names_what_is_missing_and_where(worker: Browser) -> None:
    response = worker.post("/verify")
    assert response.status_code == 400
    assert title(response).startswith("Error:")
    assert 'href="#family"' in response.text
    assert 'href="#birth_date-day"' in response.text
    assert "Enter the family name" in words(response)


def test_a_rule_the_form_does_not_know_is_shown_as_a_fault(worker: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def strict(*_args: object) -> None:
        raise InputError(reason="too-long", field="birth_date")

    monkeypatch.setattr(verify_page, "find_number", strict)
    response = worker.post("/verify", **details(BRAM))
    assert response.status_code == 400
    assert 'href="#birth_date-day"' in response.text


def test_a_purpose_that_does_not_trace_is_refused_with_a_code(browser: Browser) -> None:
    browser.sign_in("navigator", "direct-care")
    response = browser.post("/verify", nhs_number=AMINA.number, **details(AMINA))
    assert response.status_code == 403
    assert title(response).startswith("Error: You cannot do this")
    assert re.search(r"Code: [a-z-]+", words(response))
    assert AMINA.family not in response.text


def test_nothing_is_shown_when_the_ledger_is_down(worker: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_args: object, **_kwargs: object) -> None:
        raise Unavailable(reason="ledger")

    monkeypatch.setattr(Gate, "_write", down)
    response = worker.post("/verify", nhs_number=AMINA.number, **details(AMINA))
    assert response.status_code == 503
    assert "Nothing was shown" in words(response)
    assert AMINA.family not in response.text


def test_an_answer_stands_when_only_its_outcome_could_not_be_recorded(
    worker: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_args: object) -> None:
        raise Unavailable(reason="ledger")

    monkeypatch.setattr(Gate, "outcome", down)
    with worker.post("/verify", nhs_number=AMINA.number, **details(AMINA)) as response:
        assert response.status_code == 200


# --- who looked at what -------------------------------------------------------------------------------------------


def test_an_officer_sees_who_looked_and_who_was_refused(browser: Browser) -> None:
    browser.sign_in("social-worker", "demographic-trace")
    browser.post("/verify", nhs_number=DIED.number, **details(DIED))
    browser.sign_in("navigator", "direct-care")
    browser.post("/verify", nhs_number=DIED.number, **details(DIED))
    browser.sign_in("ig-officer", "ig-audit")
    seen = words(browser.post("/audit", nhs_number=DIED.number))
    assert "Sam Socialworker" in seen
    assert "Finding and checking NHS numbers" in seen
    assert "ISA-TRACE@1" in seen
    assert "The record of access is intact" in seen
    refused = words(browser.post("/audit", staff="navigator"))
    assert "Denied" in refused
    assert "Nia Navigator" in refused


def test_looking_is_itself_looked_at(officer: Browser) -> None:
    officer.post("/audit", nhs_number=BRAM.number)
    assert "Ingrid Governance" in words(officer.post("/audit", staff="ig-officer"))


def test_nobody_looked_is_an_answer(officer: Browser) -> None:
    assert "No access is recorded" in words(officer.post("/audit", staff="nobody-at-all"))


def test_dates_narrow_the_search(officer: Browser) -> None:
    officer.post("/audit", nhs_number=BRAM.number)
    long_ago = {"until_day": "1", "until_month": "1", "until_year": "2001"}
    assert "No access is recorded" in words(officer.post("/audit", staff="ig-officer", **long_ago))


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({}, "Enter an NHS number or a staff identifier"),
        ({"nhs_number": "9990000019"}, "The last digit does not fit the others"),
        ({"staff": "x", "since_day": "31", "since_month": "2", "since_year": "2026"}, "From must be a real date"),
        ({"staff": "x", "until_year": "2026"}, "To must be a real date"),
    ],
)
def test_the_search_names_its_faults(officer: Browser, typed: dict[str, str], fault: str) -> None:
    response = officer.post("/audit", **typed)
    assert response.status_code == 400
    assert title(response).startswith("Error:")
    assert fault in words(response)


def test_a_practitioner_may_not_read_the_record_of_access(worker: Browser) -> None:
    response = worker.post("/audit", nhs_number=AMINA.number)
    assert response.status_code == 403
    assert "Sam" not in words(response).replace("Sam Socialworker", "")


# --- agreements ---------------------------------------------------------------------------------------------------


def test_the_agreements_are_listed(worker: Browser) -> None:
    shown = words(worker.get("/agreements"))
    assert "Active" in shown
    assert "/agreements/ISA-CARE/1" in worker.get("/agreements").text
    # an agreement begins at midnight in England, which in summer is the day before in UTC
    assert "1 April 2025 to 1 April 2035" in shown


def test_an_agreement_shows_who_sees_which_section(worker: Browser) -> None:
    response = worker.get("/agreements/ISA-CARE/1")
    shown = words(response)
    assert response.status_code == 200
    assert "Direct care, patient level" in shown
    assert "Social worker" in shown
    assert "Care assessments" in shown
    assert "Only with a relationship to the person" in shown


@pytest.mark.parametrize(
    ("agreement", "note"),
    [
        ("ISA-AUDIT", "Only what staff of the asking organisation did"),
        ("ISA-RISKSTRAT", "Own patients: people registered with the asking practice"),
        ("ISA-TRACE", "Finding and checking NHS numbers, patient level"),
    ],
)
def test_a_table_says_what_it_alone_would_overstate(worker: Browser, agreement: str, note: str) -> None:
    assert note in words(worker.get(f"/agreements/{agreement}/1"))


def test_an_agreement_that_does_not_exist_is_not_found(worker: Browser) -> None:
    assert worker.get("/agreements/ISA-CARE/99").status_code == 404
    assert worker.get("/agreements/NONE/1").status_code == 404


def test_a_page_that_does_not_exist_says_so(worker: Browser) -> None:
    response = worker.get("/nowhere")
    assert response.status_code == 404
    assert title(response).startswith("Error: Page not found")
