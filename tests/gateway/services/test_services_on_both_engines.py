"""The whole way once on each database: index, feed, links, questions, proof and release."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adapters.systems import NHS_NUMBER
from gateway.errors import NotPermitted
from gateway.services.changes.feed import changes_since
from gateway.services.changes.find import find_differences
from gateway.services.changes.work import decide, work_list
from gateway.services.governance.audit import who_looked
from gateway.services.governance.facts import load_facts
from gateway.services.governance.integrity import make_checkpoint, verify_ledger
from gateway.services.records.everything import everything
from gateway.services.records.link import link_all
from gateway.services.records.unlink import unlink_record
from gateway.services.releases.build import build_release
from gateway.services.releases.verify import verify_release
from gateway.services.tracing.crossref import Source, cross_reference
from gateway.services.tracing.find import find_number
from gateway.services.tracing.history import link_history
from gateway.services.tracing.likeness import PatientQuery
from gateway.services.tracing.match import match_patient
from gateway.services.tracing.patients import search_patients
from gateway.services.tracing.people import Sought, read_person, search_people
from gateway.services.tracing.verify import verify_number
from gateway.storage.factkinds import opt_out
from gateway.storage.facts import StoredFact
from gateway.storage.records import source_person_id
from ig.optouts import NOT_OPTED_OUT, TYPE1
from ig.purpose import Purpose
from linkage.decide import Outcome, Verdict
from linkage.nhs_number import NhsNumber
from tests.gateway.houses import (
    AMINA,
    BRAM,
    MOVED,
    OUTSIDER,
    STRANGER,
    TODAY,
    event,
    facts_csv,
    make_town,
    opened,
    persona,
    system,
    take_in,
)

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.settings import Settings


def test_the_whole_way(settings: Settings, tmp_path: Path) -> None:
    make_town(settings)
    with opened(settings) as house:
        rows = [event("c1", AMINA, number=AMINA.number), event("c2", BRAM), event("c3", STRANGER)]
        take_in(house, tmp_path / "cld.csv", rows)
        before = house.stores.digest()
        assert link_all(house, system(house, "system-link")).traced == 0
        assert house.stores.digest() == before

        worker = persona(house, "social-worker")
        care = persona(house, "social-worker", Purpose.DIRECT_CARE)

        assert verify_number(house, worker, AMINA.number, AMINA.asked()).verdict is Verdict.CONFIRMED
        assert find_number(house, worker, BRAM.asked()).outcome is Outcome.MATCHED
        asked = PatientQuery(family="Pat*", birthdate=("ge1941-01-01", "le1941-12-31"))
        assert search_patients(house, worker, asked)["total"] == 1
        assert len(everything(house, care, AMINA.id)["entry"]) > 1
        assert [one.grade for one in match_patient(house, worker, BRAM.asked()).graded] == ["certain"]
        assert read_person(house, worker, BRAM.id).body["id"] == BRAM.id
        assert search_people(house, worker, Sought(numbers=(NhsNumber(MOVED.number),))).patients[0][0]["id"] == AMINA.id
        source = Source(NHS_NUMBER, AMINA.number, "http://localhost/fhir/R4")
        assert [one["value"] for one in cross_reference(house, worker, source).identifiers] == ["c1"]
        (record,) = link_history(house, worker, AMINA.id).records
        assert [fact.kind for fact in record.facts] == ["is"]
        rows = [
            event(
                "c1", replace(AMINA, birth_date="1941-03-16"), {"Event Start Date": "18/11/2025"}, number=MOVED.number
            )
        ]
        take_in(house, tmp_path / "later.csv", rows)
        assert dict(find_differences(house, system(house, "system-changes")).begun) == {
            "substantive": 1,
            "superseded": 1,
        }
        team = persona(house, "data-team")
        for one in work_list(house, team):
            decide(house, team, one.difference_id, accept=True, note="")
        page = changes_since(house, team)
        assert [sorted(set(one.update) - {"resourceType"}) for one in reversed(page.changes)] == [
            ["birthDate"],
            ["identifier"],
        ]
        for nobody in (OUTSIDER, care):
            with pytest.raises(NotPermitted):
                everything(house, nobody, TODAY.id)

        opted = f"national-opt-out,{BRAM.number},opted-out,nhse,2026-01-01,"
        load_facts(house, "national-opt-out", facts_csv(tmp_path / "o.csv", opted))
        caller = system(house, "system-release", Purpose.ANALYTICS)
        with pytest.raises(NotPermitted) as refused:
            build_release(house, caller, "ISA-ANALYTICS", "2026-09")
        assert refused.value.reason == "optout-unknown", "nobody has said anything of Type 1 objections"
        said = StoredFact(opt_out(TYPE1), TODAY.id, NOT_OPTED_OUT, "Z99001", house.now())
        with house.stores.transaction() as tx:
            house.stores.governance.facts.put_many(tx, [said])
        release = build_release(house, caller, "ISA-ANALYTICS", "2026-09")
        assert dict(release.files)["people.parquet"] == 2, "Amina and the stranger; Bram has opted out"
        assert verify_release(house, release.release_id) == ""

        unlink_record(house, persona(house, "reviewer"), source_person_id("social-care", "999", "c1"), "test")

        found = who_looked(house, persona(house, "ig-officer"), number=AMINA.number)
        assert {one.kind for one in found} == {"batch", "disclosure"}
        make_checkpoint(house)
        assert verify_ledger(house).damage is None
