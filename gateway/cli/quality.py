"""``evaluate``: how good the answers are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.context import Desk, out, pass_desk
from gateway.services.records.truth import compare, read_truth
from ig.purpose import Purpose

if TYPE_CHECKING:
    from linkage.evaluate import Share


@click.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_desk
def evaluate(desk: Desk, path: Path) -> None:
    """Compare what was found with the truth in PATH.

    PATH is a CSV: source,organisation,person_ref,nhs_number, the number empty for people whom the index does not hold,
    and any of community,sex,age_band. Prints precision, recall, F1, false and missed rates with their 95 % intervals.

    \b
    gateway evaluate truth.csv
    """  # noqa: D301 - click's mark for lines to keep as they are
    tallies = compare(desk.house, desk.caller(Purpose.PROCESSING, "system-link"), read_truth(path))
    for group, tally in sorted(tallies.items(), key=lambda pair: (pair[0].source, bool(pair[0].value), pair[0])):
        out.print(
            f"{group.source}, {group.axis} {group.value}".rstrip()
            + f": {tally.recall.of + tally.rightly_none:,} people, precision {_share(tally.precision)}, "
            f"recall {_share(tally.recall)}, F1 {tally.f1:.4f}, false {_share(tally.false_rate)}, "
            f"missed {_share(tally.missed_rate)}",
            markup=False,
        )
    if not tallies:
        out.print("nobody in this file has been traced here", markup=False)


def _share(share: Share) -> str:
    if not share.of:
        return "unknown"
    low, high = share.interval
    return f"{share.value:.2%} ({low:.2%} to {high:.2%})"
