"""The work that differences make, what may be decided about it, and what goes out to the case system."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from gateway.errors import Conflict, InputError, NotFound, NotPermitted
from gateway.fhir.changes import task_of
from gateway.services.changes import feed
from gateway.services.changes.cursor import Cursor, CursorExpired
from gateway.services.changes.export import export_updates
from gateway.services.changes.feed import Change, Page, changes_since
from gateway.services.changes.work import decide, show, work_list
from gateway.storage.differing import Field, Kind, State
from gateway.storage.outbox import Topic
from tests.gateway.houses import AMINA, BRAM, DIED, DYING, HIDDEN, MOVED, TWIN, Watch, copied, persona
from tests.gateway.services.changes.senders import NHS_NUMBER, find, link_and_find, patient, reload, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.settings import Settings
    from gateway.storage.differing import Difference


@pytest.fixture(scope="module")
def made(town_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A town whose council has something of everything."""
    folder = tmp_path_factory.mktemp("changes") / "var"
    with copied(town_settings, folder) as house:
        send(house, "amina", patient(AMINA, name=[{"use": "usual", "family": "PATELOVA", "given": ["AMINA"]}]))
        old = [{"system": NHS_NUMBER, "value": MOVED.number}]
        send(house, "old", patient(AMINA, identifier=old, birthDate="1941-03-16"))
        send(house, "bram", patient(BRAM, birthDate="1962-11-03"))
        send(house, "died", patient(DIED))
        send(house, "dying", patient(DYING))
        send(house, "hidden", patient(HIDDEN))
        send(house, "twin", patient(TWIN), organisation="RZZ")
        send(house, "other", patient(replace(TWIN, gender="male")), organisation="RZZ")
        link_and_find(house)
    return town_settings.model_copy(update={"data_dir": folder})


