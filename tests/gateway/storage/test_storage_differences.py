"""Differences and their feed, on both engines: what stands, its place, and no place seen before an earlier one."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.errors import Conflict, NotFound, NotPermitted
from gateway.storage.differing import BY_RULE, Field, Found, Kind, State
from gateway.storage.schema import now
from gateway.storage.signals import Mark
from ig.decision import FilterKind, RowFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.storage import Permit, Stores
    from gateway.storage.differences import FeedPage
    from gateway.storage.index import IndexEntry
    from gateway.storage.records import Incoming
    from linkage.nhs_number import NhsNumber

EVERY = frozenset(Field)
ONE = Found("", "person-1", "social-care", "X09", Field.ADDRESS, Kind.SUBSTANTIVE, "a")


@pytest.fixture
def record(stores: Stores, make_incoming: Callable[..., Incoming]) -> str:
    """A record that differences can be about."""
    return records(stores, make_incoming, 1)[0]


def records(stores: Stores, make_incoming: Callable[..., Incoming], count: int) -> list[str]:
    from gateway.storage.records import Shelf, source_person_id

    batch = [make_incoming(f"e{place}", person_ref=f"p{place}") for place in range(count)]
    with stores.transaction() as tx:
        stores.records.put_many(tx, batch, lambda *_: Shelf("demographics"))
    one = batch[0].record
    return [source_person_id(one.source, one.organisation, f"p{place}") for place in range(count)]


def settle(stores: Stores, names: Sequence[str], *found: Found, fields: frozenset[Field] = EVERY) -> list[State]:
    with stores.transaction() as tx:
        return [one.state for one in stores.differences.settle(tx, names, found, fields)]


def feed(stores: Stores, permit: Permit, after: int = 0, limit: int = 100) -> FeedPage:
    return stores.differences.feed(permit, after, limit)


def told(page: FeedPage) -> list[tuple[Kind, State]]:
    return [(one.kind, one.state) for one in page.changes]


@pytest.fixture
def own(make_permit: Callable[..., Permit]) -> Permit:
    return make_permit(organisation="X09")


def test_what_is_found_again_about_the_same_values_stays_as_it_was_decided(
    stores: Stores, record: str, own: Permit
) -> None:
    one = replace(ONE, source_person_id=record)
    assert settle(stores, [record], one) == [State.OPEN]
    assert settle(stores, [record], one) == []
    with stores.transaction() as tx:
        stores.differences.decide(tx, one.difference_id, State.DISMISSED, actor="dee", note="two homes")
    assert settle(stores, [record], one) == []
    held = stores.differences.show(own, one.difference_id)
    assert (held.state, held.actor, held.note) == (State.DISMISSED, "dee", "two homes")
    # another value: the decision was not about that
    assert settle(stores, [record], replace(one, about="b")) == [State.OPEN]
    held = stores.differences.show(own, one.difference_id)
    assert (held.state, held.actor, held.note, held.decided_at) == (State.OPEN, "", "", None)
    assert settle(stores, [record]) == [State.SUPERSEDED]
    assert settle(stores, [record]) == []
    assert settle(stores, [record], one) == [State.OPEN]
    assert told(feed(stores, own)) == [(Kind.SUBSTANTIVE, State.OPEN)]


def test_what_is_equal_but_for_its_form_begins_as_an_update_by_rule(stores: Stores, record: str, own: Permit) -> None:
    one = replace(ONE, source_person_id=record, kind=Kind.FORMATTING)
    assert settle(stores, [record], one) == [State.APPLIED]
    assert stores.differences.show(own, one.difference_id).actor == BY_RULE
    with pytest.raises(Conflict, match="not open"), stores.transaction() as tx:
        stores.differences.decide(tx, one.difference_id, State.DISMISSED, actor="dee", note="no")


def test_only_the_fields_in_hand_are_settled(stores: Stores, record: str, own: Permit) -> None:
    number = replace(ONE, source_person_id=record, field=Field.NHS_NUMBER, kind=Kind.SUPERSEDED)
    settle(stores, [record], number)
    settle(stores, [record], fields=EVERY - {Field.NHS_NUMBER})
    assert told(feed(stores, own)) == [(Kind.SUPERSEDED, State.OPEN)]


def test_the_list_has_what_presses_most_first_and_nobody_elses_records(
    stores: Stores, record: str, own: Permit, make_permit: Callable[..., Permit]
) -> None:
    kinds = (Kind.SUBSTANTIVE, Kind.FORMAL_DEATH, Kind.INFORMAL_DEATH, Kind.DUPLICATE_NUMBER)
    settle(stores, [record], *(replace(ONE, source_person_id=record, kind=kind) for kind in kinds))
    found = stores.differences.list(own, State.OPEN)
    assert [one.kind for one in found] == [kinds[place] for place in (1, 3, 2, 0)]
    assert stores.differences.list(own, State.OPEN, sources=["gp"]) == []
    assert stores.differences.list(own, State.OPEN, limit=1) == found[:1]
    other = make_permit(organisation="R01", providers=["X09"])
    assert stores.differences.list(other, State.OPEN) == []
    assert feed(stores, other).changes == ()
    with pytest.raises(NotFound):
        stores.differences.show(other, found[0].difference_id)


def test_the_filters_of_a_permit_are_kept_or_nothing_is_read(
    stores: Stores,
    record: str,
    make_permit: Callable[..., Permit],
    make_entry: Callable[..., IndexEntry],
) -> None:
    from gateway.ids import person_id
    from linkage.person import Security

    hidden = make_entry(3, security=Security.RESTRICTED)
    with stores.transaction() as tx:
        stores.index.put_many(tx, [hidden], source="demo", as_of=now().date())
    about_hidden = replace(ONE, source_person_id=record, person_id=person_id(hidden.number), field=Field.DEATH)
    settle(stores, [record], about_hidden)
    everybody = make_permit(organisation="X09", row_filters=[RowFilter(FilterKind.PROVIDERS, ("X09",))])
    assert len(feed(stores, everybody).changes) == 1
    unrestricted = make_permit(organisation="X09", row_filters=[RowFilter(FilterKind.NOT_RESTRICTED)])
    assert feed(stores, unrestricted).changes == ()
    unknown = make_permit(organisation="X09", row_filters=[RowFilter(FilterKind.WITHOUT_OPT_OUT, ("national",))])
    with pytest.raises(NotPermitted):
        feed(stores, unknown)


def test_a_page_ends_where_the_next_begins(stores: Stores, own: Permit, make_incoming: Callable[..., Incoming]) -> None:
    names = records(stores, make_incoming, 5)
    settle(stores, names, *(replace(ONE, source_person_id=name) for name in names))
    seen, place, more = list[str](), 0, True
    while more:
        page = feed(stores, own, place, 2)
        seen += [one.source_person_id for one in page.changes]
        place, more = page.place, page.more
    assert sorted(seen) == sorted(names)
    assert feed(stores, own, place).changes == ()
    settle(stores, names[:1])
    page = feed(stores, own, place)
    assert [(one.source_person_id, one.state) for one in page.changes] == [(names[0], State.SUPERSEDED)]


def test_what_has_not_stood_for_long_is_forgotten_and_the_feed_begins_after_it(
    stores: Stores, record: str, own: Permit
) -> None:
    settle(stores, [record], replace(ONE, source_person_id=record))
    settle(stores, [record])
    with stores.transaction() as tx:
        assert stores.differences.clear(tx, now() - timedelta(days=1)) == 0
    with stores.transaction() as tx:
        assert stores.differences.clear(tx, now() + timedelta(days=1)) == 1
    head = stores.differences.head()
    assert head is not None
    assert (head.horizon, head.last) == (2, 2)
    assert feed(stores, own).changes == ()


def test_no_place_in_the_feed_is_seen_before_an_earlier_one(
    stores: Stores, own: Permit, make_incoming: Callable[..., Incoming]
) -> None:
    """Four writers at once, one of them slow to commit, and a reader that goes on from wherever it was.

    Without the lock on the feed a reader meets the later place, goes on from it, and never sees the earlier one.
    """
    each = 6
    names = records(stores, make_incoming, 4 * each)
    begun, left = threading.Barrier(5), threading.Event()

    def write(own_names: list[str], slow: float) -> None:
        begun.wait()
        for name in own_names:
            with stores.transaction() as tx:
                stores.differences.settle(tx, [name], [replace(ONE, source_person_id=name)], EVERY)
                left.wait(slow)

    writers = [
        threading.Thread(target=write, args=(names[place * each : (place + 1) * each], 0.02 if place == 0 else 0.0))
        for place in range(4)
    ]
    for writer in writers:
        writer.start()
    begun.wait()
    seen, place = list[tuple[int, str]](), 0
    while any(writer.is_alive() for writer in writers) or feed(stores, own, place).changes:
        page = feed(stores, own, place, 3)
        seen += [(one.seq, one.source_person_id) for one in page.changes]
        place = page.place
    places = [seq for seq, _ in seen]
    assert places == sorted(places)
    assert places == list(range(1, len(names) + 1))
    assert sorted(name for _, name in seen) == sorted(names)


def test_a_later_writer_waits_until_an_earlier_one_has_committed(
    stores: Stores, own: Permit, make_incoming: Callable[..., Incoming]
) -> None:
    first, second = records(stores, make_incoming, 2)
    done = threading.Event()

    def later() -> None:
        settle(stores, [second], replace(ONE, source_person_id=second))
        done.set()

    with stores.transaction() as tx:
        stores.differences.settle(tx, [first], [replace(ONE, source_person_id=first)], EVERY)
        writer = threading.Thread(target=later)
        writer.start()
        assert not done.wait(0.2)
        assert feed(stores, own).changes == ()
    writer.join(30)
    assert [(one.seq, one.source_person_id) for one in feed(stores, own).changes] == [(1, first), (2, second)]


def test_a_write_that_fails_leaves_no_hole(stores: Stores, record: str, own: Permit) -> None:
    one = replace(ONE, source_person_id=record)

    def fails() -> None:
        with stores.transaction() as tx:
            stores.differences.settle(tx, [record], [one], EVERY)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    settle(stores, [record], one)
    assert [one.seq for one in feed(stores, own).changes] == [1]


def test_differences_are_read_with_a_permit_alone(stores: Stores) -> None:
    for read in (
        lambda: stores.differences.feed(None, 0, 1),  # type: ignore[arg-type]  # what is refused
        lambda: stores.differences.list(None, State.OPEN),  # type: ignore[arg-type]  # the same
        lambda: stores.differences.show(None, "x"),  # type: ignore[arg-type]  # the same
        lambda: stores.signals.waiting(None),  # type: ignore[arg-type]  # the same
        lambda: stores.signals.ours(None, ()),  # type: ignore[arg-type]  # the same
        lambda: stores.compared.holding(None, "a", "b", "c"),  # type: ignore[arg-type]  # the same
    ):
        with pytest.raises(NotPermitted):
            read()


def test_counts_are_by_kind_and_state(stores: Stores, record: str) -> None:
    settle(stores, [record], replace(ONE, source_person_id=record))
    assert stores.differences.counts() == {"substantive": {"open": 1}}


# --- whom to read anew ----------------------------------------------------------------------------------------------

AT = datetime(2026, 6, 1, 13, tzinfo=UTC)


def test_a_version_that_was_read_is_not_read_again(
    stores: Stores, own: Permit, nth_number: Callable[[int], NhsNumber]
) -> None:
    number = nth_number(3).digits
    mark = Mark(number, "pds-record-change-2", 4, AT)

    def marked(one: Mark) -> int:
        with stores.transaction() as tx:
            return stores.signals.mark(tx, [one])

    assert marked(mark) == 1
    (waits,) = stores.signals.waiting(own)
    assert waits.nhs_number == number
    assert stores.signals.waiting_count() == 1
    with stores.transaction() as tx:
        stores.signals.read(tx, [(waits, 4)])
    assert stores.signals.waiting(own) == []
    assert marked(mark) == 0
    assert marked(replace(mark, wanted=3)) == 0
    assert marked(replace(mark, wanted=5)) == 1
    assert marked(replace(mark, wanted=0)) == 1


def test_a_signal_that_comes_while_somebody_is_read_is_not_lost(
    stores: Stores, own: Permit, nth_number: Callable[[int], NhsNumber]
) -> None:
    mark = Mark(nth_number(3).digits, "pds-change-of-gp-2", 0, AT)
    with stores.transaction() as tx:
        stores.signals.mark(tx, [mark])
    (waits,) = stores.signals.waiting(own)
    with stores.transaction() as tx:
        stores.signals.mark(tx, [replace(mark, told_at=AT + timedelta(minutes=1))])
        stores.signals.read(tx, [(waits, 0)])
    assert len(stores.signals.waiting(own)) == 1


def test_an_index_of_a_later_day_answers_a_signal(
    stores: Stores, own: Permit, make_entry: Callable[..., IndexEntry]
) -> None:
    entry = make_entry(3)
    mark = Mark(entry.number.digits, "pds-record-change-2", 4, AT)
    for day, left in ((AT.date(), 1), (AT.date() + timedelta(days=1), 0)):
        with stores.transaction() as tx:
            stores.index.put_many(tx, [entry], source="demo", as_of=day)
            stores.signals.mark(tx, [mark])
            stores.signals.covered(tx)
        assert stores.signals.waiting_count() == left
    assert stores.signals.ours(own, [entry.number]) == {entry.number.digits}
