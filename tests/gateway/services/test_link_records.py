"""Links: facts that a run can repeat, that a person outranks, and that come apart exactly as they were."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.errors import Conflict, InputError, NotFound, NotPermitted, Unavailable
from gateway.services.records import link as linking
from gateway.services.records import reviews, unnumbered
from gateway.services.records.ingest import ingest_files
from gateway.services.records.link import link_all
from gateway.services.records.truth import EVERYBODY, Group, compare, read_truth
from gateway.services.records.unlink import unlink_record
from gateway.services.tracing.explain import explain_source_person
from gateway.storage.links import Basis, LinkKind, Links
from gateway.storage.records import source_person_id
from ig.purpose import Purpose
from linkage.decide import Flag
from linkage.keys import KEYS
from tests.gateway.houses import (
    AMINA,
    BRAM,
    FORMER,
    MOVED,
    NAMESAKE,
    STRANGER,
    TODAY,
    TWIN,
    Townsperson,
    Watch,
    event,
    extract_csv,
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

VAGUE = replace(NAMESAKE, postcode="", gender="female")


def client(ref: str) -> str:
    return source_person_id("social-care", "999", ref)


def run(house: House) -> LinkReport:
    return link_all(house, system(house, "system-link"))


def standing(house: House, permit: Permit, *refs: str) -> dict[str, Link]:
    found = house.stores.links.standing(permit, [client(ref) for ref in refs])
    return {ref: found[client(ref)] for ref in refs if client(ref) in found}


def trace_again(house: House) -> None:
    """Have everybody traced again by the next run, as after a new model."""
    with house.stores.transaction() as tx:
        house.stores.traces.forget_all(tx)


@pytest.mark.parametrize(
    ("who", "number", "basis", "whose"),
    [
        (AMINA, AMINA.number, Basis.CROSS_CHECK, AMINA),
        (MOVED, MOVED.number, Basis.CROSS_CHECK, AMINA),
        (BRAM, "", Basis.ALPHANUMERIC, BRAM),
        (replace(BRAM, family="Okonjjo"), "", Basis.ALGORITHMIC, BRAM),
        (AMINA, BRAM.number, Basis.ALGORITHMIC, AMINA),
    ],
)
def test_a_record_is_joined_on_the_ground_that_settled_it(  # noqa: PLR0913, PLR0917 - one argument a column
    own_town: House, tmp_path: Path, permit: Permit, who: Townsperson, number: str, basis: Basis, whose: Townsperson
) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", who, number=number)])
    link = standing(own_town, permit, "c1")["c1"]
    assert (link.person_id, link.basis, link.kind) == (whose.id, basis, LinkKind.IS)
    assert link.model
    assert link.actor == "gateway:link"
    assert own_town.stores.links.number_of(permit, whose.id)


def test_somebody_whom_the_index_does_not_hold_is_a_person_of_their_own(
    own_town: House, tmp_path: Path, permit: Permit
) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", STRANGER, number=STRANGER.number)])
    link = standing(own_town, permit, "c1")["c1"]
    assert (link.basis, own_town.stores.links.number_of(permit, link.person_id)) == (Basis.OWN, None)
    assert link.person_id != STRANGER.id


def test_linking_again_changes_nothing(own_town: House, tmp_path: Path) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", AMINA, number=AMINA.number), event("c2", VAGUE)])
    before = own_town.stores.digest()
    again = run(own_town)
    assert (again.traced, again.links, again.reviews) == (0, 0, 0)
    assert own_town.stores.digest() == before


def test_everybody_traced_again_ends_the_same(own_town: House, tmp_path: Path, permit: Permit) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", AMINA, number=AMINA.number), event("c2", BRAM)])
    before = standing(own_town, permit, "c1", "c2")
    trace_again(own_town)
    again = run(own_town)
    assert (again.traced, again.links) == (2, 0)
    assert standing(own_town, permit, "c1", "c2") == before


def test_a_run_that_broke_off_goes_on_and_ends_the_same(
    own_county: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trace_again(own_county)
    own_county.stores.backup(tmp_path / "kept")
    monkeypatch.setattr(linking, "BATCH", 100)
    real, calls = Links.append, []

    def fail(links: Links, *args: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise OSError
        return real(links, *args)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(Links, "append", fail)
    seen = Watch(own_county)
    with pytest.raises(OSError):  # noqa: PT011 - the fault planted above
        run(own_county)
    (broken,) = seen.rows("batch")
    assert broken.body["rows"] == 200
    first = run(own_county)
    assert 0 < first.traced < 400
    assert run(own_county).traced == 0


def test_every_other_record_of_the_same_person_in_one_system_is_flagged(
    own_town: House, tmp_path: Path, permit: Permit
) -> None:
    rows = [event("c1", AMINA, number=AMINA.number), event("c2", AMINA), event("c3", BRAM)]
    take_in(own_town, tmp_path / "c.csv", rows)
    flagged = {
        ref: Flag.DUPLICATE_IN_SOURCE in traced.flags
        for ref in ("c1", "c2", "c3")
        if (traced := own_town.stores.traces.of(permit, client(ref)))
    }
    assert flagged == {"c1": True, "c2": True, "c3": False}


def test_a_run_is_one_batch_row_with_everybody_it_joined(own_town: House, tmp_path: Path) -> None:
    seen = Watch(own_town)
    take_in(own_town, tmp_path / "c.csv", [event("c1", AMINA, number=AMINA.number), event("c2", BRAM)])
    row = seen.rows("batch")[-1]
    assert (row.body["subjects"]["count"], row.body["rows"]) == (2, 2)
    found = own_town.stores.ledger.search(subject=own_town.stores.keys.subject_token(BRAM.id))
    assert [one.seq for one in found] == [row.seq]


def test_people_with_more_candidates_than_are_looked_at_are_counted_by_kind_of_key(
    own_town: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = type(own_town).engine
    monkeypatch.setattr(type(own_town), "engine", lambda house: replace(whole(house), most=1))
    rows = [event("twin", TWIN), event("amina", AMINA, number=AMINA.number)]
    ingest_files(own_town, system(own_town, "system-ingest"), "social-care", [extract_csv(tmp_path / "a.csv", rows)])
    done = run(own_town)
    assert done.capped.total() == 1
    assert set(done.capped) <= set(KEYS)
    assert not done.crowded


def test_groups_without_a_number_too_large_to_compare_whole_are_counted_by_kind_of_key(
    own_town: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unnumbered, "_LARGEST_BLOCK", 2)
    rows = [event(f"c{place}", STRANGER) for place in range(3)]
    ingest_files(own_town, system(own_town, "system-ingest"), "social-care", [extract_csv(tmp_path / "a.csv", rows)])
    done = run(own_town)
    assert done.crowded["names-year"] == 1
    assert set(done.crowded) <= set(KEYS)


def test_linking_without_an_index_says_so(own_town: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(own_town.stores.index), "describe", lambda _self: None)
    with pytest.raises(Unavailable):
        run(own_town)


# --- protected identities ----------------------------------------------------------------------------------------


def test_records_under_a_former_identity_never_become_the_person_of_today(
    own_town: House, tmp_path: Path, permit: Permit
) -> None:
    """Two clients, one number given up: both are kept apart, whatever their details say, in one run and the next."""
    today = replace(TODAY, family=TODAY.family)
    rows = [event(ref, today, number=FORMER.number) for ref in ("c1", "c2")]
    take_in(own_town, tmp_path / "c.csv", [*rows, event("c3", TODAY, number=TODAY.number)])
    for _ in range(2):
        links = standing(own_town, permit, "c1", "c2", "c3")
        assert links["c3"].person_id == TODAY.id
        assert TODAY.id not in {links[ref].person_id for ref in ("c1", "c2") if ref in links}
        trace_again(own_town)
        run(own_town)


def test_a_seal_is_told_to_nobody(own_town: House, tmp_path: Path, permit: Permit) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", TODAY, number=FORMER.number)])
    lines = explain_source_person(own_town, persona(own_town, "reviewer"), client("c1")).said
    assert TODAY.id not in "\n".join(lines)
    assert "never" not in "\n".join(lines)
    assert any(link.sealed for link in own_town.stores.links.history(permit, client("c1"), sealed=True))
    cases = reviews.open_cases(own_town, persona(own_town, "reviewer"))
    shown = [reviews.case(own_town, persona(own_town, "reviewer"), one.case_id) for one in cases]
    assert TODAY.id not in {candidate.person_id for case in shown for candidate in case.candidates}


# --- unlink ------------------------------------------------------------------------------------------------------


def test_unlinking_restores_what_stood_before_and_holds_through_every_later_run(
    own_town: House, tmp_path: Path, permit: Permit
) -> None:
    stranger_first = replace(AMINA, family="Zzyzx", given="Qu", birth_date="1911-01-01", postcode="")
    take_in(own_town, tmp_path / "a.csv", [event("c1", stranger_first), event("c2", BRAM)])
    before = standing(own_town, permit, "c1", "c2")
    assert before["c1"].basis is Basis.OWN
    take_in(own_town, tmp_path / "b.csv", [event("c1", AMINA, {"Event Start Date": "18/11/2025"}, number=AMINA.number)])
    assert standing(own_town, permit, "c1")["c1"].person_id == AMINA.id

    assert unlink_record(own_town, persona(own_town, "reviewer"), client("c1"), "wrong person").person_id == AMINA.id
    assert standing(own_town, permit, "c1", "c2") == before
    for _ in range(2):
        trace_again(own_town)
        run(own_town)
        assert standing(own_town, permit, "c1")["c1"].person_id != AMINA.id
    assert standing(own_town, permit, "c2")["c2"].person_id == BRAM.id


def test_an_unlinked_county_differs_by_that_one_pair_alone(
    own_county: House, make_permit: Callable[..., Permit]
) -> None:
    permit = make_permit(providers=["999", "Z99001", "Z99002", "Z99003", "RZZ"])
    people = own_county.stores.records.source_people(permit, limit=1000)
    ids = [one.source_person_id for one in people]
    before = own_county.stores.links.standing(permit, ids)
    wrong = next(ref for ref, link in before.items() if link.basis is Basis.CROSS_CHECK)
    unlink_record(own_county, persona(own_county, "reviewer"), wrong, "test")
    assert run(own_county).links == 0
    after = own_county.stores.links.standing(permit, ids)
    assert {ref: link for ref, link in before.items() if ref != wrong} == {
        ref: link for ref, link in after.items() if ref != wrong
    }
    assert after.get(wrong) != before[wrong]


def test_unlinking_is_recorded_before_it_is_done(own_town: House, tmp_path: Path) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", AMINA, number=AMINA.number)])
    seen = Watch(own_town)
    unlink_record(own_town, persona(own_town, "reviewer"), client("c1"), "wrong person")
    looked, did, recalled = seen.rows()
    assert (recalled.kind, recalled.body["purpose"]) == ("disclosure", "processing")
    assert (looked.kind, looked.body["result"], looked.body["subjects"]["count"]) == ("disclosure", "unlinked", 1)
    assert (did.body["action"], did.body["details"]["reason"]) == ("link:unlink", "wrong person")


def test_what_is_not_linked_cannot_be_unlinked(own_town: House, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as refused:
        unlink_record(own_town, persona(own_town, "reviewer"), client("nobody"), "test")
    assert refused.value.reason == "not-linked"


def test_undoing_a_link_is_a_reviewers_act(own_town: House, tmp_path: Path, permit: Permit) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", AMINA, number=AMINA.number)])
    with pytest.raises(NotPermitted):
        unlink_record(own_town, persona(own_town, "social-worker"), client("c1"), "curious")
    assert standing(own_town, permit, "c1")["c1"].person_id == AMINA.id


# --- clerical review ---------------------------------------------------------------------------------------------


@pytest.fixture
def doubtful(own_town: House, tmp_path: Path) -> House:
    """A town with one client who may be either of two namesakes."""
    take_in(own_town, tmp_path / "c.csv", [event("c1", VAGUE)])
    return own_town


def the_case(house: House) -> str:
    (line,) = reviews.open_cases(house, persona(house, "reviewer"))
    assert line.candidates == 2
    return line.case_id


def test_a_doubt_waits_for_a_person_with_its_evidence(doubtful: House, permit: Permit) -> None:
    found = reviews.case(doubtful, persona(doubtful, "reviewer"), the_case(doubtful))
    assert all(candidate.evidence for candidate in found.candidates)
    assert standing(doubtful, permit, "c1")["c1"].basis is Basis.OWN


def test_a_decision_outlives_every_later_run(doubtful: House, permit: Permit) -> None:
    reviewer = persona(doubtful, "reviewer")
    reviews.decide_case(doubtful, reviewer, the_case(doubtful), NAMESAKE.id, "spoke to the client")
    link = standing(doubtful, permit, "c1")["c1"]
    assert (link.person_id, link.basis, link.actor) == (NAMESAKE.id, Basis.PERSON, "reviewer")
    assert doubtful.stores.links.number_of(permit, NAMESAKE.id)
    trace_again(doubtful)
    run(doubtful)
    assert standing(doubtful, permit, "c1")["c1"] == link
    assert not reviews.open_cases(doubtful, reviewer)


def test_none_of_them_rules_every_candidate_out(doubtful: House, permit: Permit) -> None:
    reviews.decide_case(doubtful, persona(doubtful, "reviewer"), the_case(doubtful), "")
    assert len(doubtful.stores.links.nevers(permit, [client("c1")])[client("c1")]) == 2
    trace_again(doubtful)
    run(doubtful)
    assert standing(doubtful, permit, "c1")["c1"].basis is Basis.OWN
    assert not reviews.open_cases(doubtful, persona(doubtful, "reviewer"))


def test_a_case_is_decided_once(doubtful: House) -> None:
    case = the_case(doubtful)
    reviews.decide_case(doubtful, persona(doubtful, "reviewer"), case, "")
    with pytest.raises(Conflict):
        reviews.decide_case(doubtful, persona(doubtful, "reviewer"), case, NAMESAKE.id)


def test_only_a_candidate_can_be_decided_for(doubtful: House) -> None:
    with pytest.raises(InputError) as refused:
        reviews.decide_case(doubtful, persona(doubtful, "reviewer"), the_case(doubtful), AMINA.id)
    assert refused.value.reason == "not-a-candidate"


def test_a_case_that_is_none_is_not_found(town: House) -> None:
    with pytest.raises(NotFound):
        reviews.case(town, persona(town, "reviewer"), "no-such-case")


@pytest.mark.parametrize("who", ["social-worker", "data-team"])
def test_only_those_who_are_granted_evidence_review(doubtful: House, who: str) -> None:
    caller = persona(doubtful, who, Purpose.DEMOGRAPHIC_TRACE)
    for ask in (
        lambda: reviews.open_cases(doubtful, caller),
        lambda: reviews.case(doubtful, caller, "any"),
        lambda: reviews.decide_case(doubtful, caller, "any", ""),
        lambda: explain_source_person(doubtful, caller, client("c1")),
    ):
        seen = Watch(doubtful)
        with pytest.raises(NotPermitted):
            ask()
        assert [row.kind for row in seen.rows()] == ["refusal"]


# --- why ---------------------------------------------------------------------------------------------------------


def test_a_link_is_explained_in_words(own_town: House, tmp_path: Path) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", AMINA, number=AMINA.number), event("c2", TWIN, number="")])
    lines = explain_source_person(own_town, persona(own_town, "reviewer"), client("c1")).said
    assert lines[0].startswith("traced: matched by cross-check")
    assert any(AMINA.id in line and "cross-check by gateway:link" in line for line in lines)
    assert any("bits" in line for line in lines)
    unlink_record(own_town, persona(own_town, "reviewer"), client("c1"), "test")
    assert any(
        "never" in line for line in explain_source_person(own_town, persona(own_town, "reviewer"), client("c1")).said
    )


def test_a_flag_and_a_record_not_traced_yet_are_said(own_town: House, tmp_path: Path) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", AMINA, number=MOVED.number)])
    lines = explain_source_person(own_town, persona(own_town, "reviewer"), client("c1")).said
    assert any("flag: superseded" in line for line in lines)
    with own_town.stores.transaction() as tx:
        tx.change("DELETE FROM trace_result")
    untraced = explain_source_person(own_town, persona(own_town, "reviewer"), client("c1")).said
    assert untraced[0] == "not traced yet"


def test_what_nobody_sent_cannot_be_explained(town: House) -> None:
    with pytest.raises(NotFound):
        explain_source_person(town, persona(town, "reviewer"), "no-such-record")


# --- against the truth -------------------------------------------------------------------------------------------


def test_traces_are_held_against_a_planted_truth_as_a_whole_and_by_group(own_town: House, tmp_path: Path) -> None:
    take_in(own_town, tmp_path / "c.csv", [event("c1", AMINA, number=AMINA.number), event("c2", STRANGER)])
    path = tmp_path / "truth.csv"
    path.write_text(
        "source,organisation,person_ref,nhs_number,sex\n"
        f"social-care,999,c1,{AMINA.number},female\nsocial-care,999,c2,,male\nsocial-care,999,never-sent,,male\n"
    )
    tallies = compare(own_town, system(own_town, "system-link"), read_truth(path))
    whole = tallies[Group("social-care", EVERYBODY)]
    assert (whole.recall.value, whole.false_rate.count, whole.rightly_none) == (1, 0, 1)
    assert tallies[Group("social-care", "sex", "male")].rightly_none == 1
    assert tallies[Group("social-care", "sex", "female")].recall.of == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"source,organisation,person_ref\n", "header"),
        (b"", "header"),
        (b"source,organisation,person_ref,nhs_number\nsocial-care,999\n", "row-length"),
        (b"source,organisation,person_ref,nhs_number\n\xff,,,\n", "encoding"),
        (None, "unreadable"),
    ],
)
def test_a_truth_that_cannot_be_read_is_refused_by_name(tmp_path: Path, data: bytes | None, reason: str) -> None:
    path = tmp_path / "truth.csv"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError, match=r"truth\.csv") as refused:
        read_truth(path)
    assert refused.value.reason == reason
