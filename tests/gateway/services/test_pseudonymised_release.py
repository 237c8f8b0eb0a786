"""A release: only who may be in it, under pseudonyms that say nothing, and provably what was signed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from gateway.errors import InputError, NotFound, NotPermitted
from gateway.services.governance import agreements
from gateway.services.releases.build import build_release, listing
from gateway.services.releases.events import event_of
from gateway.services.releases.people import _band
from gateway.services.releases.verify import verify_release
from gateway.storage.records import LinkedResource
from ig.purpose import Purpose, Section
from linkage.pseudonym import check
from tests.gateway.houses import OUTSIDER, Watch, copied, persona, system

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.house import House
    from gateway.services.releases.build import BuiltRelease
    from gateway.settings import Settings

PERIOD = "2026-09"


def build(house: House, period: str = PERIOD) -> BuiltRelease:
    return build_release(house, system(house, "system-release", Purpose.ANALYTICS), "ISA-ANALYTICS", period)


def table(house: House, release: BuiltRelease, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(house.settings.releases_dir / release.folder / name).to_pylist()
    return rows


@pytest.fixture(scope="module")
def released(
    county_made: tuple[Settings, object], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[House, BuiltRelease]]:
    """A county of this module's own, with its release of September."""
    with copied(county_made[0], tmp_path_factory.mktemp("released") / "var") as house:
        yield house, build(house)


def test_what_was_built_is_what_was_signed(released: tuple[House, BuiltRelease]) -> None:
    house, release = released
    assert verify_release(house, release.release_id) == ""
    manifest = json.loads((house.settings.releases_dir / release.folder / "manifest.json").read_bytes())
    assert {entry["name"]: entry["rows"] for entry in manifest["files"]} == dict(release.files)
    assert manifest["agreement"].startswith("ISA-ANALYTICS@1#")
    assert (manifest["recipient"], manifest["project"], manifest["period"]) == ("QZZ", "journeys", PERIOD)
    assert [one.release_id for one in listing(house)] == [release.release_id]


def test_the_same_period_again_is_the_same_release(released: tuple[House, BuiltRelease]) -> None:
    house, release = released
    again = build(house)
    assert (again.release_id, again.files, again.already) == (release.release_id, release.files, True)


def test_no_identifier_of_anybody_is_in_any_file(released: tuple[House, BuiltRelease]) -> None:
    house, release = released
    with house.stores.transaction() as tx:
        numbers = {row[0] for row in tx.raw("SELECT nhs_number FROM index_person", ())}
        people = {row[0] for row in tx.raw("SELECT person_id FROM person", ())}
        families = {row[0] for row in tx.raw("SELECT value FROM index_term WHERE field = 'family'", ())}
    for path in (house.settings.releases_dir / release.folder).iterdir():
        text = str(pq.read_table(path).to_pylist()) if path.suffix == ".parquet" else path.read_text("latin-1")
        words = set(text.replace("'", " ").replace('"', " ").replace(",", " ").split())
        assert not words & numbers
        assert not words & people
        assert not {word.upper() for word in words} & families - {"LE"}


def test_every_pseudonym_is_sound_and_everybody_has_their_own(released: tuple[House, BuiltRelease]) -> None:
    house, release = released
    people = table(house, release, "people.parquet")
    tokens = [row["pseudonym"] for row in people]
    assert len(set(tokens)) == len(tokens) == release.files[0][1]
    assert all(check(token) for token in tokens)
    events = table(house, release, "events.parquet")
    assert {row["pseudonym"] for row in events} <= set(tokens)


def test_pseudonyms_are_stable_from_one_period_to_the_next(released: tuple[House, BuiltRelease]) -> None:
    house, release = released
    other = build(house, "2026-08")
    assert other.release_id != release.release_id
    first, second = ({row["pseudonym"] for row in table(house, one, "people.parquet")} for one in (release, other))
    assert first == second


