"""Creating and migrating the two databases, and refusing those that are not what the settings say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from gateway.errors import Conflict, Unavailable
from gateway.settings import Mode
from gateway.storage.database import Place
from gateway.storage.engines import postgres_url
from gateway.storage.faults import translated
from gateway.storage.migrations import LATEST
from gateway.storage.models import start_with_shipped

if TYPE_CHECKING:
    from gateway.settings import Settings

_STEPS: Final = Path(__file__).with_name("migrations")


def upgrade(settings: Settings) -> None:
    """Bring both databases to the latest step, creating what is missing, and stamp a new one with its mode.

    Each database changes in one transaction: a step that fails leaves it as it was.

    Raises:
        Conflict: the database was stamped with the other mode.
        Unavailable: it cannot be reached or written.
    """
    from alembic import command  # noqa: PLC0415 - only who migrates waits for it
    from alembic.config import Config  # noqa: PLC0415

    if settings.database_url is None:
        _make_folder(settings.data_dir)
    else:
        _make_schemas(settings.database_url)
    for place in (Place.gateway(settings), Place.ledger(settings)):
        engine = place.engine(writer=True)
        try:
            with translated, engine.begin() as connection:
                config = Config()
                config.set_main_option("script_location", str(_STEPS / place.schema).replace("%", "%%"))
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                if place.schema == "gateway":
                    _stamp_mode(connection, settings)
                    start_with_shipped(connection)
        finally:
            engine.dispose()


def run_migrations(tables: sa.MetaData) -> None:
    """Alembic's entry, called by the ``env.py`` of each database."""
    from alembic import context  # noqa: PLC0415 - only who migrates waits for it

    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=tables,
        render_as_batch=True,
        transactional_ddl=True,
        compare_type=True,
    )
    context.run_migrations()


def refuse_unfit(settings: Settings) -> None:
    """Check that both databases are there, up to date, and of the settings' mode.

    Raises:
        Unavailable: one is missing or not at the latest step: ``gateway db upgrade``.
        Conflict: the system of record was stamped with the other mode.
    """
    for place in (Place.gateway(settings), Place.ledger(settings)):
        step = _step(place)
        if step != LATEST[place.schema]:
            state = f"is at step {step}" if step else "is not there yet"
            raise Unavailable(f"the {place.schema} database {state}: run gateway db upgrade", reason="database-step")
    engine = Place.gateway(settings).engine(writer=False)
    try:
        with translated, engine.connect() as connection:
            _check_mode(connection, settings)
    finally:
        engine.dispose()


def stamped_mode(settings: Settings) -> Mode | None:
    """Return what the system of record was made for, or None where there is none yet.

    Raises:
        Unavailable: it cannot be reached.
    """
    place = Place.gateway(settings)
    if _step(place) is None:
        return None
    engine = place.engine(writer=False)
    try:
        with translated, engine.connect() as connection:
            held = connection.execute(sa.text("SELECT value FROM meta WHERE name = 'mode'")).scalar()
    finally:
        engine.dispose()
    return Mode(held) if held else None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"the data folder cannot be made ({type(error).__name__})", reason="data-folder") from None


def _make_schemas(url: str) -> None:
    engine = sa.create_engine(postgres_url(url))
    try:
        with translated, engine.begin() as connection:
            # Two processes that start together would both find no schema.
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(7310582)"))
            for schema in LATEST:
                connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
    finally:
        engine.dispose()


def _step(place: Place) -> str | None:
    """Return the step a database is at, or None when there is none."""
    if not place.postgres and not place.path.exists():
        return None
    engine = place.engine(writer=False)
    try:
        with translated, engine.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version", schema=place.schema if place.postgres else None):
                return None
            return str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar())
    finally:
        engine.dispose()


def _stamp_mode(connection: sa.Connection, settings: Settings) -> None:
    connection.execute(
        sa.text("INSERT INTO meta (name, value) VALUES ('mode', :mode) ON CONFLICT (name) DO NOTHING"),
        {"mode": settings.mode.value},
    )
    _check_mode(connection, settings)


def _check_mode(connection: sa.Connection, settings: Settings) -> None:
    held = connection.execute(sa.text("SELECT value FROM meta WHERE name = 'mode'")).scalar()
    if held != settings.mode.value:
        raise Conflict(f"this database is for {held}, the settings say {settings.mode}", reason="mode")
