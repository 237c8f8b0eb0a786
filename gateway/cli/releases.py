"""``release``: pseudonymised data for analysts."""

from __future__ import annotations

import click

from gateway.cli.context import Desk, out, pass_desk
from gateway.cli.progress import progress
from gateway.services.releases import build as build_service
from gateway.services.releases.verify import verify_release
from ig.purpose import Purpose


@click.group()
def release() -> None:
    """Pseudonymised linked data, built under an agreement."""


@release.command()
@click.option("--agreement", required=True, help="The agreement's id.")
@click.option("--period", required=True, metavar="YYYY-MM", help="The month it is for.")
@pass_desk
def build(desk: Desk, agreement: str, period: str) -> None:
    """Build the release of a month.

    Linked events, opt-outs applied, pseudonyms in the recipient's own domain, signed manifest.

    \b
    gateway release build --agreement ISA-ANALYTICS --period 2026-09
    """  # noqa: D301 - click's mark for lines to keep as they are
    with progress("building the release") as report:
        made = build_service.build_release(desk.house, desk.caller(Purpose.ANALYTICS), agreement, period, report)
    out.print(f"{made.release_id}", markup=False)
    for name, rows in made.files:
        out.print(f"  {name}: {rows:,} rows", markup=False)
    for reason, count in made.left_out:
        out.print(f"  left out, {reason}: {count:,}", markup=False)


@release.command("list")
@pass_desk
def list_releases(desk: Desk) -> None:
    """List releases, newest first."""
    for row in build_service.listing(desk.house):
        out.print(f"{row.release_id}  {row.period}  {row.agreement}  {row.recipient}  {row.rows:,} rows", markup=False)


@release.command()
@click.argument("release_id")
@pass_desk
@click.pass_context
def verify(ctx: click.Context, desk: Desk, release_id: str) -> None:
    """Check files against the signed manifest."""
    fault = verify_release(desk.house, release_id)
    out.print(fault or "every file is as the signed manifest says", markup=False)
    ctx.exit(1 if fault else 0)
