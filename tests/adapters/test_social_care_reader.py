"""What a client level return becomes, and which of its rows are kept out."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import social_care, ukcore
from adapters.feed import Feed, FeedRefused, Quarantined, SourceRecord, replay
from adapters.social_care.codes import CODES
from adapters.social_care.columns import KNOWN
from adapters.social_care.person import LETTER
from adapters.validate import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Cld = "Callable[..., Feed]"


def one(feed: Feed) -> SourceRecord:
    (item,) = social_care.read([feed])
    assert isinstance(item, SourceRecord), item
    return item


def fault(feed: Feed) -> Quarantined:
    (item,) = social_care.read([feed])
    assert isinstance(item, Quarantined), item
    return item


def resource(record: SourceRecord, kind: str) -> dict[str, Any]:
    return next(held for held in record.resources if held["resourceType"] == kind)


def test_a_row_is_a_person_their_needs_and_an_event(cld: Callable[..., Feed]) -> None:
    record = one(cld({}))
    assert (record.source, record.organisation, record.kind, record.person_ref) == (
        "social-care",
        "999",
        "client-event",
        "100234",
    )
    assert record.occurred == "2026-03-02"
    kinds = [held["resourceType"] for held in record.resources]
    assert kinds == ["Patient", "Condition", "Observation", "ServiceRequest"]
    sections = [ukcore.section_of(held) for held in record.resources]
    assert sections == ["demographics", "care-needs", "care-needs", "care-requests"]


def test_the_patient_carries_what_the_council_said(cld: Callable[..., Feed]) -> None:
    patient = resource(one(cld({"Date of Death": "1/2/2026"})), "Patient")
    assert patient["id"] == ukcore.person_id("social-care", "999", "100234")
    assert patient["identifier"][0]["value"] == "9990001006"
    status = patient["identifier"][0]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"]
    assert status == "02", "the return has no status column, so nothing in it is ever verified"
    assert patient["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "R"
    assert (patient["birthDate"], patient["deceasedDateTime"], patient["gender"]) == (
        "1941-03-07",
        "2026-02-01",
        "female",
    )
    assert patient["address"] == [{"use": "home", "postalCode": "ZZ99 3CZ"}]
    assert patient["generalPractitioner"][0]["identifier"]["value"] == "Z99999"


def test_a_person_without_number_or_ethnicity_is_still_a_person(cld: Callable[..., Feed]) -> None:
    patient = resource(
        one(cld({"NHS Number": "", "Ethnicity": "", "Gender": "", "Postcode": "", "Last Name": "", "First Name": ""})),
        "Patient",
    )
    assert [held["system"] for held in patient["identifier"]] == ["https://gateway.example/Id/social-care/999"]
    assert patient["gender"] == "unknown"
    assert not {"extension", "address", "name"} & patient.keys()


def test_a_service_stays_the_same_event_when_it_ends(cld: Callable[..., Feed]) -> None:
    service = {
        "Event Type": "service",
        "Service Type": "Long Term Support: Community",
        "Service Component": "Home Support",
        "Provider CQC Location ID": "1-123456789",
        "Event Outcome": "Provision of service",
        "Delivery Mechanism": "",
    }
    still = one(cld(service | {"Event End Date": ""}))
    ended = one(cld(service | {"Event End Date": "01/04/2026"}))
    assert still.local_id == ended.local_id
    episode = resource(ended, "EpisodeOfCare")
    assert episode["status"] == "finished"
    assert resource(still, "EpisodeOfCare")["status"] == "active"
    assert [kind["text"] for kind in episode["type"]] == [
        "Long term support: Community",
        "Home support or domiciliary care",
    ]
    provider, outcome = episode["extension"]
    assert provider["valueReference"]["identifier"]["value"] == "1-123456789"
    assert outcome["valueCodeableConcept"]["text"] == "Continuation of support or services"


@pytest.mark.parametrize(("kind", "column"), [("Assessment", "Assessment Type"), ("Review", "Review Reason")])
def test_assessments_and_reviews_are_encounters(cld: Callable[..., Feed], kind: str, column: str) -> None:
    encounter = resource(one(cld({"Event Type": kind, column: "Planned  thing"})), "Encounter")
    assert encounter["status"] == "finished"
    assert ukcore.section_of(encounter) == "care-assessments"
    assert resource(one(cld({"Event Type": kind, "Event End Date": ""})), "Encounter")["status"] == "in-progress"


def test_a_request_keeps_free_text_in_its_note_and_nowhere_else(cld: Callable[..., Feed]) -> None:
    words = "Rang about the stairs"
    record = one(cld({"Event Description": words, "Request: Route of Access": "Discharge from Hospital"}))
    request = resource(record, "ServiceRequest")
    assert request.pop("note") == [{"text": words}]
    assert words not in str(record.resources)
    assert request["reasonCode"][0]["text"] == "Discharge from Hospital"


def test_a_carer_known_by_association_has_no_event(cld: Callable[..., Feed]) -> None:
    nothing = dict.fromkeys(
        ["Event Type", "Event Reference", "Event Start Date", "Event End Date", "Event Outcome"], ""
    )
    record = one(cld(nothing | {"Client Type": "Carer known by association"}))
    assert {held["resourceType"] for held in record.resources} == {"Patient", "Condition", "Observation"}
    assert fault(cld(nothing)).field == "Event Type"


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("NHS Number", "9990001007", "check-digit"),
        ("Gender", "Femail", "unknown-code"),
        ("Ethnicity", "White: Martian", "unknown-code"),
        ("Date of Birth", "31/02/1941", "impossible-date"),
        ("Date of Death", "soon", "not-a-date"),
        ("Event Start Date", "", "blank-mandatory"),
        ("Event End Date", "01/03/2026", "end-before-start"),
        ("LA Person Unique Identifier", "", "blank-mandatory"),
        ("LA Code", "", "blank-mandatory"),
        ("Unit Cost", "12 pounds", "not-a-number"),
        ("Delivery Mechanism", "Pigeon", "unknown-code"),
        ("Reporting Period End Date", "31/06/2026", "impossible-date"),
    ],
)
def test_a_bad_cell_quarantines_its_row_and_the_others_go_on(
    cld: Callable[..., Feed], column: str, value: str, rule: str
) -> None:
    before, bad, after = social_care.read([cld({}, {column: value}, {"Event Reference": "R-5002"})])
    assert isinstance(before, SourceRecord)
    assert isinstance(after, SourceRecord)
    assert isinstance(bad, Quarantined)
    assert (bad.field, bad.rule, bad.row, bad.feed) == (column, rule, 3, "cld.csv")
    assert not value or value not in bad.message


def test_a_quarantined_row_can_be_read_again_when_mended(cld: Callable[..., Feed]) -> None:
    bad = fault(cld({"Gender": "Femail"}))
    assert fault(replay(bad.feed, bad.header, bad.original)).rule == "unknown-code"
    assert one(replay(bad.feed, bad.header, bad.original.replace(b"Femail", b"Female"))).person_ref == "100234"


def test_release_1_values_and_loose_spelling_become_release_2(cld: Callable[..., Feed]) -> None:
    loose = {
        "Client Type": "SERVICE USER",
        "Primary Support Reason": "Social Support: Support for Social Isolation/Other",
        "Ethnicity": "white - irish",
        "Event Outcome": "NFA- Other",
    }
    record = one(cld(loose))
    assert (
        resource(record, "Condition")["code"]["text"] == "Social support: Support for social isolation or other reason"
    )
    assert resource(record, "Patient")["extension"][0]["valueCodeableConcept"]["text"] == "White: Irish"


def test_a_support_reason_that_lost_its_end_is_known_when_only_one_begins_so(cld: Callable[..., Feed]) -> None:
    record = one(cld({"Primary Support Reason": "Physical support: Access and mob"}))
    assert resource(record, "Condition")["code"]["text"] == "Physical support: Access and mobility only"
    assert fault(cld({"Primary Support Reason": "Sensory support: Support for"})).rule == "unknown-code"


def test_the_same_file_gives_the_same_items_and_rows_of_one_person_one_patient(cld: Callable[..., Feed]) -> None:
    feed = cld({}, {"Event Reference": "x"}, {"First Name": "Adah"})
    first, again = list(social_care.read([feed])), list(social_care.read([feed]))
    assert first == again
    assert len({item.resources[0]["id"] for item in first if isinstance(item, SourceRecord)}) == 1


def test_many_people_are_forgotten_without_a_trace(cld: Callable[..., Feed], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(social_care, "_REMEMBERED", 1)
    refs = ["1", "2", "1"]
    items = list(social_care.read([cld(*({"LA Person Unique Identifier": ref} for ref in refs))]))
    assert [item.person_ref for item in items if isinstance(item, SourceRecord)] == refs


def test_the_sender_may_be_given_by_hand(cld: Callable[..., Feed]) -> None:
    (item,) = social_care.read([cld({"LA Code": ""})], organisation="E999")
    assert isinstance(item, SourceRecord)
    assert item.organisation == "E999"


def test_a_file_that_is_no_client_level_return_is_refused(make_feed: Callable[[str, str], Feed]) -> None:
    with pytest.raises(FeedRefused, match=r"a.csv, row 1, header: .*wrong-header") as refused:
        list(social_care.read([make_feed("a.csv", "Testperson,9990001006\nx,1\n")]))
    assert "Testperson" not in str(refused.value), "a file without a header begins with somebody"
    with pytest.raises(FeedRefused, match=r"a.csv, row 1, Shoe Size: .*unknown-column"):
        list(social_care.read([make_feed("a.csv", "LA Code,Shoe  Size\nx,1\n")]))


@pytest.mark.parametrize("rule", ["en", "fr"])
def test_headings_are_known_whatever_their_case(make_feed: Callable[[str, str], Feed], rule: str) -> None:
    heading = ",".join(f'"{name.upper()}"' for name in sorted(KNOWN)) + "\n"
    assert list(social_care.read([make_feed(f"{rule}.csv", heading)])) == []


def test_every_ethnic_group_has_its_letter() -> None:
    assert LETTER.keys() == CODES["ethnicity"].keys()
    assert set(LETTER.values()) == set(ukcore.ETHNIC_CATEGORY)


def test_every_mapped_resource_is_fhir(cld: Callable[..., Feed]) -> None:
    events = ["Request", "Assessment", "Review", "Service"]
    for item in social_care.read([cld(*({"Event Type": kind} for kind in events))]):
        assert isinstance(item, SourceRecord)
        for held in item.resources:
            assert check(held) == []


_CELL = st.sampled_from(
    ["", "Request", "Service", "999", "1", "02/03/2026", "Yes", '"', "é", "\n", "Service user"]
) | st.text(max_size=6)


@given(st.lists(st.lists(_CELL, min_size=1, max_size=9), max_size=8))
def test_every_row_is_accounted_for(rows: list[list[str]]) -> None:
    """The promise of the package: records and quarantined rows together are the rows, whatever they hold."""
    names = ["LA Code", "NHS Number", "LA Person Unique Identifier", "Date of Birth", "Client Type", "Event Type"]
    names += ["Event Start Date", "Event End Date"]
    written = "".join(
        ",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) + "\n" for row in [names, *rows]
    )
    feed = replay("f.csv", b"", written.encode("utf-8", "surrogatepass"))
    try:
        items = list(social_care.read([feed]))
    except FeedRefused as refused:
        assert refused.rule == "wrong-encoding"  # noqa: PT017 - either outcome is right
        return
    # a malformed row that runs over several lines comes apart into them; any other row is one item
    broken = any("\n" in cell for row in rows for cell in row)
    assert len(items) >= len(rows) if broken else len(items) == len(rows)


@pytest.mark.specs
def test_the_published_sample_reads_whole(specs: Callable[[str], Path]) -> None:
    folder = specs("cld")
    path = folder / "sample" / "cld_r2_sample.csv"
    items = list(social_care.read([Feed(path.name, lambda: path.open("rb"))]))
    assert len(items) == 4
    for item in items:
        assert isinstance(item, SourceRecord)
        assert [issue for held in item.resources for issue in check(held)] == []


@pytest.mark.specs
def test_every_published_value_and_column_is_known(specs: Callable[[str], Path]) -> None:
    with (specs("cld") / "codes.csv").open(newline="") as opened:
        published = [row for row in csv.DictReader(opened) if row["codeset"] in CODES]
    for row in published:
        if not row["release_2"].startswith("("):
            assert row["release_2"] in CODES[row["codeset"]]
    with (specs("cld") / "fields.csv").open(newline="") as opened:
        assert {row["column"] for row in csv.DictReader(opened)} == KNOWN
