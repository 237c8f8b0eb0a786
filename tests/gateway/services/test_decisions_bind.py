"""What a person decided binds every later run, contradictions are refused in words, and undoing is exact."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from fixtures.rates import AS_OF
from gateway.errors import Conflict, NotPermitted
from gateway.ids import person_id_without_number
from gateway.services.records import reviews
from gateway.services.records.decided import CONTESTED
from gateway.services.records.duplicates import duplicates
from gateway.services.records.index import IndexSource, load_index
from gateway.services.records.link import link_all
from gateway.services.records.unlink import unlink_record
from gateway.services.tracing.explain import explain_source_person
from gateway.storage.links import Basis, LinkKind, NewLink
from gateway.storage.records import source_person_id
from ig.purpose import Purpose
from tests.gateway.houses import (
    AMINA,
    BRAM,
    NAMESAKE,
    OTHER_NAMESAKE,
    PEOPLE,
    STRANGER,
    TWIN,
    Townsperson,
    Watch,
    event,
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
    from gateway.storage import Permit
    from gateway.storage.reviews import Case

VAGUE = replace(NAMESAKE, postcode="")
FAMILIES = ("Quenneville", "Tunnicliffe", "Abernethy", "Featherby", "Whistlecroft", "Ormondroyd")


def client(ref: str) -> str:
    return source_person_id("social-care", "999", ref)


@pytest.fixture
def permit(make_permit: Callable[..., Permit]) -> Permit:
    return make_permit(providers=["999"])


def whose(house: House, permit: Permit, *refs: str) -> list[str | None]:
    found = house.stores.links.standing(permit, [client(ref) for ref in refs])
    return [found[client(ref)].person_id if client(ref) in found else None for ref in refs]


def run(house: House) -> int:
    return link_all(house, system(house, "system-link")).traced


def index(house: House, folder: Path, *people: Townsperson, day: int = 29) -> None:
    source = IndexSource(index_csv(folder / f"index-{day}.csv", people), "demo", AS_OF.replace(day=day))
    load_index(house, system(house, "system-index"), source)


def trace_again(house: House) -> None:
    with house.stores.transaction() as tx:
        house.stores.traces.forget_all(tx)


def unlink(house: House, ref: str) -> str:
    return unlink_record(house, persona(house, "reviewer"), client(ref), "test").person_id


def cases(house: House) -> dict[str, Case]:
    reviewer = persona(house, "reviewer")
    shown = [reviews.case(house, reviewer, line.case_id) for line in reviews.open_cases(house, reviewer)]
    return {case.source_person_id: case for case in shown}


def decide(house: House, case_id: str, person: str) -> None:
    reviews.decide_case(house, persona(house, "reviewer"), case_id, person)


# --- people without a number --------------------------------------------------------------------------------------


@pytest.fixture
def strangers(own_town: House, tmp_path: Path) -> House:
    """Three records of somebody whom the index does not hold: one person, by the model."""
    take_in(own_town, tmp_path / "c.csv", [event(ref, STRANGER) for ref in ("c1", "c2", "c3")])
    return own_town


@pytest.mark.parametrize("leaves", ["c1", "c2", "c3"])
def test_a_record_taken_out_of_its_person_is_apart_from_each_of_the_others_for_good(
    strangers: House, permit: Permit, leaves: str
) -> None:
    """Also the record that the person happened to be named after."""
    refs = sorted({"c1", "c2", "c3"} - {leaves})
    assert len(set(whose(strangers, permit, "c1", "c2", "c3"))) == 1
    unlink(strangers, leaves)
    assert whose(strangers, permit, leaves) == [person_id_without_number(client(leaves))]
    for _ in range(2):
        run(strangers)
        apart, *together = whose(strangers, permit, leaves, *refs)
        assert len(set(together)) == 1
        assert apart not in together
        trace_again(strangers)


def test_a_record_joined_to_no_other_has_nothing_to_be_taken_out_of(own_town: House, tmp_path: Path) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", STRANGER)])
    with pytest.raises(Conflict) as refused:
        unlink(own_town, "c1")
    assert refused.value.reason == "not-linked"
    assert run(own_town) == 0


def test_a_record_that_is_not_like_the_others_any_more_leaves_them(
    strangers: House, permit: Permit, tmp_path: Path
) -> None:
    other = replace(STRANGER, family="Tunnicliffe", given="Ora", birth_date="1931-02-28", postcode="LE1 9QQ")
    take_in(strangers, tmp_path / "d.csv", [event("c1", other, {"Event Start Date": "18/11/2025"}, step=2)])
    first, *others = whose(strangers, permit, "c1", "c2", "c3")
    assert len(set(others)) == 1
    assert first not in others


def test_whatever_came_first_the_same_records_are_one_person(own_town: House, tmp_path: Path, permit: Permit) -> None:
    """Runs between the arrivals, in every order, or one run after all of them."""
    told = {"c1": STRANGER, "c2": replace(STRANGER, given="Niels"), "c3": replace(STRANGER, postcode="LE7 7ZY")}
    seen = set()
    for turn, order in enumerate(permutations(told)):
        refs = [f"{ref}-{turn}" for ref in order]
        for ref, name in zip(refs, order, strict=True):
            # another person each turn: the orders must not meet each other
            who = replace(told[name], family=FAMILIES[turn], birth_date=f"19{40 + 7 * turn}-0{turn + 1}-1{turn}")
            take_in(own_town, tmp_path / f"{ref}.csv", [event(ref, who)])
        people = whose(own_town, permit, *sorted(refs))
        seen.add(tuple(people.index(one) for one in people))
    assert len(seen) == 1


# --- two records that somebody separated --------------------------------------------------------------------------


@pytest.fixture
def separated(own_town: House, tmp_path: Path) -> House:
    """Two records of the same details, one person until a reviewer said no; then the index learns of somebody so."""
    take_in(own_town, tmp_path / "c.csv", [event("c1", STRANGER), event("c2", STRANGER)])
    unlink(own_town, "c2")
    index(own_town, tmp_path, *PEOPLE, STRANGER)
    run(own_town)
    return own_town


def test_neither_of_two_separated_records_is_given_the_person_that_both_match(separated: House, permit: Permit) -> None:
    assert STRANGER.id not in whose(separated, permit, "c1", "c2")
    assert {case.reason for case in cases(separated).values()} == {CONTESTED}
    assert set(cases(separated)) == {client("c1"), client("c2")}


def test_an_explanation_says_of_either_what_the_run_said(separated: House) -> None:
    for ref in ("c1", "c2"):
        told = explain_source_person(separated, persona(separated, "reviewer"), client(ref))
        assert (told.outcome, told.reason.code) == ("review", CONTESTED)
        assert told.pairs[0].reason.code == CONTESTED


def test_one_that_had_the_person_first_gives_it_up_until_somebody_decides(
    own_town: House, tmp_path: Path, permit: Permit
) -> None:
    """The order in which the two came to match makes no difference."""
    other = replace(STRANGER, birth_date="1931-02-28", family="Tunnicliffe")
    take_in(own_town, tmp_path / "a.csv", [event("c1", STRANGER), event("c2", STRANGER)])
    unlink(own_town, "c2")
    take_in(own_town, tmp_path / "b.csv", [event("c2", other, {"Event Start Date": "18/11/2025"}, step=2)])
    index(own_town, tmp_path, *PEOPLE, STRANGER)
    run(own_town)
    assert whose(own_town, permit, "c1") == [STRANGER.id]
    take_in(own_town, tmp_path / "c.csv", [event("c2", STRANGER, {"Event Start Date": "19/11/2025"}, step=3)])
    assert STRANGER.id not in whose(own_town, permit, "c1", "c2")
    assert set(cases(own_town)) == {client("c1"), client("c2")}


def test_the_decision_for_one_closes_the_case_of_the_other_and_holds(separated: House, permit: Permit) -> None:
    held = cases(separated)
    decide(separated, held[client("c1")].case_id, STRANGER.id)
    with pytest.raises(Conflict, match="nobody is left") as refused:
        reviews.case(separated, persona(separated, "reviewer"), held[client("c2")].case_id)
    assert refused.value.reason == "candidates-gone"
    for _ in range(2):
        trace_again(separated)
        run(separated)
        assert whose(separated, permit, "c1")[0] == STRANGER.id != whose(separated, permit, "c2")[0]
        assert not reviews.open_cases(separated, persona(separated, "reviewer"))


def test_deciding_both_for_one_person_is_a_contradiction_and_is_refused(
    separated: House, permit: Permit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two reviewers with both cases before them: the second is told that the first has decided."""
    held = cases(separated)
    decide(separated, held[client("c1")].case_id, STRANGER.id)
    monkeypatch.setattr(reviews, "case", lambda *_: held[client("c2")])
    with pytest.raises(Conflict, match="another record") as refused:
        decide(separated, held[client("c2")].case_id, STRANGER.id)
    assert refused.value.reason == "separated"
    assert whose(separated, permit, "c2") != [STRANGER.id]