def test_opted_out_and_restricted_people_are_in_no_release(released: tuple[House, BuiltRelease]) -> None:
    """National opt-outs, Type 1 objections and restrictions each take people away; the count says how many."""
    house, release = released
    with house.stores.transaction() as tx:
        linked = {row[0] for row in tx.raw("SELECT DISTINCT person_id FROM live_link", ())}
        out = {
            row[0]: row[1]
            for row in tx.raw("SELECT subject, kind FROM fact WHERE kind LIKE 'optout:%' AND value = 'opted-out'", ())
        }
        restricted = {row[0] for row in tx.raw("SELECT person_id FROM index_person WHERE security <> 'U'", ())}
    assert {kind for person, kind in out.items() if person in linked} == {"optout:national", "optout:type1"}
    left = (set(out) | restricted) & linked
    assert left
    assert release.files[0][1] <= len(linked) - len(left)
    assert sum(count for _, count in release.left_out) >= len(left)


def test_what_too_few_share_is_withheld(released: tuple[House, BuiltRelease]) -> None:
    house, release = released
    people = {row["pseudonym"]: row for row in table(house, release, "people.parquet")}
    for columns in (("birth_year", "gender"), ("age_band", "gender")):
        cells: dict[tuple[object, ...], int] = {}
        for row in people.values():
            key = tuple(row[name] for name in columns)
            cells[key] = cells.get(key, 0) + (row[columns[0]] is not None)
        assert all(count == 0 or count >= 8 for count in cells.values())
    held: dict[str, set[str]] = {}
    for row in table(house, release, "events.parquet"):
        if row["code"] is not None:
            held.setdefault(row["code"], set()).add(row["pseudonym"])
    assert held
    assert all(len(who) >= 8 for who in held.values())


def test_a_release_is_one_batch_row_about_everybody_in_it(released: tuple[House, BuiltRelease]) -> None:
    house, release = released
    rows = house.stores.ledger.search(kinds=["batch"], limit=1000)
    first = [row for row in rows if row.body["job"] == release.release_id][-1]
    assert first.body["subjects"]["count"] == release.files[0][1]
    assert first.body["level"] == "pseudonymised"
    assert any(row.startswith("without-opt-out:national:type1") for row in first.body["row_filters"])


@pytest.mark.parametrize("name", ["people.parquet", "manifest.json", "manifest.sig"])
def test_tampering_is_found_and_named(released: tuple[House, BuiltRelease], name: str) -> None:
    house, release = released
    path = house.settings.releases_dir / release.folder / name
    before = path.read_bytes()
    path.write_bytes(before[:-9] + b"x" + before[-8:])
    try:
        assert verify_release(house, release.release_id).startswith(
            "people.parquet" if name == "people.parquet" else "manifest.json"
        )
    finally:
        path.write_bytes(before)
    assert verify_release(house, release.release_id) == ""


@pytest.mark.parametrize("name", ["people.parquet", "manifest.json", "manifest.sig"])
def test_a_file_that_is_gone_is_found_and_named(released: tuple[House, BuiltRelease], name: str) -> None:
    house, release = released
    path = house.settings.releases_dir / release.folder / name
    away = path.rename(path.with_suffix(".away"))
    try:
        assert name.partition(".")[0] in verify_release(house, release.release_id)
    finally:
        away.rename(path)


def test_a_release_that_is_none_is_not_found(released: tuple[House, BuiltRelease]) -> None:
    with pytest.raises(NotFound):
        verify_release(released[0], "no-such-release")


@pytest.mark.parametrize(
    ("agreement", "period"), [("ISA-NONE", PERIOD), ("ISA-CARE", PERIOD), ("ISA-ANALYTICS", "2026-13")]
)
def test_what_cannot_be_released_is_refused(county: House, agreement: str, period: str) -> None:
    with pytest.raises(InputError):
        build_release(county, system(county, "system-release", Purpose.ANALYTICS), agreement, period)


