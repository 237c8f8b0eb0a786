"""What the mailbox's client promises whatever the service answers: our errors, our words, nobody's secrets."""

from __future__ import annotations

import importlib
import inspect
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from gateway.errors import InputError, NotFound, UpstreamError
from gateway.services.exchange.post import Begun, Fate, Parcel, Tracked
from gateway.settings import load_settings
from gateway.transports import mesh
from gateway.transports.mesh import Account, MeshPost, account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Answering = Callable[..., MeshPost]

SETTINGS = {
    "GATEWAY_MESH_URL": "https://mesh.example",
    "GATEWAY_MESH_MAILBOX": "x26abc2",
    "GATEWAY_MESH_PASSWORD": "not a secret",
    "GATEWAY_MESH_SHARED_KEY": "not a key",
}
PARCEL = Parcel("X26ABC1", "WORKFLOW", "RESP.csv", "local", "", 2)
LARGE = 4 * 1024 * 1024


@pytest.fixture(autouse=True)
def _no_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh, "_RETRIES", 0)


@pytest.fixture
def answering() -> Iterator[Answering]:
    """A server that gives one answer to every request, and a mailbox on it."""
    servers: list[ThreadingHTTPServer] = []
    posts: list[MeshPost] = []

    def start(status: int, body: object = None, length: int | None = None, **headers: str) -> MeshPost:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                self.send_header("Content-Length", str(len(content) if length is None else length))
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(content)
                self.close_connection = True

            def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - do_GET, do_POST, do_PUT
                if name.startswith("do_"):
                    return self.answer
                raise AttributeError(name)

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        held = Account(f"http://127.0.0.1:{server.server_address[1]}", "X26ABC2", "not a secret", "not a key")
        posts.append(MeshPost(held))
        return posts[-1]

    yield start
    for post in posts:
        post.close()
    for server in servers:
        server.shutdown()
        server.server_close()


def calls(post: MeshPost) -> dict[str, Callable[[], object]]:
    """Everything that can be asked of a mailbox."""

    def opened() -> bytes:
        with post.opened("M1") as (_envelope, blocks):
            return b"".join(blocks)

    return {
        "validate": post.validate,
        "waiting": lambda: list(post.waiting()),
        "opened": opened,
        "begin": lambda: post.begin(PARCEL, b"a"),
        "go_on": lambda: post.go_on("S1", PARCEL, 2, b"b"),
        "track": lambda: post.track("local"),
        "acknowledge": lambda: post.acknowledge("M1"),
    }


def told(fault: BaseException) -> str:
    """All that an error says, with what it came from."""
    return f"{fault} {fault!r}" + (told(fault.__cause__) if fault.__cause__ else "")


@pytest.mark.parametrize("call", ["validate", "waiting", "opened", "go_on", "track", "acknowledge"])
@pytest.mark.parametrize("status", [403, 500])
def test_a_service_that_fails_is_told_by_its_status_and_nothing_else(
    call: str, status: int, answering: Answering
) -> None:
    with pytest.raises(UpstreamError) as fault:
        calls(answering(status, {"secret": "Patelova"}))[call]()
    assert str(fault.value) == f"MESH answered {status}"
    assert not any(word in told(fault.value) for word in ("Patelova", "X26ABC2", "127.0.0.1", "secret", "key"))


@pytest.mark.parametrize("call", ["validate", "waiting", "opened", "begin", "go_on", "track", "acknowledge"])
def test_a_service_that_is_not_there_is_an_upstream_error(call: str) -> None:
    post = MeshPost(Account("http://127.0.0.1:9", "X26ABC2", "not a secret", "not a key"))
    with pytest.raises(UpstreamError) as fault:
        calls(post)[call]()
    post.close()
    assert fault.value.reason == "mesh-silent"
    assert not any(word in told(fault.value) for word in ("X26ABC2", "127.0.0.1", "secret", "key"))


@pytest.mark.parametrize("body", [b"<xml/>", [], {}, {"message_id": 7}, {"message_id": "../../outbox"}, None])
@pytest.mark.parametrize("call", ["waiting", "begin", "track"])
def test_an_answer_of_another_shape_is_an_upstream_error_or_nothing(
    call: str, body: object, answering: Answering
) -> None:
    try:
        found = calls(answering(200, body))[call]()
    except UpstreamError:
        return
    assert found in ([], Tracked(Fate.ACCEPTED)), "an empty inbox, or an acceptance that names nothing"


def test_whether_a_message_was_taken_is_known_or_an_error(answering: Answering) -> None:
    def begun(status: int, body: object) -> Begun:
        return answering(status, body).begin(PARCEL, b"a")

    assert begun(202, {"message_id": "S1"}) == Begun(sent_id="S1")
    assert begun(417, {"detail": [{"code": "12", "msg": "Unregistered to address"}]}) == Begun(refused="mesh-12")
    assert begun(417, {"errorCode": "EPL-151"}) == Begun(refused="mesh-EPL-151")
    assert begun(400, {"detail": "Patelova"}) == Begun(refused="mesh-400")
    assert begun(403, b"not JSON") == Begun(refused="mesh-403")
    with pytest.raises(UpstreamError):
        begun(503, {})


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (404, None, None),
        (300, None, Tracked(Fate.ACCEPTED)),
        (200, {"messageId": "S1", "status": "Accepted", "chunkCount": 2}, Tracked(Fate.ACCEPTED, "S1", 2)),
        (200, {"messageId": "S1", "status": "Acknowledged"}, Tracked(Fate.ACCEPTED, "S1")),
        (200, {"message_id": "S1", "status": "uploading"}, Tracked(Fate.UPLOADING, "S1")),
        (200, {"messageId": "S1", "status": "Undeliverable"}, Tracked(Fate.FAILED, "S1")),
    ],
)
def test_what_became_of_a_message_is_read_from_either_version_of_the_answer(
    status: int, body: object, found: Tracked | None, answering: Answering
) -> None:
    assert answering(status, body).track("local") == found


