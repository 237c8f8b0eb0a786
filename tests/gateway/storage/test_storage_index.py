"""The index gives back who was put into it, by number and by key."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from gateway import ids
from gateway.errors import InputError, Unavailable
from gateway.storage.index import IndexEntry, IndexInfo
from linkage.findings import Death
from linkage.person import NORMALISATION_VERSION, Security

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.storage import Permit, Stores
    from linkage.nhs_number import NhsNumber

AS_OF = date(2026, 11, 1)


@pytest.fixture
def load(stores: Stores) -> Callable[[Sequence[IndexEntry]], None]:
    def put(entries: Sequence[IndexEntry]) -> None:
        with stores.transaction() as tx:
            stores.index.put_many(tx, entries, source="demo", as_of=AS_OF)
            stores.index.stamp(tx, source="demo", as_of=AS_OF, coverage="all of it")

    return put


def test_finds_a_person_by_number_with_all_that_matching_needs(
    stores: Stores,
    permit: Permit,
    load: Callable[[Sequence[IndexEntry]], None],
    make_entry: Callable[..., IndexEntry],
    nth_number: Callable[[int], NhsNumber],
) -> None:
    survivor = nth_number(9)
    load([make_entry(0, security=Security.RESTRICTED, superseded_by=survivor, death=Death.FORMAL), make_entry(1)])
    held = stores.index.by_number(permit, nth_number(0))
    assert held is not None
    assert held.person_id == ids.person_id(nth_number(0))
    assert held.person.family == "EXAMPLE"
    assert (held.security, held.superseded_by, held.death) == (Security.RESTRICTED, survivor, Death.FORMAL)
    assert stores.index.by_number(permit, nth_number(2)) is None
    assert stores.index.by_person(permit, held.person_id) == held
    assert stores.index.by_person(permit, "unknown") is None
    assert set(stores.index.by_numbers(permit, [nth_number(1), nth_number(2)])) == {nth_number(1)}


def test_candidates_come_with_most_shared_keys_first(
    stores: Stores, permit: Permit, load: Callable[[Sequence[IndexEntry]], None], make_entry: Callable[..., IndexEntry]
) -> None:
    load([make_entry(0, keys=(1, 2)), make_entry(1, keys=(1, 2, 3)), make_entry(2, keys=(4,), family="OTHER")])
    found, left_out = stores.index.candidates(permit, [1, 2, 3, 3, -(2**63)])
    assert [candidate.person.nhs_number for candidate in found] == [make_entry(1).number, make_entry(0).number]
    assert left_out == 0
    assert stores.index.candidates(permit, []) == ([], 0)
    assert stores.index.candidates(permit, [99]) == ([], 0)


def test_a_cap_says_how_many_it_left_out(
    stores: Stores, permit: Permit, load: Callable[[Sequence[IndexEntry]], None], make_entry: Callable[..., IndexEntry]
) -> None:
    load([make_entry(place, keys=(7,)) for place in range(5)])
    found, left_out = stores.index.candidates(permit, [7], cap=2)
    assert (len(found), left_out) == (2, 3)


def test_the_largest_of_some_keys_is_told_and_of_equals_the_lowest(
    stores: Stores, permit: Permit, load: Callable[[Sequence[IndexEntry]], None], make_entry: Callable[..., IndexEntry]
) -> None:
    load([make_entry(place, keys=(7, -3) if place else (7, 5, -3)) for place in range(3)])
    assert stores.index.largest(permit, [5, 7, 7, 99]) == 7
    assert stores.index.largest(permit, [5, 7, -3]) == -3


def test_loading_again_moves_a_person_from_old_keys_to_new(
    stores: Stores, permit: Permit, load: Callable[[Sequence[IndexEntry]], None], make_entry: Callable[..., IndexEntry]
) -> None:
    load([make_entry(0, keys=(1, 2), family="BEFORE")])
    load([make_entry(0, keys=(2, 3), family="AFTER", version=2, patient=b"{}")])
    assert stores.index.candidates(permit, [1]) == ([], 0)
    for key in (2, 3):
        (found,), _ = stores.index.candidates(permit, [key])
        assert found.person.family == "AFTER"
    assert stores.index.patient_json(permit, make_entry(0).number) == b"{}"


def test_of_one_number_given_twice_the_last_counts(
    stores: Stores, permit: Permit, load: Callable[[Sequence[IndexEntry]], None], make_entry: Callable[..., IndexEntry]
) -> None:
    load([make_entry(0, keys=(1,), family="FIRST"), make_entry(0, keys=(2,), family="LAST")])
    assert stores.index.candidates(permit, [1]) == ([], 0)
    assert stores.index.candidates(permit, [2])[0][0].person.family == "LAST"


def test_the_order_and_the_chunks_of_a_load_do_not_matter(
    stores: Stores, load: Callable[[Sequence[IndexEntry]], None], make_entry: Callable[..., IndexEntry]
) -> None:
    people = [make_entry(place, keys=(place, 100)) for place in range(6)]
    load(people)
    before = stores.digest()
    load(people[::-1][:4])
    load(people[:3])
    assert stores.digest() == before


def test_an_index_vouches_for_no_more_than_its_weakest_source(
    stores: Stores, make_entry: Callable[..., IndexEntry]
) -> None:
    assert stores.index.describe() is None
    with stores.transaction() as tx:
        stores.index.put_many(tx, [make_entry(0), make_entry(1)], source="pds", as_of=AS_OF)
        stores.index.stamp(tx, source="pds", as_of=AS_OF, coverage="Leicester")
    assert stores.index.describe() == IndexInfo("pds", AS_OF, 2, "Leicester")
    older = date(2026, 10, 1)
    with stores.transaction() as tx:
        stores.index.put_many(tx, [make_entry(2)], source="gp-list", as_of=older)
        told = stores.index.stamp(tx, source="gp-list", as_of=older)
    assert told == IndexInfo("gp-list", older, 1)
    assert stores.index.describe() == IndexInfo("gp-list", older, 3, "Leicester")
    assert [info.source for info in stores.index.sources()] == ["gp-list", "pds"]


def test_people_who_come_over_from_another_source_are_counted_once(
    stores: Stores, load: Callable[[Sequence[IndexEntry]], None], make_entry: Callable[..., IndexEntry]
) -> None:
    """A demonstration index that was replaced by one from PDS is a PDS index, and whole."""
    load([make_entry(0), make_entry(1)])
    with stores.transaction() as tx:
        stores.index.put_many(tx, [make_entry(0)], source="pds", as_of=AS_OF)
        stores.index.stamp(tx, source="pds", as_of=AS_OF)
    assert [(info.source, info.people) for info in stores.index.sources()] == [("demo", 1), ("pds", 1)]
    with stores.transaction() as tx:
        stores.index.put_many(tx, [make_entry(1)], source="pds", as_of=AS_OF)
        stores.index.stamp(tx, source="pds", as_of=AS_OF)
    assert stores.index.describe() == IndexInfo("pds", AS_OF, 2)


def test_an_unknown_source_is_refused(stores: Stores, make_entry: Callable[..., IndexEntry]) -> None:
    with stores.transaction() as tx, pytest.raises(InputError) as refused:
        stores.index.put_many(tx, [make_entry(0)], source="hearsay", as_of=AS_OF)
    assert refused.value.field == "source"


def test_terms_are_replaced_whole(stores: Stores) -> None:
    for counts in ({"family": {"PATEL": 3, "SINGH": 2}, "given": {"ANN": 1}}, {"family": {"PATEL": 4}}):
        with stores.transaction() as tx:
            stores.index.put_terms(tx, counts)
        assert stores.index.terms() == counts


def test_every_packed_person_can_be_read_in_order(
    stores: Stores, permit: Permit, load: Callable[[Sequence[IndexEntry]], None], make_entry: Callable[..., IndexEntry]
) -> None:
    people = [make_entry(place) for place in range(5)]
    load(people)
    assert list(stores.index.each_packed(permit, chunk=2)) == [person.packed for person in people]


def test_a_person_of_another_normalisation_is_not_matched(
    stores: Stores, permit: Permit, load: Callable[[Sequence[IndexEntry]], None], make_entry: Callable[..., IndexEntry]
) -> None:
    entry = make_entry(0, keys=(1,))
    stale = IndexEntry(
        entry.number, entry.packed.replace(b"[%d," % NORMALISATION_VERSION, b"[0,", 1), entry.keys, entry.patient
    )
    load([stale])
    with pytest.raises(Unavailable) as refused:
        stores.index.by_number(permit, entry.number)
    assert refused.value.reason == "index-normalisation"


def test_an_unknown_number_has_no_patient(
    stores: Stores, permit: Permit, nth_number: Callable[[int], NhsNumber]
) -> None:
    assert stores.index.patient_json(permit, nth_number(0)) is None
