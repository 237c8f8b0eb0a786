"""Records in: whole batches, once each, resumable; what breaks a rule waits by itself and can be mended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adapters import feed
from adapters.feed import SourceRecord
from adapters.tabular import SHIPPED
from gateway.errors import Conflict, InputError, NotPermitted
from gateway.services.records import ingest, quarantine
from gateway.services.records.ingest import IngestReport, ingest_files
from gateway.services.records.objections import SOURCE_TYPE1, objections
from gateway.services.records.shelves import dataset_of, shelf_of
from gateway.storage.jobs import Jobs, worker_name
from gateway.storage.records import Incoming
from ig.purpose import Dataset, Section
from tests.gateway.houses import AMINA, BRAM, OUTSIDER, STRANGER, Watch, event, extract_csv, persona, system

if TYPE_CHECKING:
    from fixtures.write import Manifest
    from gateway.house import House


def read(house: House, *paths: Path, source: str = "social-care", **other: Any) -> IngestReport:  # noqa: ANN401
    return ingest_files(house, system(house, "system-ingest"), source, paths, **other)


def rows_of(many: int) -> list[dict[str, str]]:
    return [event(f"c{n}", replace(AMINA, given=f"Amina{n}")) for n in range(many)]


def figures(house: House) -> dict[str, tuple[int, int, int]]:
    return {one.source: (one.people, one.records, one.resources) for one in house.stores.records.counts()}


def test_rows_go_in_and_are_counted(own_town: House, tmp_path: Path) -> None:
    bad = event("c9", BRAM, {"Event Start Date": "31/02/2026"})
    path = extract_csv(tmp_path / "cld.csv", [event("c1", AMINA), event("c2", BRAM), bad])
    done = read(own_town, path)
    assert (done.read, done.new, done.already) == (3, 2, False)
    assert done.quarantined == {("Event Start Date", "impossible-date"): 1}
    (held,) = quarantine.listing(own_town)
    assert (held.feed, held.row, held.field, held.rule) == ("cld.csv", 4, "Event Start Date", "impossible-date")
    assert "31/02/2026" not in held.message


def test_the_same_file_again_changes_nothing(own_town: House, tmp_path: Path) -> None:
    path = extract_csv(tmp_path / "cld.csv", rows_of(3))
    read(own_town, path)
    before = own_town.stores.digest()
    again = read(own_town, path)
    assert (again.already, again.read, again.new, again.same) == (True, 3, 0, 3)
    assert own_town.stores.digest() == before


def test_the_same_rows_in_another_file_are_the_same_records(own_town: House, tmp_path: Path) -> None:
    read(own_town, extract_csv(tmp_path / "a.csv", rows_of(3)))
    before = figures(own_town)
    again = read(own_town, extract_csv(tmp_path / "b.csv", rows_of(4)))
    assert (again.new, again.same) == (1, 3)
    assert before["social-care"][1] + 1 == figures(own_town)["social-care"][1]


def test_a_newer_version_of_a_row_takes_the_place_of_the_older(own_town: House, tmp_path: Path) -> None:
    read(own_town, extract_csv(tmp_path / "a.csv", [event("c1", AMINA)]))
    changed = event("c1", AMINA, {"Postcode": "LE9 9ZZ"})
    done = read(own_town, extract_csv(tmp_path / "b.csv", [changed]))
    assert (done.new, done.changed) == (0, 1)


@pytest.mark.parametrize("broken_at", [1, 2, 3])
def test_a_run_that_broke_off_goes_on_where_it_was_and_ends_the_same(
    own_town: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_at: int
) -> None:
    monkeypatch.setattr(ingest, "BATCH", 2)
    bad = event("c99", BRAM, {"Event Type": "Wondering"})
    path = extract_csv(tmp_path / "cld.csv", [*rows_of(3), bad, *rows_of(6)[3:]])
    calls = []

    def fail(_jobs: Jobs, *_args: Any) -> object:  # noqa: ANN401
        calls.append(1)
        if len(calls) == broken_at:
            raise OSError
        return real(_jobs, *_args)

    real = Jobs.checkpoint
    monkeypatch.setattr(Jobs, "checkpoint", fail)
    with pytest.raises(OSError):  # noqa: PT011 - the fault planted above
        read(own_town, path)
    monkeypatch.setattr(Jobs, "checkpoint", real)
    done = read(own_town, path)
    assert (done.read, done.new) == (7, 6)
    assert done.quarantined == {("Event Type", "unknown-code"): 1}
    assert len(quarantine.listing(own_town)) == 1
    assert figures(own_town)["social-care"][1] == 6


def test_what_is_in_a_batch_is_in_whole_or_not_at_all(
    own_town: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise OSError

    monkeypatch.setattr(Jobs, "checkpoint", fail)
    before = own_town.stores.digest()
    with pytest.raises(OSError):  # noqa: PT011 - the fault planted above
        read(own_town, extract_csv(tmp_path / "cld.csv", rows_of(3)))
    assert own_town.stores.digest() == before


def test_two_at_the_same_work_do_not_both_do_it(own_town: House, tmp_path: Path) -> None:
    path = extract_csv(tmp_path / "cld.csv", rows_of(2))
    key = f"social-care:{ingest._digest([path])}"
    own_town.stores.jobs.start_or_resume("ingest", key)
    held = worker_name(1)
    with own_town.stores.transaction() as tx:
        tx.change("UPDATE job SET lease_owner = ?", (held,))
    with pytest.raises(Conflict) as refused:
        read(own_town, path)
    assert refused.value.reason == "job-held"


def test_progress_counts_over_all_files(own_town: House, tmp_path: Path) -> None:
    told: list[int] = []
    files = [extract_csv(tmp_path / f"{name}.csv", rows_of(n)) for name, n in (("a", 2), ("b", 3))]
    read(own_town, *files, report=lambda done, _total: told.append(done))
    assert told == [2, 5]


def test_a_folder_of_files_is_read_file_by_file(own_town: House, tmp_path: Path) -> None:
    folder = tmp_path / "feeds"
    folder.mkdir()
    extract_csv(folder / "a.csv", rows_of(1))
    extract_csv(folder / "b.csv", [event("x", BRAM)])
    assert read(own_town, folder).new == 2


def test_a_folder_of_extract_folders_is_read_folder_by_folder(
    own_town: House, manifest: Manifest, tmp_path: Path
) -> None:
    done = read(own_town, manifest.gp[0].parent, source="gp")
    assert done.read > 100
    again = read(own_town, *manifest.gp, source="gp")
    assert again.already


def test_an_empty_folder_is_said_to_be_empty(own_town: House, tmp_path: Path) -> None:
    folder = tmp_path / "nothing"
    folder.mkdir()
    with pytest.raises(InputError) as refused:
        read(own_town, folder)
    assert refused.value.reason == "empty"


@pytest.mark.parametrize("text", [b"", b"not,a,header\n1,2,3\n", b"\xff\xfe\x00"])
def test_a_file_that_is_none_of_this_kind_is_refused_by_name(own_town: House, tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "cld.csv"
    path.write_bytes(text)
    before = own_town.stores.digest()
    with pytest.raises(InputError, match=r"cld\.csv"):
        read(own_town, path)
    assert own_town.stores.digest() == before


def test_a_file_that_is_not_there_is_refused_by_name(own_town: House, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.csv: cannot be opened"):
        read(own_town, tmp_path / "absent.csv")


def test_a_demonstration_takes_no_number_that_could_be_somebodys(own_town: House, tmp_path: Path) -> None:
    issued = "4" + "01023213" + "7"  # well-formed, and of a range that is in use
    path = extract_csv(tmp_path / "cld.csv", [event("c1", AMINA), event("c2", BRAM, number=issued)])
    before = own_town.stores.digest()
    with pytest.raises(InputError) as refused:
        read(own_town, path)
    assert refused.value.reason == "real-number"
    assert issued not in str(refused.value)
    assert own_town.stores.digest() == before


def test_ingest_is_one_batch_row_a_group_of_files(own_town: House, tmp_path: Path) -> None:
    seen = Watch(own_town)
    read(own_town, extract_csv(tmp_path / "cld.csv", rows_of(2)))
    started, done = seen.rows()
    assert (started.body["action"], started.body["details"]["source"]) == ("ingest:start", "social-care")
    assert (done.kind, done.body["rows"], done.body["actor"]["subject"]) == ("batch", 2, "system-ingest")


@pytest.mark.parametrize("who", ["system-link", "system-index"])
def test_only_the_caller_named_for_it_takes_feeds_in(own_town: House, tmp_path: Path, who: str) -> None:
    path = extract_csv(tmp_path / "cld.csv", rows_of(1))
    seen = Watch(own_town)
    with pytest.raises(NotPermitted):
        ingest_files(own_town, system(own_town, who), "social-care", [path])
    assert [row.kind for row in seen.rows()] == ["refusal"]
    assert not own_town.stores.jobs.pending()


def test_a_file_that_is_in_already_does_not_answer_strangers_either(own_town: House, tmp_path: Path) -> None:
    path = extract_csv(tmp_path / "cld.csv", rows_of(1))
    read(own_town, path)
    with pytest.raises(NotPermitted):
        ingest_files(own_town, OUTSIDER, "social-care", [path])


def test_nobody_with_a_desk_takes_feeds_in(town: House, tmp_path: Path) -> None:
    with pytest.raises(NotPermitted):
        ingest_files(town, persona(town, "data-team"), "social-care", [extract_csv(tmp_path / "c.csv", rows_of(1))])


def test_a_report_outlives_the_run_that_made_it() -> None:
    report = IngestReport(read=5, new=3, deleted=1)
    report.quarantined["field", "rule"] = 2
    assert IngestReport.of_json(report.as_json()) == report
    assert IngestReport.of_json({}) == IngestReport()


# --- tabular -----------------------------------------------------------------------------------------------------

_HEADER = "CaseRef,PatientRef,ProviderODS,NHSNumber,Surname,Forename,DateOfBirth,Gender,AddressLine1,Town,Postcode,"
_MORE = "Telephone,GPPracticeODS,CallStart,CallEnd,Disposition,SymptomGroup"


def _calls(path: Path) -> Path:
    row = "k1,p1,NLX,,Okonjo,Bram,1962-11-02,M,1 Test Street,,LE3 5TT,,,2026-01-02T10:00:00,,,"
    path.write_text(f"{_HEADER}{_MORE}\n{row}\n", encoding="utf-8")
    return path


def test_any_table_goes_in_by_its_map(own_town: House, tmp_path: Path) -> None:
    path = _calls(tmp_path / "calls.csv")
    assert read(own_town, path, source="tabular", mapping=Path("nhs111")).new == 1
    assert read(own_town, path, source="tabular", mapping=Path("nhs111")).already


def test_the_same_table_under_another_map_is_other_work(own_town: House, tmp_path: Path) -> None:
    path = _calls(tmp_path / "calls.csv")
    read(own_town, path, source="tabular", mapping=Path("nhs111"))
    own = tmp_path / "own.yaml"
    own.write_text(
        SHIPPED["nhs111"].replace("  reason: SymptomGroup\n", "").replace("ignore:\n", "ignore:\n  - SymptomGroup\n")
    )
    assert not read(own_town, path, source="tabular", mapping=own).already


@pytest.mark.parametrize("text", [None, "map: [", "map: x\nunknown: y\n"])
def test_a_map_that_is_none_is_refused(own_town: House, tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "map.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError) as refused:
        read(own_town, _calls(tmp_path / "calls.csv"), source="tabular", mapping=path)
    assert (refused.value.reason, refused.value.field) == ("map", "map")


def test_what_a_table_holds_is_the_trusts_own(town: House) -> None:
    assert dataset_of("tabular:nhs111") is Dataset.ACUTE
    assert dataset_of("gp") is Dataset.GP


# --- quarantine --------------------------------------------------------------------------------------------------


def test_a_row_that_today_passes_goes_in_by_replay(
    own_town: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules changed: what was refused as an unknown code yesterday is known today."""
    rows = [
        event("c1", AMINA),
        event("c2", BRAM, {"Event Type": "Wondering"}),
        event("c3", STRANGER, {"Event Type": "Pondering"}),
    ]
    read(own_town, extract_csv(tmp_path / "cld.csv", rows))
    assert len(quarantine.listing(own_town)) == 2
    real = feed.replay
    monkeypatch.setattr(
        quarantine, "as_feed", lambda name, head, row: real(name, head, row.replace(b"Wondering", b"Request"))
    )
    seen = Watch(own_town)
    done = quarantine.replay(own_town, system(own_town, "system-ingest"))
    assert (done.read, done.mended, done.left) == (2, 1, 1)
    assert len(quarantine.listing(own_town)) == 1
    assert figures(own_town)["social-care"][1] == 2
    assert [row.kind for row in seen.rows()] == ["batch"]
    again = quarantine.replay(own_town, system(own_town, "system-ingest"))
    assert (again.read, again.mended) == (1, 0)


