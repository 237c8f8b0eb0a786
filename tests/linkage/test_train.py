"""Training finds what was planted, keeps what nothing is known of, and gives a model that can be used."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from math import log2
from typing import TYPE_CHECKING

import orjson
import pytest

from linkage.compare import FIELDS, VOCABULARY
from linkage.evaluate import Tally
from linkage.model import load
from linkage.normalise import normalise
from linkage.train import UNKNOWN, How, TooFewPairs, fit, rates, train
from linkage.train_samples import BLOCKS, NUMBER, Gathering, Samples

if TYPE_CHECKING:
    from linkage.model import Model
    from linkage.train import Rates
    from linkage.train_samples import Vector
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


def drawn(from_rates: Rates, count: int, draw: random.Random, agreed: tuple[str, ...] = ()) -> Counter[Vector]:
    """Level vectors of so many pairs; those of a block agree on the fields that it was made by."""

    def vector() -> Vector:
        return tuple(
            VOCABULARY[field][0]
            if field in agreed
            else "missing"
            if draw.random() < 0.2
            else draw.choices([*found], [*found.values()])[0]
            for field, found in ((field, from_rates[field]) for field in FIELDS)
        )

    return Counter(vector() for _ in range(count))


def test_the_rates_planted_in_number_agreeing_pairs_are_recovered() -> None:
    draw = random.Random(7)
    m, u = planted(1, 0.88), planted(2, 0.03)
    mixture = drawn(m, 5_400, draw, BLOCKS[NUMBER]) + drawn(u, 600, draw, BLOCKS[NUMBER])
    estimate = fit({NUMBER: mixture}, rates(drawn(u, 8_000, draw)))
    assert estimate.shares[NUMBER] == pytest.approx(0.9, abs=0.02)
    for field in FIELDS[1:]:
        for level, share in m[field].items():
            assert estimate.m[field][level] == pytest.approx(share, abs=0.025)


def test_the_rates_planted_in_blocks_without_any_numbers_are_recovered_for_every_field() -> None:
    """Each block has its own share of true pairs, mostly small, and tells nothing of the fields it was made by."""
    draw = random.Random(8)
    m, u = planted(3, 0.85), planted(4, 0.04)
    true = {"names": 0.5, "birth-given": 0.3, "birth-family": 0.1}
    blocks = {
        block: drawn(m, round(8_000 * share), draw, BLOCKS[block])
        + drawn(u, round(8_000 * (1 - share)), draw, BLOCKS[block])
        for block, share in true.items()
    }
    estimate = fit(blocks, rates(drawn(u, 10_000, draw)), start=planted(5, 0.6))
    for block, share in true.items():
        assert estimate.shares[block] == pytest.approx(share, abs=0.02)
    for field in FIELDS:
        for level, share in m[field].items():
            # forenames are told of by one block alone, which holds few true pairs
            assert estimate.m[field][level] == pytest.approx(share, abs=0.05 if field == "given" else 0.025)


def test_pairs_that_say_nothing_keep_the_belief_that_training_began_with() -> None:
    silent: Vector = ("equal", *("missing" for _ in FIELDS[1:]))
    assert fit({NUMBER: {silent: 500}}, planted(1, 0.1)).shares[NUMBER] == pytest.approx(0.95)


def test_pairs_of_which_all_are_certain_leave_a_share_that_can_be_computed_with() -> None:
    certain = tuple(levels[0] for levels in VOCABULARY.values())
    assert fit({NUMBER: {certain: 500}}, planted(1, 0.001)).shares[NUMBER] == pytest.approx(1, abs=1e-5)


def test_relatives_in_a_block_are_believed_as_the_model_corrects_them(model: Model) -> None:
    """Twins share home and sex and not the forename: as the model corrects them they teach no differing forenames."""
    draw = random.Random(9)
    m, u = planted(3, 0.9), planted(4, 0.02)
    # strangers' forenames nearly always differ; where they seldom did, a twin's would be no surprise
    u["given"] = {**dict.fromkeys(u["given"], 0.01), "differs": 1 - 0.01 * (len(u["given"]) - 1)}
    one = dict(zip(FIELDS, (levels[0] for levels in VOCABULARY.values()), strict=True))
    kept = {field: one[field] for field in ("family", "birth_date", "gender", "address")}
    twin = tuple({**dict.fromkeys(FIELDS, "missing"), **kept, "given": "differs"}.values())
    block = "birth-family"
    pairs = drawn(m, 3_000, draw, BLOCKS[block]) + drawn(u, 3_000, draw, BLOCKS[block]) + Counter({twin: 300})
    strangers = rates(drawn(u, 8_000, draw))
    naive = fit({block: pairs}, strangers).m["given"]["differs"]
    careful = fit({block: pairs}, strangers, model=model).m["given"]["differs"]
    assert careful < naive - 0.03
    assert careful == pytest.approx(m["given"]["differs"], abs=0.02)


def samples_of(m: Rates, u: Rates, draw: random.Random, numbers: int) -> Samples:
    return Samples(
        people=2_000_000,
        asked=5_000,
        strangers=drawn(u, 10_000, draw),
        blocks={
            NUMBER: drawn(m, numbers, draw, BLOCKS[NUMBER]),
            "names": drawn(m, 2_000, draw, BLOCKS["names"]) + drawn(u, 2_000, draw, BLOCKS["names"]),
            "birth-given": Counter(),
        },
        chances={("phone", "equal"): 1e-6, ("nhs_number", "equal"): 5e-7},
    )


def test_bits_are_the_ratio_of_both_rates_and_say_where_they_come_from(model: Model) -> None:
    m, u = planted(1, 0.88), planted(2, 0.03)
    trained = train(model, samples_of(m, u, random.Random(1), 6_000), version="trained", seed=5)
    rows = {(row.field, row.level): row for row in trained.levels}
    differs = rows["gender", "differs"]
    assert differs.how is How.LEARNT
    assert differs.after == pytest.approx(log2(m["gender"]["differs"] / u["gender"]["differs"]), abs=0.3)
    phone = rows["phone", "equal"]
    assert phone.how is How.COUNTED
    # written for the reference index of a million; the samples' has two
    assert phone.after == pytest.approx(log2(m["phone"]["equal"] / 1e-6) - 1, abs=0.1)
    number = rows["nhs_number", "equal"]
    assert number.how is How.COUNTED
    assert number.after == pytest.approx(log2(m["nhs_number"]["equal"] / 5e-7) - 1, abs=0.1)
    exact = rows["family", "exact"]
    named = u["family"]["exact"] + u["family"]["folded"]
    chance = model.term_frequencies["family"].typical * u["family"]["exact"] / named
    assert exact.u == pytest.approx(chance, rel=0.15)
    found = load(orjson.dumps(trained.content))
    assert found.version == "trained"
    assert found.provenance["trained-from"] == model.hash
    assert (found.provenance["index-people"], found.provenance["number-pairs"]) == (2_000_000, 6_000)
    assert found.provenance["number-true-share"] == pytest.approx(1, abs=0.01)


def test_what_few_people_share_is_taken_to_be_no_rarer_than_a_number(model: Model) -> None:
    m, u = planted(1, 0.88), planted(2, 0.03)
    samples = replace(samples_of(m, u, random.Random(1), 3_000), chances={("email", "equal"): 1e-12})
    (email,) = [
        row for row in train(model, samples, version="v", seed=5).levels if (row.field, row.level) == ("email", "equal")
    ]
    assert (email.u, email.how) == (1 / 2_000_000, How.COUNTED)


def test_where_numbers_are_scarce_all_blocks_teach(model: Model) -> None:
    m, u = planted(1, 0.88), planted(2, 0.03)
    samples = replace(samples_of(m, u, random.Random(2), 150), chances={})
    trained = train(model, samples, version="v", seed=5)
    rows = {(row.field, row.level): row for row in trained.levels}
    assert trained.shares["names"] == pytest.approx(0.5, abs=0.03)
    wanted = log2(m["email"]["differs"] / u["email"]["differs"])
    assert rows["email", "differs"].after == pytest.approx(wanted, abs=0.4)


def test_what_neither_kind_of_pair_shows_keeps_its_bits(model: Model) -> None:
    m, u = planted(1, 0.88), planted(2, 0.03)
    for one in (m, u):
        one["birth_date"]["generation"] = 0.0
    # hardly any stranger shares a death date, and nothing was counted
    u["death_date"] = {"equal": 0.0001, "differs": 0.9999}
    trained = train(model, samples_of(m, u, random.Random(3), 3_000), version="v", seed=5)
    rows = {(row.field, row.level): row for row in trained.levels}
    for field, level in (("birth_date", "generation"), ("death_date", "equal")):
        assert rows[field, level].how is How.KEPT
        assert rows[field, level].after == model.comparisons[field][level].bits
    without = Samples(1_000, 500, drawn(u, 500, random.Random(4)), {NUMBER: drawn(m, 200, random.Random(4), FIELDS)})
    untold = train(model, without, version="v", seed=5)
    assert {row.how for row in untold.levels if row.field == "nhs_number"} == {How.KEPT}


def test_no_level_outweighs_the_best_and_the_best_is_worth_a_missing_value_at_least(model: Model) -> None:
    m, u = planted(1, 0.88), planted(2, 0.03)
    m["gender"], u["gender"] = {"equal": 0.3, "differs": 0.7}, {"equal": 0.7, "differs": 0.3}
    trained = train(model, samples_of(m, u, random.Random(5), 3_000), version="v", seed=5)
    gender = load(orjson.dumps(trained.content)).comparisons["gender"]
    assert (gender["equal"].bits, gender["differs"].bits) == (0, 0)


def gathered(town: Town, questions: int = 6_000, *, seed: int = 3, pairs: int = 20_000) -> Samples:
    gathering = Gathering((normalise(question.said) for question in town.questions[:questions]), seed=seed)
    for row in town.rows.values():
        gathering.see(row.person)
    return gathering.samples(pairs)


def test_a_trained_model_is_a_model_and_serves_the_town_it_was_trained_on(town: Town, model: Model) -> None:
    trained = load(orjson.dumps(train(model, gathered(town), version="trained-1", seed=3).content))
    assert trained.hash != model.hash
    given = trained.comparisons["given"]
    assert given["exact"].bits > 4
    assert given["differs"].bits < 0
    matcher = town.matcher(trained)
    tally = Tally()
    for question in town.questions[:1500]:
        asked = normalise(question.said)
        best = max(matcher.rank(asked, town.candidates(asked)), key=lambda scored: scored.bits, default=None)
        if question.truth is not None:
            tally += Tally.of(best.candidate.person_id if best else None, question.truth)
    assert tally.recall.value > 0.98


def test_the_same_seed_gives_the_same_model(town: Town, model: Model) -> None:
    one, other = (train(model, gathered(town, 800, pairs=500), version="v", seed=3).content for _ in "ab")
    assert one == other


def test_too_few_pairs_or_people_are_refused(town: Town, model: Model) -> None:
    with pytest.raises(TooFewPairs, match="99 pairs"):
        train(model, gathered(town, pairs=99), version="v", seed=3)
    nobody = Gathering([], seed=3)
    for row in town.rows.values():
        nobody.see(row.person)
    with pytest.raises(TooFewPairs, match="0 pairs"):
        train(model, nobody.samples(500), version="v", seed=3)
