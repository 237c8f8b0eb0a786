"""``verify``, ``trace`` and ``explain``: the verdict's word, flags and code, and nothing about anybody else."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adapters.spine import dbs, mpt
from adapters.spine.tracing import Request
from gateway.house import House
from linkage.nhs_number import NhsNumber

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from gateway.auth.caller import Caller
    from gateway.services.tracing.verify import VerifyResult
    from gateway.transports.pds import PdsClient
    from linkage.person import Demographics
    from tests.gateway.cli.conftest import Command

    People = dict[str, dict[str, str]]


def verify(gateway: Command, number: str, person: dict[str, str], *more: str) -> Result:
    told = ["--family", person["family"], "--given", person["given"], "--birthdate", person["birth_date"]]
    return gateway("verify", number, *told, "--postcode", person["postcode"], "--gender", person["gender"], *more)


def test_the_right_number_is_confirmed(gateway: Command, people: People, examples: dict[str, str]) -> None:
    ran = verify(gateway, examples["right"], people[examples["right"]])
    assert ran.exit_code == 0
    assert ran.stdout.startswith("This is the right NHS number (confirmed)\n")
    assert "Agrees: nhs_number, family, given, birth_date" in ran.stdout
    assert "Status indicator 02.\nChecked against demo, as of 30 September 2026, " in ran.stdout


def test_a_superseded_number_comes_with_the_current_one(
    gateway: Command, people: People, examples: dict[str, str]
) -> None:
    ran = verify(gateway, examples["superseded"], people[examples["current"]])
    assert ran.exit_code == 0
    assert "(confirmed)" in ran.stdout
    assert f"Current NHS number: {NhsNumber(examples['current'])}" in ran.stdout
    assert "Flag: superseded. " in ran.stdout


@pytest.mark.parametrize(("which", "flag"), [("restricted", "restricted"), ("deceased", "deceased-formal")])
def test_flags_ride_on_the_verdict(
    which: str, flag: str, gateway: Command, people: People, examples: dict[str, str]
) -> None:
    ran = verify(gateway, examples[which], people[examples[which]])
    assert (ran.exit_code, f"Flag: {flag}. " in ran.stdout) == (0, True)


def test_wrong_details_say_neither_which_nor_whose(gateway: Command, people: People, examples: dict[str, str]) -> None:
    held = people[examples["right"]]
    wrong = {**held, "family": "Sentinelname", "given": "Zz", "birth_date": "1903-01-01", "postcode": ""}
    ran = verify(gateway, examples["right"], wrong)
    assert ran.exit_code == 1
    assert "(demographics-differ)" in ran.stdout
    assert "Agrees" not in ran.stdout
    assert not [word for word in (held["family"], held["birth_date"], held["postcode"]) if word in ran.stdout]


def test_another_persons_details_are_told_apart(gateway: Command, people: People, examples: dict[str, str]) -> None:
    ran = verify(gateway, examples["right"], people[examples["current"]])
    assert (ran.exit_code, "(someone-else)" in ran.stdout) == (1, True)
    assert examples["current"] not in ran.stdout.replace(" ", "")


def test_a_number_that_nobody_here_holds(gateway: Command, people: People, examples: dict[str, str]) -> None:
    ran = verify(gateway, examples["not-in-index"], people[examples["right"]])
    assert ran.exit_code == 1
    assert "(not-in-index)" in ran.stdout or "(someone-else)" in ran.stdout
    absent = {**people[examples["right"]], "family": "Sentinelname", "given": "Zz", "birth_date": "1903-01-01"}
    assert "(not-in-index)" in verify(gateway, examples["not-in-index"], {**absent, "postcode": ""}).stdout


@pytest.mark.parametrize("written", ["9990000019", "999", "12345678901", "letters"])
def test_what_is_no_nhs_number_is_bad_input(written: str, gateway: Command, people: People) -> None:
    ran = verify(gateway, written, next(iter(people.values())))
    assert (ran.exit_code, "(invalid-number)" in ran.stdout) == (2, True)


@pytest.mark.parametrize(
    ("change", "rule"),
    [({"family": ""}, "required"), ({"birth_date": "1990-14-12"}, "date-impossible"), ({"postcode": "nonsense"}, "")],
)
def test_impossible_details_are_refused_by_field(
    change: dict[str, str], rule: str, gateway: Command, people: People, examples: dict[str, str]
) -> None:
    ran = verify(gateway, examples["right"], {**people[examples["right"]], **change})
    if rule:
        assert (ran.exit_code, ran.stdout) == (2, "")
        assert f"[{rule}]" in ran.stderr
    else:
        assert ran.exit_code in {0, 1, 2}
    assert "Traceback" not in ran.stderr


def test_the_result_as_json(gateway: Command, people: People, examples: dict[str, str]) -> None:
    told = json.loads(verify(gateway, examples["superseded"], people[examples["current"]], "--json").stdout)
    assert (told["verdict"], told["flags"], told["current"]) == ("confirmed", ["superseded"], examples["current"])
    assert json.loads(verify(gateway, "9990000019", people[examples["right"]], "--json").stdout)["current"] is None


def test_a_reviewer_sees_the_evidence(gateway: Command, people: People, examples: dict[str, str]) -> None:
    told = ("--family", people[examples["right"]]["family"], "--birthdate", people[examples["right"]]["birth_date"])
    ran = gateway("--as", "reviewer", "verify", examples["right"], *told)
    assert "  Last name: the same." in ran.stdout


def test_a_purpose_outside_the_agreement_is_refused_and_recorded(
    gateway: Command, people: People, examples: dict[str, str]
) -> None:
    person = people[examples["right"]]
    ran = gateway(
        "--as", "analyst", "--purpose", "analytics",
        "verify", examples["right"], "--family", person["family"], "--birthdate", person["birth_date"],
    )  # fmt: skip
    assert (ran.exit_code, ran.stdout) == (3, "")
    assert "[dataset-not-granted]" in ran.stderr
    assert person["family"] not in ran.stderr
    seen = gateway("audit", "search", "--staff", "analyst").stdout
    assert "refusal  analyst (analyst, QZZ)  analytics  deny dataset-not-granted" in seen


def test_pds_is_asked_only_where_it_is_set(gateway: Command, people: People, examples: dict[str, str]) -> None:
    ran = verify(gateway, examples["right"], people[examples["right"]], "--with-pds")
    assert (ran.exit_code, ran.stderr) == (2, "gateway: --with-pds: set GATEWAY_PDS_BASE_URL [pds-not-set]\n")


def test_with_pds_the_answer_is_that_of_pds(
    gateway: Command, people: People, examples: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What PDS makes of an answer is tested with the use case; here, that it is asked with what was found."""
    asked: list[str] = []

    def confirm(
        _house: House, caller: Caller, found: VerifyResult, _asked: Demographics, _pds: PdsClient
    ) -> VerifyResult:
        asked.append(f"{caller.subject} {found.status}")
        return replace(found, status="01")

    monkeypatch.setattr("gateway.services.tracing.upstream.confirm_with_pds", confirm)
    person = people[examples["right"]]
    ran = gateway(
        "verify", examples["right"], "--family", person["family"], "--given", person["given"],
        "--birthdate", person["birth_date"], "--with-pds",
        env={"GATEWAY_PDS_BASE_URL": "https://pds.example/FHIR/R4"},
    )  # fmt: skip
    assert (ran.exit_code, asked) == (0, ["data-team 02"])
    assert "Status indicator 01." in ran.stdout


