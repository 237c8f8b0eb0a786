"""One trace through HTTP: token, decision, durable disclosure row, candidates, score, FHIR; two workers of the product.

The server is ``gateway serve`` in a process of its own, on the same cores as what asks it. Arrivals at random are
measured from their appointed time; saturation is `wrk`'s, over 8 connections, where it is installed. Both beside the
empty route in the same minute, because machines drift.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from bench.bench_trace import queries, rows_of
from bench.house import demo_house, load_people
from bench.result import Result, percentile
from gateway.auth.tokens import issue_token
from gateway.services.governance.callers import named_caller
from ig.purpose import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkage.person import Demographics

PEOPLE: Final = 1_000_000
RATE: Final = 150
SECONDS: Final = 20
CONNECTIONS: Final = 16
SATURATED: Final = 8
EMPTY: Final = "/health/live"
SEARCH: Final = "/personal-demographics/FHIR/R4/Patient?"


def measure(scratch: Path, scale: float) -> Iterator[Result]:
    """Arrivals at random, then as many as eight connections can ask, each beside the empty route."""
    people = int(PEOPLE * scale)
    targets, token = _prepare(scratch, people)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
    work = f"one trace through HTTP, {people:,} people"
    with _served(scratch) as port:
        _arrivals(port, headers, targets, seconds=3)  # both workers have made their matcher and warmed their pages
        empty = _arrivals(port, headers, [EMPTY])
        late = _arrivals(port, headers, targets)
        half, most = percentile(late, 0.5), percentile(late, 0.99)
        open_loop = f"{work}, {RATE}/s arriving at random"
        ratio = percentile(empty, 0.5) / half
        yield Result(open_loop, "p50", half, "ms", at_most=5, peer="the empty route", ratio=ratio)
        yield Result(open_loop, "p99", most, "ms", at_most=20)
        if shutil.which("wrk") is None:
            return
        floor = _saturated(port, scratch, headers, [EMPTY])
        rate = _saturated(port, scratch, headers, targets)
        full = f"{work}, {SATURATED} connections (wrk)"
        yield Result(full, "rate", rate, "/s", at_least=600, peer="the empty route", ratio=rate / floor)


def _prepare(scratch: Path, people: int) -> tuple[list[str], str]:
    """Load an index; return the searches to ask and the token to ask them with."""
    with demo_house(scratch) as house:
        asked = queries(rows_of(load_people(house, scratch, people)))
        token = issue_token(house, named_caller(house, "social-worker", Purpose.DEMOGRAPHIC_TRACE))
    return [SEARCH + urlencode(_parameters(who)) for who in asked], token


def _parameters(who: Demographics) -> dict[str, str]:
    said = {
        "family": who.family,
        "given": who.given,
        "birthdate": f"eq{who.birth_date}",
        "address-postalcode": who.postcode,
        "_fuzzy-match": "true",
        "_max-results": "50",
    }
    return {name: value for name, value in said.items() if value}


@contextmanager
def _served(scratch: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [str(Path(sys.executable).parent / "gateway"), "--data-dir", str(scratch / "var")]
    environment = {**os.environ, "GATEWAY_INDEX_MAX_AGE_DAYS": "36500"}
    with (scratch / "server.txt").open("wb") as said:
        server = subprocess.Popen([*command, "serve", "--port", str(port)], stdout=said, stderr=said, env=environment)
        try:
            _wait_for(port)
            yield port
        finally:
            server.terminate()
            server.wait(30)


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", EMPTY)
            connection.getresponse().read()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            connection.close()
            return


def _arrivals(port: int, headers: dict[str, str], targets: list[str], seconds: int = SECONDS) -> list[float]:
    """Milliseconds to the whole answer of each question; every answer must be 200."""
    asked = {
        "port": port,
        "headers": headers,
        "targets": targets,
        "rate": RATE,
        "seconds": seconds,
        "connections": CONNECTIONS,
    }
    generator = str(Path(__file__).with_name("arrivals.py"))
    done = subprocess.run(
        [sys.executable, generator], input=json.dumps(asked), check=True, stdout=subprocess.PIPE, text=True
    )
    told = json.loads(done.stdout)
    if set(told["statuses"]) != {"200"}:
        message = f"answers other than 200: {told['statuses']}"
        raise RuntimeError(message)
    return list(told["late"])


def _saturated(port: int, scratch: Path, headers: dict[str, str], targets: list[str]) -> float:
    """Requests a second of 8 connections that never wait, best of three; every answer must be 200."""
    script = scratch / "ask.lua"
    script.write_text(_script(headers, targets), "utf-8")
    command = ["wrk", "-t1", f"-c{SATURATED}", "-d5s", "-s", str(script), f"http://127.0.0.1:{port}"]
    rates = []
    for _ in range(3):
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        if "Non-2xx" in said or "Socket errors" in said:
            raise RuntimeError("answers other than 2xx under load")
        rates.append(float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0]))
    return max(rates)


def _script(headers: dict[str, str], targets: list[str]) -> str:
    """What `wrk` is to send: each target in turn, under a request id of its own."""
    paths = ",\n".join(json.dumps(target) for target in targets)
    fixed = "\n".join(f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items())
    return (
        f"local paths = {{\n{paths}\n}}\nlocal turn = 0\n{fixed}\n"
        "function request()\n"
        "  turn = turn + 1\n"
        '  wrk.headers["X-Request-ID"] = string.format("00000000-0000-4000-8000-%012x", turn)\n'
        "  return wrk.format(nil, paths[turn % #paths + 1])\n"
        "end\n"
    )
