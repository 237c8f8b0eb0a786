"""``trace export``, ``import``, ``changes`` and ``ask``: on to the national service, and back to the case systems."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - click needs no annotation, mypy does
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from adapters.spine.tracing import Charset
from gateway.cli.context import Desk, out, pass_desk
from gateway.cli.progress import progress
from gateway.services.tracing.formats import Format
from gateway.services.tracing.onward_changes import write_changes
from gateway.services.tracing.onward_export import Body, Written, export_requests
from gateway.services.tracing.onward_import import import_answers
from gateway.services.tracing.onward_select import Selection, Wanted
from ig.purpose import Purpose

if TYPE_CHECKING:
    from gateway.services.tracing.onward_export import ExportReport

_NATIONAL: Final = click.Choice([Format.DBS.value, Format.PDS_MESH.value])
_FORMAT = click.option("--format", "layout", type=_NATIONAL, required=True, help="The national service's layout.")
_CHARSET = click.option(
    "--charset",
    type=click.Choice([one.value for one in Charset]),
    default=Charset.UTF_8.value,
    show_default=True,
    help="How the file's text is written.",
)
_SOURCES = click.option("--source", "sources", multiple=True, help="Only records of this source; may be repeated.")


@click.command()
@click.option("--unresolved", is_flag=True, help="Records that the index could not settle.")
@click.option("--changed", is_flag=True, help="Records whose details changed since they were settled.")
@click.option(
    "--unverified-since",
    "since",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Records whose number no national service has confirmed since this day, YYYY-MM-DD.",
)
@_FORMAT
@click.option(
    "--out",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The request file; further ones, where one is full, are numbered behind its name.",
)
@_SOURCES
@click.option(
    "--dbs-body",
    "body",
    type=click.Choice([one.value for one in Body]),
    default=Body.FIXED.value,
    show_default=True,
    help="How the rows of a DBS file are written.",
)
@_CHARSET
@click.option("--again", is_flag=True, help="Ask also what was asked before with the same details.")
@pass_desk
def export(  # noqa: PLR0913, PLR0917 - click hands one argument over for each option
    desk: Desk,
    unresolved: bool,  # noqa: FBT001 - a flag
    changed: bool,  # noqa: FBT001 - a flag
    since: datetime | None,
    layout: str,
    target: Path,
    sources: tuple[str, ...],
    body: str,
    charset: str,
    again: bool,  # noqa: FBT001 - a flag
) -> None:
    """Write request files about your organisation's records: DBS or PDS MESH.

    Rows carry opaque references; the answers are brought home with 'gateway trace import'. Protected people are left
    out, and a restricted person is asked about without an address.

    \b
    gateway trace export --unresolved --format pds-mesh --out requests.csv
    gateway trace export --unverified-since 2026-01-01 --format dbs --source social-care --out requests.dat
    """  # noqa: D301 - click's mark for lines to keep as they are
    if unresolved + changed + (since is not None) != 1:
        raise click.UsageError("give one of --unresolved, --changed and --unverified-since")
    selection = Selection.UNRESOLVED if unresolved else Selection.CHANGED if changed else Selection.UNVERIFIED
    wanted = Wanted(selection, since.date() if since else None, frozenset(sources), again)
    written = Written(Format(layout), Charset(charset), Body(body))
    with progress("writing questions") as report:
        result = export_requests(desk.house, desk.caller(), wanted, written, target, report)
    _print_export(result)


def _print_export(result: ExportReport) -> None:
    if result.resumed:
        out.print("an earlier run had written these; they have their names now", markup=False)
    out.print(f"{result.rows:,} questions in {len(result.files):,} files", markup=False)
    for path in result.files:
        out.print(f"  {path.name}", markup=False)
    for reason, count in sorted(result.left.items()):
        out.print(f"  left out, {reason}: {count:,}", markup=False)


@click.command("import")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_FORMAT
@_CHARSET
@pass_desk
def import_(desk: Desk, path: Path, layout: str, charset: str) -> None:
    """Apply the national service's answers in PATH to the records whose questions they answer.

    The same file again changes nothing, and an interrupted run goes on where it was. What cannot be believed is put
    into quarantine ('gateway quarantine list'). Then write what each case system is to load: 'gateway trace changes'.

    \b
    gateway trace import RESP_MPTREQ_20261001093000_20261001120000.csv --format pds-mesh
    """  # noqa: D301 - click's mark for lines to keep as they are
    caller = desk.caller(Purpose.PROCESSING, "system-link")
    with progress("bringing answers home") as report:
        result = import_answers(desk.house, caller, Format(layout), path, Charset(charset), report)
    if result.already:
        out.print("this file has been read; nothing changed", markup=False)
    out.print(f"{result.rows:,} rows read, {result.same:,} of them known already", markup=False)
    for became, count in sorted(result.became.items()):
        out.print(f"  {became}: {count:,}", markup=False)
    for rule, count in sorted(result.quarantined.items()):
        out.print(f"  quarantined, {rule}: {count:,}", markup=False)


@click.command()
@click.option("--source", required=True, help="The source whose system is to load the file.")
@click.option("--out", "target", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The CSV file.")
@pass_desk
def changes(desk: Desk, source: str, target: Path) -> None:
    """Write the records of your organisation's SOURCE whose number or status changed since the last such file.

    \b
    gateway trace changes --source social-care --out numbers.csv
    """  # noqa: D301 - click's mark for lines to keep as they are
    with progress("comparing") as report:
        result = write_changes(desk.house, desk.caller(), source, target, report)
    if not result.rows:
        out.print("nothing has changed; no file is written", markup=False)
        return
    out.print(f"{result.rows:,} rows in {target.name}, file {result.batch} of {source}", markup=False)


@click.command()
@click.option("--unresolved", is_flag=True, help="Records that the index could not settle; there is no other choice.")
@click.option("--limit", type=click.IntRange(1), help="Ask about so many records at most.")
@click.option("--again", is_flag=True, help="Ask also about records asked about before with the same details.")
@pass_desk
def ask(desk: Desk, unresolved: bool, limit: int | None, again: bool) -> None:  # noqa: ARG001, FBT001 - flags
    """Ask the PDS FHIR API about the records that the index could not settle, one after another.

    Needs GATEWAY_PDS_BASE_URL. Stopped, it goes on where it was with the same command. What PDS confirms is joined;
    what it finds by details alone is proposed.

    \b
    gateway trace ask --unresolved --limit 500
    """  # noqa: D301 - click's mark for lines to keep as they are
    from gateway.services.tracing.onward_ask import ask_pds  # noqa: PLC0415 - only who asks waits for it
    from gateway.transports.pds import client_of  # noqa: PLC0415 - the same

    pds = client_of(desk.settings)
    try:
        with progress("asking PDS") as report:
            result = ask_pds(
                desk.house, desk.caller(Purpose.PROCESSING, "system-link"), pds, limit, report, again=again
            )
    finally:
        pds.close()
    out.print(f"{result.asked:,} records asked about", markup=False)
    for became, count in sorted(result.became.items()):
        out.print(f"  {became}: {count:,}", markup=False)
    for reason, count in sorted(result.left.items()):
        out.print(f"  left out, {reason}: {count:,}", markup=False)
    if result.oldest:
        out.print(f"The oldest answer used again was {result.oldest:,.0f} s old.", markup=False)


COMMANDS: Final[dict[str, click.Command]] = {"ask": ask, "changes": changes, "export": export, "import": import_}
"""The words of ``gateway trace`` that lead here."""
