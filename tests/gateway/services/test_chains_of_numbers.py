"""A number that was superseded, and its successor too, leads to the row in force at the end; a ring leads nowhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from gateway.engine import Engine
from gateway.storage.models import shipped_model
from linkage.decide import Candidate, Flag, Matcher, Outcome, Step
from linkage.frequencies import Frequencies
from linkage.nhs_number import NhsNumber
from linkage.normalise import normalise
from linkage.person import Demographics

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.storage.index import PersonIndex
    from gateway.storage.permit import Permit
    from linkage.model import Model

NUMBERS = tuple(NhsNumber(digits) for digits in ("9990000018", "9990000026", "9990000034", "9990000042"))
ASHA = Demographics(family="Mistry", given="Asha", birth_date="1961-03-04", gender="female", postcode="LE2 1AA")


class Rows:
    """An index of a few rows, found by number, or all at once by key."""

    def __init__(self, successors: Sequence[int | None]) -> None:
        self.held = {
            number: Candidate(
                f"person-{place}",
                normalise(replace(ASHA, nhs_number=number.digits)),
                superseded_by=NUMBERS[after] if after is not None else None,
            )
            for place, (number, after) in enumerate(zip(NUMBERS, successors, strict=False))
        }

    def by_number(self, _: object, number: NhsNumber) -> Candidate | None:
        """The row of a number."""
        return self.held.get(number)

    def by_numbers(self, _: object, numbers: Iterable[NhsNumber]) -> dict[NhsNumber, Candidate]:
        """The rows that are held."""
        return {number: self.held[number] for number in numbers if number in self.held}

    def sealed(self, _permit: object, _number: NhsNumber) -> frozenset[str]:
        """Nobody is."""
        return frozenset()

    def candidates(self, _permit: object, _keys: Sequence[int], _most: int) -> tuple[list[Candidate], int]:
        """The first row shares every key, the others none."""
        return [self.held[NUMBERS[0]]], 0


@pytest.fixture(scope="module")
def model() -> Model:
    return shipped_model()


def engine(model: Model, *successors: int | None) -> Engine:
    matcher = Matcher(model, Frequencies({}, 0), 100_000)
    return Engine(cast("PersonIndex", Rows(successors)), matcher, model.name, model.hash)


NO_PERMIT = cast("Permit", None)


def test_the_cross_check_follows_the_chain_to_its_end(model: Model) -> None:
    asked = normalise(Demographics(NUMBERS[0].digits, "Mistry", "Asha", birth_date="1961-03-04"))
    found = engine(model, 1, 2, 3, None).trace(NO_PERMIT, asked)
    assert (found.outcome, found.step, found.flags) == (Outcome.MATCHED, Step.CROSS_CHECK, frozenset({Flag.SUPERSEDED}))
    assert found.best is not None
    assert found.best.candidate.person_id == "person-3"


@pytest.mark.parametrize("successors", [(1, 2, 0), (1, 0), (1, 2, 3)])
def test_a_ring_and_a_successor_nobody_holds_are_nobody_in_force(model: Model, successors: tuple[int, ...]) -> None:
    assert engine(model, *successors).in_force(NO_PERMIT, NUMBERS[0])[1] is None


def test_a_candidate_brings_every_row_that_came_after_it(model: Model) -> None:
    asked = normalise(Demographics("", "Mistry", "Asha", birth_date="1961-03-04"))
    found = engine(model, 1, 2, 3, None).candidates(NO_PERMIT, asked)
    assert [one.person_id for one in found] == [f"person-{place}" for place in range(4)]


def test_whoever_was_ruled_out_is_not_found_by_a_number_either(model: Model) -> None:
    asked = normalise(Demographics(NUMBERS[0].digits, "Mistry", "Asha", birth_date="1961-03-04"))
    for row in ("person-0", "person-3"):
        found = engine(model, 1, 2, 3, None).trace(NO_PERMIT, asked, never=frozenset({row}))
        assert found.step is not Step.CROSS_CHECK
