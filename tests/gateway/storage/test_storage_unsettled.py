"""The records that nothing settled: chosen by what was found, by source and by whose they are, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.errors import NotPermitted
from gateway.storage.links import Basis, LinkKind, NewLink
from gateway.storage.traces import TraceResult, UnsettledRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.storage import Permit, Stores
    from gateway.storage.records import Incoming, Shelf


@pytest.fixture
def people(
    stores: Stores, permit: Permit, make_incoming: Callable[..., Incoming], classify: Callable[..., Shelf]
) -> list[str]:
    """Three traced in vain, of two organisations, and one who was found."""
    batch = [make_incoming(f"e{n}", person_ref=f"p{n}", organisation="X09" if n else "X10") for n in range(4)]
    with stores.transaction() as tx:
        stores.records.put_many(tx, batch, classify)
    names = [row.source_person_id for row in stores.records.source_people(permit)]
    found = [TraceResult(name, "none", "", "nobody-near", ("invalidated",), "", "", (), "m") for name in names[:3]]
    found.append(TraceResult(names[3], "matched", "algorithmic", "weight", (), "9990000018", "p", (), "m"))
    with stores.transaction() as tx:
        stores.traces.put_many(tx, found)
    return names


def _ids(rows: list[UnsettledRow]) -> list[str]:
    return [row.source_person_id for row in rows]


def test_the_unsettled_come_a_page_at_a_time_with_the_reason(stores: Stores, permit: Permit, people: list[str]) -> None:
    first = stores.traces.unsettled(permit, limit=2)
    assert _ids(first) == people[:2]
    assert (first[0].outcome, first[0].reason, first[0].flags) == ("none", "nobody-near", frozenset({"invalidated"}))
    assert _ids(stores.traces.unsettled(permit, people[1])) == people[2:3]


def test_sources_and_organisations_are_chosen_by_name(stores: Stores, permit: Permit, people: list[str]) -> None:
    by_organisation = [_ids(stores.traces.unsettled(permit, organisations=[name])) for name in ("X09", "X10")]
    assert sorted(name for names in by_organisation for name in names) == people[:3]
    assert not stores.traces.unsettled(permit, organisations=[])
    assert _ids(stores.traces.unsettled(permit, sources=["social-care"])) == people[:3]
    assert not stores.traces.unsettled(permit, sources=["gp"])


def test_a_join_settles_and_a_person_of_its_own_does_not(stores: Stores, permit: Permit, people: list[str]) -> None:
    facts = [
        NewLink(people[0], "somebody", LinkKind.IS, Basis.PERSON, "reviewer", "m", nhs_number="9990000018"),
        NewLink(people[1], "alone", LinkKind.IS, Basis.OWN, "system", "m"),
    ]
    with stores.transaction() as tx:
        stores.links.append(tx, facts)
    assert _ids(stores.traces.unsettled(permit)) == people[1:3]


def test_nothing_is_given_without_a_permit(stores: Stores) -> None:
    with pytest.raises(NotPermitted):
        stores.traces.unsettled(None)  # type: ignore[arg-type]  # nobody's
