"""The PDS surface's use cases: one Patient by number, and the search with its exact, wild and fuzzy ways."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.rates import AS_OF
from gateway.errors import InputError, NotFound
from gateway.services.records.index import IndexSource, load_index
from gateway.services.tracing.against import CheckedAgainst
from gateway.services.tracing.fitting import TooManyMatches
from gateway.services.tracing.likeness import PatientQuery
from gateway.services.tracing.patients import read_patient, related_people, search_patients
from gateway.services.tracing.presented import index_meta, listed
from gateway.storage.index import PersonIndex
from linkage.decide import Matcher
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
    Townsperson,
    Watch,
    index_csv,
    persona,
    system,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateway.house import House
    from linkage.decide import Candidate, Scored
    from linkage.person import Person


def read(house: House, number: str) -> dict[str, Any]:
    return read_patient(house, persona(house, "social-worker"), number).body


def search(house: House, **asked: Any) -> dict[str, float]:  # noqa: ANN401 - a query's fields by name
    bundle = search_patients(house, persona(house, "social-worker"), PatientQuery(**asked))
    assert bundle["total"] == len(bundle.get("entry", []))
    return {one["resource"]["id"]: one["search"]["score"] for one in bundle.get("entry", [])}


def loaded(house: House, path: Path, *people: Townsperson) -> None:
    load_index(house, system(house, "system-index"), IndexSource(index_csv(path, people), "demo", AS_OF))


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


def test_a_version_changes_with_what_is_held_and_only_then(own_town: House, tmp_path: Path) -> None:
    def versions() -> tuple[str, str]:
        one, other = (read_patient(own_town, persona(own_town, "social-worker"), who.number) for who in (AMINA, BRAM))
        return one.version, other.version

    before = versions()
    people = [replace(AMINA, postcode="LE9 9ZZ"), BRAM]
    loaded(own_town, tmp_path / "new.csv", *people)
    after = versions()
    assert int(after[0]) > int(before[0])
    assert after[1] == before[1]


def test_an_answer_says_which_index_vouches_for_it(town: House) -> None:
    body = read(town, AMINA.number)
    (note,) = body["meta"]["extension"]
    parts = {part["url"]: part for part in note["extension"]}
    assert parts["source"]["valueCode"] == "demo"
    assert parts["asOf"]["valueDate"] == AS_OF.isoformat()
    assert parts["ageDays"]["valueUnsignedInt"] >= 0
    assert [one["url"].rpartition("-")[2] for one in body["identifier"][0]["extension"]] == [
        "NHSNumberVerificationStatus"
    ]


def test_a_search_says_how_many_people_it_was_made_among(town: House) -> None:
    query = PatientQuery(family="Patelova", birthdate=("1941-03-15",))
    (note,) = search_patients(town, persona(town, "social-worker"), query)["meta"]["extension"]
    assert {part["url"] for part in note["extension"]} == {"source", "asOf", "ageDays", "people"}


def test_what_an_index_covers_is_said_where_its_load_said_so() -> None:
    against = CheckedAgainst("gp-list", date(2026, 3, 1), 5, "two practices")
    (note,) = index_meta(against, date(2026, 3, 11))["extension"]
    assert {"url": "coverage", "valueString": "two practices"} in note["extension"]
    assert {"url": "ageDays", "valueUnsignedInt": 10} in note["extension"]


def test_a_very_restricted_person_is_read_without_name_and_birth_date_and_never_found(
    own_town: House, tmp_path: Path
) -> None:
    people = [replace(HIDDEN, sensitivity="V")]
    loaded(own_town, tmp_path / "v.csv", *people)
    body = read(own_town, HIDDEN.number)
    assert body["meta"]["security"][0]["code"] == "V"
    assert not {"name", "birthDate", "address", "telecom", "generalPractitioner"} & body.keys()
    asked: dict[str, Any] = {"family": HIDDEN.family, "given": (HIDDEN.given,), "birthdate": (HIDDEN.birth_date,)}
    assert not search(own_town, **asked)
    assert not search(own_town, **asked, fuzzy=True)


def test_a_row_that_has_gone_since_it_was_found_is_not_found(town: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PersonIndex, "patient", lambda *_: None)
    with pytest.raises(NotFound) as refused:
        read(town, AMINA.number)
    assert refused.value.reason == "RESOURCE_NOT_FOUND"


def test_nobody_is_related_to_anybody_and_the_look_is_recorded(town: House) -> None:
    seen = Watch(town)
    found = related_people(town, persona(town, "social-worker"), MOVED.number)
    assert (found.body["type"], found.body["total"]) == ("searchset", 0)
    assert "entry" not in found.body
    assert len(seen.rows("disclosure")) == 1
    with pytest.raises(NotFound):
        related_people(town, persona(town, "social-worker"), STRANGER.number)


def test_a_search_lists_names_and_addresses_of_today() -> None:
    names = [{"use": "usual", "family": "A"}, {"use": "old", "family": "B"}, {"use": "nickname", "family": "C"}]
    whole = {"id": "1", "name": names, "address": [{"use": "temp"}], "managingOrganization": {}}
    assert listed(whole) == {"id": "1", "name": [names[0], names[2]]}


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


def test_a_fuzzy_search_says_one_only_where_everything_is_as_held(town: House) -> None:
    asked: dict[str, Any] = {"family": "Okonjo", "given": ("Bram",), "birthdate": ("1962-11-02",), "fuzzy": True}
    assert search(town, **asked, exact=True) == {BRAM.number: 1}
    assert not search(town, **(asked | {"family": "Okonju"}), exact=True)


@pytest.mark.parametrize(
    ("dates", "found"),
    [
        (("ge1962-01-01", "le1962-12-31"), True),
        (("ge1962-11-01", "le1962-11-30"), True),
        (("ge1962-11-03", "le1962-11-30"), False),
    ],
)
def test_a_fuzzy_search_takes_a_range_within_a_year(town: House, dates: tuple[str, ...], *, found: bool) -> None:
    asked = search(town, family="Okonju", given=("Bram",), birthdate=dates, postcode="LE3 5TT", fuzzy=True)
    assert (BRAM.number in asked) is found


def test_a_fuzzy_search_over_years_is_refused(town: House) -> None:
    with pytest.raises(InputError, match="fuzzy search criteria") as refused:
        search(town, family="Okonjo", given=("Bram",), birthdate=("ge1960-01-01", "le1969-12-31"), fuzzy=True)
    assert refused.value.reason == "INVALID_SEARCH_DATA"


def test_nobody_is_left_out_in_silence(town: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PersonIndex, "candidates", lambda *_: ([], 1))
    with pytest.raises(TooManyMatches):
        search(town, family="Dunwick", birthdate=("2001-02-03",))


def test_searching_by_a_wildcard_or_a_range_is_a_use_of_the_field(town: House) -> None:
    seen = Watch(town)
    search(town, family="Pat*", birthdate=("ge1941-01-01", "le1942-06-30"), postcode="LE*", gp="Z99001")
    (row,) = seen.rows("disclosure")
    assert set(row.body["filtered_on"]) == {"name", "birth_date", "address", "gp"}


@pytest.mark.parametrize(
    "asked",
    [
        {"family": "Kowalska", "given": ("Zofia",), "birthdate": ("1975-12-24",), "postcode": "LE18 2CC"},
        {"family": "Dunwick", "given": ("Rosalind",), "birthdate": ("2001-02-03",)},
        {"family": "Dunwik", "given": ("Rosalin",), "birthdate": ("2001-02-03",), "phone": "01160000012"},
        {"family": "Patelova", "given": ("Amina",), "birthdate": ("1941-03-15",), "postcode": "LE3 5TT"},
    ],
)
def test_fuzzy_scores_stand_in_the_order_of_the_house_model(
    town: House, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ranked: list[Scored] = []
    rank = Matcher.rank

    def overheard(matcher: Matcher, person: Person, candidates: Sequence[Candidate]) -> tuple[Scored, ...]:
        found = rank(matcher, person, candidates)
        ranked.extend(found)
        return found

    monkeypatch.setattr(Matcher, "rank", overheard)
    shown = search(town, **asked, fuzzy=True)
    numbers = [one.candidate.person.nhs_number for one in ranked]
    in_order = [shown[number.digits] for number in numbers if number and number.digits in shown]
    assert len(in_order) == len(shown) >= 1
    assert in_order == sorted(in_order, reverse=True)


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
