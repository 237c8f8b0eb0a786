"""No order of arrivals joins what a person separated, and what came first makes no difference where it should not.

The real services on SQLite: records come in and change, the index is loaded anew, seals arrive, sources merge their own
records, reviewers decide and undo, and runs happen in between.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from fixtures.rates import AS_OF
from gateway.errors import Conflict
from gateway.services.governance.facts import load_facts
from gateway.services.records import reviews
from gateway.services.records.index import IndexSource, load_index
from gateway.services.records.ingest import ingest_files
from gateway.services.records.link import link_all
from gateway.services.records.unlink import unlink_record
from gateway.storage.links import Basis
from gateway.storage.permit import mint
from gateway.storage.records import source_person_id
from tests.gateway.houses import (
    AMINA,
    BRAM,
    FORMER,
    MOVED,
    NAMESAKE,
    OTHER_NAMESAKE,
    OTHER_TWIN,
    STRANGER,
    TODAY,
    TWIN,
    Townsperson,
    copied,
    event,
    extract_csv,
    facts_csv,
    index_csv,
    nth,
    persona,
    system,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.house import House
    from gateway.settings import Settings
    from gateway.storage import Permit
    from gateway.storage.links import Link

REFS: Final = ("c1", "c2", "c3", "c4", "c5")
NEW_AMINA: Final = replace(AMINA, number=nth(20))
OLD_AMINA: Final = replace(AMINA, phone="", email="", gp_practice="", superseded_by=NEW_AMINA.number)
OTHER_STRANGER: Final = replace(STRANGER, postcode="LE7 7ZY")
SAMUEL_TODAY: Final = replace(TODAY, previous_family=FORMER.family, previous_postcode=FORMER.postcode)
INDEXES: Final = (
    (AMINA, MOVED, BRAM, TWIN, OTHER_TWIN, NAMESAKE, OTHER_NAMESAKE, SAMUEL_TODAY, FORMER),
    (OLD_AMINA, NEW_AMINA, BRAM, TWIN, OTHER_TWIN, NAMESAKE, replace(OTHER_NAMESAKE, postcode=NAMESAKE.postcode)),
    (AMINA, replace(BRAM, family="Bilikova"), TWIN, OTHER_TWIN, NAMESAKE, OTHER_NAMESAKE, STRANGER),
)
VAGUE: Final = replace(NAMESAKE, postcode="")
TOLD: Final[tuple[tuple[Townsperson, str], ...]] = (
    (AMINA, ""),
    (AMINA, AMINA.number),
    (AMINA, MOVED.number),
    (BRAM, ""),
    (TWIN, ""),
    (VAGUE, ""),
    (replace(VAGUE, given="Sofia"), ""),
    (STRANGER, ""),
    (OTHER_STRANGER, ""),
    (replace(STRANGER, given="Niels"), STRANGER.number),
    (TODAY, ""),
    (TODAY, FORMER.number),
    (FORMER, ""),
)


def client(ref: str) -> str:
    return source_person_id("social-care", "999", ref)


def reader() -> Permit:
    return mint(decision_id="t", caller="t", organisation="999", purpose="test", agreement="T", providers=["999"])


class _World:
    """A house and the hands that act on it, each through the service a user would go through."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house, self.folder, self.step = house, folder, 0

    def tell(self, ref: str, who: Townsperson, number: str) -> None:
        self.step += 1
        day = f"{1 + self.step % 28:02d}/{1 + self.step // 28:02d}/2026"
        row = event(ref, who, {"Event Start Date": day}, number=number, step=self.step)
        path = extract_csv(self.folder / f"extract-{self.step}.csv", [row])
        ingest_files(self.house, system(self.house, "system-ingest"), "social-care", [path])

    def index(self, people: Iterable[Townsperson]) -> None:
        self.step += 1
        source = IndexSource(index_csv(self.folder / f"index-{self.step}.csv", people), "demo", AS_OF)
        load_index(self.house, system(self.house, "system-index"), source)

    def seal(self) -> None:
        fact = f"never-link,{TODAY.number},{FORMER.number},protected,2026-01-01,"
        load_facts(self.house, "never-link", facts_csv(self.folder / "sealed.csv", fact))

    def merge(self, ref: str, into: str) -> None:
        with self.house.stores.transaction() as tx:
            self.house.stores.records.retire(tx, client(ref), client(into))

    def run(self) -> None:
        link_all(self.house, system(self.house, "system-link"))

    def live(self) -> dict[str, Link]:
        found = self.house.stores.links.standing(reader(), [client(ref) for ref in REFS])
        return {ref: found[client(ref)] for ref in REFS if client(ref) in found}

    def survivors(self, person: str) -> set[str]:
        return self.house.stores.index.survivors(reader(), [person])

    def shown_with(self, ref: str) -> set[str]:
        """Whose resources are shown where those of ``ref`` are."""
        found = self.house.stores.records.resources_of(reader(), [client(ref)])
        return {name for name in REFS if client(name) in {one.source_person_id for one in found}}


