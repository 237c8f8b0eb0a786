"""Questions, the last word on a record, and what sources were told, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.errors import NotPermitted
from gateway.storage.links import Basis, LinkKind, NewLink
from gateway.storage.onward import Answered, Check, NewQuestion, Told, ToldRow, Whose
from gateway.storage.traces import TraceResult
from linkage.person import Person

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.storage import Permit, Stores
    from gateway.storage.records import Incoming, Shelf

DAY = date(2026, 10, 1)
ONE, OTHER = "9990000018", "9990000026"


@pytest.fixture
def people(
    stores: Stores, permit: Permit, make_incoming: Callable[..., Incoming], classify: Callable[..., Shelf]
) -> list[str]:
    """Three people of one organisation and one of another; the first has a number of its own."""
    batch = [
        make_incoming(f"e{n}", person_ref=f"p{n}", organisation="X09" if n < 3 else "X10", nhs_number="" if n else ONE)
        for n in range(4)
    ]
    with stores.transaction() as tx:
        stores.records.put_many(tx, batch, classify)
    held = {row.person_ref: row.source_person_id for row in stores.records.source_people(permit)}
    return [held[f"p{n}"] for n in range(4)]


def question(reference: str, name: str, file: int = 1, details: str = "d") -> NewQuestion:
    return NewQuestion(reference, name, details, ONE, "dbs", file)


def word(name: str, details: str, status: str = "01", number: str = ONE, as_of: date = DAY) -> Check:
    return Check(name, "Q1", details, ONE, number, status, "found", "00", False, "dbs", as_of)


def test_a_question_is_remembered_once_and_answered_once(stores: Stores, permit: Permit, people: list[str]) -> None:
    onward = stores.onward
    assert onward.last_file() == 0
    with stores.transaction() as tx:
        onward.ask(tx, [question("Q1", people[0]), question("Q2", people[1], 2)])
    with stores.transaction() as tx:
        onward.ask(tx, [question("Q1", people[2], 7)])
    assert (onward.last_file(), onward.waiting()) == (2, {"dbs": 2})
    held = onward.questions(permit, {"Q1", "Q2", "QX"})
    assert {name: one.source_person_id for name, one in held.items()} == {"Q1": people[0], "Q2": people[1]}
    assert held["Q1"].asked_at.tzinfo is not None
    for code in ("00", "98"):
        with stores.transaction() as tx:
            onward.answer(tx, [Answered("Q1", "found", code, OTHER)])
    (answered,) = onward.last_asked(permit, [people[0]]).values()
    assert (answered.meaning, answered.code, answered.found) == ("found", "00", OTHER)
    assert onward.waiting() == {"dbs": 1}
    with stores.transaction() as tx:
        assert onward.forget_files(tx, 1) == 1
    assert onward.last_file() == 1


def test_the_last_question_is_the_one_that_counts(stores: Stores, permit: Permit, people: list[str]) -> None:
    for reference in ("Q9", "Q1"):
        with stores.transaction() as tx:
            stores.onward.ask(tx, [question(reference, people[0])])
    assert stores.onward.last_asked(permit, people)[people[0]].reference == "Q1"


def test_the_last_word_replaces_the_one_before(stores: Stores, permit: Permit, people: list[str]) -> None:
    for status in ("04", "01"):
        with stores.transaction() as tx:
            stores.onward.check(tx, [word(people[0], "d", status)])
    assert stores.onward.checks(permit, people) == {people[0]: word(people[0], "d")}


def test_who_is_to_be_asked_about(stores: Stores, permit: Permit, people: list[str]) -> None:
    onward, everybody = stores.onward, Whose()
    details = {one.source_person_id: one.demographics_hash for one in onward.records(permit, everybody)}
    assert sorted(details) == sorted(people)
    links = [
        NewLink(people[1], "somebody", LinkKind.IS, Basis.PDS, "t", nhs_number=OTHER),
        NewLink(people[2], "alone", LinkKind.IS, Basis.OWN, "t"),
    ]
    with stores.transaction() as tx:
        stores.links.append(tx, links)
    held = onward.numbered(permit, people)
    assert [(held[name].own, held[name].linked, held[name].number) for name in people[:3]] == [
        (ONE, "", ONE),
        ("", OTHER, OTHER),
        ("", "", ""),
    ]
    assert {one.source_person_id for one in onward.unverified(permit, everybody, DAY)} == set(people[:2])
    with stores.transaction() as tx:
        onward.check(tx, [word(people[0], details[people[0]]), word(people[1], "before", number=OTHER)])
    assert not onward.unverified(permit, everybody, DAY)
    assert len(onward.unverified(permit, everybody, DAY + timedelta(days=1))) == 2
    assert [one.source_person_id for one in onward.changed(permit, everybody)] == [people[1]]
    assert not onward.changed(permit, Whose(frozenset({"gp"})))
    assert not onward.records(permit, Whose(organisations=frozenset()))
    (other,) = onward.records(permit, Whose(frozenset({"social-care"}), frozenset({"X10"})))
    assert other.source_person_id == people[3]


def test_a_trace_remembers_which_details_it_answered_for(
    stores: Stores,
    permit: Permit,
    people: list[str],
    make_incoming: Callable[..., Incoming],
    classify: Callable[..., Shelf],
) -> None:
    found = TraceResult(people[1], "matched", "cross-check", "number", (), OTHER, "p", (), "m")
    with stores.transaction() as tx:
        stores.traces.put_many(tx, [found, replace(found, source_person_id="nobody-of-ours")])
    assert not stores.onward.changed(permit, Whose())
    with stores.transaction() as tx:
        later = make_incoming("e1b", person_ref="p1", family="OTHERWISE", occurred="2026-02-01", text="later")
        stores.records.put_many(tx, [later], classify)
    assert [one.source_person_id for one in stores.onward.changed(permit, Whose())] == [people[1]]


def test_a_record_made_comparable_anew_has_not_changed(stores: Stores, permit: Permit, people: list[str]) -> None:
    """A new normalisation is nobody's news: what was said of the same details before is said of them still."""
    details = stores.onward.numbered(permit, people)[people[0]].demographics_hash
    with stores.transaction() as tx:
        stores.onward.ask(tx, [question("Q1", people[0], details=details)])
        stores.onward.check(tx, [word(people[0], details)])
        stores.records.repack(tx, {people[0]: Person(family="ANOTHER", given="FORM").pack()})
    now = stores.onward.numbered(permit, people)[people[0]].demographics_hash
    assert now != details
    assert stores.onward.checks(permit, people)[people[0]].demographics_hash == now
    assert stores.onward.last_asked(permit, people)[people[0]].demographics_hash == now
    assert not stores.onward.changed(permit, Whose())


def test_what_a_source_was_told_is_found_by_its_file(stores: Stores, permit: Permit, people: list[str]) -> None:
    told = Told(people[0], "social-care", "X09", ONE, OTHER, "01", "dbs", "2026-10-01", 1)
    with stores.transaction() as tx:
        stores.onward.tell(tx, [told, replace(told, source_person_id=people[1])])
    with stores.transaction() as tx:
        stores.onward.tell(tx, [replace(told, batch=2)])
    assert stores.onward.told(permit, people[:1]) == {people[0]: replace(told, batch=2)}
    row = ToldRow("p1", ONE, OTHER, "01", "dbs", "2026-10-01")
    assert stores.onward.told_in(permit, "social-care", "X09", 1) == [(people[1], row)]
    assert not stores.onward.told_in(permit, "social-care", "X10", 1)


def test_nothing_of_it_is_read_without_a_permit(stores: Stores) -> None:
    for ask in (
        lambda: stores.onward.questions(None, ()),  # type: ignore[arg-type]  # the point of it
        lambda: stores.onward.records(None, Whose()),  # type: ignore[arg-type]
        lambda: stores.onward.told_in(None, "", "", 1),  # type: ignore[arg-type]
    ):
        with pytest.raises(NotPermitted):
            ask()
