"""Whatever is broken off, a response is sent once: SIGKILL at every stage, and a MESH that answers late or never.

A poller that dies here is a child of this process, forked just before: it has its own connections, and nothing that it
has not committed or sent is left of it.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from adapters.spine.tracing import Code
from gateway.errors import Conflict, NotPermitted, UpstreamError
from gateway.house import open_house
from gateway.services.exchange import mailboxes
from gateway.services.exchange.place import Place, root, unfit
from gateway.services.exchange.post import Begun, Fate, Tracked
from gateway.storage.mailbox import MessageState
from gateway.transports.mesh import MeshPost, account
from ig.purpose import Purpose
from tests.gateway.houses import AMINA, BRAM, persona
from tests.gateway.services.exchange.sandbox import OURS, STAMP, Box, asks, mpt_file, polled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.house import House
    from gateway.services.exchange.post import Envelope, Parcel
    from gateway.settings import Settings
    from gateway.storage.mailbox import Message

MPT: Final = "SPINE_MPTPHASE4_TRACE"
NAME: Final = f"MPTREQ_{STAMP}.csv"
FILE: Final = mpt_file([asks(AMINA, "r0"), *(asks(BRAM, f"r{place}") for place in range(1, 20))])
SIGKILL: Final = -9

STAGES: Final = {
    "seen": ("gateway.storage.mailbox", "Mailbox.take", 1),
    "taken": ("gateway.services.exchange.place", "Place.make", 1),
    "taken-in": ("gateway.services.exchange.answer", "opened", 1),
    "traced": ("gateway.services.exchange.answer", "_record", 1),
    "told-the-ledger": ("gateway.storage.mailbox", "Mailbox.move", 1),
    "answered": ("gateway.storage.mailbox", "Mailbox.move", 2),
    "sending": ("gateway.transports.mesh", "MeshPost.begin", 1),
    "first-piece-sent": ("gateway.transports.mesh", "MeshPost.go_on", 1),
    "second-piece-sent": ("gateway.transports.mesh", "MeshPost.go_on", 2),
    "sent-and-not-known": ("gateway.storage.mailbox", "Mailbox.move", 3),
    "sent": ("gateway.transports.mesh", "MeshPost.acknowledge", 1),
    "acknowledged-and-not-known": ("gateway.storage.mailbox", "Mailbox.move", 4),
}


def dying(settings: Settings, stage: str) -> None:
    """Poll, and be killed before the call that the stage names."""
    module, path, nth = STAGES[stage]
    owner: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    real, calls = getattr(owner, name), 0

    def fatal(*args: object, **more: object) -> object:
        nonlocal calls
        calls += 1
        if calls == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **more)

    setattr(owner, name, fatal)
    polled(open_house(settings), MeshPost(account(settings)))


@pytest.mark.parametrize("stage", STAGES)
def test_a_poller_killed_at_any_stage_leaves_a_message_that_is_answered_once(
    stage: str, house_with: Callable[..., House], ours: MeshPost, council: Box
) -> None:
    house = house_with(mesh_chunk_bytes=1024)
    first, second = (council.send(FILE, MPT, NAME) for _ in range(2))
    child = multiprocessing.get_context("fork").Process(target=dying, args=(house.settings, stage))
    child.start()
    child.join(60)
    assert child.exitcode == SIGKILL
    # the killed one's lease is free at once, since its process is gone
    assert polled(house, ours).failed == 0
    held = [house.stores.mailbox.get(one) for one in (first, second)]
    assert [one.state for one in held] == [MessageState.ACKNOWLEDGED] * 2
    assert sorted(envelope.local_id for envelope, _content in council.responses()) == sorted(
        one.local_id for one in held
    )
    assert list(ours.waiting()) == []
    assert list(root(house.settings).iterdir()) == []


class Odd:
    """A mailbox that behaves as the real one, but where a test says otherwise."""

    def __init__(self, post: MeshPost, **otherwise: object) -> None:
        self._post = post
        self._otherwise = otherwise

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the real one has
        return self._otherwise.get(name) or getattr(self._post, name)


def test_a_response_that_mesh_took_without_a_word_is_found_by_its_local_id(
    house_with: Callable[..., House], ours: MeshPost, council: Box
) -> None:
    house = house_with(mesh_settle_seconds=3600)

    def silent(parcel: Parcel, chunk: bytes) -> Begun:
        ours.begin(parcel, chunk)
        raise UpstreamError("MESH did not answer (ReadTimeout)", reason="mesh-silent")

    message_id = council.send(FILE, MPT, NAME)
    assert polled(house, Odd(ours, begin=silent)).failed == 1
    assert house.stores.mailbox.get(message_id).state is MessageState.SENDING
    assert polled(house, ours).answered == 0, "not before MESH has had time to know"
    house.settings = house.settings.model_copy(update={"mesh_settle_seconds": 0})
    assert polled(house, ours).answered == 1
    assert len(council.responses()) == 1
    assert house.stores.mailbox.get(message_id).sent_id


def test_a_response_that_never_arrived_is_sent_once_more(house: House, ours: MeshPost, council: Box) -> None:
    def silent(_parcel: Parcel, _chunk: bytes) -> Begun:
        raise UpstreamError("MESH did not answer (ConnectionError)", reason="mesh-silent")

    council.send(FILE, MPT, NAME)
    assert polled(house, Odd(ours, begin=silent)).failed == 1
    assert polled(house, ours).answered == 1
    assert len(council.responses()) == 1


def test_what_mesh_does_not_take_is_tried_again_and_shown(house: House, ours: MeshPost, council: Box) -> None:
    message_id = council.send(FILE, MPT, NAME)
    refusing = Odd(ours, begin=lambda _parcel, _chunk: Begun(refused="mesh-12"))
    for _ in range(3):
        assert polled(house, refusing).failed == 1
    (stuck,) = house.stores.mailbox.standing(OURS).stuck
    assert (stuck.message_id, stuck.state, stuck.trouble) == (message_id, MessageState.ANSWERED, "mesh-12")
    assert polled(house, ours).answered == 1
    assert house.stores.mailbox.get(message_id).trouble == ""


def broken_off(house: House, ours: MeshPost, council: Box, **otherwise: object) -> Message:
    """A message whose response was under way when something went wrong."""
    message_id = council.send(FILE, MPT, NAME)
    assert polled(house, Odd(ours, **otherwise)).failed == 1
    return house.stores.mailbox.get(message_id)


def no_more(*_piece: object) -> None:
    raise UpstreamError("MESH did not answer (ConnectionError)", reason="mesh-silent")


def test_an_upload_that_cannot_go_on_as_it_began_gives_way_to_another(
    house_with: Callable[..., House], ours: MeshPost, council: Box
) -> None:
    """The response is no longer here, or goes in pieces of another size: the first upload is never finished."""
    house = house_with(mesh_chunk_bytes=1024)
    left = broken_off(house, ours, council, go_on=no_more)
    Place.of(house.settings, left).clear()
    assert polled(house, ours).answered == 1
    left = broken_off(house, ours, council, go_on=no_more)
    house.settings = house.settings.model_copy(update={"mesh_chunk_bytes": 2000})
    assert polled(house, ours).answered == 1
    assert house.stores.mailbox.get(left.message_id).edition == 1
    assert len(council.responses()) == 2


def test_a_response_that_mesh_could_not_deliver_is_shown(house: House, ours: MeshPost, council: Box) -> None:
    left = broken_off(house, ours, council, begin=no_more)
    failed = Odd(ours, track=lambda _local_id: Tracked(Fate.FAILED, "LOST"))
    polled(house, failed)
    assert [one.message_id for one in house.stores.mailbox.standing(OURS).undelivered] == [left.message_id]


def test_a_mesh_that_has_stopped_telling_is_not_taken_for_one_that_says_no(
    house: House, ours: MeshPost, council: Box
) -> None:
    """It does not know a response that it is known to have taken: a person looks, and says how it is."""
    officer = persona(house, "ig-officer", Purpose.IG_AUDIT)
    council.send(FILE, MPT, NAME)
    polled(house, ours)
    forgetful = Odd(ours, track=lambda _local_id: None)

    def taken_in_silence(*piece: Any) -> None:  # noqa: ANN401 - what `begin` takes
        ours.begin(*piece)
        no_more()

    sent = broken_off(house, ours, council, begin=taken_in_silence)
    for _ in range(3):
        assert polled(house, forgetful).failed == 1
    (stuck,) = house.stores.mailbox.standing(OURS).stuck
    assert (stuck.message_id, stuck.trouble) == (sent.message_id, "mesh-tracking")
    with pytest.raises(NotPermitted):
        mailboxes.settle(house, persona(house, "data-team"), sent.message_id, sent=True)
    mailboxes.settle(house, officer, sent.message_id, sent=True)
    with pytest.raises(Conflict):
        mailboxes.settle(house, officer, sent.message_id, sent=False)
    assert polled(house, forgetful).answered == 1
    assert len(council.responses()) == 2
    lost = broken_off(house, ours, council, begin=no_more)
    mailboxes.settle(house, officer, lost.message_id, sent=False)
    assert polled(house, forgetful).answered == 1
    assert len(council.responses()) == 3


def test_a_workflow_taken_off_while_its_answer_waits_is_shown(house: House, ours: MeshPost, council: Box) -> None:
    refusing = Odd(ours, begin=lambda _parcel, _chunk: Begun(refused="mesh-12"))
    message_id = council.send(FILE, MPT, NAME)
    polled(house, refusing)
    house.settings = house.settings.model_copy(update={"mesh_workflows": "OTHER=mpt:OTHER_BACK"})
    assert polled(house, ours).failed == 1
    assert house.stores.mailbox.get(message_id).trouble == "workflow-unknown"


def test_a_response_that_is_no_longer_here_is_written_again(house: House, ours: MeshPost, council: Box) -> None:
    message_id = council.send(FILE, MPT, NAME)
    polled(house, Odd(ours, begin=lambda _parcel, _chunk: Begun(refused="mesh-12")))
    Place.of(house.settings, house.stores.mailbox.get(message_id)).clear()
    assert polled(house, ours).answered == 1
    assert len(council.responses()) == 1


def test_a_copy_of_ours_that_cannot_be_read_is_not_the_senders_fault(
    house: House, ours: MeshPost, council: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_where: object) -> None:
        raise unfit(Code.PARSE_ERROR, "unreadable", "the file could not be read")

    message_id = council.send(FILE, MPT, NAME)
    with monkeypatch.context() as disk:
        disk.setattr("gateway.services.exchange.answer.opened", broken)
        assert polled(house, ours).failed == 1
    assert house.stores.mailbox.get(message_id).trouble == "unreadable"
    assert council.responses() == []
    assert polled(house, ours).answered == 1


def test_an_encrypted_file_is_refused(house: House, ours: MeshPost, council: Box) -> None:
    @contextmanager
    def sealed(message_id: str) -> Iterator[tuple[Envelope, Iterator[bytes]]]:
        with ours.opened(message_id) as (envelope, blocks):
            yield replace(envelope, encrypted=True), blocks

    council.send(FILE, MPT, NAME)
    assert polled(house, Odd(ours, opened=sealed)).refused == 1
    assert council.the_response()[1].endswith(b",0,01\n")


def test_a_long_trace_goes_on_holding_its_message(
    house: House, ours: MeshPost, council: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed: list[Message] = []
    monkeypatch.setattr("gateway.services.exchange.steps._RENEW_EVERY", 0.0)
    monkeypatch.setattr(house.stores.mailbox, "renew", renewed.append)
    council.send(FILE, MPT, NAME)
    assert polled(house, ours).answered == 1
    assert len(renewed) == 20
