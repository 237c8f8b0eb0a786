"""What a cell of each kind may hold, and by which rule it is refused."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import values
from adapters.values import BadField


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ""), ("07/03/1941", "1941-03-07"), ("7/3/1941", "1941-03-07"), ("1941-03-07", "1941-03-07")],
)
def test_reads_british_and_iso_dates(text: str, expected: str) -> None:
    assert values.uk_or_iso_date(text, "f") == expected
    assert values.uk_or_iso_date(text + " 00:00:00" if text else "", "f") == expected


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("31/02/2026", "impossible-date"),
        ("2026-13-01", "impossible-date"),
        ("07/03/41", "not-a-date"),
        ("x", "not-a-date"),
    ],
)
def test_a_date_that_is_none_is_refused_by_rule(text: str, rule: str) -> None:
    with pytest.raises(BadField) as refused:
        values.uk_or_iso_date(text, "Date of Birth")
    assert refused.value.rule == rule
    assert text not in str(refused.value)


def test_an_iso_column_takes_no_british_date() -> None:
    with pytest.raises(BadField, match="not-a-date"):
        values.iso_date("07/03/1941", "f")


@pytest.mark.parametrize(
    ("precision", "expected"),
    [("U", ""), ("Y", "2021"), ("YM", "2021-05"), ("YMD", "2021-05-12"), ("YMDT", "2021-05-12"), ("", "2021-05-12")],
)
def test_a_date_is_cut_to_what_is_real_of_it(precision: str, expected: str) -> None:
    assert values.precise_date("2021-05-12", precision, "EffectiveDate") == expected


def test_a_precise_time_is_london_time() -> None:
    assert values.precise_date("2021-05-12T09:14:00", "YMDT", "f") == "2021-05-12T09:14:00+01:00"


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(BadField, match="unknown-code"):
        values.precise_date("2021-05-12", "YMDH", "EffectiveDate")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("1941", "1941"),
        ("194103", "1941-03"),
        ("19410307", "1941-03-07"),
        ("202601021530", "2026-01-02T15:30:00+00:00"),
        ("20260702153045", "2026-07-02T15:30:45+01:00"),
        ("20260702153045.1234", "2026-07-02T15:30:45+01:00"),
        ("20260702153045+0000", "2026-07-02T15:30:45+00:00"),
    ],
)
def test_reads_hl7_times_at_their_own_precision(text: str, expected: str) -> None:
    assert values.hl7_instant(text, "f") == expected
    assert values.hl7_date(text, "f") == expected[:10]


@pytest.mark.parametrize("text", ["194", "19411301", "1941030", "2026010225", "20260102153", "00000101", "1941031530"])
def test_an_hl7_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadField):
        values.hl7_instant(text, "f")


def test_an_hl7_birth_date_with_a_wrong_time_is_refused() -> None:
    with pytest.raises(BadField, match="not-a-date"):
        values.hl7_date("194103072", "PID-7")


def test_the_hour_that_comes_twice_is_taken_first_and_told() -> None:
    twice = values.hl7_instant("202610250130", "f")
    assert twice == "2026-10-25T01:30:00+01:00"
    assert values.came_twice(twice)
    assert not values.came_twice("2026-10-25T00:59:00+01:00")
    assert not values.came_twice("2026-10-24T01:30:00+01:00")
    assert not values.came_twice("2026-10-25")


@given(st.datetimes(datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2037-01-01")))
def test_a_local_time_stays_the_same_on_a_london_clock(local: datetime) -> None:
    written = values.london_time(local.date().isoformat(), local.strftime("%H:%M:%S"), "f")
    told = datetime.fromisoformat(written)
    assert told.replace(tzinfo=None) == local.replace(microsecond=0)
    assert told.utcoffset() == local.replace(tzinfo=ZoneInfo("Europe/London")).utcoffset()


@pytest.mark.parametrize(("day", "clock", "expected"), [("2026-01-02", "", "2026-01-02"), ("", "10:00", "")])
def test_a_date_without_a_time_stays_a_date(day: str, clock: str, expected: str) -> None:
    assert values.london_time(day, clock, "f") == expected


def test_a_wrong_time_is_refused() -> None:
    with pytest.raises(BadField, match="not-a-time"):
        values.london_time("2026-01-02", "25:00", "f")


def test_texts_in_utc_sort_as_the_times_do() -> None:
    assert values.in_utc("2026-07-02T00:30:00+01:00") == "2026-07-01T23:30:00+00:00"
    assert values.in_utc("2026-07") == "2026-07"


@pytest.mark.parametrize(
    ("end", "start", "expected"),
    [
        ("2026-01-01", "2026-01-02", True),
        ("2026-01-02", "2026-01-02T10:00:00+00:00", False),
        ("2026-07-02T00:30:00+01:00", "2026-07-01T23:31:00+00:00", True),
        ("", "2026-01-01", False),
        ("2026-01-01", "", False),
    ],
)
def test_ends_are_compared_at_the_coarser_precision(end: str, start: str, *, expected: bool) -> None:
    assert values.ends_before(end, start) is expected


@pytest.mark.parametrize("text", ["72.50", "-1", "0.000001"])
def test_a_decimal_stays_exactly_as_written(text: str) -> None:
    assert str(values.decimal(text, "f")) == str(Decimal(text))


@pytest.mark.parametrize("text", ["1e5", "NaN", "1,000", "٣", ".5", "9" * 15])
def test_other_numbers_are_refused(text: str) -> None:
    with pytest.raises(BadField, match="not-a-number"):
        values.decimal(text, "f")


def test_blank_numbers_are_none() -> None:
    assert values.decimal("", "f") is None
    assert values.count("", "f") is None
    assert values.count("12", "f") == 12
    with pytest.raises(BadField, match="not-a-number"):
        values.count("-1", "f")


def test_yes_and_no_in_any_case() -> None:
    assert values.boolean("TRUE", "f")
    assert not values.boolean("False", "f")
    assert not values.boolean("", "f")
    with pytest.raises(BadField, match="unknown-code"):
        values.boolean("yes", "f")


@pytest.mark.parametrize(
    ("text", "rule"), [("9990001007", "check-digit"), ("999000100", "not-ten-digits"), ("9999999999", "repeated-digit")]
)
def test_an_nhs_number_is_refused_by_its_own_fault(text: str, rule: str) -> None:
    with pytest.raises(BadField) as refused:
        values.nhs_number(text, "NHS Number")
    assert refused.value.rule == rule
    assert text not in str(refused.value)


@given(st.text(max_size=20))
def test_no_text_makes_a_value_reader_raise_anything_else(text: str) -> None:
    for reader in (
        values.nhs_number,
        values.uk_or_iso_date,
        values.iso_date,
        values.hl7_date,
        values.hl7_instant,
        values.decimal,
        values.count,
        values.boolean,
    ):
        try:
            reader(text, "f")
        except BadField as refused:
            assert refused.rule  # noqa: PT017 - either outcome is right
