"""``db`` and ``keys``: the two databases and the secrets beside them."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.context import Desk, out, pass_desk
from gateway.storage import restore as restore_files
from gateway.storage import upgrade as upgrade_databases
from gateway.storage.keyring import Keyring


@click.group()
def db() -> None:
    """Look after the system of record and the ledger."""


@db.command()
@pass_desk
def upgrade(desk: Desk) -> None:
    """Bring both databases to this version's schema."""
    upgrade_databases(desk.settings)
    out.print("both databases are at this version's schema", markup=False)


@db.command()
@pass_desk
def digest(desk: Desk) -> None:
    """Print one hash of the whole system of record.

    Timestamps and jobs are left out: two houses given the same files the same way print the same.
    """
    out.print(desk.house.stores.digest(), markup=False)


@db.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@pass_desk
def backup(desk: Desk, folder: Path) -> None:
    """Copy both databases to FOLDER, also in use.

    SQLite only: for PostgreSQL use its own tools. Keys are not copied: keep them elsewhere.
    """
    for written in desk.house.stores.backup(folder):
        out.print(str(written.name), markup=False)


@db.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@pass_desk
def restore(desk: Desk, folder: Path) -> None:
    """Put both databases back from FOLDER.

    Stop the service first, and move away the databases that are there: none is replaced.
    """
    restore_files(desk.settings, folder)
    out.print("restored; run 'gateway audit verify'", markup=False)


@click.group()
def keys() -> None:
    """The secrets of this box."""


@keys.command()
@pass_desk
def init(desk: Desk) -> None:
    """Make the keys that are missing.

    Keys that are there are left alone.
    """
    made = Keyring(desk.settings.keys_dir).init()
    out.print(f"made: {', '.join(made)}" if made else "every key is there already", markup=False)
