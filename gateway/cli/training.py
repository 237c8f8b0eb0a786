"""``train``: learn a model's weights from the people as they are."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.context import Desk, out, pass_desk
from gateway.cli.progress import progress
from ig.purpose import Purpose

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option("--out", "target", type=_FILE, required=True, help="Where the model file goes.")
@click.option("--report", "folder", type=_FOLDER, help="Write Markdown, JSON and charts here.")
@click.option("--population", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Train on a folder.")
@click.option("--refine", "by_truth", is_flag=True, help="With --population: refine and calibrate by its truth.")
@click.option("--model", "start", default="", help="Start from a model file, hash or 'shipped' [the one in use].")
@click.option("--version", default="", help="What to call the result [the version it starts from, -trained].")
@click.option("--seed", type=int, default=1, show_default=True, help="Draws the random pairs.")
@click.option("--random-pairs", type=click.IntRange(min=1), default=500_000, show_default=True)
@pass_desk
def train(  # noqa: PLR0913, PLR0917 - a command has as many parameters as options
    desk: Desk,
    target: Path,
    folder: Path | None,
    population: Path | None,
    by_truth: bool,  # noqa: FBT001 - a flag
    start: str,
    version: str,
    seed: int,
    random_pairs: int,
) -> None:
    """Learn the weights of the matching model, and write it as a file. Nothing is put in use.

    Strangers are random pairs; records of one person are pairs that carry one NHS number or, where those are scarce,
    agree on other fields. From a house everybody in the index and its source records are read, and what reviewers have
    decided refines the result once there are 50 decisions. With --population a folder made by
    'python -m fixtures.population' is read instead.

    \b
    gateway train --out trained.json --report training/
    gateway link --shadow trained.json
    """  # noqa: D301 - click's mark for lines to keep as they are
    if by_truth and population is None:
        raise click.UsageError("--refine goes with --population")
    from gateway.cli.models import named_model  # noqa: PLC0415 - help and usage errors stay quick
    from gateway.house import shipped_model  # noqa: PLC0415 - as above
    from gateway.services.quality.report import summary, write_model, write_report  # noqa: PLC0415 - as above
    from gateway.services.quality.train import Plan, train_on_house, train_on_population  # noqa: PLC0415 - as above

    usual = shipped_model() if population or start else desk.house.model
    model = named_model(desk, start) if start else usual
    plan = Plan(model, version or f"{model.version}-trained", seed, random_pairs)
    with progress("training") as report:
        if population:
            done = train_on_population(population, plan, by_truth=by_truth, report=report)
        else:
            done = train_on_house(desk.house, desk.caller(Purpose.PROCESSING, "system-link"), plan, report)
    if folder:
        write_report(folder, done)
    write_model(target, done.content)
    for line in summary(done):
        out.print(line, markup=False)
    out.print(f"{done.after.name} {done.after.version} written to {target.name}, hash {done.after.hash}", markup=False)
