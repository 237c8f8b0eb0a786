"""One number takes the place of another: links, opt-outs, ties and pseudonyms go on with the person who is left."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow.parquet as pq
import pytest

from fixtures.agreements import demo_agreements
from fixtures.rates import AS_OF
from gateway.errors import NotPermitted
from gateway.gate.facts import _own_opt_outs
from gateway.ids import person_id_without_number
from gateway.services.governance.agreements import activate
from gateway.services.governance.audit import who_looked
from gateway.services.governance.facts import load_facts
from gateway.services.outbound import subscribers
from gateway.services.records import objections
from gateway.services.records.everything import everything
from gateway.services.records.index import IndexSource, load_index
from gateway.services.records.link import link_all
from gateway.services.records.reviews import decide_case, open_cases, take_back
from gateway.services.records.supersede import follow_numbers
from gateway.services.records.unlink import unlink_record
from gateway.services.releases.build import build_release
from gateway.services.releases.retired import retired
from gateway.services.tracing.verify import verify_number
from gateway.storage.factkinds import opt_out
from gateway.storage.facts import StoredFact
from gateway.storage.links import FOLLOWED, Basis, LinkKind, NewLink
from gateway.storage.outbox import Topic
from gateway.storage.records import source_person_id
from ig.decision import FilterKind, RowFilter
from ig.optouts import NATIONAL, NOT_OPTED_OUT, OPTED_OUT, TYPE1
from ig.purpose import Purpose
from linkage.pseudonym import Domain
from tests.gateway.houses import (
    BRAM,
    FORMER,
    NAMESAKE,
    PEOPLE,
    TODAY,
    Townsperson,
    event,
    facts_csv,
    index_csv,
    nth,
    persona,
    system,
    take_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.house import House
    from gateway.services.records.link import LinkReport
    from gateway.storage import Permit
    from gateway.storage.links import Link

OLD: Final = Townsperson(nth(30), "Marchetti", "Lucia", "1955-04-12", "LE2 6AA", phone="01160000030")
NEW: Final = replace(OLD, number=nth(31))
LAST: Final = replace(OLD, number=nth(32))
OTHER: Final = Townsperson(nth(33), "Ostrowska", "Halina", "1949-08-03", "LE3 9CC")


def client(ref: str) -> str:
    return source_person_id("social-care", "999", ref)


def index(house: House, folder: Path, *people: Townsperson, day: int) -> None:
    source = IndexSource(index_csv(folder / "index.csv", (*PEOPLE, *people)), "demo", AS_OF.replace(day=day))
    load_index(house, system(house, "system-index"), source)


def run(house: House) -> LinkReport:
    return link_all(house, system(house, "system-link"))


def replaced(one: Townsperson, by: Townsperson) -> Townsperson:
    return replace(one, superseded_by=by.number)


@pytest.fixture
def living(own_town: House, tmp_path: Path) -> House:
    """A town with two more people, a record of each, and nobody's number replaced yet."""
    index(own_town, tmp_path, OLD, OTHER, day=20)
    take_in(
        own_town, tmp_path / "c.csv", [event("c1", OLD, number=OLD.number), event("c2", OTHER, number=OTHER.number)]
    )
    return own_town


def now_is(house: House, permit: Permit, ref: str) -> Link:
    return house.stores.links.standing(permit, [client(ref)])[client(ref)]


def population(house: House, make_permit: Callable[..., Permit], *schemes: str) -> set[str]:
    kept = (RowFilter(FilterKind.WITHOUT_OPT_OUT, (*schemes,)),)
    permit = make_permit(providers=frozenset({"999"}), row_filters=kept)
    return {member.person_id for member in house.stores.records.population(permit)}


def opt(house: House, folder: Path, *people: Townsperson) -> None:
    rows = [f"national-opt-out,{one.number},opted-out,nhse,2026-01-01," for one in people]
    load_facts(house, "national-opt-out", facts_csv(folder / "optouts.csv", *rows))


def test_a_link_follows_to_the_number_in_force_and_keeps_its_grounds(
    living: House, tmp_path: Path, make_permit: Callable[..., Permit]
) -> None:
    permit = make_permit()
    before = now_is(living, permit, "c1")
    index(living, tmp_path, replaced(OLD, NEW), NEW, OTHER, day=21)
    followed = run(living).numbers
    assert (followed.moved, followed.held_back, followed.rings) == (1, 0, 0)
    (moved,) = [fact for fact in living.stores.links.history(permit, client("c1")) if fact.actor == FOLLOWED]
    assert (moved.person_id, moved.basis, moved.evidence, moved.bits) == (
        NEW.id,
        before.basis,
        before.evidence,
        before.bits,
    )
    assert moved.supersedes == before.link_id
    assert now_is(living, permit, "c1").person_id == NEW.id
    assert living.stores.links.number_of(permit, NEW.id) is not None
    assert run(living).numbers.moved == 0


