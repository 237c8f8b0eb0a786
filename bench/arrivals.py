"""Questions over HTTP that arrive at random at a steady rate, whether or not earlier ones are answered: an open loop.

A process of its own, so that it shares no interpreter with what it measures. Reads one JSON object from standard input
(``port``, ``headers``, ``targets``, ``rate`` a second, ``seconds``, ``connections``) and prints one: ``late`` are the
milliseconds from each question's appointed time to its whole answer, waiting for a free connection included, and
``statuses`` counts the answers. A closed loop would hide the waiting.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from http.client import HTTPConnection
from itertools import cycle
from queue import SimpleQueue
from random import Random
from typing import Any
from uuid import UUID

_SETTLING = 1.0


class _Questions:
    """The appointments not yet taken, and what became of those that were."""

    def __init__(self, asked: dict[str, Any]) -> None:
        rng = Random(5)  # the same arrivals every time
        self.waiting: SimpleQueue[tuple[float, str, str] | None] = SimpleQueue()
        self.late: list[float] = []
        self.statuses: Counter[int] = Counter()
        at = time.perf_counter() + _SETTLING
        for number, target in enumerate(cycle(asked["targets"])):
            at += rng.expovariate(asked["rate"])
            self.waiting.put((at, target, str(UUID(int=rng.getrandbits(128), version=4))))
            if number + 1 >= asked["rate"] * asked["seconds"]:
                break
        for _ in range(asked["connections"]):
            self.waiting.put(None)

    def ask(self, port: int, headers: dict[str, str]) -> None:
        """Keep one connection, and put the next question whenever its time has come."""
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        while appointment := self.waiting.get():
            at, target, name = appointment
            time.sleep(max(0.0, at - time.perf_counter()))
            connection.request("GET", target, headers={**headers, "X-Request-ID": name})
            answer = connection.getresponse()
            answer.read()
            self.late.append(1000 * (time.perf_counter() - at))
            self.statuses[answer.status] += 1
        connection.close()


def main() -> None:
    """Ask what standard input says, and print what came of it."""
    asked = json.load(sys.stdin)
    questions = _Questions(asked)
    threads = [
        threading.Thread(target=questions.ask, args=(asked["port"], asked["headers"]))
        for _ in range(asked["connections"])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"late": questions.late, "statuses": questions.statuses}))


if __name__ == "__main__":
    main()
