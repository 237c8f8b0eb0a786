"""A subscriber: a real HTTP server in a thread that checks what it is sent as Standard Webhooks says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Call:
    """One request as it came in."""

    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def id(self) -> str:
        """The message's id, the same over retries."""
        return self.headers["webhook-id"]

    @property
    def told(self) -> dict[str, Any]:
        """The body."""
        read: dict[str, Any] = json.loads(self.body)
        return read

    def is_signed(self, secret: str) -> bool:
        """Whether one of the signatures is that of this secret (``whsec_…``)."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return f"v1,{wanted}" in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """What came in, in order; ``answers`` says how the next request is answered: a status, or 0 to hang up."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answers: Callable[[], int] = lambda: 204

    @property
    def taken(self) -> list[Call]:
        """The requests that were answered with success."""
        return [call for call in self.calls if 200 <= call.status < 300]


@contextmanager
def listening() -> Iterator[Receiver]:
    """Listen on this machine for as long as the block lasts."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = receiver.answers()
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.calls.append(Call(headers, body, status))
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("location", f"{receiver.url}/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
