"""The index from Parquet, PDS-shaped JSON and practice lists: every row comes out, as a person or as a fault."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.feed import Feed, FeedRefused, Quarantined
from adapters.spine import IndexRow, index_json, index_rows, patient_rows, pds_patient, practice_rows
from adapters.spine.index import Death
from adapters.spine.index_parquet import parquet_rows
from adapters.systems import CONFIDENTIALITY, NHS_NUMBER
from linkage.person import Security

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Resource = dict[str, Any]
ONE, TWO = "9990000018", "9990000026"
CSV_HEADER = "nhs_number,family,given,other_given,birth_date,gender,postcode,phone,gp_practice,death_date,sensitivity"
CSV_ROW = f"{ONE},Patelova,Amina,Mary|Jo,1941-03-15,female,LE2 1AA,0116,Z99001,informal:2026-05-01,R"


def feed(data: bytes, name: str = "index") -> Feed:
    return Feed(name, lambda: io.BytesIO(data))


def people(rows: Iterator[IndexRow | Quarantined]) -> list[IndexRow]:
    found = list(rows)
    assert all(isinstance(one, IndexRow) for one in found), found
    return [one for one in found if isinstance(one, IndexRow)]


def faults(rows: Iterator[IndexRow | Quarantined]) -> list[tuple[int, str, str]]:
    return [(one.row, one.field, one.rule) for one in rows if isinstance(one, Quarantined)]


def plain(row: IndexRow) -> IndexRow:
    """The row without where it stood."""
    return replace(row, row=0, original=b"", header=b"", patient=None)


# --- Parquet -----------------------------------------------------------------------------------------------------


def parquet(**columns: pa.Array | list[Any]) -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.table(columns), written)
    return written.getvalue()


def test_parquet_says_what_the_same_csv_says() -> None:
    (wanted,) = people(index_rows(feed(f"{CSV_HEADER}\n{CSV_ROW}\n".encode())))
    columns = dict(zip(CSV_HEADER.split(","), ([cell] for cell in CSV_ROW.split(",")), strict=True))
    (found,) = people(parquet_rows(feed(parquet(**columns))))
    assert plain(found) == plain(wanted)
    assert (found.row, found.original.decode(), found.header.decode()) == (1, CSV_ROW, CSV_HEADER)


def test_parquet_cells_may_be_dates_and_lists_and_absent() -> None:
    data = parquet(
        nhs_number=[ONE, TWO],
        family=["A", "B"],
        birth_date=pa.array([date(1941, 3, 15), None], pa.date32()),
        death_date=pa.array([datetime(2024, 2, 1, 5), None], pa.timestamp("us")),  # noqa: DTZ001 - as a file has it
        other_given=pa.array([["Mary", "Jo"], []], pa.list_(pa.string())),
        gender=pa.array(["female", None]).dictionary_encode(),
    )
    one, two = people(parquet_rows(feed(data)))
    assert one.demographics.birth_date == "1941-03-15"
    assert one.demographics.death_date == "2024-02-01"
    assert one.demographics.other_given == ("Mary", "Jo")
    assert (two.demographics.birth_date, two.demographics.gender, two.demographics.other_given) == ("", "", ())


def test_a_bad_parquet_row_is_set_aside_as_the_csv_line_it_would_be() -> None:
    data = parquet(nhs_number=["123", ONE], family=["A, B", "C"], birth_date=["1941", "1941-13-01"])
    found = list(parquet_rows(feed(data)))
    assert faults(iter(found)) == [(1, "nhs_number", "not-ten-digits"), (2, "birth_date", "date-impossible")]
    first = found[0]
    assert isinstance(first, Quarantined)
    assert (first.original, first.header) == (b'123,"A, B",1941', b"nhs_number,family,birth_date")


def test_a_parquet_row_whose_text_is_no_text_is_set_aside_and_the_rest_go_in() -> None:
    names = pa.Array.from_buffers(
        pa.string(), 3, [None, pa.array([0, 1, 2, 3], pa.int32()).buffers()[1], pa.py_buffer(b"A\xffC")]
    )
    born = pa.array([date(1941, 3, 15)] * 3)
    found = list(parquet_rows(feed(parquet(nhs_number=[ONE, TWO, ONE], family=names, birth_date=born))))
    assert faults(iter(found)) == [(2, "row", "unreadable-cell")]
    assert [one.row for one in found] == [1, 2, 3]
    bad = found[1]
    assert isinstance(bad, Quarantined)
    assert bad.original == f"{TWO},".encode() + b"\xff,"


def test_a_day_that_no_calendar_has_spoils_its_own_row_alone() -> None:
    born = pa.array([0, 10**8, -40_000], pa.int32()).cast(pa.date32())
    rows = parquet_rows(feed(parquet(nhs_number=[ONE, TWO, ONE], family=["A", "B", "C"], birth_date=born)))
    assert faults(rows) == [(2, "row", "unreadable-cell")]


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"nothing of the kind", "unreadable"),
        (parquet(nhs_number=[ONE], family=["A"]), "missing-column"),
        (parquet(nhs_number=[ONE], family=["A"], birth_date=["1941"], shoe_size=["9"]), "unknown-column"),
        (parquet(nhs_number=[int(ONE)], family=["A"], birth_date=["1941"]), "wrong-type"),
        (parquet(nhs_number=[ONE], family=[1.5], birth_date=["1941"]), "wrong-type"),
    ],
)
def test_a_parquet_file_that_cannot_be_used_is_refused_whole(data: bytes, rule: str) -> None:
    with pytest.raises(FeedRefused) as refused:
        list(parquet_rows(feed(data)))
    assert refused.value.rule == rule


def test_a_parquet_file_with_a_column_twice_is_refused() -> None:
    written = io.BytesIO()
    names = ["nhs_number", "family", "birth_date", "family"]
    pq.write_table(pa.Table.from_arrays([pa.array([ONE])] * len(names), names=names), written)
    with pytest.raises(FeedRefused, match="duplicate-column"):
        list(parquet_rows(feed(written.getvalue())))


# --- PDS-shaped JSON -----------------------------------------------------------------------------------------------


def patient(number: str = ONE, security: str = "U", **other: object) -> Resource:
    made: Resource = {
        "resourceType": "Patient",
        "id": number,
        "identifier": [{"system": NHS_NUMBER, "value": number}],
        "meta": {"versionId": "7", "security": [{"system": CONFIDENTIALITY, "code": security}]},
        "name": [
            {"use": "usual", "family": "Patelova", "given": ["Amina", "Mary"], "period": {"start": "2001-01-01"}},
            {"use": "maiden", "family": "Novak"},
        ],
        "gender": "female",
        "birthDate": "1941-03-15",
        "address": [{"use": "home", "line": ["1 Test Street"], "postalCode": "LE2 1AA"}],
        "telecom": [{"system": "phone", "value": "0116"}],
        "generalPractitioner": [
            {"identifier": {"value": "z99001", "system": "https://fhir.nhs.uk/Id/ods-organization-code"}}
        ],
        "contact": [{"telecom": [{"system": "phone", "value": "0117"}]}],
        "text": {"status": "generated", "div": "<div>1 Test Street</div>"},
    }
    return {name: value for name, value in {**made, **other}.items() if value is not None}


def bundle(*resources: Resource) -> Resource:
    return {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}


def lines(*bodies: object) -> bytes:
    return b"".join(json.dumps(body).encode() + b"\n" for body in bodies)


def died(code: str) -> Resource:
    status = {"coding": [{"code": code}]}
    parts = [{"url": "deathNotificationStatus", "valueCodeableConcept": status}]
    return {
        "deceasedDateTime": "2024-02-01T00:00:00+00:00",
        "extension": [{"url": "https://x/Extension-UKCore-DeathNotificationStatus", "extension": parts}],
    }


def test_a_patient_a_line_is_read_and_kept_as_it_came() -> None:
    one, two = people(patient_rows(feed(lines(patient(), patient(TWO)))))
    told = one.demographics
    assert (told.nhs_number, told.family, told.given, told.other_given) == (ONE, "Patelova", "Amina", ("Mary",))
    assert (told.previous_family, told.gp_practice, told.phone) == (("Novak",), "Z99001", ("0116",))
    assert (one.row, two.row, two.demographics.nhs_number) == (1, 2, TWO)
    held = pds_patient(one, version=3, source="pds", as_of="2026-10-31")
    assert held["name"] == patient()["name"]
    assert held["meta"]["versionId"] == "7"
    assert held["identifier"][0]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "01"
    assert "text" not in held


def test_a_patient_without_a_version_has_that_of_its_row() -> None:
    body = patient(meta={"security": patient()["meta"]["security"]})
    (one,) = people(patient_rows(feed(lines(body))))
    assert pds_patient(one, version=3, source="pds", as_of="2026-10-31")["meta"]["versionId"] == "3"


def test_a_number_from_elsewhere_is_not_called_verified() -> None:
    (one,) = people(patient_rows(feed(lines(patient()))))
    held = pds_patient(one, version=1, source="gp-list", as_of="2026-10-31")
    assert held["identifier"][0]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "02"


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (json.dumps(patient(), indent=2).encode(), 1),
        (json.dumps([patient(), patient(TWO)]).encode(), 2),
        (json.dumps(bundle(patient(), patient(TWO))).encode(), 2),
        (b"\xef\xbb\xbf" + lines(patient()), 1),
        (lines({"resourceType": "Bundle", "entry": []}), 0),
        (lines({"resourceType": "Bundle"}), 0),
    ],
)
def test_one_document_will_do_too(data: bytes, count: int) -> None:
    assert len(people(patient_rows(feed(data)))) == count


def test_the_lines_of_a_daily_extract_are_read_with_their_header() -> None:
    data = b"ref|DSP|update|20261031|1|1|1|2\n"
    data += f"20261031|7|{ONE}|".encode() + lines(patient())
    data += f"20261031|8|{TWO}|".encode() + lines(patient())
    one, two = people(patient_rows(feed(data)))
    assert (one.superseded_by, two.superseded_by) == ("", ONE)
    assert two.demographics.nhs_number == TWO
    held = pds_patient(two, version=1, source="pds", as_of="2026-10-31")
    assert (held["id"], held["identifier"][0]["value"]) == (TWO, TWO)


@pytest.mark.parametrize(
    ("code", "security"),
    [("U", Security.UNRESTRICTED), ("R", Security.RESTRICTED), ("V", Security.VERY_RESTRICTED)],
)
def test_how_far_somebody_is_protected_is_what_the_patient_says(code: str, security: Security) -> None:
    (one,) = people(patient_rows(feed(lines(patient(security=code)))))
    assert one.sensitivity is security
    assert one.patient
    told = json.dumps(one.patient)
    hidden = security is not Security.UNRESTRICTED
    assert [place in told for place in ("LE2 1AA", "0116", "0117", "z99001")] == [not hidden] * 4


def test_of_a_withdrawn_person_nothing_is_kept_but_the_number() -> None:
    (one,) = people(patient_rows(feed(lines(patient(security="REDACTED", **died("2"))))))
    assert one.sensitivity is Security.INVALIDATED
    assert one.patient
    assert set(one.patient) == {"resourceType", "id", "meta"}


def test_a_restricted_person_keeps_no_extension_that_says_where() -> None:
    where = {"url": "https://x/Extension-UKCore-NominatedPharmacy", "valueString": "Quiet Row"}
    told = died("1")
    (one,) = people(
        patient_rows(feed(lines(patient(security="R", **{**told, "extension": [where, *told["extension"]]}))))
    )
    assert one.patient
    assert one.patient["extension"] == told["extension"]


@pytest.mark.parametrize(
    ("told", "death"),
    [
        (died("1"), Death.INFORMAL),
        (died("2"), Death.FORMAL),
        (died("U"), Death.NONE),
        ({"deceasedDateTime": "2024-02-01"}, Death.INFORMAL),
        ({}, Death.NONE),
    ],
)
def test_how_a_death_is_known_is_kept_and_one_without_a_status_closes_nothing(told: Resource, death: Death) -> None:
    (one,) = people(patient_rows(feed(lines(patient(**told)))))
    assert one.death is death


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        (patient("9990000019"), "id", "check-digit"),
        (patient(id=""), "id", "empty"),
        (patient(identifier=[{"system": NHS_NUMBER, "value": TWO}]), "identifier", "number-mismatch"),
        (patient(security="X"), "meta.security", "unknown-code"),
        (patient(meta={"security": []}), "meta.security", "unknown-code"),
        (patient(meta={}), "json", "wrong-shape"),
        (patient(gender="f"), "gender", "unknown-code"),
        (patient(birthDate="1941-13-01"), "birthDate", "date-impossible"),
        (patient(name="Patelova"), "name", "wrong-shape"),
        (patient(name=[5]), "name", "wrong-shape"),
        (patient(name=[{"use": "usual", "family": 5}]), "name", "wrong-shape"),
        (patient(name=[{"use": "usual", "family": ["Patelova"]}]), "name", "wrong-shape"),
        (patient(name=[{"use": "usual", "given": "Amina"}]), "name", "wrong-shape"),
        (patient(name=[{"use": "usual", "given": [5]}]), "name", "wrong-shape"),
        (patient(address=[{"line": {"0": "x"}}]), "address", "wrong-shape"),
        (patient(telecom=[{"system": "phone", "value": 116}]), "telecom", "wrong-shape"),
        (patient(**died("9")), "deathNotificationStatus", "unknown-code"),
        (patient(extension=[{"no": "url"}]), "json", "wrong-shape"),
        ({"resourceType": "Organization"}, "json", "not-a-patient"),
        (5, "json", "not-a-patient"),
    ],
)
def test_a_bad_line_is_set_aside_with_its_reason_and_the_rest_go_in(body: object, field: str, rule: str) -> None:
    data = lines(patient(TWO), body, patient())
    found = list(patient_rows(feed(data)))
    assert faults(iter(found)) == [(2, field, rule)]
    assert len(found) == 3
    bad = found[1]
    assert isinstance(bad, Quarantined)
    assert bad.original == json.dumps(body).encode()
    assert "Patelova" not in bad.message


def test_bad_lines_of_an_extract_and_bad_parts_of_a_document_are_set_aside_too() -> None:
    extract = (
        b"20261031|7\n" + f"20261031|7|{ONE}|".encode() + b"{}\n" + f"20261031|7|{TWO}x|".encode() + lines(patient())
    )
    assert [fault[1:] for fault in faults(patient_rows(feed(extract)))] == [
        ("line", "wrong-field-count"),
        ("json", "not-a-patient"),
        ("nhs_number", "not-ten-digits"),
    ]
    document = json.dumps({"resourceType": "Bundle", "entry": [5, {"resource": {}}, {"resource": patient()}]}, indent=1)
    assert faults(patient_rows(feed(document.encode()))) == [(1, "json", "not-a-patient"), (2, "json", "not-a-patient")]


@pytest.mark.parametrize(("data", "rule"), [(b"", "empty-file"), (b"nonsense", "not-json"), (b"{\n", "not-json")])
def test_what_is_no_json_is_refused_whole(data: bytes, rule: str) -> None:
    with pytest.raises(FeedRefused) as refused:
        list(patient_rows(feed(data)))
    assert refused.value.rule == rule


def test_a_document_longer_than_memory_should_hold_is_to_come_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_json, "LARGEST_DOCUMENT", 100)
    with pytest.raises(FeedRefused, match="document-too-large"):
        list(patient_rows(feed(json.dumps(patient(), indent=1).encode())))


def test_a_file_that_cannot_be_read_to_its_end_is_refused_and_no_foreign_error_escapes() -> None:
    class Broken(io.BytesIO):
        def __next__(self) -> bytes:
            raise OSError("gone")

    with pytest.raises(FeedRefused, match="unreadable"):
        list(patient_rows(Feed("f", lambda: Broken(lines(patient())))))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(patient())), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.lists(st.fixed_dictionaries(dict.fromkeys(("name", "meta", "address", "gender", "birthDate"), JSON)), max_size=4)
)
def test_whatever_a_line_holds_it_comes_out_once(wrong: list[Resource]) -> None:
    """Nothing is lost and nothing foreign is raised, whatever shape the elements have."""
    bodies = [patient(), *({**patient(TWO), **one} for one in wrong)]
    found = list(patient_rows(feed(lines(*bodies))))
    assert [one.row for one in found] == list(range(1, len(bodies) + 1))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (patient_rows, parquet_rows, practice_rows):
        reader: Callable[[Feed], Iterator[IndexRow | Quarantined]] = read
        with suppress(FeedRefused):
            list(reader(feed(data)))


# --- practice lists --------------------------------------------------------------------------------------------------

LIST_HEADER = "practice,nhs_number,family,given,birth_date,sex,postcode,registered_on,left_on,sensitive"


def practice(*rows: str) -> bytes:
    return "\n".join((LIST_HEADER, *rows, "")).encode()


def test_a_practice_list_is_read_in_the_words_of_practice_systems() -> None:
    data = practice(
        f"z99001,{ONE},Patelova,Amina,15/03/1941,F,LE2 1AA,01/04/2020,,",
        f"Z99002,{TWO},Okonjo,Bram,1962-11,male,,,30/06/2026,Y",
    )
    one, two = people(practice_rows(feed(data)))
    assert (one.demographics.birth_date, one.demographics.gender) == ("1941-03-15", "female")
    assert (one.demographics.gp_practice, one.sensitivity) == ("Z99001", Security.UNRESTRICTED)
    assert (two.demographics.birth_date, two.demographics.gender) == ("1962-11", "male")
    assert (two.demographics.gp_practice, two.sensitivity) == ("", Security.RESTRICTED)


def test_a_death_that_a_practice_knows_of_is_informal() -> None:
    header = "practice,nhs_number,family,birth_date,death_date"
    (one,) = people(practice_rows(feed(f"{header}\nZ99001,{ONE},A,1941,01/02/2024\n".encode())))
    assert (one.death, one.demographics.death_date) == (Death.INFORMAL, "2024-02-01")


@pytest.mark.parametrize(
    ("row", "field", "rule"),
    [
        (f",{ONE},A,B,1941,F,,,,", "practice", "ods-code"),
        ("Z99001,,A,B,1941,F,,,,", "nhs_number", "empty"),
        (f"Z99001,{ONE},A,B,31/02/1941,F,,,,", "birth_date", "impossible-date"),
        (f"Z99001,{ONE},A,B,1941,Q,,,,", "sex", "unknown-code"),
        (f"Z99001,{ONE},A,B,1941,F,,soon,,", "registered_on", "not-a-date"),
        (f"Z99001,{ONE},A,B,1941,F,,,late,", "left_on", "not-a-date"),
        (f"Z99001,{ONE},A,B,1941,F,,,,perhaps", "sensitive", "unknown-code"),
        ("Z99001", "nhs_number", "wrong-field-count"),
    ],
)
def test_a_bad_row_of_a_practice_list_is_set_aside_with_its_reason(row: str, field: str, rule: str) -> None:
    data = practice(row, f"Z99001,{TWO},Okonjo,Bram,1962,M,,,,")
    found = list(practice_rows(feed(data)))
    assert faults(iter(found)) == [(2, field, rule)]
    assert isinstance(found[1], IndexRow)


def test_a_practice_list_with_another_column_is_refused_by_its_name() -> None:
    with pytest.raises(FeedRefused, match="unknown-column"):
        list(practice_rows(feed(b"practice,nhs_number,family,birth_date,shoe_size\n")))
