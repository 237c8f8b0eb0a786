"""Who looked at whom, told to those who may know; and whether the record of it is what it was."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.errors import InputError, NotPermitted
from gateway.services.governance.audit import report, subject_access, who_looked
from gateway.services.governance.integrity import make_checkpoint, verify_ledger
from gateway.services.records.everything import everything
from gateway.services.tracing.find import find_number
from gateway.services.tracing.patients import read_patient
from gateway.services.tracing.verify import verify_number
from ig.purpose import Purpose
from tests.gateway.houses import AMINA, BRAM, MOVED, OUTSIDER, TODAY, Watch, event, persona, take_in

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.house import House


@pytest.fixture
def busy(own_town: House, tmp_path: Path) -> House:
    """A town in which a social worker and a ward have looked at Amina, and were refused somebody else."""
    take_in(own_town, tmp_path / "c.csv", [event("c1", AMINA, number=AMINA.number)])
    worker = persona(own_town, "social-worker")
    verify_number(own_town, worker, AMINA.number, AMINA.asked())
    find_number(own_town, worker, BRAM.asked())
    everything(own_town, persona(own_town, "social-worker", Purpose.DIRECT_CARE), AMINA.id)
    read_patient(own_town, persona(own_town, "ward", Purpose.DEMOGRAPHIC_TRACE), AMINA.number)
    with pytest.raises(NotPermitted):
        everything(own_town, persona(own_town, "social-worker", Purpose.DIRECT_CARE), TODAY.id)
    return own_town


def officer(house: House, purpose: Purpose = Purpose.IG_AUDIT) -> Caller:
    return persona(house, "ig-officer", purpose)


def test_whoever_looked_at_somebody_is_found_newest_first(busy: House) -> None:
    found = who_looked(busy, officer(busy), number=AMINA.number)
    assert [(one.caller, one.kind, one.purpose) for one in found] == [
        ("ward", "disclosure", "demographic-trace"),
        ("social-worker", "disclosure", "direct-care"),
        ("social-worker", "disclosure", "demographic-trace"),
        ("system-link", "batch", "processing"),
    ]
    assert found[1].caller_name == "Sam Socialworker"
    assert "problems" in found[1].fields
    assert found[0].agreement.startswith("ISA-TRACE@1#")


def test_an_old_number_answers_for_the_person_of_today(busy: House) -> None:
    assert {one.seq for one in who_looked(busy, officer(busy), number=MOVED.number)} >= {
        one.seq for one in who_looked(busy, officer(busy), number=AMINA.number) if one.kind == "batch"
    }


def test_refusals_are_found_too(busy: House) -> None:
    (one,) = who_looked(busy, officer(busy), number=TODAY.number)
    assert (one.kind, one.decision, one.reason) == ("refusal", "deny", "relationship-required")


def test_one_member_of_staff_a_time_and_a_number_of_rows_can_be_asked_for(busy: House) -> None:
    today = busy.now().date()
    assert {one.caller for one in who_looked(busy, officer(busy), staff="social-worker")} == {"social-worker"}
    assert len(who_looked(busy, officer(busy), staff="social-worker", limit=2)) == 2
    assert not who_looked(busy, officer(busy), staff="social-worker", since=today + timedelta(days=2))
    assert not who_looked(busy, officer(busy), staff="social-worker", until=today - timedelta(days=2))
    assert who_looked(busy, officer(busy), staff="social-worker", since=today - timedelta(days=1), until=today)


def test_a_search_of_the_ledger_is_in_the_ledger_and_about_that_person(busy: House) -> None:
    seen = Watch(busy)
    who_looked(busy, officer(busy), number=AMINA.number)
    (row,) = seen.rows()
    assert (row.body["purpose"], row.body["datasets"]) == ("ig-audit", ["ledger"])
    both = sorted(busy.stores.keys.subject_token(one.id) for one in (AMINA, MOVED))
    assert row.body["subjects"]["tokens"] == both, "under the number that hers replaced, too"


def test_a_privacy_officer_sees_their_own_organisations_staff(busy: House) -> None:
    found = who_looked(busy, persona(busy, "privacy-officer"), number=AMINA.number)
    assert found
    assert {one.organisation for one in found} == {"999"}


@pytest.mark.parametrize("number", ["123", "9990000019", "x"])
def test_what_is_no_number_is_refused_before_anything_is_read(town: House, number: str) -> None:
    seen = Watch(town)
    with pytest.raises(InputError) as refused:
        who_looked(town, officer(town), number=number)
    assert refused.value.field == "nhs_number"
    assert not seen.rows()


def test_only_officers_read_the_ledger(town: House) -> None:
    for ask in (
        lambda: who_looked(town, persona(town, "social-worker")),
        lambda: who_looked(town, OUTSIDER),
        lambda: list(report(town, persona(town, "reviewer"))),
        lambda: list(subject_access(town, persona(town, "gp"), AMINA.number)),
    ):
        seen = Watch(town)
        with pytest.raises(NotPermitted):
            ask()
        assert [row.kind for row in seen.rows()] == ["refusal"]


def test_a_person_is_told_which_roles_looked_and_no_names(busy: House) -> None:
    lines = list(subject_access(busy, officer(busy, Purpose.SUBJECT_ACCESS), AMINA.number))
    assert any("999  social-worker  direct-care  shown" in line for line in lines)
    text = "\n".join(lines)
    for name in ("Sam", "Socialworker", "Wanda", AMINA.family):
        assert name not in text
    refused = list(subject_access(busy, officer(busy, Purpose.SUBJECT_ACCESS), TODAY.number))
    assert any(line.endswith("refused") for line in refused)


def test_a_report_counts_and_says_what_is_worth_a_look(busy: House) -> None:
    worker = persona(busy, "social-worker", Purpose.DIRECT_CARE)
    for _ in range(6):
        with pytest.raises(NotPermitted):
            everything(busy, worker, TODAY.id)
    lines = list(report(busy, officer(busy)))
    assert any(line.startswith("purpose  demographic-trace: ") for line in lines)
    assert any(line.startswith("reason  relationship-required: 7") for line in lines)
    assert any(line.startswith("agreement  ISA-CARE@1#") for line in lines)
    assert any(line.startswith("look at  ") for line in lines)


# --- the proof ---------------------------------------------------------------------------------------------------


def test_an_untouched_ledger_is_proved_whole(busy: House, tmp_path: Path) -> None:
    note = make_checkpoint(busy, tmp_path / "witness")
    assert "nhs-linkage-gateway" in note
    (file,) = (tmp_path / "witness").iterdir()
    assert file.read_text() == note
    find_number(busy, persona(busy, "social-worker"), AMINA.asked())
    for witness in (None, tmp_path / "witness", file):
        result = verify_ledger(busy, witness)
        assert result.damage is None
        assert result.rows == busy.stores.ledger.size()
        assert len(result.head) == 64


def test_a_ledger_without_rows_is_whole_too(own_town: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(own_town.stores.ledger), "rows", lambda *_args: iter(()))
    monkeypatch.setattr(type(own_town.stores.ledger), "misfiled", lambda _self: None)
    assert verify_ledger(own_town).head == ""


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ledger_entry SET body = replace(CAST(body AS TEXT), 'social-worker', 'somebody-else') WHERE seq = 25",
        "DELETE FROM ledger_entry WHERE seq = 25",
        "UPDATE ledger_entry SET caller = 'nobody' WHERE seq = 25",
        "DELETE FROM ledger_subject WHERE seq = 25",
        "DELETE FROM ledger_entry WHERE seq >= 25",
    ],
)
def test_whatever_is_done_to_the_file_is_found_and_the_row_named(busy: House, tmp_path: Path, sql: str) -> None:
    for _ in range(20):
        find_number(busy, persona(busy, "social-worker"), AMINA.asked())
    make_checkpoint(busy, tmp_path / "witness")
    busy.stores.ledger.flush()
    with closing(sqlite3.connect(busy.settings.ledger_db)) as ledger:
        for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ledger.execute(f"DROP TRIGGER {name}")
        ledger.execute(sql)
        ledger.commit()
    damage = verify_ledger(busy).damage
    assert damage is not None
    assert damage.seq in {25, 26}


@pytest.mark.parametrize("text", ["", "not a note\n", "\udcff"])
def test_a_witness_that_is_no_checkpoint_of_ours_is_refused(busy: House, tmp_path: Path, text: str) -> None:
    path = tmp_path / "checkpoint-000000000001.txt"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError) as refused:
        verify_ledger(busy, path)
    assert refused.value.reason == "checkpoint"


def test_a_witness_that_is_not_there_is_refused_by_name(busy: House, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no checkpoints in this folder"):
        verify_ledger(busy, tmp_path / "empty")
    with pytest.raises(InputError, match=r"absent\.txt"):
        verify_ledger(busy, tmp_path / "absent.txt")


def test_a_checkpoint_beside_the_ledger_that_this_box_did_not_sign_is_damage(busy: House) -> None:
    size = busy.stores.ledger.size()
    busy.stores.ledger.put_checkpoint(size, "not a note of ours\n")
    found = verify_ledger(busy)
    assert found.damage is not None
    assert (found.damage.seq, found.damage.kind) == (size, "forged")


def test_a_report_counts_by_organisation(busy: House) -> None:
    lines = list(report(busy, persona(busy, "ig-officer")))
    assert any(line.startswith("organisation  999: ") for line in lines)
