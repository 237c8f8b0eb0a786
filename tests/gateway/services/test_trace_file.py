"""A file in, the same rows back: whole or not at all."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from gateway.engine import Engine
from gateway.errors import InputError, NotPermitted, Unavailable
from gateway.services.tracing import batch
from gateway.services.tracing.batch import RESPONSE_COLUMNS, BatchReport, trace_csv
from gateway.storage.ledger import Ledger
from tests.gateway.houses import AMINA, BRAM, DIED, HIDDEN, MOVED, NAMESAKE, OUTSIDER, STRANGER, TODAY, Watch, persona

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.house import House

HEADER = "row_id,nhs_number,family,given,birth_date,gender,postcode"


def line(row_id: str, who: object, number: str = "") -> str:
    told = [getattr(who, name) for name in ("family", "given", "birth_date", "gender", "postcode")]
    return ",".join((row_id, number, *told))


def request(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "request.csv"
    path.write_text("\n".join((header, *rows, "")), encoding="utf-8")
    return path


def trace(house: House, source: Path, target: Path) -> BatchReport:
    return trace_csv(house, persona(house, "data-team"), source, target)


def answers(target: Path) -> dict[str, dict[str, str]]:
    with target.open(encoding="utf-8", newline="") as opened:
        return {row["row_id"]: row for row in csv.DictReader(opened)}


def test_there_is_a_response_row_for_every_request_row_in_order(town: House, tmp_path: Path) -> None:
    people = [AMINA, BRAM, STRANGER, HIDDEN, DIED, TODAY]
    source = request(tmp_path, *(line(f"r{n}", who) for n, who in enumerate(people)), line("r6", AMINA, MOVED.number))
    done = trace(town, source, tmp_path / "out.csv")
    rows = answers(tmp_path / "out.csv")
    assert list(rows) == [f"r{n}" for n in range(7)]
    assert tuple(rows["r0"]) == RESPONSE_COLUMNS
    assert (done.rows, done.outcomes["matched"], done.outcomes["none"]) == (7, 6, 1)
    assert rows["r0"]["matched_nhs_number"] == AMINA.number
    assert (rows["r2"]["code"], rows["r2"]["matched_nhs_number"], rows["r2"]["flags"]) == ("98", "0000000000", "")
    assert rows["r3"]["code"] == "92"
    assert rows["r4"]["flags"] == "deceased-formal"
    assert (rows["r6"]["code"], rows["r6"]["matched_nhs_number"]) == ("90", AMINA.number)
    assert rows["r0"]["checked_against"].startswith("demo 2026-")
    assert {row["status"] for row in rows.values()} == {"02", "04"}


def test_two_who_are_too_close_are_several_and_neither_is_named(town: House, tmp_path: Path) -> None:
    vague = f"r1,,{NAMESAKE.family},{NAMESAKE.given},{NAMESAKE.birth_date},,"
    trace(town, request(tmp_path, vague), tmp_path / "out.csv")
    row = answers(tmp_path / "out.csv")["r1"]
    assert (row["matched_nhs_number"], row["code"], row["status"]) == ("9999999999", "97", "04")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("r1,,,Amina,1941-03-15,,", "required"),
        ("r1,,Patelova,Amina,,,", "date-empty"),
        ("r1,,Patelova,Amina,1941-13-15,,", "date-impossible"),
        (f"r1,,{'A' * 40},Amina,1941-03-15,,", "too-long"),
    ],
)
def test_a_row_with_too_little_is_answered_with_the_rule_it_breaks(
    town: House, tmp_path: Path, row: str, reason: str
) -> None:
    done = trace(town, request(tmp_path, row, line("r2", AMINA)), tmp_path / "out.csv")
    told = answers(tmp_path / "out.csv")["r1"]
    assert (told["outcome"], told["code"], told["reason"]) == ("invalid-input", "96", reason)
    assert (told["matched_nhs_number"], told["status"]) == ("0000000000", "03")
    assert done.refused == {reason: 1}
    assert done.rows == 2


def test_every_column_of_the_index_is_used(town: House, tmp_path: Path) -> None:
    told = {
        "row_id": "r1",
        "family": AMINA.family,
        "given": AMINA.given,
        "other_given": "Rose|Anne",
        "birth_date": AMINA.birth_date,
        "phone": AMINA.phone,
        "email": AMINA.email,
        "gp_practice": "Z99001",
        "death_date": "",
        "previous_family": "Smith",
        "previous_postcode": "LE1 1AA",
        "address_line1": "1 Test Street",
    }
    source = request(tmp_path, ",".join(told.values()), header=",".join(told))
    trace(town, source, tmp_path / "out.csv")
    assert answers(tmp_path / "out.csv")["r1"]["matched_nhs_number"] == AMINA.number


def test_the_file_is_one_batch_row_with_everybody_who_was_found(town: House, tmp_path: Path) -> None:
    seen = Watch(town)
    source = request(tmp_path, line("r1", AMINA), line("r2", BRAM), line("r3", STRANGER))
    trace(town, source, tmp_path / "out.csv")
    (row,) = seen.rows()
    assert (row.kind, row.body["subjects"]["count"], row.body["rows"]) == ("batch", 2, 3)


@pytest.mark.parametrize(
    ("header", "rows", "reason"),
    [
        (f"{HEADER},shoe_size", ["r1,,Patelova,Amina,1941-03-15,,,42"], "unknown-column"),
        ("row_id,family", ["r1,Patelova"], "missing-column"),
        (HEADER, ["r1,,Patelova"], "columns"),
        (HEADER, ["r1,,Patelova,Amina,1941-03-15,,,,,"], "columns"),
        (HEADER, ['r1,,"Patelova,Amina,1941-03-15,,'], "broken-quoting"),
    ],
)
def test_a_file_that_is_not_such_a_file_leaves_no_response(
    town: House, tmp_path: Path, header: str, rows: list[str], reason: str
) -> None:
    first = [line("r0", AMINA)] if header == HEADER else []
    source = request(tmp_path, *first, *rows, header=header)
    with pytest.raises(InputError, match=r"request\.csv") as refused:
        trace(town, source, tmp_path / "out.csv")
    assert refused.value.reason == reason
    assert [path.name for path in tmp_path.iterdir()] == ["request.csv"]


@pytest.mark.parametrize(
    ("data", "reason"), [(b"", "empty-file"), (HEADER.encode() + b"\nr1,\xff,,,,,\n", "wrong-encoding")]
)
def test_bytes_that_are_no_text_are_refused(town: House, tmp_path: Path, data: bytes, reason: str) -> None:
    source = tmp_path / "request.csv"
    source.write_bytes(data)
    with pytest.raises(InputError) as refused:
        trace(town, source, tmp_path / "out.csv")
    assert refused.value.reason == reason
    assert not (tmp_path / "out.csv").exists()


def test_an_earlier_response_stays_when_the_next_one_fails(
    town: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.csv"
    trace(town, request(tmp_path, line("r1", AMINA)), target)
    before = target.read_bytes()
    real, calls = Engine.trace, []

    def fail(engine: Engine, *args: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise Unavailable
        return real(engine, *args, **named)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(Engine, "trace", fail)
    with pytest.raises(Unavailable):
        trace(town, request(tmp_path, line("r1", AMINA), line("r2", BRAM), line("r3", BRAM)), target)
    assert target.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"request.csv", "out.csv"}


def test_no_response_is_written_when_the_ledger_takes_no_row(
    own_town: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise Unavailable(reason="ledger")

    monkeypatch.setattr(Ledger, "append", refuse)
    with pytest.raises(Unavailable):
        trace(own_town, request(tmp_path, line("r1", AMINA)), tmp_path / "out.csv")
    monkeypatch.undo()
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


def test_a_file_that_cannot_be_read_or_written_is_named(town: House, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.csv: cannot be opened"):
        trace(town, tmp_path / "absent.csv", tmp_path / "out.csv")
    with pytest.raises(InputError, match=r"out\.csv: cannot be opened"):
        trace(town, request(tmp_path, line("r1", AMINA)), tmp_path / "no-such-folder" / "out.csv")


def test_only_those_who_may_trace_do(town: House, tmp_path: Path) -> None:
    with pytest.raises(NotPermitted):
        trace_csv(town, OUTSIDER, request(tmp_path, line("r1", AMINA)), tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_progress_is_told_row_by_row(town: House, tmp_path: Path) -> None:
    told: list[int] = []
    source = request(tmp_path, line("r1", AMINA), line("r2", BRAM))
    trace_csv(town, persona(town, "data-team"), source, tmp_path / "out.csv", lambda done, _total: told.append(done))
    assert told == [1, 2]
    assert batch.REQUEST_COLUMNS[0] == "row_id"
