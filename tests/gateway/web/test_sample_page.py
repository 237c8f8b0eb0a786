"""The page of a blind sample: two records side by side, three answers, and nothing of what the model made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.app import create_app
from gateway.services.governance.callers import named_caller
from gateway.services.quality import sample as samples
from ig.purpose import Purpose
from tests.gateway.web.front import Browser

if TYPE_CHECKING:
    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.storage.permit import Permit

PAGE = "/review/sample"
NOT_SHOWN = ("bits", "posterior", "stratum", "cross-check", "algorithmic", "alphanumeric", "matched", "threshold")


@pytest.fixture
def reviewer(own_county: House) -> Caller:
    """The one who judges."""
    return named_caller(own_county, "reviewer", Purpose.DEMOGRAPHIC_TRACE)


@pytest.fixture
def seat(own_county: House) -> Browser:
    """A reviewer's browser."""
    browser = Browser(create_app(house=own_county).test_client())
    assert browser.sign_in("reviewer", "demographic-trace").status_code == 303
    return browser


def test_without_a_sample_the_page_says_how_to_draw_one(seat: Browser) -> None:
    assert seat.get(PAGE).status_code == 404


def test_the_page_shows_two_records_and_nothing_of_the_models_decision(
    own_county: House, reviewer: Caller, seat: Browser
) -> None:
    drawn = samples.draw(own_county, reviewer, 40)
    shown = samples.next_pair(own_county, reviewer)
    assert shown is not None
    text = seat.get(PAGE).text
    assert shown.source["Date of birth"] in text
    assert "Pair 1 of 40" in text
    body = text[text.index("<h1") :].lower()
    assert not any(word in body for word in NOT_SHOWN)
    assert not any(name.lower() in body for name in drawn.strata)
    assert drawn.sample_id not in text


def test_an_answer_leads_to_the_next_pair_and_in_the_end_to_thanks(
    own_county: House, reviewer: Caller, seat: Browser
) -> None:
    samples.draw(own_county, reviewer, 40)
    for place in range(40):
        shown = samples.next_pair(own_county, reviewer)
        assert shown is not None
        assert shown.answered == place
        sent = seat.post(f"{PAGE}/{shown.pair_id}", page=PAGE, verdict="same")
        assert (sent.status_code, sent.headers["Location"]) == (303, PAGE)
    assert "Thank you" in seat.get(PAGE).text
    assert samples.results(own_county, reviewer).answers == {"same": 40}


def test_an_answer_that_is_none_of_the_three_is_asked_for_again(
    own_county: House, reviewer: Caller, seat: Browser
) -> None:
    samples.draw(own_county, reviewer, 40)
    shown = samples.next_pair(own_county, reviewer)
    assert shown is not None
    again = seat.post(f"{PAGE}/{shown.pair_id}", page=PAGE, verdict="maybe")
    assert again.status_code == 400
    assert "Choose one of the three answers" in again.text
    assert samples.results(own_county, reviewer).progress.answered == 0


def test_nobody_but_a_reviewer_is_offered_the_page_or_sees_a_pair(own_county: House, reviewer: Caller) -> None:
    samples.draw(own_county, reviewer, 40)
    other = Browser(create_app(house=own_county).test_client())
    other.sign_in("social-worker", "demographic-trace")
    assert PAGE not in other.get("/").text
    refused = other.get(PAGE)
    assert refused.status_code == 403
    assert "One record" not in refused.text


def test_no_id_on_the_page_leads_to_the_records_or_their_links(
    own_county: House, reviewer: Caller, seat: Browser, permit: Permit
) -> None:
    """Hidden fields and attributes included: with an id a reviewer could look up what the model had said."""
    drawn = samples.draw(own_county, reviewer, 40)
    text = seat.get(PAGE).text
    judged = own_county.stores.samples.judged(permit, drawn.sample_id)
    assert not any(one.source_person_id in text for one in judged)
