"""Both databases are opened the way that keeps them whole."""

from __future__ import annotations

import multiprocessing
import threading
from typing import TYPE_CHECKING

import alembic.autogenerate
import pysqlite3
import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.errors import Conflict, GatewayError, InputError, NotFound, Unavailable
from gateway.settings import Mode, load_settings
from gateway.storage import engines, open_stores, restore, schema, stamped_mode, upgrade
from gateway.storage.database import Database, Place
from gateway.storage.facts import Organisation
from gateway.storage.governance import Governance
from gateway.storage.migrations import LATEST
from gateway.storage.upgrade import _STEPS

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.settings import Settings
    from gateway.storage import Permit, Stores


@pytest.fixture
def sqlite_settings(tmp_path: Path) -> Settings:
    return load_settings({}, mode=Mode.DEMO, data_dir=tmp_path / "var")


def test_sqlite_flushes_every_commit_and_refuses_a_reader_that_writes(sqlite_settings: Settings) -> None:
    upgrade(sqlite_settings)
    database = Database(Place.gateway(sqlite_settings))
    with database.write() as tx:
        assert tx.raw("PRAGMA journal_mode") == [("wal",)]
        assert tx.raw("PRAGMA synchronous") == [(2,)]
        assert tx.raw("PRAGMA foreign_keys") == [(1,)]
        assert tx.raw("PRAGMA busy_timeout") == [(30_000,)]
        assert tx.raw("PRAGMA query_only") == [(0,)]
    with database.read() as view:
        assert view.raw("PRAGMA query_only") == [(1,)]
    database.close()


def test_the_sqlite_library_is_new_enough_or_nothing_is_opened(
    sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pysqlite3, "sqlite_version_info", (3, 51, 2))
    with pytest.raises(Unavailable, match=r"3\.51\.3") as refused:
        upgrade(sqlite_settings)
    assert refused.value.reason == "sqlite-too-old"
    assert not sqlite_settings.gateway_db.exists()


def test_a_reader_cannot_write(stores: Stores, settings: Settings) -> None:
    database = Database(Place.gateway(settings))
    with pytest.raises(GatewayError), database.read() as view:
        view.raw("DELETE FROM meta")
    with pytest.raises(GatewayError), database.raw_readers.use() as connection:
        connection.execute("DELETE FROM meta")
    database.close()


def test_a_reader_is_not_held_up_by_a_long_write(stores: Stores) -> None:
    with stores.transaction() as tx:
        stores.governance.organisations.put_many(tx, [Organisation("X09", "Somewhere Council", "council")])
        found: list[object] = []
        reader = threading.Thread(target=lambda: found.append(stores.governance.organisations.all()))
        reader.start()
        reader.join(timeout=10)
        assert found == [[]]
    assert len(stores.governance.organisations.all()) == 1


def test_a_transaction_that_fails_leaves_nothing(stores: Stores) -> None:
    council = Organisation("X09", "Somewhere Council", "council")
    with pytest.raises(Unavailable), stores.transaction() as tx:
        stores.governance.organisations.put_many(tx, [council, Organisation(1j, "no such code", "council")])  # type: ignore[arg-type]  # a value no database takes
    assert stores.governance.organisations.all() == []


def test_foreign_exceptions_stay_inside(stores: Stores) -> None:
    with pytest.raises(Unavailable, match=r"no such table|UndefinedTable"), stores.transaction() as tx:
        tx.raw("SELECT * FROM nothing_of_this_name")
    row = "INSERT INTO meta (name, value) VALUES ('mode', 'secret words')"
    with pytest.raises(Conflict) as refused, stores.transaction() as tx:
        tx.change(row)
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_migrations_make_what_the_schema_says(stores: Stores, settings: Settings) -> None:
    for place, tables in ((Place.gateway(settings), schema.gateway), (Place.ledger(settings), schema.ledger)):
        engine = place.engine(writer=True)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert alembic.autogenerate.compare_metadata(context, tables) == []
        engine.dispose()


