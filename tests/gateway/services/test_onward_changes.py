"""The changes-only file: whose it is, when it appears, and that a run that was killed writes the same one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest

from gateway.errors import InputError, Unavailable
from gateway.services.tracing import onward_changes
from gateway.services.tracing.onward_changes import ChangesReport, write_changes
from tests.gateway.houses import FORMER, Watch, copied, persona
from tests.gateway.services.onward_fixtures import home, home_made, national, response, sent, sent_made
from tests.gateway.services.onward_houses import bring_home

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.house import House
    from gateway.settings import Settings

__all__ = ["home", "home_made", "national", "response", "sent", "sent_made"]


def write(house: House, target: Path, source: str = "social-care") -> ChangesReport:
    return write_changes(house, persona(house, "data-team"), source, target)


def test_a_run_that_was_killed_writes_the_same_file_the_next_time(
    sent_made: tuple[Settings, Path], response: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_given: object) -> NoReturn:
        raise KeyboardInterrupt

    with copied(sent_made[0], tmp_path / "whole") as house:
        bring_home(house, response)
        told = write(house, tmp_path / "whole.csv")
    with copied(sent_made[0], tmp_path / "killed") as house:
        bring_home(house, response)
        with monkeypatch.context() as patched:
            patched.setattr(onward_changes._Run, "lines", die)
            with pytest.raises(KeyboardInterrupt):
                write(house, tmp_path / "numbers.csv")
        assert not (tmp_path / "numbers.csv").exists()
        assert write(house, tmp_path / "numbers.csv") == told
    assert (tmp_path / "numbers.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_whom_the_file_is_about_is_in_the_ledger_and_another_sources_records_are_not(
    sent: House, tmp_path: Path
) -> None:
    watch = Watch(sent)
    assert write(sent, tmp_path / "gp.csv", "gp").rows == 0
    done = write(sent, tmp_path / "numbers.csv")
    (_, row) = watch.rows("batch")
    assert (row.body["job"], row.body["subjects"]["count"]) == ("number-changes-social-care", done.rows)


def test_a_protected_persons_record_is_told_its_own_number_and_no_other(sent: House, tmp_path: Path) -> None:
    write(sent, tmp_path / "numbers.csv")
    lines = (tmp_path / "numbers.csv").read_text("utf-8").splitlines()
    assert [line.split(",")[1:3] for line in lines if line.startswith('"former"')] in (
        [],
        [[f'"{FORMER.number}"', f'"{FORMER.number}"']],
    )


def test_without_an_index_the_national_services_word_is_all_there_is(
    sent: House, response: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(_house: House) -> NoReturn:
        raise Unavailable("no index", reason="index-absent")

    bring_home(sent, response)
    monkeypatch.setattr(onward_changes, "checked_against", absent)
    write(sent, tmp_path / "numbers.csv")
    text = (tmp_path / "numbers.csv").read_text("utf-8")
    assert '"01","pds-mesh"' in text
    assert "demo" not in text


@pytest.mark.parametrize(("source", "place"), [("", "numbers.csv"), ("social-care", "nowhere/numbers.csv")])
def test_a_file_that_cannot_be_is_refused(sent: House, tmp_path: Path, source: str, place: str) -> None:
    with pytest.raises(InputError):
        write(sent, tmp_path / place, source)
