"""The report of unmatched records on a house: whose records it tells of, what it may say, and what it leaves behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fixtures.rates import AS_OF
from gateway.errors import Unavailable
from gateway.services.records.index import IndexSource, load_index
from gateway.services.records.ingest import ingest_files
from gateway.services.records.link import link_all
from gateway.services.records.protected import LOCATION
from gateway.services.records.unlink import unlink_record
from gateway.services.reports import look
from gateway.services.reports import unmatched as room
from gateway.services.reports.reasons import Cause
from gateway.services.reports.unmatched import unmatched
from gateway.storage.records import source_person_id
from tests.gateway.houses import (
    AMINA,
    BRAM,
    FORMER,
    GONE,
    HIDDEN,
    MOVED,
    NAMESAKE,
    PEOPLE,
    STRANGER,
    TWIN,
    Watch,
    copied,
    event,
    extract_csv,
    index_csv,
    nth,
    persona,
    system,
    take_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gateway.house import House
    from gateway.services.reports.lines import Line, Unmatched
    from gateway.settings import Settings

VAGUE = replace(NAMESAKE, postcode="", gender="female")


@pytest.fixture(scope="module")
def town_of_all(town_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Clients of all sorts, linked."""
    rows = [
        event("right", AMINA, number=AMINA.number),
        event("replaced", AMINA, number=MOVED.number),
        event("elses", BRAM, number=TWIN.number),
        event("withdrawn", STRANGER, number=GONE.number),
        event("vague", VAGUE),
        event("nobody", replace(STRANGER, given="Unknown")),
        event("absent", replace(STRANGER, family="Absentova", birth_date="1933-04-04")),
        event("hidden", replace(HIDDEN, given="E")),
        event("former", FORMER, number=FORMER.number),
        event("mistyped", BRAM, number="9990000019"),
        event("broken", BRAM, {"Event Type": "Wondering"}),
    ]
    folder = tmp_path_factory.mktemp("unmatched")
    with copied(town_settings, folder / "var") as house:
        take_in(house, folder / "clients.csv", rows)
        return house.settings


