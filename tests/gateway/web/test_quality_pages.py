"""The pages of reports; and on every page of a seeded house, NHS numbers in groups of 3-3-4 and never in a run."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.app import create_app
from gateway.services.governance.personas import PERSONAS
from gateway.services.reports.unmatched import unmatched
from gateway.web import reports as room
from linkage.nhs_number import fault_in
from tests.gateway import houses
from tests.gateway.web.front import Browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.write import Manifest
    from gateway.house import House
    from gateway.settings import Settings

UNMATCHED, NUMBERS = "/quality/unmatched", "/quality/numbers"
RUN = re.compile(r"(?<![\w.])\d{10}(?!\w)")
LINK = re.compile(r'href="(/[^"#?]*)"')
OF_A_KIND = 3
ROW = re.compile(r"<tr[^>]*>.*?</tr>", re.DOTALL)


@pytest.fixture(scope="module")
def seeded(county_made: tuple[Settings, Manifest], tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A county with records of every kind and cases to review."""
    with houses.copied(county_made[0], tmp_path_factory.mktemp("quality") / "var") as house:
        yield house


@pytest.fixture
def manifest(county_made: tuple[Settings, Manifest]) -> Manifest:
    """What was written of the county."""
    return county_made[1]


def seat(house: House, name: str, purpose: str = "demographic-trace") -> Browser:
    """A browser in which one of the personas has signed in."""
    browser = Browser(create_app(house=house).test_client())
    assert browser.sign_in(name, purpose).status_code == 303
    return browser


@pytest.mark.parametrize("who", ["data-team", "reviewer"])
@pytest.mark.parametrize("path", [UNMATCHED, NUMBERS])
def test_the_home_page_leads_whoever_mends_records_to_both_reports(seeded: House, who: str, path: str) -> None:
    browser = seat(seeded, who)
    assert f'href="{path}"' in browser.get("/").text
    assert browser.get(path).status_code == 200


@pytest.mark.parametrize("path", [UNMATCHED, NUMBERS])
def test_nobody_else_is_offered_or_shown_them(seeded: House, path: str) -> None:
    browser = seat(seeded, "social-worker")
    assert path not in browser.get("/").text
    assert browser.get(path).status_code == 403
    stranger = Browser(create_app(house=seeded).test_client())
    assert stranger.get(path).status_code == 303


def test_unmatched_records_come_with_reasons_charts_the_same_as_tables_and_a_work_list(seeded: House) -> None:
    text = seat(seeded, "data-team").get(UNMATCHED).text
    for heading in ("By reason", "By field to fix", "Work list"):
        assert f">{heading}</h2>" in text
        assert f"{heading}, as a table" in text
    assert text.count('<svg role="img"') == 2
    assert "Likely absent from the index" in text
    assert "records; " in text
    assert "Checked on" in text


def test_only_so_many_lines_are_shown_and_the_page_says_of_how_many(
    seeded: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_LINES", 2)
    monkeypatch.setattr(room, "MOST_RECORDS", 3)
    text = seat(seeded, "data-team").get(UNMATCHED).text
    assert "The 2 of " in text
    work = text[text.index(">Work list</h2>") :]
    assert len(ROW.findall(work)) == 3
    assert "further records were not looked at" in text


def test_an_organisation_with_nothing_to_mend_is_told_so(seeded: House, monkeypatch: pytest.MonkeyPatch) -> None:
    made = replace(unmatched(seeded, houses.persona(seeded, "data-team")), lines=())
    monkeypatch.setattr(room, "unmatched", lambda *_args, **_more: made)
    text = seat(seeded, "data-team").get(UNMATCHED).text
    assert text.count("Nothing to show.") == 3
    assert "<svg" not in text[text.index("<h1") :]


def test_numbers_are_told_by_status_and_by_what_is_to_be_mended(seeded: House) -> None:
    text = seat(seeded, "data-team").get(NUMBERS).text
    assert "Open adult clients by status: social care, organisation 999" in text
    assert "01, present and verified" in text
    assert "Records to mend" in text
    assert text.count('<svg role="img"') == 2


def pages_of(browser: Browser) -> dict[str, str]:
    """Every page that links lead to from the home page; of each kind of page a few."""
    found: dict[str, str] = {}
    kinds: Counter[str] = Counter()
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        kind = path.rpartition("/")[0] if path.count("/") > 1 else path
        if path in found or path.startswith("/static") or kinds[kind] >= OF_A_KIND:
            continue
        kinds[kind] += 1
        found[path] = browser.get(path).text
        waiting += LINK.findall(found[path])
    return found


@pytest.mark.parametrize("who", ["data-team", "reviewer", "social-worker", "ig-officer"])
def test_no_page_shows_an_nhs_number_in_a_run(seeded: House, who: str) -> None:
    """ISB 0149, requirement 09: displayed 3-3-4, on every page there is."""
    pages = pages_of(seat(seeded, who, PERSONAS[who].default_purpose))
    assert len(pages) > 4
    for path, text in pages.items():
        runs = [digits for digits in RUN.findall(text) if fault_in(digits) is None]
        assert not runs, f"{path}: {len(runs)} numbers in a run"


def test_a_number_typed_in_a_run_is_shown_in_groups(seeded: House, manifest: Manifest) -> None:
    number = manifest.examples["right"]
    with manifest.index.open(encoding="utf-8", newline="") as file:
        who = next(row for row in csv.DictReader(file) if row["nhs_number"] == number)
    year, month, day = who["birth_date"].split("-")
    told = {name: who[name] for name in ("family", "given", "postcode", "gender")}
    born = {"birth_day": day, "birth_month": month, "birth_year": year}
    browser = seat(seeded, "social-worker")
    text = browser.post("/verify", nhs_number=number, **told, **born).text
    grouped = f"{number[:3]} {number[3:6]} {number[6:]}"
    assert grouped in text
    assert number not in text.replace(f'value="{number}"', "")
