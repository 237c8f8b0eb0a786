"""Agreements: checked at their line, put in force version by version, suspended at once, laid open as a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.agreements import demo_agreements
from gateway.auth.caller import Kind
from gateway.errors import Conflict, InputError, NotFound, NotPermitted
from gateway.services.governance import agreements, callers
from gateway.services.governance.doctor import examine
from gateway.services.tracing.find import find_number
from ig.purpose import OrgClass, Purpose, Role
from tests.gateway.houses import (
    AMINA,
    Watch,
    empty,
    opened,
    persona,
    register_callers,
    settings_in,
)

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.house import House

TRACE = next(text for text in demo_agreements() if "\nid: ISA-TRACE" in text)
SECOND = TRACE.replace("\nversion: 1\n", "\nversion: 2\n").replace("version: 1, signed_on", "version: 2, signed_on")


def activate(house: House, text: str) -> str:
    return agreements.activate(house, persona(house, "ig-officer"), text)


def statuses(house: House) -> dict[str, str]:
    return {f"{row.id}@{row.version}": row.status for row in agreements.listing(house)}


def test_the_demonstrations_agreements_have_no_errors() -> None:
    for text in demo_agreements():
        assert not [line for line in agreements.check(text) if ": error:" in line]


def test_what_is_wrong_is_told_with_its_line() -> None:
    (told,) = agreements.check(TRACE.replace("kind: agreement", "kind: promise"))
    assert "line 3" in told
    lint = agreements.check(TRACE.replace("review_by: 2034-04-01", "review_by: 2036-04-01"))
    assert lint
    assert all(line.startswith("line ") for line in lint)


def test_an_activated_version_is_listed_and_its_act_recorded(own_town: House) -> None:
    seen = Watch(own_town)
    assert activate(own_town, SECOND) == "ISA-TRACE@2"
    assert statuses(own_town)["ISA-TRACE@2"] == "active"
    assert statuses(own_town)["ISA-TRACE@1"] == "superseded"
    (row,) = seen.rows()
    assert (row.body["action"], row.body["target"]) == ("isa:activate", "ISA-TRACE@2")
    find_number(own_town, persona(own_town, "social-worker"), AMINA.asked())
    assert seen.rows()[-1].body["agreement"].startswith("ISA-TRACE@2#")


def test_activating_what_is_in_force_changes_nothing(own_town: House) -> None:
    before = statuses(own_town)
    activate(own_town, TRACE)
    assert statuses(own_town) == before


@pytest.mark.parametrize(
    "text",
    [
        TRACE.replace("kind: agreement", "kind: promise"),
        TRACE.replace("\nversion: 1\n", "\nversion: 7\n"),
        TRACE.replace("Demographic tracing", "Some other tracing"),
        TRACE.replace("valid_to: 2035-04-01", "valid_to: 2024-04-01"),
    ],
)
def test_a_text_that_does_not_stand_is_refused_and_changes_nothing(own_town: House, text: str) -> None:
    before = statuses(own_town)
    with pytest.raises((InputError, Conflict)):
        activate(own_town, text)
    assert statuses(own_town) == before


def test_a_suspended_version_comes_back_and_a_superseded_one_does_not(own_town: House) -> None:
    officer = persona(own_town, "ig-officer")
    agreements.suspend(own_town, officer, "ISA-TRACE", "incident")
    assert statuses(own_town)["ISA-TRACE@1"] == "suspended"
    activate(own_town, TRACE)
    assert statuses(own_town)["ISA-TRACE@1"] == "active"
    activate(own_town, SECOND)
    with pytest.raises(Conflict):
        activate(own_town, TRACE)


def test_only_what_is_in_force_can_be_suspended(own_town: House) -> None:
    officer = persona(own_town, "ig-officer")
    agreements.suspend(own_town, officer, "ISA-TRACE", "incident")
    for agreement in ("ISA-TRACE", "ISA-NONE"):
        with pytest.raises(NotFound):
            agreements.suspend(own_town, officer, agreement, "again")


@pytest.mark.parametrize("who", ["social-worker", "analyst", "data-team", "reviewer"])
def test_only_governance_and_administration_act_on_agreements(own_town: House, who: str) -> None:
    seen, before = Watch(own_town), statuses(own_town)
    with pytest.raises(NotPermitted):
        agreements.suspend(own_town, persona(own_town, who), "ISA-TRACE", "because")
    with pytest.raises(NotPermitted):
        agreements.activate(own_town, persona(own_town, who), SECOND)
    assert statuses(own_town) == before
    assert [row.body["details"] for row in seen.rows()] == [{"refused": True}] * 2


def test_the_listing_says_what_it_must_of_each(town: House) -> None:
    (trace,) = [row for row in agreements.listing(town) if row.id == "ISA-TRACE"]
    assert (trace.kind, trace.status, trace.valid_to, trace.lapses) == ("agreement", "active", "2035-04-01", ())
    assert {"999", "RZZ", "QZZ"} <= set(trace.parties)


def test_the_matrix_lays_open_who_may_see_what(town: House) -> None:
    lines = agreements.matrix_lines(town)
    assert any("T-PRACTITIONER" in line and "social-worker" in line for line in lines)


def test_a_diff_says_what_would_widen_and_changes_nothing(own_town: House) -> None:
    wider = SECOND.replace("roles: [social-worker, gp, ward]", "roles: [social-worker, gp, ward, navigator]")
    before = statuses(own_town)
    lines = agreements.diff_lines(own_town, wider)
    assert any("navigator" in line for line in lines)
    assert statuses(own_town) == before
    with pytest.raises(InputError):
        agreements.diff_lines(own_town, "schema: nothing")


# --- callers -----------------------------------------------------------------------------------------------------


def test_a_caller_asks_only_for_what_they_are_registered_for(town: House) -> None:
    assert callers.named_caller(town, "ward", Purpose.DIRECT_CARE).role is Role.WARD
    for name, purpose, reason in (
        ("ward", Purpose.ANALYTICS, "purpose-not-registered"),
        ("nobody", Purpose.DIRECT_CARE, "caller-unknown"),
    ):
        with pytest.raises(NotPermitted) as refused:
            callers.named_caller(town, name, purpose)
        assert refused.value.reason == reason


def test_a_revoked_caller_is_nobody(own_town: House) -> None:
    callers.revoke(own_town, "ward")
    with pytest.raises(NotPermitted):
        callers.named_caller(own_town, "ward", Purpose.DIRECT_CARE)
    assert {row.subject: row.state for row in callers.listing(own_town)}["ward"] == "revoked"
    with pytest.raises(NotFound):
        callers.revoke(own_town, "nobody")


def test_a_system_administrator_holds_no_data_purposes(own_town: House) -> None:
    with pytest.raises(InputError) as refused:
        callers.add(own_town, "admin", "Ada Admin", "999", OrgClass.COUNCIL, Role.SYSTEM_ADMIN, ["direct-care"])
    assert refused.value.reason == "separation"
    callers.add(own_town, "admin", "Ada Admin", "999", OrgClass.COUNCIL, Role.SYSTEM_ADMIN, [], kind=Kind.HUMAN)
    assert "admin" in {row.subject for row in callers.listing(own_town)}


def test_a_purpose_that_is_none_is_refused_by_its_field(own_town: House) -> None:
    with pytest.raises(InputError) as refused:
        callers.add(own_town, "x", "X", "999", OrgClass.COUNCIL, Role.WARD, ["curiosity"])
    assert (refused.value.field, refused.value.reason) == ("purposes", "purpose")


# --- doctor ------------------------------------------------------------------------------------------------------


def test_a_sound_house_is_found_sound(town: House) -> None:
    found = {one.what: one for one in examine(town.settings)}
    assert all(one.good for one in found.values())
    assert "13 people" in found["index"].words
    assert "ISA-TRACE@1" in found


def test_a_house_without_an_index_is_told_so(tmp_path: Path) -> None:
    settings = empty(settings_in(tmp_path / "var"))
    with opened(settings) as house:
        register_callers(house)
    assert not {one.what: one.good for one in examine(settings)}["index"]


def test_a_key_that_others_can_read_is_told(tmp_path: Path) -> None:
    settings = empty(settings_in(tmp_path / "var"))
    (settings.keys_dir / "session-secret.key").chmod(0o644)
    found = {one.what: one for one in examine(settings)}
    assert not found["keys"].good
    assert "session-secret.key" in found["keys"].words


def test_a_house_that_cannot_be_opened_is_told_so(tmp_path: Path) -> None:
    found = {one.what: one for one in examine(settings_in(tmp_path / "nothing-here"))}
    assert not found["stores"].good


def test_on_postgresql_the_library_of_the_other_engine_does_not_matter(tmp_path: Path) -> None:
    absent = settings_in(tmp_path, database_url="postgresql+psycopg://nobody@/nothing?host=/nowhere&connect_timeout=1")
    found = {one.what: one for one in examine(absent)}
    assert found["database"].good
    assert not found["stores"].good
