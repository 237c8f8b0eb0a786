"""The same people from each layout of an index file are the same index; a seal holds for whatever came in."""

from __future__ import annotations

import csv
import json
from datetime import date
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adapters import spine
from adapters.feed import Feed
from gateway.errors import InputError
from gateway.services.records.index import LAYOUTS, IndexSource, load_index
from gateway.services.tracing.find import find_number
from gateway.services.tracing.patients import read_patient
from gateway.storage.permit import mint
from linkage.decide import Outcome
from linkage.nhs_number import NhsNumber
from tests.gateway.houses import (
    AMINA,
    BRAM,
    DIED,
    DYING,
    GONE,
    HIDDEN,
    MOVED,
    PEOPLE,
    TODAY,
    TWIN,
    index_csv,
    persona,
    system,
)

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.house import House
    from gateway.services.records.index import IndexReport
    from linkage.person import Person

Resource = dict[str, Any]
DAY = date(2026, 10, 31)


def load(house: House, path: Path, layout: str) -> IndexReport:
    return load_index(house, system(house, "system-index"), IndexSource(path, "demo", DAY, layout))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def as_parquet(folder: Path, source: Path) -> Path:
    rows = rows_of(source)
    path = folder / "index.parquet"
    pq.write_table(pa.table({name: [row[name] for row in rows] for name in rows[0]}), path)
    return path


def patients(source: Path) -> list[Resource]:
    """Each person of the CSV as PDS would give them; under a replaced number, the one in force."""
    rows = [row for row in spine.index_rows(Feed("f", lambda: source.open("rb"))) if isinstance(row, spine.IndexRow)]
    return [spine.pds_patient(row, version=1, source="pds", as_of="2026-10-31") for row in rows]


def as_json(folder: Path, source: Path) -> Path:
    """The lines of a daily extract: the number a line is about, and the Patient in force under it."""
    made = {one["id"]: one for one in patients(source)}
    path = folder / "extract.txt"
    lines = [b"ref|DSP|update|20261031|1|1|1|13\n"]
    for number, body in made.items():
        current = made[AMINA.number] if number == MOVED.number else body
        lines.append(f"20261031|1|{number}|".encode() + orjson.dumps(current) + b"\n")
    path.write_bytes(b"".join(lines))
    return path


def held(house: House) -> dict[str, tuple[Person, str, str, str]]:
    """What a trace could turn on, by number."""
    permit = mint(decision_id="t", caller="t", organisation="999", purpose="t", agreement="T")
    found = house.stores.index.by_numbers(permit, [NhsNumber(one.number) for one in PEOPLE])
    return {
        number.digits: (
            one.person,
            one.security.value,
            one.superseded_by.digits if one.superseded_by else "",
            one.death,
        )
        for number, one in found.items()
    }


def test_parquet_makes_the_index_that_csv_makes(own_town: House, tmp_path: Path) -> None:
    source = index_csv(tmp_path / "load.csv")
    load(own_town, source, "csv")
    before = own_town.stores.digest(), held(own_town)
    assert load(own_town, as_parquet(tmp_path, source), "parquet").people == len(PEOPLE)
    assert (own_town.stores.digest(), held(own_town)) == before


def test_pds_shaped_json_makes_the_same_people_but_for_what_pds_does_not_tell(own_town: House, tmp_path: Path) -> None:
    """Of restricted and withdrawn people PDS tells no place; under a replaced number it tells today's person."""
    source = index_csv(tmp_path / "load.csv")
    load(own_town, source, "csv")
    before = held(own_town)
    done = load(own_town, as_json(tmp_path, source), "pds-json")
    assert (done.people, done.quarantined.total()) == (len(PEOPLE), 0)
    after = held(own_town)
    for who in (AMINA, BRAM, TWIN, DIED, DYING, TODAY):
        assert after[who.number] == before[who.number]
    assert after[MOVED.number][1:] == before[MOVED.number][1:]
    assert after[GONE.number][1:] == before[GONE.number][1:]
    assert after[HIDDEN.number][0].postcode == ""
    assert find_number(own_town, persona(own_town, "social-worker"), HIDDEN.asked()).outcome is Outcome.MATCHED


def test_practice_lists_make_people_who_can_be_found(own_town: House, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    rows = [
        "practice,nhs_number,family,given,birth_date,sex,postcode,left_on",
        f"Z99001,{AMINA.number},Patelova,Amina,15/03/1941,F,LE2 1AA,",
        f"Z99001,{BRAM.number},Okonjo,Bram,02/11/1962,M,LE3 5TT,01/10/2026",
        "Z99001,9990000019,Nobody,Nils,1970,M,,",
    ]
    path.write_text("\n".join((*rows, "")), encoding="utf-8")
    done = load(own_town, path, "gp-list")
    assert (done.people, dict(done.quarantined)) == (2, {"check-digit": 1})
    people = held(own_town)
    assert people[AMINA.number][0].gp_practice == "Z99001"
    assert not people[BRAM.number][0].gp_practice
    (bad,) = own_town.stores.quarantine.list(source="index")
    assert (bad.feed, bad.row, bad.field) == ("list.csv", 4, "nhs_number")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_of_another_layout_is_refused_by_name_and_changes_nothing(
    own_town: House, tmp_path: Path, layout: str
) -> None:
    path = tmp_path / "odd.bin"
    path.write_bytes(b"PAR1 or not\n")
    before = own_town.stores.digest()
    with pytest.raises(InputError, match=r"odd\.bin"):
        load(own_town, path, layout)
    assert own_town.stores.digest() == before


def test_a_sealed_person_is_held_under_the_name_and_the_place_of_today_alone(own_town: House, tmp_path: Path) -> None:
    """A nickname, a maiden name or a temporary address of PDS may be of before."""
    source = index_csv(tmp_path / "load.csv")
    (today,) = [one for one in patients(source) if one["id"] == TODAY.number]
    today["name"] += [{"use": use, "family": "Zanzibar", "given": ["Zed"]} for use in ("nickname", "maiden", "old")]
    today["address"].append({"use": "temp", "line": ["9 Zanzibar Street"], "postalCode": "LE8 9ZZ"})
    path = tmp_path / "one.ndjson"
    path.write_bytes(json.dumps(today).encode())
    assert load(own_town, path, "pds-json").people == 1
    told = read_patient(own_town, persona(own_town, "social-worker"), TODAY.number).body
    assert "Zanzibar" not in json.dumps(told)
    assert told["name"][0]["family"] == TODAY.family
    assert not held(own_town)[TODAY.number][0].previous_family
