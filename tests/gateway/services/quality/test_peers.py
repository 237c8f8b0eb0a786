"""Other engines over one small population: each answers every question it is asked, and is given a fair chance."""

from __future__ import annotations

import csv
import sys
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from fixtures import tuning
from gateway.errors import InputError
from gateway.services.quality.peers import ABSENT, Ranked, Tables, ecm, febrl, handbook, house, recipe
from gateway.services.quality.peers import all as every
from gateway.services.quality.peers.all import RUNS
from gateway.services.quality.peers.ecm import recordlinkage_ecm
from gateway.services.quality.peers.handbook import national_mps
from gateway.services.quality.peers.house import learnt, splink_house_gap, splink_house_levels, splink_saved
from gateway.services.quality.peers.ranked import library
from gateway.services.quality.peers.recipe import splink_recipe
from gateway.services.quality.population import open_population
from gateway.storage.models import shipped_model
from linkage.model import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from linkage.model import Model

PEOPLE, QUESTIONS, FEWER = 4_000, 1_200, 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small population, truth beside."""
    made = tmp_path_factory.mktemp("population")
    tuning.write(made, PEOPLE, QUESTIONS, 7)
    return made


@pytest.fixture(scope="module")
def tables(folder: Path) -> Tables:
    """The same as the engines read it."""
    return open_population(folder).tables


@pytest.fixture(scope="module")
def truth(folder: Path) -> list[str | None]:
    """Whom each question is about; None: nobody of the index."""
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as opened:
        return [row["nhs_number"] or None for row in csv.DictReader(opened)]


@pytest.fixture(scope="module")
def few_pairs() -> Iterator[None]:
    """Splink trains on fewer pairs than a real evaluation gives it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(house, "_PAIRS", 1e5)
        patch.setattr(recipe, "_PAIRS", 1e5)
        yield


@pytest.fixture(scope="module")
def saved(tables: Tables, few_pairs: None) -> dict[str, Any]:
    """Our levels with the weights that Splink learns: learnt once, since that is what takes long."""
    return learnt(tables)


@pytest.fixture(scope="module")
def ranked(tables: Tables, saved: dict[str, Any]) -> dict[str, Ranked]:
    """One run of each peer, by its name."""
    runs = (
        splink_recipe(tables),
        splink_house_levels(tables, saved=saved),
        splink_house_gap(tables, saved=saved),
        splink_saved(tables),
        national_mps(tables),
    )
    return {one.name: one for one in runs}


def rightly(ranked: Ranked, truth: list[str | None]) -> float:
    """The share of the people present of whom the best candidate is themselves."""
    asked = [(number, truth[position]) for position, number, _ in ranked.answers if truth[position] is not None]
    return sum(number == whom for number, whom in asked) / len(asked)


@pytest.mark.parametrize(
    ("name", "least"),
    [(recipe.NAME, 0.96), (house.LEVELS, 0.98), (house.GAP, 0.97), (house.SAVED, 0.98), (handbook.NAME, 0.85)],
)
def test_a_peer_answers_every_question_in_order_and_mostly_rightly(
    ranked: dict[str, Ranked], truth: list[str | None], name: str, least: float
) -> None:
    run = ranked[name]
    assert [position for position, _, _ in run.answers] == list(range(QUESTIONS))
    assert all((number is None) == (score == ABSENT) for _, number, score in run.answers)
    assert rightly(run, truth) > least
    assert run.seconds > 0
    assert run.peak_mib > 0
    assert run.note


def test_the_gap_names_nobody_where_the_runner_up_is_close_and_errs_less(
    ranked: dict[str, Ranked], truth: list[str | None]
) -> None:
    def named(run: Ranked) -> int:
        return sum(number is not None for _, number, _ in run.answers)

    def wrong(run: Ranked) -> int:
        return sum(number is not None and number != truth[position] for position, number, _ in run.answers)

    assert named(ranked[house.GAP]) < named(ranked[house.LEVELS])
    assert wrong(ranked[house.GAP]) < wrong(ranked[house.LEVELS])


def test_the_twin_rule_lowers_weights_and_raises_none(ranked: dict[str, Ranked]) -> None:
    pairs = zip(ranked[house.LEVELS].answers, ranked[house.GAP].answers, strict=True)
    moved = {round(after - before, 6) for (_, one, before), (_, two, after) in pairs if one == two is not None}
    assert min(moved) < -1
    assert max(moved) == 0


def test_nobody_is_answered_with_a_number_given_up_or_invalid(ranked: dict[str, Ranked], folder: Path) -> None:
    with (folder / "index.csv").open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    gone = {row["nhs_number"] for row in rows if row["superseded_by"] or row["sensitivity"] == "I"}
    assert gone
    for run in ranked.values():
        assert not gone & {number for _, number, _ in run.answers}


