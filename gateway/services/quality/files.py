"""The two CSV files of a population, row by row: who is in the index, and what is asked."""

from __future__ import annotations

import csv
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final

from adapters import spine
from adapters.feed import FeedRefused, Quarantined
from gateway.errors import InputError
from linkage.person import Demographics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.feed import Feed
    from adapters.spine import IndexRow

QUERY_COLUMNS: Final = ("row_id", *spine.COLUMNS)
_LINES: Final = tuple(f"address_line{line}" for line in range(1, 6))


def index_people(feed: Feed, first: int = 0) -> Iterator[IndexRow]:
    """Yield the index row by row; ``first`` is the position of the feed's first row in the whole file.

    Raises:
        InputError: the file cannot be used, or a row breaks a rule: a population holds no bad rows.
    """
    try:
        for position, item in enumerate(spine.index_rows(feed), first):
            if isinstance(item, Quarantined):
                raise InputError(f"{feed.name}, row {position + 2}: {item.rule}", reason=item.rule, field=item.field)
            yield item
    except FeedRefused as refused:
        raise InputError(str(refused), reason=refused.rule, field=refused.field) from None


def questions(feed: Feed) -> Iterator[tuple[str, Demographics]]:
    """Yield row id and demographics of each question: the columns of the index after ``row_id``.

    Raises:
        InputError: the file is not UTF-8 CSV, or has other columns.
    """
    name = feed.name
    with feed.open() as stream, TextIOWrapper(stream, "utf-8-sig", newline="") as text:
        rows = csv.reader(text, strict=True)
        try:
            if tuple(next(rows, ())) != QUERY_COLUMNS:
                raise InputError(f"{name}, row 1: not row_id and an index's columns", reason="header", field="header")
            for row in rows:
                if len(row) != len(QUERY_COLUMNS):
                    raise InputError(f"{name}: a row is not as long as the header", reason="row-length", field="row")
                yield row[0], _demographics(dict(zip(QUERY_COLUMNS, row, strict=True)))
        except (UnicodeDecodeError, csv.Error):
            raise InputError(f"{name}: not UTF-8 CSV", reason="encoding", field="path") from None


def _demographics(row: dict[str, str]) -> Demographics:
    def several(name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in row[name].split("|") if part.strip())

    return Demographics(
        nhs_number=row["nhs_number"],
        family=row["family"],
        given=row["given"],
        other_given=several("other_given"),
        previous_family=several("previous_family"),
        birth_date=row["birth_date"],
        gender=row["gender"],
        postcode=row["postcode"],
        previous_postcode=several("previous_postcode"),
        address=tuple(row[line] for line in _LINES if row[line]),
        phone=several("phone"),
        email=several("email"),
        gp_practice=row["gp_practice"],
        death_date=row["death_date"],
    )
