"""Objections that stop exactly what they are about, and ties that make an access care for as long as they hold."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ig.optouts import OptOutRecord, applicable, stale, standing, type1_of
from ig.purpose import CARE_USES, SECONDARY_USES, Purpose
from ig.question import Fact
from ig.relationships import RelationshipKind, Tie, legitimate
from ig.terms import OptOut

_NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
_LONG_AGO = _NOW - timedelta(days=400)


@pytest.mark.parametrize(
    ("code", "dissents"),
    [("9Nu0.", True), ("827241000000103", True), ("9Nu1.", False), ("827261000000102", False), ("44054006", None)],
)
def test_type_1_is_recognised_in_read_and_in_snomed(code: str, *, dissents: bool | None) -> None:
    assert type1_of(code) is dissents


def _record(day: int, *, dissents: bool, scheme: str = "type1") -> OptOutRecord:
    return OptOutRecord(scheme, dissents, date(2026, 1, day), "gp")


@pytest.mark.parametrize(
    ("records", "value"),
    [
        ([(1, True)], "opted-out"),
        ([(1, True), (2, False)], "none"),
        ([(2, False), (1, True)], "none"),
        ([(1, False), (2, True)], "opted-out"),
        ([(2, True), (2, False)], "opted-out"),
        ([(2, False), (2, True)], "opted-out"),
    ],
)
def test_the_latest_date_wins_and_dissent_in_a_tie(records: list[tuple[int, bool]], value: str) -> None:
    """T25."""
    found = standing(_record(day, dissents=dissents) for day, dissents in records)
    assert found["type1"].value == value


def test_each_scheme_stands_alone_and_no_record_is_no_fact() -> None:
    found = standing([_record(1, dissents=True), _record(2, dissents=False, scheme="national")])
    assert {scheme: fact.value for scheme, fact in found.items()} == {"type1": "opted-out", "national": "none"}
    assert found["type1"].as_of == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_opt_outs_bear_on_secondary_uses_and_type_1_on_gp_rows(purpose: Purpose) -> None:
    rules = (OptOut("national"), OptOut("type1"))
    with_gp = applicable(rules, purpose, frozenset({"gp", "acute"}))
    without = applicable(rules, purpose, frozenset({"acute"}))
    if purpose in SECONDARY_USES:
        assert (with_gp, without) == (rules, rules[:1])
    else:
        assert (with_gp, without) == ((), ())
    assert purpose not in CARE_USES or not with_gp


def test_a_fact_is_stale_past_its_age_or_its_end() -> None:
    day = Fact("none", "list", _NOW - timedelta(days=1))
    assert not stale(day, None, _NOW)
    assert not stale(day, timedelta(days=1), _NOW)
    assert stale(day, timedelta(hours=23), _NOW)
    assert stale(Fact("none", "list", _NOW, expires=_NOW), None, _NOW)


def _tie(kind: RelationshipKind, organisation: str = "999", staff: str = "", **ends: datetime) -> Tie:
    return Tie(kind, organisation, ends.get("since", _LONG_AGO), "feed", staff, ends.get("until"))


@pytest.mark.parametrize(
    ("tie", "expected"),
    [
        (_tie(RelationshipKind.REGISTRATION), "registration"),
        (_tie(RelationshipKind.REGISTRATION, until=_NOW), "none"),
        (_tie(RelationshipKind.CASELOAD, staff="sw-1"), "caseload"),
        (_tie(RelationshipKind.CASELOAD, staff="sw-2"), "none"),
        (_tie(RelationshipKind.CASELOAD), "caseload"),
        (_tie(RelationshipKind.CASELOAD, "888"), "none"),
        (_tie(RelationshipKind.EPISODE, until=_NOW - timedelta(days=29)), "episode"),
        (_tie(RelationshipKind.EPISODE, until=_NOW - timedelta(days=30)), "none"),
        (_tie(RelationshipKind.REFERRAL, until=_NOW - timedelta(days=89)), "referral"),
        (_tie(RelationshipKind.REFERRAL, since=_NOW + timedelta(seconds=1)), "none"),
        (_tie(RelationshipKind.SELF_CLAIM, staff="sw-1", since=_NOW - timedelta(hours=23)), "self-claim"),
        (_tie(RelationshipKind.SELF_CLAIM, staff="sw-1", since=_NOW - timedelta(hours=24)), "none"),
        (_tie(RelationshipKind.SELF_CLAIM, since=_NOW), "none"),
        (_tie(RelationshipKind.SELF_CLAIM, staff="sw-2", since=_NOW), "none"),
    ],
)
def test_a_tie_is_for_its_people_and_its_time(tie: Tie, expected: str) -> None:
    assert legitimate([tie], "sw-1", "999", _NOW).value == expected


def test_a_recorded_tie_is_preferred_to_a_claim() -> None:
    claim = _tie(RelationshipKind.SELF_CLAIM, staff="sw-1", since=_NOW)
    caseload = _tie(RelationshipKind.CASELOAD, staff="sw-1", until=_NOW)
    found = legitimate([claim, caseload], "sw-1", "999", _NOW)
    assert (found.value, found.expires) == ("caseload", _NOW + timedelta(days=30))


_ties = st.builds(
    Tie,
    st.sampled_from([k for k in RelationshipKind if k is not RelationshipKind.NONE]),
    st.sampled_from(["999", "888"]),
    st.sampled_from([_LONG_AGO, _NOW - timedelta(hours=3), _NOW + timedelta(hours=3)]),
    st.just("feed"),
    st.sampled_from(["", "sw-1", "sw-2"]),
    st.sampled_from([None, _NOW - timedelta(days=200), _NOW + timedelta(days=1)]),
)


@given(st.lists(_ties, max_size=6))
def test_the_fact_stands_exactly_as_long_as_the_tie_does(ties: list[Tie]) -> None:
    found = legitimate(ties, "sw-1", "999", _NOW)
    assert found.stands(_NOW) or found.value == RelationshipKind.NONE
    alone = {legitimate([tie], "sw-1", "999", _NOW).value for tie in ties}
    assert found.value in alone | {RelationshipKind.NONE}
    assert (found.value == RelationshipKind.NONE) is (alone <= {RelationshipKind.NONE})
