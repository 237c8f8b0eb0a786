"""Use case: measure a model, and its peers, on population folders, and write the report of it."""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final

from gateway.errors import InputError
from gateway.services.files import named
from gateway.services.progress import silent
from gateway.services.quality.answers import Engines, answer_all
from gateway.services.quality.evaluate import HOUSE, evaluate, key_recall, peer
from gateway.services.quality.population import open_population
from gateway.services.quality.sections import sections
from gateway.storage.models import shipped_model
from linkage.model import ModelFault
from linkage.model import load as load_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gateway.services.progress import Report
    from gateway.services.quality.answers import Answer
    from gateway.services.quality.evaluate import Evaluation, System
    from gateway.services.quality.peers.all import Run
    from gateway.services.quality.population import Population, Told
    from linkage.model import Model

    Say = Callable[[str], None]

REPORT: Final = "evaluation"


def model_of(path: Path | None) -> Model:
    """Read a model file; without one, return the model that comes with the package.

    Raises:
        InputError: it cannot be opened, or is not a model; names the path to the fault inside it.
    """
    if path is None:
        return shipped_model()
    with named(path):
        data = path.read_bytes()
    try:
        return load_model(data)
    except ModelFault as fault:
        raise InputError(str(fault), reason="model", field="model") from None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: a model by an engine on population folders, and whether the peers run too."""

    folders: Sequence[Path]
    model: Model
    engine: Engines = Engines.DUCKDB
    peers: bool = False


def measure(plan: Plan, *, say: Say, report: Report = silent) -> Evaluation:
    """Ask every question of every folder, judge the answers together, and where asked for those of the peers.

    Raises:
        InputError: a folder cannot be used, or a peer is not installed.
    """
    populations: list[Population] = []
    told: list[Told] = []
    answers: list[Answer] = []
    capped, seconds = 0, 0.0
    for folder in plan.folders:
        say(f"{folder.name}: preparing")
        population = open_population(folder, report)
        populations.append(population)
        say(f"{folder.name}: {len(population.told):,} questions, {population.prepared.people:,} rows in the index")
        began = time.perf_counter()
        found = answer_all(population, plan.model, plan.engine, report)
        seconds += time.perf_counter() - began
        told += population.told
        answers += found.answers
        capped += found.capped
    measured = evaluate(told, answers, key_recall(populations, capped))
    house, *others = measured.systems
    measured.systems[:] = [dataclasses.replace(house, seconds=seconds), *others]
    if plan.peers:
        measured.systems.extend(_peers(populations, plan.model, say))
    return measured


def _peers(populations: Sequence[Population], model: Model, say: Say) -> list[System]:
    """Run every peer over every population; imported here, because they are no part of the product."""
    runs: tuple[Run, ...] = import_module("gateway.services.quality.peers.all").RUNS
    found: list[System] = []
    for run in runs:
        done = []
        for population in populations:
            say(f"{population.folder.name}: {run.name}")
            done.append((population, run.answer(population.tables, model)))
        found.append(peer(done))
    return found


def write_report(folder: Path, measured: Evaluation, model: Model) -> list[Path]:
    """Write the evaluation as Markdown, JSON and charts, and return the files.

    Raises:
        InputError: the folder cannot be written.
    """
    from gateway import charts  # noqa: PLC0415 - drawing takes long to import, and most runs draw nothing

    title = f"Evaluation of {model.name} {model.version}"
    text = [f"# {title}", "", f"Model hash `{model.hash}`.", "", *(part.as_markdown() for part in sections(measured))]
    lines = {system.name: system.line for system in measured.systems}
    communities = measured.groups.get("community", {})
    written = {
        f"{REPORT}.md": "\n".join(text),
        f"{REPORT}.json": json.dumps(_as_json(measured, model), indent=2) + "\n",
        "precision-recall.svg": charts.curves(lines, x="Recall", y="Precision", title="Precision and recall"),
        "reliability.svg": charts.reliability(measured.bins, title=f"Reliability of {HOUSE}"),
        "missed-by-community.svg": charts.bars(
            [(name, tally.missed_rate.value) for name, tally in communities.items()],
            x="Missed rate",
            title="Missed by name community, at the shipped thresholds",
        ),
    }
    with named(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in written.items():
            (folder / name).write_text(content, encoding="utf-8")
    return [folder / name for name in written]


def _as_json(measured: Evaluation, model: Model) -> dict[str, object]:
    """Everything measured, without the curves' points."""
    held = dataclasses.asdict(measured)
    for system in held["systems"]:
        del system["line"]
    return {"model": model.name, "version": model.version, "hash": model.hash, **held}
