"""From a finding to the cause: the number first, then placeholders, then how near anybody is."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.services.records.decided import CONTESTED
from gateway.services.reports.causes import Held, Looked, diagnose, differing, lacking
from gateway.services.reports.look import pays
from gateway.services.reports.reasons import NUMBER_FAULTS, WORDS, Cause, Diagnosis
from linkage.compare import FIELDS
from linkage.explain import LABELS, Evidence
from linkage.findings import Candidate, Finding, Flag, Outcome, Scored, Step
from linkage.nhs_number import NhsNumber
from linkage.normalise import normalise
from linkage.person import Demographics, Person, Security

ONE, OTHER = NhsNumber("9990000018"), NhsNumber("9990000026")
SAID: Final = Demographics(family="Patelova", given="Amina", birth_date="1941-03-15", postcode="LE2 1AA")
AGREES: Final = tuple(Evidence(name, "missing", 0.0) for name in FIELDS)


def scored(number: NhsNumber, posterior: float, **levels: str) -> Scored:
    """A candidate whose fields stand on ``levels``, and else say nothing."""
    evidence = tuple(replace(one, level=levels.get(one.field, one.level)) for one in AGREES)
    return Scored(Candidate(f"p{number.digits}", Person(nhs_number=number)), 10.0, posterior, evidence)


def found(outcome: Outcome, *near: Scored, reason: str = "", flags: frozenset[Flag] = frozenset()) -> Finding:
    """A finding whose best candidate is the first of ``near``."""
    best = near[0] if near else None
    return Finding(outcome, Step.ALGORITHMIC if best else None, best, near[1:], None, flags, reason)


def looked(finding: Finding, said: Demographics = SAID, nearest: tuple[Scored, ...] = (), **more: object) -> Looked:
    """A record that was looked at; candidates are the finding's where none are given."""
    near = nearest or tuple(one for one in (finding.best, *finding.others) if one is not None)
    return Looked(said, normalise(said), finding, near, **more)  # type: ignore[arg-type]  # fields by name


def cause(told: Looked) -> tuple[Cause, tuple[str, ...]]:
    """What is told of a record, without what holds besides."""
    one = diagnose(told)
    assert one is not None
    return one.cause, one.fields


def test_a_record_that_is_found_with_nothing_wrong_has_no_cause() -> None:
    assert diagnose(looked(found(Outcome.MATCHED, scored(ONE, 0.99)))) is None


def test_a_number_that_is_none_is_told_before_anything_else() -> None:
    said = replace(SAID, nhs_number="9990000019", postcode="ZZ99 3VZ")
    told = diagnose(looked(found(Outcome.NONE), said))
    assert told is not None
    assert (told.cause, told.fields) == (Cause.NUMBER_INVALID, ("nhs_number",))
    assert told.also == (Cause.PLACEHOLDER, Cause.LIKELY_ABSENT)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (Candidate("p", Person(nhs_number=ONE), Security.INVALIDATED), Cause.NUMBER_WITHDRAWN),
        (Candidate("p", Person(nhs_number=ONE), superseded_by=OTHER), Cause.NUMBER_SUPERSEDED),
    ],
)
def test_a_number_that_was_withdrawn_or_replaced_says_so(row: Candidate, expected: Cause) -> None:
    told = looked(found(Outcome.NONE), replace(SAID, nhs_number=ONE.digits), held=Held(row))
    assert cause(told) == (expected, ("nhs_number",))


def test_a_number_is_somebody_elses_when_the_details_are_another_persons() -> None:
    told = looked(found(Outcome.MATCHED, scored(OTHER, 0.99)), replace(SAID, nhs_number=ONE.digits))
    assert cause(told) == (Cause.NUMBER_SOMEBODY_ELSES, ("nhs_number",))


def test_a_number_is_somebody_elses_when_neither_name_nor_birth_date_is_its_holders() -> None:
    held = Held(Candidate("p", Person(nhs_number=ONE)), None, scored(ONE, 0.1, family="differs", birth_date="year"))
    told = looked(found(Outcome.NONE), replace(SAID, nhs_number=ONE.digits), held=held)
    assert cause(told) == (Cause.NUMBER_SOMEBODY_ELSES, ("nhs_number",))


