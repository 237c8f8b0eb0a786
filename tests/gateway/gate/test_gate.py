"""The gate: nothing is read without a decision, and nothing leaves without its row."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.errors import NotFound, NotPermitted, NotSignedIn, Unavailable
from gateway.gate.came_in import Arrival, arrival
from gateway.services.governance import agreements, callers
from gateway.services.governance.facts import load_facts
from gateway.services.governance.personas import PERSONAS
from gateway.services.records.everything import everything
from gateway.services.tracing.find import find_number
from gateway.services.tracing.patients import read_patient
from gateway.services.tracing.verify import verify_number
from gateway.storage.ledger import Ledger
from ig.decide import Described, Known, Population, SubjectRef
from ig.purpose import Dataset, Element, Level, OrgClass, Purpose, Role
from tests.gateway.houses import (
    AMINA,
    BRAM,
    EVERYBODY,
    HIDDEN,
    OUTSIDER,
    STRANGER,
    TODAY,
    Watch,
    facts_csv,
    persona,
    system,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House


def tracing(house: House, caller: Caller | None = None, **other: object) -> AbstractContextManager[Passage]:
    told = {
        "level": Level.PATIENT,
        "datasets": {Dataset.INDEX},
        "fields": {Element.NHS_NUMBER, Element.EVIDENCE},
        "subject": Described(),
        **other,
    }
    return house.gate.permit(caller or persona(house, "social-worker"), **told)  # type: ignore[arg-type]  # by name


@pytest.fixture
def broken(own_town: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A town whose ledger takes no row."""

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise Unavailable("the ledger took no row", reason="ledger")

    monkeypatch.setattr(Ledger, "append", refuse)
    yield own_town
    monkeypatch.undo()


# --- permitted ---------------------------------------------------------------------------------------------------


def test_what_is_permitted_leaves_one_row_with_who_why_whom_and_which_fields(town: House) -> None:
    seen = Watch(town)
    with tracing(town, filtered_on={Element.NAME}) as passage:
        passage.disclose([AMINA.id], rows=1, outcome="matched")
    (row,) = seen.rows()
    told = row.body
    assert row.kind == told["event"] == "disclosure"
    assert told["actor"]["subject"] == "social-worker"
    assert told["actor"]["organisation"] == "999"
    assert (told["purpose"], told["level"], told["decision"]) == ("demographic-trace", "patient", "permit")
    assert told["agreement"].startswith("ISA-TRACE@1#")
    assert told["fields"] == ["nhs_number"]
    assert told["fields_dropped"] == ["evidence"]
    assert told["filtered_on"] == ["name"]
    assert told["decision_id"] == passage.decision_id
    assert told["result"] == "matched"
    assert told["subjects"]["tokens"] == [town.stores.keys.subject_token(AMINA.id)]


def test_an_access_is_found_again_by_the_person_it_was_about(town: House) -> None:
    seen = Watch(town)
    with tracing(town) as passage:
        passage.disclose([TODAY.id, BRAM.id])
    for one in (TODAY, BRAM):
        found = town.stores.ledger.search(subject=town.stores.keys.subject_token(one.id), limit=1)
        assert found[0].seq > seen.begun


def test_what_is_said_in_several_steps_adds_up(town: House) -> None:
    with tracing(town) as passage:
        passage.disclose(["a" * 16], rows=2, outcome="first")
        passage.disclose(["b" * 16], rows=3)
    assert passage.people == {"a" * 16, "b" * 16}
    assert (passage.rows, passage.outcome) == (5, "first")


def test_a_field_that_is_not_granted_is_not_allowed(town: House) -> None:
    with tracing(town) as passage:
        assert passage.allows(Element.NHS_NUMBER)
        assert not passage.allows(Element.EVIDENCE)
    assert passage.permit.fields == {"nhs_number"}


def test_the_permit_carries_the_callers_organisation_and_the_lenders(county: House) -> None:
    caller = system(county, "system-release", Purpose.ANALYTICS)
    with county.gate.permit(
        caller,
        level=Level.PSEUDONYMISED,
        datasets={Dataset.GP, Dataset.SOCIAL_CARE},
        fields={"pseudonym"},
        subject=Population(),
    ) as passage:
        passage.disclose(())
    assert passage.permit.caller == "system-release"
    assert {"999", "Z99001"} <= passage.permit.providers
    assert "RZZ" not in passage.permit.providers


