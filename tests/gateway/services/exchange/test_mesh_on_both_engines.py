"""A file in, a killed poller, a response out, once on each database."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

import pytest

from gateway.services.exchange import mailboxes
from gateway.storage.mailbox import MessageState
from ig.purpose import Purpose
from tests.gateway.houses import AMINA, make_town, opened, persona
from tests.gateway.services.exchange.sandbox import COUNCIL, STAMP, asks, mpt_file, polled
from tests.gateway.services.exchange.test_mesh_broken_off import SIGKILL, dying

if TYPE_CHECKING:
    from gateway.settings import Settings
    from gateway.transports.mesh import MeshPost
    from tests.gateway.services.exchange.sandbox import Box, Sandbox


@pytest.mark.peers
def test_a_response_is_sent_once_on_either_database(
    settings: Settings, sandbox: Sandbox, ours: MeshPost, council: Box
) -> None:
    told = settings.model_copy(update={**sandbox.settings(), "index_max_age_days": 36_500, "organisation": "999"})
    make_town(told)
    with opened(told) as house:
        mailboxes.allow(house, persona(house, "ig-officer", Purpose.IG_AUDIT), COUNCIL, "data-team")
        message_id = council.send(mpt_file([asks(AMINA)]), "SPINE_MPTPHASE4_TRACE", f"MPTREQ_{STAMP}.csv")
        child = multiprocessing.get_context("fork").Process(target=dying, args=(told, "sent-and-not-known"))
        child.start()
        child.join(60)
        assert child.exitcode == SIGKILL
        assert house.stores.mailbox.get(message_id).state is MessageState.SENDING
        assert polled(house, ours).answered == 1
        assert len(council.responses()) == 1
        assert list(ours.waiting()) == []