@pytest.fixture(scope="module")
def busy(made: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """That town, for tests that only ask."""
    with copied(made, tmp_path_factory.mktemp("changes") / "open") as house:
        yield house


@pytest.fixture
def own_busy(made: Settings, tmp_path: Path) -> Iterator[House]:
    """That town, for a test to spoil."""
    with copied(made, tmp_path / "busy") as house:
        yield house


def team(house: House) -> Caller:
    return persona(house, "data-team")


def one_of(house: House, ref: str, kind: Kind) -> Difference:
    (found,) = (one for one in work_list(house, team(house)) if (one.local_id, one.kind) == (ref, kind))
    return found


def told(house: House, cursor: str = "", count: int = 100) -> Page:
    return changes_since(house, team(house), cursor, count)


def test_the_work_list_is_the_organisations_own_most_pressing_first(busy: House) -> None:
    watch = Watch(busy)
    found = work_list(busy, team(busy))
    assert [(one.local_id, one.kind.value) for one in found[:4]] == [
        ("died", "formal-death"),
        ("hidden", "restricted"),
        ("old", "duplicate-number"),
        ("dying", "informal-death"),
    ]
    assert {one.kind.value for one in found[4:]} == {"substantive"}
    assert {one.organisation for one in found} == {"999"}
    (row,) = watch.rows("disclosure")
    assert row.body["result"] == "work-list"
    assert len(row.body["subjects"]["tokens"]) == len({one.person_id for one in found})


@pytest.mark.parametrize(("name", "allowed"), [("data-team", True), ("reviewer", True), ("social-worker", False)])
def test_who_looks_at_one_person_at_a_time_has_no_work_list(busy: House, *, name: str, allowed: bool) -> None:
    if allowed:
        assert work_list(busy, persona(busy, name))
    else:
        with pytest.raises(NotPermitted):
            work_list(busy, persona(busy, name))


def test_one_is_shown_side_by_side_with_what_differs_marked(busy: House) -> None:
    work = show(busy, team(busy), one_of(busy, "bram", Kind.SUBSTANTIVE).difference_id)
    assert work.differing == {"birth_date"}
    assert (work.record["birth_date"], work.index["birth_date"]) == ("1962-11-03", BRAM.birth_date)
    assert work.record["family"] == BRAM.family
    assert "postcode" not in work.names
    assert work.stands
    assert work.may_apply


def test_nothing_of_a_restricted_persons_place_is_shown(busy: House) -> None:
    work = show(busy, team(busy), one_of(busy, "hidden", Kind.RESTRICTED).difference_id)
    assert work.withheld
    assert work.differing == frozenset()
    assert HIDDEN.postcode not in {*work.record.values(), *work.index.values()}


def test_another_organisations_difference_is_not_there(busy: House) -> None:
    with busy.stores.transaction() as tx:
        ((name,),) = tx.raw("SELECT difference_id FROM difference WHERE organisation = 'RZZ'")
    with pytest.raises(NotFound):
        show(busy, team(busy), name)


def test_what_is_accepted_goes_out_with_its_value_and_nothing_else(own_busy: House) -> None:
    before = told(own_busy).cursor
    one = one_of(own_busy, "bram", Kind.SUBSTANTIVE)
    decide(own_busy, team(own_busy), one.difference_id, accept=True, note="")
    page = told(own_busy, before)
    assert [(change.difference.local_id, change.difference.state) for change in page.changes] == [
        ("bram", State.APPLIED)
    ]
    assert page.changes[0].update == {"resourceType": "Patient", "birthDate": BRAM.birth_date}
    with pytest.raises(Conflict):
        decide(own_busy, team(own_busy), one.difference_id, accept=False, note="changed my mind")


def test_what_is_dismissed_stays_dismissed_until_a_side_changes(own_busy: House, tmp_path: Path) -> None:
    one = one_of(own_busy, "bram", Kind.SUBSTANTIVE)
    decide(own_busy, team(own_busy), one.difference_id, accept=False, note="seen the passport")
    link_and_find(own_busy)
    assert [each.local_id for each in work_list(own_busy, team(own_busy), state=State.DISMISSED)] == ["bram"]
    reload(own_busy, tmp_path, replace(BRAM, birth_date="1962-11-04"))
    link_and_find(own_busy)
    assert one_of(own_busy, "bram", Kind.SUBSTANTIVE).note == ""


@pytest.mark.parametrize(
    ("ref", "kind"), [("dying", Kind.INFORMAL_DEATH), ("old", Kind.DUPLICATE_NUMBER)], ids=["death", "duplicate"]
)
def test_no_decision_turns_these_into_an_update(own_busy: House, ref: str, kind: Kind) -> None:
    one = one_of(own_busy, ref, kind)
    with pytest.raises(InputError) as refused:
        decide(own_busy, team(own_busy), one.difference_id, accept=True, note="sure")
    assert refused.value.reason == kind.value
    assert not any(change.update for change in told(own_busy).changes if change.difference.local_id == ref)
    decide(own_busy, team(own_busy), one.difference_id, accept=False, note="dealt with")


@pytest.mark.parametrize("note", ["", "  ", "x" * 501])
def test_a_dismissal_says_why_in_a_few_words(busy: House, note: str) -> None:
    with pytest.raises(InputError):
        decide(busy, team(busy), one_of(busy, "bram", Kind.SUBSTANTIVE).difference_id, accept=False, note=note)


def test_what_has_changed_since_is_not_accepted_unseen(own_busy: House, tmp_path: Path) -> None:
    one = one_of(own_busy, "bram", Kind.SUBSTANTIVE)
    reload(own_busy, tmp_path, replace(BRAM, birth_date="1962-12-02"))
    assert not show(own_busy, team(own_busy), one.difference_id).stands
    with pytest.raises(Conflict) as refused:
        decide(own_busy, team(own_busy), one.difference_id, accept=True, note="")
    assert refused.value.reason == "difference-changed"


def test_a_number_that_was_replaced_goes_out_as_the_one_in_force(own_busy: House) -> None:
    with own_busy.stores.transaction() as tx:
        tx.change("UPDATE source_person SET nhs_number = '' WHERE person_ref = 'amina'")
    find(own_busy)
    one = one_of(own_busy, "old", Kind.SUPERSEDED)
    decide(own_busy, team(own_busy), one.difference_id, accept=True, note="")
    (update,) = (each.update for each in told(own_busy).changes if each.difference.difference_id == one.difference_id)
    assert update["identifier"][0]["value"] == AMINA.number


def test_subscribers_hear_of_a_change_by_opaque_ids_alone(own_busy: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(own_busy.stores.outbox, "put", lambda _tx, messages: sent.extend(messages))
    one = one_of(own_busy, "bram", Kind.SUBSTANTIVE)
    decide(own_busy, team(own_busy), one.difference_id, accept=True, note="")
    (message,) = sent
    assert (message.topic, message.organisation) == (Topic.RECORD_CHANGED, "999")
    assert one.difference_id in message.body.decode()
    assert not any(mark in message.body.decode() for mark in (BRAM.number, BRAM.family, "birth", "bram"))


# --- the feed -------------------------------------------------------------------------------------------------------


def test_the_feed_has_updates_with_values_and_work_without(busy: House) -> None:
    updates = {
        change.difference.local_id: change.update
        for change in told(busy).changes
        if change.difference.state == "applied"
    }
    assert set(updates) == {"amina"}
    (name,) = updates["amina"]["name"]
    assert (name["family"], name["given"]) == (AMINA.family, [AMINA.given])
    assert set(updates["amina"]) == {"resourceType", "name"}
    assert not any(change.update for change in told(busy).changes if change.difference.state == "open")


def test_every_page_leaves_its_row_and_the_pages_together_are_the_whole(busy: House) -> None:
    watch = Watch(busy)
    whole = [one.difference.difference_id for one in told(busy).changes]
    seen, cursor, more = list[str](), "", True
    while more:
        page = told(busy, cursor, 2)
        seen += [one.difference.difference_id for one in page.changes]
        cursor, more = page.cursor, page.more
    assert seen == whole
    assert len(watch.rows("disclosure")) == 1 + -(-len(whole) // 2)
    assert told(busy, cursor).changes == ()
    assert told(busy, cursor).cursor == cursor


def test_a_value_that_has_changed_since_is_not_sent_as_if_it_had_not(own_busy: House, tmp_path: Path) -> None:
    reload(own_busy, tmp_path, replace(AMINA, family="Patelovas"))
    (change,) = (one for one in told(own_busy).changes if one.difference.local_id == "amina")
    assert (change.difference.state, change.update) == (State.APPLIED, {})


@pytest.mark.parametrize("cursor", ["x", "%", "é", "A" * 200, str(Cursor("0" * 32, 1))[:-3]])
def test_what_is_no_cursor_is_refused(busy: House, cursor: str) -> None:
    with pytest.raises(InputError):
        told(busy, cursor)


def test_a_cursor_that_nobody_can_go_on_from_has_expired(busy: House, town: House) -> None:
    head = busy.stores.differences.head()
    assert head is not None
    of_another_feed = str(Cursor("0" * 32, 1))
    # put back from a backup: the feed has not come that far
    ahead = str(Cursor(head.epoch, head.last + 1))
    for cursor in (of_another_feed, ahead):
        with pytest.raises(CursorExpired) as refused:
            told(busy, cursor)
        assert (refused.value.status, refused.value.reason) == (410, "cursor-expired")
    # nothing was ever found here: there is nothing to have a cursor of
    assert changes_since(town, persona(town, "data-team")).cursor == ""
    with pytest.raises(CursorExpired):
        changes_since(town, persona(town, "data-team"), of_another_feed)


def test_a_cursor_older_than_what_was_forgotten_has_expired(own_busy: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.services.changes import find as finding

    start = told(own_busy, "", 1).cursor
    send(own_busy, "bram", patient(BRAM), day=2)
    find(own_busy)
    end = told(own_busy).cursor
    monkeypatch.setattr(finding, "KEPT", -finding.KEPT)
    find(own_busy)
    assert told(own_busy, end).changes == ()
    with pytest.raises(CursorExpired):
        told(own_busy, start)


def test_a_page_is_valid_fhir(busy: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST", 3)
    page = changes_since(busy, team(busy), "", 500)
    assert len(page.changes) == 3
    tasks = [task_of(one) for one in told(busy).changes]
    Bundle.model_validate(
        {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in tasks]}
    )
    by_status = {one["status"] for one in tasks}
    assert by_status == {"requested", "ready"}
    assert all(("contained" in one) == (one["status"] == "ready") for one in tasks)


def test_every_field_of_a_difference_has_an_element_of_the_agreement() -> None:
    assert set(feed._ELEMENT) == set(Field)


def test_a_restriction_that_is_accepted_tells_no_value(busy: House) -> None:
    one = replace(one_of(busy, "hidden", Kind.RESTRICTED), state=State.APPLIED)
    assert "contained" not in task_of(Change(one, {}))


def test_the_file_has_every_update_once_and_says_where_to_go_on(own_busy: House, tmp_path: Path) -> None:
    path = tmp_path / "updates.csv"
    done = export_updates(own_busy, team(own_busy), path)
    with path.open(encoding="utf-8", newline="") as opened:
        (row,) = csv.DictReader(opened)
    assert done.rows == 1
    assert (row["source"], row["local_id"], row["field"], row["reason"]) == (
        "social-care",
        "amina",
        "name",
        "formatting",
    )
    assert (row["family"], row["given"], row["birth_date"], row["nhs_number"]) == (AMINA.family, AMINA.given, "", "")
    assert export_updates(own_busy, team(own_busy), path, done.cursor).rows == 0
    decide(own_busy, team(own_busy), one_of(own_busy, "bram", Kind.SUBSTANTIVE).difference_id, accept=True, note="")
    assert export_updates(own_busy, team(own_busy), path, done.cursor).rows == 1
    assert sorted(each.name for each in tmp_path.glob("*updates*")) == ["updates.csv"]


def test_a_file_that_cannot_be_whole_is_not_there(own_busy: House, tmp_path: Path) -> None:
    with pytest.raises(CursorExpired):
        export_updates(own_busy, team(own_busy), tmp_path / "updates.csv", str(Cursor("0" * 32, 1)))
    with pytest.raises(InputError):
        export_updates(own_busy, team(own_busy), tmp_path / "nowhere" / "updates.csv")
    assert not list(tmp_path.glob("*updates*"))
