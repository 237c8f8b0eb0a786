"""``index``, ``ingest``, ``link``, ``unlink``, ``quarantine`` and ``validate``: records in, and joined."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - click needs no annotation, mypy does
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.context import Desk, SourcePerson, out, pass_desk
from gateway.cli.models import shadow
from gateway.cli.progress import progress
from gateway.services.records import quarantine as quarantine_service
from gateway.services.records.index import LAYOUTS, IndexSource, load_index
from gateway.services.records.ingest import ingest_files
from gateway.services.records.link import link_all
from gateway.services.records.unlink import unlink_record
from gateway.services.tracing.outcomes import capped_sentence
from ig.purpose import Purpose

if TYPE_CHECKING:
    from gateway.services.records.ingest import IngestReport

_PATHS = click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH..."
)


@click.group()
def index() -> None:
    """Load the people who can be traced to."""


@index.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "layout", type=click.Choice(LAYOUTS), default="csv", show_default=True, help="What PATH is.")
@click.option("--source", type=click.Choice(["pds", "gp-list", "demo"]), required=True, help="Where the index is from.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The day it was true, YYYY-MM-DD.")
@pass_desk
def load(desk: Desk, path: Path, layout: str, source: str, as_of: datetime) -> None:
    """Load PATH. Rows that break a rule are quarantined, the rest go in; the index stands once all are.

    CSV and Parquet have the columns of the index file; pds-json is one PDS Patient a line, the lines of a daily
    extract, or one JSON document; gp-list is a list of who is registered with which practice.

    \b
    gateway index load people.csv --source gp-list --as-of 2026-09-30
    gateway index load extract.ndjson --format pds-json --source pds --as-of 2026-09-30
    """  # noqa: D301 - click's mark for lines to keep as they are
    with progress("loading the index") as report:
        wanted = IndexSource(path, source, as_of.date(), layout)
        result = load_index(desk.house, desk.caller(Purpose.PROCESSING, "system-index"), wanted, report)
    out.print(f"{result.people:,} people loaded from {path.name}, as of {as_of:%Y-%m-%d}", markup=False)
    for rule, count in sorted(result.quarantined.items()):
        out.print(f"  quarantined, {rule}: {count:,}", markup=False)


@click.group()
def ingest() -> None:
    """Read source files into the record store.

    Bad rows are quarantined with their reason, the rest go in. A run that was stopped goes on where it was when the
    same files are given again.
    """


def _ingest(desk: Desk, source: str, paths: tuple[Path, ...], mapping: Path | None = None) -> None:
    with progress(f"reading {source}") as report:
        result = ingest_files(
            desk.house, desk.caller(Purpose.PROCESSING, "system-ingest"), source, paths, report, mapping=mapping
        )
    _print_ingest(result)


def _print_ingest(result: IngestReport) -> None:
    if result.already:
        out.print("these files are already in; nothing changed", markup=False)
    out.print(
        f"{result.read:,} rows read: {result.new:,} new, {result.changed:,} changed, {result.same:,} the same, "
        f"{result.deleted:,} deletions, {sum(result.quarantined.values()):,} quarantined",
        markup=False,
    )
    for (field, rule), count in sorted(result.quarantined.items()):
        out.print(f"  quarantined, {field or 'row'}, {rule}: {count:,}", markup=False)


@ingest.command("social-care")
@_PATHS
@pass_desk
def social_care(desk: Desk, paths: tuple[Path, ...]) -> None:
    """Adult social care client extracts.

    CSV files with the header of Client Level Data, Release 1, or folders of them.

    \b
    gateway ingest social-care 999_cld_20260930.csv
    """  # noqa: D301 - click's mark for lines to keep as they are
    _ingest(desk, "social-care", paths)


@ingest.command()
@_PATHS
@pass_desk
def gp(desk: Desk, paths: tuple[Path, ...]) -> None:
    """GP extract folders.

    The EMIS Web bulk layout, one folder a practice and run, or a folder of such folders.
    """
    _ingest(desk, "gp", paths)


@ingest.command()
@_PATHS
@pass_desk
def acute(desk: Desk, paths: tuple[Path, ...]) -> None:
    """Hospital HL7 v2 ADT message files."""
    _ingest(desk, "acute", paths)


@ingest.command()
@_PATHS
@click.option("--map", "mapping", required=True, help="A shipped map's name (nhs111) or a YAML file.")
@pass_desk
def tabular(desk: Desk, paths: tuple[Path, ...], mapping: str) -> None:
    """Any CSV, by a column map.

    \b
    gateway ingest tabular calls.csv --map nhs111
    """  # noqa: D301 - click's mark for lines to keep as they are
    _ingest(desk, "tabular", paths, Path(mapping))


@click.command()
@click.option(
    "--shadow", "model", metavar="MODEL", default="", help="Try a model file, hash or 'shipped'; change nothing."
)
@click.option("--report", "folder", type=click.Path(file_okay=False, path_type=Path), help="Where its report goes.")
@pass_desk
def link(desk: Desk, model: str, folder: Path | None) -> None:
    """Trace every record that is new or changed, and join those that the model settles.

    With --shadow, trace everybody with another model instead, change nothing, and say which links would be gained and
    lost, with examples: what 'gateway model activate' asks for.

    \b
    gateway link --shadow trained.json --report shadow/
    """  # noqa: D301 - click's mark for lines to keep as they are
    if model:
        shadow(desk, model, folder)
        return
    if folder is not None:
        raise click.UsageError("--report goes with --shadow")
    with progress("linking") as report:
        result = link_all(desk.house, desk.caller(Purpose.PROCESSING, "system-link"), report)
    out.print(f"{result.traced:,} people traced under model {result.model}", markup=False)
    for outcome, count in sorted(result.outcomes.items()):
        out.print(f"  {outcome}: {count:,}", markup=False)
    out.print(
        f"  links: {result.links:,} ({result.joined:,} joined for direct care, the rest proposed); "
        f"duplicates inside one source: {result.duplicates:,}; opened for review: {result.reviews:,}",
        markup=False,
    )
    if result.capped:
        out.print(capped_sentence(result.capped), markup=False)
    numbers = result.numbers
    if numbers.moved or numbers.held_back or numbers.rings:
        out.print(
            f"numbers that were replaced: {numbers.moved:,} links followed, {numbers.held_back:,} held back by a "
            f"decision or an unknown number, {numbers.rings:,} people in a ring of numbers",
            markup=False,
        )
    for kind, count in sorted(result.crowded.items()):
        out.print(f"{count:,} groups of records without a number were too large to compare whole: {kind}", markup=False)


@click.command()
@click.argument("record", type=SourcePerson())
@click.option("--reason", required=True, help="Why, in a few words without personal data.")
@pass_desk
def unlink(desk: Desk, record: str, reason: str) -> None:
    """Say that RECORD is not the person it is joined to: restores the state before the link, and keeps both facts.

    RECORD is an id as 'gateway review list' shows it, or SOURCE/ORGANISATION/LOCAL-ID.

    \b
    gateway unlink social-care/999/100235 --reason "moved in with namesake, seen by reviewer"
    """  # noqa: D301 - click's mark for lines to keep as they are
    done = unlink_record(desk.house, desk.caller(demo_caller="reviewer"), record, reason)
    out.print(f"unlinked; that person is ruled out for this record from now on ({done.person_id})", markup=False)
    told = "receivers not looked for yet: gateway worker" if done.receipts is None else f"{done.receipts:,} receipts"
    out.print(f"recall {done.incident_id}: {told}", markup=False)


@click.group()
def quarantine() -> None:
    """Rows that could not be used, and why."""


@quarantine.command("list")
@click.option("--rule", default="", help="Only this rule.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@pass_desk
def list_quarantine(desk: Desk, rule: str, limit: int) -> None:
    """List rows by file, row, field and rule, never their contents."""
    for row in quarantine_service.listing(desk.house, rule, limit):
        out.print(
            f"{row.quarantine_id}  {row.feed} row {row.row}  {row.field}  {row.rule}  {row.message}", markup=False
        )


@quarantine.command()
@pass_desk
def replay(desk: Desk) -> None:
    """Read held rows again by today's rules."""
    result = quarantine_service.replay(desk.house, desk.caller(Purpose.PROCESSING, "system-ingest"))
    out.print(f"{result.read:,} rows read again, {result.mended:,} went in, {result.left:,} stay", markup=False)
