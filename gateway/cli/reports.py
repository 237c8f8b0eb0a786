"""``report``: what did not match and why, and how the NHS number is held; files for people and for programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapters.spine.tracing import Charset
from gateway.cli.context import Desk, out, pass_desk
from gateway.cli.progress import progress
from gateway.errors import InputError
from gateway.services.tracing.formats import Format

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.services.quality.sections import Section

_CSV = "csv"
_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def report() -> None:
    """Reports for whoever mends the records, of their own organisation."""


@report.command()
@click.option("--source", "sources", multiple=True, help="Only this source's records, such as social-care; repeatable.")
@click.option("--file", "response", type=_FILE, default=None, help="The response to a traced file, instead of records.")
@click.option("--request", "asked", type=_FILE, default=None, help="The request that it answers.")
@click.option(
    "--format",
    "layout",
    type=click.Choice([_CSV, *(one.value for one in Format)]),
    default=_CSV,
    show_default=True,
    help="The layout of both files.",
)
@click.option(
    "--charset",
    type=click.Choice([one.value for one in Charset]),
    default=Charset.UTF_8.value,
    show_default=True,
    help="How a national file's text is written.",
)
@click.option("--out", "folder", type=_FOLDER, required=True, help="Where the report goes.")
@pass_desk
def unmatched(  # noqa: PLR0913, PLR0917 - click hands one argument over for each option
    desk: Desk,
    sources: tuple[str, ...],
    response: Path | None,
    asked: Path | None,
    layout: str,
    charset: str,
    folder: Path,
) -> None:
    """Say of every unmatched or doubtful record why, which field to fix, and what to do next.

    Writes a work list, totals, charts and the whole as JSON into a folder. The list has what pays most first, and
    nothing of anybody but the organisation's own references and the names of fields.

    \b
    gateway report unmatched --source social-care --out report
    gateway report unmatched --file answers.csv --request clients.csv --out report
    """  # noqa: D301 - click's mark for lines to keep as they are
    from gateway.services.reports.answers import TracedFile  # noqa: PLC0415 - help and usage errors stay quick
    from gateway.services.reports.traced_file import unmatched_in_file  # noqa: PLC0415 - as above
    from gateway.services.reports.unmatched import unmatched as unmatched_of  # noqa: PLC0415 - as above
    from gateway.services.reports.unmatched_files import sections, write_unmatched  # noqa: PLC0415 - as above

    if (response is None) != (asked is None):
        raise InputError("--file and --request go together: a response and what it answers", reason="file-request")
    with progress("records") as told:
        if response is not None and asked is not None:
            file = TracedFile(asked, response, None if layout == _CSV else Format(layout), Charset(charset))
            made = unmatched_in_file(desk.house, desk.caller(), file, told)
        else:
            made = unmatched_of(desk.house, desk.caller(), sources=sources, report=told)
    _print(sections(made))
    _wrote(write_unmatched(folder, made))


@report.command()
@click.option("--source", "sources", multiple=True, help="Only this source's records, such as social-care; repeatable.")
@click.option("--out", "folder", type=_FOLDER, required=True, help="Where the report goes.")
@pass_desk
def numbers(desk: Desk, sources: tuple[str, ...], folder: Path) -> None:
    """Say how NHS numbers are held, as ISB 0149 asks: missing, shared, not valid, not verified.

    With the share of open adult clients by NHS number status indicator, the deceased and duplicates left out.

    \b
    gateway report numbers --out report
    """  # noqa: D301 - click's mark for lines to keep as they are
    from gateway.services.reports.numbers import numbers as numbers_of  # noqa: PLC0415 - as above
    from gateway.services.reports.numbers_files import sections, write_numbers  # noqa: PLC0415 - as above

    with progress("records") as told:
        made = numbers_of(desk.house, desk.caller(), sources=sources, report=told)
    _print(sections(made))
    _wrote(write_numbers(folder, made))


def _print(sections: Iterable[Section]) -> None:
    for section in sections:
        out.print(f"{section.as_text()}\n", markup=False)


def _wrote(paths: Iterable[Path]) -> None:
    for path in paths:
        out.print(f"wrote {path.name}", markup=False)
