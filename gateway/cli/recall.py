"""``recall``: who received a link that was wrong, and whether they have said that they heard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.context import Desk, out, pass_desk
from gateway.services.recall import incidents
from gateway.services.recall.retractions import counted, summed, write_retractions
from ig.purpose import Purpose

if TYPE_CHECKING:
    from gateway.services.recall.incidents import Recall


@click.group()
def recall() -> None:
    """Whoever received a link that was taken back."""


@recall.command("list")
@pass_desk
def list_recalls(desk: Desk) -> None:
    """List recalls that concern you, newest first.

    A privacy officer sees those that their own organisation's staff received. Reading is itself recorded.
    """
    found = incidents.recalls(desk.house, desk.caller(Purpose.IG_AUDIT))
    for one in found:
        out.print(f"{one.incident_id}  {_state(one)}", markup=False)
    out.print(counted(len(found), "recall"), markup=False)


@recall.command()
@click.argument("incident_id")
@pass_desk
def show(desk: Desk, incident_id: str) -> None:
    """Show every receipt of one wrong link: users, files, webhooks and releases."""
    found = incidents.recall(desk.house, desk.caller(Purpose.IG_AUDIT), incident_id)
    record = f", record {found.record}" if found.record else ""
    until = f"{found.until:%Y-%m-%d %H:%M:%S}" if found.until else "it was taken back"
    out.print(f"wrong from {found.since:%Y-%m-%d %H:%M:%S} until {until}{record}", markup=False)
    for one in found.receipts:
        heard = f"acknowledged by {one.acknowledged_by}" if one.acknowledged_at else "open"
        out.print(
            f"{one.notice_id}  {one.kind}  {one.recipient} ({one.organisation})  {one.received_at:%Y-%m-%d %H:%M:%S}  "
            f"{one.job or one.disclosure}  {heard}{', overdue' if one.overdue else ''}",
            markup=False,
        )
    out.print(_state(found), markup=False)


@recall.command()
@click.argument("incident_id")
@click.argument("receipts", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every receipt of this recall that you may see.")
@pass_desk
def acknowledge(desk: Desk, incident_id: str, receipts: tuple[str, ...], every: bool) -> None:  # noqa: FBT001 - a flag
    """Say that the receivers have heard: those of RECEIPTS, or --all."""
    if bool(receipts) == every:
        raise click.UsageError("say which RECEIPTS, or --all")
    count = incidents.acknowledge(desk.house, desk.caller(Purpose.IG_AUDIT), incident_id, receipts)
    out.print(f"{counted(count, 'receipt')} acknowledged", markup=False)


@recall.command()
@click.option("--out", "path", type=click.Path(dir_okay=False, path_type=Path), help="Also write the receipts as CSV.")
@pass_desk
@click.pass_context
def report(ctx: click.Context, desk: Desk, path: Path | None) -> None:
    """Count receipts by kind and state, over every recall that concerns you.

    With --out, write a row for each: what a receiver of files works through. Exit code 1 says that some are overdue.
    """
    found = incidents.recalls(desk.house, desk.caller(Purpose.IG_AUDIT))
    for line in summed(found):
        out.print(line, markup=False)
    if path is not None:
        out.print(f"{write_retractions(found, path):,} rows written to {path.name}", markup=False)
    ctx.exit(1 if any(one.overdue for one in found) else 0)


def _state(one: Recall) -> str:
    if not one.listed:
        return "receivers not looked for yet: gateway worker"
    late = f", {one.overdue:,} overdue" if one.overdue else ""
    return f"opened {one.opened_at:%Y-%m-%d %H:%M}, {counted(len(one.receipts), 'receipt')}, {one.open:,} open{late}"
