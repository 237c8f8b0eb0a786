"""``validate``: check FHIR that somebody hands us."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.context import err, out
from gateway.services.records.validate import validate_path


@click.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def validate(ctx: click.Context, path: Path) -> None:
    """Check a FHIR resource, Bundle or ndjson file against R4 and the house's UK Core rules."""
    issues = validate_path(path)
    for issue in issues:
        err.print(str(issue), markup=False)
    out.print(f"{len(issues)} issues" if issues else "no issues", markup=False)
    ctx.exit(1 if issues else 0)
