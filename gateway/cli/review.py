"""``review``: the doubtful pairs, decided by a person."""

from __future__ import annotations

import click

from gateway.cli.context import Desk, out, pass_desk
from gateway.cli.samples import sample
from gateway.services.records import reviews
from gateway.services.records.duplicates import duplicates as duplicates_of
from linkage.explain import describe, weighed


@click.group()
def review() -> None:
    """Clerical review: the records that the model leaves to a person."""


review.add_command(sample)


@review.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@pass_desk
def list_cases(desk: Desk, limit: int) -> None:
    """List open cases by opaque id."""
    cases = reviews.open_cases(desk.house, desk.caller(demo_caller="reviewer"), limit)
    for case in cases:
        out.print(f"{case.case_id}  {case.reason}  {case.candidates} candidates", markup=False)
    out.print(f"{len(cases):,} open cases shown", markup=False)


@review.command()
@click.argument("case_id")
@pass_desk
def show(desk: Desk, case_id: str) -> None:
    """Show each candidate's evidence.

    Evidence names fields and levels, never values.
    """
    case = reviews.case(desk.house, desk.caller(demo_caller="reviewer"), case_id)
    out.print(f"record {case.source_person_id}, {case.reason}", markup=False)
    for number, candidate in enumerate(case.candidates, 1):
        said = weighed(candidate.bits, candidate.posterior)
        out.print(f"{number}. {candidate.person_id}  {said}", markup=False)
        for piece in candidate.evidence:
            out.print(f"     {describe(piece)}", markup=False)


@review.command()
@click.argument("case_id")
@click.option("--is", "is_person", metavar="PERSON_ID", default="", help="This record is that person.")
@click.option("--none", "nobody", is_flag=True, help="This record is none of the candidates.")
@click.option("--note", default="", help="Why, in a few words without personal data.")
@pass_desk
def decide(desk: Desk, case_id: str, is_person: str, nobody: bool, note: str) -> None:  # noqa: FBT001 - a flag
    """Decide a case, for every later run too."""
    if bool(is_person) == nobody:
        raise click.UsageError("say either --is PERSON_ID or --none")
    reviews.decide_case(desk.house, desk.caller(demo_caller="reviewer"), case_id, is_person, note)
    out.print("decided", markup=False)


@review.command("take-back")
@click.argument("case_id")
@click.option("--reason", required=True, help="Why, in a few words without personal data.")
@pass_desk
def take_back(desk: Desk, case_id: str, reason: str) -> None:
    """Take a decision back: what stood before it stands again, and the case is open."""
    reviews.take_back(desk.house, desk.caller(demo_caller="reviewer"), case_id, reason)
    out.print("taken back; the case is open again", markup=False)


@review.command()
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@pass_desk
def duplicates(desk: Desk, limit: int) -> None:
    """List records of your own organisation that are the same person, source by source.

    Merge them where they were made: the next extract then says so. Records that only the model holds for one person
    are marked, and are good for looking, not for merging unseen.

    \b
    gateway review duplicates --limit 20
    """  # noqa: D301 - click's mark for lines to keep as they are
    found = duplicates_of(desk.house, desk.caller(demo_caller="reviewer"), limit)
    for group in found.groups:
        mark = "  by the model alone" if group.by_model_alone else ""
        out.print(f"{'  '.join(group.records)}{mark}", markup=False)
    for source, (groups, records) in found.counts.items():
        out.print(f"{source}: {groups:,} people with {records:,} records", markup=False)
    if not found.counts:
        out.print("no duplicates inside a source", markup=False)
