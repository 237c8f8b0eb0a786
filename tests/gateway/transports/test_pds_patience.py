"""How often, how soon and how long an upstream is asked, by a clock that nobody waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamError
from gateway.transports.pds_patience import FAILURES, REST, TRIES
from tests.gateway.transports.upstreams import Time

if TYPE_CHECKING:
    from collections.abc import Callable


def answer(status: int, retry_after: str = "") -> requests.Response:
    made = requests.Response()
    made.status_code = status
    if retry_after:
        made.headers["Retry-After"] = retry_after
    return made


def each(*answers: requests.Response | Exception) -> Callable[[], requests.Response]:
    """Give these answers in turn, the last one again and again."""
    left = list(answers)

    def request() -> requests.Response:
        one = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(one, Exception):
            raise one
        return one

    return request


def test_requests_leave_no_faster_than_the_rate() -> None:
    time = Time()
    patience = time.patience(per_second=5)
    for _ in range(11):
        patience.send(each(answer(200)))
    assert time.now - 1000 == pytest.approx(2.0)


def test_what_passes_is_tried_again_after_a_random_share_of_ever_longer_waits() -> None:
    time = Time()
    sent = time.patience(chance=0.5).send(each(answer(503), answer(502), requests.ConnectionError(), answer(200)))
    assert sent.status_code == 200
    assert time.slept == [0.5, 1.0, 2.0]


@given(st.floats(0, 1), st.integers(1, 12))
def test_no_wait_is_longer_than_half_a_minute(chance: float, tries: int) -> None:
    time = Time()
    with pytest.raises(UpstreamError):
        time.patience(per_second=5, tries=tries, chance=chance).send(each(answer(429)))
    assert all(0 <= wait <= 30 for wait in time.slept)


@pytest.mark.parametrize("said", ["4", " 4 "])
def test_an_upstream_that_says_when_is_heeded(said: str) -> None:
    time = Time()
    time.patience().send(each(answer(503, said), answer(200)))
    assert time.slept == [4.0]


def test_a_date_is_heeded_too_and_nonsense_is_not() -> None:
    time = Time()
    past = "Wed, 21 Oct 2015 07:28:00 GMT"
    time.patience().send(
        each(answer(503, past), answer(503, "Wed, 21 Oct 2015 07:28:00"), answer(503, "soon"), answer(200))
    )
    assert time.slept == [0.0, 0.0, 4.0]


def test_an_upstream_that_asks_for_longer_than_anybody_waits_is_given_up() -> None:
    time = Time()
    with pytest.raises(UpstreamError, match="503"):
        time.patience().send(each(answer(503, "3600"), answer(200)))
    assert time.slept == []


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 412])
def test_an_answer_that_would_be_the_same_again_is_not_asked_for_twice(status: int) -> None:
    time = Time()
    assert time.patience().send(each(answer(status))).status_code == status
    assert time.slept == []


@pytest.mark.parametrize(("last", "said"), [(answer(503), "503"), (requests.Timeout("secret"), r"\(Timeout\)")])
def test_after_so_many_tries_it_is_given_up_without_a_word_of_the_request(
    last: requests.Response | Exception, said: str
) -> None:
    time = Time()
    with pytest.raises(UpstreamError, match=said) as refused:
        time.patience().send(each(last))
    assert len(time.slept) == TRIES - 1
    assert "secret" not in str(refused.value)


def test_an_upstream_that_is_down_is_left_alone_then_probed_by_one_request_and_then_used_again() -> None:
    time = Time()
    patience = time.patience(tries=1)
    for _ in range(FAILURES):
        with pytest.raises(UpstreamError, match="500"):
            patience.send(each(answer(500)))
    with pytest.raises(UpstreamError, match="not asked just now") as resting:
        patience.send(each(answer(200)))
    assert resting.value.reason == "pds-resting"
    time.now += REST

    def probe() -> requests.Response:
        # while one finds out, others wait
        with pytest.raises(UpstreamError, match="not asked just now"):
            patience.send(each(answer(200)))
        return answer(500)

    with pytest.raises(UpstreamError, match="500"):
        patience.send(probe)
    with pytest.raises(UpstreamError, match="not asked just now"):
        patience.send(each(answer(200)))
    time.now += REST
    assert patience.send(each(answer(200))).status_code == 200
    assert patience.send(each(answer(200))).status_code == 200


def test_being_busy_is_not_being_down() -> None:
    time = Time()
    patience = time.patience(tries=1)
    for _ in range(2 * FAILURES):
        with pytest.raises(UpstreamError, match="429"):
            patience.send(each(answer(429)))


def test_an_interruption_while_probing_lets_somebody_else_probe() -> None:
    time = Time()
    patience = time.patience(tries=1)
    for _ in range(FAILURES):
        with pytest.raises(UpstreamError):
            patience.send(each(answer(500)))
    time.now += REST

    def interrupted() -> requests.Response:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        patience.send(interrupted)
    time.now += REST
    assert patience.send(each(answer(200))).status_code == 200
