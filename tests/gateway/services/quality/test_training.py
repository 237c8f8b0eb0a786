"""Training on a house and on a population: under a permit, into a file, with a report; nothing is put in use."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fixtures import tuning
from gateway.errors import InputError, NotPermitted, Unavailable
from gateway.house import shipped_model
from gateway.services.quality import train as training
from gateway.services.quality.models import read_model
from gateway.services.quality.report import as_json, summary, write_model, write_report
from gateway.services.quality.train import Plan, train_on_house, train_on_population
from gateway.services.records import reviews
from gateway.storage.reviews import CaseState
from linkage import refine
from linkage.compare import VOCABULARY
from linkage.person import Person, StalePerson
from tests.gateway.houses import persona, system

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.house import House
    from gateway.services.quality.train import Training
    from tests.gateway.houses import Watch

PLAN = Plan(shipped_model(), "trained", seed=4, random_pairs=3_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("population")
    tuning.write(made, 2_000, 700, 9_001)
    return made


@pytest.fixture(scope="module")
def by_truth(folder: Path) -> Training:
    return train_on_population(folder, PLAN, by_truth=True)


def on_house(house: House, plan: Plan = PLAN, **others: Any) -> Training:  # noqa: ANN401 - what the use case takes
    return train_on_house(house, system(house, "system-link"), plan, **others)


def test_a_house_trains_on_its_index_and_its_records_and_changes_nothing(
    own_county: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_SELDOM", 100)
    before = own_county.stores.digest()
    heard: list[tuple[int, int | None]] = []
    done = on_house(own_county, report=lambda count, total: heard.append((count, total)))
    assert own_county.stores.digest() == before
    assert own_county.model == shipped_model()
    info = own_county.stores.index.describe()
    assert info is not None
    assert done.after.provenance["index-people"] == info.people == done.samples.people
    assert done.after.provenance["trained-from"] == shipped_model().hash
    assert sum(done.samples.blocks["number"].values()) > 100
    assert read_model(done.content) == done.after
    assert (done.refined, done.bins, done.calibration_error) == (None, (), 0)
    assert heard[0] == (100, info.people)


def test_training_is_one_row_about_nobody(own_county: House, watch: Callable[[House], Watch]) -> None:
    watching = watch(own_county)
    done = on_house(own_county)
    (row,) = watching.rows()
    assert row.body["event"] == "batch"
    assert row.body["rows"] == done.samples.asked
    assert done.samples.asked > 0


def test_who_has_no_processing_grant_trains_nothing(own_county: House) -> None:
    with pytest.raises(NotPermitted):
        train_on_house(own_county, persona(own_county, "social-worker"), PLAN)


def test_an_index_that_is_not_there_is_named(own_county: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_county.stores.index, "describe", lambda: None)
    with pytest.raises(Unavailable, match="gateway index load"):
        on_house(own_county)


def test_an_index_of_another_version_is_named(own_county: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def stale(_packed: bytes) -> None:
        raise StalePerson

    monkeypatch.setattr(Person, "unpack", stale)
    with pytest.raises(Unavailable, match="another version"):
        on_house(own_county)


def test_too_little_to_learn_from_is_refused_with_the_count(own_county: House) -> None:
    with pytest.raises(InputError, match=r"too little to learn from: \d+ pairs are too few"):
        on_house(own_county, Plan(shipped_model(), "v", random_pairs=50))


def decided(house: House) -> int:
    """Decide every open case: the first in favour of its likeliest candidate, then none and first in turn."""
    caller = persona(house, "reviewer")
    with_permit = [line.case_id for line in reviews.open_cases(house, caller, 500)]
    for place, case_id in enumerate(with_permit):
        found = reviews.case(house, caller, case_id)
        reviews.decide_case(house, caller, case_id, found.candidates[0].person_id if place % 2 == 0 else "")
    return len(with_permit)


def test_what_reviewers_decided_refines_once_it_is_enough(own_county: House, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = decided(own_county)
    assert cases > 1
    assert own_county.stores.reviews.counts()[CaseState.DECIDED] == cases
    monkeypatch.setattr(refine, "_FEWEST_QUESTIONS", 1_000)
    few = on_house(own_county)
    assert few.refined is None
    assert few.answers > 1
    assert f"not refined: {few.answers} known answers are too few" in "\n".join(summary(few))
    monkeypatch.setattr(refine, "_FEWEST_QUESTIONS", 1)
    enough = on_house(own_county)
    assert enough.refined is not None
    assert enough.after.provenance["answers-by"] == "reviewers"
    assert enough.after.provenance["number-pairs"] == few.after.provenance["number-pairs"]
    assert enough.after.hash != few.after.hash


def test_a_decision_for_somebody_no_longer_in_the_index_tells_nothing(
    own_county: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided(own_county)
    monkeypatch.setattr(own_county.stores.index, "by_person", lambda *_: None)
    half = on_house(own_county).answers
    monkeypatch.setattr(own_county.stores.records, "packed_of", lambda *_: {})
    assert on_house(own_county).answers == half == 0


def test_a_population_trains_without_its_truth(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_SELDOM", 500)
    heard: list[tuple[int, int | None]] = []
    done = train_on_population(folder, PLAN, by_truth=False, report=lambda count, total: heard.append((count, total)))
    assert (done.refined, done.bins, done.answers) == (None, (), 0)
    assert heard[:2] == [(500, None), (1_000, None)]
    assert done.after.version == "trained"
    assert "not refined" in "\n".join(summary(done))


def test_a_populations_truth_refines_calibrates_and_is_kept_apart_to_check(by_truth: Training) -> None:
    assert by_truth.refined is not None
    assert by_truth.refined.after > by_truth.refined.before
    assert by_truth.after.provenance["answers-by"] == "truth"
    checked = sum(one.count for one in by_truth.bins)
    assert 0 < checked <= 700 / 4
    assert by_truth.calibration_error < 0.05
    assert "refined by" in "\n".join(summary(by_truth))


def test_too_small_a_truth_refines_nothing(folder: Path) -> None:
    heard: list[tuple[int, int | None]] = []
    plan = Plan(shipped_model(), "v", random_pairs=3_000, most_asked=80)
    few = train_on_population(folder, plan, by_truth=True, report=lambda *said: heard.append(said))
    assert heard[-1] == (80, 80)
    assert few.refined is None
    assert few.answers > 0


def test_a_truth_of_other_questions_is_refused(folder: Path, tmp_path: Path) -> None:
    for name in ("index.csv", "queries.csv"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    lines = (folder / "truth.csv").read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "truth.csv").write_text("".join(lines[:100]), "utf-8")
    with pytest.raises(InputError, match="rows are not those of"):
        train_on_population(tmp_path, PLAN, by_truth=True)


def test_the_report_shows_every_level_and_the_claims(by_truth: Training, tmp_path: Path) -> None:
    files = write_report(tmp_path / "report", by_truth)
    names = {path.name for path in files}
    assert names == {"report.md", "report.json", "reliability.svg"} | {f"weights-{field}.svg" for field in VOCABULARY}
    assert {path.name for path in (tmp_path / "report").iterdir()} == names
    page = (tmp_path / "report" / "report.md").read_text("utf-8")
    for words in (
        "# Training of house trained",
        "| trained-from |",
        "Refined by known answers",
        "Claims and the truth",
    ):
        assert words in page
    told = json.loads((tmp_path / "report" / "report.json").read_text("utf-8"))
    assert told == json.loads(json.dumps(as_json(by_truth)))
    assert told["after"]["hash"] == by_truth.after.hash
    assert len(told["levels"]) == len(by_truth.trained.levels)


def test_without_answers_the_report_has_no_chapter_on_them(own_county: House, tmp_path: Path) -> None:
    files = write_report(tmp_path, on_house(own_county))
    assert "reliability.svg" not in {path.name for path in files}
    page = (tmp_path / "report.md").read_text("utf-8")
    assert "Refined" not in page
    assert "Claims" not in page


def test_a_model_file_that_cannot_be_written_is_named(by_truth: Training, tmp_path: Path) -> None:
    write_model(tmp_path / "model.json", by_truth.content)
    assert read_model((tmp_path / "model.json").read_bytes()) == by_truth.after
    with pytest.raises(InputError, match=r"model\.json: cannot be opened \(enoent\)"):
        write_model(tmp_path / "nowhere" / "model.json", by_truth.content)
