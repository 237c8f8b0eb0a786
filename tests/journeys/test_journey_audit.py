"""``gateway audit verify``: 0 for a ledger as written, 1 and the row for one that somebody has had in their hands."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pysqlite3
import pytest

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tests.journeys.real import Real


def tamper(folder: Path, statement: str, *values: Any) -> None:  # noqa: ANN401 - whatever a column holds
    """Alter ``ledger.db`` as somebody with the file can: its triggers keep out accidents, not owners."""
    with closing(pysqlite3.connect(str(folder / "ledger.db"))) as ledger:
        for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            ledger.execute(f"DROP TRIGGER {name}")
        ledger.execute(statement, values)
        ledger.commit()


def body(folder: Path, seq: int) -> bytes:
    with closing(pysqlite3.connect(str(folder / "ledger.db"))) as ledger:
        return bytes(ledger.execute("SELECT body FROM ledger_entry WHERE seq = ?", (seq,)).fetchone()[0])


def test_a_ledger_as_written_is_proved(gateway: Real) -> None:
    assert gateway.good("audit", "verify").startswith("the ledger is intact: ")


@pytest.mark.parametrize("seq", [1, 7, 20])
def test_one_byte_of_one_row_is_found_and_the_row_is_named(own_gateway: Real, seq: int) -> None:
    held = body(own_gateway.folder, seq)
    place = held.rindex(b'"')
    altered = held[: place - 1] + bytes([held[place - 1] ^ 1]) + held[place:]
    tamper(own_gateway.folder, "UPDATE ledger_entry SET body = ? WHERE seq = ?", altered, seq)
    ran = own_gateway("audit", "verify")
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", f"row {seq}: altered\n")


def test_a_row_taken_out_is_found(own_gateway: Real) -> None:
    tamper(own_gateway.folder, "DELETE FROM ledger_subject WHERE seq = ?", 12)
    tamper(own_gateway.folder, "DELETE FROM ledger_entry WHERE seq = ?", 12)
    ran = own_gateway("audit", "verify")
    assert (ran.returncode, ran.stderr) == (1, "row 12: deleted\n")


def test_a_witness_knows_of_rows_cut_off_at_the_end(own_gateway: Real) -> None:
    witness = own_gateway.folder / "witness"
    tamper(own_gateway.folder, "DELETE FROM ledger_subject WHERE seq > ?", 20)
    tamper(own_gateway.folder, "DELETE FROM checkpoint WHERE 1 = ?", 1)
    tamper(own_gateway.folder, "DELETE FROM ledger_entry WHERE seq > ?", 20)
    ran = own_gateway("audit", "verify", "--checkpoints", witness)
    assert (ran.returncode, ran.stderr.endswith(": truncated\n")) == (1, True)