def test_a_person_decides_over_a_record_that_only_the_model_joined(
    separated: House, permit: Permit, tmp_path: Path
) -> None:
    case_id = cases(separated)[client("c1")].case_id
    other = replace(STRANGER, family="Tunnicliffe")
    with separated.stores.transaction() as tx:
        separated.stores.links.append(tx, [_is("c2", STRANGER)])
    decide(separated, case_id, STRANGER.id)
    assert whose(separated, permit, "c1") == [STRANGER.id]
    assert whose(separated, permit, "c2") == [person_id_without_number(client("c2"))]
    assert other.id == STRANGER.id


def _is(ref: str, who: Townsperson) -> NewLink:
    return NewLink(client(ref), who.id, LinkKind.IS, Basis.ALGORITHMIC, "t", nhs_number=who.number)


# --- a number that was replaced -----------------------------------------------------------------------------------


def test_never_a_person_is_never_whoever_replaces_them(own_town: House, tmp_path: Path, permit: Permit) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", BRAM)])
    unlink(own_town, "c1")
    newer = replace(BRAM, number=nth(21))
    others = [one for one in PEOPLE if one is not BRAM]
    index(own_town, tmp_path, *others, replace(BRAM, superseded_by=newer.number), newer)
    run(own_town)
    assert not {BRAM.id, newer.id} & set(whose(own_town, permit, "c1"))