def test_the_latest_steps_are_those_in_the_folders() -> None:
    for name, latest in LATEST.items():
        config = Config()
        config.set_main_option("script_location", str(_STEPS / name))
        assert ScriptDirectory.from_config(config).get_heads() == [latest]


def test_upgrading_twice_changes_nothing(stores: Stores, settings: Settings) -> None:
    before = stores.digest()
    upgrade(settings)
    assert stores.digest() == before


def test_the_first_step_is_not_taken_back(stores: Stores, settings: Settings) -> None:
    from alembic import command

    for place in (Place.gateway(settings), Place.ledger(settings)):
        config = Config()
        config.set_main_option("script_location", str(_STEPS / place.schema))
        engine = place.engine(writer=True)
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            with pytest.raises(NotImplementedError):
                command.downgrade(config, "base")
        engine.dispose()
    assert len(stores.digest()) == 64


def test_a_house_that_was_never_made_is_not_opened(settings: Settings) -> None:
    with pytest.raises(Unavailable, match="gateway db upgrade") as refused:
        open_stores(settings)
    assert refused.value.reason == "database-step"
    assert not settings.gateway_db.exists()


def test_a_database_at_another_step_is_not_opened(stores: Stores, settings: Settings) -> None:
    with stores.transaction() as tx:
        tx.change("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(Unavailable, match="is at step 0000"):
        open_stores(settings)


def test_a_demo_database_refuses_production(stores: Stores, settings: Settings) -> None:
    other = settings.model_copy(update={"mode": Mode.PRODUCTION})
    for act in (open_stores, upgrade):
        with pytest.raises(Conflict) as refused:
            act(other)
        assert refused.value.reason == "mode"


def test_a_database_tells_what_it_was_made_for(stores: Stores, settings: Settings, tmp_path: Path) -> None:
    assert stamped_mode(settings) is Mode.DEMO
    with stores.transaction() as tx:
        tx.change("DELETE FROM meta")
    assert stamped_mode(settings) is None
    assert stamped_mode(load_settings({}, data_dir=tmp_path / "nothing")) is None


def test_looking_at_what_is_held_changes_nothing(stores: Stores) -> None:
    before = stores.digest()
    stores.optimise()
    assert stores.digest() == before


def test_a_data_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable) as refused:
        upgrade(load_settings({}, mode=Mode.DEMO, data_dir=tmp_path / "file" / "var"))
    assert refused.value.reason == "data-folder"


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    nowhere = f"postgresql://nobody@/none?host={tmp_path}"
    with pytest.raises(Unavailable):
        upgrade(load_settings({}, mode=Mode.DEMO, data_dir=tmp_path, database_url=nowhere))


def test_instants_come_back_in_utc_and_naive_ones_do_not_go_in(stores: Stores) -> None:
    from datetime import UTC, datetime, timedelta, timezone

    from gateway.storage.facts import StoredFact

    summer = datetime(2026, 6, 1, 12, 30, tzinfo=timezone(timedelta(hours=1)))
    fact = StoredFact("assurance", "X09", "standards_met", "dspt", summer)
    with stores.transaction() as tx:
        stores.governance.facts.put_many(tx, [fact])
    held = stores.governance.facts.of(["X09"])[0].as_of
    assert held == summer
    assert held.tzinfo is UTC
    naive = StoredFact("assurance", "X10", "standards_met", "dspt", summer.replace(tzinfo=None))
    with pytest.raises(Unavailable), stores.transaction() as tx:
        stores.governance.facts.put_many(tx, [naive])


def _child(stores: Stores, permit: Permit, done: multiprocessing.SimpleQueue[object]) -> None:
    assert stores.index.candidates(permit, [1]) == ([], 0)
    with stores.transaction() as tx:
        stores.governance.organisations.put_many(tx, [Organisation("C01", "Child", "council")])
    done.put((stores.digest(), stores.index.describe()))
    stores.close()


