"""Populations asked and judged: prepared once, one answer from either engine, rates by group, and nobody named."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from fixtures import tuning
from gateway.errors import InputError
from gateway.services.quality import measure as measuring
from gateway.services.quality import prepare as preparing
from gateway.services.quality.answers import Answer, Engines, answer_all
from gateway.services.quality.evaluate import Keys, evaluate, key_recall, peer
from gateway.services.quality.measure import Plan, measure, model_of, write_report
from gateway.services.quality.peers import ABSENT, Ranked
from gateway.services.quality.peers.all import Run
from gateway.services.quality.population import Told, open_population, read_truth
from gateway.services.quality.sections import Section, sections
from gateway.services.quality.yardstick import lines, section
from linkage.decide import Outcome
from linkage.evaluate import Share, Tally

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.services.quality.population import Population
    from linkage.model import Model

PEOPLE, QUERIES = 1_200, 300
SHARP = 9.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small population."""
    target = tmp_path_factory.mktemp("populations") / "small"
    tuning.write(target, PEOPLE, QUERIES, 4)
    return target


@pytest.fixture(scope="module")
def population(folder: Path) -> Population:
    """The same, prepared."""
    return open_population(folder)


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    """One that a test may spoil."""
    tuning.write(tmp_path / "own", 200, 40, 5)
    return tmp_path / "own"


def told(row: int, number: str, community: str = "one", *tags: str) -> Told:
    return Told(f"Q{row}", number, tags, community, "female", "18-39")


def said(
    number: str | None, outcome: Outcome = Outcome.MATCHED, score: float = SHARP, *, may_join: bool = True
) -> Answer:
    return Answer(outcome, "", number, 0.99 if number else 0.0, score, may_join=may_join)


# --- prepared --------------------------------------------------------------------------------


def test_a_population_is_prepared_once_and_again_when_a_file_changes(own_folder: Path) -> None:
    first = open_population(own_folder).prepared
    assert open_population(own_folder).prepared.folder == first.folder
    (own_folder / "index.csv").touch()
    second = open_population(own_folder).prepared
    assert second.folder != first.folder
    assert not first.folder.exists()
    assert (second.people, second.row_ids) == (first.people, first.row_ids)


def test_in_stretches_and_in_two_processes_it_comes_to_the_same(
    folder: Path, population: Population, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "BATCH", 500)
    again = preparing.prepare(folder / "index.csv", folder / "queries.csv", tmp_path, lambda _done, _of: None)
    assert (again.people, again.row_ids) == (population.prepared.people, population.prepared.row_ids)
    assert again.frequencies.as_counts() == population.prepared.frequencies.as_counts()
    for file in sorted(population.prepared.folder.glob("*.parquet")):
        assert rows_of(again.folder / file.name) == rows_of(file)


