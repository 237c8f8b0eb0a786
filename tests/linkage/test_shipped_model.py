"""What must hold of the shipped model however it is refitted: outcomes and signs, and no number of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from linkage.compare import VOCABULARY
from linkage.decide import Candidate, Matcher, Outcome, Step
from linkage.model import Frequencies, Use
from linkage.nhs_number import NhsNumber
from linkage.normalise import normalise
from linkage.person import Demographics

if TYPE_CHECKING:
    from linkage.decide import Finding
    from linkage.model import Model

OWN, OTHER = "9990000018", "9990000026"
ASHA = Demographics(
    family="Mistry",
    given="Asha",
    birth_date="1961-03-04",
    gender="female",
    postcode="LE2 1AA",
    address=("12 Tudor Road",),
    phone=("07700900123",),
)
ELSEWHERE = {"postcode": "CV1 9ZZ", "address": ("3 Canal Walk",), "phone": ()}


def row(number: str = OWN, **changes: object) -> Candidate:
    person = normalise(replace(ASHA, **changes))  # type: ignore[arg-type]  # changes to the one example
    return Candidate(f"person-{number}", replace(person, nhs_number=NhsNumber(number)))


def found(shipped: Model, *rows: Candidate, use: Use = Use.PROPOSE, **changes: object) -> Finding:
    """What a trace of the example, changed so, finds among these rows of 100,000."""
    asked = normalise(replace(ASHA, **changes))  # type: ignore[arg-type]  # changes to the one example
    return Matcher(shipped, Frequencies({}, 0), 100_000).trace(asked, rows, use=use)


def test_details_that_agree_exactly_match_in_the_alphanumeric_step(shipped: Model) -> None:
    finding = found(shipped, row(), row(OTHER, given="Peter", birth_date="1970-05-06"))
    assert (finding.outcome, finding.step) == (Outcome.MATCHED, Step.ALPHANUMERIC)
    assert finding.best is not None
    assert finding.best.candidate == row()


@pytest.mark.parametrize("changes", [{"family": "Misty", "birth_date": "1961-03-14"}, {"birth_date": "1961-04-03"}])
def test_details_with_a_slip_match(shipped: Model, changes: dict[str, Any]) -> None:
    assert found(shipped, row(), **changes).outcome is Outcome.MATCHED


@pytest.mark.parametrize("shared", [{}, {"phone": ()}, {"email": ("home@example.org",)}])
def test_nobody_is_their_twin_whatever_a_household_shares(shipped: Model, shared: dict[str, Any]) -> None:
    twin = row(**{"given": "Bhavna", **shared})
    assert found(shipped, twin, **shared).outcome in {Outcome.REVIEW, Outcome.NONE}


def test_nobody_is_the_parent_they_are_named_after(shipped: Model) -> None:
    assert found(shipped, row(birth_date="1933-10-21")).outcome in {Outcome.REVIEW, Outcome.NONE}


def test_two_people_who_cannot_be_told_apart_are_many_and_neither_is_believed_more(shipped: Model) -> None:
    finding = found(shipped, row(), row(OTHER))
    assert (finding.outcome, finding.gap) == (Outcome.MANY, 0)
    assert finding.best is not None
    assert [one.posterior for one in finding.others] == [finding.best.posterior]


@pytest.mark.parametrize(
    "changes",
    [
        {"nhs_number": OWN, "given": "Zarina"},
        {"nhs_number": OWN, "birth_date": ""},
        {"nhs_number": OTHER, **ELSEWHERE},
        {"nhs_number": OTHER, "given": "A"},
    ],
)
def test_somebody_elses_number_and_a_number_under_other_details_are_for_a_person(
    shipped: Model, changes: dict[str, Any]
) -> None:
    assert found(shipped, row(), **changes).outcome in {Outcome.REVIEW, Outcome.NONE}


@pytest.mark.parametrize("changes", [{}, ELSEWHERE, {"family": "Misty"}])
def test_direct_care_never_uses_a_weighed_match_unconfirmed(shipped: Model, changes: dict[str, Any]) -> None:
    assert found(shipped, row(), use=Use.DIRECT_CARE, **changes).outcome is Outcome.REVIEW


def test_the_stricter_the_use_the_more_it_asks_for(shipped: Model) -> None:
    strict, usual, loose = (shipped.thresholds[use] for use in (Use.DIRECT_CARE, Use.PROPOSE, Use.ANALYTICS))
    assert strict.match >= usual.match >= loose.match
    assert strict.gap >= usual.gap >= loose.gap
    assert strict.agreeing >= usual.agreeing >= loose.agreeing


@pytest.mark.parametrize("field", VOCABULARY)
def test_the_same_speaks_for_a_match_and_what_differs_does_not(shipped: Model, field: str) -> None:
    weights = shipped.comparisons[field]
    assert weights[VOCABULARY[field][0]].bits >= 0 >= weights["differs"].bits
