"""One person's joined record: all that the agreement shows this role, nothing else, and only what is surely theirs."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.agreements import CARE_TABLE
from gateway.errors import NotFound, NotPermitted
from gateway.services.governance.facts import load_facts
from gateway.services.records.everything import everything
from gateway.services.records.unlink import unlink_record
from gateway.storage.links import Basis
from gateway.storage.records import source_person_id
from ig.purpose import Purpose, Section
from tests.gateway.houses import AMINA, BRAM, HIDDEN, TODAY, Watch, event, facts_csv, persona, take_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gateway.house import House
    from gateway.storage import Permit
    from gateway.storage.records import StoredResource

ROLES = ("social-worker", "navigator", "gp", "ward")
_TIES = {
    "social-worker": "caseload,{number},social-worker,999,2026-01-01,",
    "navigator": "referral,{number},999:navigator,999,2026-01-01,",
    "ward": "ward-episode,{number},RZZ:W12,RZZ,2026-01-01,",
    "gp": "",
}


def care(house: House, role: str, person: str) -> dict[str, Any]:
    return everything(house, persona(house, role, Purpose.DIRECT_CARE), person)


def resources(bundle: dict[str, Any], mode: str = "match") -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == mode]


@pytest.fixture
def all_of(permit: Permit, make_permit: Callable[..., Permit]) -> Callable[[House, str], list[StoredResource]]:
    """What is stored of a person on grounds good enough for care, whatever any role may see of it."""

    def stored(house: House, person: str) -> list[StoredResource]:
        wide = make_permit(providers=["999", "RZZ", *(f"Z9900{n}" for n in range(1, 7))])
        grounds = {Basis.CROSS_CHECK, Basis.PDS, Basis.PERSON}
        records = [
            link.source_person_id for link in house.stores.links.of_person(wide, person) if link.basis in grounds
        ]
        return house.stores.records.resources_of(wide, records, frozenset(Section))

    return stored


@pytest.fixture
def related(own_county: House, tmp_path: Path) -> tuple[House, str]:
    """A county, and somebody of it with records from all three sources to whom every role is related."""
    house = own_county
    person, number = next(_met_everywhere(house))
    for role, row in _TIES.items():
        if row:
            kind = row.partition(",")[0]
            load_facts(house, kind, facts_csv(tmp_path / f"{role}.csv", row.format(number=number)))
    return house, person


def _met_everywhere(house: House) -> Iterator[tuple[str, str]]:
    """People of practice Z99001 with cross-checked records of council, practice and trust, unrestricted."""
    with house.stores.transaction() as tx:
        rows = tx.raw(
            "SELECT l.person_id, p.nhs_number FROM live_link l JOIN person p ON p.person_id = l.person_id "
            "JOIN source_person s ON s.source_person_id = l.source_person_id "
            "JOIN index_person i ON i.person_id = l.person_id "
            "JOIN fact f ON f.subject = l.person_id AND f.kind = 'registration' AND f.value = 'Z99001' "
            "WHERE l.basis = 'cross-check' AND i.security = 'U' "
            "GROUP BY l.person_id, p.nhs_number ORDER BY count(DISTINCT s.source) DESC, count(*) DESC, l.person_id",
            (),
        )
    return iter([(row[0], row[1]) for row in rows])


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_the_sections_of_its_row_of_the_table_and_no_other(
    related: tuple[House, str], all_of: Callable[[House, str], list[StoredResource]], role: str
) -> None:
    house, person = related
    granted = {*CARE_TABLE[role], *(["consultations"] if role == "gp" else [])}
    stored = all_of(house, person)
    shown = {f"{one['resourceType']}/{one['id']}" for one in resources(care(house, role, person))}
    may = {one.resource_id for one in stored if one.section in granted}
    assert may, "the person has something that the role may see"
    assert shown - {f"Patient/{person}"} == may
    if role != "gp":
        assert {one.section for one in stored} - granted, "and something that it may not"


def test_no_role_is_shown_the_sensitive_section(county: House) -> None:
    assert all("sensitive" not in sections for sections in CARE_TABLE.values())


@pytest.mark.parametrize("role", ["social-worker", "navigator", "ward"])
def test_what_was_typed_in_a_consultation_stays_in_the_practice(related: tuple[House, str], role: str) -> None:
    house, person = related
    assert not [one for one in resources(care(house, role, person)) if one.get("note") and _is_gp(one)]


def test_the_persons_own_practice_reads_what_was_typed(own_county: House) -> None:
    with own_county.stores.transaction() as tx:
        rows = tx.raw(
            "SELECT l.person_id, r.body FROM resource r JOIN live_link l ON l.source_person_id = r.source_person_id "
            "JOIN fact f ON f.subject = l.person_id AND f.kind = 'registration' AND f.value = 'Z99001' "
            "WHERE r.source = 'gp' AND l.basis = 'cross-check' AND NOT r.sensitive",
            (),
        )
    person = next(one for one, body in rows if b'"note"' in bytes(body))
    assert [one for one in resources(care(own_county, "gp", person)) if one.get("note")]


def _is_gp(resource: dict[str, Any]) -> bool:
    return resource["resourceType"] in {"Observation", "Condition", "MedicationRequest", "AllergyIntolerance"}


def test_the_person_comes_first_and_every_resource_with_its_provenance(related: tuple[House, str]) -> None:
    house, person = related
    bundle = care(house, "gp", person)
    first, *rest = resources(bundle)
    assert (first["resourceType"], first["id"]) == ("Patient", person)
    told = {one["target"][0]["reference"].rpartition("/")[2] for one in resources(bundle, "include")}
    assert told == {one["id"] for one in rest}
    assert all(one["resourceType"] == "Provenance" for one in resources(bundle, "include"))


def test_decimals_arrive_as_they_were_sent(related: tuple[House, str]) -> None:
    house, person = related
    bundle = care(house, "gp", person)

    def numbers(value: object) -> Iterator[object]:
        if isinstance(value, dict):
            for inner in value.values():
                yield from numbers(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from numbers(inner)
        elif isinstance(value, float | Decimal):
            yield value

    assert all(isinstance(number, Decimal) for number in numbers(bundle["entry"]))


def test_a_look_is_one_row_with_its_sections_person_and_relationship(related: tuple[House, str]) -> None:
    house, person = related
    seen = Watch(house)
    bundle = care(house, "social-worker", person)
    (row,) = seen.rows()
    assert row.body["relationship"] == "caseload"
    assert set(row.body["fields"]) == set(CARE_TABLE["social-worker"])
    assert "consultations" in row.body["fields_dropped"]
    assert row.body["subjects"]["tokens"] == [house.stores.keys.subject_token(person)]
    assert bundle["meta"]["tag"][0]["code"] == row.body["decision_id"]


@pytest.mark.parametrize("role", ROLES)
def test_without_a_relationship_nobody_sees_anything(town: House, role: str) -> None:
    person = BRAM.id if role == "gp" else TODAY.id  # Bram is another practice's patient
    with pytest.raises(NotPermitted) as refused:
        care(town, role, person)
    assert refused.value.reason in {"relationship-required", "not-own-patient"}


@pytest.mark.parametrize("role", ["reviewer", "data-team", "analyst", "ig-officer"])
def test_roles_outside_care_have_no_such_view(town: House, role: str) -> None:
    with pytest.raises(NotPermitted):
        everything(town, persona(town, role), AMINA.id)


# --- whose record it is ------------------------------------------------------------------------------------------


def test_only_what_was_cross_checked_or_confirmed_is_joined_for_care(own_town: House, tmp_path: Path) -> None:
    """A match by details alone proposes a number; nobody is treated on a proposal."""
    take_in(own_town, tmp_path / "c.csv", [event("c1", AMINA)])
    with pytest.raises(NotFound) as refused:
        care(own_town, "social-worker", AMINA.id)
    assert refused.value.reason == "not-joined"
    take_in(own_town, tmp_path / "d.csv", [event("c2", AMINA, number=AMINA.number)])
    shown = resources(care(own_town, "social-worker", AMINA.id))
    assert {one.get("authoredOn", "") for one in shown if one["resourceType"] == "ServiceRequest"} == {"2025-11-17"}
    assert len([one for one in shown if one["resourceType"] == "ServiceRequest"]) == 1


def test_what_was_unlinked_is_gone_from_the_next_look(own_town: House, tmp_path: Path) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", AMINA, number=AMINA.number)])
    assert len(resources(care(own_town, "social-worker", AMINA.id))) > 1
    record = source_person_id("social-care", "999", "c1")
    unlink_record(own_town, persona(own_town, "reviewer"), record, "test")
    with pytest.raises(NotFound):
        care(own_town, "social-worker", AMINA.id)


def test_a_restricted_persons_whereabouts_are_in_nothing_that_is_shown(own_town: House, tmp_path: Path) -> None:
    known = replace(HIDDEN, postcode="LE5 9XX")
    more = {
        "GP Practice Code": "Z99001",
        "GP Practice Name": "Secret Surgery",
        "Provider CQC Location Name": "Secret Home",
    }
    take_in(own_town, tmp_path / "c.csv", [event("c1", known, more, number=HIDDEN.number)])
    bundle = care(own_town, "social-worker", HIDDEN.id)
    text = json.dumps(bundle, default=str)
    for place in ("LE5 0ZZ", "LE50ZZ", "LE5 9XX", "Z99001", "Secret", "1 Test Street", HIDDEN.phone, '"999"'):
        assert place not in text
    assert HIDDEN.family in text
