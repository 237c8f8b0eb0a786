"""A clock that nobody waits for, and a server on this machine that answers from a script."""

from __future__ import annotations

import json
import math
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from joserfc.jwk import RSAKey

from gateway.transports.pds_patience import Patience

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

KEY: Final = RSAKey.generate_key(2048)
"""An application's key."""


@dataclass
class Time:
    """Seconds that pass when somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.slept.append(seconds)
        self.now += seconds

    def patience(self, per_second: float = math.inf, tries: int = 5, chance: float = 1.0) -> Patience:
        """Return a pace that takes no time."""
        return Patience(per_second, tries, clock=self, sleep=self.sleep, chance=lambda: chance)


@dataclass(frozen=True)
class Said:
    """One answer of the server."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        """The bytes of it."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body or {}).encode()


@dataclass
class Server:
    """Where the server is, and every request it was sent: headers in small letters, ``path`` and ``form``."""

    base: str = ""
    seen: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def scripted(answers: Sequence[Said]) -> Iterator[Server]:
    """Serve these answers, one for each request, the last one for all that follow."""
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            form = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            told.seen.append({**{k.lower(): v for k, v in self.headers.items()}, "path": self.path, "form": form})
            said = answers[min(len(told.seen), len(answers)) - 1]
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said.data)))
            self.end_headers()
            self.wfile.write(said.data)

        do_GET = do_POST = _answer  # noqa: N815 - the library's own names

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    told.base = f"http://127.0.0.1:{server.server_address[1]}/R4"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()


def outcome(code: str) -> dict[str, Any]:
    """An OperationOutcome as PDS words it."""
    coding = {"system": "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode", "code": code}
    issue = {"severity": "error", "code": "value", "details": {"coding": [coding]}}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
