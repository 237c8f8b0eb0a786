"""``review sample``: pairs drawn blind, judged by a reviewer who does not know what the model made of them."""

from __future__ import annotations

import json

import click

from gateway.cli.context import Desk, out, pass_desk

_REVIEWER = "reviewer"
_ANSWERS = ("same", "different", "cannot-tell")


@click.group()
def sample() -> None:
    """Pairs drawn by 'gateway evaluate --sample': is this one person?"""


@sample.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_desk
def show(desk: Desk, as_json: bool) -> None:  # noqa: FBT001 - a flag
    """Show the next pair without an answer: two records, and nothing of what the model made of them."""
    from gateway.services.quality.sample import next_pair  # noqa: PLC0415 - help stays quick

    pair = next_pair(desk.house, desk.caller(demo_caller=_REVIEWER))
    if as_json:
        held = {"pair": pair.pair_id, "records": [pair.source, pair.index]} if pair else {"pair": None}
        out.print(json.dumps(held, indent=2), markup=False)
        return
    if pair is None:
        out.print("every pair has an answer: gateway evaluate --sample-results")
        return
    out.print(f"pair {pair.pair_id}, {pair.answered + 1:,} of {pair.pairs:,}", markup=False)
    wide = max(map(len, pair.source))
    for label, value in pair.source.items():
        out.print(f"  {label.ljust(wide)}  {value or '-'}  |  {pair.index[label] or '-'}", markup=False)


@sample.command()
@click.argument("pair_id")
@click.argument("verdict", type=click.Choice(_ANSWERS))
@pass_desk
def answer(desk: Desk, pair_id: str, verdict: str) -> None:
    """Say of a pair: the same person, different people, or that it cannot be told. It changes no link."""
    from gateway.services.quality import sample as samples  # noqa: PLC0415 - as above
    from gateway.storage.samples import Verdict  # noqa: PLC0415 - as above

    samples.answer(desk.house, desk.caller(demo_caller=_REVIEWER), pair_id, Verdict(verdict))
    out.print("answered", markup=False)
