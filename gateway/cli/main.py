"""The root of the command tree: the shared options, and the groups that hang from it."""

from __future__ import annotations

import click

from gateway.cli.context import LazyGroup, desk
from ig.purpose import Purpose

_COMMANDS = {
    "audit": "audit:audit",
    "caller": "governance:caller",
    "db": "database:db",
    "demo": "demo:demo",
    "doctor": "serve:doctor",
    "explain": "tracing:explain",
    "facts": "governance:facts",
    "index": "intake:index",
    "ingest": "intake:ingest",
    "isa": "governance:isa",
    "keys": "database:keys",
    "link": "intake:link",
    "org": "governance:org",
    "quarantine": "intake:quarantine",
    "release": "releases:release",
    "review": "review:review",
    "serve": "serve:serve",
    "token": "serve:token",
    "trace": "tracing:trace",
    "unlink": "intake:unlink",
    "validate": "validate:validate",
    "verify": "tracing:verify",
    "worker": "serve:worker",
}
"""Command → module of this room and attribute; a command's module is imported when it is called, and not before."""


@click.group(
    cls=LazyGroup,
    commands_at=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
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
