"""A live server: who may read whom, what a refusal tells, what the ledger keeps, and that an ingest delays nobody."""

from __future__ import annotations

import json
from contextlib import closing
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pysqlite3
import pytest
import requests

from fixtures.write import write_demo
from gateway.ids import person_id
from linkage.nhs_number import NhsNumber
from tests.journeys.real import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.journeys.real import Real

    Ask = Callable[..., requests.Response]

SOONER = 15.0
"""Seconds in which an answer comes unless it waits for a lock, which takes 30 to give up."""


@pytest.fixture(scope="module")
def server(gateway: Real) -> Iterator[str]:
    with gateway.serving() as address:
        yield address


@pytest.fixture(scope="module")
def tokens(gateway: Real) -> dict[str, str]:
    return {
        "tracer": gateway.good("token", "--persona", "social-worker").strip(),
        "carer": gateway.good("token", "--persona", "social-worker", "--purpose", "direct-care").strip(),
        "analyst": gateway.good("token", "--persona", "analyst").strip(),
    }


@pytest.fixture
def ask(server: str, tokens: dict[str, str]) -> Ask:
    def get(path: str, who: str = "", request_id: str = "") -> requests.Response:
        headers = {"X-Request-ID": request_id or str(uuid4())}
        if who:
            headers["Authorization"] = f"Bearer {tokens[who]}"
        return requests.get(server + path, headers=headers, timeout=SOONER)

    return get


def patient(number: str) -> str:
    return f"/personal-demographics/FHIR/R4/Patient/{number}"


def rows_of(folder: Path, request_id: str) -> list[tuple[str, dict[str, Any]]]:
    """The ledger's rows about one request, read as an auditor with the file could."""
    with closing(pysqlite3.connect(f"file:{folder}/ledger.db?mode=ro", uri=True)) as ledger:
        held = ledger.execute("SELECT body FROM ledger_entry ORDER BY seq").fetchall()
    bodies = [json.loads(bytes(body)) for (body,) in held]
    return [(body["event"], body) for body in bodies if body.get("request_id") == request_id]


def rows_soon(folder: Path, request_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Wait for rows that nobody's answer waited for: they come with the next group commit."""
    until = monotonic() + PATIENCE
    while not (found := rows_of(folder, request_id)) and monotonic() < until:
        sleep(0.05)
    return found


def test_a_permitted_person_is_read_and_leaves_a_disclosure_row(
    ask: Ask, gateway: Real, examples: dict[str, str], people: dict[str, dict[str, str]]
) -> None:
    sent = str(uuid4())
    answer = ask(patient(examples["right"]), "tracer", sent)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["resourceType"], body["id"]) == ("Patient", examples["right"])
    assert body["name"][0]["family"] == people[examples["right"]]["family"]
    ((event, row),) = [(e, b) for e, b in rows_of(gateway.folder, sent) if e != "outcome"]
    assert (event, row["decision"], row["purpose"]) == ("disclosure", "permit", "demographic-trace")
    assert row["agreement"].startswith("ISA-TRACE@1")


def test_without_a_token_nobody_comes_in_and_a_row_is_left(ask: Ask, gateway: Real, examples: dict[str, str]) -> None:
    sent = str(uuid4())
    answer = ask(patient(examples["right"]), "", sent)
    assert answer.status_code == 401
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert [event for event, _ in rows_soon(gateway.folder, sent)] == ["refusal"]


def test_a_purpose_outside_the_agreement_is_refused_with_a_code_and_no_patient_data(
    ask: Ask, gateway: Real, examples: dict[str, str], people: dict[str, dict[str, str]]
) -> None:
    sent = str(uuid4())
    answer = ask(patient(examples["right"]), "analyst", sent)
    assert answer.status_code == 403
    codes = [coding["code"] for coding in answer.json()["issue"][0]["details"]["coding"]]
    assert "dataset-not-granted" in codes
    person = people[examples["right"]]
    for value in (examples["right"], person["family"], person["birth_date"], person["postcode"]):
        assert value not in answer.text
    event, row = rows_of(gateway.folder, sent)[0]
    assert (event, row["reason"]) == ("refusal", "dataset-not-granted")


def test_the_joined_record_is_shown_to_somebody_with_a_relationship(ask: Ask, examples: dict[str, str]) -> None:
    answer = ask(f"/fhir/R4/Patient/{person_id(NhsNumber(examples['on-caseload']))}/$everything", "carer")
    assert answer.status_code == 200
    kinds = {entry["resource"]["resourceType"] for entry in answer.json()["entry"]}
    assert {"Patient", "Provenance"} <= kinds
    stranger = ask(f"/fhir/R4/Patient/{person_id(NhsNumber(examples['restricted']))}/$everything", "carer")
    assert stranger.status_code == 403


def test_a_writer_in_the_middle_of_its_work_delays_no_question(
    ask: Ask, gateway: Real, examples: dict[str, str]
) -> None:
    """The lock that an ingest holds while it writes a batch is held here for as long as the questions take."""
    with closing(pysqlite3.connect(str(gateway.folder / "gateway.db"), isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE meta SET value = value WHERE name = 'mode'")
        answers = [ask(patient(examples["right"]), "tracer").status_code for _ in range(5)]
        writer.execute("ROLLBACK")
    assert answers == [200] * 5


def test_questions_are_answered_while_an_ingest_runs(
    ask: Ask, gateway: Real, examples: dict[str, str], tmp_path: Path
) -> None:
    manifest = write_demo(tmp_path / "county", 1500, 46)
    during = 0
    with gateway.started("ingest", "gp", manifest.gp[0].parent) as ingest:
        while ingest.running:
            assert ask(patient(examples["right"]), "tracer").status_code == 200
            during += ingest.running
        assert ingest.ended() == 0, ingest.said()
    assert during > 0


def test_the_server_stops_when_told(gateway: Real) -> None:
    with gateway.serving() as address:
        assert requests.get(f"{address}/health/live", timeout=SOONER).ok
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{address}/health/live", timeout=SOONER)
