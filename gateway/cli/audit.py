"""``audit``: is the ledger intact, and who looked at whom."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - click hands datetimes over
from pathlib import Path

import click

from gateway.cli.context import Desk, err, out, pass_desk
from gateway.services.governance import audit as audit_service
from gateway.services.governance import integrity
from ig.purpose import Purpose

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def audit() -> None:
    """The ledger: proof of every access."""


@audit.command()
@click.option("--checkpoints", type=click.Path(exists=True, path_type=Path), help="A witness's copies of checkpoints.")
@pass_desk
@click.pass_context
def verify(ctx: click.Context, desk: Desk, checkpoints: Path | None) -> None:
    """Prove that no row was altered, removed or forged.

    Reads the whole ledger: chain, seals, and the tree against every checkpoint. Exit code 1 names the first bad row.
    """
    report = integrity.verify_ledger(desk.house, checkpoints)
    if report.damage is None:
        out.print(
            f"the ledger is intact: {report.rows:,} rows, {report.checkpoints} checkpoints, head {report.head}",
            markup=False,
        )
        return
    err.print(f"row {report.damage.seq}: {report.damage.kind}", markup=False)
    ctx.exit(1)


@audit.command()
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="Also write it here.")
@pass_desk
def checkpoint(desk: Desk, folder: Path | None) -> None:
    """Sign the ledger's head, for witnesses to keep."""
    out.print(integrity.make_checkpoint(desk.house, folder), markup=False, end="")


@audit.command()
@click.option("--nhs-number", default="", help="Accesses to this person's data.")
@click.option("--staff", default="", help="Accesses by this caller.")
@click.option("--since", type=_DAY, default=None, help="From this day, YYYY-MM-DD.")
@click.option("--until", type=_DAY, default=None, help="Up to and including this day.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@pass_desk
def search(  # noqa: PLR0913, PLR0917 - click hands one argument over for each option
    desk: Desk, nhs_number: str, staff: str, since: datetime | None, until: datetime | None, limit: int
) -> None:
    """Who looked at whom.

    Searching is itself decided and recorded.

    \b
    gateway audit search --nhs-number 9990000018 --since 2026-09-01
    """  # noqa: D301 - click's mark for lines to keep as they are
    found = audit_service.who_looked(
        desk.house,
        desk.caller(Purpose.IG_AUDIT),
        number=nhs_number,
        staff=staff,
        since=since.date() if since else None,
        until=until.date() if until else None,
        limit=limit,
    )
    for row in found:
        out.print(
            f"{row.seq}  {row.at:%Y-%m-%d %H:%M:%S}  {row.kind}  {row.caller} ({row.role}, {row.organisation})  "
            f"{row.purpose}  {row.decision} {row.reason}  {row.agreement}  subjects={row.subjects}",
            markup=False,
        )
    out.print(f"{len(found)} rows", markup=False)


@audit.command("subject-access")
@click.argument("nhs_number")
@pass_desk
def subject_access(desk: Desk, nhs_number: str) -> None:
    """What a person may be told of who looked.

    Dates, organisations, roles and purposes; no staff names.
    """
    told = list(audit_service.subject_access(desk.house, desk.caller(Purpose.SUBJECT_ACCESS), nhs_number))
    for line in told:
        out.print(line, markup=False)
    out.print(f"{len(told)} accesses", markup=False)


@audit.command()
@pass_desk
def report(desk: Desk) -> None:
    """Accesses counted, and patterns worth a look."""
    for line in audit_service.report(desk.house, desk.caller(Purpose.IG_AUDIT)):
        out.print(line, markup=False)
