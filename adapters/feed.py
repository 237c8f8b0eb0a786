"""What goes into an adapter and what comes out: a file, a record, a quarantined row, a refusal.

Nothing here or behind it opens a path: whoever calls hands in something that opens bytes. Messages name the
file, the row, the field and the rule, and never the value: values are people's.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Feed:
    """One file: ``name`` is its base name, shown in messages; ``open`` gives its bytes from the start."""

    name: str
    open: Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row that could not be used, kept whole so that it can be read again once the map or the source is mended.

    ``row`` counts from 1 as a spreadsheet does (the header is row 1); a message file counts messages from 1.
    ``rule`` is a stable code; ``message`` names field and rule, never the value. ``local_id`` is the record's
    identity where it could still be read; ``header`` the header line it stood under, needed to read it again
    (see `replay`).
    """

    feed: str
    row: int
    field: str
    rule: str
    message: str
    original: bytes
    local_id: str = ""
    header: bytes = b""


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One input row or message and the UK Core R4 resources it stands for.

    ``source`` is ``social-care``, ``gp``, ``acute`` or ``tabular:<map>``; ``organisation`` the sender's ODS code;
    ``kind`` what the row is (``client-event``, ``patient``, ``observation``, ``adt-a01``...); ``local_id`` its
    identity inside (source, organisation); ``person_ref`` the local person, empty for organisation rows.
    ``content_hash`` is the SHA-256 of ``original`` in hexadecimal. ``occurred`` orders records of one person: an
    ISO date or instant, empty when unknown. ``deleted`` names resources (``Type/id``) that this record removes.
    ``merged_into`` is the person that ``person_ref`` was retired into. ``type1`` says that the row records a
    Type 1 objection (``dissent``) or takes one back (``withdrawn``). ``header`` is the header line the row stood
    under, empty for messages. Resources may be shared between records: treat them as read-only.
    """

    source: str
    organisation: str
    kind: str
    local_id: str
    person_ref: str
    feed: str
    row: int
    original: bytes
    content_hash: str
    occurred: str
    resources: tuple[dict[str, Any], ...]
    deleted: tuple[str, ...] = ()
    merged_into: str = ""
    type1: str = ""
    header: bytes = b""


Item = SourceRecord | Quarantined


class FeedRefused(ValueError):
    """A whole file is unusable. Says where and by which rule; carries no value from the file."""

    def __init__(self, feed: str, rule: str, message: str, *, row: int = 0, field: str = "") -> None:
        where = f"{feed}, row {row}" if row else feed
        super().__init__(f"{where}, {field}: {message} [{rule}]" if field else f"{where}: {message} [{rule}]")
        self.feed = feed
        self.row = row
        self.field = field
        self.rule = rule
        self.message = message


def replay(name: str, header: bytes, original: bytes) -> Feed:
    """Make a feed of one kept row or message, so that the reader it came from can read it again.

    ``name`` must be the file's own name where the reader tells files apart by it (the EMIS extract does).
    """
    whole = (header + b"\n" if header else b"") + original + b"\n"
    return Feed(name, lambda: BytesIO(whole))
