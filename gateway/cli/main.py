"""The root of the command tree: the shared options, and the commands that hang from it."""

from __future__ import annotations

import click

from gateway.cli.context import Entry, LazyGroup, desk
from ig.purpose import Purpose

_COMMANDS = {
    "audit": Entry("audit:audit", "The ledger: is it intact, and who looked at whom."),
    "caller": Entry("governance:caller", "Who may ask: staff and systems."),
    "changes": Entry("changes:changes", "Where records and the index differ, and what is done."),
    "db": Entry("database:db", "Upgrade, compare, back up and restore the databases."),
    "demo": Entry("demo:demo", "Load a synthetic county into every room, and serve it."),
    "doctor": Entry("serve:doctor", "Check that this box is fit to run."),
    "evaluate": Entry("quality:evaluate", "Compare what was found with a truth that you hold."),
    "explain": Entry("explain:explain", "Say why a record was joined, proposed or left alone."),
    "facts": Entry("governance:facts", "Facts that decisions rest on."),
    "index": Entry("intake:index", "Load the people who can be traced to."),
    "ingest": Entry("intake:ingest", "Read source files into the record store."),
    "isa": Entry("governance:isa", "Agreements: check, sign, put in force, suspend."),
    "keys": Entry("database:keys", "The secrets of this box."),
    "link": Entry("intake:link", "Find NHS numbers for new records, and join them."),
    "mesh": Entry("mesh:mesh", "Answer request files that come through a MESH mailbox."),
    "model": Entry("models:model", "The matching model."),
    "org": Entry("governance:org", "Organisations."),
    "quarantine": Entry("intake:quarantine", "Rows that could not be used, and why."),
    "recall": Entry("recall:recall", "Whoever received a link that was taken back."),
    "release": Entry("releases:release", "Pseudonymised linked data for analysts."),
    "report": Entry("reports:report", "What did not match and why; how NHS numbers are held."),
    "review": Entry("review:review", "Decide the doubtful pairs."),
    "serve": Entry("serve:serve", "Serve pages, FHIR and health checks."),
    "token": Entry("serve:token", "Print a bearer token (demo mode only)."),
    "trace": Entry("tracing:trace", "Find NHS numbers for a whole file."),
    "train": Entry("training:train", "Learn the weights of the matching model from data."),
    "unlink": Entry("intake:unlink", "Take back a wrong link."),
    "validate": Entry("validate:validate", "Check FHIR against R4 and the house rules."),
    "verify": Entry("tracing:verify", "Check that an NHS number is this person's."),
    "webhook": Entry("webhooks:webhook", "Signed messages to subscribers, from the outbox."),
    "worker": Entry("serve:worker", "Finish work that was interrupted."),
}
"""Every command. A command's module is imported when it is called, and not before."""


@click.group(
    cls=LazyGroup,
    entries=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Settings are GATEWAY_* variables: GATEWAY_DATA_DIR, GATEWAY_MODE, GATEWAY_DATABASE_URL and others.",
)
@click.version_option(package_name="nhs-linkage-gateway", prog_name="gateway")
@click.option("--as", "caller", metavar="CALLER", default="", help="Who is asking (see 'gateway caller list').")
@click.option("--purpose", metavar="PURPOSE", default="", help=f"Why: one of {', '.join(Purpose)}.")
@click.option("--data-dir", metavar="DIR", default=None, help="Where the databases are [GATEWAY_DATA_DIR, ./var].")
@click.pass_context
def main(ctx: click.Context, caller: str, purpose: str, data_dir: str | None) -> None:
    """Find NHS numbers, join care records, and answer only through signed sharing agreements.

    Exit codes: 0 done, 1 checked and found wanting, 2 bad input or usage, 3 refused, 4 storage or upstream failure.

    \b
    gateway demo                                 a synthetic county, loaded and served
    gateway verify 9990000018 --family Patel --birthdate 1941-03-07
    gateway audit verify                         prove that the ledger is as written
    """  # noqa: D301 - click's mark for lines to keep as they are
    ctx.obj = desk(caller, purpose, data_dir)
