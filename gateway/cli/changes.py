"""``changes``: where records and the index say different things, what is decided, and what signals tell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.context import Desk, out, pass_desk
from gateway.cli.progress import progress
from gateway.errors import UpstreamError
from ig.purpose import Purpose

if TYPE_CHECKING:
    from gateway.services.tracing.upstream import Pds

_STATES = ("open", "applied", "dismissed", "superseded")


@click.group()
def changes() -> None:
    """What changed between the records of case systems and the index."""


@changes.command()
@click.option("--source", "sources", multiple=True, help="Only records of this source; may be given again.")
@pass_desk
def find(desk: Desk, sources: tuple[str, ...]) -> None:
    """Compare records with the index, as far as either has changed.

    What is equal but for its form is marked as an update; the rest becomes work. A run that was stopped goes on where
    it was.

    \b
    gateway changes find --source social-care
    """  # noqa: D301 - click's mark for lines to keep as they are
    from gateway.services.changes.find import find_differences  # noqa: PLC0415 - help stays quick

    with progress("comparing") as report:
        caller = desk.caller(Purpose.PROCESSING, "system-changes")
        found = find_differences(desk.house, caller, sources=sources, report=report)
    out.print(f"{found.compared:,} records compared", markup=False)
    for kind, count in sorted(found.begun.items()):
        out.print(f"  {kind}: {count:,}", markup=False)
    if found.overtaken:
        out.print(f"  do not stand any more: {found.overtaken:,}", markup=False)


@changes.command("list")
@click.option("--state", type=click.Choice(_STATES), default="open", show_default=True)
@click.option("--source", "sources", multiple=True, help="Only records of this source; may be given again.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@pass_desk
def list_changes(desk: Desk, state: str, sources: tuple[str, ...], limit: int) -> None:
    """List the differences of your own organisation's records, most pressing first, by opaque id."""
    from gateway.services.changes.words import KINDS  # noqa: PLC0415 - as above
    from gateway.services.changes.work import work_list  # noqa: PLC0415 - as above
    from gateway.storage.differing import State  # noqa: PLC0415 - as above

    found = work_list(desk.house, desk.caller(), state=State(state), sources=sources, limit=limit)
    for one in found:
        out.print(f"{one.difference_id}  {one.source}  {one.field}  {KINDS[one.kind]}", markup=False)
    out.print(f"{len(found):,} shown", markup=False)


@changes.command()
@click.argument("difference_id")
@pass_desk
def show(desk: Desk, difference_id: str) -> None:
    """Show one difference side by side."""
    from gateway.services.changes.words import KINDS, STATES  # noqa: PLC0415 - as above
    from gateway.services.changes.work import show as shown_of  # noqa: PLC0415 - as above

    shown = shown_of(desk.house, desk.caller(), difference_id)
    one = shown.difference
    out.print(f"record {one.source}/{one.organisation}/{one.local_id}", markup=False)
    out.print(f"{one.field}: {KINDS[one.kind]}; {STATES[one.state]}", markup=False)
    wide = max(map(len, shown.names), default=0)
    for name in shown.names:
        mark = "*" if name in shown.differing else " "
        record, index = shown.record[name] or "-", shown.index[name] or "-"
        out.print(f" {mark} {name.ljust(wide)}  {record}  |  {index}", markup=False)
    if shown.withheld:
        out.print("where this person lives is protected: no place is compared or shown", markup=False)
    if not shown.stands:
        out.print("one of the two has changed since: 'gateway changes find' compares anew", markup=False)


@changes.command()
@click.argument("difference_id")
@click.option("--accept", is_flag=True, help="Send the index's value to the case system.")
@click.option("--dismiss", is_flag=True, help="The record is right, or it has been dealt with.")
@click.option("--reason", default="", help="Why, in a few words without personal data; needed to dismiss.")
@pass_desk
def decide(desk: Desk, difference_id: str, accept: bool, dismiss: bool, reason: str) -> None:  # noqa: FBT001 - flags
    """Decide a difference: it goes out to the case system, or is dismissed.

    \b
    gateway changes decide 4b1f… --dismiss --reason "two homes, both right"
    """  # noqa: D301 - click's mark for lines to keep as they are
    from gateway.services.changes.work import decide as decide_difference  # noqa: PLC0415 - as above

    if accept == dismiss:
        raise click.UsageError("say either --accept or --dismiss")
    decide_difference(desk.house, desk.caller(), difference_id, accept=accept, note=reason)
    out.print("decided", markup=False)


@changes.command()
@click.option("--out", "path", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Where it goes.")
@click.option("--since", default="", metavar="CURSOR", help="What the last file ended with; none for everything.")
@pass_desk
def export(desk: Desk, path: Path, since: str) -> None:
    """Write what a case system is to take over as CSV, and say where to go on from.

    \b
    gateway changes export --out updates.csv --since MWYw…
    """  # noqa: D301 - click's mark for lines to keep as they are
    from gateway.services.changes.export import export_updates  # noqa: PLC0415 - as above

    with progress("writing") as report:
        done = export_updates(desk.house, desk.caller(), path, since, report)
    out.print(f"{done.rows:,} updates in {path.name}; go on with --since {done.cursor}", markup=False)


@changes.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH...")
@pass_desk
def signal(desk: Desk, paths: tuple[Path, ...]) -> None:
    """Take in signals of national services: files of MNS (JSON) or NEMS (XML), or folders of them.

    A signal says that somebody's national record changed, and not how. Whoever it is about is read anew.
    """
    from gateway.services.changes.signals import take_files  # noqa: PLC0415 - as above

    done = take_files(desk.house, desk.caller(Purpose.PROCESSING, "system-changes"), paths)
    out.print(f"{done.read:,} signals read: {done.marked:,} people to be read anew", markup=False)
    out.print(f"  held already: {done.held:,}; nobody of ours: {done.strangers:,}", markup=False)
    for rule, count in sorted(done.refused.items()):
        out.print(f"  could not be read, {rule}: {count:,}", markup=False)


@changes.command()
@pass_desk
def reread(desk: Desk) -> None:
    """Read anew whomever signals told of: from the upstream PDS where one is set, else with the next index.

    Then 'gateway link' and 'gateway changes find' go on with what has changed.
    """
    from gateway.services.changes.reread import reread as read_again  # noqa: PLC0415 - as above
    from gateway.services.governance.callers import SYSTEM_INDEX, named_caller  # noqa: PLC0415 - as above

    loader = named_caller(desk.house, SYSTEM_INDEX, Purpose.PROCESSING)
    with progress("reading anew") as report:
        done = read_again(desk.house, desk.caller(Purpose.PROCESSING, "system-changes"), loader, _pds(desk), report)
    out.print(f"{done.read:,} people read anew, {done.covered:,} by a later index already", markup=False)
    for words, count in (("not known to PDS", done.unknown), ("quarantined", done.quarantined)):
        if count:
            out.print(f"  {words}: {count:,}", markup=False)
    if done.waiting:
        out.print(f"  still waiting: {done.waiting:,}", markup=False)
    if done.stopped:
        raise UpstreamError("PDS does not answer: those who wait are asked about next time", reason=done.stopped)


def _pds(desk: Desk) -> Pds | None:
    if desk.settings.pds_base_url is None:
        return None
    from gateway.transports.pds import client_of  # noqa: PLC0415 - only who asks waits for it

    return client_of(desk.settings)