def test_a_record_already_with_whoever_turns_out_to_be_that_person_is_taken_away(
    own_town: House, tmp_path: Path, permit: Permit
) -> None:
    newer = replace(BRAM, number=nth(21), family="Abernethy", given="Ulf", birth_date="1931-08-09", postcode="LE8 8AA")
    index(own_town, tmp_path, *PEOPLE, newer)
    take_in(own_town, tmp_path / "c.csv", [event("c1", BRAM)])
    unlink(own_town, "c1")
    take_in(
        own_town,
        tmp_path / "d.csv",
        [event("c1", newer, {"Event Start Date": "18/11/2025"}, number=newer.number, step=2)],
    )
    assert whose(own_town, permit, "c1") == [newer.id]
    others = [one for one in PEOPLE if one is not BRAM]
    index(own_town, tmp_path, *others, replace(BRAM, superseded_by=newer.number), newer, day=28)
    run(own_town)
    assert newer.id not in whose(own_town, permit, "c1")


# --- cases --------------------------------------------------------------------------------------------------------


@pytest.fixture
def doubtful(own_town: House, tmp_path: Path) -> House:
    """A client who may be either of two namesakes."""
    take_in(own_town, tmp_path / "c.csv", [event("c1", VAGUE)])
    return own_town


def test_a_decision_taken_back_restores_what_stood_and_the_case(doubtful: House, permit: Permit) -> None:
    before, (case,) = whose(doubtful, permit, "c1"), cases(doubtful).values()
    for person in (NAMESAKE.id, ""):
        decide(doubtful, case.case_id, person)
        assert doubtful.stores.links.nevers(permit, [client("c1")])[client("c1")]
        seen = Watch(doubtful)
        reviews.take_back(doubtful, persona(doubtful, "reviewer"), case.case_id, "misread")
        assert [row.body.get("action") for row in seen.rows()] == [None, "review:take-back"]
        assert whose(doubtful, permit, "c1") == before
        assert doubtful.stores.links.nevers(permit, [client("c1")])[client("c1")] == frozenset()
        run(doubtful)
        assert cases(doubtful)[client("c1")].case_id == case.case_id
    with pytest.raises(Conflict) as refused:
        reviews.take_back(doubtful, persona(doubtful, "reviewer"), case.case_id, "twice")
    assert refused.value.reason == "review-not-decided"


