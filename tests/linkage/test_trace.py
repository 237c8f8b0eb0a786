"""A trace: one person out of many candidates, or an honest "ask somebody" or "not here"."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from linkage.decide import Candidate, Death, Flag, Matcher, Outcome, Step
from linkage.model import Frequencies, Model, Use
from linkage.nhs_number import NhsNumber
from linkage.normalise import normalise
from linkage.person import Demographics, Person, Security

if TYPE_CHECKING:
    from tests.linkage.conftest import Town

ASHA = Demographics(
    family="Mistry",
    given="Asha",
    birth_date="1961-03-04",
    gender="female",
    postcode="LE2 1AA",
    address=("12 Tudor Road",),
    phone=("07700900123",),
)
NUMBERS = tuple(NhsNumber(digits) for digits in ("9990000018", "9990000026", "9990000034", "9990000042"))


def row(place: int, said: Demographics = ASHA, **about: object) -> Candidate:
    person = replace(normalise(said), nhs_number=NUMBERS[place])
    return Candidate(f"person-{place}", person, **about)  # type: ignore[arg-type]  # rows of a table


def asked(**changes: object) -> Person:
    return normalise(replace(ASHA, **changes))  # type: ignore[arg-type]  # changes to the one example


@pytest.fixture(scope="module")
def matcher(model: Model) -> Matcher:
    return Matcher(model, Frequencies({}, 0), 100_000)


def test_details_that_agree_exactly_match_in_the_alphanumeric_step(matcher: Matcher) -> None:
    finding = matcher.trace(asked(), [row(0), row(1, replace(ASHA, given="Peter", birth_date="1970-05-06"))])
    assert (finding.outcome, finding.step, finding.reason) == (
        Outcome.MATCHED,
        Step.ALPHANUMERIC,
        "details-agree-exactly",
    )
    assert finding.best is not None
    assert finding.best.candidate.person_id == "person-0"
    assert finding.best.posterior > 0.999
    assert [other.candidate.person_id for other in finding.others] == ["person-1"]
    assert finding.gap is not None
    assert finding.gap == pytest.approx(finding.best.bits - finding.others[0].bits)


def test_details_with_a_slip_match_in_the_algorithmic_step(matcher: Matcher) -> None:
    finding = matcher.trace(asked(family="Misty", birth_date="1961-03-14"), [row(0)])
    assert (finding.outcome, finding.step, finding.reason) == (Outcome.MATCHED, Step.ALGORITHMIC, "weight")
    assert finding.gap is None


@pytest.mark.parametrize(
    "said",
    [
        Demographics(),
        Demographics(family="Mistry"),
        Demographics(birth_date="1961-03-04"),
        Demographics(family="Unknown", given="Baby", birth_date="1961-03-04"),
        Demographics(family="Mistry", birth_date="1900-01-01"),
    ],
)
def test_too_little_to_look_for_is_said_and_nobody_is_found(matcher: Matcher, said: Demographics) -> None:
    finding = matcher.trace(normalise(said), [row(0)])
    assert (finding.outcome, finding.best, finding.reason) == (Outcome.INVALID_INPUT, None, "too-little")


def test_nobody_near_is_none_in_this_index(matcher: Matcher) -> None:
    assert matcher.trace(asked(), []).reason == "no-candidates"
    stranger = row(0, replace(ASHA, given="Peter", birth_date="1990-11-12", family="Cook"))
    finding = matcher.trace(asked(), [stranger])
    assert (finding.outcome, finding.best, finding.reason) == (Outcome.NONE, None, "nobody-near")


def test_two_people_who_cannot_be_told_apart_are_many(matcher: Matcher) -> None:
    finding = matcher.trace(asked(), [row(0), row(1)])
    assert (finding.outcome, finding.reason, finding.gap) == (Outcome.MANY, "runner-up-too-close", 0)
    assert finding.best is not None
    assert finding.best.posterior < 0.51
    assert len(finding.others) == 1


def test_an_absent_person_is_not_their_twin(matcher: Matcher) -> None:
    finding = matcher.trace(asked(), [row(0, replace(ASHA, given="Bhavna"))])
    assert finding.outcome in {Outcome.REVIEW, Outcome.NONE}


def test_an_absent_person_is_not_the_parent_they_are_named_after(matcher: Matcher) -> None:
    finding = matcher.trace(asked(), [row(0, replace(ASHA, birth_date="1933-10-21"))])
    assert finding.outcome in {Outcome.REVIEW, Outcome.NONE}


@pytest.mark.parametrize("shared", [{"phone": ("07700900123",)}, {"email": ("home@example.org",)}])
def test_a_household_that_shares_everything_does_not_turn_one_twin_into_the_other(
    matcher: Matcher, shared: dict[str, tuple[str, ...]]
) -> None:
    twin = replace(ASHA, given="Bhavna", **shared)  # type: ignore[arg-type]  # two text tuples
    assert matcher.trace(asked(**shared), [row(0, twin)]).outcome in {Outcome.REVIEW, Outcome.NONE}


def test_little_agreement_is_not_enough_however_rare_the_name(model: Model) -> None:
    """A name and half a birth date are two things; the model wants three."""
    rare = Matcher(model, Frequencies({"family": {"MISTRY": 1}, "given": {"ASHA": 1}}, 1_000_000), 1_000_000)
    sparse = normalise(Demographics(family="Mistry", given="Asha", birth_date="1961"))
    assert rare.trace(sparse, [row(0)]).outcome in {Outcome.REVIEW, Outcome.NONE}
    given_only = normalise(Demographics(given="Asha", birth_date="1961-03-04"))
    assert rare.trace(given_only, [row(0)]).outcome in {Outcome.REVIEW, Outcome.NONE}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"given": "Zarina", "nhs_number": "9990000018", "birth_date": "1961-03-14"}, "given-name-differs"),
        ({"birth_date": "", "nhs_number": "9990000018"}, "birth-date-differs"),
        ({"given": "", "gender": "male", "nhs_number": "9990000018"}, "forename-and-sex-differ"),
        ({"given": "A", "nhs_number": "9990000026"}, "another-number"),
        ({"given": "", "family": "Cook", "nhs_number": "9990000018"}, "too-little-weight"),
        ({"family": "Cook", "postcode": "", "address": (), "phone": ()}, "too-few-fields-agree"),
    ],
)
def test_a_doubt_that_only_a_person_can_settle_is_named(model: Model, changes: dict[str, object], reason: str) -> None:
    told = model.model_copy(update={"thresholds": {**model.thresholds, Use.PROPOSE: _easy(model, reason)}})
    finding = Matcher(told, Frequencies({}, 0), 100_000).trace(asked(**changes), [row(0)])
    assert (finding.outcome, finding.reason) == (Outcome.REVIEW, reason)
    assert finding.flags == frozenset()


def _easy(model: Model, reason: str) -> object:
    """The usual threshold, or one that weight never fails, for the doubts that come after weight."""
    usual = model.thresholds[Use.PROPOSE]
    return usual.model_copy(update={"match": 60.0 if reason == "too-little-weight" else -20.0, "review": -20.0})


def test_direct_care_never_uses_a_weighed_match_unconfirmed(matcher: Matcher) -> None:
    finding = matcher.trace(asked(), [row(0)], use=Use.DIRECT_CARE)
    assert (finding.outcome, finding.reason) == (Outcome.REVIEW, "needs-confirmation")


def test_a_never_is_a_fact_the_model_cannot_override(matcher: Matcher) -> None:
    finding = matcher.trace(asked(), [row(0)], never=frozenset({"person-0"}))
    assert (finding.outcome, finding.best, finding.others) == (Outcome.NONE, None, ())


def test_a_never_reaches_through_supersession_both_ways(matcher: Matcher) -> None:
    old, new = row(0, superseded_by=NUMBERS[1]), row(1)
    assert matcher.trace(asked(), [old, new], never=frozenset({"person-1"})).outcome is Outcome.NONE
    kept = matcher.trace(asked(), [old, new], never=frozenset({"person-0"}))
    assert kept.best is not None
    assert (kept.best.candidate.person_id, kept.flags) == ("person-1", frozenset())


def test_a_superseded_row_stands_for_the_surviving_person(matcher: Matcher) -> None:
    before = row(0, superseded_by=NUMBERS[1])
    after = row(1, replace(ASHA, family="Patel", postcode="LE3 4BB", address=(), phone=()))
    finding = matcher.trace(asked(), [before, after])
    assert finding.outcome is Outcome.MATCHED
    assert finding.best is not None
    assert finding.best.candidate is after
    assert (finding.flags, finding.others) == (frozenset({Flag.SUPERSEDED}), ())


def test_a_chain_of_supersessions_ends_with_the_last_and_a_ring_wins_nothing(matcher: Matcher) -> None:
    chain = [row(0, superseded_by=NUMBERS[1]), row(1, superseded_by=NUMBERS[2]), row(2)]
    found = matcher.trace(asked(), chain)
    assert found.best is not None
    assert found.best.candidate.person_id == "person-2"
    ring = [row(0, superseded_by=NUMBERS[1]), row(1, superseded_by=NUMBERS[0])]
    assert matcher.trace(asked(), ring).outcome is not Outcome.MATCHED


def test_a_superseded_row_without_its_survivor_goes_to_a_person(matcher: Matcher) -> None:
    finding = matcher.trace(asked(), [row(0, superseded_by=NUMBERS[1])])
    assert (finding.outcome, finding.reason) == (Outcome.REVIEW, "successor-not-among-candidates")


def test_an_invalidated_row_never_wins_and_is_flagged_only_when_it_is_who_was_meant(matcher: Matcher) -> None:
    invalid = row(0, security=Security.INVALIDATED)
    finding = matcher.trace(asked(), [invalid, row(2, security=Security.INVALIDATED)])
    assert (finding.outcome, finding.best, finding.reason) == (Outcome.NONE, None, "invalidated")
    assert finding.flags == {Flag.INVALIDATED}
    beside = matcher.trace(asked(), [invalid, row(1)])
    assert (beside.outcome, beside.flags) == (Outcome.MATCHED, frozenset())
    other = matcher.trace(asked(given="Zed", birth_date="1990-01-02", family="Cook"), [invalid])
    assert (other.outcome, other.flags) == (Outcome.NONE, frozenset())


def test_an_invalidated_row_merged_into_another_stands_for_it(matcher: Matcher) -> None:
    finding = matcher.trace(asked(), [row(0, security=Security.INVALIDATED, superseded_by=NUMBERS[1]), row(1)])
    assert finding.best is not None
    assert finding.best.candidate.person_id == "person-1"


def test_where_a_restricted_person_lives_is_neither_weighed_nor_shown(matcher: Matcher) -> None:
    finding = matcher.trace(asked(), [row(0, security=Security.RESTRICTED)])
    elsewhere = matcher.trace(asked(postcode="CV1 9ZZ", address=(), phone=()), [row(0, security=Security.RESTRICTED)])
    assert finding.best is not None
    assert elsewhere.best is not None
    assert finding.best.evidence == elsewhere.best.evidence
    shown = {piece.level for piece in finding.best.evidence if piece.field in {"address", "phone", "email"}}
    assert shown == {"withheld"}


def test_an_earlier_row_of_a_restricted_person_hides_location_too(matcher: Matcher) -> None:
    finding = matcher.trace(asked(), [row(0, superseded_by=NUMBERS[1]), row(1, security=Security.VERY_RESTRICTED)])
    assert finding.best is not None
    assert {piece.level for piece in finding.best.evidence if piece.field == "address"} == {"withheld"}


@pytest.mark.parametrize(
    ("about", "flags"),
    [
        ({"death": Death.FORMAL}, {Flag.DECEASED_FORMAL}),
        ({"death": Death.INFORMAL}, {Flag.DECEASED_INFORMAL}),
        ({"security": Security.RESTRICTED}, {Flag.RESTRICTED}),
    ],
)
def test_what_must_be_said_of_somebody_found_rides_on_the_outcome(
    matcher: Matcher, about: dict[str, object], flags: set[Flag]
) -> None:
    finding = matcher.trace(asked(nhs_number="9990000018", other_given=("Rose",)), [replace(row(0), **about)])  # type: ignore[arg-type]  # rows of a table
    assert (finding.outcome, finding.flags) == (Outcome.MATCHED, frozenset(flags))


def test_the_order_and_repetition_of_candidates_change_nothing(matcher: Matcher) -> None:
    rows = [row(0), row(1, replace(ASHA, given="Bhavna")), row(2, replace(ASHA, birth_date="1990-03-04"))]
    assert matcher.trace(asked(), rows) == matcher.trace(asked(), [*reversed(rows), rows[0]])


def test_a_ranking_names_every_living_candidate_and_decides_nothing(matcher: Matcher) -> None:
    rows = [row(0, replace(ASHA, given="Bhavna")), row(1), row(2, security=Security.INVALIDATED)]
    ranked = matcher.rank(asked(), rows)
    assert [scored.candidate.person_id for scored in ranked] == ["person-1", "person-0"]
    assert 0.99 < sum(scored.posterior for scored in ranked) < 1


def test_one_matcher_serves_many_threads(town: Town, model: Model) -> None:
    matcher = town.matcher(model)
    people = [normalise(question.said) for question in town.questions[:400]]

    def ask(person: Person) -> object:
        return matcher.trace(person, town.candidates(person))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, people)) == [ask(person) for person in people]
