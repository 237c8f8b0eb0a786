"""A review case as its page shows it: rows of both sides, evidence as a chart and as a table, choices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from gateway import charts
from gateway.web.words import SENT_BY, day_words, field_words, moment_words, sentence
from linkage import reasons
from linkage.explain import LABELS, describe, short_label, weighed

if TYPE_CHECKING:
    from gateway.services.records.reviews import CaseLine
    from gateway.services.records.sides import Details, Facing, Sides
    from linkage.explain import Weighing

Cell = dict[str, Any]

_MORE: Final = {
    "previous_family": "Earlier last names",
    "postcode": "Postcode",
    "previous_postcode": "Earlier postcodes",
}
_UNKNOWN: Final = "Not known"


@dataclass(frozen=True, slots=True)
class Shown:
    """One candidate on the page. ``chart`` is our own SVG; ``evidence`` says the same as a table."""

    person_id: str
    heading: str
    weight: str
    details: list[list[Cell]]
    chart: Markup
    evidence: list[list[Cell]]


@dataclass(frozen=True, slots=True)
class CasePage:
    """Everything on the page of a case. ``decided`` is empty while it is open."""

    case_id: str
    is_open: bool
    reason: str
    sent_by: str
    opened: str
    decided: str
    record_shown: bool
    withheld: bool
    candidates: list[Shown]
    choices: list[Cell]


def line(one: CaseLine) -> list[Cell]:
    """Return one line of the queue."""
    people = f"{one.candidates} candidate" + ("" if one.candidates == 1 else "s")
    return [
        {"text": one.case_id[:8], "href": f"/review/{one.case_id}", "classes": "app-codes"},
        {"text": f"{reasons.sentence(one.reason)}."},
        {"text": people},
    ]


def facing(sides: Sides) -> CasePage:
    """Return the page of a case."""
    shown = [_shown(place, one, sides) for place, one in enumerate(sides.candidates, 1)]
    return CasePage(
        case_id=sides.case.case_id,
        is_open=sides.is_open,
        reason=f"{reasons.sentence(sides.case.reason)}.",
        sent_by=f"{SENT_BY.get(sides.source, sides.source)}, organisation {sides.organisation}",
        opened=moment_words(sides.case.opened_at),
        decided=_decided(sides),
        record_shown=sides.record is not None,
        withheld=sides.withheld,
        candidates=shown,
        choices=[{"value": one.person_id, "text": f"The same person as {one.heading.lower()}"} for one in shown],
    )


def _decided(sides: Sides) -> str:
    case = sides.case
    if sides.is_open or case.decided_at is None:
        return ""
    places = {one.person_id: place for place, one in enumerate(sides.candidates, 1)}
    who = (
        f"the same person as candidate {places.get(case.person_id, '')}".rstrip()
        if case.person_id
        else "nobody of these"
    )
    return f"{case.actor} decided on {moment_words(case.decided_at)}: {who}."


def _shown(place: int, one: Facing, sides: Sides) -> Shown:
    of = one.weighing
    heading = f"Candidate {place}"
    chart = charts.waterfall(
        of.evidence, prior_bits=of.prior_bits, posterior=of.posterior, title=f"{heading}: what adds up"
    )
    told = [name for name in sides.fields if one.details[name] or (sides.record or {}).get(name)]
    details = [_row(name, sides.record, one.details) for name in told]
    # drawn here from field names, levels and figures; the drawing escapes every text
    safe = Markup(chart)  # noqa: S704
    return Shown(one.person_id, heading, sentence(weighed(of.bits, of.posterior)) + ".", details, safe, _evidence(of))


def _row(name: str, record: Details | None, held: Details) -> list[Cell]:
    said = [] if record is None else [_cell(name, record[name])]
    return [{"text": LABELS.get(name) or _MORE[name]}, *said, _cell(name, held[name])]


def _cell(name: str, value: str) -> Cell:
    return {"text": _words(name, value) if value else _UNKNOWN, "classes": "app-codes"}


def _words(name: str, value: str) -> str:
    """A value as people read it: whole dates in words, a number in its groups; anything else as it was sent."""
    if name == "nhs_number":
        return f"{value[:3]} {value[3:6]} {value[6:]}"
    if name in {"birth_date", "death_date"} and len(value) == len("1941-03-15"):
        return day_words(date.fromisoformat(value))
    return value


def _evidence(of: Weighing) -> list[list[Cell]]:
    """The chart in rows: the prior, each piece that weighs, those that do not in one line, and the total."""
    rows = [_weight("Before comparing", "What is believed of any candidate", of.prior_bits)]
    rows += [
        _weight(short_label(piece), describe(piece).removeprefix(f"{short_label(piece)}: "), piece.bits)
        for piece in of.evidence
        if piece.bits
    ]
    silent = ", ".join(field_words(piece.field) for piece in of.evidence if not piece.bits)
    rows += [_weight("Without weight", sentence(silent), 0.0)] if silent else []
    return [*rows, _weight("Total", "Log2 odds against nobody in the index", of.prior_bits + of.bits)]


def _weight(what: str, said: str, bits: float) -> list[Cell]:
    figure = f"{bits:+.1f}".replace("-", "\N{MINUS SIGN}") if bits else "0"
    return [{"text": what}, {"text": sentence(said)}, {"text": figure, "format": "numeric"}]
