"""A file in the gateway's mailbox becomes a response in its sender's, against a real mesh-sandbox."""

from __future__ import annotations

import gzip
import stat
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from adapters.feed import Feed
from adapters.spine import dbs, mpt, pds_mesh
from adapters.spine.trace_responses import ResponseFile
from adapters.spine.tracing import Response
from gateway.errors import Unavailable, UpstreamError
from gateway.services.exchange import mailboxes
from gateway.services.exchange.place import Place, root
from gateway.services.governance.agreements import suspend
from gateway.services.governance.callers import add, revoke
from gateway.services.tracing.batch import trace_file
from gateway.services.tracing.formats import Format, opened
from gateway.storage.ledger import Ledger
from gateway.storage.mailbox import ANSWER_MARK, MessageState, Outcome
from ig.purpose import OrgClass, Purpose, Role
from tests.gateway.houses import AMINA, BRAM, HIDDEN, STRANGER, Watch, persona
from tests.gateway.services.exchange.sandbox import COUNCIL, OURS, STAMP, Box, asks, mesh_file, mpt_file, polled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import NoReturn

    from gateway.house import House
    from gateway.transports.mesh import MeshPost
    from tests.gateway.services.exchange.sandbox import Sandbox

MPT, MESH = "SPINE_MPTPHASE4_TRACE", "SPINE_PDS_MESH_V1"
NAME = f"MPTREQ_{STAMP}.csv"
ROWS = [asks(AMINA, "r0"), asks(STRANGER, "r1"), asks(HIDDEN, "r2"), asks(BRAM, "r3", BRAM.number)]
DBS = {"mesh_workflows": "DBS_REQUEST=dbs:DBS_RESPONSE,SPINE_MPTPHASE4_TRACE=mpt:SPINE_MPT_RESPONSE"}


def codes(content: bytes, service: mpt.Service = mpt.PHASE_4) -> tuple[str, list[str]]:
    """The file's code, and those of its rows."""
    file = ResponseFile(Feed("response", lambda: BytesIO(content)), service.response)
    return file.header.code, [row.code for row in file.rows() if isinstance(row, Response)]


def test_a_request_is_answered_in_its_senders_mailbox_and_leaves_ours(
    house: House, ours: MeshPost, council: Box, tmp_path: Path
) -> None:
    watch = Watch(house)
    message_id = council.send(mpt_file(ROWS), MPT, NAME)
    done = polled(house, ours)
    assert (done.new, done.answered, done.refused, done.kept, done.failed) == (1, 1, 0, 0, 0)
    envelope, content = council.the_response()
    held = house.stores.mailbox.get(message_id)
    assert codes(content) == ("00", ["00", "98", "92", "00"])
    assert (envelope.sender, envelope.workflow, envelope.local_id) == (OURS, "SPINE_MPT_RESPONSE", held.local_id)
    assert envelope.file_name == f"RESP_MPTREQ_{STAMP}_{held.seen_at:%Y%m%d%H%M%S}.csv"
    assert (held.state, held.outcome, held.rows) == (MessageState.ACKNOWLEDGED, Outcome.ANSWERED, 4)
    assert list(ours.waiting()) == []
    assert list(root(house.settings).iterdir()) == []

    request = tmp_path / NAME
    request.write_bytes(mpt_file(ROWS))
    trace_file(house, persona(house, "data-team"), opened(Format.MPT, request), tmp_path / "told")
    assert content == (tmp_path / "told").read_bytes(), "what gateway trace answers"

    batch, told = watch.rows("batch", "administration")[:2]
    assert batch.seq < told.seq, "whom it is about is durable before who it is for"
    row, said = batch.body, told.body
    assert (row["actor"]["subject"], row["purpose"], row["rows"]) == ("data-team", "demographic-trace", 4)
    assert (said["action"], said["target"], said["details"]["rows"]) == ("mesh:answer", COUNCIL, 4)
    assert said["details"]["response"] == held.response_hash
    assert AMINA.family not in watch.text()


def test_a_file_without_a_reference_is_answered_by_the_time_it_was_first_seen(
    house: House, ours: MeshPost, council: Box
) -> None:
    message_id = council.send(mesh_file(ROWS), MESH, "Patelova Amina.csv")
    polled(house, ours)
    envelope, content = council.the_response()
    stamp = f"{house.stores.mailbox.get(message_id).seen_at:%Y%m%d%H%M%S}"
    assert content.startswith(f"MPTREQ_{stamp},SPINE_MPT_RESPONSE,4,00".encode())
    assert envelope.file_name == f"RESP_MPTREQ_{stamp}_{stamp}.csv"
    assert len(list(ResponseFile(Feed("r", lambda: BytesIO(content)), pds_mesh.RESPONSE).rows())) == 4


