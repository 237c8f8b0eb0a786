"""Agreements, organisations, facts, callers, sessions and releases are kept as they were given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from gateway import ids
from gateway.errors import Conflict, NotFound, NotPermitted
from gateway.storage import callers
from gateway.storage.agreements import AgreementText, Signature
from gateway.storage.callers import StoredCaller
from gateway.storage.factkinds import REGISTRATION, RELATIONSHIP, opt_out, relationship
from gateway.storage.facts import Organisation, StoredFact
from gateway.storage.links import Basis, LinkKind, NewLink
from gateway.storage.records import Member
from gateway.storage.releases import Release
from ig.decision import FilterKind, RowFilter
from linkage.person import Security

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.storage import Permit, Stores
    from gateway.storage.index import IndexEntry
    from gateway.storage.records import Incoming, Shelf

THEN = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
LATER = THEN + timedelta(days=1)
TEXT = AgreementText("ISA-1", "1", "a" * 64, "id: ISA-1\n", "draft")


def test_a_version_never_changes(stores: Stores) -> None:
    agreements = stores.governance.agreements
    with stores.transaction() as tx:
        assert agreements.put(tx, TEXT)
        assert not agreements.put(tx, TEXT)
    with pytest.raises(Conflict) as refused, stores.transaction() as tx:
        agreements.put(tx, AgreementText("ISA-1", "1", "b" * 64, "id: ISA-1 \n", "draft"))
    assert refused.value.reason == "agreement-version"
    with stores.transaction() as tx:
        agreements.set_status(tx, TEXT.hash, "active")
    assert agreements.all() == [AgreementText("ISA-1", "1", "a" * 64, "id: ISA-1\n", "active")]
    assert agreements.get("b" * 64) is None


def test_a_signature_is_given_once_and_under_something(stores: Stores) -> None:
    signature = Signature(TEXT.hash, "X09", "guardian", "caldicott-guardian", THEN)
    with pytest.raises(NotFound), stores.transaction() as tx:
        stores.governance.agreements.sign(tx, signature)
    with pytest.raises(NotFound), stores.transaction() as tx:
        stores.governance.agreements.set_status(tx, TEXT.hash, "active")
    with stores.transaction() as tx:
        stores.governance.agreements.put(tx, TEXT)
        stores.governance.agreements.sign(tx, signature)
        stores.governance.agreements.sign(tx, Signature(TEXT.hash, "X09", "another", "clerk", LATER))
    assert stores.governance.agreements.signatures() == [signature]


def test_organisations_are_brought_up_to_date(stores: Stores) -> None:
    organisations = stores.governance.organisations
    for name in ("Old name", "New name"):
        with stores.transaction() as tx:
            assert organisations.put_many(tx, [Organisation("X09", name, "council", {"region": "E12"})]) == 1
    assert organisations.get("X09") == Organisation("X09", "New name", "council", {"region": "E12"})
    assert organisations.get("X10") is None


def test_a_newer_fact_replaces_and_an_older_one_is_dropped(stores: Stores) -> None:
    facts = stores.governance.facts
    new, old = (StoredFact(REGISTRATION, "p", ods, "gp", at) for ods, at in (("C1", LATER), ("C2", THEN)))
    with stores.transaction() as tx:
        assert facts.put_many(tx, [new]) == 1
        assert facts.put_many(tx, [old]) == 0
        assert facts.put_many(tx, []) == 0
    assert facts.of(["p"]) == [new]
    with stores.transaction() as tx:
        assert facts.put_many(tx, [new, old]) == 1
    assert facts.of_kind(REGISTRATION) == [new]
    assert facts.counts() == {REGISTRATION: 1}
    assert facts.newest() == {REGISTRATION: LATER}


def test_a_person_may_stand_in_many_relationships(stores: Stores) -> None:
    both = [
        StoredFact(RELATIONSHIP, "p", relationship(ods, "caseload"), "social-care", THEN, LATER)
        for ods in ("X09", "X10")
    ]
    with stores.transaction() as tx:
        stores.governance.facts.put_many(tx, both)
    assert stores.governance.facts.of(["p"], [RELATIONSHIP]) == both
    assert stores.governance.facts.of(["p"], [REGISTRATION]) == []


def test_a_whole_list_takes_off_whoever_is_not_on_it(stores: Stores) -> None:
    kind = opt_out("national")
    for people in (("p", "q"), ("q",)):
        with stores.transaction() as tx:
            stores.governance.facts.replace(tx, kind, [StoredFact(kind, p, "opted-out", "ndop", THEN) for p in people])
    assert [fact.subject for fact in stores.governance.facts.of(["p", "q"])] == ["q"]


CALLER = StoredCaller(
    "sw-1", "A Worker", "X09", "council", "social-worker", "human", ("direct-care", "demographic-trace")
)


def test_a_revoked_caller_is_out_at_once(stores: Stores) -> None:
    with stores.transaction() as tx:
        stores.governance.callers.put(tx, CALLER)
    assert stores.governance.callers.all() == [CALLER]
    token = stores.governance.sessions.create("sw-1", {"purpose": "direct-care"})
    with stores.transaction() as tx:
        stores.governance.callers.revoke(tx, "sw-1")
    held = stores.governance.callers.get("sw-1")
    assert held is not None
    assert held.state == callers.REVOKED
    assert stores.governance.sessions.get(token, idle=timedelta(hours=1), limit=timedelta(hours=8)) is None
    assert stores.governance.callers.get("sw-2") is None
    with pytest.raises(NotFound), stores.transaction() as tx:
        stores.governance.callers.revoke(tx, "sw-2")


def test_a_session_ends_when_idle_and_in_any_case(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [THEN]
    monkeypatch.setattr(callers, "now", lambda: clock[0])
    sessions, idle, limit = stores.governance.sessions, timedelta(minutes=15), timedelta(hours=1)
    token = sessions.create("sw-1", {"n": 1})
    sessions.save(token, {"n": 2})
    for _ in range(5):
        clock[0] += timedelta(minutes=10)
        session = sessions.get(token, idle=idle, limit=limit)
        assert session is not None
        assert session.data == {"n": 2}
    clock[0] += timedelta(seconds=10)
    assert sessions.get(token, idle=idle, limit=limit) is not None
    clock[0] += timedelta(minutes=10)
    assert sessions.get(token, idle=idle, limit=limit) is None
    other = sessions.create("sw-1", {})
    clock[0] += idle
    assert sessions.get(other, idle=idle, limit=limit) is None
    assert sessions.sweep(idle=idle, limit=limit) == 2
    third = sessions.create("sw-1", {})
    sessions.delete(third)
    assert sessions.get(third, idle=idle, limit=limit) is None


def test_releases_are_listed_newest_first(stores: Stores) -> None:
    first = Release("r1", "ISA-4@1", "X09", "2026-09", "built", 10, {"files": ["a.parquet"]}, THEN)
    second = Release("r2", "ISA-4@1", "X09", "2026-10", "built", 12, {}, LATER)
    with stores.transaction() as tx:
        stores.releases.add(tx, first)
        stores.releases.add(tx, second)
    assert stores.releases.list() == [second, first]
    assert stores.releases.list(limit=1) == [second]
    assert stores.releases.get("r1") == first
    assert stores.releases.get("r3") is None


@pytest.fixture
def population(
    stores: Stores,
    make_incoming: Callable[..., Incoming],
    make_entry: Callable[..., IndexEntry],
    classify: Callable[..., Shelf],
    permit: Permit,
) -> dict[str, str]:
    """Four linked people: a (index, U), b (index, R), c (number unknown to the index), d (no number)."""
    with stores.transaction() as tx:
        entries = [make_entry(0), make_entry(1, security=Security.RESTRICTED)]
        stores.index.put_many(tx, entries, source="demo", as_of=THEN.date())
        stores.records.put_many(tx, [make_incoming(f"e{n}", person_ref=n) for n in "abcd"], classify)
    refs = {person.person_ref: person.source_person_id for person in stores.records.source_people(permit)}
    numbers = {"a": entries[0].number, "b": entries[1].number, "c": make_entry(2).number}
    persons = {ref: ids.person_id(numbers[ref]) if ref in numbers else f"person-{ref}" for ref in refs}
    facts = [
        NewLink(
            source_person,
            persons[ref],
            LinkKind.IS,
            Basis.PERSON,
            "reviewer",
            nhs_number=numbers[ref].digits if ref in numbers else "",
        )
        for ref, source_person in refs.items()
    ]
    with stores.transaction() as tx:
        stores.links.append(tx, facts)
        stores.governance.facts.put_many(
            tx,
            [
                StoredFact(REGISTRATION, persons["a"], "C81001", "gp", THEN),
                StoredFact(REGISTRATION, persons["b"], "C81002", "gp", THEN),
                StoredFact(REGISTRATION, persons["c"], "C81001", "gp", THEN, THEN),
                StoredFact(opt_out("national"), persons["a"], "opted-out", "ndop", THEN),
                StoredFact(opt_out("type1"), persons["b"], "none", "gp", THEN),
                StoredFact(RELATIONSHIP, persons["d"], relationship("X09", "caseload"), "social-care", THEN),
            ],
        )
    return persons


def test_a_release_is_made_of_what_its_people_have(
    stores: Stores, make_permit: Callable[..., Permit], population: dict[str, str]
) -> None:
    found = list(stores.records.linked(make_permit(providers=["X09"]), ["problems"], chunk=3))
    assert {one.person_id for one in found} == set(population.values())
    assert {(one.source, one.section) for one in found} == {("social-care", "problems")}
    assert list(stores.records.linked(make_permit(providers=["R01"]), ["problems"])) == []
    assert stores.records.joined() == 4


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ((), "abcd"),
        ((RowFilter(FilterKind.PROVIDERS, ("R01",)),), ""),
        ((RowFilter(FilterKind.REGISTERED_WITH, ("C81001",)),), "a"),
        ((RowFilter(FilterKind.REGISTERED_WITH, ("C81001", "C81002")),), "ab"),
        ((RowFilter(FilterKind.RELATED_TO, ("X09", "caseload", "referral")),), "d"),
        ((RowFilter(FilterKind.WITHOUT_OPT_OUT, ("national", "type1")),), "bcd"),
        ((RowFilter(FilterKind.NOT_RESTRICTED),), "ad"),
        ((RowFilter(FilterKind.WITH_NHS_NUMBER),), "abc"),
        ((RowFilter(FilterKind.WITHOUT_CODES, ("rcgp",)),), "abcd"),
        ((RowFilter(FilterKind.WITH_NHS_NUMBER), RowFilter(FilterKind.WITHOUT_OPT_OUT, ("national",))), "bc"),
    ],
)
def test_every_row_filter_takes_people_away(
    stores: Stores,
    make_permit: Callable[..., Permit],
    population: dict[str, str],
    filters: tuple[RowFilter, ...],
    left: str,
) -> None:
    found = stores.records.population(make_permit(providers=["X09"], row_filters=filters))
    assert {one.person_id for one in found} == {population[ref] for ref in left}
    assert found == sorted(found, key=lambda one: one.person_id)
    assert all(isinstance(one, Member) for one in found)


def test_a_filter_that_storage_cannot_apply_refuses(
    stores: Stores, make_permit: Callable[..., Permit], population: dict[str, str]
) -> None:
    with pytest.raises(NotPermitted) as refused:
        stores.records.population(
            make_permit(providers=["X09"], row_filters=[RowFilter(FilterKind.ACTORS_OF, ("X09",))])
        )
    assert refused.value.reason == "row-filter-unknown"
