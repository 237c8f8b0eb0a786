"""A change of anything that is compared has the record traced again, and nothing else does."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from adapters.feed import SourceRecord
from fixtures.rates import AS_OF
from gateway.services.records import changes
from gateway.services.records.index import IndexSource, load_index
from gateway.services.records.link import link_all
from gateway.storage.links import Basis
from gateway.storage.records import Incoming, Shelf, source_person_id
from linkage.normalise import normalise
from linkage.person import Demographics
from tests.gateway.houses import (
    AMINA,
    BRAM,
    DIED,
    FORMER,
    NAMESAKE,
    OTHER_NAMESAKE,
    PEOPLE,
    STRANGER,
    TODAY,
    Townsperson,
    event,
    index_csv,
    nth,
    system,
    take_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.house import House
    from gateway.services.records.link import LinkReport
    from gateway.storage import Permit

TOLD: Final = Demographics(
    nhs_number=AMINA.number,
    family="Patelova",
    given="Amina",
    other_given=("Rose",),
    previous_family=("Shah",),
    birth_date="1941-03-15",
    gender="female",
    postcode="LE2 1AA",
    previous_postcode=("LE3 3BB",),
    address=("1 Test Street",),
    phone=("01160000010",),
    email=("amina@e.example",),
    gp_practice="Z99001",
    death_date="2024-02-01",
)
OTHERWISE: Final[dict[str, Any]] = {
    "nhs_number": BRAM.number,
    "family": "Patel",
    "given": "Aminah",
    "other_given": ("Ruby",),
    "previous_family": ("Desai",),
    "birth_date": "1941-03-16",
    "gender": "male",
    "postcode": "LE2 1AB",
    "previous_postcode": ("LE3 3BC",),
    "address": ("2 Test Street",),
    "phone": ("01160000099",),
    "email": ("other@e.example",),
    "gp_practice": "Z99002",
    "death_date": "2024-02-02",
}


def client(ref: str) -> str:
    return source_person_id("social-care", "999", ref)


def run(house: House) -> LinkReport:
    return link_all(house, system(house, "system-link"))


def send(house: House, ref: str, said: Demographics, day: int) -> None:
    """One record as the use case of ingest stores it, with demographics that no one feed has all of."""
    original = f"{ref}|{said}|{day}".encode()
    record = SourceRecord(
        source="social-care",
        organisation="999",
        kind="client-event",
        local_id=ref,
        person_ref=ref,
        occurred=f"2026-01-{day:02d}",
        feed="made.csv",
        row=day,
        original=original,
        content_hash=hashlib.sha256(original).hexdigest(),
        resources=(),
    )
    person = normalise(said)
    number = person.nhs_number.digits if person.nhs_number else ""
    with house.stores.transaction() as tx:
        house.stores.records.put_many(tx, [Incoming(record, person.pack(), number)], lambda *_: Shelf("demographics"))


def index(house: House, folder: Path, *people: Townsperson, day: int = 30) -> None:
    source = IndexSource(index_csv(folder / "index.csv", people), "demo", AS_OF.replace(day=day))
    load_index(house, system(house, "system-index"), source)


def test_the_table_below_has_every_field() -> None:
    assert set(OTHERWISE) == {each.name for each in fields(Demographics)}


@pytest.mark.parametrize("field", sorted(OTHERWISE))
def test_a_change_of_any_field_traces_that_record_and_no_other(own_town: House, field: str) -> None:
    send(own_town, "c1", TOLD, 1)
    send(own_town, "c2", replace(TOLD, family="Okonjo", given="Bram", nhs_number=""), 1)
    assert run(own_town).traced == 2
    assert run(own_town).traced == 0
    send(own_town, "c1", TOLD, 2)
    assert run(own_town).traced == 0
    send(own_town, "c1", replace(TOLD, **{field: OTHERWISE[field]}), 3)
    assert run(own_town).traced == 1
    assert run(own_town).traced == 0


def test_an_older_word_of_somebody_changes_nothing(own_town: House) -> None:
    send(own_town, "c1", TOLD, 5)
    run(own_town)
    send(own_town, "c1", replace(TOLD, family="Patel"), 4)
    assert run(own_town).traced == 0


def test_a_new_number_moves_the_record_to_its_person(
    own_town: House, tmp_path: Path, make_permit: Callable[..., Permit]
) -> None:
    take_in(own_town, tmp_path / "a.csv", [event("c1", BRAM, number=BRAM.number)])
    take_in(own_town, tmp_path / "b.csv", [event("c1", AMINA, {"Event Start Date": "18/11/2025"}, number=AMINA.number)])
    link = own_town.stores.links.standing(make_permit(providers=["999"]), [client("c1")])[client("c1")]
    assert (link.person_id, link.basis) == (AMINA.id, Basis.CROSS_CHECK)


# --- a change in the index ----------------------------------------------------------------------------------------


@pytest.fixture
def linked(own_town: House, tmp_path: Path) -> House:
    """Five records: linked, proposed, in doubt, found by nobody, and about somebody else."""
    rows = [
        event("linked", AMINA, number=AMINA.number),
        event("other", BRAM),
        event("doubt", replace(NAMESAKE, postcode="")),
        event("nobody", STRANGER),
        event("died", DIED),
    ]
    take_in(own_town, tmp_path / "c.csv", rows)
    return own_town


def traced_by(house: House, permit: Permit) -> set[str]:
    """Which records the next run would look at."""
    refs = ("linked", "other", "doubt", "nobody", "died")
    marked = house.stores.records.source_people(permit, untraced_for="?")
    before = {one.source_person_id: one.traced_under for one in marked}
    changes.begin(house, permit, changes.stamp(house, house.engine()))
    after = {one.source_person_id: one.traced_under for one in house.stores.records.source_people(permit)}
    return {ref for ref in refs if after[client(ref)] != before[client(ref)]}


@pytest.mark.parametrize(
    ("now", "again"),
    [
        (PEOPLE, set()),
        ([replace(AMINA, phone="01160000098"), *PEOPLE[1:]], {"linked"}),
        ([replace(one, sensitivity="R") if one is BRAM else one for one in PEOPLE], {"other"}),
        ([replace(one, previous_family="Smit") if one is OTHER_NAMESAKE else one for one in PEOPLE], {"doubt"}),
        ([replace(one, death_date="2024-02-02") if one is DIED else one for one in PEOPLE], {"died"}),
        ([replace(BRAM, superseded_by=nth(24)), replace(BRAM, number=nth(24)), *PEOPLE], {"other"}),
        ([*PEOPLE, STRANGER], {"nobody"}),
    ],
    ids=["nothing", "phone", "restricted", "in-doubt", "died", "superseded", "new"],
)
def test_an_index_load_traces_again_only_whom_it_concerns(  # noqa: PLR0913, PLR0917 - one argument a column
    linked: House,
    tmp_path: Path,
    permit: Permit,
    now: list[Townsperson],
    again: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(changes, "_STEPS_A_DOUBLING", 1)
    run(linked)
    index(linked, tmp_path, *now)
    assert traced_by(linked, permit) == again
    assert run(linked).traced == len(again)
    assert run(linked).traced == 0


def test_what_an_index_load_changed_is_what_a_whole_run_would_find(
    linked: House, tmp_path: Path, make_permit: Callable[..., Permit]
) -> None:
    permit = make_permit(providers=["999"])
    names = [client(ref) for ref in ("linked", "other", "doubt", "nobody", "died")]
    changed = [replace(BRAM, superseded_by=nth(24)), replace(BRAM, number=nth(24)), STRANGER]
    index(linked, tmp_path, *(one for one in PEOPLE if one is not BRAM), *changed)
    run(linked)
    before = {name: link.person_id for name, link in linked.stores.links.standing(permit, names).items()}
    with linked.stores.transaction() as tx:
        linked.stores.traces.forget_all(tx)
    assert run(linked).traced == len(names)
    assert {name: link.person_id for name, link in linked.stores.links.standing(permit, names).items()} == before


def test_much_of_the_index_changed_traces_everybody(
    linked: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_FEW", 0)
    index(linked, tmp_path, *(replace(one, phone=f"0116000{place:04}") for place, one in enumerate(PEOPLE)))
    assert run(linked).traced == 5


def test_a_load_that_was_not_whole_is_looked_at_again_when_it_is(
    linked: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run while an index is still being loaded does not take what is there already for all that will come."""
    with monkeypatch.context() as broken:
        broken.setattr("gateway.services.records.index._count_terms", lambda *_: (_ for _ in ()).throw(OSError))
        with pytest.raises(OSError):  # noqa: PT011 - the fault planted above
            index(linked, tmp_path, replace(AMINA, phone="01160000098"), *PEOPLE[1:])
    assert run(linked).traced == 0
    index(linked, tmp_path, replace(AMINA, phone="01160000098"), *PEOPLE[1:])
    assert run(linked).traced == 1


def test_a_seal_that_arrives_late_reaches_the_records_traced_before(
    linked: House, tmp_path: Path, permit: Permit
) -> None:
    take_in(linked, tmp_path / "d.csv", [event("former", TODAY, number=FORMER.number)])
    (never,) = linked.stores.links.nevers(permit, [client("former")]).values()
    assert TODAY.id in never


def test_records_packed_by_another_normalisation_are_made_comparable_from_their_original(
    own_town: House, tmp_path: Path, permit: Permit
) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", AMINA, number=AMINA.number)])
    kept = own_town.stores.records.source_person(permit, client("c1"))
    assert kept is not None
    with own_town.stores.transaction() as tx:
        own_town.stores.records.repack(tx, {client("c1"): b"[0" + kept.packed[2:]})
        own_town.stores.traces.forget_all(tx)
    assert run(own_town).outcomes == {"matched": 1}
    assert own_town.stores.records.source_person(permit, client("c1")) == kept