@pytest.mark.parametrize("levels", [{"family": "differs"}, {"birth_date": "differs"}, {}])
def test_a_number_whose_holder_differs_in_one_of_them_is_not_called_somebody_elses(levels: dict[str, str]) -> None:
    held = Held(Candidate("p", Person(nhs_number=ONE)), None, scored(ONE, 0.1, **levels))
    told = looked(found(Outcome.NONE), replace(SAID, nhs_number=ONE.digits), held=held)
    assert cause(told) == (Cause.LIKELY_ABSENT, ())


def test_a_duplicate_is_the_cause_of_a_found_record_and_stands_beside_that_of_another() -> None:
    flags = frozenset({Flag.DUPLICATE_IN_SOURCE})
    assert cause(looked(found(Outcome.MATCHED, scored(ONE, 0.99)), flags=flags))[0] is Cause.DUPLICATE
    told = diagnose(looked(found(Outcome.NONE), flags=flags))
    assert told == Diagnosis(Cause.LIKELY_ABSENT, (), (Cause.DUPLICATE,))


@pytest.mark.parametrize(("reason", "apart"), [(CONTESTED, False), ("nobody-near", True)])
def test_what_a_person_decided_is_told_as_their_decision(reason: str, *, apart: bool) -> None:
    assert cause(looked(found(Outcome.REVIEW, scored(ONE, 0.9), reason=reason), apart=apart))[0] is Cause.KEPT_APART


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({"given": "Unknown"}, ("given",)),
        ({"birth_date": "1900-01-01"}, ("birth_date",)),
        ({"postcode": "ZZ99 3VZ"}, ("address",)),
        ({"family": "Baby", "given": "Baby"}, ("family", "given")),
    ],
)
def test_a_placeholder_is_named_by_its_field(said: dict[str, str], fields: tuple[str, ...]) -> None:
    told = looked(found(Outcome.REVIEW, scored(ONE, 0.9)), replace(SAID, **said))  # type: ignore[arg-type]  # texts
    assert cause(told) == (Cause.PLACEHOLDER, fields)


def test_too_little_names_what_is_not_given() -> None:
    told = looked(found(Outcome.INVALID_INPUT, reason="too-little"), Demographics(family="Patelova", given="A"))
    expected = ("nhs_number", "birth_date", "given", "address", "other_given", "phone", "email")
    assert cause(told) == (Cause.NOT_ENOUGH, expected)


def test_details_of_a_withdrawn_record_say_that_it_was_withdrawn() -> None:
    assert cause(looked(found(Outcome.NONE, reason="invalidated")))[0] is Cause.NUMBER_WITHDRAWN


def test_one_field_that_differs_is_named_and_several_come_with_the_heaviest_first() -> None:
    one = scored(ONE, 0.9, family="exact", birth_date="differs")
    assert cause(looked(found(Outcome.REVIEW, one))) == (Cause.ONE_FIELD, ("birth_date",))
    evidence = (
        Evidence("family", "differs", 0.0),
        Evidence("given", "variant", 2.0),
        Evidence("gender", "differs", -5.0),
    )
    several = replace(one, evidence=(*evidence, Evidence("twin-or-sibling", "applies", -9.0)))
    assert cause(looked(found(Outcome.REVIEW, several))) == (Cause.SEVERAL_FIELDS, ("gender", "family", "given"))


def test_nothing_that_differs_and_too_little_weight_is_not_enough() -> None:
    told = looked(found(Outcome.REVIEW, scored(ONE, 0.9, family="exact")))
    assert cause(told)[0] is Cause.NOT_ENOUGH
    assert "nhs_number" in cause(told)[1]


