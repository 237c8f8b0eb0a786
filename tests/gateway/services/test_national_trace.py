"""A file traced as the national service would, over this box's index."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.errors import NotPermitted
from gateway.services.tracing.batch import RESPONSE_COLUMNS, BatchReport, trace_csv
from gateway.services.tracing.national import COLUMNS, NATIONAL
from tests.gateway.houses import (
    AMINA,
    BRAM,
    DIED,
    FORMER,
    HIDDEN,
    MOVED,
    NAMESAKE,
    OUTSIDER,
    STRANGER,
    TODAY,
    TWIN,
    Townsperson,
    Watch,
    persona,
)

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.house import House

HEADER = "row_id,nhs_number,family,given,birth_date,gender,postcode,gp_practice"


def line(row_id: str, who: Townsperson, number: str = "", practice: str = "") -> str:
    told = [getattr(who, name) for name in ("family", "given", "birth_date", "gender", "postcode")]
    return ",".join((row_id, number, *told, practice))


def trace(house: House, folder: Path, *rows: str) -> tuple[BatchReport, dict[str, dict[str, str]]]:
    source, target = folder / "request.csv", folder / "out.csv"
    source.write_text("\n".join((HEADER, *rows, "")), encoding="utf-8")
    done = trace_csv(house, persona(house, "data-team"), source, target, algorithm=NATIONAL)
    with target.open(encoding="utf-8", newline="") as opened:
        return done, {row["row_id"]: row for row in csv.DictReader(opened)}


# A practice that is not theirs stops the alphanumeric step, which would settle most of these before the scores.
ELSEWHERE = "C82001"


@pytest.mark.parametrize(
    ("row", "number", "code", "indicator", "confidence", "step"),
    [
        (line("r", AMINA, AMINA.number), AMINA.number, "00", "1", "100", "CCT_live"),
        (line("r", replace(BRAM, family="Zed"), AMINA.number), BRAM.number, "00", "4", "80", "algorithmic_trace_live"),
        (line("r", replace(AMINA, family="Zed", given="Qu"), AMINA.number), AMINA.number, "00", "1", "100", "CCT_live"),
        (line("r", MOVED, MOVED.number), AMINA.number, "90", "1", "100", "CCT_live"),
        (line("r", BRAM), BRAM.number, "00", "3", "100", "alphanumeric_trace_live"),
        (line("r", BRAM, practice=ELSEWHERE), BRAM.number, "00", "4", "100", "algorithmic_trace_live"),
        (
            line("r", replace(BRAM, given="Abram"), "", ELSEWHERE),
            BRAM.number,
            "00",
            "4",
            "96",
            "algorithmic_trace_live",
        ),
        (line("r", TWIN, practice=ELSEWHERE), "9999999999", "97", "4", "0", "No_PDS_match_found"),
        (line("r", STRANGER), "0000000000", "98", "0", "0", "No_PDS_match_found"),
        (line("r", replace(NAMESAKE, postcode="")), "0000000000", "96", "0", "0", "No_PDS_tracing_run"),
        (line("r", replace(NAMESAKE, birth_date="1975")), "0000000000", "96", "0", "0", "No_PDS_tracing_run"),
        (line("r", DIED), DIED.number, "00", "3", "100", "alphanumeric_trace_live"),
    ],
)
def test_each_row_is_answered_with_the_handbooks_codes(  # noqa: PLR0913, PLR0917 - one argument a column
    town: House, tmp_path: Path, row: str, number: str, code: str, indicator: str, confidence: str, step: str
) -> None:
    done, rows = trace(town, tmp_path, row)
    told = rows["r"]
    assert tuple(told) == COLUMNS
    assert COLUMNS[: len(RESPONSE_COLUMNS)] == RESPONSE_COLUMNS
    assert (told["matched_nhs_number"], told["code"], told["matched_algorithm_indicator"]) == (number, code, indicator)
    assert (told["confidence"], told["reason"]) == (confidence, step)
    assert done.rows == 1


def test_the_percentages_are_those_of_the_algorithmic_step_alone(town: House, tmp_path: Path) -> None:
    _, rows = trace(town, tmp_path, line("a", replace(BRAM, given="Abram"), "", ELSEWHERE), line("b", BRAM))
    assert [rows["a"][name] for name in COLUMNS[-5:]] == ["100", "78", "100", "100", "100"]
    assert [rows["b"][name] for name in COLUMNS[-5:]] == ["0"] * 5


def test_where_a_restricted_person_lives_says_nothing(town: House, tmp_path: Path) -> None:
    """By names and date of birth they are found; the right postcode adds nothing and the wrong one takes nothing."""
    here, there = line("a", HIDDEN, practice=ELSEWHERE), line("b", replace(HIDDEN, postcode="LE1 1AA"), "", ELSEWHERE)
    _, rows = trace(town, tmp_path, here, there, line("c", replace(HIDDEN, family="Zed", given="Qu")))
    assert {**rows["a"], "row_id": ""} == {**rows["b"], "row_id": ""}
    assert (rows["a"]["matched_nhs_number"], rows["a"]["code"], rows["a"]["postcode_score"]) == (
        HIDDEN.number,
        "92",
        "0",
    )
    assert rows["c"]["code"] == "98"


def test_a_former_number_leads_to_nobody_and_the_person_of_today_is_found_without_it(
    town: House, tmp_path: Path
) -> None:
    asked = [line("a", TODAY, FORMER.number), line("b", FORMER, FORMER.number), line("c", FORMER), line("d", TODAY)]
    _, rows = trace(town, tmp_path, *asked)
    assert [rows[name]["matched_nhs_number"] for name in "abcd"] == ["0000000000"] * 3 + [TODAY.number]


def test_it_is_decided_and_recorded_like_any_other_file(town: House, tmp_path: Path) -> None:
    seen = Watch(town)
    trace(town, tmp_path, line("a", AMINA), line("b", STRANGER), "c,,,Amina,1941-03-15,,,")
    (row,) = seen.rows()
    assert (row.kind, row.body["rows"], row.body["subjects"]["count"]) == ("batch", 2, 1)


def test_nobody_without_a_grant_traces_so(town: House, tmp_path: Path) -> None:
    source = tmp_path / "request.csv"
    source.write_text(f"{HEADER}\n{line('a', AMINA)}\n")
    with pytest.raises(NotPermitted):
        trace_csv(town, OUTSIDER, source, tmp_path / "out.csv", algorithm=NATIONAL)
    assert not (tmp_path / "out.csv").exists()
