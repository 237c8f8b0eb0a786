"""A batch: a file of people against an index, a whole process from Parquet snapshots and a saved model to the answers.

Ours runs in a process of its own, which is the whole of what is timed: starting Python, reading, meeting, comparing,
deciding. So does the peer: Splink 5 with our levels, keys and a model it learnt before, and once more learning it now,
beside ours learning its weights now from the same Parquet, as ``gateway train`` does. Growth is shown by doing the same
for a tenth and a hundredth of the people.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from linkage.model import Model
    from linkage.person import Person

PEOPLE: Final = 1_000_000
QUERIES: Final = 100_000
SEED: Final = 21
SHARES: Final = (0.01, 0.1, 1.0)
THREADS: Final = 2
MEMORY: Final = "700MiB"
_MIB: Final = 2**20
_ROOT: Final = Path(__file__).parents[1]
_TEXTS: Final = ("family", "family_written", "given", "given_written", "postcode", "house", "gp_practice")
_LISTS: Final = ("other_given", "previous_family", "previous_postcode", "street", "phone", "email")
_OTHERS: Final = ("number", "number_valid", "born", "died", "sex", "hides_location")
_READ: Final = (*_OTHERS, *_TEXTS, *_LISTS, *(f"{name}_all" for name in _LISTS))


class Took(NamedTuple):
    """What a process took: seconds by the clock and of processor, its peak memory, and what it says it did."""

    seconds: float
    processor: float
    mib: float
    told: dict[str, float]


def measure(scratch: Path, scale: float) -> Iterator[Result]:
    """Ours at three sizes, then the peer at the full one."""
    rates: list[tuple[int, int, Took]] = []
    folder = scratch
    for share in SHARES:
        people, queries = int(PEOPLE * share * scale), int(QUERIES * share * scale)
        folder = _snapshot(scratch / f"population-{people}", people, queries)
        took = _in_a_process(["ours", str(folder)])
        rates.append((people, queries, took))
    yield from _growth(rates)
    people, queries, ours = rates[-1]
    work = f"batch, {queries:,} x {people:,}, whole process, saved model"
    note = f"{ours.told['pairs']:,.0f} pairs, {ours.processor:.1f} s of processor"
    yield Result(work, "time", ours.seconds, "s", at_most=6 * max(scale, 0.2), note=note)
    yield Result(work, "peak memory", ours.mib, "MiB", at_most=1024)
    yield from _peers(folder, work, ours)


def _growth(rates: Sequence[tuple[int, int, Took]]) -> Iterator[Result]:
    for people, queries, took in rates[:-1]:
        work = f"batch, {queries:,} x {people:,}, growth"
        note = f"{1e6 * took.told['seconds'] / max(queries, 1):.0f} µs a question without starting up"
        yield Result(work, "time", took.seconds, "s", note=note)


def _peers(folder: Path, work: str, ours: Took) -> Iterator[Result]:
    """Splink with a model that it learnt before, then learning it within the run: alone, and as ours does too."""
    model = folder / "splink.json"
    _in_a_process(["learn", str(folder), str(model)])
    saved, learning = (_in_a_process([side, str(folder), str(model)]) for side in ("saved", "training"))
    yield _compared(work, "saved model", saved, ours, at_least=1.0)
    yield _compared(work, "training counted on its side", learning, ours)
    both = _in_a_process(["ours-training", str(folder)])
    work = work.replace("saved model", "model learnt within the run")
    note = f"{both.told['training']:.1f} s of it training; {both.processor:.1f} s of processor"
    yield Result(work, "time", both.seconds, "s", note=note)
    yield Result(work, "peak memory", both.mib, "MiB")
    yield _compared(work, "training counted on both sides", learning, both, at_least=2.0)


def _compared(work: str, name: str, peer: Took, ours: Took, at_least: float | None = None) -> Result:
    """How many times as long Splink takes, with its seconds and memory."""
    ratio = peer.seconds / ours.seconds
    who, note = f"Splink 5, our levels and keys, {name}", f"{peer.seconds:.1f} s, {peer.mib:.0f} MiB"
    return Result(work, "how many times as long", ratio, "x", at_least=at_least, peer=who, ratio=ratio, note=note)


def _snapshot(folder: Path, people: int, queries: int) -> Path:
    """Synthetic people and questions as normalised, keyed Parquet files, made once a run."""
    from fixtures import tuning  # noqa: PLC0415 - as below
    from gateway.services.progress import silent  # noqa: PLC0415
    from gateway.services.quality.prepare import prepare  # noqa: PLC0415

    folder.mkdir()
    tuning.write(folder, people, queries, SEED)
    made = prepare(folder / "index.csv", folder / "queries.csv", folder, silent)
    terms = {"total": made.people, "counts": made.frequencies.as_counts()}
    (made.folder / "terms.json").write_text(json.dumps(terms), "utf-8")
    return made.folder


def _in_a_process(words: Sequence[str]) -> Took:
    command = [sys.executable, "-m", "bench.bench_batch", *words]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    told = json.loads(done.stdout.splitlines()[-1])
    return Took(seconds, told.pop("processor"), told.pop("mib"), told)


def _ours(folder: Path, *, learns: bool) -> dict[str, float]:
    """Trace the file, with the model as it is or with weights learnt now, and say what that took."""
    import duckdb  # noqa: PLC0415 - as below

    from linkage.batch import Report, trace  # noqa: PLC0415
    from linkage.decide import Matcher  # noqa: PLC0415
    from linkage.frequencies import Frequencies  # noqa: PLC0415
    from linkage.model import load  # noqa: PLC0415

    terms, training = json.loads((folder / "terms.json").read_text("utf-8")), 0.0
    model = load((_ROOT / "linkage" / "house_model.json").read_bytes())
    if learns:
        start = time.perf_counter()
        model = _trained(folder, model)
        training = time.perf_counter() - start
    matcher = Matcher(model, Frequencies(terms["counts"], terms["total"]), terms["total"])
    connection = duckdb.connect(
        config={"threads": THREADS, "memory_limit": MEMORY, "preserve_insertion_order": "false"}
    )
    connection.execute("SET enable_progress_bar = false").fetchall()
    for view, name in (("held", "index"), ("asked", "query")):
        connection.execute(f"CREATE VIEW {view} AS FROM '{folder}/{name}_people.parquet'").fetchall()
        connection.execute(f"CREATE VIEW {view}_keys AS FROM '{folder}/{name}_keys.parquet'").fetchall()
    report, start = Report(), time.perf_counter()
    tables = {"asked": "asked", "asked_keys": "asked_keys", "held": "held", "held_keys": "held_keys"}
    matched = sum(one.outcome == "matched" for one in trace(connection, matcher, **tables, report=report))  # type: ignore[arg-type]
    seconds = time.perf_counter() - start
    return {"pairs": report.pairs, "matched": matched, "seconds": seconds, "training": training}


def _trained(folder: Path, model: Model) -> Model:
    """Weights learnt from the people of both files, with the samples that ``gateway train`` draws."""
    from itertools import islice  # noqa: PLC0415 - as below

    from gateway.services.quality.train import MOST_ASKED, RANDOM_PAIRS  # noqa: PLC0415
    from linkage.model import load  # noqa: PLC0415
    from linkage.train import train  # noqa: PLC0415
    from linkage.train_samples import Gathering  # noqa: PLC0415

    asked = (one for one, _ in _people(folder / "query_people.parquet"))
    gathering = Gathering(islice(asked, MOST_ASKED), seed=SEED)
    hidden = set()
    for one, hides_location in _people(folder / "index_people.parquet"):
        gathering.see(one)
        if hides_location and one.nhs_number is not None:
            hidden.add(one.nhs_number)
    samples = gathering.samples(RANDOM_PAIRS, hidden)
    return load(json.dumps(train(model, samples, version="bench", seed=SEED).content).encode())


def _people(path: Path) -> Iterator[tuple[Person, bool]]:
    """The people of a snapshot as they were normalised, and whether where they live is hidden."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - as below

    from linkage.compilers.people import SEPARATOR  # noqa: PLC0415
    from linkage.nhs_number import NhsNumber  # noqa: PLC0415
    from linkage.person import Gender, PartialDate, Person  # noqa: PLC0415

    sexes = {1: Gender.MALE, 2: Gender.FEMALE}

    def date(packed: int) -> PartialDate | None:
        return PartialDate(packed // 10_000, packed // 100 % 100, packed % 100) if packed else None

    def several(first: str, whole: str) -> tuple[str, ...]:
        return tuple(whole.split(SEPARATOR)) if whole else (first,) if first else ()

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=list(_READ)):
            for row in zip(*(batch.column(name).to_pylist() for name in _READ), strict=True):
                cells = dict(zip(_READ, row, strict=True))
                valid = cells["number_valid"]
                same: dict[str, Any] = {name: cells[name] for name in _TEXTS}
                same |= {name: several(cells[name], cells[f"{name}_all"]) for name in _LISTS}
                yield (
                    Person(
                        nhs_number=NhsNumber.trusted(cells["number"]) if valid else None,
                        near_number="" if valid else cells["number"],
                        birth_date=date(cells["born"]),
                        death_date=date(cells["died"]),
                        gender=sexes.get(cells["sex"], Gender.UNKNOWN),
                        **same,
                    ),
                    cells["hides_location"],
                )


