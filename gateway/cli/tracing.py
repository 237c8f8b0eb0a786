"""``verify``, ``trace`` and ``explain``: one person now, a file overnight, and the reasons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import click
import orjson

from adapters.spine import dbs
from adapters.spine.tracing import Charset, TraceFileRefused
from gateway.cli.context import Desk, out, pass_desk
from gateway.cli.progress import progress
from gateway.errors import InputError
from gateway.services.tracing.batch import HOUSE, trace_csv, trace_file
from gateway.services.tracing.engines import Engine, rows_of
from gateway.services.tracing.formats import Format, opened, refuse
from gateway.services.tracing.national import NATIONAL
from gateway.services.tracing.outcomes import FLAG_SENTENCES, OF_VERIFICATION, capped_sentence
from gateway.services.tracing.verify import verify_number
from linkage.explain import describe
from linkage.person import Demographics

if TYPE_CHECKING:
    from gateway.services.tracing.formats import National
    from gateway.services.tracing.verify import VerifyResult
    from gateway.transports.pds import PdsClient

_TRIES: Final = 2
"""Somebody is waiting for the answer about one person: no more than one more try."""

_GENDERS = ["male", "female", "other", "unknown"]


@click.command()
@click.argument("nhs_number", metavar="NHS_NUMBER")
@click.option("--family", required=True, help="Family name.")
@click.option("--given", default="", help="First given name.")
@click.option("--birthdate", required=True, help="Date of birth: YYYY-MM-DD, or YYYY-MM or YYYY if that is all.")
@click.option("--postcode", default="", help="Postcode.")
@click.option("--gender", default=None, type=click.Choice(_GENDERS), help="Administrative gender.")
@click.option("--with-pds", is_flag=True, help="Ask PDS too (GATEWAY_PDS_BASE_URL): status 01 where it agrees.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@pass_desk
@click.pass_context
def verify(  # noqa: PLR0913, PLR0917 - click hands one argument over for each option
    ctx: click.Context,
    desk: Desk,
    nhs_number: str,
    family: str,
    given: str,
    birthdate: str,
    postcode: str,
    gender: str | None,
    with_pds: bool,  # noqa: FBT001 - a flag
    as_json: bool,  # noqa: FBT001 - a flag
) -> None:
    """Check that NHS_NUMBER is this person's, and say what to do next.

    The exit code is that of the verdict: 0 confirmed, 1 not this person's or not in the index, 2 not a number.

    \b
    gateway verify 9990000018 --family Patel --given Amina --birthdate 1941-03-07 --postcode "LE2 1AA"
    """  # noqa: D301 - click's mark for lines to keep as they are
    person = Demographics(family=family, given=given, birth_date=birthdate, postcode=postcode, gender=gender or "")
    result = verify_number(desk.house, desk.caller(), nhs_number, person)
    if with_pds:
        from gateway.services.tracing.upstream import confirm_with_pds  # noqa: PLC0415 - only who asks waits for it

        result = confirm_with_pds(desk.house, desk.caller(), result, person, _pds(desk))
    _print_json(result) if as_json else _print_words(result)
    ctx.exit(OF_VERIFICATION[result.verdict].exit_code)


def _pds(desk: Desk) -> PdsClient:
    if desk.settings.pds_base_url is None:
        raise InputError("--with-pds: set GATEWAY_PDS_BASE_URL", reason="pds-not-set")
    from gateway.transports.pds import client_of  # noqa: PLC0415 - the same

    return client_of(desk.settings, tries=_TRIES)


def _print_words(result: VerifyResult) -> None:
    row = OF_VERIFICATION[result.verdict]
    out.print(f"{row.heading} ({result.verdict})", markup=False)
    out.print(result.advice, markup=False)
    if result.current and result.current != result.number:
        out.print(f"Current NHS number: {result.current}", markup=False)
    for flag in sorted(result.flags):
        out.print(f"Flag: {flag}. {FLAG_SENTENCES[flag]}", markup=False)
    if result.agreed:
        out.print(f"Agrees: {', '.join(result.agreed)}", markup=False)
    if result.unlike:
        out.print(f"Not the same, check with the person: {', '.join(result.unlike)}", markup=False)
    for piece in result.evidence:
        out.print(f"  {describe(piece)}", markup=False)
    out.print(f"Status indicator {result.status}.", markup=False)
    if result.checked_against:
        against = result.checked_against
        out.print(
            f"Checked against {against.source}, as of {against.as_of:%d %B %Y}, {against.people:,} people.",
            markup=False,
        )


def _print_json(result: VerifyResult) -> None:
    body: dict[str, Any] = {
        "verdict": result.verdict,
        "flags": sorted(result.flags),
        "current": result.current.digits if result.current else None,
        "status": result.status,
        "agreed": result.agreed,
        "unlike": result.unlike,
        "advice": result.advice,
    }
    out.print(orjson.dumps(body).decode(), markup=False)


_CSV = "csv"


_FILE: Final = "file"


class Tracing(click.Group):
    """``trace PATH`` traces a file; a word of the list below does what it says there, and is imported for it alone."""

    default_command: ClassVar[str] = _FILE
    """The word that may be left out."""

    _ONWARD: ClassVar[dict[str, str]] = {
        "ask": "Ask the PDS FHIR API about the records that the index could not settle.",
        "changes": "Write what changed about a source's numbers, for its system to load.",
        "export": "Write request files for the national service: DBS or PDS MESH.",
        "import": "Apply the national service's response file.",
    }

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take what is none of the words below as a file to be traced."""
        if not args or args[0] not in {*self.list_commands(ctx), *ctx.help_option_names}:
            args = [self.default_command, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every word, in order."""
        return sorted({*super().list_commands(ctx), *self._ONWARD})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported if it was not yet."""
        if cmd_name not in self._ONWARD:
            return super().get_command(ctx, cmd_name)
        from gateway.cli import onward  # noqa: PLC0415 - who verifies a number waits for none of it

        return onward.COMMANDS[cmd_name]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's own
        """List the words without importing any."""
        rows = [(_FILE, "Trace every row of a file; the word itself may be left out."), *sorted(self._ONWARD.items())]
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows))


