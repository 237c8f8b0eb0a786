"""The two CSV files of a population, row by row: who is in the index, and what is asked."""

from __future__ import annotations

import csv
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final

from adapters import spine
from adapters.feed import FeedRefused, Quarantined
from gateway.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from adapters.feed import Feed
    from adapters.spine import IndexRow
    from linkage.person import Demographics

QUERY_COLUMNS: Final = ("row_id", *spine.COLUMNS)


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


def questions(feed: Feed) -> Generator[tuple[str, Demographics], None, None]:
    """Yield row id and demographics of each question: the columns of the index after ``row_id``.

    Whoever does not read to the end closes it (`contextlib.closing`), and so the file.

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
                yield row[0], spine.asked_of(dict(zip(QUERY_COLUMNS, row, strict=True)))
        except (UnicodeDecodeError, csv.Error):
            raise InputError(f"{name}: not UTF-8 CSV", reason="encoding", field="path") from None
