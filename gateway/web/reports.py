"""The pages *Unmatched records* and *NHS numbers*: what does not match and why, and how the NHS number is held.

A page reads so many records and no more; a larger organisation runs the same reports as files, overnight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint
from markupsafe import Markup

from gateway.auth.desk import current_caller
from gateway.services.reports import numbers_files, unmatched_files
from gateway.services.reports.indicators import INDICATORS
from gateway.services.reports.numbers import LeftOut, numbers
from gateway.services.reports.reasons import WORDS
from gateway.services.reports.unmatched import unmatched
from gateway.web.render import house, page
from gateway.web.words import SENT_BY, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.services.reports.lines import Line, Unmatched
    from gateway.services.reports.numbers import Finding, Holding, Numbers

reports: Final = Blueprint("reports", __name__)

UNMATCHED: Final = "Unmatched records"
NUMBERS: Final = "NHS numbers in your records"
MOST_RECORDS: Final = 2_000
"""So many unmatched records are looked at for a page."""
MOST_LINES: Final = 100

Cell = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a page: a table under its caption, the picture that says the same above it, where there is one."""

    caption: str
    head: list[Cell]
    rows: list[list[Cell]]
    text: str = ""
    chart: str = ""


@reports.get("/quality/unmatched")
def unmatched_page() -> str:
    """Show why records of the caller's organisation did not match, what pays most first."""
    made = unmatched(house(), current_caller(), most=MOST_RECORDS)
    told = next(iter(unmatched_files.sections(made)))
    drawn = unmatched_files.charts(made) if made.lines else {}
    blocks = [_reasons(made, drawn), _fields(made, drawn), _work(made.lines)]
    return page("quality.jinja", UNMATCHED, text=told.text, notes=told.notes, blocks=blocks)


@reports.get("/quality/numbers")
def numbers_page() -> str:
    """Show how the caller's organisation holds NHS numbers."""
    made = numbers(house(), current_caller())
    told = list(numbers_files.sections(made))
    each = (_clients, _left_out, _held)
    blocks = [*(block(one) for one in made.holdings for block in each), _to_mend(made)]
    return page("quality.jinja", NUMBERS, text=told[1].text, notes=(), blocks=blocks)


def _reasons(made: Unmatched, drawn: Mapping[str, str]) -> Block:
    head = [_head("Reason"), _head("What it means"), _head("What to do"), _head("Records", number=True)]
    rows = [
        [_text(WORDS[cause].name), _text(WORDS[cause].meaning), _text(WORDS[cause].next_step), _figure(count)]
        for cause, count in made.by_cause.items()
    ]
    return Block("By reason", head, rows, chart=_chart(drawn.get("reasons", "")))


def _fields(made: Unmatched, drawn: Mapping[str, str]) -> Block:
    rows = [[_text(name), _figure(count)] for name, count in made.by_field.items()]
    head = [_head("Field"), _head("Records", number=True)]
    text = "A record counts under each of its fields."
    return Block("By field to fix", head, rows, text=text, chart=_chart(drawn.get("fields", "")))


def _work(lines: tuple[Line, ...]) -> Block:
    text = (
        f"The {min(len(lines), MOST_LINES):,} of {len(lines):,} that pay most, first what is likeliest to be settled."
    )
    head = [_head(name) for name in ("Record", "Sent by", "Reason", "Fields to fix", "What to do")]
    return Block("Work list", head, [_work_row(line) for line in lines[:MOST_LINES]], text=text)


def _work_row(line: Line) -> list[Cell]:
    return [
        {"text": line.reference, "classes": "app-codes"},
        _text(SENT_BY.get(line.source, line.source)),
        _text("; ".join([line.words.name, *(WORDS[cause].name.lower() for cause in line.also)])),
        _text(", ".join(line.fields_to_fix) or "None"),
        _text(line.next_step),
    ]


def _clients(one: Holding) -> Block:
    head = [_head("NHS number status"), _head("Clients", number=True), _head("Share", number=True)]
    rows = [
        [_text(f"{code}, {words}"), _figure(one.clients[code]), _share(one.clients[code], one.open_adults)]
        for code, words in INDICATORS.items()
    ]
    caption = f"Open adult clients by status: {_whose(one)}"
    chart = _chart(numbers_files.status_chart(one.clients))
    return Block(caption, head, rows, text=f"{one.open_adults:,} clients.", chart=chart)


def _left_out(one: Holding) -> Block:
    head = [_head("Why"), _head("Records", number=True)]
    rows = [[_text(sentence(why)), _figure(one.left_out[why])] for why in LeftOut]
    return Block(f"Left out of the shares: {_whose(one)}", head, rows)


def _held(one: Holding) -> Block:
    head = [_head("What"), _head("Count", number=True)]
    rows = [[_text(sentence(words)), _figure(count)] for words, count in numbers_files.figures(one)]
    return Block(f"Records: {_whose(one)}", head, rows)


def _to_mend(made: Numbers) -> Block:
    head = [_head(name) for name in ("Record", "Sent by", "What to mend", "NHS number")]
    shown, held = made.findings[:MOST_LINES], len(made.findings)
    rows = [_to_mend_row(one) for one in shown]
    chart = _chart(numbers_files.fault_chart(made.findings))
    return Block("Records to mend", head, rows, text=f"The first {len(shown):,} of {held:,}.", chart=chart)


def _to_mend_row(one: Finding) -> list[Cell]:
    return [
        {"text": one.reference, "classes": "app-codes"},
        _text(SENT_BY.get(one.source, one.source)),
        _text(sentence(one.fault)),
        {"text": one.number or "None", "classes": "app-nowrap"},
    ]


def _whose(one: Holding) -> str:
    return f"{SENT_BY.get(one.source, one.source)}, organisation {one.organisation}"


def _head(text: str, *, number: bool = False) -> Cell:
    return {"text": text, "format": "numeric"} if number else {"text": text}


def _text(text: str) -> Cell:
    return {"text": text}


def _figure(count: int) -> Cell:
    return {"text": f"{count:,}", "format": "numeric"}


def _share(count: int, of: int) -> Cell:
    return {"text": f"{count / of:.1%}" if of else "0%", "format": "numeric"}


def _chart(drawn: str) -> Markup:
    # drawn here from our own words and figures; the drawing escapes every text
    return Markup(drawn)  # noqa: S704