@pytest.mark.parametrize("purpose", [Purpose.PROCESSING, Purpose.ANALYTICS])
def test_only_the_caller_named_for_it_releases(released: tuple[House, BuiltRelease], purpose: Purpose) -> None:
    """Whether the release is there already or not: what it holds is told to nobody else."""
    house, _ = released
    seen = Watch(house)
    for caller in (OUTSIDER, system(house, "system-link", purpose)):
        for period in (PERIOD, "2026-07"):
            with pytest.raises(NotPermitted):
                build_release(house, caller, "ISA-ANALYTICS", period)
    assert [row.kind for row in seen.rows()] == ["refusal"] * 4


def test_a_suspended_agreement_releases_nothing_and_leaves_nothing(own_county: House) -> None:
    agreements.suspend(own_county, persona(own_county, "ig-officer"), "ISA-ANALYTICS", "incident")
    with pytest.raises(NotPermitted) as refused:
        build(own_county)
    assert refused.value.reason == "isa-suspended"
    assert not list(own_county.settings.releases_dir.iterdir())
    assert not listing(own_county)


def test_what_a_crash_left_of_a_release_does_not_stop_the_next(own_county: House) -> None:
    done = build(own_county)
    with own_county.stores.transaction() as tx:
        tx.change("DELETE FROM release")
    again = build(own_county)
    assert (again.release_id, again.files, again.already) == (done.release_id, done.files, False)
    assert verify_release(own_county, again.release_id) == ""


# --- events ------------------------------------------------------------------------------------------------------


def linked(section: Section, body: dict[str, Any], occurred: str = "") -> LinkedResource:
    return LinkedResource("p", "acute", section, occurred, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("body", "week", "code"),
    [
        ({"resourceType": "Condition", "onsetDateTime": "2026-01-07"}, "2026-01-05", None),
        ({"resourceType": "Condition", "onsetDateTime": "2026-01"}, None, None),
        ({"resourceType": "Observation", "effectiveDateTime": "2026-01-11T10:00:00Z"}, "2026-01-05", None),
        ({"resourceType": "Condition", "code": {"coding": [{"code": "A1"}, {"code": "B2"}]}}, None, "A1"),
        ({"resourceType": "Condition", "code": {"coding": [{"code": ""}]}}, None, None),
        ({"resourceType": "Condition", "code": {"text": "free text"}}, None, None),
    ],
)
def test_an_event_is_placed_in_its_week_under_its_code(
    body: dict[str, Any], week: str | None, code: str | None
) -> None:
    made = event_of(linked(Section.PROBLEMS, body))
    assert made
    assert (str(made.event_week) if made.event_week else None, made.code) == (week, code)


def test_a_stay_has_a_length_and_a_service_its_type() -> None:
    stay = event_of(
        linked(Section.DISCHARGE, {"resourceType": "Encounter", "period": {"start": "2026-01-01", "end": "2026-01-04"}})
    )
    assert stay
    assert stay.length_of_stay == 3
    for kinds, expected in (([{"coding": [{"code": "home-care"}]}], "home-care"), ([{"text": "x"}], None), ([], None)):
        made = event_of(linked(Section.CARE_SERVICES, {"resourceType": "EpisodeOfCare", "type": kinds}))
        assert made
        assert made.service_type == expected


def test_consultations_and_the_sensitive_section_never_become_events() -> None:
    for section in (Section.CONSULTATIONS, Section.SENSITIVE, Section.DOCUMENTS, Section.DEMOGRAPHICS):
        assert event_of(linked(section, {"resourceType": "Encounter"})) is None


@pytest.mark.parametrize(("age", "band"), [(0, "00-04"), (64, "60-64"), (89, "85-89"), (90, "90+"), (104, "90+")])
def test_ages_are_told_in_bands(age: int, band: str) -> None:
    assert _band(age) == band
