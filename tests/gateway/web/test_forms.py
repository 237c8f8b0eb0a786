"""What people type is read once, and its faults named in the order of the form."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.web.forms import AuditForm, VerifyForm, number_fault, whole_date
from linkage.person import NotADate, PartialDate

TODAY = date(2026, 10, 1)
GOOD = {"family": "Patelova", "birth_day": "15", "birth_month": "3", "birth_year": "1941"}


def faults(**typed: str) -> list[tuple[str, str]]:
    return [(fault.at, fault.text) for fault in VerifyForm.read(GOOD | typed).faults(TODAY)]


def test_a_form_in_order_has_no_faults() -> None:
    assert faults(nhs_number="999 000 0018", given="Amina", postcode="LE2 1AA", gender="female") == []


@pytest.mark.parametrize(
    ("typed", "iso"),
    [
        (("15", "3", "1941"), "1941-03-15"),
        (("", "3", "1941"), "1941-03"),
        (("", "", "1941"), "1941"),
    ],
)
def test_a_date_may_be_partial(typed: tuple[str, str, str], iso: str) -> None:
    day, month, year = typed
    form = VerifyForm(family="x", birth_day=day, birth_month=month, birth_year=year)
    assert form.birth_date == iso
    assert form.faults(TODAY) == []


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ({"birth_day": "", "birth_month": "", "birth_year": ""}, "birth_date-day"),
        ({"birth_year": "41"}, "birth_date-year"),
        ({"birth_year": ""}, "birth_date-year"),
        ({"birth_month": ""}, "birth_date-month"),
        ({"birth_day": "31", "birth_month": "2"}, "birth_date-day"),
        ({"birth_month": "March"}, "birth_date-day"),
        ({"birth_day": "\u0661"}, "birth_date-day"),
        ({"birth_year": "2099"}, "birth_date-year"),
        ({"family": ""}, "family"),
        ({"family": "x" * 36}, "family"),
        ({"given": "x" * 36}, "given"),
        ({"postcode": "LE2 1AA LE2"}, "postcode"),
        ({"gender": "f"}, "gender"),
        ({"nhs_number": "9990000019"}, "nhs_number"),
    ],
)
def test_each_fault_goes_to_its_box(typed: dict[str, str], at: str) -> None:
    assert [place for place, _ in faults(**typed)] == [at]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("999000001", "ten digits"),
        ("9990000019", "last digit"),
        ("5555555555", "ten equal digits"),
        ("-", "ten digits"),
    ],
)
def test_a_number_is_checked_as_it_is_entered(number: str, words: str) -> None:
    fault = number_fault(number)
    assert fault is not None
    assert words in fault.text
    assert number == "-" or number not in fault.text


def test_a_middle_name_after_a_space_is_another_given_name() -> None:
    person = VerifyForm.read(GOOD | {"given": "Amina  Rose Lily"}).demographics
    assert (person.given, person.other_given) == ("Amina", ("Rose", "Lily"))


def test_the_form_without_its_number_asks_for_the_person() -> None:
    form = VerifyForm.read(GOOD | {"nhs_number": "9990000018"})
    again = VerifyForm.read(form.without_number)
    assert again.nhs_number == ""
    assert again.family == form.family


@given(st.dictionaries(st.sampled_from(list(VerifyForm.__slots__)), st.text(max_size=120)))
def test_a_form_without_faults_can_always_be_looked_up(typed: dict[str, str]) -> None:
    form = VerifyForm.read(typed)
    if form.faults(TODAY):
        return
    try:
        PartialDate.parse(form.birth_date)
    except NotADate:
        pytest.fail("the form let through what is no date")


@given(st.text(max_size=3), st.text(max_size=3), st.text(max_size=5))
def test_three_boxes_hold_a_date_or_none(day: str, month: str, year: str) -> None:
    found = whole_date(day, month, year)
    assert found is None or (found.day, found.month, found.year) == (int(day), int(month), int(year))


def test_the_audit_form_wants_to_last_no_earlier_than_from() -> None:
    dates = {"since_day": "2", "since_month": "10", "since_year": "2026"}
    dates |= {"until_day": "1", "until_month": "10", "until_year": "2026"}
    form = AuditForm.read({"staff": "x"} | dates)
    assert [fault.at for fault in form.faults()] == ["until-day"]
    assert form.since == date(2026, 10, 2)
