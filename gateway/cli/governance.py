"""``isa``, ``caller``, ``org`` and ``facts``: what the gate decides by."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.context import Desk, err, out, pass_desk
from gateway.services.governance import agreements, callers
from gateway.services.governance.facts import load_facts, load_organisations
from ig.purpose import OrgClass, Purpose, Role

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def isa() -> None:
    """Information sharing agreements: check, sign, put in force, suspend."""


@isa.command()
@click.argument("path", type=_FILE)
@click.pass_context
def check(ctx: click.Context, path: Path) -> None:
    """Read an agreement strictly and lint it; faults carry their line."""
    findings = agreements.check(path.read_text(encoding="utf-8"))
    for finding in findings:
        err.print(f"{path.name}: {finding}", markup=False)
    out.print(f"{len(findings)} findings" if findings else "no findings", markup=False)
    ctx.exit(1 if findings else 0)


@isa.command()
@click.argument("path", type=_FILE)
@pass_desk
def activate(desk: Desk, path: Path) -> None:
    """Put an agreement version in force. It binds a controller's data only once that controller has signed."""
    reference = agreements.activate(desk.house, desk.caller(Purpose.IG_AUDIT), path.read_text(encoding="utf-8"))
    out.print(f"{reference} is in force", markup=False)


@isa.command()
@click.argument("agreement_id")
@click.option("--reason", required=True)
@pass_desk
def suspend(desk: Desk, agreement_id: str, reason: str) -> None:
    """Stop everything under an agreement, now."""
    agreements.suspend(desk.house, desk.caller(Purpose.IG_AUDIT), agreement_id, reason)
    out.print(f"{agreement_id} is suspended", markup=False)


@isa.command("list")
@pass_desk
def list_agreements(desk: Desk) -> None:
    """List agreements with their versions, terms and what has lapsed."""
    for row in agreements.listing(desk.house):
        lapses = f"  ({', '.join(row.lapses)})" if row.lapses else ""
        out.print(
            f"{row.id}@{row.version}  {row.status}  {row.valid_from} to {row.valid_to}  {row.title}{lapses}",
            markup=False,
        )


@isa.command()
@pass_desk
def matrix(desk: Desk) -> None:
    """Print who may see what, every cell, by trying them all."""
    for line in agreements.matrix_lines(desk.house):
        out.print(line, markup=False)


@isa.command()
@click.argument("path", type=_FILE)
@pass_desk
def diff(desk: Desk, path: Path) -> None:
    """Say in words what would widen and narrow if PATH were put in force."""
    for line in agreements.diff_lines(desk.house, path.read_text(encoding="utf-8")):
        out.print(line, markup=False)


@click.group()
def caller() -> None:
    """Who may ask: staff and systems."""


@caller.command("add")
@click.argument("subject")
@click.option("--name", required=True, help="Display name.")
@click.option("--organisation", required=True, metavar="ODS")
@click.option("--org-class", required=True, type=click.Choice([c.value for c in OrgClass]))
@click.option("--role", required=True, type=click.Choice([r.value for r in Role]))
@click.option("--purposes", required=True, help="Comma separated.")
@pass_desk
def add_caller(  # noqa: PLR0913 - one parameter an option
    desk: Desk, subject: str, name: str, organisation: str, org_class: str, role: str, purposes: str
) -> None:
    """Register a caller."""
    callers.add(desk.house, subject, name, organisation, OrgClass(org_class), Role(role), purposes.split(","))
    out.print(f"{subject} may ask", markup=False)


@caller.command("list")
@pass_desk
def list_callers(desk: Desk) -> None:
    """List callers."""
    for row in callers.listing(desk.house):
        out.print(f"{row.subject}  {row.role}  {row.organisation}  {row.state}  {row.purposes}", markup=False)


@caller.command()
@click.argument("subject")
@pass_desk
def revoke(desk: Desk, subject: str) -> None:
    """Stop a caller at once: tokens and sessions included."""
    callers.revoke(desk.house, subject)
    out.print(f"{subject} may no longer ask", markup=False)


@click.group()
def org() -> None:
    """Organisations."""


@org.command("load")
@click.argument("path", type=_FILE)
@pass_desk
def load_org(desk: Desk, path: Path) -> None:
    """Load organisations from CSV: ods,name,org_class,parent,postcode."""
    out.print(f"{load_organisations(desk.house, path):,} organisations", markup=False)


@click.group()
def facts() -> None:
    """Facts that decisions rest on, each with its source and date."""


@facts.command("load")
@click.argument("kind")
@click.argument("path", type=_FILE)
@pass_desk
def load_fact_file(desk: Desk, kind: str, path: Path) -> None:
    """Load facts of KIND (caseload, ward-episode, national-opt-out, dspt, never-link) from CSV, replacing that kind."""
    out.print(f"{load_facts(desk.house, kind, path):,} facts", markup=False)