def test_a_chain_is_followed_to_its_end_step_by_step_and_at_once(
    living: House, tmp_path: Path, make_permit: Callable[..., Permit]
) -> None:
    permit = make_permit()
    index(living, tmp_path, replaced(OLD, NEW), replaced(NEW, LAST), LAST, OTHER, day=21)
    run(living)
    assert now_is(living, permit, "c1").person_id == LAST.id
    index(living, tmp_path, replaced(OTHER, OLD), replaced(OLD, NEW), replaced(NEW, LAST), LAST, day=22)
    run(living)
    assert now_is(living, permit, "c2").person_id == LAST.id


def test_a_ring_of_numbers_is_followed_by_nobody_and_reported(
    living: House, tmp_path: Path, make_permit: Callable[..., Permit]
) -> None:
    index(living, tmp_path, replaced(OLD, NEW), replaced(NEW, OLD), OTHER, day=21)
    followed = follow_numbers(living, make_permit())
    assert (followed.moved, followed.rings) == (0, 2)
    assert now_is(living, make_permit(), "c1").person_id == OLD.id


def test_a_number_that_the_index_does_not_hold_or_withdrew_is_waited_for(
    living: House, tmp_path: Path, make_permit: Callable[..., Permit]
) -> None:
    permit = make_permit()
    index(living, tmp_path, replaced(OLD, NEW), OTHER, day=21)
    assert follow_numbers(living, permit).held_back == 1
    index(living, tmp_path, replaced(OLD, NEW), replace(NEW, sensitivity="I"), OTHER, day=22)
    assert follow_numbers(living, permit).held_back == 1
    index(living, tmp_path, replaced(OLD, NEW), NEW, OTHER, day=23)
    assert follow_numbers(living, permit).moved == 1


# --- opt-outs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("under", [OLD, NEW, LAST], ids=["first", "middle", "last"])
def test_an_opt_out_under_any_number_holds_before_and_after_the_link_follows(
    living: House, tmp_path: Path, make_permit: Callable[..., Permit], under: Townsperson
) -> None:
    opt(living, tmp_path, under)
    index(living, tmp_path, replaced(OLD, NEW), replaced(NEW, LAST), LAST, OTHER, day=21)
    assert population(living, make_permit, NATIONAL) == {OTHER.id}
    run(living)
    assert population(living, make_permit, NATIONAL) == {OTHER.id}
    assert population(living, make_permit) == {LAST.id, OTHER.id}


def test_an_opt_out_loaded_after_the_number_was_replaced_holds_too(
    living: House, tmp_path: Path, make_permit: Callable[..., Permit]
) -> None:
    index(living, tmp_path, replaced(OLD, NEW), NEW, OTHER, day=21)
    run(living)
    assert population(living, make_permit, NATIONAL) == {NEW.id, OTHER.id}
    opt(living, tmp_path, OLD)
    assert population(living, make_permit, NATIONAL) == {OTHER.id}
    opt(living, tmp_path)
    assert population(living, make_permit, NATIONAL) == {NEW.id, OTHER.id}


def test_two_people_who_become_one_keep_the_stricter_of_their_wishes(
    living: House, tmp_path: Path, make_permit: Callable[..., Permit]
) -> None:
    """What one of them withdrew later, the other did not; within one number the latest word stays the latest."""
    said = [
        StoredFact(objections.SOURCE_TYPE1, client("c1"), OPTED_OUT, "Z99001", living.now().replace(year=2024)),
        StoredFact(objections.SOURCE_TYPE1, client("c2"), NOT_OPTED_OUT, "Z99002", living.now().replace(year=2025)),
    ]
    with living.stores.transaction() as tx:
        living.stores.governance.facts.put_many(tx, said)
    run(living)
    assert population(living, make_permit, TYPE1) == {OTHER.id}
    index(living, tmp_path, replaced(OLD, OTHER), OTHER, day=21)
    run(living)
    assert {now_is(living, make_permit(), ref).person_id for ref in ("c1", "c2")} == {OTHER.id}
    assert population(living, make_permit, TYPE1) == set()
    assert population(living, make_permit) == {OTHER.id}


