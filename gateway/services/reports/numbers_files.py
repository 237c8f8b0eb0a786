"""The report of how NHS numbers are held as sections, files and charts; every surface tells it from here."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

from gateway.services.quality.sections import Section
from gateway.services.reports.indicators import INDICATORS
from gateway.services.reports.numbers import LeftOut
from gateway.services.reports.written import csv_for_people, write_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gateway.services.reports.numbers import Finding, Holding, Numbers

TITLE: Final = "How NHS numbers are held"
COLUMNS: Final = ("place", "source", "organisation", "record", "to_mend", "nhs_number", "rows")
"""The columns of a list of records to mend; numbers in it are for people, 3-3-4."""
_HELD: Final = ("source", "records", "without", "of them found", "shared", "numbers shared", "not valid", "unverified")
_LEFT_OUT: Final = tuple(LeftOut)


def sections(report: Numbers) -> Iterator[Section]:
    """Yield the figures in the order a reader asks for them."""
    text = "Records without a number, with one that another record has, that is not valid, or that nobody verified."
    yield Section("Records by what is to be mended", text, _HELD, tuple(_held(one) for one in report.holdings))
    yield Section(
        "Open adult clients by NHS number status",
        _checked(report),
        ("source", "clients", *INDICATORS),
        tuple(_clients(one) for one in report.holdings),
        tuple(f"{code}: {words}" for code, words in INDICATORS.items()),
    )
    yield Section(
        "Not among the open adult clients",
        "Records left out of the shares above, each for the first reason that holds.",
        ("source", *_LEFT_OUT),
        tuple((_name(one), *(f"{one.left_out[why]:,}" for why in _LEFT_OUT)) for one in report.holdings),
    )


def charts(report: Numbers) -> dict[str, str]:
    """Return the pictures by name, as SVG: open adult clients by status, and records by what is to be mended."""
    clients = sum((one.clients for one in report.holdings), Counter[str]())
    return {"statuses": status_chart(clients), "to-mend": fault_chart(report.findings)}


def status_chart(clients: Counter[str]) -> str:
    """Draw open adult clients by status."""
    from gateway.charts import bars  # noqa: PLC0415 - drawing takes long to import

    rows = [(f"{code} {words}", clients[code]) for code, words in INDICATORS.items()]
    return bars(rows, x="Open adult clients", title="Open adult clients by NHS number status")


def fault_chart(findings: Iterable[Finding]) -> str:
    """Draw records by what is to be mended."""
    from gateway.charts import bars  # noqa: PLC0415 - as above

    rows = Counter(finding.fault.value for finding in findings).most_common()
    return bars(rows, x="Records", title="Records by what is to be mended")


def write_numbers(folder: Path, report: Numbers) -> list[Path]:
    """Write a list of records to mend for each organisation, the figures as CSV, Markdown, JSON and pictures.

    Raises:
        InputError: the folder cannot be made or written.
        Unavailable: the disk is full or broken.
    """
    pictures = charts(report)
    told = [f"# {TITLE}", "", *(section.as_markdown() for section in sections(report))]
    told += [f"![{TITLE}: {name}]({name}.svg)\n" for name in pictures]
    files = {
        **{f"to-mend-{whose}.csv": _to_mend(report, whose) for whose in report.organisations},
        "figures.csv": csv_for_people(("source", "organisation", "figure", "records"), _figures(report)),
        "report.md": ("\n".join(told) + "\n").encode(),
        "report.json": (json.dumps(as_json(report), indent=2) + "\n").encode(),
        **{f"{name}.svg": drawn.encode() for name, drawn in pictures.items()},
    }
    return write_files(folder, files)


def as_json(report: Numbers) -> dict[str, object]:
    """Return the whole report for programs."""
    against = report.against
    return {
        "made_at": report.made_at.isoformat(timespec="seconds"),
        "checked_against": {"source": against.source, "as_of": against.as_of.isoformat(), "people": against.people}
        if against
        else None,
        "holdings": [_holding_json(one) for one in report.holdings],
        "to_mend": [
            {
                "source": one.source,
                "organisation": one.organisation,
                "record": one.reference,
                "fault": one.fault.name.lower().replace("_", "-"),
                "rows": one.rows,
            }
            for one in report.findings
        ],
    }


def cells(place: int, one: Finding) -> tuple[str, ...]:
    """Return the cells of one record to mend; ``place`` counts from 1."""
    return str(place), one.source, one.organisation, one.reference, one.fault.value, one.number, str(one.rows)


def figures(one: Holding) -> tuple[tuple[str, int], ...]:
    """Return what a holding counts, in words, in the order of the report."""
    return tuple((words, count) for words, _, count in _named(one))


def _to_mend(report: Numbers, whose: str) -> bytes:
    mine = (one for one in report.findings if one.organisation == whose)
    return csv_for_people(COLUMNS, (cells(place, one) for place, one in enumerate(mine, 1)))


def _holding_json(one: Holding) -> dict[str, object]:
    return {
        "source": one.source,
        "organisation": one.organisation,
        **{name: count for _, name, count in _named(one)},
        "last_traced": one.last_traced.isoformat() if one.last_traced else None,
        "open_adult_clients": one.open_adults,
        "by_status": {code: one.clients[code] for code in INDICATORS},
        "left_out": {why.value: one.left_out[why] for why in _LEFT_OUT},
    }


def _named(one: Holding) -> tuple[tuple[str, str, int], ...]:
    return (
        ("records", "records", one.records),
        ("without a number", "without", one.without),
        ("without a number, one found", "found", one.found),
        ("with a number of another record too", "shared", one.shared),
        ("numbers on more than one record", "groups", one.groups),
        ("number not valid", "invalid", one.invalid),
        ("number not verified nationally", "unverified", one.unverified),
    )


def _figures(report: Numbers) -> Iterator[tuple[str, str, str, str]]:
    for one in report.holdings:
        for words, _, count in _named(one):
            yield one.source, one.organisation, words, str(count)
        yield one.source, one.organisation, "open adult clients", str(one.open_adults)
        for code in INDICATORS:
            yield one.source, one.organisation, f"open adult clients, status {code}", str(one.clients[code])


def _held(one: Holding) -> tuple[str, ...]:
    return (_name(one), *(f"{count:,}" for _, _, count in _named(one)))


def _clients(one: Holding) -> tuple[str, ...]:
    return (_name(one), f"{one.open_adults:,}", *(_share(one.clients[code], one.open_adults) for code in INDICATORS))


def _share(count: int, of: int) -> str:
    return f"{count / of:.1%} ({count:,})" if count else "0"


def _name(one: Holding) -> str:
    return f"{one.source} {one.organisation}"


def _checked(report: Numbers) -> str:
    against = report.against
    traced = [one.last_traced for one in report.holdings if one.last_traced]
    when = f" Last traced {max(traced):%d %B %Y}." if traced else ""
    what = (
        f"Checked against {against.source}, as of {against.as_of:%d %B %Y}, {against.people:,} people."
        if against
        else "Checked against no index: none is loaded, or it is too old."
    )
    return f"The deceased and duplicates left out, on {report.made_at:%d %B %Y}. {what}{when}"
