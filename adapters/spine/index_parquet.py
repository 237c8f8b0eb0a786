"""The population index as Parquet: the columns of the index CSV, read a batch of rows at a time.

Cells may be text, dates, or lists of text where the CSV has a vertical bar. A number column that is not text is
refused: an NHS number is ten digits and no quantity, and a leading zero would be gone. A row that breaks a rule is
quarantined as the CSV line that it would be.
"""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from adapters.feed import FeedRefused, Quarantined
from adapters.spine.index import COLUMNS, REQUIRED, IndexRow, index_row
from adapters.values import BadField

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from adapters.feed import Feed

BATCH: Final = 10_000
_TEXT_ONLY: Final = frozenset({"nhs_number", "superseded_by"})
_BLANK: Final = dict.fromkeys(COLUMNS, "")


def parquet_rows(feed: Feed) -> Iterator[IndexRow | Quarantined]:
    """Read an index from Parquet; a row that breaks a rule is quarantined and the rest go on.

    Raises:
        FeedRefused: no Parquet file, a needed column is missing, one is unknown or of a type that it cannot have.
    """
    place = 0
    try:
        with feed.open() as stream:
            table = pq.ParquetFile(stream)
            names = _checked(feed, table.schema_arrow)
            header = _line(names)
            for batch in table.iter_batches(batch_size=BATCH):
                for cells in _rows_of(batch):
                    place += 1
                    yield (
                        _row(feed, place, cells, header)
                        if isinstance(cells, dict)
                        else _bad(feed, place, cells, header)
                    )
    except (pa.ArrowException, OSError, EOFError) as fault:
        raise FeedRefused(feed.name, "unreadable", "this is no Parquet file, or a broken one", row=place) from fault


def _checked(feed: Feed, schema: pa.Schema) -> list[str]:
    names = list(schema.names)
    if len(set(names)) < len(names):
        raise FeedRefused(feed.name, "duplicate-column", "a column is there twice", field="header")
    for name in names:
        if name not in COLUMNS:
            raise FeedRefused(feed.name, "unknown-column", "a column that this format does not have", field=name[:80])
        if not _fits(schema.field(name).type, text_only=name in _TEXT_ONLY):
            raise FeedRefused(feed.name, "wrong-type", "a column of a type that it cannot have", field=name)
    for name in sorted(REQUIRED - set(names)):
        raise FeedRefused(feed.name, "missing-column", "the file lacks this column", field=name)
    return names


def _fits(kind: pa.DataType, *, text_only: bool) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)
    if text or text_only:
        return bool(text)
    dated = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return bool(dated or (listed and _fits(kind.value_type, text_only=True)))


def _rows_of(batch: pa.RecordBatch) -> Iterator[dict[str, object] | bytes]:
    """Each row; of one that holds text which is no text, or a day of no calendar, what of it is bytes."""
    try:
        yield from batch.to_pylist()
    except (ValueError, OverflowError):
        for place in range(batch.num_rows):
            row = batch.slice(place, 1)
            try:
                yield from row.to_pylist()
            except (ValueError, OverflowError):
                yield b",".join(_raw(column) for column in row.columns)


def _raw(column: pa.Array) -> bytes:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column.cast(pa.large_binary())[0].as_py() or b""
    return b""


def _bad(feed: Feed, place: int, original: bytes, header: bytes) -> Quarantined:
    fault = BadField("row", "unreadable-cell", "holds a value that cannot be read")
    return Quarantined(feed.name, place, fault.field, fault.rule, str(fault), original, header=header)


def _row(feed: Feed, place: int, cells: Mapping[str, object], header: bytes) -> IndexRow | Quarantined:
    texts = {name: _text(value) for name, value in cells.items()}
    original = _line(texts.values())
    try:
        return index_row(_BLANK | texts, place, original, header)
    except BadField as fault:
        return Quarantined(feed.name, place, fault.field, fault.rule, str(fault), original, header=header)


def _text(value: object) -> str:
    """A cell as the CSV would have it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return "|".join(_text(one) for one in value)
    return str(value).strip()


def _line(cells: Iterable[str]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(cells)
    return written.getvalue().encode()
