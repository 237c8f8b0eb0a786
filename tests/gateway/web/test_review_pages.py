"""The review pages: a queue of opaque ids, two records side by side with their evidence, a decision and its undoing."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from gateway.app import create_app
from gateway.services.records import reviews
from gateway.services.records.sides import side_by_side
from gateway.storage.links import Basis
from tests.gateway.houses import Watch, persona
from tests.gateway.web.front import Browser

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from gateway.house import House


def words(response: TestResponse) -> str:
    return " ".join(
        unescape(re.sub(r"<(script|style|svg).*?</\1>|<[^>]+>", " ", response.text, flags=re.DOTALL)).split()
    )


@pytest.fixture
def reviewer(own_county: House) -> Browser:
    """A browser in which the reviewer has signed in."""
    found = Browser(create_app(house=own_county).test_client())
    assert found.sign_in("reviewer", "demographic-trace").status_code == 303
    return found


@pytest.fixture
def first(own_county: House) -> str:
    """A case of the council's own."""
    return of_source(own_county, "social-care")


def of_source(house: House, source: str) -> str:
    who = persona(house, "reviewer")
    for one in reviews.open_cases(house, who, 500):
        if side_by_side(house, who, one.case_id).source == source:
            return one.case_id
    pytest.fail(f"no case of {source}")


def candidates(house: House, case_id: str) -> list[str]:
    return [one.person_id for one in reviews.case(house, persona(house, "reviewer"), case_id).candidates]


def test_the_queue_lists_cases_by_opaque_id_and_reason(reviewer: Browser, first: str) -> None:
    page = reviewer.get("/review")
    assert page.status_code == 200
    assert f'href="/review/{first}"' in page.text
    assert "a person must decide." in words(page)
    assert not re.search(r"\b9\d{9}\b", page.text)


def test_the_queue_is_offered_to_reviewers_alone(reviewer: Browser, worker: Browser) -> None:
    assert "/review" in reviewer.get("/").text
    assert "/review" not in worker.get("/").text


def test_nobody_else_sees_a_queue_or_a_case(worker: Browser) -> None:
    assert worker.get("/review").status_code == 403
    assert worker.get("/review/5d5a0b8f-3b39-5a53-8f0f-6f7e2ad8f6d1").status_code == 403


def test_somebody_unknown_is_taken_to_the_sign_in_page(browser: Browser) -> None:
    for path in ("/review", "/review/5d5a0b8f-3b39-5a53-8f0f-6f7e2ad8f6d1"):
        assert browser.get(path).status_code == 303


def test_an_empty_queue_says_so(browser: Browser) -> None:
    assert browser.sign_in("reviewer", "demographic-trace").status_code == 303
    assert "Nothing waits for a decision." in words(browser.get("/review"))


def test_a_case_shows_both_sides_with_evidence_as_chart_and_table(reviewer: Browser, first: str) -> None:
    page = reviewer.get(f"/review/{first}")
    told = words(page)
    assert page.status_code == 200
    assert "Is this the same person?" in told
    assert "Detail Record Index" in told
    assert re.search(r"bits, probability [\w. ]+%: ", told)
    assert re.search("Before comparing .*What is believed of any candidate Bits \N{MINUS SIGN}", told)
    assert '<svg role="img" aria-label="Candidate 1: what adds up"' in page.text
    assert "style=" not in page.text
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]


def test_a_case_of_another_organisation_shows_evidence_and_not_its_record(reviewer: Browser, own_county: House) -> None:
    told = words(reviewer.get(f"/review/{of_source(own_county, 'acute')}"))
    assert "does not share them under this agreement" in told
    assert "Detail Index" in told


def test_looking_at_a_case_is_recorded_with_whom_it_shows(reviewer: Browser, own_county: House, first: str) -> None:
    people = candidates(own_county, first)
    watching = Watch(own_county)
    reviewer.get(f"/review/{first}")
    rows = watching.rows("disclosure")
    assert rows
    assert all(row.body["subjects"]["count"] == len(people) for row in rows)


def test_a_decision_is_posted_and_shown_and_taken_back(reviewer: Browser, own_county: House, first: str) -> None:
    chosen, path = candidates(own_county, first)[0], f"/review/{first}"
    saved = reviewer.post(path, who=chosen, note="same house")
    assert (saved.status_code, saved.headers["Location"]) == (303, path)
    shown = words(reviewer.get(path))
    assert "reviewer decided on" in shown
    assert "the same person as candidate 1" in shown
    assert "Save this decision" not in shown
    assert own_county.stores.links.counts()[Basis.PERSON] == 1
    again = reviewer.post(f"{path}/take-back", page=path)
    assert (again.status_code, again.headers["Location"]) == (303, path)
    assert "Save this decision" in words(reviewer.get(path))
    assert Basis.PERSON not in own_county.stores.links.counts()


def test_nobody_of_these_is_a_decision_too(reviewer: Browser, first: str) -> None:
    assert reviewer.post(f"/review/{first}", who="nobody").status_code == 303
    assert "nobody of these" in words(reviewer.get(f"/review/{first}"))


def test_who_is_not_sure_leaves_the_case_open(reviewer: Browser, first: str) -> None:
    left = reviewer.post(f"/review/{first}", who="unsure")
    assert (left.status_code, urlsplit(left.headers["Location"]).path) == (303, "/review")
    assert first in reviewer.get("/review").text


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({}, "Choose who the record is"),
        ({"who": "5d5a0b8f-3b39-5a53-8f0f-6f7e2ad8f6d1"}, "Choose who the record is"),
        ({"who": "nobody", "note": "x" * 201}, "200 characters or fewer"),
    ],
)
def test_a_form_not_filled_in_is_shown_again_with_its_faults(
    reviewer: Browser, first: str, typed: dict[str, str], fault: str
) -> None:
    page = reviewer.post(f"/review/{first}", **typed)
    assert page.status_code == 400
    assert fault in words(page)
    assert "<title>Error: " in page.text.replace("\n", "")


def test_a_form_of_somebody_else_decides_nothing(reviewer: Browser, own_county: House, first: str) -> None:
    refused = reviewer.client.post(f"/review/{first}", data={"who": "nobody"})
    assert refused.status_code == 400
    assert own_county.stores.reviews.counts().get("decided", 0) == 0


def test_deciding_twice_is_refused(reviewer: Browser, first: str) -> None:
    chosen = {"who": "nobody"}
    page = reviewer.get(f"/review/{first}").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    form = {"csrf_token": token[1], **chosen}
    assert reviewer.client.post(f"/review/{first}", data=form).status_code == 303
    assert reviewer.client.post(f"/review/{first}", data=form).status_code == 409


def test_a_case_that_is_not_there(reviewer: Browser) -> None:
    assert reviewer.get("/review/5d5a0b8f-3b39-5a53-8f0f-6f7e2ad8f6d1").status_code == 404
    assert reviewer.get("/review/smith").status_code == 404


def test_where_a_restricted_candidate_lives_is_on_neither_side(
    reviewer: Browser, own_county: House, first: str
) -> None:
    with own_county.stores.transaction() as tx:
        tx.change("UPDATE index_person SET security = 'R' WHERE person_id = ?", (candidates(own_county, first)[0],))
    told = words(reviewer.get(f"/review/{first}"))
    assert "Where one of these people lives is protected." in told
    assert "Postcode" not in told
    assert "Telephone Not" not in told
