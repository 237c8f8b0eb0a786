"""Records go in once, in any order, and come out only to those who may read them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from gateway.storage.records import Counts, Incoming, Member, Shelf, SourceCount, source_person_id
from gateway.storage.rows import dumps, in_order
from ig.decision import FilterKind, RowFilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.feed import SourceRecord
    from gateway.storage import Permit, Stores

P1 = source_person_id("social-care", "X09", "p1")
P2 = source_person_id("social-care", "X09", "p2")


@pytest.fixture
def put(stores: Stores, classify: Callable[[SourceRecord, dict[str, Any]], Shelf]) -> Callable[..., Counts]:
    def store(*batch: Incoming) -> Counts:
        with stores.transaction() as tx:
            return stores.records.put_many(tx, batch, classify)

    return store


def _texts(stores: Stores, permit: Permit, *people: str, sections: tuple[str, ...] | None = None) -> list[str]:
    found = stores.records.resources_of(permit, people or [P1], sections)
    return sorted(f"{one.resource_id} {orjson.loads(one.body)['text']}" for one in found)


def test_a_record_comes_out_with_where_it_came_from(
    stores: Stores, permit: Permit, put: Callable[..., Counts], make_incoming: Callable[..., Incoming]
) -> None:
    incoming = make_incoming("e1", "first", nhs_number="9990000018")
    assert put(incoming) == Counts(new=1)
    (condition,) = stores.records.resources_of(permit, [P1], ["problems"])
    assert (condition.feed, condition.row, condition.organisation) == ("events.csv", 2, "X09")
    assert stores.records.original(permit, condition.content_hash) == b"e1,first"
    assert stores.records.original(permit, "0" * 64) is None
    person = stores.records.source_person(permit, P1)
    assert person is not None
    assert (person.person_ref, person.nhs_number, person.packed) == ("p1", "9990000018", incoming.packed)
    assert stores.records.source_person(permit, P2) is None


def test_the_same_record_again_changes_nothing(
    stores: Stores, put: Callable[..., Counts], make_incoming: Callable[..., Incoming]
) -> None:
    put(make_incoming("e1", "first"))
    before = stores.digest()
    assert put(make_incoming("e1", "first"), make_incoming("e1", "first")) == Counts(same=2)
    assert stores.digest() == before


def test_a_changed_record_replaces_what_it_said_and_keeps_what_was_sent(
    stores: Stores, permit: Permit, put: Callable[..., Counts], make_incoming: Callable[..., Incoming]
) -> None:
    first = make_incoming("e1", "first", resources=({"resourceType": "Condition", "id": "gone", "text": "first"},))
    put(first)
    assert put(make_incoming("e1", "second", occurred="2026-01-02")) == Counts(changed=1)
    assert _texts(stores, permit) == ["Condition/con-e1 second", "Patient/pat-p1 second"]
    assert stores.records.original(permit, first.record.content_hash) == b"e1,first"


def test_an_older_version_that_comes_late_is_kept_and_not_shown(
    stores: Stores, permit: Permit, put: Callable[..., Counts], make_incoming: Callable[..., Incoming]
) -> None:
    put(make_incoming("e1", "newer", occurred="2026-01-02"))
    assert put(make_incoming("e1", "older", occurred="2026-01-01")) == Counts(stale=1)
    assert _texts(stores, permit, sections=("problems",)) == ["Condition/con-e1 newer"]


def test_records_in_any_order_and_any_batches_end_the_same(
    stores: Stores, put: Callable[..., Counts], make_incoming: Callable[..., Incoming]
) -> None:
    records = [
        make_incoming("e1", "one", occurred="2026-01-01", family="ONE"),
        make_incoming("e1", "two", occurred="2026-01-02T09:00:00+00:00", family="TWO"),
        make_incoming("e2", "three", occurred="2026-01-02T09:30:00+01:00", family="THREE"),
        make_incoming("e2", "four", occurred="2026-01-03", family="FOUR", deleted=("Condition/con-e1",), resources=()),
    ]
    digests = set()
    cuts = itertools.cycle([(4,), (2, 2), (1, 1, 1, 1), (1, 3)])
    for order, cut in zip(itertools.permutations(records), cuts, strict=False):
        with stores.transaction() as tx:
            for table in ("resource", "source_record", "source_person", "original"):
                tx.change(f"DELETE FROM {table}")
        left = iter(order)
        for size in cut:
            put(*itertools.islice(left, size))
        digests.add(stores.digest())
    assert len(digests) == 1


def test_of_two_versions_of_one_date_the_later_arrival_wins(
    stores: Stores, permit: Permit, put: Callable[..., Counts], make_incoming: Callable[..., Incoming]
) -> None:
    put(make_incoming("e1", "first"), make_incoming("e1", "corrected"))
    assert _texts(stores, permit, sections=("problems",)) == ["Condition/con-e1 corrected"]


def test_a_deletion_holds_against_an_older_message(
    stores: Stores, permit: Permit, put: Callable[..., Counts], make_incoming: Callable[..., Incoming]
) -> None:
    gone = make_incoming("e2", "cancel", occurred="2026-01-05", deleted=("Condition/con-e1",), resources=())
    assert put(gone) == Counts(new=1, deleted=1)
    put(make_incoming("e1", "late", occurred="2026-01-04"))
    assert _texts(stores, permit) == ["Patient/pat-p1 late"]


def test_only_providers_of_the_permit_are_read(
    stores: Stores,
    make_permit: Callable[..., Permit],
    put: Callable[..., Counts],
    make_incoming: Callable[..., Incoming],
) -> None:
    put(make_incoming("e1", "ours"))
    assert _texts(stores, make_permit(providers=["R01"])) == []
    narrowed = make_permit(providers=["X09", "R01"], row_filters=[RowFilter(FilterKind.PROVIDERS, ("R01",))])
    assert _texts(stores, narrowed) == []
    assert len(_texts(stores, make_permit(providers=["X09"]))) == 2


def test_a_permit_without_codes_shows_nothing_sensitive(
    stores: Stores,
    permit: Permit,
    make_permit: Callable[..., Permit],
    put: Callable[..., Counts],
    make_incoming: Callable[..., Incoming],
) -> None:
    put(make_incoming("e1", "sensitive"), make_incoming("e2", "plain", occurred="2026-01-02"))
    without = make_permit(providers=["X09"], row_filters=[RowFilter(FilterKind.WITHOUT_CODES, ("rcgp",))])
    assert _texts(stores, without, sections=("problems",)) == ["Condition/con-e2 plain"]
    assert len(_texts(stores, permit, sections=("problems",))) == 2


def test_a_merged_person_is_read_with_the_one_who_stays(
    stores: Stores, permit: Permit, put: Callable[..., Counts], make_incoming: Callable[..., Incoming]
) -> None:
    put(make_incoming("e1", "one"), make_incoming("e2", "two", person_ref="p2"))
    put(make_incoming("m1", "merge", merged_into="p2", resources=(), packed=None))
    assert [one for one in _texts(stores, permit, P2) if "Condition" in one] == [
        "Condition/con-e1 one",
        "Condition/con-e2 two",
    ]
    assert [one.source_person_id for one in stores.records.source_people(permit)] == [P2]
    with stores.transaction() as tx:
        stores.records.retire(tx, P1, None)
    assert len(_texts(stores, permit, P2)) == 2


def test_source_people_come_in_order_and_once_traced_only_when_they_change(
    stores: Stores, permit: Permit, put: Callable[..., Counts], make_incoming: Callable[..., Incoming]
) -> None:
    put(*(make_incoming(f"e{n}", person_ref=f"p{n}") for n in range(5)))
    put(make_incoming("nobody", person_ref="p9", packed=None))
    first = stores.records.source_people(permit, limit=2)
    rest = stores.records.source_people(permit, after_id=first[-1].source_person_id)
    people = [one.source_person_id for one in first + rest]
    assert people == sorted(people)
    assert len(people) == 5
    with stores.transaction() as tx:
        stores.records.mark_traced(tx, dict.fromkeys(people, "house@1"))
    assert stores.records.source_people(permit, untraced_for="house@1") == []
    assert len(stores.records.source_people(permit, untraced_for="house@2")) == 5
    put(make_incoming("e1b", person_ref="p1", family="EXAMPLE"))
    assert stores.records.source_people(permit, untraced_for="house@1") == []
    put(make_incoming("e1c", person_ref="p1", family="MARRIED"))
    assert [one.person_ref for one in stores.records.source_people(permit, untraced_for="house@1")] == ["p1"]


def test_counts_say_how_many_people_had_a_number(
    stores: Stores, put: Callable[..., Counts], make_incoming: Callable[..., Incoming]
) -> None:
    put(make_incoming("e1", nhs_number="9990000018"), make_incoming("e2", person_ref="p2"))
    put(make_incoming("o1", person_ref="", source="gp", resources=(), packed=None))
    assert stores.records.counts() == [SourceCount("gp", 0, 0, 1, 0), SourceCount("social-care", 2, 1, 2, 4)]


def test_a_source_that_withdraws_is_not_shown_any_more(
    stores: Stores, permit: Permit, put: Callable[..., Counts], make_incoming: Callable[..., Incoming]
) -> None:
    incoming = make_incoming("e1", "first")
    put(incoming)
    with stores.transaction() as tx:
        assert stores.records.withdraw(tx, "X09") == 2
    assert _texts(stores, permit) == []
    assert stores.records.original(permit, incoming.record.content_hash) is not None


def test_a_decimal_keeps_its_digits() -> None:
    from decimal import Decimal

    assert dumps({"value": Decimal("72.50")}) == b'{"value":72.50}'
    with pytest.raises(TypeError):
        dumps({"value": Decimal("NaN")})


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("", "2026"),
        ("2026-01-01", "2026-01-01T00:00:00Z"),
        ("2026-01-01T10:30:00+01:00", "2026-01-01T09:31:00Z"),
        ("2026-01-01T09:00:00", "2026-01-01T09:00:01"),
        ("2026-01-01T09:00:00Z", "2026-01-01Torn"),
    ],
)
def test_points_in_time_sort_as_text(earlier: str, later: str) -> None:
    assert in_order(earlier) < in_order(later)


def test_members_are_typed() -> None:
    assert Member("p", "").nhs_number == ""