def test_a_pds_that_does_not_answer_is_an_upstream_failure(
    gateway: Command, people: People, examples: dict[str, str]
) -> None:
    person = people[examples["right"]]
    ran = gateway(
        "verify", examples["right"], "--family", person["family"], "--birthdate", person["birth_date"], "--with-pds",
        env={"GATEWAY_PDS_BASE_URL": "http://127.0.0.1:1/FHIR/R4"},
    )  # fmt: skip
    assert (ran.exit_code, ran.stdout) == (4, "")
    assert person["family"] not in ran.stderr


def request_file(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, ["row_id", "nhs_number", "family", "given", "birth_date", "postcode"])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_file_in_and_a_file_out_with_a_row_for_a_row(
    gateway: Command, people: People, examples: dict[str, str], tmp_path: Path
) -> None:
    person = people[examples["right"]]
    known = {name: person[name] for name in ("family", "given", "birth_date", "postcode")}
    rows = [
        {"row_id": "a", "nhs_number": "", **known},
        {"row_id": "b", "nhs_number": "", **known, "family": "Sentinelname", "given": "Zz", "postcode": ""},
        {"row_id": "c", "nhs_number": "", **known, "birth_date": ""},
    ]
    target = tmp_path / "out.csv"
    ran = gateway("trace", request_file(tmp_path / "in.csv", rows), "--out", target)
    assert ran.exit_code == 0
    assert ran.stdout.startswith("3 rows traced\n  matched: 1\n  none: 1\n  not traced, ")
    with target.open(encoding="utf-8", newline="") as opened:
        answers = {row["row_id"]: row for row in csv.DictReader(opened)}
    assert answers["a"]["matched_nhs_number"] == examples["right"]
    assert [answers[row]["outcome"] for row in "abc"] == ["matched", "none", "invalid-input"]
    assert list(tmp_path.glob(".*.part")) == []
    assert ran.stdout.endswith("Engine: python.\n")
    many = tmp_path / "many.csv"
    ran = gateway("trace", tmp_path / "in.csv", "--out", many, "--engine", "duckdb")
    assert ran.stdout.endswith("Engine: duckdb.\n")
    assert many.read_bytes() == target.read_bytes()


