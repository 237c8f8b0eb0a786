"""Search parameters are read as PDS reads them and refused in its order, words and codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InputError
from gateway.fhir.query import NAMES, REPEATABLE, read_search

ENOUGH = {"family": ["Smith"], "birthdate": ["eq2010-10-22"]}
MINIMUM = (
    "Invalid search data provided - "
    "'No searches were performed as the search criteria did not meet the minimum requirements'"
)


def refused(sent: dict[str, list[str]]) -> tuple[str, str]:
    with pytest.raises(InputError) as fault:
        read_search(sent)
    return fault.value.reason, str(fault.value)


def test_reads_a_whole_search() -> None:
    search = read_search(
        {
            "family": ["Smith"],
            "given": ["John Paul", "James"],
            "gender": ["male"],
            "birthdate": ["ge2010-10-01", "le2010-10-31"],
            "death-date": ["le2020-01-01"],
            "address-postalcode": ["LS1*"],
            "general-practitioner": ["Y12345"],
            "email": ["j@example.com"],
            "phone": ["01632960587"],
            "_exact-match": ["false"],
            "_history": ["true"],
            "_max-results": ["50"],
        }
    )
    assert search.given == ("John Paul", "James")
    assert search.birthdate == ("ge2010-10-01", "le2010-10-31")
    assert (search.exact, search.fuzzy, search.history, search.max_results) == (False, False, True, 50)
    assert search.postalcode == "LS1*"


def test_no_parameter_is_an_unsupported_service() -> None:
    assert refused({})[0] == "UNSUPPORTED_SERVICE"


def test_an_unknown_parameter_is_named() -> None:
    reason, text = refused(ENOUGH | {"year": ["2010"]})
    assert reason == "ADDITIONAL_PROPERTIES"
    assert text == "Invalid request with error - Additional properties are not allowed ('year' was unexpected)"


def test_several_unknown_parameters_are_all_named() -> None:
    assert refused({"a": ["1"], "b": ["2"]})[1].endswith("('a', 'b' were unexpected)")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("birthdate", "20101022"),
        ("birthdate", "eq2010-02-31"),
        ("birthdate", "gt2010-10-22"),
        ("birthdate", "eq\u0662\u0660\u0661\u0660-10-22"),
        ("death-date", "2010"),
        ("gender", "mal"),
        ("_history", "True"),
        ("_fuzzy-match", "1"),
        ("_max-results", "0"),
        ("_max-results", "51"),
        ("_max-results", "-1"),
        ("_max-results", "1.5"),
        ("_max-results", "\u0663"),
        ("family", ""),
        ("family", "x" * 36),
        ("given", ""),
    ],
)
def test_a_bad_value_is_named_with_its_field(name: str, value: str) -> None:
    reason, text = refused(ENOUGH | {name: [value]})
    assert reason == "INVALID_VALUE"
    assert text == f"Invalid value - '{value}' in field '{name}'"


def test_the_bad_one_of_several_values_is_the_one_named() -> None:
    assert refused(ENOUGH | {"birthdate": ["eq2010-10-22", "nonsense"]})[1] == (
        "Invalid value - 'nonsense' in field 'birthdate'"
    )


def test_a_date_is_faulted_before_anything_else() -> None:
    assert "'birthdate'" in refused({"gender": ["mal"], "birthdate": ["x"]})[1]


def test_a_missing_birth_date_comes_before_a_missing_family_name() -> None:
    assert refused({"gender": ["female"]}) == (
        "MISSING_VALUE",
        "Missing value - 'birth_date/birth_date_range_start/birth_date_range_end'",
    )
    assert refused({"birthdate": ["eq2010-10-22"]}) == ("INVALID_SEARCH_DATA", MINIMUM)


def test_an_unknown_parameter_comes_before_a_bad_date() -> None:
    assert refused({"birthdate": ["x"], "year": ["y"]})[0] == "ADDITIONAL_PROPERTIES"


def test_a_single_parameter_sent_twice_is_refused() -> None:
    assert refused(ENOUGH | {"family": ["Smith", "Jones"]})[0] == "TOO_MANY_VALUES_SUBMITTED"


@pytest.mark.parametrize("name", ["birthdate", "death-date"])
def test_a_date_has_two_ends_at_most(name: str) -> None:
    assert refused(ENOUGH | {name: ["ge2010-10-01", "le2010-10-31", "eq2010-10-22"]})[0] == "TOO_MANY_VALUES_SUBMITTED"


def test_both_spellings_of_the_postcode_are_refused() -> None:
    both = {"address-postcode": ["LS1 6AE"], "address-postalcode": ["LS1 6AE"]}
    assert refused(ENOUGH | both)[0] == "INVALID_SEARCH_DATA"


@pytest.mark.parametrize("change", [{"family": ["S*"]}, {"given": ["*n"]}, {"address-postalcode": ["L*"]}])
def test_a_wildcard_within_the_first_two_characters_is_refused(change: dict[str, list[str]]) -> None:
    assert refused(ENOUGH | change) == ("INVALID_SEARCH_DATA", MINIMUM)


@pytest.mark.parametrize(
    "sent",
    [
        {"given": ["Jane"], "family": ["Smith"]},
        {"family": ["Smith"], "gender": ["female"], "address-postalcode": ["LS1 6AE"]},
        {"given": ["Jane"], "gender": ["female"], "address-postcode": ["LS1 6AE"]},
    ],
)
def test_a_fuzzy_search_takes_these_combinations(sent: dict[str, list[str]]) -> None:
    assert read_search(sent | {"birthdate": ["2010-10-22"], "_fuzzy-match": ["true"]}).fuzzy


@pytest.mark.parametrize(
    "sent",
    [
        {"family": ["Smith"]},
        {"given": ["Jane"]},
        {"family": ["Smith"], "gender": ["female"]},
        {"gender": ["female"], "address-postcode": ["LS1 6AE"]},
        {"given": ["Jane"], "family": ["Smi*"]},
    ],
)
def test_a_fuzzy_search_takes_no_others_and_no_wildcard(sent: dict[str, list[str]]) -> None:
    assert refused(sent | {"birthdate": ["2010-10-22"], "_fuzzy-match": ["true"]})[0] == "INVALID_SEARCH_DATA"


VALUES = st.lists(st.text(max_size=40), min_size=1, max_size=3)


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), VALUES, max_size=6))
def test_whatever_is_sent_is_read_or_refused_with_a_code(sent: dict[str, list[str]]) -> None:
    try:
        read = read_search(sent)
    except InputError as fault:
        read = None
        code = fault.reason
    else:
        code = "READ"
    assert code.isupper()
    assert read is None or read.birthdate


def test_only_the_repeatable_parameters_are_lists() -> None:
    assert REPEATABLE == {"given": 5, "birthdate": 2, "death-date": 2}
    assert set(NAMES) >= REPEATABLE.keys()
