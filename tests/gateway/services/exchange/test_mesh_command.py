"""``gateway mesh``: who may send, one look and many, sending a file, and how the mailbox stands."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.errors import NotPermitted
from gateway.services.exchange.fetch import fetch
from gateway.services.exchange.mailboxes import allow, deny, settle
from gateway.services.exchange.send import send_file
from gateway.services.progress import silent
from gateway.storage.mailbox import MessageState
from tests.gateway.houses import AMINA, Watch, persona
from tests.gateway.services.exchange.sandbox import COUNCIL, OURS, STAMP, STRANGER, asks, mpt_file
from tests.journeys.real import environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from gateway.house import House
    from gateway.transports.mesh import MeshPost
    from tests.gateway.services.exchange.sandbox import Box, Sandbox

    Mesh = Callable[..., Result]

MPT, NAME = "SPINE_MPTPHASE4_TRACE", f"MPTREQ_{STAMP}.csv"
FILE = mpt_file([asks(AMINA)])


@pytest.fixture
def mesh(house: House, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Mesh:
    """``gateway mesh …`` on the town, in this process; ``env`` is further settings."""
    told = {f"GATEWAY_{name.upper()}": str(value) for name, value in sandbox.settings().items()}
    told |= {"GATEWAY_MESH_SETTLE_SECONDS": "1"}

    def run(*words: str | Path, **env: str) -> Result:
        given = ["--data-dir", str(house.settings.data_dir), "mesh", *map(str, words)]
        return CliRunner().invoke(main, given, env=environment(told | env), catch_exceptions=False)

    return run


def test_a_house_without_a_mailbox_polls_none_and_says_what_to_set(mesh: Mesh) -> None:
    ran = mesh("poll", GATEWAY_MESH_URL="")
    assert (ran.exit_code, "set GATEWAY_MESH_URL" in ran.stderr, "[mesh-not-set]" in ran.stderr) == (2, True, True)
    assert mesh("status", GATEWAY_MESH_MAILBOX="").exit_code == 2
    assert mesh("poll", GATEWAY_MESH_WORKFLOWS="WF").exit_code == 2


def test_one_look_answers_and_the_status_tells(mesh: Mesh, council: Box, stranger: Box) -> None:
    assert "never polled" in mesh("status").stdout
    council.send(FILE, MPT, NAME)
    stranger.send(FILE, MPT, NAME)
    ran = mesh("poll")
    assert (ran.exit_code, ran.stdout) == (0, "2 new, 1 answered, 1 refused, 0 kept, 0 to try again\n")
    told = mesh("status")
    assert told.exit_code == 0
    assert told.stdout.startswith("waiting 0, answered 1, refused 1, kept 0, stuck 0\nlast polled 2")
    assert f"{COUNCIL} sends in the name of data-team" in told.stdout
    council.send(FILE, "LETTERS")
    mesh("poll")
    told = mesh("status")
    assert told.exit_code == 1
    assert f"from {COUNCIL}, LETTERS, kept [workflow-unknown]" in told.stdout


def test_governance_says_who_may_send_and_the_ledger_has_it(mesh: Mesh, house: House, stranger: Box) -> None:
    watch = Watch(house)
    assert "sends in the name of data-team" in mesh("allow", STRANGER.lower(), "data-team").stdout
    stranger.send(FILE, MPT, NAME)
    assert "1 answered" in mesh("poll").stdout
    assert mesh("deny", STRANGER).exit_code == 0
    assert mesh("deny", STRANGER).exit_code == 1, "it is not on the list"
    assert mesh("allow", "no mailbox!", "data-team").exit_code == 2
    assert mesh("allow", STRANGER, "nobody").exit_code == 3
    actions = [row.body["action"] for row in watch.rows("administration")]
    assert actions == ["mesh:allow", "mesh:answer", "mesh:deny", "mesh:deny"]


def test_a_file_is_sent_once_however_often_it_is_asked(mesh: Mesh, house: House, stranger: Box, tmp_path: Path) -> None:
    watch = Watch(house)
    path = tmp_path / NAME
    path.write_bytes(FILE * 20)
    words = ("send", path, "--to", STRANGER, "--workflow", MPT)
    first = mesh(*words, GATEWAY_MESH_CHUNK_BYTES="1024")
    assert (first.exit_code, " sent: message " in first.stdout) == (0, True)
    assert "had been sent before" in mesh(*words).stdout
    envelope, content = stranger.the_response()
    assert (envelope.file_name, envelope.workflow, content) == (NAME, MPT, FILE * 20)
    accented = path.rename(tmp_path / "Aufgeführt.csv")
    assert mesh("send", accented, *words[2:], "--again").exit_code == 0
    assert stranger.responses()[-1][0].file_name == "file"
    path.write_bytes(FILE)
    assert len(stranger.responses()) == 2
    assert mesh("send", path, "--to", "NOSUCH", "--workflow", MPT).exit_code == 4
    (tmp_path / "empty").touch()
    assert mesh("send", tmp_path / "empty", "--to", STRANGER, "--workflow", MPT).exit_code == 2
    assert mesh("send", path, "--to", "A\nB", "--workflow", MPT).exit_code == 2
    assert mesh("send", path, "--to", STRANGER, "--workflow", "A B").exit_code == 2
    rows = [row.body for row in watch.rows("administration")]
    assert [(row["actor"]["subject"], row["target"]) for row in rows] == [
        ("data-team", STRANGER),
        ("data-team", STRANGER),
        ("data-team", "NOSUCH"),
    ]


def test_what_is_not_to_be_answered_is_fetched(
    mesh: Mesh, house: House, ours: MeshPost, stranger: Box, tmp_path: Path
) -> None:
    watch = Watch(house)
    kept = stranger.send(gzip.compress(FILE), "SPINE_MPT_RESPONSE", "Patelova.csv")
    other = stranger.send(FILE, "LETTERS")
    mesh("poll")
    words = ("fetch", "--workflow", "SPINE_MPT_RESPONSE", "--out", tmp_path)
    assert mesh(*words).stdout == f"{kept}.dat\n"
    assert (tmp_path / f"{kept}.dat").read_bytes() == FILE
    assert [path.name for path in tmp_path.glob("*.*")] == [f"{kept}.dat"]
    assert list(ours.waiting()) == [other]
    assert [one.message_id for one in house.stores.mailbox.standing(OURS).kept] == [other]
    rows = [row.body for row in watch.rows("administration")]
    assert [row["action"] for row in rows] == ["mesh:fetch", "mesh:take-out"]
    assert {row["actor"]["subject"] for row in rows} == {"data-team"}
    assert mesh(*words).stdout == ""
    assert mesh("fetch", "--workflow", MPT, "--out", tmp_path).exit_code == 2, "that one is answered"


def test_looking_again_and_again_goes_on_after_a_failure(
    mesh: Mesh, council: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[int] = []

    def sleep(seconds: int) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("gateway.cli.mesh.sleep", sleep)
    council.send(FILE, MPT, NAME)
    ran = mesh("poll", "--forever", "--interval", "7")
    assert (ran.exit_code, slept) == (130, [7, 7])
    assert "1 answered" in ran.stdout
    slept.clear()
    ran = mesh("poll", "--forever", GATEWAY_MESH_PASSWORD="another")
    assert ran.stderr.count("MESH answered 403 [mesh-refused]; trying again in 60 s") == 2


def test_a_person_says_whether_a_response_was_sent(mesh: Mesh, house: House, council: Box) -> None:
    message_id = council.send(FILE, MPT, NAME)
    house.stores.mailbox.notice(OURS, [message_id])
    assert mesh("settle", message_id, "--sent").exit_code == 2, "nobody has begun to send"
    for answer, said, state in (
        ("--sent", "the next poll acknowledges it\n", MessageState.SENT),
        ("--not-sent", "the next poll sends it\n", MessageState.ANSWERED),
    ):
        with house.stores.transaction() as tx:
            tx.change("UPDATE mesh_message SET state = 'sending', sending_at = '2026-01-01T00:00:00+00:00'")
        assert mesh("settle", message_id, answer).stdout == said
        assert house.stores.mailbox.get(message_id).state is state


def test_a_message_that_fails_is_an_exit_code_and_the_others_are_answered(
    mesh: Mesh, house: House, council: Box
) -> None:
    council.send(FILE, MPT, NAME)
    with house.stores.transaction() as tx:
        tx.change("UPDATE caller SET state = 'revoked' WHERE subject = 'system-mesh'")
    assert mesh("poll").exit_code == 3, "nobody works here any more"


def test_files_are_put_in_and_taken_out_by_a_data_team(
    mesh: Mesh, house: House, ours: MeshPost, stranger: Box, tmp_path: Path
) -> None:
    """Whoever else tries is refused with a row; as is a practitioner who says whose files are traced."""
    path = tmp_path / NAME
    path.write_bytes(FILE)
    message_id = stranger.send(FILE, "LETTERS")
    watch = Watch(house)
    for caller in (persona(house, "social-worker"), persona(house, "reviewer")):
        with pytest.raises(NotPermitted):
            send_file(house, caller, ours, path, silent, to=STRANGER, workflow=MPT)
        with pytest.raises(NotPermitted):
            list(fetch(house, caller, ours, tmp_path, workflow="LETTERS", answered={}))
        with pytest.raises(NotPermitted):
            allow(house, caller, STRANGER, "data-team")
        with pytest.raises(NotPermitted):
            deny(house, caller, COUNCIL)
        with pytest.raises(NotPermitted):
            settle(house, caller, message_id, sent=True)
    assert [row.body["details"]["refused"] for row in watch.rows("administration")] == [True] * 10
    assert stranger.responses() == []
    assert list(ours.waiting()) == [message_id]
    assert [one.name for one in tmp_path.glob("*.*")] == [NAME]
