"""The index as Parquet, for batches: made when it is first needed, kept while the index stays as it is.

It lies under the data folder, readable by nobody but the house, and goes when the index changes. What is in it is what
a trace of one person would read, no more: a restricted row without its location keys, a sealed one without any.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from gateway.errors import Unavailable
from gateway.services.files import named
from linkage.compilers.people import KEY_SCHEMA, SCHEMA, as_arrow, row
from linkage.person import NORMALISATION_VERSION, StalePerson

if TYPE_CHECKING:
    from gateway.house import House
    from gateway.storage.permit import Permit
    from gateway.storage.whole_index import Row

PEOPLE, KEYS = "people.parquet", "keys.parquet"
_FOLDER: Final = "snapshots"
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600


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
    place = count()
    with pq.ParquetWriter(made / PEOPLE, SCHEMA) as people, pq.ParquetWriter(made / KEYS, KEY_SCHEMA) as keys:
        for rows in house.stores.whole_index.rows(permit):
            numbered = [(next(place), one) for one in rows]
            people.write_table(as_arrow(_as_row(number, one) for number, one in numbered))
            hashes = [key for _, one in numbered for key in one.keys]
            whose = [number for number, one in numbered for _ in one.keys]
            keys.write_table(pa.table([pa.array(hashes, pa.int64()), pa.array(whose, pa.int32())], schema=KEY_SCHEMA))


def _as_row(number: int, one: Row) -> tuple[object, ...]:
    return row(number, one.person, one.security, superseded_by=one.superseded_by, death=one.death)