def test_an_mpt_file_that_its_sender_gave_no_name_is_named_by_its_header(
    house: House, ours: MeshPost, council: Box
) -> None:
    council.send(mpt_file(ROWS, service=mpt.MPSAAS), "DSP_MPS")
    polled(house, ours)
    envelope, content = council.the_response()
    assert envelope.workflow == "DSP_MPS"
    assert envelope.file_name.endswith(".dat")
    assert codes(content, mpt.MPSAAS)[0] == "00"


def test_dbs_files_are_answered_where_a_workflow_is_configured_for_them(
    house_with: Callable[..., House], ours: MeshPost, council: Box
) -> None:
    header = dbs.Header(dbs.FileType.REQUEST, "001", dbs.Body.FIXED, "X09", "T1", STAMP, 7, len(ROWS))
    council.send(b"".join(dbs.write_requests(header, ROWS)), "DBS_REQUEST", "council.dat")
    polled(house_with(**DBS), ours)
    envelope, content = council.the_response()
    assert (envelope.workflow, content[:3]) == ("DBS_RESPONSE", b"001")
    assert envelope.file_name.startswith("RESP_DBS_")


def test_a_packed_file_and_one_in_pieces_are_read_whole(
    house_with: Callable[..., House], ours: MeshPost, council: Box
) -> None:
    many = mesh_file([asks(AMINA, f"r{place}") for place in range(60)])
    council.send(gzip.compress(many[:900]) + gzip.compress(many[900:]), MESH)
    council.send(many, MESH, chunks=4)
    polled(house_with(mesh_chunk_bytes=2048), ours)
    (packed, first), (pieces, second) = council.responses()
    assert first.splitlines()[1:] == second.splitlines()[1:], "but for the time in the header"
    assert len(first) > 2048, "it went in pieces too"
    assert packed.sender == pieces.sender == OURS


UNFIT = {
    "wrong-header": (b"Surname,Forename\nA,B\n", NAME, "01"),
    "row-count": (mpt_file(ROWS).replace(b",4\r\n", b",5\r\n"), NAME, "04"),
    "file-name": (mpt_file(ROWS), "Patelova.csv", "07"),
    "unknown-workflow": (mpt_file(ROWS).replace(b"SPINE", b"SPOON"), NAME, "03"),
    "broken-gzip": (b"\x1f\x8b\x08no gzip", NAME, "01"),
    "broken-gzip-end": (gzip.compress(mpt_file(ROWS))[:-9], NAME, "01"),
    "file-too-large": (b"x" * 5000, NAME, "06"),
}


@pytest.mark.parametrize("rule", UNFIT)
def test_a_file_that_cannot_be_answered_is_refused_with_the_services_code(
    rule: str, house_with: Callable[..., House], ours: MeshPost, council: Box
) -> None:
    content, name, code = UNFIT[rule]
    house = house_with(mesh_max_bytes=4096)
    watch = Watch(house)
    message_id = council.send(content, MPT, name)
    assert polled(house, ours).refused == 1
    _envelope, told = council.the_response()
    assert told.decode().rstrip().split(",")[1:] == ["SPINE_MPT_RESPONSE", "0", code]
    held = house.stores.mailbox.get(message_id)
    assert (held.state, held.outcome, held.rows) == (MessageState.ACKNOWLEDGED, Outcome.REFUSED, 0)
    assert rule.startswith(held.reason)
    (row,) = watch.rows()
    assert row.body["details"]["outcome"] == "refused"


def test_what_an_unknown_mailbox_sends_is_refused_and_nothing_of_it_is_traced(
    house: House, ours: MeshPost, stranger: Box
) -> None:
    watch = Watch(house)
    stranger.send(mpt_file(ROWS), MPT, NAME)
    assert polled(house, ours).refused == 1
    _envelope, told = stranger.the_response()
    assert told == f"MPTREQ_{STAMP},SPINE_MPT_RESPONSE,0,15\n".encode()
    (row,) = watch.rows()
    said = row.body
    assert (said["target"], said["details"]["reason"], said["details"]["rows"]) == ("X26ABC3", "mailbox-unknown", 0)


def test_a_sender_whom_nothing_lets_trace_is_refused(house: House, ours: MeshPost, council: Box) -> None:
    """A revoked caller; one whom no grant names; an agreement that is suspended; a mailbox off the list again."""
    officer = persona(house, "ig-officer", Purpose.IG_AUDIT)
    add(house, "board", "Board", "QZZ", OrgClass.ICB, Role.DATA_TEAM, [Purpose.DEMOGRAPHIC_TRACE])
    add(house, "leaver", "Leaver", "999", OrgClass.COUNCIL, Role.DATA_TEAM, [Purpose.DEMOGRAPHIC_TRACE])
    watch, reasons = Watch(house), []
    for subject in ("board", "leaver", "data-team", ""):
        if subject:
            mailboxes.allow(house, officer, COUNCIL, subject)
        else:
            mailboxes.deny(house, officer, COUNCIL)
        if subject == "leaver":
            revoke(house, subject)
        if subject == "data-team":
            suspend(house, officer, "ISA-TRACE", "a test")
        message_id = council.send(mpt_file(ROWS), MPT, NAME)
        assert polled(house, ours).refused == 1
        reasons.append(house.stores.mailbox.get(message_id).reason)
    assert [told.split(b",")[-1] for _envelope, told in council.responses()] == [b"15\n"] * 4
    assert reasons[1:] == ["caller-unknown", "isa-suspended", "mailbox-unknown"]
    assert watch.rows("batch") == []