def test_questions_with_more_candidates_than_are_looked_at_are_said_by_kind_of_key(
    gateway: Command, people: People, examples: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = House.engine
    monkeypatch.setattr(House, "engine", lambda house: replace(whole(house), most=0))
    person = people[examples["right"]]
    known = {name: person[name] for name in ("family", "given", "birth_date", "postcode")}
    rows = [{"row_id": "a", "nhs_number": "", **known}, {"row_id": "b", "nhs_number": "", **known, "given": "Zz"}]
    source = request_file(tmp_path / "in.csv", rows)
    said = [
        gateway("trace", source, "--out", tmp_path / "out.csv", "--engine", engine).stdout.splitlines()[-2]
        for engine in ("python", "duckdb")
    ]
    assert said[0] == said[1]
    assert "2 questions met more candidates than are looked at: " in said[0]


def test_the_national_algorithm_answers_one_by_one(gateway: Command, tmp_path: Path) -> None:
    source = request_file(tmp_path / "in.csv", [{"row_id": "a", "family": "Nobody", "birth_date": "1961-03-04"}])
    ran = gateway("trace", source, "--out", tmp_path / "out.csv", "--engine", "duckdb", "--algorithm", "mps")
    assert ran.exit_code == 2
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty"),
        (b"row_id,family,birth_date,shoe\n", "unknown-column"),
        (b"family,birth_date\nSentinelname,1950\n", "missing-column"),
        (b"row_id,family,birth_date\n1,Sentineln\xe9,1950\n", "encoding"),
    ],
    ids=["empty", "unknown", "missing", "encoding"],
)
def test_a_file_that_cannot_be_traced_leaves_no_answer(
    content: bytes, rule: str, gateway: Command, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_bytes(content)
    ran = gateway("trace", tmp_path / "in.csv", "--out", tmp_path / "out.csv")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("gateway: in.csv")
    assert rule in ran.stderr
    assert "Sentinel" not in ran.stderr
    assert not (tmp_path / "out.csv").exists()


def test_an_answer_that_cannot_be_written_is_said(gateway: Command, people: People, tmp_path: Path) -> None:
    source = request_file(tmp_path / "in.csv", [])
    ran = gateway("trace", source, "--out", tmp_path / "nowhere" / "out.csv")
    assert (ran.exit_code, "out.csv" in ran.stderr) == (2, True)


def test_why_a_record_was_joined(gateway: Command, record: str) -> None:
    ran = gateway("explain", record)
    assert ran.exit_code == 0
    assert ran.stdout.startswith("traced: matched by cross-check (")
    assert "  NHS number: the same." in ran.stdout


def test_evidence_is_not_for_everybody(gateway: Command, record: str) -> None:
    ran = gateway("--as", "data-team", "explain", record)
    assert (ran.exit_code, ran.stdout) == (3, "")


def test_a_record_that_is_not_there(gateway: Command) -> None:
    ran = gateway("explain", "social-care/999/nobody")
    assert (ran.exit_code, ran.stderr) == (1, "gateway: no record has this id [source-person]\n")


STAMP = "20260312093000"


def national(folder: Path, *people: dict[str, str], records: int | None = None) -> Path:
    path = folder / f"MPTREQ_{STAMP}.csv"
    rows = [
        Request(f"r{n}", family=who["family"], given=who["given"], birth_date=who["birth_date"].replace("-", ""))
        for n, who in enumerate(people)
    ]
    header = mpt.Header(mpt.reference(STAMP), STAMP, len(rows) if records is None else records)
    path.write_bytes(b"".join(mpt.write_requests(header, rows)))
    return path


def test_a_national_file_is_answered_in_its_own_format(
    gateway: Command, people: People, examples: dict[str, str], tmp_path: Path
) -> None:
    source = national(tmp_path, people[examples["right"]], {"family": "", "given": "Nobody", "birth_date": "1970"})
    ran = gateway("trace", source, "--format", "mpt", "--out", tmp_path / "out.csv")
    assert (ran.exit_code, ran.stdout.splitlines()[0]) == (0, "2 rows traced")
    assert "  not traced, required: 1" in ran.stdout
    head, first, second = (tmp_path / "out.csv").read_text("utf-8").splitlines()
    assert head == f"MPTREQ_{STAMP},SPINE_MPT_RESPONSE,2,00"
    assert first.split(",")[24:26] == ["00", examples["right"]]
    assert second.split(",")[24:26] == ["96", ""]


def test_a_national_file_refused_as_a_whole_gets_the_response_that_the_service_would_send(
    gateway: Command, people: People, examples: dict[str, str], tmp_path: Path
) -> None:
    source = national(tmp_path, people[examples["right"]], records=5)
    ran = gateway("trace", source, "--format", "mpt", "--out", tmp_path / "out.csv")
    assert ran.exit_code == 2
    assert "1 rows where the header says 5" in " ".join(ran.stderr.split())
    assert "file response code 04" in " ".join(ran.stderr.split())
    assert (tmp_path / "out.csv").read_bytes() == f"MPTREQ_{STAMP},SPINE_MPT_RESPONSE,0,04\n".encode()
    assert {path.name for path in tmp_path.iterdir()} == {source.name, "out.csv"}


@pytest.mark.parametrize("fields", ["62", "61"])
def test_a_dbs_response_is_as_wide_as_it_is_asked_to_be(
    fields: str, gateway: Command, people: People, examples: dict[str, str], tmp_path: Path
) -> None:
    who = people[examples["right"]]
    row = Request("L1", family=who["family"], given=who["given"], birth_date=who["birth_date"].replace("-", ""))
    header = dbs.Header(dbs.FileType.REQUEST, "001", dbs.Body.CSV, "X09", "T1", STAMP, 1, 1)
    (tmp_path / "in.csv").write_bytes(b"".join(dbs.write_requests(header, [row])))
    ran = gateway(
        "trace", tmp_path / "in.csv", "--format", "dbs", "--dbs-fields", fields, "--out", tmp_path / "out.csv"
    )
    assert ran.exit_code == 0
    body = (tmp_path / "out.csv").read_text("utf-8").splitlines()[1]
    assert body.count('","') == int(fields) - 1
    assert body.startswith(f'"20","L1","0","{examples["right"]}"')