def test_work_on_many_people_is_one_batch_row_with_their_tokens_beside_it(town: House) -> None:
    seen = Watch(town)
    with tracing(town, job="job-1") as passage:
        passage.disclose((f"person-{n:016d}" for n in range(25)), rows=40)
    (row,) = seen.rows()
    assert (row.kind, row.body["job"], row.body["rows"]) == ("batch", "job-1", 40)
    assert row.body["subjects"]["count"] == 25
    assert not row.body["subjects"]["tokens"]
    token = town.stores.keys.subject_token(f"person-{7:016d}")
    assert [one.seq for one in town.stores.ledger.search(subject=token)] == [row.seq]


def test_the_row_says_how_the_request_came_in(town: House) -> None:
    seen = Watch(town)
    came = Arrival(request_id="r-1", client_id="app", token_id="t-1", source_address="192.0.2.0/24")
    token = arrival.set(came)
    try:
        with tracing(town):
            pass
    finally:
        arrival.reset(token)
    (row,) = seen.rows()
    assert row.body["request_id"] == "r-1"
    assert row.body["source_address"] == "192.0.2.0/24"
    assert (row.body["actor"]["client_id"], row.body["actor"]["token_id"]) == ("app", "t-1")


# --- refused -----------------------------------------------------------------------------------------------------


def test_a_refusal_is_a_durable_row_and_the_body_never_runs(own_town: House) -> None:
    seen = Watch(own_town)
    with pytest.raises(NotPermitted) as refused, tracing(own_town, OUTSIDER):
        pytest.fail("the gate was open")
    (row,) = seen.rows()
    assert row.kind == "refusal"
    assert row.body["decision"] == "deny"
    assert row.body["reason"] == refused.value.reason == "role-not-permitted"
    assert row.body["decision_id"] == refused.value.decision
    assert row.body["fields"] == []


def test_a_refused_look_at_a_known_person_is_found_by_that_person(town: House) -> None:
    caller = persona(town, "social-worker", Purpose.DIRECT_CARE)
    with pytest.raises(NotPermitted) as refused:
        everything(town, caller, TODAY.id)
    assert refused.value.reason == "relationship-required"
    assert "care relationship" in str(refused.value)
    (row, *_) = town.stores.ledger.search(subject=town.stores.keys.subject_token(TODAY.id))
    assert (row.kind, row.body["reason"]) == ("refusal", "relationship-required")


def test_a_refusal_says_the_same_of_somebody_known_and_somebody_unknown(town: House) -> None:
    caller = persona(town, "social-worker", Purpose.DIRECT_CARE)
    said = []
    for person in (TODAY.id, STRANGER.id, "no-such-person-at-all"):
        with pytest.raises(NotPermitted) as refused:
            everything(town, caller, person)
        said.append((str(refused.value), refused.value.reason))
    assert len(set(said)) == 1


def test_a_purpose_outside_the_agreement_is_refused(town: House) -> None:
    with pytest.raises(NotPermitted), tracing(town, persona(town, "ig-officer")):
        pytest.fail("the gate was open")


def test_the_ledger_counts_refusals_of_a_broken_ledger_as_unavailable(broken: House) -> None:
    """A refusal that cannot be recorded is not given either: nobody probes in the dark."""
    with pytest.raises(Unavailable), tracing(broken, OUTSIDER):
        pytest.fail("the gate was open")


# --- the ledger is down ------------------------------------------------------------------------------------------


def test_nothing_leaves_when_the_ledger_takes_no_row(broken: House) -> None:
    caller = persona(broken, "social-worker")
    ran = []
    with pytest.raises(Unavailable), tracing(broken) as passage:
        ran.append(passage)
    assert ran, "the body runs; what it made is lost"
    with pytest.raises(Unavailable):
        verify_number(broken, caller, AMINA.number, AMINA.asked())
    with pytest.raises(Unavailable):
        find_number(broken, caller, AMINA.asked())
    with pytest.raises(Unavailable):
        read_patient(broken, caller, AMINA.number)


