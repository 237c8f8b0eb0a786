"""The index as Parquet, for batches: made when it is first needed, kept while the index stays as it is.

It lies under the data folder, readable by nobody but the house, and goes when the index changes. What is in it is what
a trace of one person would read, no more: a restricted row without its location keys, a sealed one without any.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gateway.errors import Unavailable
from gateway.services.files import named
from gateway.services.processes import helpers, in_order, many
from gateway.storage.whole_index import Row
from linkage.compilers.people import KEY_SCHEMA, SCHEMA, Placed, table
from linkage.person import NORMALISATION_VERSION, StalePerson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.house import House
    from gateway.storage.permit import Permit
    from gateway.storage.whole_index import Stored

PEOPLE, KEYS = "people.parquet", "keys.parquet"
_FOLDER: Final = "snapshots"
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_WORTH_PROCESSES: Final = 100_000
"""People of an index for which processes of their own pay."""


def kept(house: House) -> Path | None:
    """Return the folder of the snapshot of the index as it is now, or None when there is none."""
    folder = _folder(house)
    return folder if folder.exists() else None


def snapshot(house: House, permit: Permit) -> Path:
    """Return the folder of the snapshot, made now where there is none; older ones are removed.

    Raises:
        NotPermitted: without a permit.
        Unavailable: the index was packed by another normalisation, or the disk is full.
    """
    folder = _folder(house)
    with named(folder.parent):
        folder.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        if not folder.exists():
            _make(house, permit, folder)
        for other in folder.parent.iterdir():
            if other != folder and not other.name.startswith("."):
                shutil.rmtree(other, ignore_errors=True)
    return folder


def _folder(house: House) -> Path:
    """Name the snapshot after all it depends on."""
    told = f"{house.stores.whole_index.stamp()} {NORMALISATION_VERSION} {SCHEMA}"
    return house.settings.data_dir / _FOLDER / hashlib.sha256(told.encode()).hexdigest()[:24]


def _make(house: House, permit: Permit, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-", ignore_cleanup_errors=True) as aside:
        made = Path(aside) / "whole"
        made.mkdir(mode=_PRIVATE_FOLDER)
        try:
            _write(house, permit, made)
        except StalePerson:
            raise Unavailable(
                "the index was normalised by another version: load it again", reason="index-normalisation"
            ) from None
        for file in made.iterdir():
            file.chmod(_PRIVATE_FILE)
        # another process may have been quicker; both made the same
        if not folder.exists():
            made.rename(folder)


def _write(house: House, permit: Permit, made: Path) -> None:
    with pq.ParquetWriter(made / PEOPLE, SCHEMA) as people, pq.ParquetWriter(made / KEYS, KEY_SCHEMA) as keys:
        for one, other in _tables(house, permit):
            people.write_table(one)
            keys.write_table(other)


def _tables(house: House, permit: Permit) -> Iterator[tuple[pa.Table, pa.Table]]:
    """The people of the index and their keys, some at a time; a large index is unpacked in processes of their own."""
    info = house.stores.index.describe()
    parts = _numbered(house.stores.whole_index.rows(permit))
    if info is None or info.people < _WORTH_PROCESSES:
        yield from map(_table, parts)
        return
    with helpers(many()) as pool:
        yield from in_order(pool, _table, parts, 2 * many())


def _numbered(parts: Iterable[list[Stored]]) -> Iterator[tuple[int, list[Stored]]]:
    first = 0
    for rows in parts:
        yield first, rows
        first += len(rows)


def _table(part: tuple[int, list[Stored]]) -> tuple[pa.Table, pa.Table]:
    """Some rows, whose first has the id that goes with them, as people and keys."""
    first, stored = part
    rows = [Row.of(one) for one in stored]
    placed = [
        Placed(number, one.person, one.security, one.superseded_by, one.death) for number, one in enumerate(rows, first)
    ]
    hashes = np.fromiter((key for one in rows for key in one.keys), np.int64)
    whose = np.repeat(np.arange(first, first + len(rows), dtype=np.int32), [len(one.keys) for one in rows])
    return table(placed), pa.table([pa.array(hashes), pa.array(whose)], schema=KEY_SCHEMA)
