"""Models in the store, on each engine: what is in use, what was tried over what, and nothing of it taken back."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from gateway.errors import Conflict
from gateway.storage.models import SHIPPED_BY, ShadowRun, content_of, shipped_model
from linkage.model import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.feed import SourceRecord
    from gateway.storage import Stores
    from gateway.storage.index import IndexEntry
    from gateway.storage.records import Incoming, Shelf


def tried(**other: Any) -> ShadowRun:  # noqa: ANN401 - fields by name
    """A completed run of the shipped model."""
    told: dict[str, Any] = {
        "hash": shipped_model().hash,
        "index_stamp": "index",
        "records_stamp": "records",
        "against": "other",
        "people": 10,
        "gained": 1,
        "lost": 2,
        "changed": 1,
        "counts": {"decided": 3},
        "actor": "tester",
        "at": datetime(2026, 11, 22, 6, 0, tzinfo=UTC),
        **other,
    }
    return ShadowRun(**told)


def test_the_shipped_model_is_the_first_in_use(stores: Stores) -> None:
    shipped = shipped_model()
    (held,) = stores.models.all()
    assert (held.hash, held.name, held.added_by) == (shipped.hash, shipped.name, SHIPPED_BY)
    assert load(held.content).hash == shipped.hash
    assert stores.models.in_use() == shipped.hash
    assert stores.models.get("0" * 64) is None


def test_the_last_activation_counts_and_earlier_ones_stay(stores: Stores) -> None:
    other = load(content_of(shipped_model()).replace(b'"name":"house"', b'"name":"other"'))
    with stores.transaction() as tx:
        stores.models.put(tx, other, "tester")
        stores.models.put(tx, other, "somebody-else")
        stores.models.activate(tx, other.hash, "tester", 3)
    assert stores.models.in_use() == other.hash
    assert [(one.hash, one.actor, one.accepted_lost) for one in stores.models.activations()] == [
        (shipped_model().hash, SHIPPED_BY, 0),
        (other.hash, "tester", 3),
    ]
    assert [one.added_by for one in stores.models.all()] == [SHIPPED_BY, "tester"]


@pytest.mark.parametrize("statement", ["UPDATE model_activation SET actor = 'x'", "DELETE FROM model_activation"])
def test_an_activation_is_never_changed(stores: Stores, statement: str) -> None:
    with pytest.raises(Conflict), stores.transaction() as tx:
        tx.change(statement)


def test_a_shadow_run_answers_for_one_model_over_one_index_and_records(stores: Stores) -> None:
    with stores.transaction() as tx:
        stores.models.put_shadow(tx, tried())
        stores.models.put_shadow(tx, tried(lost=5))
        stores.models.put_shadow(tx, tried(index_stamp="another"))
    assert len(stores.models.shadows()) == 2
    held = stores.models.shadow(shipped_model().hash, "index", "records")
    assert held == tried(lost=5)
    assert stores.models.shadow(shipped_model().hash, "index", "other records") is None


def test_what_was_offered_or_tried_is_not_in_the_digest_and_what_is_in_use_is(stores: Stores) -> None:
    other = load(content_of(shipped_model()).replace(b'"name":"house"', b'"name":"other"'))
    before = stores.digest()
    with stores.transaction() as tx:
        stores.models.put(tx, other, "tester")
        stores.models.put_shadow(tx, tried())
    assert stores.digest() == before
    with stores.transaction() as tx:
        stores.models.activate(tx, other.hash, "tester", 0)
    assert stores.digest() != before


def test_the_index_stamp_tells_one_load_from_another(stores: Stores, make_entry: Callable[..., IndexEntry]) -> None:
    assert stores.models.index_stamp() == ""
    seen = set()
    for _ in range(2):
        with stores.transaction() as tx:
            stores.index.put_many(tx, [make_entry(1)], source="demo", as_of=date(2026, 9, 30))
            stores.index.stamp(tx, source="demo", as_of=date(2026, 9, 30))
        seen.add(stores.models.index_stamp())
    assert len(seen) == 2


def test_the_records_stamp_changes_when_anybodys_details_do(
    stores: Stores,
    make_incoming: Callable[..., Incoming],
    classify: Callable[[SourceRecord, dict[str, Any]], Shelf],
) -> None:
    seen = [stores.models.records_stamp()]
    for family in ("EXAMPLE", "EXAMPLE", "OTHER"):
        with stores.transaction() as tx:
            stores.records.put_many(tx, [make_incoming("e1", text=family, family=family)], classify)
        seen.append(stores.models.records_stamp())
    assert seen[0] != seen[1] == seen[2] != seen[3]
