"""``gateway demo --no-serve``: from nothing to a house at work, and a summary that says what came of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import requests

from tests.journeys.conftest import PEOPLE, SEED
from tests.journeys.real import Real, free_port, wait_until_ready

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess


@pytest.fixture(scope="session")
def summary(demonstration: tuple[Real, CompletedProcess[str]]) -> str:
    ran = demonstration[1]
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def figure(pattern: str, summary: str) -> float:
    found = re.search(pattern, summary)
    assert found, pattern
    return float(found[1].replace(",", ""))


@pytest.mark.parametrize("source", ["social-care", "gp", "acute"])
def test_rows_read_and_quarantined_by_reason_are_told(source: str, summary: str) -> None:
    read = figure(rf"│ {source} +│ ([\d,]+) ", summary)
    held = re.search(rf"│ {source} .*│ ([\d,]+) +│\n", summary)
    assert held
    reasons = [int(n) for n in re.findall(rf"quarantined, {source}, [^:]+, [a-z-]+: (\d+)", summary)]
    assert read > sum(reasons) == int(held[1]) > 0


def test_records_are_told_by_trace_outcome(summary: str) -> None:
    told = summary[summary.index("Records by trace outcome") :]
    assert re.search(r"Source .*matched .*none", told)
    assert figure(r"Records by trace outcome[\s\S]*?│ social-care │ ([\d,]+) ", summary) > 0


def test_more_people_have_a_number_after_than_before(summary: str) -> None:
    assert figure(r"number: ([\d.]+)% before", summary) < figure(r"before, ([\d.]+)% after", summary)


def test_the_match_rate_is_held_against_planted_truth_with_false_and_missed(summary: str) -> None:
    truth = r"Against planted truth, social-care: "
    assert figure(truth + r"found ([\d.]+)%", summary) > 80
    assert figure(truth + r".*joins, ([\d.]+)%", summary) < 5
    assert figure(truth + r".*missed ([\d.]+)%", summary) < 20
    assert summary.count("(95 % ") >= 3


def test_links_ledger_and_release_are_told(summary: str) -> None:
    assert figure(r"cross-check ([\d,]+)", summary) > 0
    assert figure(r"Ledger: ([\d,]+) rows", summary) > 0
    assert figure(r"people\.parquet ([\d,]+) rows", summary) > 0
    assert figure(r"events\.parquet ([\d,]+) rows", summary) > 0


def test_nobody_is_named_in_the_summary(summary: str, people: dict[str, dict[str, str]]) -> None:
    assert not [number for number in people if number in summary]


def test_the_house_it_made_is_fit_to_run(gateway: Real) -> None:
    assert "WANT" not in gateway.good("doctor")


def test_two_demonstrations_of_one_seed_know_the_same(gateway: Real, tmp_path: Path) -> None:
    second = Real(tmp_path / "elsewhere")
    second.good("demo", "--people", PEOPLE, "--seed", SEED, "--no-serve")
    assert second.good("db", "digest") == gateway.good("db", "digest")


def test_from_an_empty_folder_the_demo_ends_by_serving(tmp_path: Path) -> None:
    """What ``make run`` does on a fresh machine: nothing is set, nothing is there, and at the end pages answer."""
    port = free_port()
    with Real(tmp_path / "var").started("demo", "--people", "500", "--port", str(port)) as server:
        wait_until_ready(server, f"http://127.0.0.1:{port}")
        page = requests.get(f"http://127.0.0.1:{port}/sign-in", timeout=10)
        server.process.terminate()
        server.ended()
    assert page.status_code == 200
    assert "Demonstration" in page.text
