"""What reports read: how records stand, who is doubtful, which are open, which share a number, which rows wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapters.feed import Quarantined
from gateway.errors import NotPermitted
from gateway.storage.links import Basis, LinkKind, NewLink
from gateway.storage.reporting import Aside, Record, Tally
from gateway.storage.traces import TraceResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.storage import Permit, Stores
    from gateway.storage.records import Incoming, Shelf

ONE, OTHER = "9990000018", "9990000026"


def _episode(name: str, status: str) -> tuple[dict[str, object], ...]:
    patient: dict[str, object] = {"resourceType": "Patient", "id": f"pat-{name}"}
    return (patient, {"resourceType": "EpisodeOfCare", "id": f"ep-{name}", "status": status})


@pytest.fixture
def people(
    stores: Stores, permit: Permit, make_incoming: Callable[..., Incoming], classify: Callable[..., Shelf]
) -> dict[str, str]:
    """Four records of two organisations: local id → id. Two share a number, one of them was found by another."""
    held = (
        ("a", "X09", ONE, "active"),
        ("b", "X09", ONE, "finished"),
        ("c", "X09", "", "finished"),
        ("d", "X10", ONE, "active"),
    )
    batch = [
        make_incoming(
            f"e-{name}",
            person_ref=name,
            organisation=organisation,
            nhs_number=number,
            resources=_episode(name, status),
            feed=f"{organisation}.csv",
        )
        for name, organisation, number, status in held
    ]
    with stores.transaction() as tx:
        stores.records.put_many(tx, batch, classify)
    ids = {row.person_ref: row.source_person_id for row in stores.records.source_people(permit)}
    results = [
        TraceResult(ids["a"], "matched", "cross-check", "weight", (), OTHER, "p1", (), "m"),
        TraceResult(ids["b"], "matched", "cross-check", "weight", ("duplicate-in-source",), ONE, "p2", (), "m"),
        TraceResult(ids["c"], "none", "", "nobody-near", (), "", "", (), "m"),
    ]
    with stores.transaction() as tx:
        stores.traces.put_many(tx, results)
        stores.links.append(
            tx, [NewLink(ids["b"], "p2", LinkKind.IS, Basis.ALGORITHMIC, "system", "m", nhs_number=ONE)]
        )
    return ids


def _names(rows: list[Record]) -> set[str]:
    return {row.person_ref for row in rows}


def test_records_come_as_they_stand_a_page_at_a_time(stores: Stores, permit: Permit, people: dict[str, str]) -> None:
    whole = stores.reporting.records(permit)
    assert [row.source_person_id for row in whole] == sorted(people.values())
    by_name = {row.person_ref: row for row in whole}
    b, d = by_name["b"], by_name["d"]
    assert (b.outcome, b.found, b.basis, b.person_id, b.flags) == (
        *("matched", ONE, "algorithmic", "p2"),
        frozenset({"duplicate-in-source"}),
    )
    assert b.traced_at is not None
    assert (d.outcome, d.basis, d.traced_at, d.flags) == ("", "", None, frozenset())
    assert stores.reporting.records(permit, whole[0].source_person_id, 2) == whole[1:3]
    assert _names(stores.reporting.records(permit, organisations=["X10"])) == {"d"}
    assert not stores.reporting.records(permit, organisations=[])
    assert not stores.reporting.records(permit, sources=["gp"])


@pytest.mark.usefixtures("people")
def test_the_doubtful_were_found_by_another_number_or_twice(stores: Stores, permit: Permit) -> None:
    assert _names(stores.reporting.doubtful(permit)) == {"a", "b"}
    assert not stores.reporting.doubtful(permit, organisations=["X10"])


def test_who_is_open_has_something_that_has_not_ended(stores: Stores, permit: Permit, people: dict[str, str]) -> None:
    assert stores.reporting.underway(permit, people.values()) == {people["a"], people["d"]}


@pytest.mark.usefixtures("people")
def test_a_number_is_shared_within_one_organisations_source(stores: Stores, permit: Permit) -> None:
    assert [row.person_ref for row in stores.reporting.shared_numbers(permit)] == ["a", "b"]
    assert not stores.reporting.shared_numbers(permit, organisations=["X10"])


@pytest.mark.usefixtures("people")
def test_tallies_are_figures_and_need_no_permit(stores: Stores) -> None:
    whole = [Tally("social-care", "X09", 3, 3, 2), Tally("social-care", "X10", 1, 0, 0)]
    assert stores.reporting.tallies() == whole
    assert stores.reporting.tallies(["X10"]) == whole[1:]


@pytest.mark.usefixtures("people")
def test_rows_set_aside_come_whole_and_the_sender_of_a_file_is_known_where_it_is_one(
    stores: Stores, permit: Permit
) -> None:
    rows = [Quarantined(f"{feed}.csv", 2, "F", "r", "m", b"x,y", "id", header=b"a,b") for feed in ("X09", "X10")]
    with stores.transaction() as tx:
        stores.quarantine.put_many(tx, "social-care", rows)
    first, second = stores.reporting.aside(permit, sources=["social-care"])
    assert {first.feed, second.feed} == {"X09.csv", "X10.csv"}
    assert first == Aside(first.quarantine_id, "social-care", first.feed, 2, "F", "r", "id", b"a,b", b"x,y")
    assert stores.reporting.aside(permit, first.quarantine_id) == [second]
    assert not stores.reporting.aside(permit, sources=["gp"])
    assert stores.reporting.senders(permit, ["X09.csv", "X11.csv"]) == {("social-care", "X09.csv"): "X09"}


@pytest.mark.parametrize(
    "ask",
    [
        lambda stores, permit: stores.reporting.records(permit),
        lambda stores, permit: stores.reporting.doubtful(permit),
        lambda stores, permit: stores.reporting.underway(permit, []),
        lambda stores, permit: stores.reporting.shared_numbers(permit),
        lambda stores, permit: stores.reporting.aside(permit),
        lambda stores, permit: stores.reporting.senders(permit, []),
    ],
)
def test_nothing_is_read_without_a_permit(stores: Stores, ask: Callable[[Stores, object], object]) -> None:
    with pytest.raises(NotPermitted):
        ask(stores, None)
