"""The report of a training for people to read: a Markdown page, JSON, and charts of the weights and of the claims.

Everything in it is a weight, a rate or a count; there is nothing of anybody.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from gateway.services.files import named
from linkage.compare import VOCABULARY
from linkage.train import How

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gateway.services.quality.train import Training

SAID: Final = {
    How.LEARNT: "learnt from pairs",
    How.COUNTED: "its chance counted",
    How.KEPT: "kept: too little to learn from",
}
_LARGEST: Final = 12


def write_model(path: Path, content: bytes) -> None:
    """Write a model file, aside first, then renamed.

    Raises:
        InputError: it cannot be written there.
        Unavailable: the disk is full or broken.
    """
    _write(path, content)


def write_report(folder: Path, training: Training) -> list[Path]:
    """Write ``report.md``, ``report.json`` and the charts into ``folder``; returns the files.

    Raises:
        InputError: the folder cannot be made or written.
        Unavailable: the disk is full or broken.
    """
    written = {
        "report.md": "\n".join(_markdown(training)) + "\n",
        "report.json": json.dumps(as_json(training), indent=2) + "\n",
        **dict(_charts(training)),
    }
    with named(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, text in written.items():
        _write(folder / name, text.encode())
    return [folder / name for name in written]


def as_json(training: Training) -> dict[str, object]:
    """Everything in the report, for programs."""
    refined, samples = training.refined, training.samples
    return {
        "before": {"name": training.before.name, "version": training.before.version, "hash": training.before.hash},
        "after": {"name": training.after.name, "version": training.after.version, "hash": training.after.hash},
        "provenance": dict(training.after.provenance),
        "index-people": samples.people,
        "asked-people": samples.asked,
        "pairs": {block: sum(pairs.values()) for block, pairs in samples.blocks.items()},
        "crowded": dict(samples.crowded),
        "true-shares": dict(training.trained.shares),
        "levels": [asdict(level) for level in training.trained.levels],
        "answers": training.answers,
        "moves": [asdict(move) for move in refined.moves] if refined else [],
        "reliability": [{**asdict(one), "share": one.share} for one in training.bins],
        "calibration-error": training.calibration_error,
    }


def summary(training: Training) -> Iterator[str]:
    """Yield the lines for a terminal: what was learnt from, and what moved most."""
    samples = training.samples
    pairs = ", ".join(f"{block} {sum(found.values()):,}" for block, found in samples.blocks.items())
    yield f"learnt from {samples.people:,} people of the index and {samples.asked:,} asked about"
    yield f"  random pairs: {sum(samples.strangers.values()):,}; pairs that agree on: {pairs}"
    shares = ", ".join(f"{block} {share:.2%}" for block, share in sorted(training.trained.shares.items()))
    yield f"  of them one person: {shares}"
    yield f"  {_of_answers(training)}"
    for name, before, after in _moves(training)[:_LARGEST]:
        yield f"  {name:<28}{before:>8.2f} -> {after:>6.2f} bits"


def _of_answers(training: Training) -> str:
    if training.refined is None:
        return f"not refined: {training.answers:,} known answers are too few" if training.answers else "not refined"
    by = training.after.provenance["answers-by"]
    told = f"refined by {training.answers:,} answers known from {by}"
    return told + (f"; calibration error {training.calibration_error:.4f}" if training.bins else "")


def _moves(training: Training) -> list[tuple[str, float, float]]:
    """Every level whose bits changed, the largest change first."""
    old, new = training.before.comparisons, training.after.comparisons
    found = [
        (f"{field} {level}", old[field][level].bits, new[field][level].bits)
        for field, levels in VOCABULARY.items()
        for level in levels
    ]
    moved = [row for row in found if row[1] != row[2]]
    return sorted(moved, key=lambda row: -abs(row[2] - row[1]))


def _markdown(training: Training) -> Iterator[str]:
    after = training.after
    yield f"# Training of {after.name} {after.version}"
    yield ""
    yield f"From {training.before.name} {training.before.version} (`{training.before.hash}`) to `{after.hash}`."
    yield ""
    yield from (f"- {line.strip()}" for line in list(summary(training))[:4])
    yield ""
    yield from _table(("Provenance", "Value"), [(name, str(value)) for name, value in after.provenance.items()])
    yield "## Every level"
    yield ""
    yield "m: how often records of one person stand on the level; u: how often strangers do."
    yield ""
    rows = [
        (row.field, row.level, f"{row.m:.3g}", f"{row.u:.3g}", f"{row.before:.2f}", f"{row.after:.2f}", SAID[row.how])
        for row in training.trained.levels
    ]
    yield from _table(("Field", "Level", "m", "u", "Bits before", "Bits learnt", "How"), rows)
    yield from (f"![Weights of {field}](weights-{field}.svg)" for field in VOCABULARY)
    if training.refined is not None:
        yield ""
        yield "## Refined by known answers"
        yield ""
        moves = [
            (move.name, f"{move.before:.2f}", f"{move.after:.2f}", f"{move.rows:,}")
            for move in training.refined.moves
            if move.rows
        ]
        yield from _table(("Number", "Bits before", "Bits after", "Candidates"), moves)
    if training.bins:
        yield "## Claims and the truth"
        yield ""
        bins = [
            (f"{one.low:.2f} to {one.high:.2f}", f"{one.count:,}", f"{one.mean:.4f}", f"{one.share:.4f}")
            for one in training.bins
        ]
        yield from _table(("Claimed", "Answers", "Mean claim", "Right"), bins)
        yield "![Claims and the truth](reliability.svg)"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(row)} |"
    yield ""


def _charts(training: Training) -> Iterator[tuple[str, str]]:
    from gateway import charts  # noqa: PLC0415 - drawing takes long to import, and most runs draw nothing

    old, new = training.before.comparisons, training.after.comparisons
    for field, levels in VOCABULARY.items():
        rows = [
            (f"{level}, {when}", model[field][level].bits)
            for level in levels
            for when, model in (("before", old), ("after", new))
        ]
        yield f"weights-{field}.svg", charts.bars(rows, x="Bits", title=f"Weights of {field} before and after")
    if training.bins:
        yield "reliability.svg", charts.reliability(training.bins, title="Claims and the truth")


def _write(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.part")
    with named(path):
        aside.write_bytes(content)
        aside.replace(path)
