"""The population index as CSV: one row per person who can be traced to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from adapters.feed import Quarantined
from adapters.rows import Row, Table
from adapters.values import BadField, nhs_number
from linkage.person import Demographics, Gender, NotADate, PartialDate, Security

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adapters.feed import Feed

COLUMNS: Final = (
    "nhs_number",
    "family",
    "given",
    "other_given",
    "birth_date",
    "gender",
    "postcode",
    "address_line1",
    "address_line2",
    "address_line3",
    "address_line4",
    "address_line5",
    "phone",
    "email",
    "gp_practice",
    "death_date",
    "previous_family",
    "previous_postcode",
    "superseded_by",
    "sensitivity",
)
"""Every column an index may have; lists are separated by ``|``, dates are ISO and may be partial."""

REQUIRED: Final = frozenset({"nhs_number", "family", "birth_date"})
"""The columns that an index cannot be without."""
_LINES = COLUMNS[7:12]
INFORMAL: Final = "informal:"
"""Before the date of a death that is not registered."""
_GENDERS = frozenset(Gender) | {""}


class Death(StrEnum):
    """How the index knows of a death; the words are those of a trace's findings."""

    NONE = ""
    INFORMAL = "informal"
    FORMAL = "formal"


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One person of the index. ``superseded_by`` is the ten digits of the number that replaced theirs, or empty.

    ``row``, ``original`` and ``header`` say where it stood, as a `Quarantined` does. ``patient`` is the PDS-shaped
    Patient that the source gave, where it gave one, cut down to what may be held of the person.
    """

    demographics: Demographics
    superseded_by: str
    sensitivity: Security
    death: Death
    row: int = 0
    original: bytes = b""
    header: bytes = b""
    patient: dict[str, Any] | None = None


def index_rows(feed: Feed) -> Iterator[IndexRow | Quarantined]:
    """Read an index CSV row by row; a row that breaks a rule is quarantined and the rest go on.

    A death told only informally is written ``informal:DATE``.

    Raises:
        FeedRefused: the file cannot be used, lacks a needed column or has one that no index has.
    """
    table = Table(feed)
    table.require(REQUIRED, frozenset(COLUMNS))
    for row in table.rows():
        yield row if isinstance(row, Quarantined) else _item(table, row)


def _item(table: Table, row: Row) -> IndexRow | Quarantined:
    cells = dict.fromkeys(COLUMNS, "") | dict(zip(table.header, [cell.strip() for cell in row.cells], strict=True))
    try:
        return index_row(cells, row.number, row.original, table.header_line)
    except BadField as fault:
        name = table.feed.name
        return Quarantined(
            name, row.number, fault.field, fault.rule, str(fault), row.original, header=table.header_line
        )


def index_row(cells: Mapping[str, str], place: int, original: bytes, header: bytes) -> IndexRow:
    """Read one row of an index by the names of `COLUMNS`, all of them there.

    Raises:
        BadField: the first column that cannot be used.
    """
    number = nhs_number(cells["nhs_number"], "nhs_number")
    if not number:
        raise BadField("nhs_number", "empty", "blank, and it is the person's key")
    if cells["gender"] not in _GENDERS:
        raise BadField("gender", "unknown-code", "not one of male, female, other, unknown")
    if cells["sensitivity"] not in _SENSITIVITY:
        raise BadField("sensitivity", "unknown-code", "not one of U, R, V, I")
    death, died = _death(cells["death_date"])
    demographics = Demographics(
        nhs_number=number,
        family=cells["family"],
        given=cells["given"],
        other_given=_list(cells["other_given"]),
        previous_family=_list(cells["previous_family"]),
        birth_date=partial_date(cells["birth_date"], "birth_date"),
        gender=cells["gender"],
        postcode=cells["postcode"],
        previous_postcode=_list(cells["previous_postcode"]),
        address=tuple([cells[line] for line in _LINES if cells[line]]),
        phone=_list(cells["phone"]),
        email=_list(cells["email"]),
        gp_practice=cells["gp_practice"].upper(),
        death_date=died,
    )
    superseded_by = nhs_number(cells["superseded_by"], "superseded_by")
    sensitivity = _SENSITIVITY[cells["sensitivity"]]
    return IndexRow(demographics, superseded_by, sensitivity, death, place, original, header)


_SENSITIVITY = {"": Security.UNRESTRICTED} | {str(code): code for code in Security}


def _death(text: str) -> tuple[Death, str]:
    if not text:
        return Death.NONE, ""
    informal = text.startswith(INFORMAL)
    return (Death.INFORMAL if informal else Death.FORMAL), partial_date(text.removeprefix(INFORMAL), "death_date")


def partial_date(text: str, field: str) -> str:
    """Give an ISO date, whole or partial, as it is; blank stays blank.

    Raises:
        BadField: there is no such date.
    """
    if not text:
        return ""
    try:
        return str(PartialDate.parse(text))
    except NotADate as fault:
        raise BadField(field, f"date-{fault.rule}", "not an ISO date, whole or partial") from fault


def _list(text: str) -> tuple[str, ...]:
    return tuple([part.strip() for part in text.split("|") if part.strip()]) if text else ()
