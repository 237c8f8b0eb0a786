"""What an ADT message becomes."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import acute, ukcore
from adapters.feed import Feed, FeedRefused, Quarantined, SourceRecord
from adapters.validate import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from adapters.feed import Item

    Adt = Callable[..., str]


def items(*messages: str) -> list[Item]:
    content = "".join(messages).encode()
    return list(acute.read([Feed("adt.hl7", lambda: BytesIO(content))]))


def one(message: str) -> SourceRecord:
    (item,) = items(message)
    assert isinstance(item, SourceRecord), item
    assert [issue for held in item.resources for issue in check(held)] == []
    return item


def fault(message: str) -> Quarantined:
    (item,) = items(message)
    assert isinstance(item, Quarantined), item
    return item


def resource(record: SourceRecord, kind: str) -> dict[str, Any]:
    return next(held for held in record.resources if held["resourceType"] == kind)


def test_an_admission_is_a_person_and_a_stay(adt: Adt) -> None:
    record = one(adt())
    assert (record.source, record.organisation, record.kind) == ("acute", "RZZ", "adt-a01")
    assert (record.person_ref, record.local_id, record.occurred) == ("1234567", "PAS:M1", "2026-03-01T10:20:00+00:00")
    patient, encounter = record.resources
    assert patient["id"] == ukcore.person_id("acute", "RZZ", "1234567")
    assert patient["name"] == [{"use": "official", "family": "TESTPERSON", "given": ["ADA", "MARY"], "prefix": ["MRS"]}]
    assert patient["generalPractitioner"][0]["identifier"]["value"] == "Z99999"
    assert (encounter["status"], encounter["class"]["code"]) == ("in-progress", "IMP")
    assert encounter["period"] == {"start": "2026-03-01T10:15:00+00:00"}
    assert ukcore.section_of(encounter) == "admissions"
    assert encounter["hospitalization"]["admitSource"]["coding"][0]["code"] == "19"
    assert encounter["participant"][0]["individual"]["display"] == "MR TEST CONSULTANT"


def test_a_discharge_ends_the_same_stay(adt: Adt) -> None:
    admitted = resource(one(adt()), "Encounter")
    pv1 = adt().split("\r")[4].replace("20260301101500|", "20260301101500|20260312141500")
    record = one(adt("A03", PV1=pv1, DG1="DG1|1||S720^Fracture of neck of femur^ICD10\rDG1|2||\rDG1|3\rDG1|4||X1"))
    ended = resource(record, "Encounter")
    assert ended["id"] == admitted["id"]
    assert (ended["status"], ended["period"]["end"]) == ("finished", "2026-03-12T14:15:00+00:00")
    assert ukcore.section_of(ended) == "discharge"
    assert ended["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "1"
    assert ended["hospitalization"]["dischargeDisposition"]["coding"][0]["code"] == "19"
    coded, local = [held for held in record.resources if held["resourceType"] == "Condition"]
    assert coded["code"]["coding"][0]["code"] == "S720"
    assert local["code"] == {"text": "X1"}


def test_a_discharge_without_a_time_ends_when_it_happened(adt: Adt) -> None:
    record = one(adt("A03", EVN="EVN|A03|20260312150000||||20260312141500"))
    assert resource(record, "Encounter")["period"]["end"] == "2026-03-12T14:15:00+00:00"


@pytest.mark.parametrize(
    ("event", "status"),
    [("A02", "in-progress"), ("A04", "in-progress"), ("A05", "planned"), ("A11", "cancelled"), ("A08", "in-progress")],
)
def test_each_event_leaves_the_stay_in_its_state(adt: Adt, event: str, status: str) -> None:
    assert resource(one(adt(event)), "Encounter")["status"] == status


def test_a_cancelled_discharge_opens_the_stay_again(adt: Adt) -> None:
    pv1 = adt().split("\r")[4].replace("20260301101500|", "20260301101500|20260312141500")
    again = resource(one(adt("A13", PV1=pv1)), "Encounter")
    assert again["status"] == "in-progress"
    assert "end" not in again["period"]
    assert resource(one(adt("A08", PV1=pv1)), "Encounter")["status"] == "finished"


@pytest.mark.parametrize("kind", ["O", "E"])
def test_other_attendances_are_no_admissions(adt: Adt, kind: str) -> None:
    encounter = resource(one(adt("A04", PV1=f"PV1|1|{kind}|||||||||||||||||V1")), "Encounter")
    assert ukcore.section_of(encounter) == "encounters"
    assert "hospitalization" not in encounter


@pytest.mark.parametrize("pv1", ["PV1|1|N", None])
def test_a_message_about_the_person_alone_has_no_stay(adt: Adt, pv1: str | None) -> None:
    assert [held["resourceType"] for held in one(adt("A28", PV1=pv1)).resources] == ["Patient"]


def test_a_merge_retires_one_person_into_another(adt: Adt) -> None:
    record = one(adt("A40", MRG="MRG|7654321^^^RZZ^PI", PV1=None))
    assert (record.person_ref, record.merged_into) == ("7654321", "1234567")
    gone, stays = record.resources
    assert not gone["active"]
    assert gone["link"] == [{"other": {"reference": f"Patient/{stays['id']}"}, "type": "replaced-by"}]
    assert stays["active"]


@pytest.mark.parametrize(("said", "status"), [("NSTS01", "01"), ("NSTS05", "05"), ("", "02"), ("verified", "02")])
def test_the_senders_trace_status_is_passed_on(adt: Adt, said: str, status: str) -> None:
    patient = resource(one(adt(PID=adt().split("\r")[2].replace("NSTS01", said))), "Patient")
    assert patient["identifier"][0]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == status


def test_a_protected_person_tells_no_place(adt: Adt) -> None:
    patient = resource(one(adt(PD1="PD1|||EXAMPLE SURGERY^^Z99999|||||||||Y")), "Patient")
    assert ukcore.is_restricted(patient)
    assert not {"address", "telecom", "generalPractitioner"} & patient.keys()


def test_deaths_are_told_taken_back_or_left_alone(adt: Adt) -> None:
    def pid(date: str, flag: str) -> str:
        return f"PID|1||1^^^RZZ^PI||T^A||1941|2|||||||||||||||||||||{date}|{flag}"

    assert resource(one(adt(PID=pid("20260310", "Y"))), "Patient")["deceasedDateTime"] == "2026-03-10"
    assert resource(one(adt(PID=pid("", "Y"))), "Patient")["deceasedBoolean"] is True
    assert resource(one(adt(PID=pid('""', ""))), "Patient")["deceasedBoolean"] is False
    left = resource(one(adt(PID=pid("", "N"))), "Patient")
    assert not {"deceasedDateTime", "deceasedBoolean"} & left.keys()
    assert left["birthDate"] == "1941"


def test_names_addresses_and_telephones_in_all_their_kinds(adt: Adt) -> None:
    pid = (
        'PID|1||1^^^OTHER^MR~2^^^RZZ^PI~""||NEW^ADA^""~OLD^ADA^^^^^M~^^^^^^M~THIRD^ADA^^^^^L'
        "||19410307|F|||9 OLD^^^^XX1^^BA~1 NEW^^^^ZZ99 3CZ||"
        "(000)000-0000~07700900001^PRN^CP~^NET^Internet^ada@example.org|01632960009"
    )
    patient = resource(one(adt(PID=pid)), "Patient")
    assert [(name["use"], name["family"]) for name in patient["name"]] == [("official", "NEW"), ("maiden", "OLD")]
    assert patient["address"][0]["postalCode"] == "ZZ99 3CZ"
    assert [(point["value"], point.get("use")) for point in patient["telecom"]] == [
        ("07700900001", "mobile"),
        ("01632960009", "work"),
        ("ada@example.org", None),
    ]
    assert one(adt(PID=pid)).person_ref == "2"


def test_a_number_of_another_authority_is_another_numbering(adt: Adt) -> None:
    assert one(adt(PID="PID|1||9^^^1.2.826^CNN||T^A||1941|2|||1 X^^^^ZZ1^^C")).person_ref == "1.2.826/9"
    assert one(adt(PID="PID|1||9^^^^XX||T^A||1941|2")).person_ref == "9"


def test_local_codes_outside_the_national_lists_stay_as_text(adt: Adt) -> None:
    pv1 = "PV1|1|I||ZZ||||||||||XX|||||V1|||||||||||||||||LOC|HOME"
    stay = resource(one(adt("A03", PV1=pv1)), "Encounter")
    assert stay["extension"][0]["valueCodeableConcept"] == {"text": "LOC"}
    assert stay["hospitalization"]["dischargeDisposition"] == {"text": "HOME"}


def test_a_stay_without_a_number_is_known_by_person_and_admission(adt: Adt) -> None:
    pv1 = "PV1|1|I" + "|" * 42 + "20260301101500"
    assert resource(one(adt(PV1=pv1)), "Encounter")["id"] == resource(one(adt("A03", PV1=pv1)), "Encounter")["id"]


def test_an_admission_in_the_hour_that_comes_twice_is_flagged(adt: Adt) -> None:
    pv1 = "PV1|1|I" + "|" * 17 + "V1" + "|" * 25 + "20261025013000"
    assert ukcore.AMBIGUOUS_HOUR in resource(one(adt(PV1=pv1)), "Encounter")["meta"]["tag"]


@pytest.mark.parametrize(
    ("event", "segments", "field", "rule"),
    [
        ("A99", {}, "MSH-9", "unsupported-event"),
        ("A01", {"MSH": "MSH|^~\\&|PAS|RZZ|||||ADT^A01|"}, "MSH-10", "blank-mandatory"),
        ("A01", {"MSH": "MSH|^~\\&|PAS|||||ADT^A01|M1"}, "MSH-4", "blank-mandatory"),
        ("A01", {"PID": None}, "PID", "missing-segment"),
        ("A01", {"PV1": None}, "PV1", "missing-segment"),
        ("A01", {"PV1": "PV1|1|N"}, "PV1-2", "blank-mandatory"),
        ("A01", {"PV1": "PV1|1|Z"}, "PV1-2", "unknown-code"),
        ("A01", {"PV1": "PV1|1|I"}, "PV1-19", "blank-mandatory"),
        ("A03", {"PV1": "PV1|1|I" + "|" * 42 + "20260301|20260228"}, "PV1-45", "end-before-start"),
        ("A01", {"PID": "PID|1||9990001007^^^NHS^NH~1^^^RZZ^PI"}, "PID-3", "check-digit"),
        ("A01", {"PID": "PID|1||9990001006^^^NHS^NH~9990000018^^^NHS^NH~1^^^RZZ^PI"}, "PID-3", "two-nhs-numbers"),
        ("A01", {"PID": "PID|1||9990001006^^^NHS^NH"}, "PID-3", "blank-mandatory"),
        ("A01", {"PID": "PID|1||1^^^RZZ^PI||T^A||19411301|2"}, "PID-7", "impossible-date"),
        ("A01", {"PID": "PID|1||1^^^RZZ^PI||T^A||1941|X"}, "PID-8", "unknown-code"),
        ("A40", {}, "MRG", "missing-segment"),
        ("A40", {"MRG": "MRG|1^^^RZZ^PI\rMRG|2^^^RZZ^PI"}, "MRG", "several-merges"),
        ("A40", {"MRG": 'MRG|""'}, "MRG-1", "blank-mandatory"),
        ("A40", {"MRG": "MRG|1234567^^^RZZ^PI"}, "MRG-1", "merged-into-itself"),
    ],
)
def test_a_bad_message_is_quarantined_and_the_others_go_on(
    adt: Adt, event: str, segments: dict[str, str | None], field: str, rule: str
) -> None:
    before, bad, after = items(adt(), adt(event, "M2", **segments), adt(control="M3"))
    assert isinstance(before, SourceRecord)
    assert isinstance(after, SourceRecord)
    assert isinstance(bad, Quarantined)
    assert (bad.field, bad.rule, bad.row) == (field, rule, 2)
    assert isinstance(acute.read_message(bad.original, "again"), Quarantined)


def test_a_message_cut_short_is_quarantined_and_text_before_the_first_too(adt: Adt) -> None:
    stray, good, cut = items("hello\r", adt(), adt().rstrip("\r"))
    assert isinstance(stray, Quarantined)
    assert stray.rule == "no-message-header"
    assert isinstance(good, SourceRecord)
    assert isinstance(cut, Quarantined)
    assert (cut.rule, cut.local_id) == ("truncated-row", "M1")


def test_a_message_too_large_is_quarantined(adt: Adt) -> None:
    assert fault(adt(NTE="\r".join(["NTE|1||" + "x" * 100_000] * 12))).rule == "message-too-large"


def test_the_same_message_counts_the_same_however_its_lines_end(adt: Adt) -> None:
    expected = one(adt())
    assert one(adt().replace("\r", "\r\n")) == expected
    framed = b"\x0b" + adt().replace("\r", "\n").encode() + b"\x1c\r"
    assert acute.read_message(framed, "adt.hl7") == expected


@given(
    st.lists(
        st.lists(st.sampled_from(["", "A", "1^^^RZZ^PI", '""', "20260301", "é", "~", "\\X", "I", "N"]), max_size=9),
        max_size=5,
    )
)
def test_every_message_is_accounted_for(segments: list[list[str]]) -> None:
    """One item for each message, whatever stands in its segments, and nothing but a refusal is raised."""
    head = "MSH|^~\\&|PAS|RZZ|TIE|RZZ|20260301102000||ADT^A01|M1|P|2.4\r"
    body = "".join(
        "|".join([name, *fields]) + "\r"
        for name, fields in zip(["EVN", "PID", "PV1", "DG1", "MRG"], segments, strict=False)
    )
    assert len(items((head + body) * 3)) == 3


@given(st.binary(max_size=80))
def test_no_bytes_make_the_reader_raise_anything_else(content: bytes) -> None:
    try:
        list(acute.read([Feed("a.hl7", lambda: BytesIO(content))]))
    except FeedRefused as refused:
        assert refused.rule  # noqa: PT017 - either outcome is right


@pytest.mark.specs
def test_the_published_samples_read_whole_and_as_a_typed_peer_reads_them(specs: Callable[[str], Path]) -> None:
    from hl7types import decode_er7_hybrid

    for path in sorted((specs("hl7v2") / "sample").iterdir()):
        record = one(path.read_bytes().decode())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the peer warns of what real feeds do
            peer = decode_er7_hybrid(path.read_bytes().decode())
        assert "TESTPERSON" in repr(peer).upper()
        assert resource(record, "Patient")["id"] or record.merged_into
        families = [name["family"] for held in record.resources for name in held.get("name", ())]
        assert families == ["TESTPERSON"]
