"""Use case: what a case system is to take over, as a file, for those that do not ask the feed themselves.

The file holds what the feed holds, from the same cursor: one row for each update. It is written aside and renamed, so
that nobody loads half of it.
"""

from __future__ import annotations

import csv
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from adapters.person import to_demographics
from gateway.services.changes.feed import MOST, changes_since
from gateway.services.files import named
from gateway.services.progress import silent

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.services.changes.feed import Change
    from gateway.services.progress import Report

_DETAILS: Final = (
    "nhs_number",
    "family",
    "given",
    "other_given",
    "birth_date",
    "gender",
    "postcode",
    "address",
    "phone",
    "email",
    "gp_practice",
    "death_date",
)
COLUMNS: Final = ("source", "local_id", "field", "reason", "change_id", *_DETAILS)
"""Every column; lists are separated by ``|``, and what an update does not change is blank."""


@dataclass(frozen=True, slots=True)
class Exported:
    """How many updates went into the file, and the cursor to go on from."""

    rows: int
    cursor: str


def export_updates(house: House, caller: Caller, path: Path, since: str = "", report: Report = silent) -> Exported:
    """Write every update after a cursor (none: from the start) into ``path``.

    Raises:
        InputError: the cursor is not one of ours, or the file cannot be written.
        CursorExpired: nobody can go on from it.
        NotPermitted, Unavailable: as `changes_since`; no file is left.
    """
    aside, rows, more = path.with_name(f".{path.name}.part"), 0, True
    try:
        with named(path), aside.open("w", encoding="utf-8", newline="") as opened:
            written = csv.DictWriter(opened, COLUMNS, restval="")
            written.writeheader()
            while more:
                page = changes_since(house, caller, since, MOST)
                updates = [_row(one) for one in page.changes if one.update]
                written.writerows(updates)
                rows, since, more = rows + len(updates), page.cursor, page.more
                report(rows, None)
        with named(path):
            os.replace(aside, path)  # noqa: PTH105 - whole or not at all, as every file of the house
    finally:
        aside.unlink(missing_ok=True)
    return Exported(rows, since)


def _row(one: Change) -> dict[str, str]:
    told = one.difference
    row = {"source": told.source, "local_id": told.local_id, "field": told.field.value, "reason": told.kind.value}
    said = asdict(to_demographics(dict(one.update)))
    values = {name: said[name] if isinstance(said[name], str) else "|".join(said[name]) for name in _DETAILS}
    return {**row, "change_id": told.difference_id, **values}
