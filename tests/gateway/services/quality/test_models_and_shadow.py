"""Models: tried on everybody before they decide anything, put in use by name, in force at once, and taken back."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from gateway.errors import Conflict, InputError, NotFound, NotPermitted, Unavailable
from gateway.house import House, open_house
from gateway.services.quality import shadow as shadows
from gateway.services.quality.models import (
    activate_model,
    known_model,
    list_models,
    read_model,
    stamps,
)
from gateway.services.quality.shadow import Change, packed, try_model, unpacked
from gateway.services.quality.shadow_report import as_json, lines, write_report
from gateway.services.records import reviews
from gateway.services.records.link import link_all
from gateway.storage.factkinds import NEVER_LINK
from gateway.storage.facts import StoredFact
from gateway.storage.models import SHIPPED_BY, content_of, shipped_model
from ig.decide import Population
from ig.purpose import Dataset, Element, Level
from linkage.model import Use
from tests.gateway.houses import persona, system

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from linkage.model import Model
    from tests.gateway.houses import Watch


def altered(version: str, **thresholds: float) -> Model:
    """The shipped model under another version, and other thresholds for proposing a number."""
    content: dict[str, Any] = orjson.loads(content_of(shipped_model()))
    content["version"] = version
    content["thresholds"][Use.PROPOSE.value] |= thresholds
    return read_model(orjson.dumps(content))


@pytest.fixture
def strict() -> Model:
    """Nearly nothing is enough for it."""
    return altered("strict", match=60.0, gap=40.0)


def keeper(house: House) -> Any:  # noqa: ANN401 - a Caller
    return system(house, "system-link")


def test_a_database_starts_with_the_shipped_model_in_use(own_town: House) -> None:
    (line,) = list_models(own_town)
    assert (line.hash, line.in_use, line.shipped, line.by) == (shipped_model().hash, True, True, SHIPPED_BY)
    assert own_town.model == shipped_model()
    assert known_model(own_town, "shipped") == known_model(own_town, line.hash[:8].upper())


def test_a_shadow_run_of_the_model_in_use_changes_nothing_and_finds_nothing_to_change(own_county: House) -> None:
    before = own_county.stores.digest()
    done = try_model(own_county, keeper(own_county), shipped_model())
    assert own_county.stores.digest() == before
    assert (done.tally.gained, done.tally.lost, done.tally.changes.total()) == (0, 0, 0)
    assert done.tally.before == done.tally.after
    assert done.tally.people == sum(done.tally.before.values()) > 0


def test_a_stricter_model_loses_links_and_says_which(own_county: House, strict: Model) -> None:
    done = try_model(own_county, keeper(own_county), strict)
    tally = done.tally
    assert tally.lost > tally.gained == 0
    assert tally.lost == tally.changes[Change.LOST]
    assert tally.changes[Change.INTO_REVIEW] > 0
    assert len(tally.examples[Change.LOST]) == min(20, tally.lost)
    example = tally.examples[Change.LOST][0]
    assert (example.before.outcome, example.after.outcome) == ("matched", "review")
    assert example.evidence


def test_a_shadow_run_is_one_batch_row_about_those_it_would_join(
    own_county: House, strict: Model, watch: Callable[[House], Watch]
) -> None:
    watching = watch(own_county)
    try_model(own_county, keeper(own_county), strict)
    bodies = [row.body for row in watching.rows()]
    assert [body["event"] for body in bodies] == ["administration", "batch"]
    assert bodies[0]["action"] == "model:shadow"
    assert bodies[1]["job"] == f"shadow-{strict.hash[:12]}"


def test_a_stopped_shadow_run_goes_on_where_it_was(
    own_county: House, strict: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = packed(try_model(own_county, keeper(own_county), strict).tally)
    monkeypatch.setattr(shadows, "BATCH", 40)
    reached: list[int] = []

    def stop(done: int, _total: int | None) -> None:
        reached.append(done)
        if len(reached) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        try_model(own_county, keeper(own_county), strict, stop)
    again = try_model(own_county, keeper(own_county), strict, lambda done, _: reached.append(done))
    assert reached[:3] == [40, 80, 120]
    assert packed(again.tally) == whole
    assert packed(unpacked(whole)) == whole


def test_a_shadow_run_that_the_records_overtake_does_not_count(
    own_county: House, strict: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = iter(["before", "after"])
    monkeypatch.setattr(type(own_county.stores.models), "records_stamp", lambda _self: next(figures))
    with pytest.raises(Conflict, match="run it again"):
        try_model(own_county, keeper(own_county), strict)
    assert own_county.stores.models.shadows() == []


def test_what_a_person_decided_stands_whatever_a_model_says(own_county: House, strict: Model) -> None:
    reviewer = persona(own_county, "reviewer")
    line = reviews.open_cases(own_county, reviewer)[0]
    case = reviews.case(own_county, reviewer, line.case_id)
    reviews.decide_case(own_county, reviewer, line.case_id, case.candidates[0].person_id)
    tally = try_model(own_county, keeper(own_county), strict).tally
    assert tally.decided == 1
    everybody = [one.source_person_id for found in tally.examples.values() for one in found]
    assert case.source_person_id not in everybody


def test_a_report_is_written_whole_and_names_nobody(own_county: House, strict: Model, tmp_path: Path) -> None:
    done = try_model(own_county, keeper(own_county), strict)
    paths = write_report(tmp_path / "shadow", done)
    assert sorted(path.name for path in (tmp_path / "shadow").iterdir()) == sorted(path.name for path in paths)
    markdown, told = paths[0].read_text("utf-8"), json.loads(paths[1].read_text("utf-8"))
    assert told == json.loads(json.dumps(as_json(done)))
    assert told["changes"]["lost"] == done.tally.lost
    assert f"| links lost | {done.tally.lost:,} |" in markdown
    assert paths[2].read_text("utf-8").startswith("<svg")
    said = "\n".join([*lines(done), markdown, json.dumps(told)])
    assert not re.search(r"\b9\d{9}\b", said)
    assert f"--accept-lost {done.tally.lost}" in said


def test_a_model_is_not_put_in_use_untried(own_county: House, strict: Model, watch: Callable[[House], Watch]) -> None:
    watching = watch(own_county)
    with pytest.raises(NotPermitted, match="was not tried") as refused:
        activate_model(own_county, keeper(own_county), strict)
    assert refused.value.reason == "shadow-required"
    (body,) = (row.body for row in watching.rows())
    assert (body["action"], body["details"]["refused"]) == ("model:activate", True)
    assert own_county.model == shipped_model()


def test_a_model_is_put_in_use_by_naming_the_links_it_loses_and_is_in_force_at_once(
    own_county: House, strict: Model
) -> None:
    caller = keeper(own_county)
    lost = try_model(own_county, caller, strict).tally.lost
    with pytest.raises(NotPermitted, match=f"--accept-lost {lost}"):
        activate_model(own_county, caller, strict)
    elsewhere = open_house(own_county.settings)
    try:
        assert elsewhere.engine().model_hash == shipped_model().hash
        run = activate_model(own_county, caller, strict, lost)
        assert elsewhere.engine().model_hash == strict.hash == own_county.engine().model_hash
    finally:
        elsewhere.close()
    assert run.lost == lost
    linked = link_all(own_county, caller)
    assert linked.traced == run.people
    with pytest.raises(Conflict, match="in use already"):
        activate_model(own_county, caller, strict, lost)


def test_the_way_back_to_an_earlier_model_is_the_same(own_county: House, strict: Model) -> None:
    caller = keeper(own_county)
    before = own_county.stores.traces.counts()
    activate_model(own_county, caller, strict, try_model(own_county, caller, strict).tally.lost)
    link_all(own_county, caller)
    assert own_county.stores.traces.counts() != before
    shipped = known_model(own_county, shipped_model().hash)
    back = try_model(own_county, caller, shipped)
    assert (back.tally.lost, back.tally.gained > 0) == (0, True)
    activate_model(own_county, caller, shipped)
    link_all(own_county, caller)
    assert own_county.stores.traces.counts() == before
    lines_now = {line.hash: line for line in list_models(own_county)}
    assert lines_now[shipped.hash].in_use
    assert lines_now[shipped.hash].by == caller.subject
    assert [run.against for run in lines_now[strict.hash].shadows] == [shipped.hash]
    assert [one.hash for one in own_county.stores.models.activations()] == [shipped.hash, strict.hash, shipped.hash]


def test_a_practitioner_puts_no_model_in_use(own_county: House, strict: Model) -> None:
    lost = try_model(own_county, keeper(own_county), strict).tally.lost
    with pytest.raises(NotPermitted, match="your role"):
        activate_model(own_county, persona(own_county, "social-worker"), strict, lost)


def test_a_practitioner_tries_no_model(own_county: House, strict: Model) -> None:
    with pytest.raises(NotPermitted):
        try_model(own_county, persona(own_county, "social-worker"), strict)
    assert own_county.stores.models.shadows() == []


def test_a_model_is_known_by_enough_of_its_hash(own_town: House) -> None:
    with pytest.raises(InputError, match="8 characters"):
        known_model(own_town, "abc")
    with pytest.raises(NotFound, match="model list"):
        known_model(own_town, "0" * 12)
    caller = keeper(own_town)
    with own_town.stores.transaction() as tx:
        for version in ("one", "two"):
            own_town.stores.models.put(tx, altered(version), caller.subject)
    with own_town.stores.transaction() as tx:
        tx.change("UPDATE model_version SET hash = '12345678' || hash WHERE added_by <> ?", (SHIPPED_BY,))
    with pytest.raises(InputError, match="several"):
        known_model(own_town, "12345678")


def test_a_newly_shipped_model_is_listed_and_decides_nothing(
    own_town: House, monkeypatch: pytest.MonkeyPatch, strict: Model
) -> None:
    from gateway.services.quality import models

    monkeypatch.setattr(models, "shipped_model", lambda: strict)
    old, new = list_models(own_town)
    assert (old.in_use, old.shipped, new.in_use, new.shipped) == (True, False, False, True)
    assert known_model(own_town, "shipped") == strict
    assert own_town.engine().model_hash == old.hash


def test_a_model_of_another_version_of_the_software_answers_nothing(own_town: House) -> None:
    content: dict[str, Any] = orjson.loads(content_of(shipped_model())) | {"normalisation": 999}
    with own_town.stores.transaction() as tx:
        tx.change("UPDATE model_version SET content = ?", (orjson.dumps(content),))
    with pytest.raises(Unavailable, match=r"\$\.normalisation.*link --shadow") as refused:
        _ = own_town.model
    assert refused.value.reason == "model-version"


def test_a_bad_model_is_refused_with_the_path_to_the_fault() -> None:
    content: dict[str, Any] = orjson.loads(content_of(shipped_model()))
    content["comparisons"]["gender"]["telepathy"] = {"bits": 1}
    with pytest.raises(InputError, match=r"\$\.comparisons\.gender\.telepathy: unknown-name") as refused:
        read_model(orjson.dumps(content))
    assert refused.value.exit_code == 2
    assert refused.value.field == "$.comparisons.gender.telepathy"


def test_without_an_index_there_is_nothing_to_try_on(own_town: House) -> None:
    with own_town.stores.transaction() as tx:
        tx.change("DELETE FROM index_info")
    with pytest.raises(Unavailable, match="no index"):
        stamps(own_town)


def test_a_link_that_nobody_is_near_enough_for_any_more_shows_what_it_weighs(own_county: House) -> None:
    nobody = altered("nobody", match=900.0, review=900.0)
    tally = try_model(own_county, keeper(own_county), nobody).tally
    example = next(one for one in tally.examples[Change.LOST] if one.after.outcome == "none")
    assert {piece.field for piece in example.evidence} >= {"family", "birth_date"}


def test_a_protected_person_is_counted_and_is_no_example(own_county: House, strict: Model) -> None:
    caller = keeper(own_county)
    first = try_model(own_county, caller, strict).tally
    shown = first.examples[Change.LOST][0].source_person_id
    with own_county.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER},
        subject=Population(),
        job="test",
    ) as passage:
        link = own_county.stores.links.standing(passage.permit, [shown])[shown]
    seal = StoredFact(NEVER_LINK, "somebody-former", link.person_id, "protected", datetime(2026, 1, 1, tzinfo=UTC))
    with own_county.stores.transaction() as tx:
        own_county.stores.governance.facts.put_many(tx, [seal])
    again = try_model(own_county, caller, strict).tally
    assert again.lost == first.lost
    assert shown not in {one.source_person_id for one in again.examples[Change.LOST]}


def test_a_record_that_was_never_traced_is_said_to_be(own_county: House) -> None:
    with own_county.stores.transaction() as tx:
        tx.change("DELETE FROM trace_result")
    tally = try_model(own_county, keeper(own_county), shipped_model()).tally
    assert set(tally.before) == {"not-traced"}
    assert tally.changes[Change.OUT_OF_REVIEW] == 0
