"""``mesh``: the mailbox that request files come into, and their responses."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

import click

from gateway.cli.context import Desk, err, out, pass_desk
from gateway.cli.progress import progress
from gateway.errors import InputError, Unavailable, UpstreamError
from ig.purpose import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.services.exchange.poll import Round
    from gateway.storage.mailbox import Message, Standing
    from gateway.transports.mesh import MeshPost

_FAILED = 4
_WANTING = 1
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def mesh() -> None:
    """Answer request files that come through a MESH mailbox, each exactly once.

    The mailbox is GATEWAY_MESH_URL, GATEWAY_MESH_MAILBOX, GATEWAY_MESH_PASSWORD and GATEWAY_MESH_SHARED_KEY.
    """


@contextmanager
def _post(desk: Desk) -> Iterator[MeshPost]:
    from gateway.transports.mesh import MeshPost, account  # noqa: PLC0415 - help stays quick

    post = MeshPost(account(desk.settings))
    try:
        yield post
    finally:
        post.close()


@mesh.command()
@click.option(
    "--once/--forever", default=True, show_default=True, help="One look into the mailbox, or one after another."
)
@click.option(
    "--interval", default=60, show_default=True, type=click.IntRange(1, 86_400), help="Seconds between two looks."
)
@pass_desk
@click.pass_context
def poll(ctx: click.Context, desk: Desk, once: bool, interval: int) -> None:  # noqa: FBT001 - a flag
    """Answer what is in the mailbox.

    Each file is traced in the name of the caller that its sender's mailbox is registered for. May be killed at any
    point, and run more than once at a time: no response is lost, and none is sent twice.

    \b
    gateway mesh poll --forever --interval 60
    """  # noqa: D301 - click's mark for lines to keep as they are
    from gateway.services.exchange.poll import Poller  # noqa: PLC0415 - help stays quick
    from gateway.services.exchange.workflows import read_workflows  # noqa: PLC0415 - as above
    from gateway.services.governance.callers import SYSTEM_MESH, named_caller  # noqa: PLC0415 - as above

    workflows = read_workflows(desk.settings.mesh_workflows)
    with _post(desk) as post, progress("messages") as report:
        poller = Poller(desk.house, post, workflows, named_caller(desk.house, SYSTEM_MESH, Purpose.PROCESSING))
        if once:
            done = poller.round(report)
            _print_round(done)
            ctx.exit(_FAILED if done.failed else 0)
        while True:
            try:
                _print_round(poller.round(report))
            except (UpstreamError, Unavailable) as fault:
                err.print(f"gateway: {fault} [{fault.reason}]; trying again in {interval} s", markup=False)
            sleep(interval)


def _print_round(done: Round) -> None:
    told = f"{done.new:,} new, {done.answered:,} answered, {done.refused:,} refused, {done.kept:,} kept"
    out.print(f"{told}, {done.failed:,} to try again", markup=False)


@mesh.command()
@click.argument("path", type=_FILE)
@click.option("--to", required=True, metavar="MAILBOX", help="Whose mailbox.")
@click.option("--workflow", required=True, metavar="ID", help="Under which workflow.")
@click.option("--again", is_flag=True, help="Also if the same file was sent there before.")
@pass_desk
def send(desk: Desk, path: Path, to: str, workflow: str, again: bool) -> None:  # noqa: FBT001 - a flag
    """Send PATH to another mailbox.

    A file that went to the same mailbox under the same workflow before is not sent again: after an interruption give
    the same command once more.

    \b
    gateway mesh send MPTREQ_20260312093000.csv --to X26OT001 --workflow SPINE_PDS_MESH_V1
    """  # noqa: D301 - click's mark for lines to keep as they are
    from gateway.services.exchange.send import send_file  # noqa: PLC0415 - help stays quick

    with _post(desk) as post, progress("pieces") as report:
        sent = send_file(desk.house, desk.caller(), post, path, report, to=to, workflow=workflow, again=again)
    said = "had been sent before" if sent.before else "sent"
    out.print(f"{path.name} {said}: message {sent.message_id}", markup=False)


@mesh.command()
@click.option("--workflow", required=True, metavar="ID", help="Of which workflow.")
@click.option(
    "--out",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Where to put the files.",
)
@pass_desk
def fetch(desk: Desk, workflow: str, folder: Path) -> None:
    """Take messages out of the mailbox that are not to be answered.

    Such as the real service's responses to what 'gateway mesh send' sent.

    \b
    gateway mesh fetch --workflow SPINE_MPT_RESPONSE --out responses/
    """  # noqa: D301 - click's mark for lines to keep as they are
    from gateway.services.exchange import fetch as fetching  # noqa: PLC0415 - help stays quick
    from gateway.services.exchange.workflows import read_workflows  # noqa: PLC0415 - as above

    answered = read_workflows(desk.settings.mesh_workflows)
    with _post(desk) as post:
        for path in fetching.fetch(desk.house, desk.caller(), post, folder, workflow=workflow, answered=answered):
            out.print(path.name, markup=False)


@mesh.command()
@click.argument("mailbox")
@click.argument("caller")
@pass_desk
def allow(desk: Desk, mailbox: str, caller: str) -> None:
    """Trace what MAILBOX sends in the name of CALLER.

    CALLER is registered with 'gateway caller add' for demographic-trace. What mailboxes send that are not on this list
    is refused, and nothing of it is traced.

    \b
    gateway mesh allow X26ABC1 data-team
    """  # noqa: D301 - click's mark for lines to keep as they are
    from gateway.services.exchange import mailboxes  # noqa: PLC0415 - help stays quick

    sender = mailboxes.allow(desk.house, desk.caller(Purpose.IG_AUDIT), mailbox, caller)
    out.print(f"{sender.mailbox} sends in the name of {sender.caller}", markup=False)


@mesh.command()
@click.argument("mailbox")
@pass_desk
def deny(desk: Desk, mailbox: str) -> None:
    """Trace nothing more that MAILBOX sends."""
    from gateway.services.exchange import mailboxes  # noqa: PLC0415 - help stays quick

    mailboxes.deny(desk.house, desk.caller(Purpose.IG_AUDIT), mailbox)
    out.print("nothing more of this mailbox is traced", markup=False)


@mesh.command()
@click.argument("message_id")
@click.option("--sent/--not-sent", required=True, default=None, help="Was it?")
@pass_desk
def settle(desk: Desk, message_id: str, sent: bool) -> None:  # noqa: FBT001 - a flag
    """Say whether the response to MESSAGE_ID was sent.

    For a response that 'gateway mesh status' shows as sending, [mesh-tracking]: MESH tells nothing of it any more.
    Look it up in the mailbox's outbox first.
    """
    from gateway.services.exchange import mailboxes  # noqa: PLC0415 - help stays quick

    mailboxes.settle(desk.house, desk.caller(Purpose.IG_AUDIT), message_id, sent=sent)
    out.print("the next poll acknowledges it" if sent else "the next poll sends it", markup=False)


@mesh.command()
@pass_desk
@click.pass_context
def status(ctx: click.Context, desk: Desk) -> None:
    """Say how the mailbox stands; exit code 1 when something waits for a person.

    That is: a message tried three times or more, one of an unknown workflow, a response that could not be delivered.
    """
    if not desk.settings.mesh_mailbox:
        raise InputError("set GATEWAY_MESH_MAILBOX: there is no mailbox to tell of", reason="mesh-not-set")
    store = desk.house.stores.mailbox
    held = store.standing(desk.settings.mesh_mailbox.upper())
    _print_standing(held)
    for sender in store.senders():
        out.print(f"{sender.mailbox} sends in the name of {sender.caller}", markup=False)
    for what, messages in (("stuck", held.stuck), ("kept", held.kept), ("undelivered", held.undelivered)):
        for one in messages:
            out.print(_line(what, one), markup=False)
    ctx.exit(_WANTING if held.stuck or held.kept or held.undelivered else 0)


def _print_standing(held: Standing) -> None:
    from gateway.storage.mailbox import AT_WORK, MessageState, Outcome  # noqa: PLC0415 - help stays quick

    waiting = sum(held.states[state] for state in AT_WORK)
    kept = held.states[MessageState.KEPT] + held.states[MessageState.GONE]
    told = (held.outcomes[Outcome.ANSWERED], held.outcomes[Outcome.REFUSED], kept, len(held.stuck))
    out.print("waiting {:,}, answered {:,}, refused {:,}, kept {:,}, stuck {:,}".format(waiting, *told), markup=False)
    if held.polled_at is None:
        out.print("never polled", markup=False)
    else:
        fault = f" [{held.poll_reason}]" if held.poll_reason else ""
        out.print(f"last polled {held.polled_at:%Y-%m-%d %H:%M:%S} UTC{fault}", markup=False)


def _line(what: str, one: Message) -> str:
    code = one.trouble or one.reason or "killed"
    return f"{what}: {one.message_id} from {one.sender or '-'}, {one.workflow or '-'}, {one.state} [{code}]"
