"""Charts as SVG: Altair specifications drawn on the server by vl-convert, which fetches nothing.

What comes out may stand inside a page under the strict policy: no script, style sheet, ``style`` attribute, font
file, link or id. The picture is one image to a screen reader, with a title and a description that gives its figures;
signs, dashes, shapes and written values say what the colours say. The same values give the same text. A chart never
stands alone on a page: the data table beneath it is the page's.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any, Final, Protocol

import altair as alt
import vl_convert

from linkage.explain import percent, short_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from linkage.explain import Evidence

    _Chart = alt.Chart | alt.LayerChart | alt.FacetChart

_BLUE: Final = "#005eb8"
_RED: Final = "#aa2a16"
_GREY: Final = "#425563"
_COLOURS: Final = (_BLUE, _RED, "#006747", "#7c2855", "#9a6700", _GREY, "#00789c", "#330072")
_WIDTH: Final = 480
_ROW: Final = 24
_FIGURE: Final = 0.12
"""How much of a bar chart its figures need, as a share of what the bars span."""
_MOST_POINTS: Final = 400
"""More points of a curve than a picture of this width can show."""

_CONFIG: Final[dict[str, Any]] = {
    "aria": False,
    "font": "Arial, sans-serif",
    "background": "#ffffff",
    "axis": {"labelFontSize": 13, "titleFontSize": 13, "labelLimit": 260, "gridColor": "#d8dde0", "labelFlush": False},
    "legend": {
        "labelFontSize": 13,
        "titleFontSize": 13,
        "labelLimit": 260,
        "orient": "bottom",
        "columns": 2,
        "symbolSize": 900,
    },
    "title": {"fontSize": 15, "anchor": "start", "limit": 700},
    "text": {"fontSize": 13},
    "view": {"stroke": None},
}


class Bin(Protocol):
    """One bin of a reliability table: how many answers, the mean probability claimed, the share that was right."""

    @property
    def count(self) -> int:
        """Answers in the bin."""

    @property
    def mean(self) -> float:
        """Their mean claimed probability."""

    @property
    def share(self) -> float:
        """The share of them that was right."""


def waterfall(evidence: Iterable[Evidence], *, prior_bits: float, title: str, posterior: float | None = None) -> str:
    """Draw what adds up to a candidate's log2 odds: the prior, each piece of evidence, the total.

    ``prior_bits``: the log2 odds before looking at anything, usually negative. ``posterior``: the candidate's
    probability among all candidates and "not in the index", written beside the total. Silent fields are left out.
    """
    steps = [("Before comparing", prior_bits)]
    steps += [(short_label(piece), piece.bits) for piece in evidence if round(piece.bits, 1)]
    rows: list[dict[str, object]] = []
    reached = 0.0
    for place, (label, bits) in enumerate(steps):
        rows.append(_step(f"{place:02d}{label}", bits, reached, reached + bits))
        reached += bits
    probability = "" if posterior is None else f" · probability {percent(posterior)}"
    rows.append({**_step(f"{len(steps):02d}Total", reached, 0.0, reached), "kind": "total"})
    rows[-1]["said"] = f"{reached:+.1f}{probability}"
    described = ", ".join(f"{label} {bits:+.1f}" for label, bits in steps)
    return _svg(_waterfall(rows), title, f"Bits: {described}. Total {reached:+.1f}{probability}.")


def _step(label: str, bits: float, start: float, end: float) -> dict[str, object]:
    kind = "for" if bits >= 0 else "against"
    return {"label": label, "start": start, "end": end, "right": max(start, end), "kind": kind, "said": f"{bits:+.1f}"}


def _waterfall(rows: Sequence[Mapping[str, object]]) -> _Chart:
    """Floating bars, one a row, the signed bits written at the right end of each."""
    y = alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelExpr="substring(datum.label, 2)", ticks=False))
    colour = alt.Color("kind:N", legend=None).scale(domain=["for", "against", "total"], range=[_BLUE, _RED, _GREY])
    base = _chart(rows)
    bars = base.mark_bar(height=15).encode(
        y=y, x=alt.X("start:Q", title="Bits (log2 odds)").scale(padding=60), x2="end:Q", color=colour
    )
    said = base.mark_text(align="left", dx=5, color="#212b32").encode(y=y, x="right:Q", text="said:N")
    nought = _chart([{"x": 0}]).mark_rule(color="#212b32").encode(x="x:Q")
    return alt.layer(nought, bars, said).properties(width=_WIDTH, height=alt.Step(_ROW))


def reliability(bins: Sequence[Bin], *, title: str) -> str:
    """Draw claimed probability against the share that was right; the diagonal is perfect calibration."""
    rows = [{"claimed": one.mean, "right": one.share, "count": one.count} for one in bins if one.count]
    points = (
        _chart(rows)
        .mark_line(point={"size": 60, "filled": True}, color=_BLUE)
        .encode(
            x=alt.X("claimed:Q", title="Probability claimed", axis=alt.Axis(format=".0%")).scale(domain=[0, 1]),
            y=alt.Y("right:Q", title="Share that was right", axis=alt.Axis(format=".0%")).scale(domain=[0, 1]),
        )
    )
    diagonal = (
        _chart([{"claimed": 0, "right": 0}, {"claimed": 1, "right": 1}])
        .mark_line(color=_GREY, strokeDash=[6, 4])
        .encode(x="claimed:Q", y="right:Q")
    )
    described = ", ".join(f"{one.mean:.1%} claimed {one.share:.1%} right" for one in bins if one.count)
    chart = alt.layer(diagonal, points).properties(width=_WIDTH, height=_WIDTH * 3 // 4)
    return _svg(chart, title, f"The dashed line is perfect calibration. {described or 'Nothing was answered'}.")


def curves(series: Mapping[str, Sequence[tuple[float, float]]], *, x: str, y: str, title: str) -> str:
    """Draw one line for each name of ``series``, in that order, each of its own colour and dash.

    ``x`` and ``y`` are the axes' titles. Long lines are thinned to what can be seen.
    """
    rows = [
        {"name": name, "place": place, "x": across, "y": up}
        for name, points in series.items()
        for place, (across, up) in enumerate(_thinned(points))
    ]
    names = list(series)
    legend = alt.Legend(title=None) if len(names) > 1 else None
    dashes = [[1, 0], [8, 4], [2, 3], [10, 3, 2, 3], [4, 4], [12, 6], [1, 4], [6, 2, 2, 2]]
    chart = (
        _chart(rows)
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("x:Q", title=x).scale(zero=False, nice=False),
            y=alt.Y("y:Q", title=y).scale(zero=False),
            color=alt.Color("name:N", sort=None, legend=legend).scale(domain=names, range=_taken(_COLOURS, names)),
            strokeDash=alt.StrokeDash("name:N", sort=None, legend=legend).scale(
                domain=names, range=_taken(dashes, names)
            ),
            order="place:Q",
        )
        .properties(width=_WIDTH, height=_WIDTH * 2 // 3)
    )
    ends = ", ".join(
        f"{name} from {x} {points[0][0]:.4g}, {y} {points[0][1]:.4g} to {points[-1][0]:.4g}, {points[-1][1]:.4g}"
        for name, points in series.items()
        if points
    )
    return _svg(chart, title, f"{y} against {x}. {ends or 'No points'}.")


def bars(rows: Sequence[tuple[str, float]], *, x: str, title: str) -> str:
    """Draw one bar for each (label, value) in the order given, its value written at its end. ``x``: the axis' title."""
    values = [
        {"label": f"{place:03d}{label}", "value": value, "end": max(value, 0.0), "said": _figure(value)}
        for place, (label, value) in enumerate(rows)
    ]
    y = alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelExpr="substring(datum.label, 3)", ticks=False))
    base = _chart(values)
    drawn = base.mark_bar(height=15, color=_BLUE).encode(y=y, x=alt.X("value:Q", title=x).scale(domain=_room(rows)))
    said = base.mark_text(align="left", dx=5, color="#212b32").encode(y=y, x="end:Q", text="said:N")
    chart = alt.layer(drawn, said).properties(width=_WIDTH, height=alt.Step(_ROW))
    described = ", ".join(f"{label} {_figure(value)}" for label, value in rows)
    return _svg(chart, title, f"{x}: {described or 'nothing to show'}.")