def test_the_gate_reads_what_was_said_under_every_number(living: House, tmp_path: Path) -> None:
    """A tie under the old number shows the record of the new one; an opt-out under it stands before one withdrawn."""
    tie = f"caseload,{OLD.number},social-worker,999,2026-01-01,"
    load_facts(living, "caseload", facts_csv(tmp_path / "ties.csv", tie))
    index(living, tmp_path, replaced(OLD, NEW), NEW, OTHER, day=21)
    run(living)
    care = persona(living, "social-worker", Purpose.DIRECT_CARE)
    assert len(everything(living, care, NEW.id)["entry"]) > 1
    with pytest.raises(NotPermitted):
        everything(living, care, OTHER.id)
    later = living.now()
    facts = [
        StoredFact(opt_out(NATIONAL), OLD.id, OPTED_OUT, "nhse", later.replace(year=2020)),
        StoredFact(opt_out(NATIONAL), NEW.id, NOT_OPTED_OUT, "nhse", later),
    ]
    assert _own_opt_outs(facts)[NATIONAL].value == OPTED_OUT
    assert _own_opt_outs(reversed(facts))[NATIONAL].value == OPTED_OUT


# --- decisions ----------------------------------------------------------------------------------------------------


def decide(house: House, ref: str, who: Townsperson, kind: LinkKind) -> None:
    with house.stores.transaction() as tx:
        fact = NewLink(client(ref), who.id, kind, Basis.PERSON, "reviewer", nhs_number=who.number)
        house.stores.links.append(tx, [fact])


def test_a_persons_decision_goes_on_with_the_number_and_stays_a_decision(
    living: House, tmp_path: Path, make_permit: Callable[..., Permit]
) -> None:
    decide(living, "c1", OLD, LinkKind.IS)
    index(living, tmp_path, replaced(OLD, NEW), NEW, OTHER, day=21)
    run(living)
    held = now_is(living, make_permit(), "c1")
    assert (held.person_id, held.basis) == (NEW.id, Basis.PERSON)


def test_whoever_was_said_never_to_be_the_survivor_stays(
    living: House, tmp_path: Path, make_permit: Callable[..., Permit]
) -> None:
    decide(living, "c1", OLD, LinkKind.IS)
    decide(living, "c1", NEW, LinkKind.NEVER)
    index(living, tmp_path, replaced(OLD, NEW), NEW, OTHER, day=21)
    assert follow_numbers(living, make_permit()).held_back == 1
    assert now_is(living, make_permit(), "c1").person_id == OLD.id


def test_records_that_somebody_separated_do_not_meet_through_a_number(
    living: House, tmp_path: Path, make_permit: Callable[..., Permit]
) -> None:
    own, here = person_id_without_number(client("c2")), now_is(living, make_permit(), "c2")
    facts = [
        NewLink(client("c2"), own, LinkKind.IS, Basis.OWN, "gateway:link"),
        NewLink(client("c2"), OTHER.id, LinkKind.IS, here.basis, "gateway:link", nhs_number=OTHER.number),
        NewLink(client("c1"), own, LinkKind.NEVER, Basis.PERSON, "reviewer"),
    ]
    with living.stores.transaction() as tx:
        living.stores.links.append(tx, facts)
    index(living, tmp_path, replaced(OLD, OTHER), OTHER, day=21)
    assert follow_numbers(living, make_permit()).held_back == 1
    run(living)
    live = {ref: now_is(living, make_permit(), ref).person_id for ref in ("c1", "c2")}
    assert live["c1"] != live["c2"]


def test_a_protected_identity_is_not_reached_by_its_former_number(
    living: House, tmp_path: Path, make_permit: Callable[..., Permit]
) -> None:
    former = replace(FORMER, sensitivity="U", superseded_by=TODAY.number)
    take_in(living, tmp_path / "f.csv", [event("c9", FORMER, number=FORMER.number)])
    source = IndexSource(index_csv(tmp_path / "i.csv", [*(p for p in PEOPLE if p != FORMER), former]), "demo", AS_OF)
    load_index(living, system(living, "system-index"), source)
    run(living)
    held = living.stores.links.standing(make_permit(), [client("c9")]).get(client("c9"))
    assert held is None or held.person_id != TODAY.id
    assert living.stores.successions.family(make_permit(), TODAY.id) == {TODAY.id}


def test_unlinking_after_a_number_was_replaced_leaves_nothing_of_that_person(
    living: House, tmp_path: Path, make_permit: Callable[..., Permit]
) -> None:
    permit = make_permit()
    index(living, tmp_path, replaced(OLD, NEW), NEW, OTHER, day=21)
    run(living)
    unlink_record(living, persona(living, "reviewer"), client("c1"), "test")
    assert client("c1") not in living.stores.links.standing(permit, [client("c1")])
    assert living.stores.links.nevers(permit, [client("c1")])[client("c1")] >= {OLD.id, NEW.id}
    run(living)
    assert now_is(living, permit, "c1").basis is Basis.OWN


# --- whoever hears of it ------------------------------------------------------------------------------------------


