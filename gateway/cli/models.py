"""``model``: which model decides."""

from __future__ import annotations

import click

from gateway.cli.context import out
from gateway.house import shipped_model


@click.group()
def model() -> None:
    """The matching model."""


@model.command("list")
def list_models() -> None:
    """Name the model in use, its hash and its thresholds."""
    shipped = shipped_model()
    out.print(f"{shipped.name}  version {shipped.version}  {shipped.hash}  in use", markup=False)
    for use, threshold in shipped.thresholds.items():
        out.print(
            f"  {use}: matched from {threshold.match:g} bits, {threshold.gap:g} ahead of the next; review from "
            f"{threshold.review:g}; steps {', '.join(threshold.steps)}",
            markup=False,
        )
