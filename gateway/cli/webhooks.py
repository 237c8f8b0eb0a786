"""``webhook``: who is told of what, and sending what is due."""

from __future__ import annotations

import time

import click

from gateway.cli.context import Desk, out, pass_desk
from gateway.cli.progress import progress
from gateway.services.outbound import subscribers
from gateway.services.outbound.deliver import deliver_due
from gateway.storage.outbox import Topic
from gateway.transports.webhooks import send
from ig.purpose import Purpose

_ONCE = "shown once, not kept where it can be read again; give it to the subscriber over a safe way"


@click.group()
def webhook() -> None:
    """Signed messages that tell a subscriber when to come and fetch."""


@webhook.command()
@click.argument("url")
@click.option("--for", "subscriber", required=True, metavar="CALLER", help="The registered caller who fetches.")
@click.option(
    "--topic",
    "topics",
    multiple=True,
    required=True,
    type=click.Choice([topic.value for topic in Topic]),
    help="Of what.",
)
@pass_desk
def add(desk: Desk, url: str, subscriber: str, topics: tuple[str, ...]) -> None:
    """Tell CALLER at URL of some topics from now on, and print the secret that messages are signed with.

    \b
    gateway webhook add https://case-system.example/nhs --for case-system --topic link-retracted
    """  # noqa: D301 - click's mark for lines to keep as they are
    made = subscribers.add_webhook(desk.house, desk.caller(Purpose.IG_AUDIT), url, subscriber, topics)
    out.print(f"{made.webhook_id}\n{made.secret}  ({_ONCE})", markup=False)


@webhook.command("list")
@pass_desk
def list_webhooks(desk: Desk) -> None:
    """List subscribers, and how their messages stand."""
    for one in subscribers.listing(desk.house):
        at, held = one.webhook, one.standing
        why = f" ({held.reason})" if held.reason else ""
        out.print(
            f"{at.webhook_id}  {at.caller} ({at.organisation})  {at.url}  {' '.join(sorted(at.topics))}  "
            f"{held.delivered:,} delivered, {held.waiting:,} waiting{why}, {held.dead:,} dead",
            markup=False,
        )


@webhook.command()
@click.argument("webhook_id")
@pass_desk
def remove(desk: Desk, webhook_id: str) -> None:
    """Tell a subscriber nothing any more, what waits for it included."""
    subscribers.remove_webhook(desk.house, desk.caller(Purpose.IG_AUDIT), webhook_id)
    out.print("removed", markup=False)


@webhook.command()
@click.argument("webhook_id")
@click.option("--finish", is_flag=True, help="Let the older secret go: the subscriber knows the newer one.")
@pass_desk
def rotate(desk: Desk, webhook_id: str, finish: bool) -> None:  # noqa: FBT001 - a flag
    """Make a new secret; messages are signed with both until --finish."""
    caller = desk.caller(Purpose.IG_AUDIT)
    if finish:
        gone = subscribers.retire_secret(desk.house, caller, webhook_id)
        out.print("the older secret is gone" if gone else "there was no older secret", markup=False)
        return
    out.print(f"{subscribers.rotate_secret(desk.house, caller, webhook_id).secret}  ({_ONCE})", markup=False)


@webhook.command("test")
@click.argument("webhook_id")
@pass_desk
@click.pass_context
def try_one(ctx: click.Context, desk: Desk, webhook_id: str) -> None:
    """Send a subscriber a message of type test now, and say how it ended."""
    answer = subscribers.try_webhook(desk.house, desk.caller(Purpose.IG_AUDIT), webhook_id, send)
    out.print("taken" if answer.delivered else f"not taken: {answer.reason}", markup=False)
    ctx.exit(0 if answer.delivered else 1)


@webhook.command()
@click.option("--once", is_flag=True, help="Send what is due now and end; without it, go on until interrupted.")
@click.option("--every", "seconds", default=5.0, show_default=True, type=click.FloatRange(0.1, 3600), help="Seconds.")
@pass_desk
@click.pass_context
def deliver(ctx: click.Context, desk: Desk, once: bool, seconds: float) -> None:  # noqa: FBT001 - a flag
    """Send what is due, and try again what was not taken when its time has come.

    Exit code 1 with --once says that something was given up.
    """
    while True:
        with progress("sending") as report:
            done = deliver_due(desk.house, send, report)
        if once or done.delivered or done.again or done.dead:
            out.print(
                f"{done.delivered:,} delivered, {done.again:,} to try again, {done.dead:,} given up", markup=False
            )
        if once:
            ctx.exit(1 if done.dead else 0)
        time.sleep(seconds)
