"""Why a record is or is not any one person: found, behind somebody, too far, ruled out, not looked at, or not told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.errors import InputError, NotPermitted
from gateway.ids import person_id_without_number
from gateway.services.records.unlink import unlink_record
from gateway.services.tracing.explain import NEAREST, Explanation, explain_source_person
from gateway.storage.links import Basis, LinkKind, NewLink
from gateway.storage.records import source_person_id
from tests.gateway.houses import (
    AMINA,
    BRAM,
    EVERYBODY,
    FORMER,
    GONE,
    HIDDEN,
    MOVED,
    NAMESAKE,
    OTHER_NAMESAKE,
    OTHER_TWIN,
    STRANGER,
    TODAY,
    TWIN,
    Townsperson,
    Watch,
    event,
    nth,
    persona,
    take_in,
)

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.house import House
    from gateway.services.tracing.explain import Pair

VAGUE = replace(NAMESAKE, postcode="", gender="female")


def client(ref: str) -> str:
    return source_person_id("social-care", "999", ref)


@pytest.fixture
def town(own_town: House, tmp_path: Path) -> House:
    """Clients of all sorts, linked."""
    rows = [
        event("amina", AMINA, number=AMINA.number),
        event("bram", BRAM),
        event("vague", VAGUE),
        event("hidden", HIDDEN),
        event("former", FORMER, number=FORMER.number),
        event("today", TODAY, number=TODAY.number),
        event("stranger", STRANGER),
        event("twin", TWIN),
    ]
    take_in(own_town, tmp_path / "clients.csv", rows)
    return own_town


def told(house: House, ref: str, who: Townsperson | None = None) -> Explanation:
    return explain_source_person(house, persona(house, "reviewer"), client(ref), who.number if who else "")


def pair(house: House, ref: str, who: Townsperson) -> Pair:
    (one,) = told(house, ref, who).pairs
    return one


def test_the_person_found_is_told_of_first_with_the_next_nearest(town: House) -> None:
    found = told(town, "bram")
    assert (found.outcome, found.reason.code) == ("matched", "details-agree-exactly")
    assert found.said[0].startswith("traced: matched by alphanumeric")
    assert (found.pairs[0].person_id, found.pairs[0].reason.code) == (BRAM.id, "found")
    assert found.pairs[0].weighing is not None
    assert found.pairs[0].weighing.prior_bits < 0
    assert len(found.pairs) <= NEAREST


def test_a_doubt_says_what_is_doubtful_and_what_to_do(town: House) -> None:
    found = told(town, "vague")
    assert found.outcome in {"many", "review"}
    assert {one.person_id for one in found.pairs} >= {NAMESAKE.id, OTHER_NAMESAKE.id}
    assert found.advice
    assert found.pairs[0].reason.code == found.reason.code


def test_a_number_that_settles_it_leaves_nothing_to_anybody_else(town: House) -> None:
    assert pair(town, "amina", AMINA).reason.code == "found"
    replaced = pair(town, "amina", MOVED)
    assert (replaced.person_id, replaced.reason.code) == (AMINA.id, "found")
    assert "replaced" in replaced.notes[0]


def test_somebody_behind_is_told_by_how_much(town: House) -> None:
    other = pair(town, "twin", OTHER_TWIN)
    assert other.person_id == OTHER_TWIN.id
    assert other.reason.code == "another-ahead"
    assert other.reason.ahead is not None
    assert other.reason.ahead > 0
    assert "bits" in other.reason.sentence


def test_somebody_who_shares_no_key_is_weighed_all_the_same(town: House) -> None:
    other = pair(town, "bram", AMINA)
    assert other.reason.code == "no-key"
    assert other.weighing is not None
    assert other.weighing.bits < 0


def test_a_record_that_nobody_is_near_to_is_told_of_whoever_there_is(town: House) -> None:
    found = told(town, "stranger")
    assert found.outcome == "none"
    assert all(one.reason.code == "too-far" for one in found.pairs)


def test_a_pair_that_a_person_separated_is_said_to_be(town: House) -> None:
    unlink_record(town, persona(town, "reviewer"), client("bram"), "test")
    other = pair(town, "bram", BRAM)
    assert other.reason.code == "ruled-out"
    assert other.weighing is not None
    assert BRAM.id not in {one.person_id for one in told(town, "bram").pairs}


def test_a_person_whom_a_separated_record_was_decided_to_be_is_out_of_the_question(town: House) -> None:
    alone = person_id_without_number(client("twin"))
    with town.stores.transaction() as tx:
        town.stores.links.append(tx, [NewLink(client("twin"), alone, LinkKind.IS, Basis.OWN, "tester")])
        town.stores.links.append(tx, [NewLink(client("twin"), TWIN.id, LinkKind.IS, Basis.PERSON, "tester")])
        town.stores.links.append(tx, [NewLink(client("bram"), alone, LinkKind.NEVER, Basis.PERSON, "tester")])
    assert pair(town, "bram", TWIN).reason.code == "separated"


@pytest.mark.parametrize(("ref", "other"), [("former", TODAY), ("today", FORMER)])
def test_a_sealed_pair_is_told_of_as_if_the_number_were_not_there(town: House, ref: str, other: Townsperson) -> None:
    nobody = replace(STRANGER, number=nth(500))
    sealed, absent = pair(town, ref, other), pair(town, ref, nobody)
    assert (sealed.reason, sealed.weighing, sealed.notes) == (absent.reason, None, ())
    assert sealed.reason.code == "not-in-index"
    assert other.id not in json.dumps(told(town, ref).as_json())


def test_a_withdrawn_number_is_said_to_be_and_not_compared(town: House) -> None:
    other = pair(town, "bram", GONE)
    assert (other.reason.code, other.weighing) == ("invalidated", None)


def test_where_a_restricted_person_lives_is_in_no_explanation(town: House) -> None:
    found = told(town, "hidden")
    (said,) = (one for one in found.pairs if one.person_id == HIDDEN.id)
    assert said.weighing is not None
    levels = {piece.field: piece.level for piece in said.weighing.evidence}
    assert levels["address"] == levels["phone"] == "withheld"
    assert "protected" in said.notes[-1]


def test_evidence_kept_from_before_somebody_was_restricted_is_withheld_too(town: House) -> None:
    assert any(line.startswith("  Address:") and "withheld" not in line for line in told(town, "bram").said)
    with town.stores.transaction() as tx:
        tx.change("UPDATE index_person SET security = 'R' WHERE person_id = ?", (BRAM.id,))
    address = [line for line in told(town, "bram").said if line.startswith("  Address:")]
    assert address
    assert all("withheld" in line for line in address)


def test_an_explanation_names_no_value_of_anybody(town: House) -> None:
    for ref in ("amina", "bram", "vague", "hidden", "stranger"):
        said = json.dumps(told(town, ref).as_json()).lower()
        for one in EVERYBODY:
            for value in (one.number, one.family, one.given, one.birth_date, one.postcode):
                assert value.lower() not in said, (ref, value)


def test_an_explanation_is_one_disclosure_about_those_it_names(town: House) -> None:
    watching = Watch(town)
    found = told(town, "vague")
    (row,) = watching.rows("disclosure")
    assert row.body["subjects"]["count"] >= len(found.pairs)


def test_a_record_without_details_any_more_has_only_its_past(town: House) -> None:
    with town.stores.transaction() as tx:
        tx.change("UPDATE source_person SET packed = ? WHERE source_person_id = ?", (b"", client("bram")))
    found = told(town, "bram")
    assert (found.outcome, found.pairs) == ("", ())
    assert found.said


def test_a_text_that_is_no_number_is_refused_before_anybody_is_looked_at(town: House) -> None:
    watching = Watch(town)
    with pytest.raises(InputError):
        explain_source_person(town, persona(town, "reviewer"), client("bram"), "123")
    assert watching.rows() == []


def test_a_practitioner_is_shown_no_evidence_of_anybody(town: House) -> None:
    with pytest.raises(NotPermitted):
        explain_source_person(town, persona(town, "social-worker"), client("bram"), BRAM.number)
