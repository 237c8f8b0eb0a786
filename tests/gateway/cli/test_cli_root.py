"""The root of the command: help without imports, and an end in a sentence and a code whatever happens."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from traceback import FrameSummary
from typing import TYPE_CHECKING

import click
import pytest

from gateway.cli import context, main, tracing
from gateway.cli.main import _COMMANDS
from gateway.errors import (
    Conflict,
    GatewayError,
    InputError,
    NotFound,
    NotPermitted,
    Unavailable,
    UpstreamError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

    from tests.gateway.cli.conftest import Command

HEAVY = ("sqlalchemy", "alembic", "psycopg", "duckdb", "pyarrow", "flask", "requests", "fhir", "fixtures")


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context_of = click.Context(group)
    for name in group.list_commands(context_of):
        command = group.get_command(context_of, name)
        assert command is not None
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))


def test_help_names_every_command_and_imports_none_of_them() -> None:
    program = (
        "import sys\nfrom gateway.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    code = end.code\n"
        "print(','.join(sorted({name.partition('.')[0] for name in sys.modules})))\nsys.exit(code)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    told, modules = ran.stdout.rstrip().rsplit("\n", 1)
    assert not set(HEAVY) & set(modules.split(","))
    assert all(name in told and entry.summary in told for name, entry in _COMMANDS.items())


def test_verifying_imports_neither_migrations_nor_the_other_engine_nor_an_upstream_client() -> None:
    program = (
        "import sys, gateway.cli.tracing, gateway.house\n"
        "print(','.join(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    spared = {"alembic", "psycopg", "duckdb", "pyarrow", "flask", "requests", "fhir", "fixtures"}
    assert not spared & set(ran.stdout.strip().split(","))


@pytest.mark.parametrize("path", list(every_command(main)), ids=" ".join)
def test_every_command_explains_itself_without_a_house(path: tuple[str, ...], new_gateway: Command) -> None:
    ran = new_gateway(*path, "--help")
    assert ran.exit_code == 0
    assert f"gateway {' '.join(path)}" in ran.stdout.replace("main ", "gateway ")
    assert not new_gateway.folder.exists()


def test_summaries_are_whole_sentences_that_fit() -> None:
    for entry in _COMMANDS.values():
        assert len(entry.summary) <= 60
        assert entry.summary.endswith(".")
        module, _, name = entry.where.partition(":")
        assert isinstance(getattr(import_module(f"gateway.cli.{module}"), name), click.Command)


def test_the_version_is_printed(new_gateway: Command) -> None:
    assert new_gateway("--version").stdout.startswith("gateway, version ")


@pytest.mark.parametrize(
    "words", [["nosuch"], ["verify"], ["verify", "1", "--nosuch"], ["audit", "nosuch"], ["link", "x"]]
)
def test_wrong_usage_is_exit_2(words: list[str], new_gateway: Command) -> None:
    ran = new_gateway(*words)
    assert ran.exit_code == 2
    assert "Usage:" in ran.stderr


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (InputError("field: rule", reason="made-up"), 2, "gateway: field: rule [made-up]\n"),
        (InputError("a.csv, row 3: rule [made-up]", reason="made-up"), 2, "gateway: a.csv, row 3: rule [made-up]\n"),
        (Conflict("moved on", reason="late"), 2, "gateway: moved on [late]\n"),
        (NotPermitted("no", reason="purpose"), 3, "gateway: no [purpose]\n"),
        (NotFound("nothing", reason="thing"), 1, "gateway: nothing [thing]\n"),
        (Unavailable("down", reason="ledger"), 4, "gateway: down [ledger]\n"),
        (UpstreamError("far", reason="pds"), 4, "gateway: far [pds]\n"),
        (GatewayError("odd", reason="odd"), 4, "gateway: odd [odd]\n"),
        (
            FileNotFoundError(2, "gone", "/a/secret/place/b.csv"),
            4,
            "gateway: b.csv cannot be read or written (enoent)\n",
        ),
        (TimeoutError(), 4, "gateway: a file cannot be read or written (timeouterror)\n"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_errors_end_in_one_sentence_and_their_exit_code(
    raised: Exception, code: int, said: str, new_gateway: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_text: str) -> NoReturn:
        raise raised

    monkeypatch.setattr("gateway.services.governance.agreements.check", refuse)
    ran = new_gateway("isa", "check", __file__)
    assert (ran.exit_code, ran.stderr, ran.stdout) == (code, said, "")


def test_a_bug_is_named_by_place_and_kind_and_its_message_kept_back(
    new_gateway: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(_text: str) -> NoReturn:
        raise KeyError("Patel 9990000018")

    monkeypatch.setattr("gateway.services.governance.agreements.check", stumble)
    ran = new_gateway("isa", "check", __file__)
    assert ran.exit_code == 4
    assert ran.stderr.startswith("gateway: something went wrong (KeyError at ")
    assert "Patel" not in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_bug_in_a_library_names_the_library_when_none_of_our_lines_took_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("traceback.extract_tb", lambda _tb: [FrameSummary("x.py", 7, "f")])
    assert context._where(ValueError("secret")) == "ValueError at x.py:7"


def test_an_interrupted_command_says_how_to_go_on(new_gateway: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_text: str) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("gateway.services.governance.agreements.check", interrupt)
    ran = new_gateway("isa", "check", __file__)
    assert ran.exit_code == 130
    assert "give the same command again" in ran.stderr


def test_what_goes_wrong_while_closing_is_a_sentence_too(
    own_gateway: Command, examples: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows nobody waited for are flushed at the end: a disk that is full by then must not end in a traceback."""

    def full(_desk: context.Desk) -> NoReturn:
        raise Unavailable("the ledger could not take the row", reason="ledger")

    monkeypatch.setattr(context.Desk, "close", full)
    ran = own_gateway("model", "list")
    assert (ran.exit_code, ran.stderr) == (4, "gateway: the ledger could not take the row [ledger]\n")


@pytest.mark.parametrize("written", ["social-care/999", "social-care//1", "/999/1"])
def test_a_record_is_an_id_or_three_parts(written: str, new_gateway: Command) -> None:
    ran = new_gateway("explain", written)
    assert ran.exit_code == 2
    assert "SOURCE/ORGANISATION/LOCAL-ID" in ran.stderr


def test_the_genders_offered_are_those_of_the_index() -> None:
    assert set(tracing._GENDERS) == {"male", "female", "other", "unknown"}