def test_not_even_not_found_leaves_when_the_ledger_takes_no_row(broken: House) -> None:
    with pytest.raises(Unavailable):
        read_patient(broken, persona(broken, "social-worker"), STRANGER.number)
    with pytest.raises(Unavailable):
        everything(broken, persona(broken, "social-worker", Purpose.DIRECT_CARE), BRAM.id)


def test_an_act_that_cannot_be_recorded_is_not_done(broken: House) -> None:
    with pytest.raises(Unavailable):
        agreements.suspend(broken, persona(broken, "ig-officer"), "ISA-TRACE", "test")
    assert {row.status for row in agreements.listing(broken)} == {"active"}


def test_a_ledger_whose_file_cannot_be_written_stops_everything(own_town: House) -> None:
    place = own_town.settings.ledger_db
    own_town.stores.ledger.close()
    place.rename(place.with_suffix(".away"))
    place.mkdir()
    try:
        with pytest.raises(Unavailable):
            find_number(own_town, persona(own_town, "social-worker"), AMINA.asked())
    finally:
        own_town.stores.ledger.close()
        place.rmdir()
        place.with_suffix(".away").rename(place)


# --- going wrong inside ------------------------------------------------------------------------------------------


def broken_off(house: House, why: BaseException, job: str = "") -> None:
    with tracing(house, job=job) as passage:
        passage.disclose([AMINA.id], rows=1)
        raise why


def test_a_failed_answer_is_a_row_about_nobody_with_its_outcome(town: House) -> None:
    seen = Watch(town)
    with pytest.raises(NotFound):
        broken_off(town, NotFound(reason="nothing"))
    told, ended = seen.rows()
    assert told.body["subjects"]["count"] == 0
    assert (ended.kind, ended.body["status"], ended.body["rows"]) == ("outcome", "failed", 0)
    assert ended.body["decision_id"] == told.body["decision_id"]


def test_a_known_person_is_named_however_the_answer_ended(town: House) -> None:
    seen = Watch(town)
    with pytest.raises(ZeroDivisionError), tracing(town, subject=Known(SubjectRef(AMINA.id))):
        raise ZeroDivisionError
    assert seen.rows()[0].body["subjects"]["count"] == 1


def test_work_that_broke_off_names_the_people_it_had_reached(town: House) -> None:
    seen = Watch(town)
    with pytest.raises(KeyboardInterrupt):
        broken_off(town, KeyboardInterrupt(), job="job-2")
    told, ended = seen.rows()
    assert (told.kind, told.body["subjects"]["count"]) == ("batch", 1)
    assert ended.body["status"] == "failed"


def test_an_interruption_stays_one_when_the_ledger_is_down_too(broken: House) -> None:
    with pytest.raises(KeyboardInterrupt), tracing(broken):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("status", "rows", "ended"),
    [(200, 3, "done"), (200, 0, "nothing-found"), (404, 0, "nothing-found"), (403, 0, "aborted"), (500, 0, "aborted")],
)
def test_how_an_answer_ended_follows_in_its_own_row(town: House, status: int, rows: int, ended: str) -> None:
    seen = Watch(town)
    town.gate.outcome("d-17", status, rows)
    (row,) = seen.rows("outcome")
    assert (row.body["decision_id"], row.body["status"], row.body["rows"]) == ("d-17", ended, rows)


# --- callers and agreements change -------------------------------------------------------------------------------


def test_a_revoked_caller_is_refused_at_once(own_town: House) -> None:
    caller = persona(own_town, "social-worker")
    find_number(own_town, caller, AMINA.asked())
    callers.revoke(own_town, caller.subject)
    for asks in (
        lambda: find_number(own_town, caller, AMINA.asked()),
        lambda: own_town.gate.administer(caller, "isa:suspend", "ISA-TRACE"),
    ):
        with pytest.raises(NotSignedIn) as refused:
            asks()
        assert refused.value.reason == "caller-unknown"


