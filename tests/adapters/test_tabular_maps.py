"""Feeds that come through a column map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import tabular, ukcore
from adapters.feed import Feed, FeedRefused, Quarantined, SourceRecord
from adapters.tabular import SHIPPED, MapFault, load_map
from adapters.validate import check

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeFeed = Callable[[str, str], Feed]

NHS111 = load_map(SHIPPED["nhs111"])
HEADER = ",".join([*NHS111.columns.values(), *sorted(NHS111.ignore)])
CELLS = {
    "CaseRef": "C1",
    "PatientRef": "P1",
    "ProviderODS": "nlx01",
    "NHSNumber": "9990001006",
    "Surname": "Testperson",
    "Forename": "Ada Mary",
    "DateOfBirth": "1941-03-07",
    "Gender": "f",
    "CallStart": "2026-07-01 10:00",
    "CallEnd": "2026-07-01T10:12:00",
    "Disposition": "Speak to a GP",
    "SymptomGroup": "Falls",
}
EPISODE = """
map: hospice
resource: episode
section: care-services
dates: uk
organisation: hx1
delimiter: ";"
columns: {record_id: id, person_id: who, start: from, end: to, ethnicity: eth, gender: sex}
"""


def row(**changes: str) -> str:
    return ",".join((CELLS | changes).get(name, "") for name in HEADER.split(",")) + "\n"


def read(make_feed: MakeFeed, *rows: str) -> list[SourceRecord | Quarantined]:
    return list(tabular.read([make_feed("calls.csv", HEADER + "\n" + "".join(rows))], NHS111))


def test_a_call_is_a_person_and_an_encounter(make_feed: MakeFeed) -> None:
    (record,) = read(make_feed, row())
    assert isinstance(record, SourceRecord)
    assert (record.source, record.organisation, record.local_id) == ("tabular:nhs111", "NLX01", "C1")
    assert record.occurred == "2026-07-01T09:00:00+00:00"
    patient, encounter = record.resources
    assert patient["id"] == ukcore.person_id("tabular:nhs111", "NLX01", "P1")
    assert patient["identifier"][0]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "02"
    assert encounter["status"] == "finished"
    assert encounter["period"]["end"] == "2026-07-01T10:12:00+01:00"
    assert encounter["reasonCode"] == [{"text": "Falls"}]
    assert check(patient) == check(encounter) == []


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("CaseRef", "", "blank-mandatory"),
        ("ProviderODS", "", "blank-mandatory"),
        ("NHSNumber", "1", "not-ten-digits"),
        ("Gender", "X", "unknown-code"),
        ("CallStart", "01/07/2026", "not-a-date"),
        ("CallEnd", "2026-06-30", "end-before-start"),
    ],
)
def test_a_bad_row_is_quarantined_under_the_senders_own_column(
    make_feed: MakeFeed, column: str, value: str, rule: str
) -> None:
    good, bad, short = read(make_feed, row(), row(**{column: value}), "x\n")
    assert isinstance(good, SourceRecord)
    assert isinstance(bad, Quarantined)
    assert (bad.field, bad.rule, bad.row) == (column, rule, 3)
    assert isinstance(short, Quarantined)


def test_a_file_that_does_not_fit_the_map_is_refused(make_feed: MakeFeed) -> None:
    with pytest.raises(FeedRefused, match="unknown-column"):
        list(tabular.read([make_feed("x.csv", HEADER + ",Extra\n")], NHS111))


@pytest.mark.parametrize(("end", "status"), [("", "active"), ("02/07/2026", "finished")])
def test_an_episode_map_makes_episodes(make_feed: MakeFeed, end: str, status: str) -> None:
    content = f"id;who;from;to;eth;sex\n1;2;01/07/2026;{end};G;\n"
    (record,) = tabular.read([make_feed("h.csv", content)], load_map(EPISODE))
    assert isinstance(record, SourceRecord)
    patient, episode = record.resources
    assert (record.organisation, episode["status"]) == ("HX1", status)
    assert patient["gender"] == "unknown"
    assert check(patient) == check(episode) == []


def test_a_map_may_use_hl7_dates(make_feed: MakeFeed) -> None:
    content = "id;who;from;to;eth;sex\n1;2;202607011000;;;\n"
    (record,) = tabular.read([make_feed("h.csv", content)], load_map(EPISODE.replace("uk", "hl7")))
    assert isinstance(record, SourceRecord)
    assert record.occurred == "2026-07-01T09:00:00+00:00"


def test_an_open_call_is_in_progress_and_needs_no_type(make_feed: MakeFeed) -> None:
    (record,) = read(make_feed, row(CallEnd="", Disposition="", SymptomGroup=""))
    assert isinstance(record, SourceRecord)
    assert record.resources[1]["status"] == "in-progress"
    assert not {"type", "reasonCode"} & record.resources[1].keys()


@pytest.mark.parametrize(
    ("change", "path", "rule"),
    [
        (("map: hospice", "map: Hospice!"), "map", "bad-name"),
        (("map: hospice", "map: 12"), "map", "not-a-text"),
        (("resource: episode", "resource: thing"), "resource", "unknown-value"),
        (("resource: episode", "resource: encounter"), "class", "unknown-value"),
        (("section: care-services", ""), "section", "missing-key"),
        (("dates: uk", "dates: uk\nshoes: 2"), "shoes", "unknown-key"),
        (("dates: uk", "dates: uk\ndates: iso"), "map", "not-yaml"),
        (("dates: uk", "dates: [uk"), "map", "not-yaml"),
        (("organisation: hx1", ""), "organisation", "missing-key"),
        (('delimiter: ";"', 'delimiter: "x"'), "delimiter", "unknown-value"),
        (("end: to", "ende: to"), "columns.ende", "unknown-field"),
        (("end: to", "end: 5"), "columns.end", "not-a-text"),
        (("end: to", "end: from"), "columns", "column-twice"),
        (("start: from, ", ""), "columns.start", "missing-field"),
        (("dates: uk", "dates: uk\ngender: {M: man}"), "gender.M", "unknown-value"),
        (("dates: uk", "dates: uk\ngender: [M]"), "gender", "not-a-mapping"),
        (("dates: uk", "dates: uk\nignore: x"), "ignore", "not-a-list"),
    ],
)
def test_a_wrong_map_is_refused_with_its_place_and_rule(change: tuple[str, str], path: str, rule: str) -> None:
    with pytest.raises(MapFault) as refused:
        load_map(EPISODE.replace(*change))
    assert (refused.value.path, refused.value.rule) == (path, rule)
    assert str(refused.value).startswith(path)


@pytest.mark.parametrize("text", ["", "- a", "1: 2", "\x00", "a: \ud800"])
def test_text_that_is_no_map_is_refused(text: str) -> None:
    with pytest.raises(MapFault):
        load_map(text)


@given(st.text(max_size=60))
def test_no_text_makes_the_loader_raise_anything_else(text: str) -> None:
    with pytest.raises(MapFault):
        load_map(text)


def test_every_shipped_map_loads() -> None:
    for name, text in SHIPPED.items():
        assert load_map(text).name == name
