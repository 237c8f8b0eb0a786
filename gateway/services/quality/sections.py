"""An evaluation as sections of text and tables: written once, shown on a terminal and in a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.services.quality.evaluate import GAP_AT, HOUSE, PRECISIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.services.quality.evaluate import Evaluation, System
    from linkage.evaluate import Share, Tally

AXES: Final = {
    "community": "By name community",
    "sex": "By sex",
    "age_band": "By age band",
    "tag": "By what went wrong in the record",
}
_GROUP_COLUMNS: Final = ("group", "questions", "false", "95 %", "missed", "95 %", "recall")
_HIGH: Final = f"recall at P {GAP_AT:g}"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, a sentence or two, a table whose first column is text and the others figures, and notes on it."""

    title: str
    text: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()

    def as_text(self) -> str:
        """For a terminal: columns aligned."""
        lines = [self.title, *([f"  {self.text}"] if self.text else [])]
        table = [self.columns, *self.rows] if self.rows else []
        widths = [max(len(row[column]) for row in table) for column in range(len(self.columns))] if table else []
        for first, *others in table:
            cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
            lines.append("  ".join(("  " + first.ljust(widths[0]), *cells)))
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines)

    def as_markdown(self) -> str:
        """For a report."""
        lines = [f"## {self.title}", ""]
        if self.text:
            lines += [self.text, ""]
        if self.rows:
            ruler = ("---", *("---:",) * (len(self.columns) - 1))
            lines += [f"| {' | '.join(row)} |" for row in (self.columns, ruler, *self.rows)]
            lines.append("")
        lines += [f"* {note}" for note in self.notes] + [""] * bool(self.notes)
        return "\n".join(lines)


def sections(evaluation: Evaluation) -> Iterator[Section]:
    """Yield everything an evaluation has to say, in the order a reader asks for it."""
    yield _shipped(evaluation)
    yield _systems(evaluation.systems)
    yield _reliability(evaluation)
    for axis, title in AXES.items():
        if axis in evaluation.groups:
            yield _groups(evaluation, axis, title)
    yield _gaps(evaluation)


def _shipped(found: Evaluation) -> Section:
    tally = found.shipped
    figures: tuple[tuple[str, str], ...] = (
        ("questions", f"{found.questions:,}"),
        ("of them in the index", f"{found.present:,}"),
        ("precision", _with_interval(tally.precision)),
        ("recall", _with_interval(tally.recall)),
        ("F1", f"{tally.f1:.5f}"),
        ("wrongly joined", f"{tally.wrong:,}"),
        ("review share", _with_interval(found.review)),
        ("review yield", _with_interval(found.found)),
        ("calibration error", f"{found.calibration_error:.4f}"),
        ("key recall", _with_interval(found.keys.recall)),
        ("capped", f"{found.keys.capped:,}"),
    )
    return Section("At the shipped thresholds", "", ("figure", "value"), figures)


def _systems(systems: Sequence[System]) -> Section:
    columns = ("system", "best F1", "P", "R", *(f"R at P {precision:g}" for precision in PRECISIONS), "seconds")
    rows = tuple(
        (
            one.name,
            f"{one.best.f1:.4f}",
            f"{one.best.precision.value:.4f}",
            f"{one.best.recall.value:.4f}",
            *(f"{at.recall.value:.4f}" for at in one.at),
            f"{one.seconds:.1f}" if one.seconds else "",
        )
        for one in systems
    )
    notes = tuple(f"{one.name}: {one.note}" for one in systems if one.note)
    thresholds = ", ".join(f"{at.threshold:.2f} at {at.precision:g}" for one in systems[:1] for at in one.at)
    text = f"Thresholds of {HOUSE} in log2 odds: {thresholds}."
    return Section("Recall at a required precision", text, columns, rows, notes)


def _reliability(found: Evaluation) -> Section:
    rows = tuple(
        (
            f"{one.low:.2f} to {one.high:.2f}",
            f"{one.count:,}",
            f"{one.mean:.4f}",
            f"{one.share:.4f}",
            _interval(one.right),
        )
        for one in found.bins
    )
    text = "What posteriors claim of the best candidate, and how often it was the person."
    return Section("Reliability", text, ("posterior", "answers", "claimed", "true", "95 %"), rows)


def _groups(found: Evaluation, axis: str, title: str) -> Section:
    high = found.high if axis == "community" else {}
    columns = (*_GROUP_COLUMNS, *((_HIGH, "95 %") if high else ()))
    rows = tuple(
        (
            value or "unknown",
            f"{found.sizes[axis][value]:,}",
            *_rates(tally),
            *((_rate(high[value].recall), _interval(high[value].recall)) if high else ()),
        )
        for value, tally in found.groups[axis].items()
    )
    return Section(title, "At the shipped thresholds.", columns, rows)


def _rates(tally: Tally) -> tuple[str, ...]:
    false, missed = tally.false_rate, tally.missed_rate
    return _rate(false), _interval(false), _rate(missed), _interval(missed), _rate(tally.recall)


def _gaps(found: Evaluation) -> Section:
    rows = (("shipped thresholds", f"{found.gap:.4f}"), (f"precision {GAP_AT:g}", f"{found.gap_at_high:.4f}"))
    text = "The best community's recall less the worst one's; read it with the intervals above."
    return Section("Recall gap between communities", text, ("where", "gap"), rows)


def _rate(share: Share) -> str:
    return f"{share.value:.4f}" if share.of else "-"


def _interval(share: Share) -> str:
    low, high = share.interval
    return f"{low:.4f} to {high:.4f}" if share.of else ""


def _with_interval(share: Share) -> str:
    return f"{_rate(share)} ({_interval(share)})" if share.of else _rate(share)
