"""A shadow run for people to read: lines for the terminal, and a folder of Markdown, JSON and charts.

Nothing in it is about anybody: source people are opaque ids, evidence is field, level and bits.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import orjson

from gateway import charts
from gateway.services.files import named
from gateway.services.quality.shadow import Change, packed
from linkage.explain import describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.services.quality.shadow import Example, ShadowReport, Side

SAID: Final = {
    Change.GAINED: "links gained",
    Change.LOST: "links lost",
    Change.CHANGED: "links that would name another person",
    Change.INTO_REVIEW: "moved into review",
    Change.OUT_OF_REVIEW: "moved out of review",
}
"""Change → its name in reports. Of ``lost``, the count takes in those that would name another person."""


def counts(report: ShadowReport) -> dict[Change, int]:
    """How many people each change would happen to, in the order of the report."""
    return {change: report.tally.changes[change] for change in Change} | {Change.LOST: report.tally.lost}


def outcomes(report: ShadowReport) -> list[tuple[str, int, int]]:
    """Outcome, people before, people after; in order of name."""
    before, after = report.tally.before, report.tally.after
    return [(outcome, before[outcome], after[outcome]) for outcome in sorted(before.keys() | after.keys())]


def lines(report: ShadowReport) -> Iterator[str]:
    """Yield the report for a terminal: figures first, then the examples of each change."""
    model, tally = report.model, report.tally
    yield (
        f"{tally.people:,} people traced under {model.name} {model.version} ({model.hash[:12]}), compared with what "
        f"stands under {report.against[:12]}; nothing was changed"
    )
    yield f"  {'outcome':<16}{'before':>10}{'after':>10}"
    yield from (f"  {outcome:<16}{before:>10,}{after:>10,}" for outcome, before, after in outcomes(report))
    yield from (f"  {SAID[change]}: {people:,}" for change, people in counts(report).items())
    yield f"  settled by a person, whatever a model says: {tally.decided:,}"
    for change, examples in tally.examples.items():
        if examples:
            yield f"{SAID[change]}, for example:"
        for example in examples:
            yield f"  {example.source_person_id}: {_said(example.before)} -> {_said(example.after)}"
            yield f"    {_evidence(example)}"
    yield f"to put it in use: gateway model activate {model.hash[:12]} --accept-lost {tally.lost}"


def write_report(folder: Path, report: ShadowReport) -> list[Path]:
    """Write ``shadow.md``, ``shadow.json`` and two charts into ``folder``; each aside first, then renamed.

    Raises:
        InputError: the folder cannot be made or written.
    """
    people = [
        (f"{outcome}, {side}", float(count)) for outcome, *both in outcomes(report) for side, count in _sides(both)
    ]
    changes = [(SAID[change], float(count)) for change, count in counts(report).items()]
    texts = {
        "shadow.md": "\n".join(_markdown(report)) + "\n",
        "shadow.json": orjson.dumps(as_json(report), option=orjson.OPT_INDENT_2).decode() + "\n",
        "outcomes.svg": charts.bars(people, x="People", title="Outcomes before and after"),
        "changes.svg": charts.bars(changes, x="People", title="What would change"),
    }
    with named(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return [_written(folder / name, text) for name, text in texts.items()]


def as_json(report: ShadowReport) -> dict[str, Any]:
    """The whole report as JSON values."""
    model = report.model
    return {
        "model": {"name": model.name, "version": model.version, "hash": model.hash},
        "against": report.against,
        "index_stamp": report.over.index,
        "records_stamp": report.over.records,
        **packed(report.tally),
        "outcomes": {outcome: {"before": before, "after": after} for outcome, before, after in outcomes(report)},
        "changes": {change.value: people for change, people in counts(report).items()},
    }


def _written(path: Path, text: str) -> Path:
    aside = path.with_name(f".{path.name}.part")
    with named(path):
        aside.write_text(text, "utf-8")
        os.replace(aside, path)  # noqa: PTH105 - whole or not at all, as every file of the house
    return path


def _markdown(report: ShadowReport) -> Iterator[str]:
    model, tally = report.model, report.tally
    yield f"# Shadow run of {model.name} {model.version}"
    yield ""
    yield f"Model `{model.hash}`, compared with what stands under `{report.against}`. Nothing was changed."
    yield ""
    yield f"- People traced: {tally.people:,}, of them settled by a person, whatever a model says: {tally.decided:,}"
    yield f"- Index `{report.over.index[:16]}`, records `{report.over.records[:16]}`"
    yield ""
    yield "![Outcomes before and after](outcomes.svg)"
    yield ""
    yield "| Outcome | Before | After |\n| --- | ---: | ---: |"
    yield from (f"| {outcome} | {before:,} | {after:,} |" for outcome, before, after in outcomes(report))
    yield ""
    yield "![What would change](changes.svg)"
    yield ""
    yield "| Change | People |\n| --- | ---: |"
    yield from (f"| {SAID[change]} | {people:,} |" for change, people in counts(report).items())
    for change, examples in tally.examples.items():
        if examples:
            yield f"\n## {SAID[change].capitalize()}"
        for example in examples:
            yield from _example(example)


def _example(example: Example) -> Iterator[str]:
    yield f"\n### {example.source_person_id}\n"
    yield f"{_said(example.before)}, would be {_said(example.after)}."
    yield "\n| Evidence under the model tried | Level | Bits |\n| --- | --- | ---: |"
    yield from (f"| {describe(piece)} | {piece.level} | {piece.bits:+.1f} |" for piece in example.evidence)


def _said(side: Side) -> str:
    return f"{side.outcome} ({side.reason})" if side.reason else side.outcome


def _evidence(example: Example) -> str:
    told = [f"{piece.field} {piece.level} {piece.bits:+.1f}" for piece in example.evidence if piece.bits]
    return ", ".join(told) or "no evidence: nobody was near"


def _sides(both: list[int]) -> list[tuple[str, int]]:
    return list(zip(("before", "after"), both, strict=True))
