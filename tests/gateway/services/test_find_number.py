"""Find: a described person is found, left to a reviewer, or not found; and the table of outcomes is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.services.tracing.find import find_number
from gateway.services.tracing.outcomes import FLAG_SENTENCES, OF_TRACE, OF_VERIFICATION, batch_code, status_of
from linkage.decide import Flag, Outcome, Step, Verdict
from tests.gateway.houses import (
    AMINA,
    BRAM,
    DIED,
    DYING,
    FORMER,
    GONE,
    HIDDEN,
    MOVED,
    NAMESAKE,
    STRANGER,
    TWIN,
    Townsperson,
    Watch,
    persona,
)

if TYPE_CHECKING:
    from gateway.house import House
    from gateway.services.tracing.find import FindResult
    from linkage.person import Demographics


def find(house: House, asked: Demographics, who: str = "social-worker") -> FindResult:
    return find_number(house, persona(house, who), asked)


@pytest.mark.parametrize("who", [AMINA, BRAM, HIDDEN, DIED, DYING, TWIN])
def test_somebody_described_well_is_found(town: House, who: Townsperson) -> None:
    result = find(town, who.asked())
    assert result.outcome is Outcome.MATCHED
    assert result.number
    assert result.number.digits == who.number
    assert result.status == "02"
    # of a restricted person the address is not compared, so their details cannot agree to the last one
    assert result.step is (Step.ALGORITHMIC if who is HIDDEN else Step.ALPHANUMERIC)


@pytest.mark.parametrize(
    ("who", "flags"),
    [
        (AMINA, set()),
        (DIED, {Flag.DECEASED_FORMAL}),
        (DYING, {Flag.DECEASED_INFORMAL}),
        (HIDDEN, {Flag.RESTRICTED}),
    ],
)
def test_what_must_be_said_of_whoever_was_found_is_said(town: House, who: Townsperson, flags: set[Flag]) -> None:
    assert find(town, who.asked()).flags == flags


def test_details_from_before_a_change_of_number_find_the_number_in_force(town: House) -> None:
    result = find(town, MOVED.asked())
    assert result.number
    assert result.number.digits == AMINA.number
    assert Flag.SUPERSEDED in result.flags


@pytest.mark.parametrize("who", [STRANGER, GONE, FORMER])
def test_whom_the_index_does_not_hold_or_may_not_find_is_not_found(town: House, who: Townsperson) -> None:
    """A withdrawn row may be a protected person's former identity: it is never found by its details."""
    result = find(town, who.asked())
    assert (result.outcome, result.number, result.status) == (Outcome.NONE, None, "04")
    assert not result.flags


def test_two_who_are_too_close_are_many_and_neither_is_named(town: House) -> None:
    result = find(town, NAMESAKE.asked(postcode=""))
    assert result.outcome in {Outcome.MANY, Outcome.REVIEW}
    assert result.number is None
    assert result.candidates >= 2


def test_one_of_two_twins_is_not_the_other(town: House) -> None:
    result = find(town, TWIN.asked(given="Rosamund"))
    assert result.number is None or result.number.digits != TWIN.number


def test_a_slip_is_found_by_weight_or_left_to_a_reviewer(town: House) -> None:
    result = find(town, BRAM.asked(family="Okonjjo", birth_date="1962-11-12"))
    assert result.outcome in {Outcome.MATCHED, Outcome.REVIEW}
    assert result.step is Step.ALGORITHMIC


def test_a_number_that_came_along_is_cross_checked_first(town: House) -> None:
    result = find(town, AMINA.asked(nhs_number=AMINA.number))
    assert (result.outcome, result.step) == (Outcome.MATCHED, Step.CROSS_CHECK)


def test_somebody_elses_number_does_not_carry_the_day(town: House) -> None:
    result = find(town, AMINA.asked(nhs_number=BRAM.number))
    assert result.number is None or result.number.digits == AMINA.number


def test_evidence_is_shown_to_those_who_are_granted_it(town: House) -> None:
    assert not find(town, AMINA.asked()).evidence
    assert find(town, AMINA.asked(), "reviewer").evidence


def test_a_search_is_one_row_about_whoever_was_found(town: House) -> None:
    seen = Watch(town)
    find(town, AMINA.asked())
    find(town, STRANGER.asked())
    found, missed = seen.rows("disclosure")
    assert (found.body["subjects"]["count"], found.body["result"]) == (1, "matched")
    assert (missed.body["subjects"]["count"], missed.body["result"]) == (0, "none")


# --- the table ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", [OF_TRACE, OF_VERIFICATION])
def test_the_table_has_a_row_for_every_outcome_and_every_row_is_whole(table: dict[str, object]) -> None:
    words = Outcome if table is OF_TRACE else Verdict
    assert set(table) == set(words)


@pytest.mark.parametrize(
    ("outcome", "looks"),
    [
        (Outcome.MATCHED, (0, "02", "00", "number", 200)),
        (Outcome.REVIEW, (1, "04", "97", "9999999999", 200)),
        (Outcome.MANY, (1, "04", "97", "9999999999", 200)),
        (Outcome.NONE, (1, "04", "98", "0000000000", 200)),
        (Outcome.INVALID_INPUT, (2, "03", "96", "0000000000", 400)),
        (Outcome.UNAVAILABLE, (4, "03", "15", "0000000000", 503)),
    ],
)
def test_every_outcome_of_a_trace_looks_so_on_each_surface(outcome: Outcome, looks: tuple[object, ...]) -> None:
    row = OF_TRACE[outcome]
    assert (row.exit_code, row.status, row.batch_code, row.batch_number, row.pds_status) == looks
    assert row.heading
    assert row.advice


@pytest.mark.parametrize(
    ("verdict", "exit_code", "status", "http"),
    [
        (Verdict.CONFIRMED, 0, "02", 200),
        (Verdict.DEMOGRAPHICS_DIFFER, 1, "05", 200),
        (Verdict.SOMEONE_ELSE, 1, "05", 200),
        (Verdict.NOT_IN_INDEX, 1, "04", 404),
        (Verdict.INVALID_NUMBER, 2, "03", 400),
        (Verdict.UNAVAILABLE, 4, "03", 503),
    ],
)
def test_every_verdict_looks_so_on_each_surface(verdict: Verdict, exit_code: int, status: str, http: int) -> None:
    row = OF_VERIFICATION[verdict]
    assert (row.exit_code, row.status, row.pds_status) == (exit_code, status, http)
    assert row.heading
    assert row.advice


def test_every_flag_has_its_sentence() -> None:
    assert set(FLAG_SENTENCES) == set(Flag)


@pytest.mark.parametrize(
    ("outcome", "flags", "code"),
    [
        (Outcome.MATCHED, set(), "00"),
        (Outcome.MATCHED, {Flag.SUPERSEDED}, "90"),
        (Outcome.MATCHED, {Flag.INVALIDATED}, "91"),
        (Outcome.MATCHED, {Flag.RESTRICTED, Flag.SUPERSEDED}, "92"),
        (Outcome.NONE, {Flag.RESTRICTED}, "98"),
    ],
)
def test_a_flag_takes_the_place_of_a_success_code_only(outcome: Outcome, flags: set[Flag], code: str) -> None:
    assert batch_code(OF_TRACE[outcome], flags) == code


@pytest.mark.parametrize(("source", "status"), [("pds", "01"), ("gp-list", "02"), ("demo", "02")])
def test_only_pds_itself_verifies(source: str, status: str) -> None:
    assert status_of(OF_TRACE[Outcome.MATCHED], index_source=source) == status