def _splink(side: str, folder: Path, model: Path) -> dict[str, float]:
    """Learn Splink's model and save it, or answer the same questions with it, learning it now or not."""
    # here, so that our side's process does not pay for what it does not use
    from gateway.services.quality.peers import house  # noqa: PLC0415
    from gateway.services.quality.peers.ranked import Tables  # noqa: PLC0415

    tables = Tables(
        folder / "index_people.parquet",
        folder / "index_keys.parquet",
        folder / "query_people.parquet",
        folder / "query_keys.parquet",
        folder.parent / "index.csv",
        folder.parent / "queries.csv",
    )
    if side == "learn":
        model.write_text(json.dumps(house.learnt(tables)), "utf-8")
        return {}
    saved = json.loads(model.read_text("utf-8")) if side == "saved" else None
    ranked = house.splink_saved(tables, saved=saved) if saved else house.splink_house_levels(tables)
    return {"answered": len(ranked.answers)}


def main() -> None:
    """Run one side in this process and print what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=["ours", "ours-training", "learn", "saved", "training"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", nargs="?", type=Path, default=Path())
    asked = parser.parse_args()
    if asked.side.startswith("ours"):
        told = _ours(asked.folder, learns=asked.side == "ours-training")
    else:
        told = _splink(asked.side, asked.folder, asked.model)
    used = resource.getrusage(resource.RUSAGE_SELF)
    told |= {"processor": used.ru_utime + used.ru_stime, "mib": used.ru_maxrss * 1024 / _MIB}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
