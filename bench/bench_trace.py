"""One trace, engine and durable store: keys probed, candidates fetched from SQLite, all of them scored, one decision.

The permit is made once: what is measured stands behind the gate. Queries are people of the index without their
number, each with one slip, so that no query ends at the cross-check. The peers see the same people in memory.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import recordlinkage
from rapidfuzz import fuzz, process

from bench.house import demo_house, load_people
from bench.postgres import server
from bench.result import Result, milliseconds, percentile
from gateway.storage.permit import mint
from linkage.decide import Outcome
from linkage.normalise import normalise
from linkage.person import Demographics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.house import House
    from linkage.person import Person

SIZES: Final = (10_000, 100_000, 1_000_000)
PEERS_AT: Final = 100_000
QUERIES: Final = 2_000
FEW_QUERIES: Final = 40
FEWER_QUERIES: Final = 10


def measure(scratch: Path, scale: float) -> Iterator[Result]:
    """Ours at three sizes over SQLite and at the largest over PostgreSQL; two peers over the middle size."""
    half = 0.0
    for size in SIZES:
        people = int(size * scale)
        folder = scratch / str(people)
        rows, asked, times, answered = _asked(folder, people)
        half, most = percentile(times, 0.5), percentile(times, 0.99)
        work = f"one trace, {people:,} people, engine and SQLite"
        largest = size == SIZES[-1]
        note = f"{answered:.1%} of queries with one slip end as matched"
        yield Result(work, "p50", half, "ms", at_most=1 if largest else None, note=note)
        yield Result(work, "p99", most, "ms", at_most=3 if largest else None)
        if size == PEERS_AT:
            yield from _peers(work, rows, asked, half)
    with server() as url:
        if url is not None:
            _, _, times, _ = _asked(scratch / "postgres", int(SIZES[-1] * scale), url)
            ratio = percentile(times, 0.5) / half
            work = f"one trace, {int(SIZES[-1] * scale):,} people, engine and PostgreSQL"
            yield Result(work, "p50 beside SQLite's", ratio, "x", at_most=3, note=f"{percentile(times, 0.5):.2f} ms")


def _asked(
    folder: Path, people: int, url: str | None = None
) -> tuple[list[dict[str, str]], list[Demographics], list[float], float]:
    """An index of so many people, questions about it, what each took in milliseconds, and the share answered."""
    folder.mkdir()
    with demo_house(folder, url) as house:
        rows = rows_of(load_people(house, folder, people))
        asked = queries(rows)
        times, answered = _engine(house, [normalise(who) for who in asked])
    return rows, asked, times, answered


def _peers(work: str, rows: list[dict[str, str]], asked: list[Demographics], half: float) -> Iterator[Result]:
    for peer, times in (
        ("rapidfuzz over everybody", _rapidfuzz(rows, asked[:FEW_QUERIES])),
        ("recordlinkage, 4 fields", _recordlinkage(rows, asked[:FEWER_QUERIES])),
    ):
        yield Result(work, "p50", half, "ms", peer=peer, ratio=percentile(times, 0.5) / half)


def _engine(house: House, asked: list[Person]) -> tuple[list[float], float]:
    permit = mint(decision_id="bench", caller="bench", organisation="", purpose="bench", agreement="bench")
    engine = house.engine()
    matched = [engine.trace(permit, person).outcome is Outcome.MATCHED for person in asked[:200]]
    return milliseconds(asked, lambda person: engine.trace(permit, person)), sum(matched) / len(matched)


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the people of an index CSV who may be traced to."""
    with path.open(encoding="utf-8", newline="") as opened:
        return [row for row in csv.DictReader(opened) if not row["superseded_by"] and row["sensitivity"] == "U"]


def queries(rows: list[dict[str, str]]) -> list[Demographics]:
    """Return people of the index without their number, each with one slip: a letter of a name, a move, a gap."""
    rng = Random(3)  # the same queries every time
    return [_slipped(_demographics(row), rng) for row in rng.sample(rows, min(QUERIES, len(rows)))]


def _demographics(row: dict[str, str]) -> Demographics:
    return Demographics(
        family=row["family"],
        given=row["given"],
        birth_date=row["birth_date"],
        gender=row["gender"],
        postcode=row["postcode"],
        address=tuple(row[f"address_line{n}"] for n in range(1, 6) if row[f"address_line{n}"]),
    )


def _slipped(who: Demographics, rng: Random) -> Demographics:
    place = rng.randrange(max(1, len(who.family)))
    match rng.randrange(4):
        case 0:
            return replace(who, family=who.family[:place] + who.family[place + 1 :])
        case 1:
            return replace(who, postcode="LE1 1ZZ", address=())
        case 2:
            return replace(who, postcode="", address=())
        case _:
            return replace(who, given=who.given[:1])


def _as_text(who: Demographics) -> str:
    return f"{who.family} {who.given} {who.birth_date} {who.postcode}".upper()


def _rapidfuzz(rows: list[dict[str, str]], asked: list[Demographics]) -> list[float]:
    everybody = [_as_text(_demographics(row)) for row in rows]
    return milliseconds(asked, lambda who: process.extractOne(_as_text(who), everybody, scorer=fuzz.ratio))


def _recordlinkage(rows: list[dict[str, str]], asked: list[Demographics]) -> list[float]:
    columns = ["family", "given", "birth_date", "postcode"]
    everybody = pd.DataFrame([{name: row[name].upper() for name in columns} for row in rows])
    compare = recordlinkage.Compare()
    compare.string("family", "family", method="jarowinkler")
    compare.string("given", "given", method="jarowinkler")
    compare.exact("birth_date", "birth_date")
    compare.exact("postcode", "postcode")

    def against_all(who: Demographics) -> Any:  # noqa: ANN401 - a data frame of the peer's own making
        one = pd.DataFrame([{name: str(getattr(who, name)).upper() for name in columns}])
        pairs = pd.MultiIndex.from_product([one.index, everybody.index])
        return compare.compute(pairs, one, everybody).sum(axis=1).idxmax()

    return milliseconds(asked, against_all)
