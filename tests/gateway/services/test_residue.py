"""The residue: what no trace settled, in the source's words, and of one's own organisation alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.errors import NotPermitted
from gateway.services.records import residue as room
from gateway.services.records.residue import Unsettled, residue
from gateway.storage.links import Basis, LinkKind, NewLink
from gateway.storage.records import source_person_id
from ig.decide import Population
from ig.purpose import Dataset, Element, Level
from tests.gateway.houses import AMINA, BRAM, STRANGER, event, persona, system, take_in

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.house import House


def client(ref: str) -> str:
    return source_person_id("social-care", "999", ref)


def found(house: House, caller: Caller, sources: Collection[str] = ()) -> dict[str, Unsettled]:
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER},
        subject=Population(),
        job="residue",
    ) as passage:
        rows = list(residue(house, passage.permit, sources=sources))
        assert [row.source_person_id for row in rows] == sorted(row.source_person_id for row in rows)
        passage.disclose([row.source_person_id for row in rows], rows=len(rows))
    return {row.local_id: row for row in rows}


@pytest.fixture
def town(own_town: House, tmp_path: Path) -> House:
    """Three clients: one found by number, one by details, one whom nobody knows."""
    rows = [event("amina", AMINA, number=AMINA.number), event("bram", BRAM), event("stranger", STRANGER)]
    take_in(own_town, tmp_path / "clients.csv", rows)
    return own_town


def test_only_who_was_not_found_is_left_and_as_the_source_spells_them(town: House) -> None:
    (left,) = found(town, persona(town, "data-team")).values()
    assert (left.source, left.organisation, left.local_id) == ("social-care", "999", "stranger")
    assert (left.outcome, left.nhs_number, left.flags) == ("none", "", frozenset())
    assert left.reason in {"no-candidates", "nobody-near"}
    assert (left.asked.family, left.asked.given) == (STRANGER.family, STRANGER.given)


def test_what_a_person_joined_is_settled(town: House) -> None:
    decided = NewLink(client("stranger"), BRAM.id, LinkKind.IS, Basis.PERSON, "reviewer", "m", nhs_number=BRAM.number)
    with town.stores.transaction() as tx:
        town.stores.links.append(tx, [decided])
    assert not found(town, persona(town, "data-team"))


def test_what_is_not_traced_yet_or_merged_away_is_not_left_over(town: House) -> None:
    with town.stores.transaction() as tx:
        town.stores.records.retire(tx, client("stranger"), client("bram"))
    assert not found(town, persona(town, "data-team"))
    with town.stores.transaction() as tx:
        town.stores.records.retire(tx, client("stranger"), None)
        town.stores.traces.forget(tx, [client("stranger")])
    assert not found(town, persona(town, "data-team"))


def test_a_source_is_chosen_by_name(town: House) -> None:
    assert found(town, persona(town, "data-team"), ["social-care"])
    assert not found(town, persona(town, "data-team"), ["gp", "acute"])


def test_somebody_sees_their_own_organisations_and_work_by_itself_everybodys(
    county: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_PAGE", 7)
    ours = found(county, persona(county, "data-team"))
    everybodys = found(county, system(county, "system-link"))
    assert {row.organisation for row in ours.values()} == {"999"}
    assert len({row.organisation for row in everybodys.values()}) > 1
    assert {row.source_person_id for row in ours.values()} < {row.source_person_id for row in everybodys.values()}


def test_there_is_no_residue_without_a_permit(town: House) -> None:
    with pytest.raises(NotPermitted):
        next(residue(town, object()))  # type: ignore[arg-type]  # a forgery
