"""The index CSV, the PDS-shaped Patient, and the way back to demographics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.feed import Feed, FeedRefused, Quarantined, replay
from adapters.person import to_demographics
from adapters.spine import COLUMNS, Death, IndexRow, index_rows, pds_patient
from adapters.validate import check
from linkage.person import Demographics, Security

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROW = {
    "nhs_number": "9990001006",
    "family": "Testperson",
    "given": "Ada",
    "other_given": "Mary|Jane",
    "birth_date": "1941-03",
    "gender": "female",
    "postcode": "ZZ99 3CZ",
    "address_line1": "1 Sample Street",
    "address_line4": "Exampleton",
    "phone": "01632960001|07700900001",
    "email": "ada@example.org",
    "gp_practice": "z99999",
    "previous_family": "Earlier",
    "previous_postcode": "ZZ99 1AA",
    "sensitivity": "U",
}


def feed(*changes: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> Feed:
    lines = [",".join((ROW | change).get(column, "") for column in columns) for change in changes]
    return replay("index.csv", b"", "\n".join([",".join(columns), *lines]).encode())


def one(**change: str) -> IndexRow:
    (row,) = index_rows(feed(change))
    assert isinstance(row, IndexRow), row
    return row


def test_a_row_is_a_person_with_every_value_kept() -> None:
    row = one(superseded_by="999 000 0018")
    assert row.demographics == Demographics(
        nhs_number="9990001006",
        family="Testperson",
        given="Ada",
        other_given=("Mary", "Jane"),
        previous_family=("Earlier",),
        birth_date="1941-03",
        gender="female",
        postcode="ZZ99 3CZ",
        previous_postcode=("ZZ99 1AA",),
        address=("1 Sample Street", "Exampleton"),
        phone=("01632960001", "07700900001"),
        email=("ada@example.org",),
        gp_practice="Z99999",
    )
    assert (row.superseded_by, row.sensitivity, row.death) == ("9990000018", Security.UNRESTRICTED, Death.NONE)


@pytest.mark.parametrize(
    ("written", "death", "day"),
    [("2020-03-01", Death.FORMAL, "2020-03-01"), ("informal:2020-03", Death.INFORMAL, "2020-03")],
)
def test_a_death_is_formal_unless_it_says_informal(written: str, death: Death, day: str) -> None:
    row = one(death_date=written)
    assert (row.death, row.demographics.death_date) == (death, day)


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("nhs_number", "", "empty"),
        ("nhs_number", "9990001007", "check-digit"),
        ("superseded_by", "12", "not-ten-digits"),
        ("birth_date", "1941-13", "date-impossible"),
        ("death_date", "2020-03-01?", "date-format"),
        ("gender", "F", "unknown-code"),
        ("sensitivity", "S", "unknown-code"),
    ],
)
def test_a_row_that_breaks_a_rule_is_quarantined(column: str, value: str, rule: str) -> None:
    good, bad = index_rows(feed({}, {column: value}))
    assert isinstance(good, IndexRow)
    assert isinstance(bad, Quarantined)
    assert (bad.field, bad.rule, bad.row) == (column, rule, 3)


def test_short_rows_are_quarantined_and_missing_columns_are_blank() -> None:
    (bad,) = index_rows(replay("index.csv", b"nhs_number,family,birth_date", b"9990001006,T"))
    assert isinstance(bad, Quarantined)
    (row,) = index_rows(feed({}, columns=("nhs_number", "family", "birth_date")))
    assert isinstance(row, IndexRow)
    assert row.demographics.postcode == ""


def test_an_unknown_column_is_refused_by_name() -> None:
    with pytest.raises(FeedRefused, match=r"index.csv, row 1, shoe_size: .*unknown-column"):
        list(index_rows(feed({}, columns=(*COLUMNS, "shoe_size"))))


def test_the_patient_has_the_shape_of_pds() -> None:
    patient = pds_patient(one(), version=3, source="pds", as_of="2026-09-30")
    assert check(patient) == []
    assert patient["id"] == patient["identifier"][0]["value"] == "9990001006"
    assert patient["meta"]["versionId"] == "3"
    assert patient["meta"]["security"][0]["code"] == "U"
    usual, old = patient["name"]
    assert (usual["use"], usual["given"], old["use"], old["family"]) == (
        "usual",
        ["Ada", "Mary", "Jane"],
        "old",
        "Earlier",
    )
    assert patient["address"][0]["line"] == ["1 Sample Street", "Exampleton"]
    assert patient["generalPractitioner"][0]["identifier"]["value"] == "Z99999"
    ids = [part["id"] for part in [usual, old, *patient["telecom"], *patient["address"]]]
    assert len(set(ids)) == len(ids)
    assert patient == pds_patient(one(), version="3", source="pds", as_of="2026-09-30")


@pytest.mark.parametrize(("source", "status"), [("pds", "01"), ("gp-list", "02"), ("demo", "02")])
def test_only_an_index_from_pds_verifies(source: str, status: str) -> None:
    extensions = pds_patient(one(), version=1, source=source, as_of="2026-09-30")["identifier"][0]["extension"]
    assert extensions[0]["valueCodeableConcept"]["coding"][0]["code"] == status
    checked = [extension for extension in extensions if "checked-against" in extension["url"]]
    assert bool(checked) is (status == "02")


@pytest.mark.parametrize(("sensitivity", "code"), [("R", "R"), ("V", "V"), ("I", "REDACTED")])
def test_a_restricted_person_tells_no_place(sensitivity: str, code: str) -> None:
    patient = pds_patient(one(sensitivity=sensitivity), version=1, source="pds", as_of="2026-09-30")
    assert patient["meta"]["security"][0]["code"] == code
    assert not {"address", "telecom", "generalPractitioner"} & patient.keys()
    assert check(patient) == []


def test_a_death_carries_its_notification() -> None:
    patient = pds_patient(one(death_date="informal:2020-03-01"), version=1, source="pds", as_of="2026-09-30")
    assert patient["deceasedDateTime"] == "2020-03-01T00:00:00+00:00"
    status, when = patient["extension"][0]["extension"]
    assert status["valueCodeableConcept"]["coding"][0]["code"] == "1"
    assert when["valueDateTime"] == patient["deceasedDateTime"]
    partial = pds_patient(one(death_date="2020"), version=1, source="pds", as_of="2026-09-30")
    assert partial["deceasedDateTime"] == "2020"


def test_a_person_of_whom_little_is_known_is_a_patient_still() -> None:
    blank = dict.fromkeys([*COLUMNS], "") | {"nhs_number": "9990001006"}
    patient = pds_patient(one(**blank), version=1, source="pds", as_of="2026-09-30")
    assert patient.keys() == {"resourceType", "id", "identifier", "meta"}
    assert to_demographics(patient) == Demographics(nhs_number="9990001006")


def test_demographics_come_back_as_they_went() -> None:
    row = one(death_date="2020-03-01")
    back = to_demographics(pds_patient(row, version=1, source="pds", as_of="2026-09-30"))
    kept = {name: getattr(row.demographics, name) for name in Demographics.__slots__ if name != "previous_postcode"}
    assert {name: getattr(back, name) for name in kept} == kept


def test_the_usual_name_and_the_home_go_before_others() -> None:
    patient: dict[str, Any] = {
        "name": [
            {"use": "maiden", "family": "Earlier"},
            {"use": "official", "family": "Formal"},
            {"use": "usual", "family": "Known", "given": ["Ada"]},
        ],
        "address": [
            {"use": "temp", "postalCode": "T"},
            {"use": "old", "postalCode": "O"},
            {"use": "home", "line": ["1"], "city": "C", "postalCode": "H"},
        ],
        "telecom": [
            {"system": "phone", "value": "1", "use": "old"},
            {"system": "phone", "value": "2"},
            {"system": "email"},
        ],
        "generalPractitioner": [{"display": "somebody"}, {"identifier": {"system": "x", "value": "y"}}],
        "deceasedBoolean": True,
    }
    found = to_demographics(patient)
    assert (found.family, found.given, found.previous_family) == ("Known", "Ada", ("Earlier",))
    assert (found.postcode, found.previous_postcode, found.address) == ("H", ("O",), ("1", "C"))
    assert (found.phone, found.email, found.gp_practice, found.death_date) == (("2",), (), "", "")
    assert to_demographics({}) == Demographics()


@given(st.lists(st.dictionaries(st.sampled_from(COLUMNS), st.text("19-|é UR", max_size=10)), max_size=5))
def test_every_index_row_is_accounted_for(rows: list[dict[str, str]]) -> None:
    items = list(index_rows(feed(*rows)))
    assert len(items) == len(rows)


@pytest.mark.specs
def test_published_pds_patients_give_their_demographics(specs: Callable[[str], Path]) -> None:
    mocks = specs("pds") / "sandbox" / "mocks"
    found = to_demographics(json.loads((mocks / "Patient.json").read_text()))
    assert (found.nhs_number, found.family, found.given, found.postcode) == ("9000000009", "Smith", "Jane", "LS1 6AE")
    assert (found.gp_practice, found.birth_date) == ("Y12345", "2010-10-22")
    hidden = to_demographics(json.loads((mocks / "Sensitive_Patient.json").read_text()))
    assert (hidden.postcode, hidden.phone, hidden.gp_practice) == ("", (), "")


@pytest.mark.specs
@pytest.mark.parametrize(("name", "sensitivity"), [("Patient", "U"), ("Sensitive_Patient", "R")])
def test_our_patient_uses_no_element_that_pds_does_not(
    specs: Callable[[str], Path], name: str, sensitivity: str
) -> None:
    theirs = json.loads((specs("pds") / "sandbox" / "mocks" / f"{name}.json").read_text())
    row = one(sensitivity=sensitivity, death_date="2020-03-01")
    ours = pds_patient(row, version=2, source="pds", as_of="2026-09-30")
    assert ours.keys() <= theirs.keys()
    for element in ours.keys() & {"name", "address", "telecom", "generalPractitioner", "identifier"}:
        assert ours[element][0].keys() <= theirs[element][0].keys()
    assert ours["meta"].keys() == theirs["meta"].keys()
    assert ours["identifier"][0]["extension"] == theirs["identifier"][0]["extension"]