@pytest.fixture(scope="module")
def town(town_of_all: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The same for tests that only ask."""
    with copied(town_of_all, tmp_path_factory.mktemp("unmatched") / "open") as house:
        yield house


@pytest.fixture
def own(town_of_all: Settings, tmp_path: Path) -> Iterator[House]:
    """The same, and the test may spoil it."""
    with copied(town_of_all, tmp_path / "var") as house:
        yield house


def lines_of(made: Unmatched) -> dict[str, Line]:
    """The work list by reference."""
    return {line.reference: line for line in made.lines}


def asked_by(house: House, name: str = "data-team") -> Unmatched:
    """The report as one of the personas gets it."""
    return unmatched(house, persona(house, name))


def test_each_record_is_told_with_its_cause_and_the_field_to_fix(town: House) -> None:
    told = {name: (line.cause, line.fields) for name, line in lines_of(asked_by(town)).items()}
    expected = {
        "elses": (Cause.NUMBER_SOMEBODY_ELSES, ("nhs_number",)),
        "withdrawn": (Cause.NUMBER_WITHDRAWN, ("nhs_number",)),
        "nobody": (Cause.PLACEHOLDER, ("given",)),
        "absent": (Cause.LIKELY_ABSENT, ()),
        "mistyped": (Cause.NUMBER_INVALID, ("nhs_number",)),
    }
    assert {name: told[name] for name in expected} == expected
    assert told["vague"][0] is Cause.SEVERAL_CLOSE
    assert "address" in told["vague"][1]
    assert told["right"][0] is Cause.DUPLICATE
    assert told["replaced"][0] is Cause.NUMBER_SUPERSEDED


def test_what_is_right_and_nothing_else_is_left_out(own: House, tmp_path: Path) -> None:
    take_in(own, tmp_path / "more.csv", [event("good", TWIN, number=TWIN.number)])
    assert "good" not in lines_of(asked_by(own))


def test_the_list_begins_with_wrong_numbers_and_ends_with_who_is_likely_absent(town: House) -> None:
    pays = [line.pays for line in asked_by(town).lines]
    assert pays == sorted(pays, reverse=True)
    assert pays[0] == 1.0
    assert lines_of(asked_by(town))["absent"].pays < 0.5


def test_totals_add_up_by_reason_field_and_organisation(town: House) -> None:
    made = asked_by(town)
    assert sum(made.by_cause.values()) == len(made.lines)
    assert made.by_organisation == {"999": len(made.lines)}
    assert sum(made.by_field.values()) == sum(len(line.fields) for line in made.lines)
    assert list(made.by_cause.values()) == sorted(made.by_cause.values(), reverse=True)
    assert made.records == sum(tally.records for tally in made.tallies) > 0
    assert made.against.source == "demo"


def test_the_report_is_in_the_ledger_with_whom_it_speaks_of_before_it_is_returned(
    town: House, watch: Callable[[House], Watch]
) -> None:
    seen = watch(town)
    made = asked_by(town)
    (row,) = seen.rows("batch")
    assert (row.body["job"], row.body["actor"]["subject"]) == ("unmatched-999", "data-team")
    assert row.body["rows"] >= len(made.lines)
    for one in (BRAM, TWIN):
        found = town.stores.ledger.search(subject=town.stores.keys.subject_token(one.id))
        assert row.seq in {each.seq for each in found}


def test_without_its_ledger_row_no_report_leaves(own: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_more: object) -> None:
        raise Unavailable("full", reason="ledger")

    monkeypatch.setattr(own.stores.ledger, "append", refuse)
    with pytest.raises(Unavailable):
        asked_by(own)


def test_a_field_that_the_agreement_does_not_show_is_not_named(town: House, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {name: line.fields for name, line in lines_of(asked_by(town)).items()}
    monkeypatch.setitem(look._ELEMENT_OF, "given", "no-such-element")
    cut = lines_of(asked_by(town))
    assert not any("given" in line.fields for line in cut.values() if line.cause in look._OF_A_PAIR)
    # what the record itself lacks is the record's own affair
    assert cut["nobody"].fields == whole["nobody"]


def test_what_differs_from_a_restricted_persons_whereabouts_is_never_named(town: House) -> None:
    line = lines_of(asked_by(town))["hidden"]
    assert line.cause not in look._OF_A_PAIR or not LOCATION & set(line.fields)


def test_a_reviewers_decision_is_told_as_one(own: House) -> None:
    reviewer = persona(own, "reviewer")
    unlink_record(own, reviewer, source_person_id("social-care", "999", "right"), "test")
    link_all(own, system(own, "system-link"))
    line = lines_of(asked_by(own))["right"]
    assert Cause.KEPT_APART in {line.cause, *line.also}


def test_somebody_is_told_of_their_own_organisation_and_work_by_itself_of_all(county: House) -> None:
    ours = asked_by(county)
    everybodys = unmatched(county, system(county, "system-link"))
    assert set(ours.organisations) == {"999"}
    assert {line.reference for line in ours.lines} < {line.reference for line in everybodys.lines}
    assert len(everybodys.organisations) > 2
    assert {tally.organisation for tally in ours.tallies} == {"999"}


def test_a_source_is_chosen_by_name(county: House) -> None:
    only = unmatched(county, system(county, "system-link"), sources=["acute"])
    assert {line.source for line in only.lines} == {"acute"}
    assert {tally.source for tally in only.tallies} == {"acute"}


def test_a_page_looks_at_so_many_and_says_how_many_are_left(town: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_PAGE", 2)
    whole, some = asked_by(town), unmatched(town, persona(town, "data-team"), most=3)
    assert whole.left == 0
    assert some.left > 0
    assert len(some.lines) < len(whole.lines)


def test_who_would_be_found_today_is_counted_and_not_listed(own: House, tmp_path: Path) -> None:
    here = replace(STRANGER, number=nth(20), family="Absentova", birth_date="1933-04-04")
    source = IndexSource(index_csv(tmp_path / "index.csv", [*PEOPLE, here]), "demo", AS_OF)
    load_index(own, system(own, "system-index"), source)
    made = asked_by(own)
    assert made.settled >= 1
    assert "absent" not in lines_of(made)


def test_several_rows_of_one_record_are_one_line(own: House, tmp_path: Path) -> None:
    rows = [event("mistyped", BRAM, number="9990000019", step=step) for step in (2, 3)]
    ingest_files(own, system(own, "system-ingest"), "social-care", [extract_csv(tmp_path / "more.csv", rows)])
    assert lines_of(asked_by(own))["mistyped"].rows == 3


def test_a_row_that_does_not_say_whose_it_is_is_told_by_its_file_or_counted(own: House, tmp_path: Path) -> None:
    good, bad = event("again", BRAM, number=BRAM.number), {"LA Person Unique Identifier": ""}
    path = extract_csv(tmp_path / "ours.csv", [good, event("x", BRAM, bad)])
    ingest_files(own, system(own, "system-ingest"), "social-care", [path])
    alone = extract_csv(tmp_path / "nobodys.csv", [event("y", BRAM, bad)])
    ingest_files(own, system(own, "system-ingest"), "social-care", [alone])
    made = asked_by(own)
    (line,) = [line for line in made.lines if line.fields == ("LA Person Unique Identifier",)]
    assert (line.cause, line.outcome, line.organisation) == (Cause.ROW_REFUSED, "not-read", "999")
    assert made.unread >= 1


def test_no_line_holds_a_value_of_anybody(town: House) -> None:
    told = repr(asked_by(town))
    values = {
        value for who in (AMINA, BRAM, TWIN, HIDDEN, STRANGER) for value in (who.number, who.family, who.postcode)
    }
    assert not [value for value in values if value in told]
