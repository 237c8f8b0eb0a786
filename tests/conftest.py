"""Fixtures for every room: the two database engines, and a house's stores on each of them.

PostgreSQL is ``GATEWAY_TEST_POSTGRES_URL`` where that is set, and otherwise a throw-away cluster started for the
session, as its own user when we are root. Where there is none its tests skip by name, and fail with ``CI=true``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest

from gateway.settings import Mode, load_settings
from gateway.storage import open_stores, schema, upgrade
from gateway.storage.engines import sqlite_version
from gateway.storage.migrations import LATEST
from gateway.storage.permit import mint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.settings import Settings
    from gateway.storage import Permit, Stores

_URL: Final = os.environ.get("GATEWAY_TEST_POSTGRES_URL", "")
# what a database is made with and keeps: the model that comes with the package, in use
_MADE_WITH: Final = {"model_activation": " WHERE position > 0", "model_version": " WHERE added_by <> 'gateway:shipped'"}


def _binaries() -> Path | None:
    """Where PostgreSQL's programs are: the newest of Debian's folders, or the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    on_path = shutil.which("initdb")
    found = debian[-1] if debian else Path(on_path) if on_path else None
    return found.parent if found else None


def _address(url: str) -> str:
    """The URL as psycopg takes it, without SQLAlchemy's driver name."""
    import sqlalchemy as sa

    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def pytest_report_header() -> list[str]:
    """Name both databases and their versions, so that a green run says what it was green on."""
    binaries = _binaries()
    if _URL:
        import psycopg

        with psycopg.connect(_address(_URL)) as server:
            postgres = f"{server.info.parameter_status('server_version')} at GATEWAY_TEST_POSTGRES_URL"
    elif binaries:
        said = subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, text=True)
        postgres = said.stdout.split()[2]
    else:
        postgres = "absent (its tests skip)"
    return [f"databases: SQLite {sqlite_version()} · PostgreSQL {postgres}"]


@contextmanager
def _cluster(binaries: Path) -> Iterator[str]:
    """Run a cluster of our own, on a Unix socket only, without waiting for the disk."""
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    # Not under pytest's folders: those are closed to the server's user.
    with tempfile.TemporaryDirectory(prefix="gateway-pg-", ignore_cleanup_errors=True) as folder:
        if as_user:
            shutil.chown(folder, "postgres")
        data, log = f"{folder}/data", f"{folder}/log"

        def run(*command: str | Path) -> None:
            subprocess.run([*as_user, *command], check=True, capture_output=True, cwd=folder)

        run(binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=200"
        run(binaries / "pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        finally:
            run(binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server on which databases may be made and dropped."""
    if _URL:
        yield _URL
        return
    pytest.importorskip("psycopg", reason="PostgreSQL: the extra [postgres] is not installed")
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    with _cluster(binaries) as url:
        yield url


@contextmanager
def _database(server: str) -> Iterator[str]:
    """Make an empty database on the server, and drop it afterwards."""
    import psycopg
    import sqlalchemy as sa

    name = f"gateway_{uuid4().hex}"
    address = _address(server)
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database, dropped afterwards."""
    with _database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as ``upgrade`` makes it, to be copied: migrating for every test takes longer than most tests."""
    made = load_settings({}, mode=Mode.DEMO, data_dir=tmp_path_factory.mktemp("made"))
    upgrade(made)
    return made.data_dir


@pytest.fixture(scope="session")
def postgres_made(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database as ``upgrade`` makes it, emptied for each test: making one takes a second."""
    with _database(postgres_server) as url:
        upgrade(load_settings({}, mode=Mode.DEMO, data_dir=tmp_path_factory.mktemp("made"), database_url=url))
        yield url


def _empty(url: str) -> None:
    """Put a made database back to how it was made."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(_address(url)) as admin:
        # As a replica, so that append-only tables let go of their rows and order does not matter.
        admin.execute("SET session_replication_role = replica")
        for place, tables in (("gateway", schema.gateway), ("ledger", schema.ledger)):
            for name in tables.tables:
                emptied = sql.SQL("DELETE FROM {}.{}" + _MADE_WITH.get(name, ""))
                admin.execute(emptied.format(sql.Identifier(place), sql.Identifier(name)))
            step = sql.SQL("UPDATE {}.alembic_version SET version_num = %s").format(sql.Identifier(place))
            admin.execute(step, (LATEST[place],))
        admin.execute("INSERT INTO gateway.meta VALUES ('mode', 'demo')")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of a demo house, once on each engine: already made for whoever uses ``stores``, not there otherwise."""
    data, made = tmp_path / "var", "stores" in request.fixturenames
    if request.param == "sqlite":
        if made:
            shutil.copytree(request.getfixturevalue("sqlite_made"), data)
        return load_settings({}, mode=Mode.DEMO, data_dir=data)
    url = request.getfixturevalue("postgres_made" if made else "postgres_url")
    if made:
        _empty(url)
    return load_settings({}, mode=Mode.DEMO, data_dir=data, database_url=url)


@pytest.fixture
def stores(settings: Settings) -> Iterator[Stores]:
    """Stores just made, with keys, once on each engine."""
    with open_stores(settings) as opened:
        opened.keys.init()
        yield opened


@pytest.fixture
def make_permit() -> Callable[..., Permit]:
    """Make a permit as the gate would: ``make_permit(providers=["X09"])``. Everything else has a default."""

    def make(**given: object) -> Permit:
        told = {
            "decision_id": "d-1",
            "caller": "tester",
            "organisation": "X09",
            "purpose": "direct-care",
            "agreement": "ISA-1@1#000000000000",
            **given,
        }
        return mint(**told)  # type: ignore[arg-type]  # a test says what it needs by name

    return make


@pytest.fixture
def permit(make_permit: Callable[..., Permit]) -> Permit:
    """A permit for everything that the tests' own organisations sent."""
    return make_permit(providers=["X09", "R01", "P01"])
