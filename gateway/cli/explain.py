"""``explain``: why a record was joined, is in review or was left alone, and why it is not somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import orjson

from gateway import charts
from gateway.cli.context import Desk, SourcePerson, out, pass_desk
from gateway.errors import NotFound
from gateway.services.tracing.explain import explain_source_person
from linkage.explain import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.services.tracing.explain import Explanation, Pair


@click.command()
@click.argument("record", type=SourcePerson())
@click.option("--against", default="", metavar="NHS_NUMBER", help="Why it is, or is not, this person.")
@click.option("--format", "layout", type=click.Choice(["text", "json", "svg"]), default="text", show_default=True)
@pass_desk
def explain(desk: Desk, record: str, against: str, layout: str) -> None:
    """Say why a source's RECORD of a person was joined, proposed or left alone, and why it is not somebody else.

    RECORD is an id as 'gateway review list' shows it, or SOURCE/ORGANISATION/LOCAL-ID. What stands is told first, then
    what the model in use finds now: the nearest candidates, or the person of one NHS number. svg draws the first of
    them as a waterfall.

    \b
    gateway explain social-care/999/100235
    gateway explain social-care/999/100235 --against 9990000018 --format svg > why.svg
    """  # noqa: D301 - click's mark for lines to keep as they are
    told = explain_source_person(desk.house, desk.caller(demo_caller="reviewer"), record, against)
    for line in _LAYOUTS[layout](told):
        out.print(line, markup=False)


def _text(told: Explanation) -> Iterator[str]:
    yield from told.said
    if told.outcome:
        yield f"now, under model {told.model}: {told.outcome}. {told.reason.sentence}"
        yield f"next: {told.advice}"
    for place, pair in enumerate(told.pairs, 1):
        yield f"{place}. {pair.person_id}: {pair.reason.sentence}"
        yield from _notes(pair)


def _notes(pair: Pair) -> Iterator[str]:
    yield from (f"   {note}" for note in pair.notes)
    if pair.weighing:
        yield from (f"   {line}" for line in as_text(pair.weighing).splitlines())


def _json(told: Explanation) -> Iterator[str]:
    yield orjson.dumps(told.as_json(), option=orjson.OPT_INDENT_2).decode()


def _svg(told: Explanation) -> Iterator[str]:
    drawn = next((pair for pair in told.pairs if pair.weighing), None)
    if drawn is None or drawn.weighing is None:
        raise NotFound("there is nobody to compare this record with", reason="nobody-to-draw")
    of = drawn.weighing
    yield charts.waterfall(
        of.evidence, prior_bits=of.prior_bits, posterior=of.posterior, title=drawn.reason.sentence.rstrip(".")
    )


_LAYOUTS = {"text": _text, "json": _json, "svg": _svg}