def rows_of(path: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = pq.read_table(path).to_pylist()
    return found


def test_every_row_of_the_index_knows_the_number_in_force(folder: Path, population: Population) -> None:
    with (folder / "index.csv").open(encoding="utf-8", newline="") as opened:
        index = list(csv.DictReader(opened))
    whose = [row["number"] for row in rows_of(population.whose)]
    assert whose == [row["superseded_by"] or row["nhs_number"] for row in index]


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("truth.csv", "row_id,nhs_number\nQ1,\n", "header"),
        ("truth.csv", "row_id,nhs_number,tags,community,sex,age_band\nQ1,\n", "row-length"),
        ("truth.csv", "row_id,nhs_number,tags,community,sex,age_band\nQ9,,,,,\n", "truth-rows"),
        ("queries.csv", "nhs_number\n9\n", "header"),
        ("index.csv", "nhs_number,family,birth_date\n123,Smith,1941-03-07\n", "nhs-number"),
        ("index.csv", "surname\nSmith\n", "wrong-header"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_by_file_and_rule(
    own_folder: Path, file: str, text: str, reason: str
) -> None:
    (own_folder / file).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        open_population(own_folder)
    assert file in str(refused.value)
    assert "Smith" not in str(refused.value)
    assert reason in refused.value.reason or reason == "nhs-number"


def test_files_that_are_missing_short_or_no_text_are_refused(own_folder: Path) -> None:
    (own_folder / "queries.csv").write_bytes((own_folder / "queries.csv").read_bytes() + b"Q,1\n")
    with pytest.raises(InputError, match="not as long as the header"):
        open_population(own_folder)
    (own_folder / "queries.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        open_population(own_folder)
    (own_folder / "queries.csv").unlink()
    with pytest.raises(InputError, match="cannot be opened"):
        open_population(own_folder)
    (own_folder / "truth.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_truth(own_folder / "truth.csv")


# --- asked --------------------------------------------------------------------------------


def test_either_engine_gives_the_same_answers(population: Population) -> None:
    model = model_of(None)
    batch = answer_all(population, model, Engines.DUCKDB).answers
    single = answer_all(population, model, Engines.PYTHON).answers
    assert [(one.outcome, one.reason, one.may_join) for one in batch] == [
        (one.outcome, one.reason, one.may_join) for one in single
    ]
    joined = [(one, other) for one, other in zip(batch, single, strict=True) if one.may_join]
    assert len(joined) > QUERIES * 0.8
    assert all(one.number == other.number for one, other in joined)
    assert [one.score for one, _ in joined] == pytest.approx([other.score for _, other in joined], abs=1e-6)


def test_keys_find_nearly_everybody_and_not_those_who_are_not_there(population: Population) -> None:
    found = key_recall([population, population], 3)
    present = sum(bool(row.nhs_number) for row in population.told)
    assert found.recall.of == 2 * present
    assert found.recall.value > 0.97
    assert found.capped == 3


# --- judged --------------------------------------------------------------------------------


KEYS = Keys(Share(1, 1), 0)


def test_answers_are_counted_where_they_belong() -> None:
    truth = [told(1, "1"), told(2, "2"), told(3, ""), told(4, "4"), told(5, "5", "other", "moved")]
    answers = [
        said("1"),
        said("9"),
        said(None, Outcome.NONE),
        said("4", Outcome.REVIEW, may_join=False),
        said("5", Outcome.MANY, may_join=False),
    ]
    found = evaluate(truth, answers, KEYS)
    assert found.shipped == Tally(right=1, wrong=1, missed=3, rightly_none=1)
    assert (found.questions, found.present) == (5, 4)
    assert (found.review, found.found) == (Share(2, 5), Share(2, 2))
    assert found.groups["community"]["other"] == Tally(missed=1)
    assert found.sizes["community"] == {"one": 4, "other": 1}
    assert found.groups["tag"]["moved"] == Tally(missed=1)
    assert found.gap == pytest.approx(1 / 3)


def test_the_rule_bars_at_every_threshold_what_it_bars_and_weight_alone_does_not() -> None:
    truth = [told(1, "1"), told(2, "2"), told(3, "3")]
    answers = [said("1"), said("2", Outcome.REVIEW, 5.0, may_join=False), said("9", Outcome.REVIEW, 1.0)]
    ruled, by_weight = evaluate(truth, answers, KEYS).systems
    assert [at.recall for at in ruled.at] == [Share(1, 3)] * 4
    assert [at.recall for at in by_weight.at] == [Share(2, 3)] * 4
    assert (ruled.at[0].threshold, by_weight.at[0].threshold) == (SHARP, 5.0)
    assert by_weight.best == Tally(right=2, missed=1)


def test_a_peer_is_judged_by_the_same_truth_on_the_questions_it_was_given(population: Population) -> None:
    present = [place for place, row in enumerate(population.told) if row.nhs_number][:10]
    answers: list[tuple[int, str | None, float]] = [
        (place, population.told[place].nhs_number, 5.0 - rank) for rank, place in enumerate(present[:9])
    ]
    ranked = Ranked("peer", [*answers, (present[9], None, ABSENT)], 2.0, 10.0, "why")
    found = peer([(population, ranked), (population, ranked)])
    assert (found.name, found.note, found.seconds) == ("peer", "why", 4.0)
    assert [at.recall for at in found.at] == [Share(18, 20)] * 4


# --- told --------------------------------------------------------------------------------


def test_what_is_printed_and_written_names_nobody(
    folder: Path, population: Population, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Model] = []

    def fake_peer(_: object, tried: Model) -> Ranked:
        given.append(tried)
        return Ranked("fake", [(0, None, ABSENT)], 0.5, 1.0, "")

    runs = (Run("fake peer", fake_peer),)
    monkeypatch.setattr(measuring, "import_module", lambda _: type("All", (), {"RUNS": runs}))
    heard: list[str] = []
    model = model_of(None)
    found = measure(Plan([folder, folder], model, Engines.DUCKDB, peers=True), say=heard.append)
    assert found.questions == 2 * QUERIES
    assert [system.name for system in found.systems][-1] == "fake"
    assert any("fake peer" in line for line in heard)
    assert given == [model, model]
    files = write_report(tmp_path / "report", found, model)
    text = "\n".join([*(part.as_text() for part in sections(found)), *(file.read_text("utf-8") for file in files)])
    with (folder / "queries.csv").open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            assert not row["nhs_number"] or row["nhs_number"] not in text
            assert row["row_id"] not in text
    held = json.loads((tmp_path / "report" / "evaluation.json").read_text("utf-8"))
    assert held["hash"] == model.hash
    assert "line" not in held["systems"][0]
    assert "| system |" in (tmp_path / "report" / "evaluation.md").read_text("utf-8")
    assert len([file for file in files if file.suffix == ".svg"]) == 3


def test_a_section_without_rows_or_words_is_its_title() -> None:
    assert Section("Title", "").as_text() == "Title"
    assert Section("Title", "").as_markdown() == "## Title\n"
    assert "  why" in Section("Title", "why", ("a", "b"), (("1", "2"),)).as_text()


def test_a_model_file_is_read_or_refused_with_the_path_to_its_fault(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"name": "x"}', encoding="utf-8")
    with pytest.raises(InputError, match=r"model file, \$"):
        model_of(tmp_path / "model.json")


def test_the_outside_yardstick_has_both_systems_on_one_set() -> None:
    found = lines(model_of(None), [1])
    assert [(line.name, line.system, line.copies) for line in found] == [
        ("FEBRL 1", "house", 500),
        ("FEBRL 1", "recordlinkage ECM", 500),
    ]
    assert all(line.measured.precision > 0.9 for line in found)
    assert "FEBRL 1, house" in section(found).as_text()
