"""The population index as practice lists: who is registered with which GP practice, one row per registration.

There is no public layout of a practice list to keep to (the national list reconciliation publishes none), so this is
the house's own, made of what practice systems print: the practice's ODS code, the person's details, and when they came
and left. Dates are ``yyyy-mm-dd`` or ``dd/mm/yyyy`` and may be a year or a month; sex is M, F, I, U or the words of
FHIR. A death that a practice knows of is informal. Somebody who has left stays in the index, registered nowhere. Of
one number given twice the last row counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from adapters.feed import Quarantined
from adapters.rows import Row, Table
from adapters.spine.index import COLUMNS as INDEX_COLUMNS
from adapters.spine.index import INFORMAL, IndexRow, index_row
from adapters.values import BadField, uk_or_iso_date

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.feed import Feed

COLUMNS: Final = (
    "practice",
    "nhs_number",
    "family",
    "given",
    "other_given",
    "previous_family",
    "birth_date",
    "sex",
    "address_line1",
    "address_line2",
    "address_line3",
    "address_line4",
    "address_line5",
    "postcode",
    "phone",
    "email",
    "death_date",
    "registered_on",
    "left_on",
    "sensitive",
)
"""Every column a practice list may have; lists are separated by ``|``."""
REQUIRED: Final = frozenset({"practice", "nhs_number", "family", "birth_date"})
_ODS: Final = re.compile(r"[A-Z][A-Z0-9]{2,5}", re.ASCII)
_PARTIAL: Final = re.compile(r"\d{4}(?:-\d{2})?", re.ASCII)
_SEX: Final = {"M": "male", "F": "female", "I": "other", "U": "unknown", "": ""}
_WORDS: Final = frozenset(_SEX.values())
_SENSITIVE: Final = {"": "U", "N": "U", "NO": "U", "Y": "R", "YES": "R"}
_SAME: Final = frozenset(COLUMNS) & frozenset(INDEX_COLUMNS)
_BLANK: Final = dict.fromkeys(INDEX_COLUMNS, "")


def practice_rows(feed: Feed) -> Iterator[IndexRow | Quarantined]:
    """Read practice lists; a row that breaks a rule is quarantined and the rest go on.

    Raises:
        FeedRefused: the file cannot be used, lacks a needed column or has one that no practice list has.
    """
    table = Table(feed)
    table.require(REQUIRED, frozenset(COLUMNS))
    for row in table.rows():
        yield row if isinstance(row, Quarantined) else _item(table, row)


def _item(table: Table, row: Row) -> IndexRow | Quarantined:
    cells = dict.fromkeys(COLUMNS, "") | dict(zip(table.header, [cell.strip() for cell in row.cells], strict=True))
    try:
        return index_row(_as_index(cells), row.number, row.original, table.header_line)
    except BadField as fault:
        name = table.feed.name
        return Quarantined(
            name, row.number, fault.field, fault.rule, str(fault), row.original, header=table.header_line
        )


def _as_index(cells: dict[str, str]) -> dict[str, str]:
    """The row as an index CSV would have it.

    Raises:
        BadField: the first column that cannot be used.
    """
    practice = cells["practice"].upper()
    if not _ODS.fullmatch(practice):
        raise BadField("practice", "ods-code", "not the ODS code of a practice")
    _day(cells["registered_on"], "registered_on")
    left = _day(cells["left_on"], "left_on")
    died = _day(cells["death_date"], "death_date")
    return {
        **_BLANK,
        **{name: cells[name] for name in _SAME},
        "birth_date": _day(cells["birth_date"], "birth_date"),
        # what a practice has been told of a death is a notice, not a registration
        "death_date": f"{INFORMAL}{died}" if died else "",
        "gender": _sex(cells["sex"]),
        "gp_practice": "" if left else practice,
        "sensitivity": _sensitivity(cells["sensitive"]),
    }


def _day(text: str, field: str) -> str:
    return text if _PARTIAL.fullmatch(text) else uk_or_iso_date(text, field)


def _sex(text: str) -> str:
    found = _SEX.get(text.upper(), text.lower())
    if found not in _WORDS:
        raise BadField("sex", "unknown-code", "not one of M, F, I, U")
    return found


def _sensitivity(text: str) -> str:
    if text.upper() not in _SENSITIVE:
        raise BadField("sensitive", "unknown-code", "not one of Y, N")
    return _SENSITIVE[text.upper()]
