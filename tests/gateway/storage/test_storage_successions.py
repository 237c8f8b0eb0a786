"""Chains of replaced numbers, followed to their ends whatever the order they were heard in."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given
from hypothesis import settings as properties
from hypothesis import strategies as st

from gateway.ids import person_id
from gateway.storage import open_stores, successions, upgrade
from gateway.storage.database import Place
from gateway.storage.factkinds import NEVER_LINK
from gateway.storage.facts import StoredFact
from gateway.storage.keyring import Keyring
from gateway.storage.schema import now
from gateway.storage.successions import ends
from gateway.storage.upgrade import _STEPS, _make_schemas

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.settings import Settings
    from gateway.storage import Permit, Stores
    from gateway.storage.index import IndexEntry
    from linkage.nhs_number import NhsNumber

A, B, C, D = "abcd"


def note(stores: Stores, **changes: str) -> None:
    with stores.transaction() as tx:
        successions.note(tx, changes)


def survivor(stores: Stores, permit: Permit, person: str) -> frozenset[str]:
    family = stores.successions.families(permit, [person])[person]
    assert stores.successions.family(permit, person) == family
    return family


def test_a_chain_is_one_family_from_wherever_it_is_looked_at(
    stores: Stores, make_permit: Callable[..., Permit]
) -> None:
    note(stores, a=B)
    note(stores, b=C)
    permit = make_permit()
    assert {survivor(stores, permit, one) for one in (A, B, C)} == {frozenset({A, B, C})}
    assert survivor(stores, permit, D) == {D}


def test_a_ring_joins_nobody_and_is_counted(stores: Stores, make_permit: Callable[..., Permit]) -> None:
    note(stores, a=B, b=C, d=A)
    note(stores, c=A)
    permit = make_permit()
    assert [survivor(stores, permit, one) for one in (A, B, C, D)] == [{A}, {B}, {C}, {D}]
    assert stores.successions.rings() == 4
    note(stores, c="")
    assert survivor(stores, permit, D) == {A, B, C, D}
    assert stores.successions.rings() == 0


def test_a_replacement_taken_back_leaves_two_people(stores: Stores, make_permit: Callable[..., Permit]) -> None:
    note(stores, a=B)
    note(stores, a="")
    assert survivor(stores, make_permit(), A) == {A}
    note(stores)


def test_what_was_replaced_since_an_instant_is_told_with_its_end(
    stores: Stores, make_permit: Callable[..., Permit]
) -> None:
    note(stores, a=B)
    between = now()
    note(stores, c=D)
    permit = make_permit()
    assert stores.successions.since(permit, between) == {C: D}
    assert stores.successions.since(permit, between - timedelta(1)) == {A: B, C: D}


def test_the_index_says_who_was_replaced_and_protected_identities_are_left_out(
    stores: Stores,
    make_entry: Callable[..., IndexEntry],
    make_permit: Callable[..., Permit],
    nth_number: Callable[[int], NhsNumber],
) -> None:
    old, today = nth_number(1), nth_number(2)

    def load(**given: object) -> None:
        with stores.transaction() as tx:
            stores.index.put_many(tx, [make_entry(1, **given), make_entry(2)], source="demo", as_of=date(2026, 9, 30))

    permit, (former, now_is) = make_permit(), map(person_id, (old, today))
    load(superseded_by=today)
    assert survivor(stores, permit, now_is) == {former, now_is}
    load()
    assert survivor(stores, permit, now_is) == {now_is}
    load(superseded_by=today)
    with stores.transaction() as tx:
        stores.governance.facts.put_many(tx, [StoredFact(NEVER_LINK, former, now_is, "protected", now())])
        stores.index.protect(tx, [former, now_is], load=2)
    assert survivor(stores, permit, now_is) == {now_is}
    load(superseded_by=today)
    assert survivor(stores, permit, now_is) == {now_is}


def test_an_index_that_was_there_before_is_read_when_the_database_is_upgraded(
    settings: Settings, make_permit: Callable[..., Permit], nth_number: Callable[[int], NhsNumber]
) -> None:
    first, second, third = (nth_number(place) for place in range(1, 4))
    if settings.database_url is None:
        settings.data_dir.mkdir()
    else:
        _make_schemas(settings.database_url)
    config, place = Config(), Place.gateway(settings)
    config.set_main_option("script_location", str(_STEPS / "gateway"))
    engine = place.engine(writer=True)
    row = (
        "INSERT INTO index_person (id, person_id, nhs_number, version, security, superseded_by, death, source, as_of, "
        "packed, keys) VALUES (:id, :person, :number, 1, 'U', :by, 'none', 'demo', '2026-09-30', :none, :none)"
    )
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        for one, by in ((first, second.digits), (second, third.digits), (third, "")):
            told = {"id": int(one.digits[:9]), "person": person_id(one), "number": one.digits, "by": by, "none": b""}
            connection.execute(sa.text(row), told)
    engine.dispose()
    Keyring(settings.keys_dir).init()
    upgrade(settings)
    with open_stores(settings) as stores:
        assert survivor(stores, make_permit(), person_id(first)) == {person_id(one) for one in (first, second, third)}
        assert stores.successions.since(make_permit(), now() - timedelta(hours=1)).keys() == {
            person_id(first),
            person_id(second),
        }


@properties(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("abcdef")))
def test_every_end_is_reached_by_single_steps_and_is_nobody_replaced(edges: dict[str, str]) -> None:
    found = ends(edges)
    for start, end in found.items():
        at, seen = start, set[str]()
        while at in edges and at not in seen:
            seen.add(at)
            at = edges[at]
        assert end == ("" if at in seen else at)
        assert end not in edges