@pytest.mark.parametrize("status", [404, 410])
def test_a_message_that_is_gone_is_not_found_and_need_not_be_acknowledged(status: int, answering: Answering) -> None:
    post = answering(status)
    with pytest.raises(NotFound) as fault, post.opened("M1"):
        pass
    assert fault.value.reason == "message-gone"
    post.acknowledge("M1")


def test_a_message_that_breaks_off_is_not_taken_for_a_whole_one(answering: Answering) -> None:
    post = answering(200, b"half of it", length=LARGE)
    with pytest.raises(UpstreamError) as fault, post.opened("M1") as (_envelope, blocks):
        b"".join(blocks)
    assert fault.value.reason == "mesh-silent"


def test_what_is_written_on_a_message_is_read_and_nothing_strange_with_it(answering: Answering) -> None:
    plain = {"Mex_From": "x26abc1", "Mex_WorkflowID": "WF_1", "Mex_FileName": "a b.csv", "Mex_LocalID": "mine"}
    with answering(200, b"x", **plain).opened("M1") as (envelope, _blocks):
        assert (envelope.sender, envelope.workflow, envelope.file_name) == ("X26ABC1", "WF_1", "a b.csv")
        assert (envelope.local_id, envelope.report, envelope.encrypted, envelope.about) == ("mine", False, False, "")
    odd = {"Mex_From": "../x", "Mex_WorkflowID": "a b", "Mex_FileName": "m1.DAT", "Mex_Content_Encrypted": "Y"}
    report = {"Mex_MessageType": "REPORT", "Mex_LinkedMsgID": "S1"}
    with answering(200, b"x", **odd, **report).opened("M1") as (envelope, _blocks):
        assert (envelope.sender, envelope.workflow, envelope.file_name) == ("", "", "")
        assert (envelope.report, envelope.about, envelope.encrypted) == (True, "S1", True)


def test_strange_ids_in_the_inbox_are_passed_over(answering: Answering) -> None:
    post = answering(200, {"messages": ["20260312_AB12", "../../outbox", "a b"]})
    assert list(post.waiting()) == ["20260312_AB12"]


@pytest.mark.parametrize("missing", SETTINGS)
def test_a_setting_that_is_missing_is_named(missing: str) -> None:
    with pytest.raises(InputError) as fault:
        account(load_settings({name: value for name, value in SETTINGS.items() if name != missing}))
    assert (fault.value.reason, fault.value.field) == ("mesh-not-set", missing)


@pytest.mark.parametrize(
    "other",
    [
        {"GATEWAY_MESH_URL": "http://mesh.example"},
        {"GATEWAY_MESH_URL": "ftp://127.0.0.1"},
        {"GATEWAY_MESH_CERT": "a.pem"},
        {"GATEWAY_MESH_MAILBOX": "../x"},
    ],
)
def test_an_unsafe_setting_is_refused(other: dict[str, str]) -> None:
    with pytest.raises(InputError) as fault:
        account(load_settings(SETTINGS | other))
    assert fault.value.reason == "setting"


def test_certificates_that_cannot_be_read_are_refused_without_their_content(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text("not a certificate")
    given = {"GATEWAY_MESH_CERT": str(tmp_path / "a.pem"), "GATEWAY_MESH_KEY": str(tmp_path / "b.pem")}
    with pytest.raises(InputError) as fault:
        MeshPost(account(load_settings(SETTINGS | given)))
    assert str(tmp_path) not in told(fault.value)


def test_secrets_are_in_no_representation() -> None:
    settings = load_settings(SETTINGS)
    for shown in (repr(settings), str(settings), repr(account(settings))):
        assert "not a secret" not in shown
        assert "not a key" not in shown
    assert account(settings).mailbox == "X26ABC2"


def raised_by(module: str) -> set[type[Exception]]:
    """The exceptions that a library defines."""
    members = inspect.getmembers(importlib.import_module(module), inspect.isclass)
    kinds = {kind for _name, kind in members if issubclass(kind, Exception) and kind.__module__.startswith(module)}
    return {kind for kind in kinds if not issubclass(kind, Warning)}


@pytest.mark.parametrize("module", ["mesh_client", "requests.exceptions", "urllib3.exceptions"])
def test_every_error_of_the_libraries_becomes_ours(
    module: str, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = answering(200)
    for kind in raised_by(module):
        fault = kind.__new__(kind)
        fault.__dict__["response"] = None

        def fail(*_args: object, _fault: Exception = fault, **_more: object) -> None:
            raise _fault

        monkeypatch.setattr(post._client._session, "send", fail)
        with pytest.raises(UpstreamError):
            post.validate()
