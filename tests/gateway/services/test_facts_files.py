"""Fact files: what decisions rest on, row by row, and whole lists in place of whole lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.errors import InputError, NotFound, NotPermitted
from gateway.ids import person_id
from gateway.services.governance.facts import load_facts, load_organisations
from gateway.services.records.everything import everything
from ig.purpose import Purpose
from linkage.nhs_number import NhsNumber
from tests.gateway.houses import AMINA, BRAM, FACT_HEADER, FORMER, TODAY, facts_csv, persona

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.house import House

A, B = AMINA.number, BRAM.number


def id_of(number: str) -> str:
    return person_id(NhsNumber(number))


def standing(house: House, number: str) -> set[tuple[str, str]]:
    return {(one.kind, one.value) for one in house.stores.governance.facts.of([id_of(number)])}


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("caseload", "sw-02", ("relationship", "999:caseload:sw-02")),
        ("caseload", "Z99001:sw-02", ("relationship", "Z99001:caseload:sw-02")),
        ("ward-episode", "RZZ:W12", ("relationship", "RZZ:episode")),
        ("referral", "RZZ", ("relationship", "RZZ:referral")),
        ("referral", "999:sw-02", ("relationship", "999:referral:sw-02")),
        ("national-opt-out", "opted-out", ("optout:national", "opted-out")),
    ],
)
def test_a_row_becomes_the_fact_that_decisions_read(
    own_town: House, tmp_path: Path, kind: str, value: str, stored: tuple[str, str]
) -> None:
    row = f"{kind},{TODAY.number},{value},999,2026-01-01,2035-01-01"
    assert load_facts(own_town, kind, facts_csv(tmp_path / "f.csv", row)) == 1
    assert stored in standing(own_town, TODAY.number)


def test_a_protected_identity_is_filed_under_its_former_number(town: House) -> None:
    assert ("never-link", TODAY.id) in standing(town, FORMER.number)


def test_whoever_is_not_on_the_new_caseload_is_off_it(own_town: House, tmp_path: Path) -> None:
    """A social worker who handed somebody on must not go on reading their record."""
    care = persona(own_town, "social-worker", Purpose.DIRECT_CARE)
    with pytest.raises(NotFound):
        everything(own_town, care, id_of(A))  # permitted; nothing is joined yet
    load_facts(own_town, "caseload", facts_csv(tmp_path / "c.csv", f"caseload,{B},social-worker,999,2026-02-01,"))
    with pytest.raises(NotPermitted):
        everything(own_town, care, id_of(A))
    assert ("relationship", "999:caseload:social-worker") in standing(own_town, B)


def test_one_kind_of_relationship_leaves_the_others_alone(own_town: House, tmp_path: Path) -> None:
    path = facts_csv(tmp_path / "w.csv", f"ward-episode,{A},RZZ:W1,RZZ,2026-01-01,")
    assert load_facts(own_town, "ward-episode", path) == 1
    assert {("relationship", "RZZ:episode"), ("relationship", "999:caseload:social-worker")} <= standing(own_town, A)


def test_a_list_of_opt_outs_takes_the_place_of_the_list_before(own_town: House, tmp_path: Path) -> None:
    for number in (A, B):
        row = f"national-opt-out,{number},opted-out,nhse,2026-01-01,"
        load_facts(own_town, "national-opt-out", facts_csv(tmp_path / "o.csv", row))
    assert ("optout:national", "opted-out") not in standing(own_town, A)
    assert ("optout:national", "opted-out") in standing(own_town, B)


@pytest.mark.parametrize(
    ("kind", "row", "column"),
    [
        ("caseload", f"referral,{A},sw-02,999,2026-01-01,", "kind"),
        ("caseload", "caseload,9990000019,sw-02,999,2026-01-01,", "subject"),
        ("caseload", f"caseload,{A},,999,2026-01-01,", "value"),
        ("caseload", f"caseload,{A},Z99001:,999,2026-01-01,", "value"),
        ("caseload", f"caseload,{A},sw-02,999,01/01/2026,", "as_of"),
        ("caseload", f"caseload,{A},sw-02,999,2026-01-01,2026-02-30", "expires"),
        ("caseload", f"caseload,{A},sw-02,999,2026-01-01", "row"),
        ("caseload", f"caseload,{A},sw-02,999,2026-01-01,,", "row"),
        ("ward-episode", f"ward-episode,{A},,RZZ,2026-01-01,", "value"),
        ("referral", f"referral,{A},:sw-02,RZZ,2026-01-01,", "value"),
        ("national-opt-out", f"national-opt-out,{A},none,nhse,2026-01-01,", "value"),
        ("dspt", "dspt,999,quite-good,dspt,2026-01-01,", "value"),
        ("never-link", f"never-link,{A},12345,x,2026-01-01,", "value"),
    ],
)
def test_a_bad_row_is_named_by_file_row_and_column_and_not_by_its_value(
    own_town: House, tmp_path: Path, kind: str, row: str, column: str
) -> None:
    good = {"dspt": "dspt,999,standards-met,dspt,2026-01-01,", "never-link": f"never-link,{A},{B},x,2026-01-01,"}
    usual = {"ward-episode": "RZZ", "referral": "RZZ", "national-opt-out": "opted-out"}
    first = good.get(kind, f"{kind},{B},{usual.get(kind, 'sw-01')},999,2026-01-01,")
    before = own_town.stores.governance.facts.counts()
    with pytest.raises(InputError) as refused:
        load_facts(own_town, kind, facts_csv(tmp_path / "facts.csv", first, row))
    said = str(refused.value)
    assert said.startswith(f"facts.csv, row 3, {column}: must be")
    assert refused.value.field == column
    for value in (A, B, "9990000019", "12345", "quite-good", "01/01/2026", "2026-02-30"):
        assert value not in said
    assert own_town.stores.governance.facts.counts() == before


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "empty"),
        (b"kind,subject\n", "header"),
        (FACT_HEADER.encode() + b"\ndspt,\xff,standards-met,x,2026-01-01,\n", "encoding"),
        (FACT_HEADER.encode() + b'\ndspt,"999,standards-met,x,2026-01-01,\n', "encoding"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(own_town: House, tmp_path: Path, text: bytes, reason: str) -> None:
    path = tmp_path / "facts.csv"
    path.write_bytes(text)
    with pytest.raises(InputError) as refused:
        load_facts(own_town, "dspt", path)
    assert refused.value.reason == reason
    assert "facts.csv" in str(refused.value)


def test_a_file_with_too_many_rows_is_refused(own_town: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.services.governance.facts._LARGEST", 2)
    rows = [f"caseload,{number},sw-01,999,2026-01-01," for number in (A, B)]
    with pytest.raises(InputError, match="at most 2 rows"):
        load_facts(own_town, "caseload", facts_csv(tmp_path / "f.csv", *rows))


def test_a_file_that_is_not_there_is_said_so(own_town: House, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        load_facts(own_town, "caseload", tmp_path / "absent.csv")
    assert "absent.csv" in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


def test_a_kind_that_nobody_knows_is_refused_by_name(own_town: House, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        load_facts(own_town, "horoscope", facts_csv(tmp_path / "f.csv"))
    assert refused.value.reason == "fact-kind"


def test_organisations_are_loaded_with_their_class(own_town: House, tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text("ods,name,org_class,parent,postcode\nY001,Example Surgery,gp-practice,QZZ,LE1 1AA\n")
    assert load_organisations(own_town, path) == 1
    held = own_town.stores.governance.organisations.get("Y001")
    assert held
    assert (held.org_class, held.detail["parent"]) == ("gp-practice", "QZZ")


def test_an_organisation_of_no_known_class_is_refused(own_town: House, tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text("ods,name,org_class,parent,postcode\nY001,Example Surgery,surgery,QZZ,LE1 1AA\n")
    with pytest.raises(InputError, match=r"o\.csv, row 2, org_class"):
        load_organisations(own_town, path)
