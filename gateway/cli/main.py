"""The root of the command tree: the shared options, and the groups that hang from it."""

from __future__ import annotations

import click

from gateway.cli import audit, database, demo, governance, intake, releases, review, serve, tracing
from gateway.cli.context import Desk, HouseGroup, desk
from ig.purpose import Purpose


@click.group(cls=HouseGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="nhs-linkage-gateway", prog_name="gateway")
@click.option("--as", "caller", metavar="CALLER", default="", help="Who is asking (see 'gateway caller list').")
@click.option("--purpose", metavar="PURPOSE", default="", help=f"Why: one of {', '.join(Purpose)}.")
@click.option("--data-dir", metavar="DIR", default=None, help="Where the databases are [GATEWAY_DATA_DIR, ./var].")
@click.pass_context
def main(ctx: click.Context, caller: str, purpose: str, data_dir: str | None) -> None:
    """Find NHS numbers, join care records, and answer only through signed sharing agreements.

    Exit codes: 0 done, 1 checked and found wanting, 2 bad input or usage, 3 refused, 4 storage or upstream failure.
    """
    ctx.obj = opened = ctx.with_resource(desk(data_dir=data_dir))
    opened.caller_name, opened.purpose_name = caller, purpose


_COMMANDS = (
    demo.demo,
    serve.serve,
    serve.worker,
    serve.doctor,
    serve.token,
    database.db,
    database.keys,
    intake.index,
    intake.ingest,
    intake.link,
    intake.unlink,
    intake.quarantine,
    intake.validate,
    review.review,
    tracing.verify,
    tracing.trace,
    tracing.explain,
    governance.isa,
    governance.caller,
    governance.org,
    governance.facts,
    audit.audit,
    releases.release,
)
for _command in _COMMANDS:
    main.add_command(_command)

__all__ = ["Desk", "main"]