@pytest.mark.parametrize(
    ("outcome", "posteriors", "expected"),
    [
        (Outcome.MANY, (0.2, 0.2), Cause.SEVERAL_CLOSE),
        (Outcome.REVIEW, (0.3, 0.29, 0.28), Cause.SEVERAL_CLOSE),
        (Outcome.REVIEW, (0.3, 0.1), Cause.NOT_ENOUGH),
        (Outcome.NONE, (0.3,), Cause.LIKELY_ABSENT),
        (Outcome.NONE, (), Cause.LIKELY_ABSENT),
    ],
)
def test_how_near_anybody_is_is_for_the_probabilities_to_say(
    outcome: Outcome, posteriors: tuple[float, ...], expected: Cause
) -> None:
    near = tuple(scored(NhsNumber(ONE.digits), one) for one in posteriors)
    finding = found(outcome, *near) if outcome is not Outcome.NONE else found(outcome)
    assert cause(looked(finding, nearest=near))[0] is expected


def test_whoever_a_reviewer_is_shown_is_told_as_near_and_as_likely_absent_besides() -> None:
    told = diagnose(looked(found(Outcome.REVIEW, scored(ONE, 0.3, given="differs"))))
    assert told == Diagnosis(Cause.ONE_FIELD, ("given",), (Cause.LIKELY_ABSENT,))


def test_whoever_is_likely_absent_is_told_which_of_their_details_are_weak() -> None:
    said = replace(SAID, given="A", birth_date="1941-01-01", postcode="")
    assert cause(looked(found(Outcome.NONE), said)) == (Cause.LIKELY_ABSENT, ("birth_date", "given", "address"))
    assert cause(looked(found(Outcome.NONE)))[1] == ()


@given(
    st.sampled_from([Outcome.REVIEW, Outcome.MANY, Outcome.NONE, Outcome.INVALID_INPUT]),
    st.lists(st.floats(0, 1), max_size=4).map(lambda some: sorted(some, reverse=True)),
    st.sets(st.sampled_from(sorted(Flag))),
    st.builds(Demographics, nhs_number=st.sampled_from(["", "9990000018", "9990000019"]), family=st.text(max_size=5)),
)
def test_whatever_did_not_match_has_a_cause_in_words_and_fields_that_have_names(
    outcome: Outcome, posteriors: list[float], flags: set[Flag], said: Demographics
) -> None:
    near = tuple(scored(ONE, one, family="differs") for one in posteriors)
    told = diagnose(looked(found(outcome), said, near, flags=frozenset(flags)))
    assert told is not None
    assert told.cause in WORDS
    assert set(told.fields) <= LABELS.keys()
    assert told.cause not in told.also
    assert 0 <= pays(told, near) <= 1


def test_what_pays_most_is_a_wrong_number_then_one_field_of_somebody_near_and_least_what_was_decided() -> None:
    near = (scored(ONE, 0.9),)
    worth = [
        pays(Diagnosis(Cause.NUMBER_SOMEBODY_ELSES, ("nhs_number",)), ()),
        pays(Diagnosis(Cause.ONE_FIELD, ("birth_date",)), near),
        pays(Diagnosis(Cause.SEVERAL_FIELDS, ("birth_date", "family")), near),
        pays(Diagnosis(Cause.LIKELY_ABSENT), (scored(ONE, 0.01),)),
        pays(Diagnosis(Cause.KEPT_APART), near),
    ]
    assert worth == sorted(worth, reverse=True)
    assert pays(Diagnosis(Cause.PLACEHOLDER, ("given",)), ()) == 0.5


def test_what_both_sides_do_not_say_does_not_differ() -> None:
    pieces = (Evidence("phone", "missing", 0.0), Evidence("address", "withheld", 0.0), Evidence("family", "exact", 5.0))
    assert differing(pieces) == ()


def test_an_initial_and_a_date_in_part_are_lacking() -> None:
    assert "birth_date" in lacking(normalise(Demographics(birth_date="1941-03")))
    whole = Demographics(
        "9990000018", "P", "Amina", ("B",), (), "1941-03-15", "", "LE2 1AA", (), (), ("01160000010",), ("a@e.example",)
    )
    assert lacking(normalise(replace(whole, family="Patelova", other_given=("Bea",)))) == ()


def test_every_cause_is_told_in_words_and_every_number_fault_is_one() -> None:
    assert set(WORDS) == set(Cause)
    assert set(Cause) >= NUMBER_FAULTS
