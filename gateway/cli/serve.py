"""``serve``, ``worker``, ``doctor`` and ``token``."""

from __future__ import annotations

import click

from gateway.auth.tokens import issue_token
from gateway.cli.context import Desk, out, pass_desk
from gateway.cli.progress import progress
from gateway.errors import InputError
from gateway.jobs.worker import run_pending
from gateway.services.governance.callers import named_caller
from gateway.services.governance.doctor import examine
from gateway.services.governance.personas import PERSONAS
from gateway.services.outbound.deliver import deliver_due
from gateway.settings import Mode
from ig.purpose import Purpose


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65_535), help="Port to serve on.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@pass_desk
def serve(desk: Desk, host: str, port: int, workers: int) -> None:
    """Serve pages, FHIR and health checks."""
    from gateway.app import serve as serve_app  # noqa: PLC0415 - the application imports every front door

    serve_app(desk.settings, host=host, port=port, workers=workers)


@click.command()
@pass_desk
def worker(desk: Desk) -> None:
    """Take up work that was interrupted, and finish it; send what is due to subscribers."""
    from gateway.transports.webhooks import send  # noqa: PLC0415 - no other command of this file sends anything

    with progress("working") as report:
        done = run_pending(desk.house, report)
        deliver_due(desk.house, send, report)
    out.print(f"{done} jobs finished", markup=False)


@click.command()
@pass_desk
@click.pass_context
def doctor(ctx: click.Context, desk: Desk) -> None:
    """Check that this box is fit to run: database library, stores, age of the index, agreements near their end."""
    worst = 0
    for finding in examine(desk.settings):
        worst = max(worst, not finding.good)
        out.print(f"{'ok  ' if finding.good else 'WANT'}  {finding.what}: {finding.words}", markup=False)
    ctx.exit(worst)


@click.command()
@click.option("--persona", required=True, type=click.Choice(sorted(PERSONAS)), help="Whose token.")
@click.option("--purpose", default=None, type=click.Choice([p.value for p in Purpose]), help="For what.")
@pass_desk
def token(desk: Desk, persona: str, purpose: str | None) -> None:
    """Print a bearer token of a demo persona (demo mode only)."""
    if desk.settings.mode is not Mode.DEMO:
        raise InputError("tokens are printed in demo mode only", reason="demo-only")
    who = PERSONAS[persona]
    caller = named_caller(desk.house, who.subject, Purpose(purpose) if purpose else who.default_purpose)
    out.print(issue_token(desk.house, caller), markup=False)