def test_a_forked_process_uses_connections_of_its_own(stores: Stores, permit: Permit) -> None:
    assert stores.index.candidates(permit, [1]) == ([], 0)
    with stores.transaction() as tx:
        stores.governance.organisations.put_many(tx, [Organisation("P01", "Parent", "gp-practice")])
    fork = multiprocessing.get_context("fork")
    done = fork.SimpleQueue()
    child = fork.Process(target=_child, args=(stores, permit, done))
    child.start()
    told = done.get()
    child.join()
    assert child.exitcode == 0
    assert told == (stores.digest(), None)
    assert [one.ods for one in stores.governance.organisations.all()] == ["C01", "P01"]


def test_a_backup_is_whole_and_can_be_put_back(sqlite_settings: Settings, tmp_path: Path) -> None:
    upgrade(sqlite_settings)
    with open_stores(sqlite_settings) as stores:
        stores.keys.init()
        with stores.transaction() as tx:
            stores.governance.organisations.put_many(tx, [Organisation("X09", "Somewhere Council", "council")])
        stores.ledger.append("administration", {"action": "x"}, wait=False)
        stores.backup(tmp_path / "copy")
        before = stores.digest()
        with pytest.raises(Conflict):
            stores.backup(tmp_path / "copy")
        with pytest.raises(Conflict):
            restore(sqlite_settings, tmp_path / "copy")
    elsewhere = sqlite_settings.model_copy(update={"data_dir": tmp_path / "new"})
    with pytest.raises(NotFound):
        restore(elsewhere, tmp_path / "empty")
    restore(elsewhere, tmp_path / "copy")
    with open_stores(elsewhere) as stores:
        assert stores.digest() == before
        assert stores.ledger.size() == 1


def test_a_feed_put_back_is_another_feed(sqlite_settings: Settings, tmp_path: Path) -> None:
    """Places counted after the backup come again for other changes: an old cursor must not fit."""
    upgrade(sqlite_settings)
    with open_stores(sqlite_settings) as stores:
        stores.keys.init()
        with stores.transaction() as tx:
            tx.change("INSERT INTO change_feed (feed_id, epoch, last, horizon) VALUES (1, 'as-it-was', 7, 0)")
        stores.backup(tmp_path / "copy")
    elsewhere = sqlite_settings.model_copy(update={"data_dir": tmp_path / "new"})
    restore(elsewhere, tmp_path / "copy")
    with open_stores(elsewhere) as stores, stores._database.read() as view:
        ((epoch, last),) = view.raw("SELECT epoch, last FROM change_feed")
    assert (epoch != "as-it-was", last) == (True, 7)


@pytest.mark.postgres
def test_postgresql_is_backed_up_by_its_own_tools(postgres_url: str, tmp_path: Path) -> None:
    settings = load_settings({}, mode=Mode.DEMO, data_dir=tmp_path, database_url=postgres_url)
    with pytest.raises(InputError, match="pg_dump"):
        restore(settings, tmp_path)


def test_a_backup_that_cannot_be_written_is_said(sqlite_settings: Settings, tmp_path: Path) -> None:
    upgrade(sqlite_settings)
    (tmp_path / "file").write_text("in the way")
    with open_stores(sqlite_settings) as stores, pytest.raises(Unavailable) as refused:
        stores.backup(tmp_path / "file")
    assert refused.value.reason == "backup"


def test_doctor_is_told_which_database_it_is(stores: Stores) -> None:
    ((name, version),) = stores.versions().items()
    assert name in {"SQLite", "PostgreSQL"}
    assert int(version.split(".")[0]) >= 3


def test_a_broken_connection_is_not_lent_again(stores: Stores, settings: Settings) -> None:
    database = Database(Place.gateway(settings))
    with pytest.raises(Unavailable), database.raw_readers.use() as connection:
        connection.execute("SELECT * FROM nothing_of_this_name")
    with database.raw_readers.use() as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    database.close()


def test_the_stores_are_those_of_the_design(stores: Stores) -> None:
    assert isinstance(stores.governance, Governance)
    assert engines.OLDEST_SQLITE == (3, 51, 3)
    assert isinstance(sa.__version__, str)