def test_the_sender_of_a_record_hears_that_its_number_changed_and_nothing_more(living: House, tmp_path: Path) -> None:
    made = subscribers.add_webhook(
        living, persona(living, "ig-officer"), "https://hook.example/", "data-team", [Topic.NUMBER_CHANGED]
    )
    subscribers.add_webhook(living, persona(living, "ig-officer"), "https://gp.example/", "gp", [Topic.NUMBER_CHANGED])
    index(living, tmp_path, replaced(OLD, NEW), NEW, OTHER, day=21)
    run(living)
    (due,) = living.stores.outbox.claim()
    assert due.webhook.webhook_id == made.webhook_id
    body = json.loads(due.body)
    assert body == {"record": client("c1"), "code": "superseded", "fetch": "/fhir/R4/changes"}
    assert not any(digits in due.body.decode() for digits in (OLD.number, NEW.number, OLD.id, NEW.id))


def test_who_looked_is_answered_for_every_number_of_a_person(living: House, tmp_path: Path) -> None:
    worker, officer = persona(living, "social-worker"), persona(living, "ig-officer")
    verify_number(living, worker, OLD.number, OLD.asked())
    index(living, tmp_path, replaced(OLD, NEW), NEW, OTHER, day=21)
    verify_number(living, worker, NEW.number, NEW.asked())
    for number in (OLD.number, NEW.number):
        found = who_looked(living, officer, number=number, staff="social-worker")
        assert len([one for one in found if one.decision == "permit"]) >= 2


# --- releases -----------------------------------------------------------------------------------------------------


def release(house: House, period: str) -> tuple[dict[str, Any], set[str]]:
    """The manifest of a release, and its pseudonyms. Both lists of opt-outs have come in, with nobody here on them."""
    nobody = [StoredFact(opt_out(kind), BRAM.id, NOT_OPTED_OUT, "x", house.now()) for kind in (TYPE1, NATIONAL)]
    with house.stores.transaction() as tx:
        house.stores.governance.facts.put_many(tx, nobody)
    made = build_release(house, system(house, "system-release", Purpose.ANALYTICS), "ISA-ANALYTICS", period)
    found = house.stores.releases.get(made.release_id)
    assert found is not None
    people = pq.read_table(house.settings.releases_dir / made.folder / "people.parquet").to_pylist()
    return found.manifest, {row["pseudonym"] for row in people}


@pytest.mark.parametrize("told", [False, True], ids=["not-agreed", "agreed"])
def test_a_release_goes_on_under_the_surviving_pseudonym_and_says_so_only_where_agreed(
    living: House, tmp_path: Path, *, told: bool
) -> None:
    if told:
        text = next(one for one in demo_agreements() if "id: ISA-ANALYTICS" in one)
        text = text.replace("version: 1\n", "version: 2\n", 1).replace(
            "obligations: [audit-full,", "obligations: [audit-full, name-retired-pseudonyms,"
        )
        text = text.replace(", version: 1,", ", version: 2,")
        activate(living, persona(living, "ig-officer"), text)
    first, before = release(living, "2026-07")
    index(living, tmp_path, replaced(OLD, NEW), NEW, OTHER, day=21)
    run(living)
    second, after = release(living, "2026-08")
    (gone,), (come,) = before - after, after - before
    assert second.get("retired_pseudonyms") == ([[gone, come]] if told else None)
    assert first.get("retired_pseudonyms") == ([] if told else None)


def test_a_pseudonym_that_the_recipient_never_had_is_not_named(
    living: House, tmp_path: Path, make_permit: Callable[..., Permit]
) -> None:
    index(living, tmp_path, replaced(OLD, NEW), NEW, OTHER, day=21)
    run(living)
    members = living.stores.records.population(make_permit(providers=frozenset({"999"})))
    assert retired(living, make_permit(), members, Domain("ISA-ANALYTICS", "QZZ", "journeys", "v1")) == []


def test_a_decision_is_taken_back_whole_after_its_person_got_another_number(
    own_town: House, tmp_path: Path, make_permit: Callable[..., Permit]
) -> None:
    reviewer, permit = persona(own_town, "reviewer"), make_permit()
    take_in(own_town, tmp_path / "v.csv", [event("c7", replace(NAMESAKE, postcode=""))])
    (found,) = open_cases(own_town, reviewer)
    decide_case(own_town, reviewer, found.case_id, NAMESAKE.id)
    after = replace(NAMESAKE, number=nth(35))
    people = [*(one for one in PEOPLE if one is not NAMESAKE), replaced(NAMESAKE, after), after]
    source = IndexSource(index_csv(tmp_path / "i.csv", people), "demo", AS_OF.replace(day=21))
    load_index(own_town, system(own_town, "system-index"), source)
    run(own_town)
    assert now_is(own_town, permit, "c7").person_id == after.id
    take_back(own_town, reviewer, found.case_id, "test")
    assert now_is(own_town, permit, "c7").basis is Basis.OWN
    assert [one.case_id for one in open_cases(own_town, reviewer)] == [found.case_id]
