"""Verification: is this number this person's? And the cross-check it starts from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from linkage.decide import Candidate, Flag, Matcher, Outcome, Step, Verdict
from linkage.explain import agrees, differs
from linkage.model import Frequencies, Model
from linkage.nhs_number import NhsNumber
from linkage.normalise import normalise
from linkage.person import Demographics, Person, Security

OLD, NEW, OTHER = "9990000018", "9990000026", "9990000034"
ASHA = Demographics(
    nhs_number=OLD,
    family="Mistry",
    given="Asha",
    birth_date="1961-03-04",
    gender="female",
    postcode="LE2 1AA",
    address=("12 Tudor Road",),
)
HELD = Candidate("asha", normalise(ASHA))
CURRENT = Candidate("asha-now", normalise(replace(ASHA, nhs_number=NEW)))
GIVEN_UP = replace(HELD, superseded_by=NhsNumber(NEW))


@pytest.fixture(scope="module")
def matcher(model: Model) -> Matcher:
    return Matcher(model, Frequencies({}, 0), 100_000)


def asked(**changes: object) -> Person:
    return normalise(replace(ASHA, **changes))  # type: ignore[arg-type]  # changes to the one example


NO_PLACE = {"postcode": "", "address": ()}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "number-and-birth-date"),
        ({"family": "Cook"}, "number-and-birth-date"),
        ({"given": "A", **NO_PLACE}, "number-and-birth-date"),
        ({"given": ""}, "number-and-birth-date"),
        ({"given": "", "family": "", **NO_PLACE}, "number-and-birth-date"),
        ({"birth_date": "1961-04-03"}, "number-near-birth-date-and-names"),
        ({"birth_date": "1961-03-14", "family": "Asha", "given": "Mistry"}, "number-near-birth-date-and-names"),
        ({"birth_date": "1961-03", **NO_PLACE}, "number-near-birth-date-and-names"),
        ({"birth_date": "1961-03", "given": "", "address": ()}, "number-near-birth-date-name-and-place"),
        (
            {"birth_date": "1961-03", "family": "", "postcode": "LE2", "address": ()},
            "number-near-birth-date-name-and-place",
        ),
    ],
)
def test_a_number_with_its_persons_details_is_cross_checked(
    matcher: Matcher, changes: dict[str, object], reason: str
) -> None:
    finding = matcher.cross_check(asked(**changes), HELD)
    assert finding is not None
    assert (finding.outcome, finding.step, finding.reason) == (Outcome.MATCHED, Step.CROSS_CHECK, reason)
    assert finding.best is not None
    assert (finding.best.candidate, finding.gap, finding.others) == (HELD, None, ())


@pytest.mark.parametrize(
    "changes",
    [
        {"given": "Bhavna"},
        {"given": "Ashok"},
        {"given": "", "family": "Cook"},
        {"birth_date": "1961-11-25"},
        {"birth_date": "1961-01-01"},
        {"birth_date": ""},
        {"birth_date": "1961-03-14", "given": "Bhavna"},
        {"birth_date": "1961-03-14", "given": "", **NO_PLACE},
        {"birth_date": "1961-03-14", "given": "", "family": ""},
    ],
)
def test_the_twins_number_and_other_doubts_are_not_settled_by_the_number(
    matcher: Matcher, changes: dict[str, object]
) -> None:
    assert matcher.cross_check(asked(**changes), HELD) is None


@pytest.mark.parametrize(
    ("changes", "settled"),
    [({}, True), ({"given": ""}, True), ({"given": "", "family": ""}, False), ({"given": "Bhavna"}, False)],
)
def test_first_january_alone_confirms_nobody(matcher: Matcher, changes: dict[str, object], settled: bool) -> None:  # noqa: FBT001 - a column of the table
    held = Candidate("asha", asked(birth_date="1961-01-01"))
    finding = matcher.cross_check(asked(**{"birth_date": "1961-01-01", **changes}), held)
    assert (finding is not None) == settled
    assert finding is None or finding.reason == "number-birth-date-and-name"


@pytest.mark.parametrize(
    ("held", "current"),
    [
        (None, None),
        (replace(HELD, security=Security.INVALIDATED), None),
        (GIVEN_UP, None),
        (GIVEN_UP, replace(CURRENT, security=Security.INVALIDATED)),
    ],
)
def test_a_row_that_is_not_in_force_settles_nothing(
    matcher: Matcher, held: Candidate | None, current: Candidate | None
) -> None:
    assert matcher.cross_check(asked(), held, current) is None


@pytest.mark.parametrize("family", ["Mistry", "Patel"])
def test_a_superseded_number_is_checked_against_both_rows_and_found_under_the_one_in_force(
    matcher: Matcher, family: str
) -> None:
    current = replace(CURRENT, person=replace(CURRENT.person, family="PATEL"))
    before = replace(
        GIVEN_UP, person=replace(GIVEN_UP.person, birth_date=None if family == "Patel" else HELD.person.birth_date)
    )
    finding = matcher.cross_check(asked(family=family), before, current)
    assert finding is not None
    assert finding.best is not None
    assert finding.best.candidate is current
    assert finding.flags == {Flag.SUPERSEDED}


def test_a_restricted_persons_place_confirms_nothing(matcher: Matcher) -> None:
    restricted = replace(HELD, security=Security.RESTRICTED)
    assert matcher.cross_check(asked(birth_date="1961-03", given=""), restricted) is None


def test_the_right_number_is_confirmed(matcher: Matcher) -> None:
    verification = matcher.verify(asked(), HELD, None)
    assert (verification.verdict, verification.current) == (Verdict.CONFIRMED, NhsNumber(OLD))
    assert (verification.flags, verification.reason) == (frozenset(), "number-and-birth-date")
    assert verification.evidence


def test_a_superseded_number_is_confirmed_with_the_one_in_force(matcher: Matcher) -> None:
    verification = matcher.verify(asked(), GIVEN_UP, CURRENT)
    assert (verification.verdict, verification.current) == (Verdict.CONFIRMED, NhsNumber(NEW))
    assert verification.flags == {Flag.SUPERSEDED}


def test_details_that_weigh_enough_confirm_what_the_cross_check_left_open(matcher: Matcher) -> None:
    verification = matcher.verify(asked(given="Ashak", other_given=()), HELD, None)
    assert verification.verdict is Verdict.CONFIRMED
    said = asked(birth_date="1961-01-01")
    superseded = matcher.verify(said, GIVEN_UP, CURRENT)
    assert (superseded.verdict, superseded.reason, superseded.flags) == (
        Verdict.CONFIRMED,
        "weight",
        frozenset({Flag.SUPERSEDED}),
    )


def test_somebody_elses_number_is_told_from_wrong_details(matcher: Matcher) -> None:
    stranger = Candidate(
        "stranger", normalise(Demographics(nhs_number=OLD, family="Cook", given="Peter", birth_date="1990-05-06"))
    )
    herself = Candidate("asha", normalise(replace(ASHA, nhs_number=OTHER)))
    elses = matcher.verify(asked(), stranger, None, [herself])
    assert (elses.verdict, elses.reason) == (Verdict.SOMEONE_ELSE, "details-are-another-persons")
    differ = matcher.verify(asked(), stranger, None)
    assert (differ.verdict, differ.reason) == (Verdict.DEMOGRAPHICS_DIFFER, "details-differ")
    for verification in (elses, differ):
        assert (verification.current, verification.flags) == (None, frozenset())
        assert verification.evidence


def test_the_number_alone_is_too_little_to_confirm(matcher: Matcher) -> None:
    verification = matcher.verify(normalise(Demographics(nhs_number=OLD)), HELD, None)
    assert (verification.verdict, verification.reason) == (Verdict.DEMOGRAPHICS_DIFFER, "too-little")


@pytest.mark.parametrize(
    ("held", "flags", "current", "reason"),
    [
        (None, set(), None, "number-not-in-index"),
        (GIVEN_UP, {Flag.SUPERSEDED}, NhsNumber(NEW), "successor-not-in-index"),
        (replace(HELD, security=Security.INVALIDATED), {Flag.INVALIDATED}, None, "invalidated"),
    ],
)
def test_a_number_this_index_cannot_speak_of_is_not_in_it(
    matcher: Matcher, held: Candidate | None, flags: set[Flag], current: NhsNumber | None, reason: str
) -> None:
    verification = matcher.verify(asked(), held, None)
    assert (verification.verdict, verification.flags) == (Verdict.NOT_IN_INDEX, frozenset(flags))
    assert (verification.current, verification.reason, verification.evidence) == (current, reason, ())


def test_without_a_well_formed_number_there_is_nothing_to_verify(matcher: Matcher) -> None:
    verification = matcher.verify(asked(nhs_number="9990000019"), HELD, None)
    assert (verification.verdict, verification.reason) == (Verdict.INVALID_NUMBER, "no-valid-number")


@pytest.mark.parametrize("birth_date", ["1949-03-04", "1961-11-04", "1961-03-25"])
def test_a_birth_date_with_another_year_month_or_day_is_not_confirmed(matcher: Matcher, birth_date: str) -> None:
    """It would be cross-checked, as the national services do; the one who asks is told that the details differ."""
    person = asked(birth_date=birth_date)
    assert matcher.cross_check(person, HELD) is not None
    verification = matcher.verify(person, HELD, None)
    assert (verification.verdict, verification.current) == (Verdict.DEMOGRAPHICS_DIFFER, None)
    assert verification.reason == "birth-date-differs"


@pytest.mark.parametrize("birth_date", ["1961-04-03", "1961-03-14", "1961-03"])
def test_a_slip_in_the_birth_date_is_confirmed_and_said_not_to_agree(matcher: Matcher, birth_date: str) -> None:
    verification = matcher.verify(asked(birth_date=birth_date), HELD, None)
    assert verification.verdict is Verdict.CONFIRMED
    assert {piece.field for piece in verification.evidence if differs(piece)} == {"birth_date"}
    assert "birth_date" not in {piece.field for piece in verification.evidence if agrees(piece)}
