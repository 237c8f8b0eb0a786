"""``model``: which model decides, what is known of it, and putting another in use. ``link --shadow`` prints by it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.context import Desk, out, pass_desk
from gateway.cli.progress import progress
from gateway.services.files import named
from gateway.services.quality import models
from gateway.services.quality.shadow import try_model
from gateway.services.quality.shadow_report import lines, write_report
from ig.purpose import Purpose
from linkage.model import Use

if TYPE_CHECKING:
    from gateway.services.quality.models import ModelLine
    from linkage.model import Model

SYSTEM = "system-link"
"""Whose affair a model is where nobody is named, in the demonstration."""


class ModelName(click.ParamType[str]):
    """A model file, the hash of a known model (8 characters or more), or ``shipped``."""

    name = "model"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002 - click's own
        """Return what help shows."""
        return "MODEL"


@click.group()
def model() -> None:
    """The matching model."""


@model.command("list")
@pass_desk
def list_models(desk: Desk) -> None:
    """List every model: which is in use since when by whom, and the shadow runs made of it."""
    for line in models.list_models(desk.house):
        _print_line(line)


@model.command()
@click.argument("name", type=ModelName())
@pass_desk
def show(desk: Desk, name: str) -> None:
    """Show a model's thresholds and provenance.

    \b
    gateway model show shipped
    """  # noqa: D301 - click's mark for lines to keep as they are
    found = named_model(desk, name)
    out.print(f"{found.name} {found.version}  {found.hash}", markup=False)
    for use in Use:
        threshold = found.thresholds[use]
        out.print(
            f"  {use}: matched from {threshold.match:g} bits, {threshold.gap:g} ahead of the next; review from "
            f"{threshold.review:g}; steps {', '.join(threshold.steps)}",
            markup=False,
        )
    # in one order, whether the model comes from a file or as it is stored
    for what, said in sorted(found.provenance.items()):
        out.print(f"  {what}: {said}", markup=False)


@model.command()
@click.argument("name", type=ModelName())
@click.option("--accept-lost", default=0, show_default=True, type=click.IntRange(0), help="Links that may be lost.")
@pass_desk
def activate(desk: Desk, name: str, accept_lost: int) -> None:
    """Put MODEL in use: a file, a hash from 'gateway model list', or the word shipped.

    Refused until a shadow run of this very model over the index and the records as they are ('gateway link --shadow')
    is complete and the number of links that it loses is named. The next 'gateway link' traces everybody under it.

    \b
    gateway model activate 4f1c2a9b --accept-lost 3
    """  # noqa: D301 - click's mark for lines to keep as they are
    chosen = named_model(desk, name)
    run = models.activate_model(desk.house, desk.caller(Purpose.PROCESSING, SYSTEM), chosen, accept_lost)
    out.print(f"{chosen.name} {chosen.version} ({chosen.hash[:12]}) is in use from now on", markup=False)
    out.print(
        f"  'gateway link' will gain {run.gained:,} links and lose {run.lost:,}; back again: gateway link --shadow "
        f"{run.against[:12]}, then gateway model activate {run.against[:12]}",
        markup=False,
    )


def shadow(desk: Desk, name: str, folder: Path | None) -> None:
    """Try a model on everybody and print what would change; ``folder`` takes the report as files."""
    chosen = named_model(desk, name)
    with progress("tracing in the shadow") as report:
        done = try_model(desk.house, desk.caller(Purpose.PROCESSING, SYSTEM), chosen, report)
    for line in lines(done):
        out.print(line, markup=False)
    for path in write_report(folder, done) if folder else ():
        out.print(f"  written: {path}", markup=False)


def named_model(desk: Desk, name: str) -> Model:
    """Return the model of a file or a name.

    Raises:
        InputError: the file cannot be read or used; names the path to the fault.
        NotFound: there is no such file, and no model of this hash.
    """
    path = Path(name)
    if path.suffix or path.exists():
        with named(path):
            return models.read_model(path.read_bytes())
    return models.known_model(desk.house, name)


def _print_line(line: ModelLine) -> None:
    marks = [word for word, holds in (("in use", line.in_use), ("shipped", line.shipped)) if holds]
    out.print(f"{line.hash[:12]}  {line.name} {line.version}  {', '.join(marks)}".rstrip(), markup=False)
    if line.since:
        out.print(f"  in use since {line.since:%Y-%m-%d %H:%M} by {line.by}", markup=False)
    if line.added_at:
        out.print(f"  added {line.added_at:%Y-%m-%d %H:%M} by {line.added_by}", markup=False)
    for run in line.shadows:
        out.print(
            f"  shadow run {run.at:%Y-%m-%d %H:%M} against {run.against[:12]}: {run.people:,} people, "
            f"{run.gained:,} links gained, {run.lost:,} lost",
            markup=False,
        )
