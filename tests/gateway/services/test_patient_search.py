"""The PDS surface's use cases: one Patient by number, and the search with its exact, wild and fuzzy ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.errors import InputError, NotFound
from gateway.services.tracing.likeness import PatientQuery
from gateway.services.tracing.patients import TooManyMatches, read_patient, search_patients
from tests.gateway.houses import (
    AMINA,
    BRAM,
    DIED,
    GONE,
    HIDDEN,
    MOVED,
    NAMESAKE,
    OTHER_NAMESAKE,
    OTHER_TWIN,
    STRANGER,
    TWIN,
    Watch,
    persona,
)

if TYPE_CHECKING:
    from gateway.house import House


def read(house: House, number: str) -> dict[str, Any]:
    return read_patient(house, persona(house, "social-worker"), number).body


def search(house: House, **asked: Any) -> dict[str, float]:  # noqa: ANN401 - a query's fields by name
    bundle = search_patients(house, persona(house, "social-worker"), PatientQuery(**asked))
    assert bundle["total"] == len(bundle.get("entry", []))
    return {one["resource"]["id"]: one["search"]["score"] for one in bundle.get("entry", [])}


def test_a_patient_is_read_by_number_with_its_version(town: House) -> None:
    result = read_patient(town, persona(town, "social-worker"), AMINA.number)
    assert result.body["id"] == AMINA.number
    assert result.body["name"][0]["family"] == AMINA.family
    assert result.body["address"][0]["postalCode"] == AMINA.postcode
    assert result.version.isdecimal()
    assert result.version == result.body["meta"]["versionId"]


def test_a_superseded_number_reads_the_patient_in_force_and_is_recorded_under_both(town: House) -> None:
    seen = Watch(town)
    assert read(town, MOVED.number)["id"] == AMINA.number
    (row,) = seen.rows("disclosure")
    tokens = {town.stores.keys.subject_token(one.id) for one in (MOVED, AMINA)}
    assert set(row.body["subjects"]["tokens"]) == tokens


def test_a_restricted_patient_has_no_whereabouts(town: House) -> None:
    body = read(town, HIDDEN.number)
    assert body["id"] == HIDDEN.number
    assert not {"address", "telecom", "generalPractitioner"} & body.keys()
    assert HIDDEN.postcode not in str(body)


def test_a_death_is_shown(town: House) -> None:
    assert read(town, DIED.number)["deceasedDateTime"].startswith("2024-02-01")


@pytest.mark.parametrize(
    ("number", "reason"), [(GONE.number, "INVALIDATED_RESOURCE"), (STRANGER.number, "RESOURCE_NOT_FOUND")]
)
def test_a_withdrawn_and_an_unknown_number_are_not_found_and_the_try_is_recorded(
    town: House, number: str, reason: str
) -> None:
    seen = Watch(town)
    with pytest.raises(NotFound) as refused:
        read(town, number)
    assert refused.value.reason == reason
    assert len(seen.rows("disclosure")) == 1


@pytest.mark.parametrize("number", ["", "123", "9990000019", "999 000 0018"])
def test_what_is_no_number_as_pds_writes_it_is_refused(town: House, number: str) -> None:
    with pytest.raises(InputError) as refused:
        read(town, number)
    assert refused.value.reason == "INVALID_RESOURCE_ID"


# --- search ------------------------------------------------------------------------------------------------------


def test_a_search_by_name_and_birth_date_finds_the_person_with_full_score(town: House) -> None:
    assert search(town, family="patelova", birthdate=("eq1941-03-15",), gender="female") == {AMINA.number: 1}


def test_nobody_found_is_a_bundle_without_entries(town: House) -> None:
    assert not search(town, family="Nobodyson", birthdate=("1970-06-06",))


@pytest.mark.parametrize(
    "asked",
    [
        {"gender": "male"},
        {"given": ("Bram",)},
        {"given": ("Amina", "Rose")},
        {"postcode": "LE9 9ZZ"},
        {"gp": "Z99002"},
        {"phone": "01160000099"},
        {"email": "somebody@else.example"},
        {"death_date": ("eq2020-01-01",)},
    ],
)
def test_every_parameter_must_hold(town: House, asked: dict[str, Any]) -> None:
    assert not search(town, family="Patelova", birthdate=("1941-03-15",), **asked)


@pytest.mark.parametrize(
    "asked",
    [
        {"gender": "female"},
        {"given": ("amina",)},
        {"postcode": "le21aa"},
        {"gp": "z99001"},
        {"phone": "01160 000010"},
        {"email": "AMINA@e.example"},
        {"postcode": "LE2*"},
        {"given": ("Am*",)},
    ],
)
def test_every_parameter_that_holds_leaves_the_person_found(town: House, asked: dict[str, Any]) -> None:
    assert AMINA.number in search(town, family="Patelova", birthdate=("1941-03-15",), **asked)


@pytest.mark.parametrize(("when", "found"), [("eq2024-02-01", True), ("ge2024-01-01", True), ("le2023-01-01", False)])
def test_a_date_of_death_is_a_parameter_like_others(town: House, when: str, *, found: bool) -> None:
    asked = search(town, family="Vandermeer", birthdate=("1939-05-30",), death_date=(when,))
    assert (DIED.number in asked) is found


def test_wild_cards_stand_for_the_rest_of_a_name_and_score_less(town: House) -> None:
    found = search(town, family="Dun*", birthdate=("2001-02-03",))
    assert set(found) == {TWIN.number, OTHER_TWIN.number}
    assert set(found.values()) == {0.8438}
    assert set(search(town, family="Dunwick", given=("Rosal*",), birthdate=("2001-02-03",))) == {TWIN.number}


def test_a_range_of_birth_dates_finds_whoever_is_in_it(town: House) -> None:
    near = ("ge1941-01-01", "le1942-12-31")
    assert AMINA.number in search(town, family="Patelova", given=("Amina",), birthdate=near)
    assert not search(town, family="Patelova", given=("Amina",), birthdate=("ge1942-01-01", "le1943-12-31"))


def test_a_range_upside_down_holds_nobody(town: House) -> None:
    assert not search(town, family="Patelova", given=("Amina",), birthdate=("ge1942-01-01", "le1941-01-01"))


@pytest.mark.parametrize("asked", [{}, {"given": ("Am*",)}])
def test_a_range_finds_people_by_one_name_too(town: House, asked: dict[str, Any]) -> None:
    found = search(town, family="Patelova", birthdate=("ge1941-01-01", "le1942-06-30"), **asked)
    assert set(found) == {AMINA.number}


def test_a_long_range_needs_both_names(town: House) -> None:
    with pytest.raises(InputError, match="at most 2 years without both names"):
        search(town, family="Patelova", birthdate=("ge1938-01-01", "le1942-12-31"))
    long = ("ge1938-01-01", "le1942-12-31")
    assert search(town, family="Patelova", given=("Amina",), birthdate=long) == {AMINA.number: 1}


@pytest.mark.parametrize(
    ("dates", "reason"),
    [(("ge1900-01-01",), "INVALID_SEARCH_DATA"), (("eq1941-02-30",), "INVALID_VALUE"), (("1941",), "INVALID_VALUE")],
)
def test_a_range_too_wide_or_a_day_that_never_was_is_refused(town: House, dates: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InputError) as refused:
        search(town, family="Patelova", birthdate=dates)
    assert (refused.value.reason, refused.value.field) == (reason, "birthdate")


def test_a_date_of_death_that_never_was_is_refused(town: House) -> None:
    with pytest.raises(InputError) as refused:
        search(town, family="Vandermeer", birthdate=("1939-05-30",), death_date=("2024-02-31",))
    assert refused.value.field == "death-date"


def test_earlier_names_count_only_when_history_is_asked_for(town: House) -> None:
    asked = {"family": "Nowak", "birthdate": ("1975-12-24",)}
    assert not search(town, **asked)
    assert search(town, **asked, history=True) == {NAMESAKE.number: 0.75}


def test_an_exact_search_leaves_out_whatever_is_not(town: House) -> None:
    assert not search(town, family="Dun*", birthdate=("2001-02-03",), exact=True)
    assert search(town, family="Dunwick", given=("Rosalind",), birthdate=("2001-02-03",), exact=True)


def test_more_than_may_be_shown_shows_nobody_and_says_so(town: House) -> None:
    seen = Watch(town)
    with pytest.raises(TooManyMatches) as refused:
        search(town, family="Kowalska", birthdate=("1975-12-24",), max_results=1)
    assert (refused.value.reason, refused.value.status) == ("TOO_MANY_MATCHES", 200)
    (row,) = seen.rows("disclosure")
    assert row.body["subjects"]["count"] == 0
    both = search(town, family="Kowalska", birthdate=("1975-12-24",), max_results=2)
    assert set(both) == {NAMESAKE.number, OTHER_NAMESAKE.number}


def test_restricted_people_are_not_found_by_where_they_are(town: House) -> None:
    asked = {"family": "Quillfeather", "birthdate": ("1988-07-09",)}
    assert search(town, **asked) == {HIDDEN.number: 1}
    for where in ({"postcode": "LE5 0ZZ"}, {"gp": "Z99001"}, {"phone": "01160000011"}, {"email": "e@e.example"}):
        assert not search(town, **asked, **where)
        assert not search(town, **asked, **where, fuzzy=True)


def test_withdrawn_and_superseded_numbers_are_not_found(town: House) -> None:
    assert not search(town, family="Lisowska", birthdate=("1950-01-20",))
    assert MOVED.number not in search(town, family="Okonjova", birthdate=("1941-03-15",))


def test_a_fuzzy_search_weighs_slips_and_never_claims_certainty(town: House) -> None:
    found = search(town, family="Okonju", given=("Bram",), birthdate=("1962-11-02",), postcode="LE3 5TT", fuzzy=True)
    assert 0.5 < found[BRAM.number] < 1


def test_more_evidence_never_scores_less(town: House) -> None:
    asked: dict[str, Any] = {"family": "Okonjo", "given": ("Bram",), "birthdate": ("1962-11-02",), "fuzzy": True}
    less, more = search(town, **asked), search(town, **asked, postcode="LE3 5TT", gender="male")
    assert more[BRAM.number] >= less[BRAM.number]


def test_a_search_names_the_people_it_showed_in_the_ledger(town: House) -> None:
    seen = Watch(town)
    search(town, family="Dunwick", birthdate=("2001-02-03",), postcode="LE7 2BB")
    (row,) = seen.rows("disclosure")
    assert row.body["subjects"]["count"] == 2
    assert set(row.body["filtered_on"]) == {"name", "birth_date", "address"}
