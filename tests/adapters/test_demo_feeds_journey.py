"""The whole demo county through every adapter: only what was planted is kept out, and the promise of rows holds."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

import pytest

from adapters import acute, gp, social_care, spine, ukcore
from adapters.feed import Feed, Quarantined, SourceRecord
from adapters.person import to_demographics
from adapters.validate import check
from fixtures.write import write_demo

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from adapters.feed import Item
    from fixtures.write import Manifest


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return write_demo(tmp_path_factory.mktemp("demo"), 500, 7)


def feed(path: Path) -> Feed:
    return Feed(path.name, lambda: path.open("rb"))


def folder(path: Path) -> list[Feed]:
    return [feed(held) for held in sorted(path.iterdir())]


def items(demo: Manifest, source: str) -> list[Item]:
    feeds: dict[str, Iterable[Item]] = {
        "social-care": social_care.read([feed(path) for path in demo.social_care]),
        "gp": chain.from_iterable(gp.read(folder(path)) for path in demo.gp),
        "acute": acute.read([feed(path) for path in demo.acute]),
    }
    return list(feeds[source])


SOURCES = ["social-care", "gp", "acute"]


@pytest.mark.parametrize("source", SOURCES)
def test_only_the_planted_bad_rows_are_quarantined(demo: Manifest, source: str) -> None:
    found = Counter(item.rule for item in items(demo, source) if isinstance(item, Quarantined))
    planted = Counter({rule: count for rule, count in demo.bad_rows[source].items() if count})
    assert found == planted


@pytest.mark.parametrize("source", SOURCES)
def test_every_person_has_the_reference_that_the_truth_gives_them(demo: Manifest, source: str) -> None:
    with demo.truth.open(newline="") as opened:
        known = {(row["organisation"], row["person_ref"]) for row in csv.DictReader(opened) if row["source"] == source}
    records = [item for item in items(demo, source) if isinstance(item, SourceRecord) and item.person_ref]
    assert records
    assert {(record.organisation, record.person_ref) for record in records} <= known


@pytest.mark.parametrize("source", SOURCES)
def test_every_resource_is_fhir_tagged_and_its_persons_own(demo: Manifest, source: str) -> None:
    for item in items(demo, source):
        if not isinstance(item, SourceRecord):
            continue
        for held in item.resources:
            assert check(held) == []
            assert ukcore.section_of(held)
            if held["resourceType"] == "Patient" and not item.merged_into:
                assert held["id"] == ukcore.person_id(item.source, item.organisation, item.person_ref)
                assert to_demographics(held).family or held["active"]


@pytest.mark.parametrize("source", SOURCES)
def test_the_same_files_give_the_same_items_in_the_same_order(demo: Manifest, source: str) -> None:
    assert items(demo, source) == items(demo, source)


def test_the_index_reads_whole(demo: Manifest) -> None:
    rows = list(spine.index_rows(feed(demo.index)))
    assert len(rows) == demo.index_rows
    for row in rows[:100]:
        assert isinstance(row, spine.IndexRow)
        assert check(spine.pds_patient(row, version=1, source="demo", as_of="2026-09-30")) == []