def test_what_splink_learnt_predicts_without_training(
    ranked: dict[str, Ranked], tables: Tables, saved: dict[str, Any]
) -> None:
    again = splink_saved(tables, saved=saved)
    assert again.answers == ranked[house.LEVELS].answers
    assert again.name == house.LEARNT


@pytest.mark.peers
def test_training_is_counted_where_it_happens(ranked: dict[str, Ranked], tables: Tables) -> None:
    trained = splink_house_levels(tables)
    assert [number for _, number, _ in trained.answers] == [number for _, number, _ in ranked[house.LEVELS].answers]
    assert "training 0.0 s" not in trained.note


def test_recordlinkage_is_given_what_it_can_bear(tables: Tables, truth: list[str | None]) -> None:
    ranked = recordlinkage_ecm(tables, questions=FEWER, people=PEOPLE // 2)
    assert [position for position, _, _ in ranked.answers] == list(range(FEWER))
    assert rightly(ranked, truth) > 0.8
    assert f"{FEWER} questions against {PEOPLE // 2}" in ranked.note


def test_an_evaluation_runs_every_peer() -> None:
    assert [run.name for run in RUNS] == [
        "splink recipe",
        "splink house levels",
        "splink house gap",
        "recordlinkage ecm",
        "national mps",
    ]


def test_those_who_take_our_levels_are_given_the_model_that_is_evaluated(
    monkeypatch: pytest.MonkeyPatch, tables: Tables
) -> None:
    asked: list[tuple[str, str]] = []

    def stub(name: str) -> Callable[..., Ranked]:
        def run(_: Tables, model: Model | None = None) -> Ranked:
            asked.append((name, model.version if model else ""))
            return Ranked(name, [], 0.0, 0.0, "")

        return run

    for name in ("splink_recipe", "recordlinkage_ecm", "national_mps"):
        monkeypatch.setattr(every, name, stub(name))
    tried = shipped_model().model_copy(update={"version": "tried"})
    ours = {"splink house levels", "splink house gap"}
    for run in RUNS:
        if run.name not in ours:
            run.answer(tables, tried)
    assert asked == [("splink_recipe", ""), ("recordlinkage_ecm", ""), ("national_mps", "")]
    assert {run.answer for run in RUNS if run.name in ours} == {splink_house_levels, splink_house_gap}


@pytest.mark.parametrize(
    ("engine", "peer"), [("splink", splink_recipe), ("splink", splink_saved), ("recordlinkage", recordlinkage_ecm)]
)
def test_an_engine_that_is_not_installed_is_asked_for_by_name(
    monkeypatch: pytest.MonkeyPatch, tables: Tables, engine: str, peer: Callable[[Tables], Ranked]
) -> None:
    monkeypatch.setitem(sys.modules, engine, None)
    with pytest.raises(InputError, match=rf"{engine} is not installed: install the extra \[evaluation\]"):
        peer(tables)


def test_an_engine_that_is_installed_is_imported() -> None:
    assert library("csv") is csv


def test_the_outside_sets_are_read_whole_and_their_postcodes_made_british() -> None:
    third = febrl.read(3)
    assert (len(third.originals), len(third.copies)) == (2_000, 3_000)
    assert set(third.truth) == set(third.copies)
    assert set(third.truth.values()) <= set(third.originals)
    codes = {one.postcode for one in third.originals.values()}
    assert all(code.startswith("AB") for code in codes if code)
    assert "" in {febrl._british("12"), febrl._british("12X4")}


def test_joins_of_an_outside_set_are_judged_by_its_own_measures() -> None:
    first = febrl.read(1)
    made = febrl.joins(load(files("linkage").joinpath("house_model.json").read_bytes()), first)
    measured = febrl.measured(first, made)
    assert measured.joins == len(made) > 300
    assert measured.precision == 1.0
    assert measured.recall == pytest.approx(len(made) / 500)
    assert febrl.measured(first, []) == febrl.Measured(0, 0.0, 0.0, 0.0)
    wrong = [(first.truth[copy], "rec-0-dup-9") for copy in list(first.truth)[:3]]
    assert febrl.measured(first, wrong).f1 == 0.0


def test_equal_weights_fall_to_the_smaller_number() -> None:
    pandas = pytest.importorskip("pandas")
    asked, held = (pandas.DataFrame(index=[0, 1]), pandas.DataFrame({"person": ["9990000026", "9990000018"]}))
    scores = pandas.Series([4.0, 4.0], index=pandas.MultiIndex.from_tuples([(0, 0), (0, 1)]))
    assert ecm._best(asked, held, scores) == [(0, "9990000018", 4.0), (1, None, ABSENT)]
