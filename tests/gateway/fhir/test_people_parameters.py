"""PDQm parameters, whatever is sent: a search, or a refusal that repeats nothing."""

from __future__ import annotations

import string
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError, InputError
from gateway.fhir.people import PeopleParameters, read_people_search
from gateway.services.tracing.likeness import day_range
from linkage.nhs_number import NhsNumber

NAMES = [field.alias or name for name, field in PeopleParameters.model_fields.items()]
SECRET = "zanzibar"


@given(st.dictionaries(st.sampled_from(NAMES), st.lists(st.text(max_size=12), min_size=1, max_size=5), max_size=6))
def test_anything_is_a_search_or_a_refusal_of_ours(sent: dict[str, list[str]]) -> None:
    try:
        found = read_people_search(sent)
    except GatewayError as refused:
        assert refused.status in {400, 404}  # noqa: PT017 - most of what is drawn is refused, and some is not
        return
    assert found.sought.queries or found.sought.person or found.sought.numbers or "identifier" in sent


@given(st.sampled_from(NAMES), st.text(string.ascii_letters, max_size=5))
def test_a_refusal_never_repeats_a_value(name: str, tail: str) -> None:
    sent = {"family": ["Smith"], "birthdate": ["1941-03-15"], name: [f"{SECRET}{tail}|*", f"{SECRET},,"]}
    try:
        read_people_search(sent)
    except GatewayError as refused:
        assert SECRET not in str(refused)  # noqa: PT017 - an identifier of another system is nobody's, and no fault


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.sampled_from(["", "eq", "ge", "le", "gt", "lt", "sa", "eb"]))
def test_a_day_lies_in_the_range_that_its_own_date_asks_for_or_just_outside_it(day: date, prefix: str) -> None:
    found = read_people_search({"family": ["Smith"], "birthdate": [f"{prefix}{day}"]})
    low, high = day_range("birthdate", found.sought.queries[0].birthdate)
    assert (low <= day <= high) is (prefix not in {"gt", "lt", "sa", "eb"})


@pytest.mark.parametrize(
    ("sent", "low", "high"),
    [
        ("1941", "1941-01-01", "1941-12-31"),
        ("1940-02", "1940-02-01", "1940-02-29"),
        ("eq1941-03-15", "1941-03-15", "1941-03-15"),
    ],
)
def test_a_date_is_as_wide_as_it_is_vague(sent: str, low: str, high: str) -> None:
    (query,) = read_people_search({"family": ["Smith"], "birthdate": [sent]}).sought.queries
    assert day_range("birthdate", query.birthdate) == (date.fromisoformat(low), date.fromisoformat(high))


def test_what_is_escaped_is_part_of_the_value() -> None:
    (query,) = read_people_search({"family": [r"Smith\,Jones"], "birthdate": ["1941"]}).sought.queries
    assert query.family == "Smith,Jones"


def test_identifiers_are_alternatives_within_and_conditions_between() -> None:
    one, two = NhsNumber("9990000018"), NhsNumber("9990000026")
    either = read_people_search({"identifier": [f"{one.digits},{two.digits}"]}).sought
    assert either.numbers == (one, two)
    both = read_people_search({"identifier": [f"{one.digits},{two.digits}", one.digits]}).sought
    assert both.numbers == (one,)
    neither = read_people_search({"identifier": [one.digits, two.digits]}).sought
    assert (neither.numbers, neither.queries, neither.person) == ((), (), "")


def test_a_parameter_nobody_knows_is_named_to_a_strict_client_only_where_it_is_a_name() -> None:
    with pytest.raises(InputError, match="address-country: not supported"):
        read_people_search({"address-country": ["x"]}, strict=True)
    with pytest.raises(InputError, match="a parameter: not supported"):
        read_people_search({"zänzibar 1": ["x"]}, strict=True)
