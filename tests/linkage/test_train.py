"""Training finds what was planted."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import orjson
import pytest

from linkage.compare import FIELDS, VOCABULARY
from linkage.evaluate import Tally
from linkage.model import load
from linkage.normalise import normalise
from linkage.train import UNKNOWN, TooFewPairs, fit, rates, train

if TYPE_CHECKING:
    from linkage.model import Model
    from linkage.person import Person
    from linkage.train import Rates, Vector
    from tests.linkage.conftest import Town


def planted(seed: int, agreement: float) -> Rates:
    """A share for every level: the first takes ``agreement``, the rest share what is left unevenly."""
    draw = random.Random(seed)
    found: Rates = {}
    for field, levels in VOCABULARY.items():
        first, *rest = (level for level in levels if level not in UNKNOWN)
        parts = [draw.uniform(0.2, 1) for _ in rest]
        found[field] = {first: agreement} | {
            level: (1 - agreement) * part / sum(parts) for level, part in zip(rest, parts, strict=True)
        }
    return found


def drawn(from_rates: Rates, count: int, draw: random.Random) -> Counter[Vector]:
    def vector() -> Vector:
        return tuple(
            "missing" if draw.random() < 0.2 else draw.choices([*found], [*found.values()])[0]
            for found in (from_rates[field] for field in FIELDS)
        )

    return Counter(vector() for _ in range(count))


def test_the_rates_planted_in_a_mixture_are_recovered() -> None:
    draw = random.Random(7)
    m, u = planted(1, 0.88), planted(2, 0.03)
    mixture = drawn(m, 5_400, draw) + drawn(u, 600, draw)
    estimate = fit(mixture, rates(drawn(u, 8_000, draw)))
    assert estimate.true_share == pytest.approx(0.9, abs=0.02)
    for field in FIELDS[1:]:
        for level, share in m[field].items():
            assert estimate.m[field][level] == pytest.approx(share, abs=0.025)


def test_pairs_that_say_nothing_keep_the_belief_that_training_began_with() -> None:
    silent: Vector = ("equal", *("missing" for _ in FIELDS[1:]))
    assert fit({silent: 500}, planted(1, 0.1)).true_share == pytest.approx(0.95)


def same_number(town: Town) -> list[tuple[Person, Person]]:
    pairs = ((normalise(question.said), question.said.nhs_number) for question in town.questions)
    return [(asked, town.rows[number].person) for asked, number in pairs if number in town.rows]


def test_a_trained_model_is_a_model_and_serves_the_town_it_was_trained_on(town: Town, model: Model) -> None:
    index = [row.person for row in town.rows.values()]
    content = train(model, index, same_number(town), version="trained-1", seed=3, random_pairs=10_000)
    trained = load(orjson.dumps(content))
    assert trained.hash != model.hash
    assert (trained.version, trained.provenance["trained-from"]) == ("trained-1", model.hash)
    given = trained.comparisons["given"]
    assert given["exact"].bits > 4
    assert given["differs"].bits < 0
    assert trained.comparisons["address"]["full"] == model.comparisons["address"]["full"]
    matcher = town.matcher(trained)
    tally = Tally()
    for question in town.questions[:1500]:
        asked = normalise(question.said)
        best = max(matcher.rank(asked, town.candidates(asked)), key=lambda scored: scored.bits, default=None)
        if question.truth is not None:
            tally += Tally.of(best.candidate.person_id if best else None, question.truth)
    assert tally.recall.value > 0.98


def test_the_same_seed_gives_the_same_model(town: Town, model: Model) -> None:
    index = [row.person for row in town.rows.values()]
    one, other = (train(model, index, same_number(town)[:200], version="v", seed=3, random_pairs=500) for _ in "ab")
    assert one == other


def test_too_few_pairs_or_people_are_refused(town: Town, model: Model) -> None:
    index = [row.person for row in town.rows.values()]
    with pytest.raises(TooFewPairs, match="99 pairs"):
        train(model, index, same_number(town)[:99], version="v", seed=3)
    with pytest.raises(TooFewPairs, match="1 pairs"):
        train(model, index[:1], same_number(town), version="v", seed=3)