def test_a_decision_that_was_unlinked_since_cannot_be_taken_back(doubtful: House) -> None:
    (case,) = cases(doubtful).values()
    decide(doubtful, case.case_id, "")
    with doubtful.stores.transaction() as tx:
        doubtful.stores.links.take_back(tx, client("c1"), [NAMESAKE.id, OTHER_NAMESAKE.id], "other")
    with pytest.raises(Conflict) as refused:
        reviews.take_back(doubtful, persona(doubtful, "reviewer"), case.case_id, "again")
    assert refused.value.reason == "not-decided"


def test_a_decided_record_is_not_asked_about_again_by_another_model(doubtful: House) -> None:
    (case,) = cases(doubtful).values()
    decide(doubtful, case.case_id, NAMESAKE.id)
    trace_again(doubtful)
    assert run(doubtful) == 1
    assert not reviews.open_cases(doubtful, persona(doubtful, "reviewer"))


def test_none_of_these_does_not_keep_a_later_doubt_from_being_asked(doubtful: House, tmp_path: Path) -> None:
    (case,) = cases(doubtful).values()
    decide(doubtful, case.case_id, "")
    third, fourth = replace(NAMESAKE, number=nth(22)), replace(NAMESAKE, number=nth(23), postcode="LE4 4DD")
    index(doubtful, tmp_path, *PEOPLE, third, fourth)
    run(doubtful)
    (later,) = cases(doubtful).values()
    assert {one.person_id for one in later.candidates} == {third.id, fourth.id}


@pytest.mark.parametrize("why", ["settled", "decided-elsewhere", "record-gone", "candidates-gone"])
def test_a_case_that_was_overtaken_closes_itself_and_says_why(doubtful: House, why: str, tmp_path: Path) -> None:
    (case,) = cases(doubtful).values()
    stores = doubtful.stores
    if why == "settled":
        with stores.transaction() as tx:
            stores.links.append(tx, [_is("c1", AMINA)])
    elif why == "decided-elsewhere":
        with stores.transaction() as tx:
            stores.links.append(tx, [replace(_is("c1", AMINA), basis=Basis.PERSON)])
    elif why == "record-gone":
        with stores.transaction() as tx:
            stores.records.retire(tx, client("c1"), client("c9"))
    else:
        gone = [replace(one, sensitivity="I") for one in (NAMESAKE, OTHER_NAMESAKE)]
        index(doubtful, tmp_path, *gone)
    reviewer = persona(doubtful, "reviewer")
    for attempt in (lambda: reviews.case(doubtful, reviewer, case.case_id), lambda: decide(doubtful, case.case_id, "")):
        with pytest.raises(Conflict) as refused:
            attempt()
        assert refused.value.reason in {why, "review-decided"}
    assert not reviews.open_cases(doubtful, reviewer)
    assert stores.reviews.counts() == {"closed": 1}


def test_a_case_shows_only_those_who_are_still_candidates_and_no_place_of_the_restricted(
    doubtful: House, tmp_path: Path
) -> None:
    others = [one for one in PEOPLE if one not in (NAMESAKE, OTHER_NAMESAKE)]
    gone, hidden = replace(OTHER_NAMESAKE, sensitivity="I"), replace(NAMESAKE, sensitivity="R")
    index(doubtful, tmp_path, *others, gone, hidden)
    (shown,) = cases(doubtful)[client("c1")].candidates
    assert shown.person_id == NAMESAKE.id
    told = {piece.field: piece.level for piece in shown.evidence}
    assert {told[field] for field in ("address", "phone", "email", "gp_practice")} <= {"withheld", "missing"}