@click.group(cls=Tracing, subcommand_metavar="PATH [OPTIONS] | COMMAND [ARGS]...")
def trace() -> None:
    """Find NHS numbers for a whole file, here or at the national service.

    The options of a file to be traced here: gateway trace file --help.

    \b
    gateway trace clients.csv --out answers.csv
    gateway trace export --unresolved --format pds-mesh --out requests.csv
    gateway trace import RESP_requests.csv --format pds-mesh
    """  # noqa: D301 - click's mark for lines to keep as they are


@trace.command(_FILE)
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "layout",
    type=click.Choice([_CSV, *(one.value for one in Format)]),
    default=_CSV,
    show_default=True,
    help="The layout of PATH; the response is written in it too. MPSaaS files are known by their workflow.",
)
@click.option("--out", "target", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Response file.")
@click.option(
    "--algorithm",
    default="house",
    show_default=True,
    type=click.Choice(["house", "mps"]),
    help="The house model, or the national one of the Person_ID handbook.",
)
@click.option(
    "--engine",
    "engine_name",
    type=click.Choice([engine.value for engine in Engine]),
    help="Answer one by one (python), or all at once over a snapshot of the index (duckdb). Both answer the same; "
    "without this the quicker one for this file is taken.",
)
@click.option(
    "--charset",
    type=click.Choice([one.value for one in Charset]),
    default=Charset.UTF_8.value,
    show_default=True,
    help="How a national file's text is written; the response is written so too.",
)
@click.option(
    "--dbs-fields",
    type=click.Choice([str(dbs.FULL_WIDTH), str(dbs.SHORT_WIDTH)]),
    default=str(dbs.FULL_WIDTH),
    show_default=True,
    help="Fields in a row of a DBS response.",
)
@pass_desk
def trace_path(  # noqa: PLR0913, PLR0917 - click hands one argument over for each option
    desk: Desk,
    path: Path,
    layout: str,
    target: Path,
    algorithm: str,
    engine_name: str | None,
    charset: str,
    dbs_fields: str,
) -> None:
    """Trace every row of PATH and write the response file, whole or not at all.

    CSV columns are those of the index CSV with row_id first; see docs/reference/files.md. DBS, PDS MESH and MPT files
    are answered in their own layout; one that the service would refuse as a whole gets the response that it would send,
    a header with the code, and the exit code 2. A run that was interrupted or killed goes on where it was when it is
    begun again with the same file.

    \b
    gateway trace clients.csv --out answers.csv
    gateway trace MPTREQ_20260312093000.csv --format mpt --out RESP_MPTREQ_20260312093000_20260312093000.csv
    """  # noqa: D301 - click's mark for lines to keep as they are
    if algorithm == "mps" and engine_name == Engine.DUCKDB:
        raise InputError("--algorithm mps answers one by one: leave out --engine duckdb", reason="engine-algorithm")
    short = dbs_fields == str(dbs.SHORT_WIDTH)
    national = None if layout == _CSV else _national(Format(layout), path, target, Charset(charset), short=short)
    chosen, engine = NATIONAL, Engine.PYTHON
    if algorithm == "house":
        from gateway.services.tracing.bulk import BULK, fitting  # noqa: PLC0415 - a single question needs no DuckDB

        rows = national.count if national else rows_of(path)
        engine = Engine(engine_name) if engine_name else fitting(desk.house, rows)
        chosen = BULK if engine is Engine.DUCKDB else HOUSE
    with progress("tracing") as report:
        if national:
            result = trace_file(desk.house, desk.caller(), national, target, report, algorithm=chosen)
        else:
            result = trace_csv(desk.house, desk.caller(), path, target, report, algorithm=chosen)
    out.print(f"{result.rows:,} rows traced", markup=False)
    for outcome, count in sorted(result.outcomes.items()):
        out.print(f"  {outcome}: {count:,}", markup=False)
    for rule, count in sorted(result.refused.items()):
        out.print(f"  not traced, {rule}: {count:,}", markup=False)
    if result.capped:
        out.print(capped_sentence(result.capped), markup=False)
    out.print(f"Engine: {engine}.", markup=False)


def _national(layout: Format, path: Path, target: Path, charset: Charset, *, short: bool) -> National:
    """Open a national file, or write the response that the service would refuse it with."""
    try:
        return opened(layout, path, charset=charset, short=short)
    except InputError as refused:
        if isinstance(refused.__cause__, TraceFileRefused):
            refuse(layout, path, refused.__cause__, target)
        raise