def test_replay_of_an_empty_quarantine_asks_and_does_nothing(own_town: House) -> None:
    seen = Watch(own_town)
    assert quarantine.replay(own_town, system(own_town, "system-ingest")).read == 0
    assert not seen.rows()


def test_replay_leaves_what_needs_its_other_tables(own_county: House) -> None:
    """Rows of an extract folder read alone are refused as a file; they wait for the source."""
    held = len(quarantine.listing(own_county, limit=1000))
    done = quarantine.replay(own_county, system(own_county, "system-ingest"))
    assert done.read == held
    assert done.mended == 0


def test_held_rows_are_listed_by_rule_and_never_by_content(county: House) -> None:
    found = quarantine.listing(county, rule="check-digit")
    assert found
    assert {row.rule for row in found} == {"check-digit"}
    assert not {"original", "header"} & set(type(found[0]).__slots__)


def test_every_bad_row_the_county_planted_is_held_under_its_rule(county: House, manifest: Manifest) -> None:
    held: dict[str, dict[str, int]] = {}
    for row in quarantine.listing(county, limit=1000):
        rules = held.setdefault(row.source, {})
        rules[row.rule] = rules.get(row.rule, 0) + 1
    assert held == {feed: {rule: n for rule, n in rules.items() if n} for feed, rules in manifest.bad_rows.items()}


