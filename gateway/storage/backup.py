"""Copies of the two SQLite files, each consistent, taken while the house works. PostgreSQL has pg_dump."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import uuid4

from gateway.errors import Conflict, InputError, NotFound, Unavailable
from gateway.storage.database import Place
from gateway.storage.faults import translated

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.settings import Settings

_PAGES_AT_ONCE: Final = 2_000


def backup(settings: Settings, folder: Path) -> list[Path]:
    """Copy both databases into ``folder``, the ledger last: it then knows of everything the other copy holds.

    Keys are not copied: a backup that holds them proves nothing and protects nobody.

    Raises:
        InputError: the databases are PostgreSQL's.
        Conflict: the folder holds a backup already.
        Unavailable: a file cannot be read or written.
    """
    return [_copy(source, folder / source.name) for source in _files(settings)]


def restore(settings: Settings, folder: Path) -> list[Path]:
    """Put a backup's files in place. The data folder must not hold databases: move those away first.

    The feed of changes begins anew: what was counted after the backup was taken will be counted again for others, so
    that no cursor given out before may be taken for a place in this feed.

    Raises:
        InputError: the databases are PostgreSQL's.
        NotFound: ``folder`` holds no backup.
        Conflict: a database is there already.
    """
    targets = _files(settings)
    sources = [folder / target.name for target in targets]
    if not all(source.exists() for source in sources):
        raise NotFound("the folder does not hold both databases of a backup", reason="backup")
    restored = [_copy(source, target) for source, target in zip(sources, targets, strict=True)]
    _begin_feed_anew(settings.gateway_db)
    return restored


def _begin_feed_anew(path: Path) -> None:
    with translated:
        writer = Place("gateway", path, None).connect(writer=True)
        try:
            # a backup of an earlier version has no feed yet
            if writer.execute("SELECT 1 FROM sqlite_master WHERE name = 'change_feed'").fetchone():
                writer.execute("UPDATE change_feed SET epoch = ?", (uuid4().hex,))
        finally:
            writer.close()


def _files(settings: Settings) -> list[Path]:
    if settings.database_url is not None:
        raise InputError("PostgreSQL is backed up with pg_dump", reason="backup-postgres")
    return [settings.gateway_db, settings.ledger_db]


def _copy(source: Path, target: Path) -> Path:
    if target.exists():
        raise Conflict(f"{target.name} is there already", reason="backup-exists")
    aside = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside.unlink(missing_ok=True)
        with translated:
            reader = Place("gateway", source, None).connect(writer=False)
            writer = Place("gateway", aside, None).connect(writer=True)
            try:
                reader.backup(writer, pages=_PAGES_AT_ONCE)
                # One file without a log beside it, so that it can be moved as it is.
                writer.execute("PRAGMA journal_mode=DELETE")
            finally:
                writer.close()
                reader.close()
        aside.rename(target)
    except OSError as error:
        raise Unavailable(f"{target.name} cannot be written ({type(error).__name__})", reason="backup") from None
    return target