@pytest.mark.parametrize(
    "claim",
    [
        {"role": Role.REVIEWER},
        {"organisation": "Z99001"},
        {"org_class": OrgClass.GP_PRACTICE},
        {"purpose": Purpose.IG_AUDIT},
    ],
)
def test_nobody_asks_as_more_than_they_are_registered_for(town: House, claim: dict[str, object]) -> None:
    """A token from before a change of role, or a Caller made by hand, opens nothing."""
    with pytest.raises(NotSignedIn) as refused, tracing(town, replace(persona(town, "social-worker"), **claim)):  # type: ignore[arg-type]
        pytest.fail("the gate was open")
    assert refused.value.reason == "caller-changed"


def test_a_suspension_holds_from_the_next_request(own_town: House) -> None:
    caller = persona(own_town, "social-worker")
    find_number(own_town, caller, AMINA.asked())
    agreements.suspend(own_town, persona(own_town, "ig-officer"), "ISA-TRACE", "incident 7")
    with pytest.raises(NotPermitted) as refused:
        find_number(own_town, caller, AMINA.asked())
    assert refused.value.reason == "isa-suspended"
    assert "suspended" in str(refused.value)


def test_suspending_the_framework_stops_what_stands_beneath_it(own_town: House) -> None:
    agreements.suspend(own_town, persona(own_town, "ig-officer"), "FW-LCR", "incident 8")
    with pytest.raises(NotPermitted):
        find_number(own_town, persona(own_town, "social-worker"), AMINA.asked())


# --- facts -------------------------------------------------------------------------------------------------------


def test_a_person_without_any_record_is_still_known_to_be_registered_and_unrestricted(town: House) -> None:
    """Restriction and registration come from the index: nobody needs a joined record to have their address shown."""
    body = read_patient(town, persona(town, "social-worker"), AMINA.number).body
    assert body["address"]
    assert "address" not in read_patient(town, persona(town, "social-worker"), HIDDEN.number).body


def test_a_relationship_that_ended_long_ago_is_none(own_town: House, tmp_path: Path) -> None:
    ended = own_town.now() - timedelta(days=40)
    row = f"caseload,{AMINA.number},social-worker,999,2026-01-01,{ended:%Y-%m-%d}"
    load_facts(own_town, "caseload", facts_csv(tmp_path / "c.csv", row))
    with pytest.raises(NotPermitted):
        everything(own_town, persona(own_town, "social-worker", Purpose.DIRECT_CARE), AMINA.id)


def test_somebody_elses_caseload_is_no_relationship(own_town: House, tmp_path: Path) -> None:
    row = f"caseload,{TODAY.number},sw-02,999,2026-01-01,"
    load_facts(own_town, "caseload", facts_csv(tmp_path / "c.csv", row))
    with pytest.raises(NotPermitted):
        everything(own_town, persona(own_town, "social-worker", Purpose.DIRECT_CARE), TODAY.id)


# --- what may never be written -----------------------------------------------------------------------------------


def test_no_name_number_date_or_address_of_anybody_is_in_the_ledger_or_the_logs(
    town: House, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = Watch(town)
    caplog.set_level(logging.DEBUG)
    worker, care = persona(town, "social-worker"), persona(town, "social-worker", Purpose.DIRECT_CARE)
    for who in EVERYBODY:
        verify_number(town, worker, who.number, who.asked())
        find_number(town, worker, who.asked())
        with suppress(NotPermitted, NotFound):
            read_patient(town, worker, who.number)
        with suppress(NotPermitted, NotFound):
            everything(town, care, who.id)
    written = (seen.text() + caplog.text + "".join(capsys.readouterr())).upper()
    assert "DISCLOSURE" in written
    for who in EVERYBODY:
        for value in (who.number, who.family, who.given, who.birth_date, who.postcode, who.postcode.replace(" ", "")):
            assert value.upper() not in written
        assert who.id.upper() not in written


def test_every_persona_is_registered_with_a_purpose_to_ask_for(town: House) -> None:
    for name, one in PERSONAS.items():
        assert persona(town, name).purpose is one.default_purpose
