"""How the numbers of the house model were found: ``python bench/tune.py OUT.json FOLDER… --check FOLDER…``.

The folders hold populations of the tuning profile, all of one size (``python -m fixtures.population FOLDER --profile
tuning --people 300000 --queries 60000 --seed N``). Every question's candidates and its absence compete; the model's
numbers are refitted on the folders, and its calibration on the ``--check`` folders, which also say what recall the
result reaches where it was not fitted. Which levels, interactions, vetoes and thresholds there are is written by hand
in the model that the run starts from. The judging profile is never read here.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import orjson

from gateway.services.quality.contests import contests_of
from gateway.services.quality.population import open_population
from linkage import calibrate
from linkage.evaluate import Curve, calibration_error, reliability
from linkage.frequencies import Frequencies
from linkage.model import load
from linkage.refine import refine
from linkage.refine_contests import Contests, best
from linkage.score import Scorer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.services.quality.population import Population
    from linkage.model import Model
    from linkage.refine_contests import Best

PRECISIONS: Final = (0.995, 0.999, 0.9995, 0.9999)
RIDGE: Final = 3.0
HARD: Final = 3.0
"""How often a question counts whose person is absent while a twin or namesake is there: wrong joins harm most."""
NOBODY: Final = Frequencies({}, 0)


@dataclass(frozen=True)
class Gathered:
    """Several populations as one: their contests, the people present, and the size of each one's index."""

    contests: Contests
    present: int
    people: int


def gather(folders: Sequence[Path], model: Model) -> Gathered:
    """Compare every question of every folder with its candidates."""
    parts: list[Contests] = []
    present = first = people = 0
    for folder in folders:
        population = open_population(folder)
        part = contests_of(population, model)
        hard = np.array([_is_hard(row.nhs_number, row.tags) for row in population.told])
        weight = np.where(hard[part.asked], HARD, 1.0)
        asked = part.asked + np.int32(first)
        parts.append(Contests(asked, part.levels, part.adjustment, part.right, weight))
        first, people = first + len(population.told), population.prepared.people
        present += _present(population)
        print(f"{folder.name}: {len(part.asked):,} candidates of {len(part.starts):,} questions", flush=True)
    return Gathered(_pooled(parts), present, people)


def _is_hard(number: str, tags: Sequence[str]) -> bool:
    return not number and not {"twin", "namesake"}.isdisjoint(tags)


def _present(population: Population) -> int:
    return sum(bool(row.nhs_number) for row in population.told)


def _pooled(parts: Sequence[Contests]) -> Contests:
    return Contests(
        np.concatenate([part.asked for part in parts]),
        np.concatenate([part.levels for part in parts]),
        np.concatenate([part.adjustment for part in parts]),
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.weight for part in parts if part.weight is not None]),
    )


def judged(name: str, model: Model, found: Gathered) -> Best:
    """Print what the posteriors of a model reach by weight alone, and return them."""
    top = best(Scorer(model, NOBODY, found.people), found.contests)
    curve = Curve.of_arrays(top.odds, top.right, found.present)
    recalls = ", ".join(f"{curve.recall_at(p).value:.4f} at {p} (from {curve.at(p).score:.1f})" for p in PRECISIONS)
    error = calibration_error(reliability(1 / (1 + np.exp2(-top.odds)), top.right))
    print(f"{name}: recall {recalls}; calibration error before calibration {error:.4f}", flush=True)
    return top


def main() -> int:
    """Refit, calibrate, check, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--check", type=Path, nargs="+", required=True)
    parser.add_argument("--model", type=Path, help="the model to start from; the shipped one where not given")
    parser.add_argument("--version", required=True)
    parser.add_argument("--ridge", type=float, default=RIDGE)
    wanted = parser.parse_args()
    shipped = files("linkage").joinpath("house_model.json")
    start = load(wanted.model.read_bytes() if wanted.model else shipped.read_bytes())
    fitted, held = gather(wanted.folders, start), gather(wanted.check, start)
    judged("start, where it is checked", start, held)
    done = refine(start, fitted.contests, fitted.people, version=wanted.version, ridge=wanted.ridge)
    for move in sorted(done.moves, key=lambda move: -abs(move.after - move.before)):
        print(f"  {move.name:44} {move.before:7.2f} -> {move.after:7.2f}  {move.rows:>9,} rows")
    fresh = load(orjson.dumps(done.content))
    judged("refitted, where it was fitted", fresh, fitted)
    top = judged("refitted, where it is checked", fresh, held)
    done.content["calibration"] = calibrate.fit(top.odds, top.right)
    wanted.out.write_bytes(orjson.dumps(done.content, option=orjson.OPT_INDENT_2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