# --- records that their source merged -----------------------------------------------------------------------------


def merge(house: House, ref: str, into: str) -> None:
    with house.stores.transaction() as tx:
        house.stores.records.retire(tx, client(ref), client(into))


def shown_with(house: House, permit: Permit, ref: str) -> set[str]:
    return {one.source_person_id for one in house.stores.records.resources_of(permit, [client(ref)])}


def test_a_merged_record_follows_the_one_it_went_into_whichever_came_first(
    own_town: House, tmp_path: Path, permit: Permit
) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", TWIN), event("c2", AMINA), event("c3", BRAM)])
    merge(own_town, "c1", "c2")
    merge(own_town, "c2", "c3")
    run(own_town)
    assert whose(own_town, permit, "c1", "c2", "c3") == [BRAM.id] * 3
    assert shown_with(own_town, permit, "c3") == {client("c1"), client("c2"), client("c3")}
    assert run(own_town) == 0
    with own_town.stores.transaction() as tx:
        own_town.stores.records.retire(tx, client("c1"), None)
        own_town.stores.records.untrace(tx, [client("c1")])
    run(own_town)
    assert whose(own_town, permit, "c1", "c2") == [TWIN.id, BRAM.id]


def test_a_merge_in_the_source_does_not_join_what_a_person_separated(
    own_town: House, tmp_path: Path, permit: Permit
) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", AMINA), event("c2", AMINA, number=AMINA.number)])
    unlink(own_town, "c1")
    merge(own_town, "c1", "c2")
    run(own_town)
    assert whose(own_town, permit, "c1") != [AMINA.id]
    assert shown_with(own_town, permit, "c2") == {client("c2")}


def test_two_records_apart_stay_so_when_one_is_merged_into_a_third(
    strangers: House, permit: Permit, tmp_path: Path
) -> None:
    unlink(strangers, "c2")
    run(strangers)
    take_in(strangers, tmp_path / "d.csv", [event("c4", STRANGER)])
    merge(strangers, "c2", "c4")
    run(strangers)
    first, second, third = whose(strangers, permit, "c1", "c2", "c3")
    assert first == third != second


def test_a_record_that_could_be_either_of_two_strangers_joins_neither(
    own_town: House, tmp_path: Path, permit: Permit
) -> None:
    rows = [event(ref, replace(STRANGER, given=name)) for ref, name in (("c1", "John"), ("c2", "Jude"), ("c3", "J"))]
    take_in(own_town, tmp_path / "c.csv", rows)
    assert len(set(whose(own_town, permit, "c1", "c2", "c3"))) == 3


# --- duplicates inside a source -----------------------------------------------------------------------------------


def test_an_organisation_sees_which_of_its_own_records_are_one_person(
    own_town: House, tmp_path: Path, permit: Permit
) -> None:
    rows = [event("c1", AMINA, number=AMINA.number), event("c2", AMINA), event("c3", BRAM)]
    take_in(own_town, tmp_path / "c.csv", [*rows, event("c4", STRANGER), event("c5", STRANGER)])
    seen = Watch(own_town)
    found = duplicates(own_town, persona(own_town, "reviewer"))
    assert found.counts == {"social-care": (2, 4)}
    assert {(group.records, group.by_model_alone) for group in found.groups} == {
        (("social-care/999/c1", "social-care/999/c2"), False),
        (("social-care/999/c4", "social-care/999/c5"), True),
    }
    (row,) = seen.rows()
    assert (row.kind, row.body["subjects"]["count"]) == ("batch", 2)
    assert len(duplicates(own_town, persona(own_town, "reviewer"), limit=1).groups) == 1
    unlink(own_town, "c2")
    assert duplicates(own_town, persona(own_town, "data-team", Purpose.DEMOGRAPHIC_TRACE)).counts == {
        "social-care": (1, 2)
    }


def test_practitioners_are_not_given_lists_of_duplicates(town: House) -> None:
    with pytest.raises(NotPermitted):
        duplicates(town, persona(town, "social-worker", Purpose.DEMOGRAPHIC_TRACE))
