"""What anyone may rely on when they hold an NhsNumber."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.nhs_number import Fault, NhsNumber, NotAnNhsNumber, check_digit, fault_in

NINE = st.text("0123456789", min_size=9, max_size=9)


@pytest.mark.parametrize(
    "written", ["9990000018", "999 000 0018", " 999-000-0018\n", "999\u00a0000\u00a00018", "999\u2013000\u20130018"]
)
def test_a_number_is_read_however_people_write_it_and_shown_in_three_parts(written: str) -> None:
    assert str(NhsNumber.parse(written)) == "999 000 0018"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", Fault.EMPTY),
        ("  ", Fault.EMPTY),
        ("999000001", Fault.NOT_TEN_DIGITS),
        ("99900000181", Fault.NOT_TEN_DIGITS),
        ("999000001X", Fault.NOT_TEN_DIGITS),
        ("\uff19\uff19\uff190000018", Fault.NOT_TEN_DIGITS),
        ("999000001\u00b2", Fault.NOT_TEN_DIGITS),
        ("9990000019", Fault.CHECK_DIGIT),
        ("0000000000", Fault.REPEATED_DIGIT),
        ("9999999999", Fault.REPEATED_DIGIT),
    ],
)
def test_the_broken_rule_is_named_and_the_text_is_not(text: str, fault: Fault) -> None:
    with pytest.raises(NotAnNhsNumber) as refused:
        NhsNumber.parse(text)
    assert refused.value.fault is fault
    assert not text.strip() or text not in str(refused.value)


def test_nine_digits_that_modulus_11_gives_no_tenth_have_none() -> None:
    assert check_digit("999000000") is None
    assert {fault_in(f"999000000{last}") for last in range(10)} == {Fault.CHECK_DIGIT}


@given(NINE, st.integers(0, 8), st.integers(1, 9))
def test_one_wrong_digit_is_always_caught(nine: str, place: int, shift: int) -> None:
    """The reason the check digit exists."""
    last = check_digit(nine)
    if last is None:
        return
    wrong = nine[:place] + str((int(nine[place]) + shift) % 10) + nine[place + 1 :] + last
    assert fault_in(wrong) is not None


@given(NINE, st.integers(0, 7))
def test_two_neighbours_exchanged_are_always_caught(nine: str, place: int) -> None:
    last = check_digit(nine)
    one, other = nine[place], nine[place + 1]
    if last is None or one == other:
        return
    assert fault_in(nine[:place] + other + one + nine[place + 2 :] + last) is not None


def test_a_stored_number_is_rebuilt_without_being_checked_again() -> None:
    assert NhsNumber.trusted("9990000018") == NhsNumber("9990000018")