def test_an_unknown_workflow_stays_in_the_mailbox_until_somebody_says_what_it_is(
    house: House, ours: MeshPost, council: Box
) -> None:
    message_id = council.send(mesh_file(ROWS), "PATIENT_LETTERS")
    assert (polled(house, ours).kept, polled(house, ours).kept) == (1, 0)
    assert list(ours.waiting()) == [message_id]
    assert council.responses() == []
    (kept,) = house.stores.mailbox.standing(OURS).kept
    assert (kept.message_id, kept.workflow, kept.reason) == (message_id, "PATIENT_LETTERS", "workflow-unknown")
    settings = house.settings.model_copy(update={"mesh_workflows": "PATIENT_LETTERS=pds-mesh:LETTERS_BACK"})
    house.settings = settings
    assert polled(house, ours).answered == 1
    assert council.the_response()[0].workflow == "LETTERS_BACK"


def test_neither_an_answer_nor_our_own_message_is_answered(house: House, ours: MeshPost, council: Box) -> None:
    """Two gateways that took each other's answers for questions would never stop."""
    council.send(b"an answer", MPT, NAME, local_id=f"{ANSWER_MARK}1")
    Box(ours).send(b"to ourselves", MPT, NAME)
    assert polled(house, ours).kept == 2
    reasons = sorted(one.reason for one in house.stores.mailbox.standing(OURS).kept)
    assert reasons == ["not-a-question", "sender-unfit"]
    assert council.responses() == []


def test_a_report_of_a_response_that_was_not_fetched_is_taken_in_and_shown(
    house: House, ours: MeshPost, council: Box, sandbox: Sandbox
) -> None:
    message_id = council.send(mpt_file(ROWS), MPT, NAME)
    polled(house, ours)
    sandbox.report(house.stores.mailbox.get(message_id).sent_id)
    polled(house, ours)
    standing = house.stores.mailbox.standing(OURS)
    assert [one.message_id for one in standing.undelivered] == [message_id]
    assert standing.outcomes[Outcome.REPORT] == 1
    assert list(ours.waiting()) == []


def test_without_the_ledger_nothing_leaves_and_nothing_is_lost(
    house: House, ours: MeshPost, council: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_row: object, **_more: object) -> NoReturn:
        raise Unavailable("the ledger is full", reason="ledger-full")

    message_id = council.send(mpt_file(ROWS), MPT, NAME)
    with monkeypatch.context() as down:
        down.setattr(Ledger, "append", full)
        for _ in range(3):
            assert polled(house, ours).failed == 1
    (stuck,) = house.stores.mailbox.standing(OURS).stuck
    assert (stuck.message_id, stuck.state, stuck.trouble) == (message_id, MessageState.RECEIVED, "ledger-full")
    assert council.responses() == []
    assert list(ours.waiting()) == [message_id]
    assert polled(house, ours).answered == 1
    assert len(council.responses()) == 1
    assert house.stores.mailbox.standing(OURS).stuck == []


def test_a_message_that_has_gone_from_the_mailbox_is_reported(house: House, ours: MeshPost, council: Box) -> None:
    message_id = council.send(mpt_file(ROWS), MPT, NAME)
    house.stores.mailbox.notice(OURS, [message_id, "NEVERWAS"])
    assert polled(house, ours).failed == 0
    assert [(one.message_id, one.state) for one in house.stores.mailbox.standing(OURS).kept] == [
        ("NEVERWAS", MessageState.GONE)
    ]


def test_a_mailbox_that_cannot_be_looked_into_is_written_down(house: House, sandbox: Sandbox) -> None:
    from gateway.transports.mesh import MeshPost

    wrong = MeshPost(sandbox.account(OURS, "another password"))
    with pytest.raises(UpstreamError, match="MESH answered 403"):
        polled(house, wrong)
    wrong.close()
    assert house.stores.mailbox.standing(OURS).poll_reason == "mesh-refused"


def test_files_at_work_are_for_this_service_alone_and_name_nobody(
    house: House, ours: MeshPost, council: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, int] = {}
    real = Place.response_hash

    def look(place: Place) -> str:
        for path in (root(house.settings), place.folder, *place.folder.iterdir()):
            seen[path.name] = stat.S_IMODE(path.stat().st_mode)
        return real(place)

    monkeypatch.setattr(Place, "response_hash", look)
    council.send(mesh_file(ROWS), MESH, "Patelova Amina 1941.csv")
    polled(house, ours)
    (folder,) = seen.keys() - {"mesh", "request.csv", "response"}
    assert len(folder) == 32
    assert (seen["mesh"], seen[folder], seen["request.csv"]) == (0o700, 0o700, 0o600)
