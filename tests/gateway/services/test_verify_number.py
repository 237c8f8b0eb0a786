"""Verify: every verdict of the table, its flags, and what is and is not said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from gateway.errors import InputError, Unavailable
from gateway.services.tracing.outcomes import OF_VERIFICATION, status_of
from gateway.services.tracing.verify import verify_number
from gateway.storage.index import IndexInfo, PersonIndex
from ig.purpose import Purpose
from linkage.decide import Flag, Verdict
from tests.gateway.houses import (
    AMINA,
    BRAM,
    DIED,
    DYING,
    GONE,
    HIDDEN,
    MOVED,
    STRANGER,
    Townsperson,
    Watch,
    opened,
    persona,
)

if TYPE_CHECKING:
    from gateway.house import House
    from gateway.services.tracing.verify import VerifyResult
    from linkage.person import Demographics


def ask(house: House, number: str, asked: Demographics, who: str = "social-worker") -> VerifyResult:
    return verify_number(house, persona(house, who, Purpose.DEMOGRAPHIC_TRACE), number, asked)


@pytest.mark.parametrize(
    ("number", "who", "verdict", "status"),
    [
        (AMINA.number, AMINA, Verdict.CONFIRMED, "02"),
        (AMINA.number, STRANGER, Verdict.DEMOGRAPHICS_DIFFER, "05"),
        (AMINA.number, BRAM, Verdict.SOMEONE_ELSE, "05"),
        (STRANGER.number, AMINA, Verdict.NOT_IN_INDEX, "04"),
        (GONE.number, GONE, Verdict.NOT_IN_INDEX, "04"),
        (AMINA.number[:-1] + "0", AMINA, Verdict.INVALID_NUMBER, "03"),
        ("", AMINA, Verdict.INVALID_NUMBER, "03"),
        (MOVED.number, AMINA, Verdict.CONFIRMED, "02"),
    ],
)
def test_each_verdict_comes_with_its_advice_and_status(
    town: House, number: str, who: Townsperson, verdict: Verdict, status: str
) -> None:
    result = ask(town, number, who.asked())
    assert (result.verdict, result.status) == (verdict, status)
    assert result.advice
    assert result.checked_against
    assert result.checked_against.source == "demo"


@pytest.mark.parametrize(
    ("number", "who", "flags"),
    [
        (AMINA.number, AMINA, set()),
        (MOVED.number, AMINA, {Flag.SUPERSEDED}),
        (DIED.number, DIED, {Flag.DECEASED_FORMAL}),
        (DYING.number, DYING, {Flag.DECEASED_INFORMAL}),
        (HIDDEN.number, HIDDEN, {Flag.RESTRICTED}),
        (GONE.number, GONE, {Flag.INVALIDATED}),
        (HIDDEN.number, STRANGER, set()),
    ],
)
def test_flags_ride_on_what_was_found_and_on_nothing_else(
    town: House, number: str, who: Townsperson, flags: set[Flag]
) -> None:
    assert ask(town, number, who.asked()).flags == flags


def test_a_superseded_number_is_answered_with_the_one_in_force(town: House) -> None:
    result = ask(town, MOVED.number, AMINA.asked())
    assert str(result.current).replace(" ", "") == AMINA.number
    assert str(result.number).replace(" ", "") == MOVED.number


def test_the_earlier_surname_confirms_a_superseded_number_too(town: House) -> None:
    assert ask(town, MOVED.number, MOVED.asked()).verdict is Verdict.CONFIRMED


def test_a_number_is_read_however_it_is_written(town: House) -> None:
    spaced = f" {AMINA.number[:3]} {AMINA.number[3:6]}-{AMINA.number[6:]}"
    assert ask(town, spaced, AMINA.asked()).verdict is Verdict.CONFIRMED


@pytest.mark.parametrize("who", [STRANGER, BRAM])
def test_what_is_not_confirmed_does_not_say_which_field_differs(town: House, who: Townsperson) -> None:
    result = ask(town, AMINA.number, who.asked())
    assert (result.agreed, result.evidence, result.current) == ((), (), None)


def test_what_is_confirmed_names_the_fields_that_agree(town: House) -> None:
    assert {"family", "given", "birth_date"} <= set(ask(town, AMINA.number, AMINA.asked()).agreed)


def test_what_is_confirmed_says_which_detail_to_check(town: House) -> None:
    result = ask(town, AMINA.number, replace(AMINA.asked(), family="Weatherby"))
    assert result.verdict is Verdict.CONFIRMED
    assert result.unlike == ("family",)
    assert "family" not in result.agreed


def test_only_those_who_are_granted_evidence_see_it(town: House) -> None:
    assert not ask(town, AMINA.number, AMINA.asked()).evidence
    assert ask(town, AMINA.number, AMINA.asked(), "reviewer").evidence


def test_a_confirmed_number_is_recorded_as_a_look_at_that_person(town: House) -> None:
    seen = Watch(town)
    ask(town, AMINA.number, AMINA.asked())
    (row,) = seen.rows()
    assert row.kind == "disclosure"
    assert row.body["subjects"]["count"] == 1
    assert {"nhs_number", "name", "birth_date", "address"} <= set(row.body["filtered_on"])


def test_a_failed_try_at_somebodys_number_is_recorded_as_a_look_at_them(town: House) -> None:
    """Trying details against a number until they fit is how people are snooped on."""
    seen = Watch(town)
    ask(town, AMINA.number, STRANGER.asked())
    (row,) = seen.rows()
    assert row.body["subjects"]["count"] == 1
    assert row.body["subjects"]["tokens"] == [town.stores.keys.subject_token(AMINA.id)]


@pytest.mark.parametrize(
    ("asked", "field", "reason"),
    [
        (AMINA.asked(family=" "), "family", "required"),
        (AMINA.asked(family="A" * 36), "family", "too-long"),
        (AMINA.asked(given="A" * 36), "given", "too-long"),
        (AMINA.asked(postcode="LE2 1AAAAAA"), "postcode", "too-long"),
        (AMINA.asked(birth_date=""), "birth_date", "date-empty"),
        (AMINA.asked(birth_date="1941-02-30"), "birth_date", "date-impossible"),
        (replace(AMINA.asked(), death_date="soon"), "death_date", "date-format"),
    ],
)
def test_what_cannot_be_asked_names_field_and_rule_and_not_the_value(
    town: House, asked: Demographics, field: str, reason: str
) -> None:
    with pytest.raises(InputError) as refused:
        ask(town, AMINA.number, asked)
    assert (refused.value.field, refused.value.reason) == (field, reason)
    assert "1941" not in str(refused.value)


def test_an_index_past_its_age_answers_nothing(own_town: House, monkeypatch: pytest.MonkeyPatch) -> None:
    old = IndexInfo("gp-list", date(2020, 1, 1), 13)
    monkeypatch.setattr(PersonIndex, "describe", lambda _index: old)
    with opened(own_town.settings.model_copy(update={"index_max_age_days": 35})) as strict:
        seen = Watch(strict)
        with pytest.raises(Unavailable) as refused:
            ask(strict, AMINA.number, AMINA.asked())
        assert refused.value.reason == "index-stale"
        assert not seen.rows()


def test_without_an_index_nothing_is_answered(own_town: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PersonIndex, "describe", lambda _index: None)
    with pytest.raises(Unavailable) as refused:
        ask(own_town, AMINA.number, AMINA.asked())
    assert refused.value.reason == "index-absent"


def test_a_number_checked_against_pds_is_verified() -> None:
    """Status 01 is written only for an index that comes from PDS."""
    confirmed = OF_VERIFICATION[Verdict.CONFIRMED]
    assert status_of(confirmed, index_source="pds") == "01"
    assert status_of(confirmed, index_source="gp-list") == "02"
    assert status_of(OF_VERIFICATION[Verdict.SOMEONE_ELSE], index_source="pds") == "05"
