"""Which house a command may open: there, up to date, of its mode, and asked by somebody named."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import Command

VERIFY = ("verify", "9990000018", "--family", "Sentinelname", "--birthdate", "1950-01-01")

NEED_A_HOUSE = [
    VERIFY,
    ("audit", "verify"),
    ("audit", "search"),
    ("caller", "list"),
    ("db", "digest"),
    ("isa", "list"),
    ("link",),
    ("quarantine", "list"),
    ("release", "list"),
    ("serve",),
    ("worker",),
]


@pytest.mark.parametrize("words", NEED_A_HOUSE, ids=" ".join)
def test_without_a_database_a_command_says_what_to_do_and_makes_nothing(
    words: tuple[str, ...], new_gateway: Command
) -> None:
    ran = new_gateway(*words, env={"GATEWAY_MODE": "demo"})
    assert ran.exit_code == 4
    assert ran.stderr == "gateway: the gateway database is not there yet: run gateway db upgrade [database-step]\n"
    assert not new_gateway.folder.exists()


def test_a_database_of_an_older_step_is_refused_until_upgraded(own_gateway: Command) -> None:
    with sqlite3.connect(own_gateway.folder / "gateway.db") as held:
        held.execute("UPDATE alembic_version SET version_num = '0000'")
    held.close()
    ran = own_gateway("caller", "list")
    assert ran.exit_code == 4
    assert "is at step 0000: run gateway db upgrade" in ran.stderr


@pytest.mark.parametrize(
    "words",
    [VERIFY, ("audit", "search"), ("link",), ("release", "build", "--agreement", "A", "--period", "2026-01")],
    ids=" ".join,
)
def test_production_asks_who_is_asking(words: tuple[str, ...], production: Command) -> None:
    ran = production(*words)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == "gateway: say who is asking: --as CALLER --purpose PURPOSE [caller-required]\n"


@pytest.mark.parametrize("half", [("--as", "sam"), ("--purpose", "demographic-trace")])
def test_production_asks_for_both_caller_and_purpose(half: tuple[str, str], production: Command) -> None:
    assert production(*half, *VERIFY).exit_code == 2


def test_production_serves_a_registered_caller_and_refuses_the_rest(production: Command) -> None:
    add = ("caller", "add", "sam", "--name", "Sam", "--organisation", "X09", "--org-class", "council")
    assert production(*add, "--role", "social-worker", "--purposes", "demographic-trace").exit_code == 0
    refused = production("--as", "sam", "--purpose", "ig-audit", *VERIFY)
    assert (refused.exit_code, refused.stderr) == (
        3,
        "gateway: this caller is not registered for this purpose [purpose-not-registered]\n",
    )
    unknown = production("--as", "nobody", "--purpose", "demographic-trace", *VERIFY)
    assert (unknown.exit_code, "caller-unknown" in unknown.stderr) == (3, True)


def test_a_purpose_is_one_of_ours(gateway: Command) -> None:
    ran = gateway("--purpose", "curiosity", *VERIFY)
    assert ran.exit_code == 2
    assert "--purpose: one of direct-care" in ran.stderr
    assert "Sentinelname" not in ran.stderr


def test_without_a_mode_the_database_says_what_it_is_for(gateway: Command) -> None:
    assert gateway("caller", "list").exit_code == 0
    assert gateway("token", "--persona", "gp").exit_code == 0


@pytest.mark.parametrize("words", [("caller", "list"), VERIFY, ("serve",), ("db", "upgrade")], ids=" ".join)
def test_a_demonstration_is_refused_to_production(words: tuple[str, ...], gateway: Command) -> None:
    ran = gateway(*words, env={"GATEWAY_MODE": "production"})
    assert ran.exit_code == 2
    assert ran.stderr == "gateway: this database is for demo, the settings say production [mode]\n"


def test_a_production_database_is_refused_to_the_demonstration(production: Command) -> None:
    ran = production("demo", "--people", "500", "--no-serve")
    assert ran.exit_code == 2
    assert "this database is for production, the settings say demo" in ran.stderr


def test_tokens_are_for_demonstrations(production: Command) -> None:
    ran = production("token", "--persona", "gp")
    assert (ran.exit_code, "demo-only" in ran.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "value", "code", "said"),
    [
        ("GATEWAY_MODE", "party", 2, "GATEWAY_MODE: "),
        ("GATEWAY_TOKEN_MINUTES", "soon", 2, "GATEWAY_TOKEN_MINUTES: "),
        ("GATEWAY_DATABASE_URL", "rubbish", 2, "GATEWAY_DATABASE_URL: must be postgresql://"),
        ("GATEWAY_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", 4, "the database could not answer"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_and_not_repeated(
    name: str, value: str, code: int, said: str, new_gateway: Command
) -> None:
    ran = new_gateway("caller", "list", env={name: value})
    assert ran.exit_code == code
    assert said in ran.stderr
    assert value not in ran.stderr


def test_a_folder_that_cannot_be_made_is_a_storage_failure(new_gateway: Command) -> None:
    new_gateway.folder.write_text("in the way")
    for words in (("db", "upgrade"), ("demo", "--people", "500", "--no-serve")):
        ran = new_gateway(*words)
        assert ran.exit_code == 4
        assert ran.stderr.startswith("gateway: ")


def test_a_file_that_is_no_database_is_a_storage_failure(production: Command) -> None:
    (production.folder / "gateway.db").write_bytes(b"no database at all" * 300)
    ran = production("caller", "list")
    assert (ran.exit_code, ran.stdout) == (4, "")


def test_without_keys_nothing_is_answered(own_gateway: Command) -> None:
    for key in (own_gateway.folder / "keys").iterdir():
        key.unlink()
    ran = own_gateway(*VERIFY)
    assert (ran.exit_code, ran.stdout) == (4, "")
    assert "missing: run gateway keys init" in ran.stderr
