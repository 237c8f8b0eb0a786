"""Copies of the two SQLite files, each consistent, taken while the house works. PostgreSQL has pg_dump."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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

    Raises:
        InputError: the databases are PostgreSQL's.
        NotFound: ``folder`` holds no backup.
        Conflict: a database is there already.
    """
    targets = _files(settings)
    sources = [folder / target.name for target in targets]
    if not all(source.exists() for source in sources):
        raise NotFound("the folder does not hold both databases of a backup", reason="backup")
    return [_copy(source, target) for source, target in zip(sources, targets, strict=True)]


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
