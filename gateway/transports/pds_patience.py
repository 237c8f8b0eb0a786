"""How an upstream is treated: no faster than it allows, again after a while where it fails, not while it is down.

PDS FHIR API specification: 5 requests a second for an application unless more was agreed; 429 and 503 may say when to
come back (``Retry-After``); a request that is sent again keeps its ``X-Request-ID``, so that it counts once. Clock,
sleep and chance are handed in.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

import requests

from gateway.errors import UpstreamError

if TYPE_CHECKING:
    from collections.abc import Callable

PER_SECOND: Final = 5.0
TRIES: Final = 5
"""How often one request is sent at most, where nobody waits for it."""
FAILURES: Final = 5
"""So many failures in a row, and nothing more is sent for a while."""
REST: Final = 30.0
"""Seconds of that while; then one request finds out whether the upstream is back."""

_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 30.0
_LONGEST_ORDERED: Final = 120.0
_BUSY: Final = requests.codes.too_many_requests
_PASSING: Final = frozenset({408, _BUSY, 500, 502, 503, 504})


@dataclass(slots=True)
class Breaker:
    """Closed while all is well; open after `FAILURES` in a row; half open for one request after `REST` seconds."""

    clock: Callable[[], float]
    _failures: int = 0
    _until: float = 0.0
    _probing: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self) -> None:
        """Let a request through.

        Raises:
            UpstreamError: the upstream is down, and it is not time yet to find out whether it still is.
        """
        with self._lock:
            if self._failures < FAILURES:
                return
            if self._probing or self.clock() < self._until:
                raise UpstreamError("PDS is not asked just now: it failed several times in a row", reason="pds-resting")
            self._probing = True

    def succeeded(self) -> None:
        """Note that the upstream answered."""
        with self._lock:
            self._failures, self._probing = 0, False

    def failed(self) -> None:
        """Note that it did not."""
        with self._lock:
            self._failures += 1
            self._probing = False
            self._until = self.clock() + REST


class Patience:
    """One upstream's pace. Threads may share it: they share the rate, too."""

    def __init__(
        self,
        per_second: float = PER_SECOND,
        tries: int = TRIES,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """``chance`` gives a number from 0 to 1; waits are a random share of what they could be (full jitter)."""
        self.breaker = Breaker(clock)
        self._gap = 1 / per_second
        self._tries = tries
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._next = 0.0
        self._lock = threading.Lock()

    def send(self, request: Callable[[], requests.Response]) -> requests.Response:
        """Send a request until it has an answer that is not a passing one, and return the answer.

        Raises:
            UpstreamError: there was none, ``tries`` times or before; or the upstream is not asked just now.
        """
        attempt = 0
        while True:
            attempt += 1
            answer, fault = self._once(request)
            if answer is not None and answer.status_code not in _PASSING:
                return answer
            wait = self._wait(attempt, answer) if attempt < self._tries else None
            if wait is None:
                raise _given_up(answer, fault)
            self._sleep(wait)

    def _once(self, request: Callable[[], requests.Response]) -> tuple[requests.Response | None, str]:
        self.breaker.enter()
        try:
            self._take_turn()
            answer, fault = _tried(request)
        except BaseException:
            # interrupted while finding out: somebody else may
            self.breaker.failed()
            raise
        # a service that says it is busy is there
        down = answer is None or (answer.status_code in _PASSING and answer.status_code != _BUSY)
        (self.breaker.failed if down else self.breaker.succeeded)()
        return answer, fault

    def _take_turn(self) -> None:
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._gap
        if turn > now:
            self._sleep(turn - now)

    def _wait(self, attempt: int, answer: requests.Response | None) -> float | None:
        """Return how long to wait before the next try, or None where the upstream asks for longer than we can wait."""
        ordered = _ordered(answer) if answer is not None else None
        if ordered is not None:
            return ordered if ordered <= _LONGEST_ORDERED else None
        return self._chance() * min(_LONGEST_WAIT, _FIRST_WAIT * 2.0**attempt)


def _given_up(answer: requests.Response | None, fault: str) -> UpstreamError:
    if answer is None:
        return UpstreamError(f"PDS did not answer ({fault})", reason="upstream-silent")
    return UpstreamError(f"PDS answered {answer.status_code}", reason="upstream-refused")


def _tried(request: Callable[[], requests.Response]) -> tuple[requests.Response | None, str]:
    try:
        return request(), ""
    except requests.RequestException as fault:
        return None, type(fault).__name__


def _ordered(answer: requests.Response) -> float | None:
    """Read ``Retry-After``: seconds, or a date (RFC 9110)."""
    said = answer.headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdecimal():
        return float(said)
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
