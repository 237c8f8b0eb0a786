"""``isa``, ``caller``, ``org`` and ``facts``: what the gate decides by."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.context import Desk, err, out, pass_desk
from gateway.errors import InputError
from gateway.services.governance import agreements, callers, signing
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
    """Read an agreement strictly, and lint it.

    Each fault names its line; exit code 1 when there is any.
    """
    findings = agreements.check(_text(path))
    for finding in findings:
        err.print(f"{path.name}: {finding}", markup=False)
    out.print(f"{len(findings)} findings" if findings else "no findings", markup=False)
    ctx.exit(1 if findings else 0)


@isa.command()
@click.argument("path", type=_FILE)
@pass_desk
def activate(desk: Desk, path: Path) -> None:
    """Put an agreement version in force.

    It binds a controller's data only once that controller has signed.
    """
    reference = agreements.activate(desk.house, desk.caller(Purpose.IG_AUDIT), _text(path))
    out.print(f"{reference} is in force", markup=False)


@isa.command()
@click.argument("agreement_id")
@click.option("--organisation", required=True, metavar="ODS", help="The controller that has signed.")
@click.option("--signatory", required=True, help="Who signed for it, and as what.")
@click.option("--evidence", required=True, help="Where the signature can be seen.")
@click.option("--addendum", default="", help="Only this addendum.")
@pass_desk
def sign(  # noqa: PLR0913, PLR0917 - click hands one argument over for each option
    desk: Desk, agreement_id: str, organisation: str, signatory: str, evidence: str, addendum: str
) -> None:
    """Record a controller's signature.

    It is to the newest version, or with --addendum to one of its addenda: the controller's data follow it from now on.

    \b
    gateway isa sign ISA-CARE --organisation Z99001 --signatory "Senior partner" --evidence "minutes 2026-09-01"
    """  # noqa: D301 - click's mark for lines to keep as they are
    officer = desk.caller(Purpose.IG_AUDIT)
    signed = signing.sign(
        desk.house, officer, agreement_id, organisation, signatory=signatory, evidence=evidence, addendum=addendum
    )
    out.print(f"{organisation} has signed {signed}", markup=False)


@isa.command()
@click.argument("agreement_id")
@click.option("--reason", required=True, help="Why, in a few words.")
@pass_desk
def suspend(desk: Desk, agreement_id: str, reason: str) -> None:
    """Stop everything under an agreement, now."""
    agreements.suspend(desk.house, desk.caller(Purpose.IG_AUDIT), agreement_id, reason)
    out.print(f"{agreement_id} is suspended", markup=False)


@isa.command("list")
@pass_desk
def list_agreements(desk: Desk) -> None:
    """List agreements, and what has lapsed."""
    for row in agreements.listing(desk.house):
        lapses = f"  ({', '.join(row.lapses)})" if row.lapses else ""
        out.print(
            f"{row.id}@{row.version}  {row.status}  {row.valid_from} to {row.valid_to}  {row.title}{lapses}",
            markup=False,
        )


@isa.command()
@pass_desk
def matrix(desk: Desk) -> None:
    """Print who may see what, by trying every cell."""
    for line in agreements.matrix_lines(desk.house):
        out.print(line, markup=False)


@isa.command()
@click.argument("path", type=_FILE)
@pass_desk
def diff(desk: Desk, path: Path) -> None:
    """Say what would widen and narrow with PATH."""
    lines = agreements.diff_lines(desk.house, _text(path))
    for line in lines:
        out.print(line, markup=False)
    if not lines:
        out.print("nobody would see more or less", markup=False)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: not UTF-8", reason="encoding", field="path") from None


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
def add_caller(  # noqa: PLR0913, PLR0917 - click hands one argument over for each option
    desk: Desk, subject: str, name: str, organisation: str, org_class: str, role: str, purposes: str
) -> None:
    """Register a caller, or bring one up to date.

    \b
    gateway caller add sam --name "Sam Smith" --organisation X09 --org-class council \\
        --role social-worker --purposes demographic-trace,direct-care
    """  # noqa: D301 - click's mark for lines to keep as they are
    callers.add(desk.house, subject, name, organisation, OrgClass(org_class), Role(role), purposes.split(","))
    out.print(f"{subject} may ask", markup=False)


@caller.command("list")
@pass_desk
def list_callers(desk: Desk) -> None:
    """List callers."""
    for row in callers.listing(desk.house):
        purposes = ", ".join(row.purposes)
        out.print(f"{row.subject}  {row.role}  {row.organisation}  {row.state}  {purposes}", markup=False)


@caller.command()
@click.argument("subject")
@pass_desk
def revoke(desk: Desk, subject: str) -> None:
    """Shut a caller out at once, tokens and all."""
    callers.revoke(desk.house, subject)
    out.print(f"{subject} may no longer ask", markup=False)


@click.group()
def org() -> None:
    """Organisations."""


@org.command("load")
@click.argument("path", type=_FILE)
@pass_desk
def load_org(desk: Desk, path: Path) -> None:
    """Load organisations from a CSV file.

    Columns: ods,name,org_class,parent,postcode.
    """
    out.print(f"{load_organisations(desk.house, path):,} organisations", markup=False)


@click.group()
def facts() -> None:
    """Facts that decisions rest on, each with its source and date."""


@facts.command("load")
@click.argument("kind")
@click.argument("path", type=_FILE)
@pass_desk
def load_fact_file(desk: Desk, kind: str, path: Path) -> None:
    """Load all facts of one KIND from a CSV file.

    KIND is caseload, ward-episode, referral, national-opt-out, dspt or never-link. Columns:
    kind,subject,value,source,as_of,expires. Whoever is not in the file any more is off the list.
    """
    out.print(f"{load_facts(desk.house, kind, path):,} facts", markup=False)
