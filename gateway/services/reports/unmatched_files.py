"""The report of unmatched records as sections, files and charts; every surface tells it from here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from gateway.services.quality.sections import Section
from gateway.services.reports.reasons import WORDS
from gateway.services.reports.written import csv_for_people, write_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from gateway.services.reports.lines import Line, Unmatched

TITLE: Final = "Unmatched records and why"
COLUMNS: Final = (
    "place",
    "source",
    "organisation",
    "record",
    "outcome",
    "reason",
    "fields_to_fix",
    "next_step",
    "also",
    "pays",
    "rows",
)
"""The columns of a work list."""
_TOTALS: Final = ("what", "which", "records")


def sections(report: Unmatched) -> Iterator[Section]:
    """Yield the totals in the order a reader asks for them."""
    yield Section("What was looked at", _looked_at(report), notes=tuple(_notes(report)))
    reasons = tuple((WORDS[cause].name, _figure(count)) for cause, count in report.by_cause.items())
    yield Section("By reason", "", ("reason", "records"), reasons)
    fields = tuple((name, _figure(count)) for name, count in report.by_field.items())
    yield Section("By field to fix", "A record counts under each of its fields.", ("field", "records"), fields)
    yield Section("By organisation", "", ("organisation", "not settled", "records", "share"), tuple(_shares(report)))


def cells(place: int, line: Line) -> tuple[str, ...]:
    """Return the cells of one line of a work list, in words; ``place`` counts from 1."""
    return (
        str(place),
        line.source,
        line.organisation,
        line.reference,
        line.outcome,
        line.words.name,
        ", ".join(line.fields_to_fix),
        line.next_step,
        ", ".join(WORDS[cause].name for cause in line.also),
        f"{line.pays:.2f}",
        str(line.rows),
    )


def charts(report: Unmatched) -> dict[str, str]:
    """Return the pictures by name, as SVG: by reason, by field, and by organisation where there is more than one."""
    from gateway.charts import bars  # noqa: PLC0415 - drawing takes long to import

    drawn = {
        "reasons": bars(
            [(WORDS[cause].name, count) for cause, count in report.by_cause.items()],
            x="Records",
            title="Unmatched records by reason",
        ),
        "fields": bars(list(report.by_field.items()), x="Records", title="Unmatched records by field to fix"),
    }
    if len(report.organisations) > 1:
        whose = list(report.by_organisation.items())
        drawn["organisations"] = bars(whose, x="Records", title="Unmatched records by organisation")
    return drawn


def write_unmatched(folder: Path, report: Unmatched) -> list[Path]:
    """Write a work list for each organisation, the totals as CSV, Markdown, JSON and pictures; returns the files.

    Raises:
        InputError: the folder cannot be made or written.
        Unavailable: the disk is full or broken.
    """
    pictures = charts(report)
    files = {
        **{f"work-list-{whose}.csv": _work_list(report, whose) for whose in report.organisations},
        "totals.csv": csv_for_people(_TOTALS, _totals(report)),
        "report.md": _markdown(report, pictures).encode(),
        "report.json": (json.dumps(as_json(report), indent=2) + "\n").encode(),
        **{f"{name}.svg": drawn.encode() for name, drawn in pictures.items()},
    }
    return write_files(folder, files)


def as_json(report: Unmatched) -> dict[str, object]:
    """Return the whole report for programs: codes instead of words."""
    against = report.against
    return {
        "made_at": report.made_at.isoformat(timespec="seconds"),
        "model": report.model,
        "checked_against": {
            "source": against.source,
            "as_of": against.as_of.isoformat(),
            "people": against.people,
            "coverage": against.coverage,
        },
        "records": report.records,
        "not_settled": len(report.lines),
        "found_since": report.settled,
        "rows_of_unknown_sender": report.unread,
        "by_reason": {cause.value: count for cause, count in report.by_cause.items()},
        "by_field": dict(report.by_field),
        "by_organisation": dict(report.by_organisation),
        "lines": [_line_json(line) for line in report.lines],
    }


def _line_json(line: Line) -> dict[str, object]:
    return {
        "source": line.source,
        "organisation": line.organisation,
        "record": line.reference,
        "outcome": line.outcome,
        "reason": line.cause.value,
        "fields": list(line.fields),
        "next_step": line.next_step,
        "also": [cause.value for cause in line.also],
        "pays": round(line.pays, 4),
        "rows": line.rows,
    }


def _work_list(report: Unmatched, whose: str) -> bytes:
    mine = (line for line in report.lines if line.organisation == whose)
    return csv_for_people(COLUMNS, (cells(place, line) for place, line in enumerate(mine, 1)))


def _totals(report: Unmatched) -> Iterator[tuple[str, str, str]]:
    counted: tuple[tuple[str, Iterable[tuple[str, int]]], ...] = (
        ("reason", ((WORDS[cause].name, count) for cause, count in report.by_cause.items())),
        ("field to fix", report.by_field.items()),
        ("organisation", report.by_organisation.items()),
    )
    for what, rows in counted:
        yield from ((what, which, str(count)) for which, count in rows)


def _markdown(report: Unmatched, pictures: Mapping[str, str]) -> str:
    told = [f"# {TITLE}", "", *(section.as_markdown() for section in sections(report))]
    told += [f"![Unmatched records: {name}]({name}.svg)\n" for name in pictures]
    told += ["## What the reasons mean", ""]
    told += [f"* **{WORDS[cause].name}.** {WORDS[cause].meaning} {WORDS[cause].next_step}" for cause in report.by_cause]
    return "\n".join(told) + "\n"


def _looked_at(report: Unmatched) -> str:
    against = report.against
    return (
        f"{report.records:,} records; {len(report.lines):,} need somebody. Checked on "
        f"{report.made_at:%d %B %Y} against {against.source}, as of {against.as_of:%d %B %Y}, "
        f"{against.people:,} people, under {report.model}."
    )


def _notes(report: Unmatched) -> Iterator[str]:
    untraced = sum(one.records - one.traced for one in report.tallies)
    if untraced:
        yield f"{untraced:,} records have not been traced yet: gateway link"
    if report.settled:
        yield f"{report.settled:,} more would be found today: the next link run settles them"
    if report.unread:
        yield f"{report.unread:,} rows were set aside and do not say whose they are: gateway quarantine list"
    if report.left:
        yield f"{report.left:,} further records were not looked at"


def _shares(report: Unmatched) -> Iterator[tuple[str, ...]]:
    held: dict[str, int] = {}
    for one in report.tallies:
        held[one.organisation] = held.get(one.organisation, 0) + one.records
    for whose, count in report.by_organisation.items():
        records = held.get(whose, 0 if report.tallies else report.records)
        yield whose, _figure(count), _figure(records), f"{count / records:.1%}" if records else ""


def _figure(count: int) -> str:
    return f"{count:,}"
