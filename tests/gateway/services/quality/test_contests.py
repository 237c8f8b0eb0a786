"""A population's candidates as arrays are those of the engine for one person, weighed alike, and right where right."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from adapters.feed import Feed
from fixtures import tuning
from gateway.house import shipped_model
from gateway.services.files import binary
from gateway.services.quality.contests import contests_of
from gateway.services.quality.files import questions
from gateway.services.quality.memory import MemoryIndex, engine_over, nobodys_permit
from gateway.services.quality.population import open_population
from linkage.normalise import normalise
from linkage.person import Security
from linkage.refine_contests import weigh
from linkage.score import Scorer

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

MOST = 120


def test_candidates_weigh_and_are_right_as_one_after_another(tmp_path: Path) -> None:
    tuning.write(tmp_path / "pop", 1_500, 400, 9_003)
    population = open_population(tmp_path / "pop")
    model = shipped_model()
    scorer = Scorer(model, population.prepared.frequencies, population.prepared.people)
    heard: list[tuple[int, int | None]] = []
    contests = contests_of(population, model, MOST, lambda *said: heard.append(said))
    bits = weigh(scorer, contests)
    assert heard[-1] == (MOST, MOST)
    index = MemoryIndex(population.tables.index_csv)
    engine = engine_over(index, model, population.prepared.frequencies)
    queries = population.tables.queries_csv
    asked = [normalise(said) for _, said in questions(Feed(queries.name, lambda: binary(queries)))][:MOST]
    rightful = 0
    for place, (one, told) in enumerate(zip(asked, population.told, strict=False)):
        rows = contests.asked == place
        found = [
            candidate
            for candidate in engine.candidates(nobodys_permit(), one)
            if candidate.security is not Security.INVALIDATED and candidate.superseded_by is None
        ]
        wanted = [scorer.score(one, held.person, hide_location=held.security.hides_location)[0] for held in found]
        assert sorted(bits[rows].tolist()) == pytest.approx(sorted(wanted), abs=1e-9)
        numbers = {held.person.nhs_number.digits for held in found if held.person.nhs_number is not None}
        assert bool(contests.right[rows].any()) == (told.nhs_number in numbers)
        rightful += int(contests.right[rows].any())
    assert rightful > MOST / 2


def test_whoever_stops_reading_questions_leaves_no_file_open(tmp_path: Path) -> None:
    tuning.write(tmp_path / "pop", 60, 20, 9_004)
    queries = tmp_path / "pop" / "queries.csv"
    opened = []

    def open_it() -> BufferedReader:
        opened.append(binary(queries))
        return opened[-1]

    with closing(questions(Feed(queries.name, open_it))) as rows:
        next(rows)
    assert [one.closed for one in opened] == [True]
