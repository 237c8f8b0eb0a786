"""Index updates become differences: what is written differently is an update by rule, the rest waits for somebody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gateway.errors import Conflict
from gateway.services.changes import find as finding
from gateway.services.changes.tell import messages
from gateway.services.governance.facts import load_facts
from gateway.services.records.ingest import ingest_files
from gateway.services.records.unlink import unlink_record
from gateway.storage.differing import State
from gateway.storage.jobs import worker_name
from tests.gateway.houses import (
    AMINA,
    BRAM,
    DIED,
    DYING,
    HIDDEN,
    MOVED,
    NAMESAKE,
    TODAY,
    TWIN,
    Watch,
    copied,
    event,
    extract_csv,
    facts_csv,
    nth,
    persona,
    system,
    take_in,
)
from tests.gateway.services.changes.senders import (
    NHS_NUMBER,
    ODS,
    all_of,
    find,
    link,
    link_and_find,
    patient,
    reader,
    reload,
    send,
    standing,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateway.house import House
    from gateway.settings import Settings
    from gateway.storage.differing import Moved
    from gateway.storage.outbox import Outgoing

ELSEWHERE = [{"use": "home", "line": ["7 Old Road"], "postalCode": "LE9 9ZZ"}]
PRACTICE = [{"type": "Organization", "identifier": {"system": ODS, "value": "Z99002"}}]


def named(family: str, *given: str) -> list[dict[str, Any]]:
    return [{"use": "usual", "family": family, "given": list(given)}]


def numbered(number: str) -> list[dict[str, str]]:
    return [{"system": NHS_NUMBER, "value": number}]


def phone(number: str) -> list[dict[str, str]]:
    return [{"system": "phone", "value": number, "use": "home"}]


WRITTEN: dict[str, tuple[dict[str, Any], dict[tuple[str, str], str]]] = {
    "alike": ({}, {}),
    "capitals": ({"name": named("PATELOVA", "AMINA")}, {("name", "formatting"): "applied"}),
    # the record says more than the index: there is nothing to take over
    "more": ({"name": named("Patelova", "Amina", "Rose")}, {}),
    "name": ({"name": named("Patelov", "Amina")}, {("name", "substantive"): "open"}),
    "born": ({"birthDate": "1941-03-16"}, {("birth_date", "substantive"): "open"}),
    "gender": ({"gender": "male"}, {("gender", "substantive"): "open"}),
    "gender-unknown": ({"gender": "unknown"}, {}),
    "moved": ({"address": ELSEWHERE}, {("address", "substantive"): "open"}),
    "address-form": (
        {"address": [{"use": "home", "line": ["1 TEST STREET"], "postalCode": "le21aa"}]},
        {("address", "formatting"): "applied"},
    ),
    "address-none": ({"address": None}, {}),
    "phone-form": ({"telecom": phone("+44 116 000 0010")}, {("telecom", "formatting"): "applied"}),
    "phone": ({"telecom": phone("0116 000 0099")}, {("telecom", "substantive"): "open"}),
    "practice": ({"generalPractitioner": PRACTICE}, {("gp", "substantive"): "open"}),
    "dead": ({"deceasedBoolean": True}, {("death", "substantive"): "open"}),
}


def test_what_is_written_differently_is_an_update_and_the_rest_is_work(own_town: House) -> None:
    for ref, (said, _) in WRITTEN.items():
        send(own_town, ref, patient(AMINA, **said))
    link_and_find(own_town)
    wanted = {(ref, *key): state for ref, (_, found) in WRITTEN.items() for key, state in found.items()}
    assert standing(own_town) == wanted


def test_a_registrars_death_and_an_informal_one_are_work_and_no_more(own_town: House) -> None:
    send(own_town, "died", patient(DIED))
    send(own_town, "dying", patient(DYING))
    send(own_town, "known", patient(TWIN, deceasedDateTime="2024-02-01"))
    link_and_find(own_town)
    assert standing(own_town) == {
        ("died", "death", "formal-death"): "open",
        ("dying", "death", "informal-death"): "open",
        ("known", "death", "substantive"): "open",
    }


def test_a_date_of_death_that_differs_is_work_and_the_same_one_is_nothing(own_town: House) -> None:
    send(own_town, "same", patient(DIED, deceasedDateTime="2024-02-01"))
    link_and_find(own_town)
    assert standing(own_town) == {}
    send(own_town, "same", patient(DIED, deceasedDateTime="2024-02-03"), day=2)
    find(own_town)
    assert standing(own_town) == {("same", "death", "substantive"): "open"}


def test_a_number_that_was_replaced_is_work_and_more_so_where_another_record_has_the_new_one(own_town: House) -> None:
    first = send(
        own_town,
        "old",
        patient(AMINA, identifier=numbered(MOVED.number)),
    )
    link_and_find(own_town)
    assert standing(own_town) == {("old", "nhs_number", "superseded"): "open"}
    second = send(own_town, "new", patient(AMINA))
    link_and_find(own_town)
    assert standing(own_town) == {("old", "nhs_number", "duplicate-number"): "open"}
    (one,) = all_of(own_town)
    assert (one.source_person_id, one.other) == (first, second)
    send(own_town, "old", patient(AMINA), day=2)
    link_and_find(own_town)
    assert standing(own_town) == {}


def test_a_number_that_is_somebody_elses_altogether_is_work(own_town: House) -> None:
    record = send(own_town, "c1", patient(AMINA))
    link(own_town)
    send(
        own_town,
        "c1",
        patient(AMINA, identifier=numbered(nth(40))),
        day=2,
    )
    find(own_town)
    assert own_town.stores.links.standing(reader(), [record])[record].person_id == AMINA.id
    assert standing(own_town) == {("c1", "nhs_number", "substantive"): "open"}


def test_where_a_restricted_person_lives_is_not_compared(own_town: House, tmp_path: Path) -> None:
    send(own_town, "hidden", patient(HIDDEN, address=ELSEWHERE, telecom=phone("0116 000 0099")))
    send(own_town, "later", patient(BRAM, address=ELSEWHERE))
    link_and_find(own_town)
    assert standing(own_town) == {
        ("hidden", "address", "restricted"): "open",
        ("later", "address", "substantive"): "open",
    }
    reload(own_town, tmp_path, replace(BRAM, sensitivity="R"))
    # at once, before anything has been compared again
    assert standing(own_town) == {("hidden", "address", "restricted"): "open"}
    link_and_find(own_town)
    assert standing(own_town) == {
        ("hidden", "address", "restricted"): "open",
        ("later", "address", "restricted"): "open",
    }


def test_of_a_very_restricted_person_neither_name_nor_birth_date_is_compared(own_town: House, tmp_path: Path) -> None:
    send(own_town, "c1", patient(BRAM, address=ELSEWHERE))
    link(own_town)
    reload(own_town, tmp_path, replace(BRAM, sensitivity="V", family="Okonjos", birth_date="1962-11-03"))
    find(own_town)
    assert standing(own_town) == {("c1", "address", "restricted"): "open"}


def test_a_record_that_says_that_it_is_restricted_is_not_told_so_again(own_town: House) -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    send(own_town, "c1", patient(HIDDEN, address=ELSEWHERE, meta={"security": [label]}))
    link_and_find(own_town)
    assert standing(own_town) == {}


def test_protected_people_are_in_nothing_from_the_moment_of_the_seal(own_town: House, tmp_path: Path) -> None:
    load_facts(own_town, "never-link", facts_csv(tmp_path / "nobody.csv"))
    send(own_town, "today", patient(TODAY, birthDate="1990-05-06"))
    link_and_find(own_town)
    assert standing(own_town) == {("today", "birth_date", "substantive"): "open"}
    sealed = f"never-link,{TODAY.number},{nth(13)},protected,2026-01-01,"
    load_facts(own_town, "never-link", facts_csv(tmp_path / "sealed.csv", sealed))
    assert own_town.stores.differences.feed(reader(), 0, 100).changes == ()
    find(own_town)
    assert own_town.stores.differences.counts() == {"substantive": {"superseded": 1}}
    assert own_town.stores.differences.feed(reader(), 0, 100).changes == ()
    load_facts(own_town, "never-link", facts_csv(tmp_path / "taken-off.csv"))
    find(own_town)
    assert standing(own_town) == {("today", "birth_date", "substantive"): "open"}


def test_a_record_that_only_proposes_somebody_is_not_compared_with_them(own_town: House) -> None:
    """Its person may be another: telling the case system how they differ would tell it of somebody else."""
    send(own_town, "c1", patient(NAMESAKE, identifier=None, birthDate="1975-12-25"))
    link_and_find(own_town)
    assert standing(own_town) == {}


def test_only_whom_a_load_concerns_is_compared_again(own_town: House, tmp_path: Path) -> None:
    send(own_town, "c1", patient(AMINA))
    send(own_town, "c2", patient(BRAM))
    assert link_and_find(own_town).compared == 2
    assert link_and_find(own_town).compared == 0
    reload(own_town, tmp_path)
    assert link_and_find(own_town).compared == 0
    reload(own_town, tmp_path, replace(BRAM, postcode="LE3 5TU"))
    assert link_and_find(own_town).compared == 1
    assert standing(own_town) == {("c2", "address", "substantive"): "open"}
    send(own_town, "c2", patient(replace(BRAM, postcode="LE3 5TU")), day=2)
    done = link_and_find(own_town)
    assert (done.compared, done.overtaken) == (1, 1)
    assert standing(own_town) == {}


def test_one_source_can_be_compared_alone(own_town: House) -> None:
    send(own_town, "c1", patient(AMINA, birthDate="1941-03-16"))
    link(own_town)
    caller = system(own_town, "system-changes")
    assert finding.find_differences(own_town, caller, sources=["gp"]).compared == 0
    assert finding.find_differences(own_town, caller, sources=["social-care"]).compared == 1


def test_a_difference_does_not_outlive_the_link_it_rests_on(own_town: House) -> None:
    record = send(own_town, "c1", patient(AMINA, birthDate="1941-03-16"))
    link_and_find(own_town)
    before = own_town.stores.differences.head()
    unlink_record(own_town, persona(own_town, "reviewer"), record, "wrong person")
    page = own_town.stores.differences.feed(reader(), before.last if before else 0, 10)
    assert [(one.local_id, one.state) for one in page.changes] == [("c1", State.SUPERSEDED)]


def test_a_record_that_its_source_merged_away_has_no_differences(own_town: House) -> None:
    send(own_town, "c2", patient(AMINA))
    record = send(own_town, "c1", patient(AMINA, birthDate="1941-03-16"))
    link_and_find(own_town)
    assert ("c1", "birth_date", "substantive") in standing(own_town)
    with own_town.stores.transaction() as tx:
        own_town.stores.records.retire(tx, record, "somebody")
    find(own_town)
    assert standing(own_town) == {}


def test_the_run_is_one_batch_row_about_whoever_was_compared(own_town: House) -> None:
    send(own_town, "c1", patient(AMINA))
    link(own_town)
    watch = Watch(own_town)
    find(own_town)
    (row,) = watch.rows("batch")
    about = own_town.stores.ledger.search(subject=own_town.stores.keys.subject_token(AMINA.id), limit=10)
    assert row.seq in {one.seq for one in about}
    assert AMINA.number not in watch.text()
    assert AMINA.family not in watch.text()


def test_two_runs_at_a_time_are_one_too_many(own_town: House) -> None:
    own_town.stores.jobs.start_or_resume("changes", "find")
    with own_town.stores.transaction() as tx:
        tx.change("UPDATE job SET lease_owner = ? WHERE kind = 'changes'", (worker_name(1),))
    with pytest.raises(Conflict) as refused:
        find(own_town)
    assert refused.value.reason == "job-held"


# --- the same files, in any order, killed and run again -------------------------------------------------------------

ROWS = [
    event("one", AMINA, {"Date of Birth": "16/03/1941"}, number=AMINA.number),
    event("two", BRAM, {"Last Name": "OKONJO"}, number=BRAM.number),
    event("three", DIED, number=DIED.number),
    event("four", AMINA, number=MOVED.number),
]
LATER = [event("two", BRAM, {"Last Name": "Okonjos", "Event Start Date": "18/11/2025"}, number=BRAM.number, step=2)]


EXTRACTS = {"first.csv": ROWS[2:], "second.csv": LATER, "third.csv": ROWS[:2]}


def whole(house: House) -> list[tuple[object, ...]]:
    """Everything that stands, with what was compared: what a digest says of it."""
    found = [(one.difference_id, one.person_id, one.kind, one.state, one.about, one.other) for one in all_of(house)]
    return sorted(found)


def test_the_same_files_in_any_order_end_the_same(town_settings: Settings, tmp_path: Path) -> None:
    digests, ended = set(), []
    for place, names in enumerate((list(EXTRACTS), list(reversed(EXTRACTS)))):
        with copied(town_settings, tmp_path / f"at-once{place}") as house:
            for name in names:
                path = extract_csv(tmp_path / name, EXTRACTS[name])
                ingest_files(house, system(house, "system-ingest"), "social-care", [path])
            link_and_find(house)
            digests.add(house.stores.digest())
            ended.append(whole(house))
        with copied(town_settings, tmp_path / f"in-between{place}") as house:
            for name in names:
                take_in(house, tmp_path / name, EXTRACTS[name])
                find(house)
            ended.append(whole(house))
    assert len(digests) == 1
    assert ended[0]
    assert all(one == ended[0] for one in ended)


def test_index_first_or_records_first_ends_the_same(town_settings: Settings, tmp_path: Path) -> None:
    moved = replace(BRAM, postcode="LE3 5TU")
    with copied(town_settings, tmp_path / "index-first") as house:
        reload(house, tmp_path, moved)
        take_in(house, tmp_path / "all.csv", ROWS)
        find(house)
        index_first = whole(house)
    with copied(town_settings, tmp_path / "records-first") as house:
        take_in(house, tmp_path / "all.csv", ROWS)
        find(house)
        reload(house, tmp_path, moved)
        link_and_find(house)
        assert whole(house) == index_first


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("after", [1, 3])
def test_a_run_killed_between_batches_goes_on_and_ends_as_if_it_had_not_been(
    town_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    monkeypatch.setattr(finding, "BATCH", 1)
    with copied(town_settings, tmp_path / "undisturbed") as house:
        take_in(house, tmp_path / "all.csv", ROWS)
        find(house)
        undisturbed = house.stores.digest()
    with copied(town_settings, tmp_path / "killed") as house:
        take_in(house, tmp_path / "all.csv", ROWS)
        left = iter(range(after))

        def dies_at_last(moved: Sequence[Moved]) -> list[Outgoing]:
            if next(left, None) is None:
                raise Killed
            return messages(moved)

        with monkeypatch.context() as once:
            once.setattr(finding, "messages", dies_at_last)
            with pytest.raises(Killed):
                find(house)
        done = find(house)
        assert done.compared == len(ROWS) - after
        assert house.stores.digest() == undisturbed