def _room(rows: Sequence[tuple[str, float]]) -> list[float]:
    """From nought, or the least below it, to the most and room for its figure."""
    values = [0.0, *(value for _, value in rows)]
    span = (max(values) - min(values)) or 1.0
    return [min(values) - (_FIGURE if min(values) < 0 else 0) * span, max(values) + _FIGURE * span]


def _chart(rows: Sequence[Mapping[str, object]]) -> alt.Chart:
    return alt.Chart(alt.Data(values=list(rows)))  # type: ignore[no-untyped-call]  # Altair leaves this one untyped


def _figure(value: float) -> str:
    """A figure for people: whole from a thousand on, four digits below."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"  # noqa: PLR2004 - said in the sentence above


def _taken(choices: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """As many choices as there are names, over and over."""
    return [choices[place % len(choices)] for place in range(len(names))]


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most as many points as can be seen, the first and the last among them."""
    if len(points) <= _MOST_POINTS:
        return list(points)
    last = len(points) - 1
    return [points[round(place * last / (_MOST_POINTS - 1))] for place in range(_MOST_POINTS)]


def _svg(chart: _Chart, title: str, description: str) -> str:
    """Draw it, and make it one image with a name and a description."""
    specification = chart.properties(title=title).configure(**_CONFIG).to_dict(validate=False)
    drawn = vl_convert.vegalite_to_svg(specification)
    drawn = re.sub(r' xmlns:xlink="[^"]*"| class="[^"]*"| (?:aria-[a-z]+|role)="[^"]*"', "", drawn)
    named = f'<svg role="img" aria-label="{escape(title)}"'
    told = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
    head, mark, rest = drawn.replace("<svg", named, 1).partition(">")
    return f"{head}{mark}{told}{rest}"
