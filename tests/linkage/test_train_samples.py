"""Pairs that training looks at: who meets whom, who is left out, and what is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from linkage import train_samples
from linkage.compare import FIELDS
from linkage.normalise import normalise
from linkage.person import Demographics
from linkage.train_samples import BLOCKS, MOST_IN_A_BLOCK, NUMBER, Gathering

if TYPE_CHECKING:
    from linkage.person import Person

NUMBERS = ("9990000018", "9990000026", "9990000034", "9990000042", "9990000050")


def someone(**said: Any) -> Person:  # noqa: ANN401 - a field is a text or several
    details = {"family": "Nowak", "given": "Anna", "birth_date": "1941-03-07", **said}
    return normalise(Demographics(**details))


def seen(asked: list[Person], held: list[Person], *, seed: int = 1) -> Gathering:
    gathering = Gathering(asked, seed=seed)
    for person in held:
        gathering.see(person)
    return gathering


def test_each_block_holds_the_pairs_that_agree_on_its_fields() -> None:
    asked = [someone(nhs_number=NUMBERS[0])]
    held = [
        someone(nhs_number=NUMBERS[0], family="Smith", given="Joan", birth_date="1950"),
        someone(birth_date="1950-01-02"),
        someone(family="Smith"),
        someone(given="Joan"),
        someone(family="Smith", given="Joan"),
        someone(family="", given="", birth_date=""),
    ]
    blocks = seen(asked, held).samples(0).blocks
    assert {block: sum(pairs.values()) for block, pairs in blocks.items()} == dict.fromkeys(BLOCKS, 1)
    for block, fields in BLOCKS.items():
        (vector,) = blocks[block]
        assert {vector[FIELDS.index(field)] for field in fields} <= {"equal", "exact"}


def test_a_name_that_too_many_share_is_left_out_and_counted() -> None:
    crowd = [someone(birth_date=f"19{year}-01-02") for year in range(40, 40 + MOST_IN_A_BLOCK)]
    samples = seen([someone()], crowd).samples(0)
    assert sum(samples.blocks["names"].values()) == MOST_IN_A_BLOCK
    samples = seen([someone()], [*crowd, someone(birth_date="1899-01-02")]).samples(0)
    assert sum(samples.blocks["names"].values()) == 0
    assert samples.crowded == {**dict.fromkeys(BLOCKS, 0), "names": 1}


def test_whose_location_is_hidden_is_in_no_pair() -> None:
    forenames = ("Joan", "Wanda", "Ruth", "Zofia", "Clare")
    held = [someone(nhs_number=number, given=given) for number, given in zip(NUMBERS, forenames, strict=True)]
    gathering = seen([someone(nhs_number=NUMBERS[0], given="Wanda")], held)
    assert {number.digits for number in gathering.numbers()} == set(NUMBERS)
    hidden = {person.nhs_number for person in held[:3] if person.nhs_number is not None}
    samples = gathering.samples(200, hidden)
    assert sum(samples.blocks[NUMBER].values()) == 0
    assert sum(samples.blocks["birth-given"].values()) == 0
    assert {vector[FIELDS.index("given")] for vector in samples.strangers} == {"differs"}
    assert gathering.samples(200, {person.nhs_number for person in held if person.nhs_number}).strangers == {}


def test_random_pairs_are_of_different_people_and_one_side_is_asked_about_once_those_are_many() -> None:
    held = [someone(nhs_number=number) for number in NUMBERS[:2]]
    samples = seen([], held).samples(300)
    assert {vector[0] for vector in samples.strangers} == {"differs"}
    assert 100 < sum(samples.strangers.values()) < 200
    asked = [someone(nhs_number=NUMBERS[0], given="Joan")] * 1_000
    samples = seen(asked, held).samples(300)
    assert {vector[:3] for vector in samples.strangers} == {("differs", "exact", "differs")}


def test_of_a_large_index_a_fair_sample_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_samples, "_KEPT_STRANGERS", 50)
    held = [someone(family="Early" if place < 500 else "Late") for place in range(1_000)]
    kept = seen([], held)._strangers
    assert len(kept) == 50
    assert 10 < sum(person.family == "EARLY" for person in kept) < 40


def test_what_few_people_share_is_counted_in_ordered_pairs() -> None:
    """Four people with postcodes, two at one address, a third in the same postcode, one who moved out of it."""
    home = {"postcode": "LE3 5QA", "phone": ("07700900111",)}
    held = [
        someone(**home, address=("4 Tudor Road",), death_date="2020-02-03"),
        someone(**home, address=("4 Tudor Road",), death_date="2020-02-03", birth_date="1941-07-03"),
        someone(postcode="LE3 5QA", birth_date="1950-01-01"),
        someone(postcode="LE1 1AA", previous_postcode=("LE3 5QA",), birth_date="1950-01-01", death_date="2021-01-01"),
        someone(address=("7 Nowhere",), phone=("07700900222",), birth_date="1950"),
    ]
    chances = seen([], held).samples(0).chances
    assert chances == pytest.approx(
        {
            ("nhs_number", "equal"): 1 / 5,
            ("birth_date", "first-january"): 2 / 12,
            ("birth_date", "swapped"): 2 / 12,
            ("death_date", "equal"): 2 / 6,
            ("address", "full"): 2 / 12,
            ("address", "postcode"): 4 / 12,
            ("address", "previous"): 6 / 12,
            ("phone", "equal"): 2 / 6,
        }
    )


def test_an_empty_index_has_no_chances() -> None:
    assert seen([], []).samples(10).chances == {}