def record(**other: Any) -> Incoming:  # noqa: ANN401 - a record's fields by name
    told = {"occurred": "", "type1": "", **other}
    return Incoming(
        SourceRecord("gp", "Z99001", "observation", "o1", "p1", "obs.csv", 2, b"", "", resources=(), **told)
    )


# --- objections --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "occurred", "value", "counts_as"),
    [
        ("dissent", "2024-05-01T09:00:00", "opted-out", "2024-05-01"),
        ("dissent", "2024-02", "opted-out", "2024-02-29"),
        ("dissent", "2024", "opted-out", "2024-12-31"),
        ("withdrawn", "2025", "none", "2025-01-01"),
        ("withdrawn", "2025-03", "none", "2025-03-01"),
        ("dissent", "", "opted-out", "1900-01-01"),
    ],
)
def test_in_doubt_an_objection_is_late_and_its_withdrawal_early(
    said: str, occurred: str, value: str, counts_as: str
) -> None:
    (fact,) = objections([record(type1=said, occurred=occurred), record()])
    assert (fact.kind, fact.value, f"{fact.as_of:%Y-%m-%d}") == (SOURCE_TYPE1, value, counts_as)


def test_what_belongs_to_no_section_is_shelved_where_nobody_is_granted_to_look() -> None:
    one = record().record
    assert shelf_of(one, {"resourceType": "Basic"}).section == Section.SENSITIVE
    assert shelf_of(one, {"resourceType": "Basic"}).sensitive
    assert not shelf_of(one, {"resourceType": "Patient"}).sensitive