def a_world(town_settings: Settings, stack: ExitStack) -> _World:
    """A copy of the town without its seal, and its people as they were before anything."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    world = _World(stack.enter_context(copied(town_settings, folder / "var")), folder)
    load_facts(world.house, "never-link", facts_csv(folder / "none.csv"))
    world.index(INDEXES[0])
    return world


class _Arrivals(RuleBasedStateMachine):
    """Whatever happens, in whatever order, and what was said meanwhile of who is never whom."""

    town: Settings

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.world = a_world(self.town, self.stack)
        self.records: set[frozenset[str]] = set()
        self.people: set[tuple[str, str]] = set()
        self.numbers: dict[str, str] = {}
        self.merged: dict[str, str] = {}
        self.sealed = False
        self.settled = True

    def teardown(self) -> None:
        self.stack.close()

    @rule(ref=st.sampled_from(REFS), told=st.sampled_from(TOLD))
    def a_record_comes(self, ref: str, told: tuple[Townsperson, str]) -> None:
        self.world.tell(ref, *told)
        self.numbers[ref] = told[1]
        self.settled = False

    @rule(people=st.sampled_from(INDEXES))
    def the_index_is_loaded(self, people: tuple[Townsperson, ...]) -> None:
        self.world.index(people)
        self.settled = False

    @rule()
    def a_seal_arrives(self) -> None:
        self.world.seal()
        self.sealed, self.settled = True, False

    @rule(ref=st.sampled_from(REFS), into=st.sampled_from(REFS))
    def the_source_merges(self, ref: str, into: str) -> None:
        if ref != into and ref not in self.merged and into not in self.merged:
            self.world.merge(ref, into)
            self.merged[ref] = into
            self.settled = False

    @rule()
    def a_run(self) -> None:
        self.world.run()
        self.settled = True

    @rule(ref=st.sampled_from(REFS))
    def a_reviewer_unlinks(self, ref: str) -> None:
        live = self.world.live()
        if ref not in live:
            return
        person = live[ref].person_id
        others = {name for name, link in live.items() if link.person_id == person and name != ref}
        by_records = any(live[name].basis is Basis.OWN for name in {ref, *others})
        try:
            unlink_record(self.world.house, persona(self.world.house, "reviewer"), client(ref), "test")
        except Conflict:
            assert by_records
            assert not others
            return
        if by_records:
            self.records |= {frozenset((ref, other)) for other in others}
        else:
            self.people.add((ref, person))

    @rule(data=st.data())
    def a_reviewer_decides(self, data: st.DataObject) -> None:
        reviewer = persona(self.world.house, "reviewer")
        cases = reviews.open_cases(self.world.house, reviewer)
        if not cases:
            return
        case_id = data.draw(st.sampled_from([line.case_id for line in cases]))
        try:
            case = reviews.case(self.world.house, reviewer, case_id)
        except Conflict:
            return
        (ref,) = (name for name in REFS if client(name) == case.source_person_id)
        candidates = [one.person_id for one in case.candidates]
        assert not {(ref, one) for one in candidates} & self.people
        chosen = data.draw(st.sampled_from(["", *candidates]))
        try:
            reviews.decide_case(self.world.house, reviewer, case_id, chosen)
        except Conflict as refused:
            assert refused.reason == "separated"  # noqa: PT017 - any other refusal is a fault
            return
        self.people |= {(ref, one) for one in candidates if one != chosen}

    @invariant()
    def nobody_separated_is_joined(self) -> None:
        live = {ref: link.person_id for ref, link in self.world.live().items()}
        for one, other in map(sorted, self.records):
            assert one not in live or live[one] != live.get(other)
            assert other not in self.world.shown_with(one)
        for ref, person in self.people:
            wrong = self.world.survivors(person) if self.settled else {person}
            assert live.get(ref) not in wrong
            if (into := self.merged.get(ref)) and live.get(into) in wrong:
                assert ref not in self.world.shown_with(into)

    @invariant()
    def nobody_protected_is_joined_to_their_past(self) -> None:
        if self.sealed and self.settled:
            live = self.world.live()
            for ref in REFS:
                if self.numbers.get(ref) == FORMER.number and ref not in self.merged:
                    assert ref not in live or live[ref].person_id != TODAY.id


def test_no_order_of_arrivals_joins_what_a_person_separated(town_settings: Settings) -> None:
    machine = type("ArrivalsInTown", (_Arrivals,), {"town": town_settings})
    quick = settings(max_examples=12, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=quick)
