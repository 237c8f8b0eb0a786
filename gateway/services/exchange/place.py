"""Where the files of a message lie while it is answered: a folder of its own, for this service's eyes, soon gone.

Its name is a digest of the message's id. Names that senders give files are not used: they may name a person.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import zlib
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

from adapters.spine.tracing import Code, TraceFileRefused
from gateway.errors import InputError
from gateway.services.files import named

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from gateway.settings import Settings
    from gateway.storage.mailbox import Message

_PRIVATE: Final = 0o700
_OWN: Final = 0o600
_BLOCK: Final = 1 << 20
_GZIP: Final = b"\x1f\x8b"
_NAMED: Final = re.compile(r"MPTREQ_\d{14}(?:\.[A-Za-z0-9]{1,8})?", re.ASCII)
_HEAD: Final = re.compile(rb'(?:\xef\xbb\xbf)?"?(MPTREQ_\d{14})"?,')
_UNNAMED: Final = "request.csv"


def root(settings: Settings) -> Path:
    """Return the folder that holds a folder for every message at work."""
    return settings.data_dir / "mesh"


def clear_others(settings: Settings, open_ids: Callable[[], Collection[str]]) -> None:
    """Remove the folders of all messages but those that are open: what a poller that was killed had no time to.

    Which are open is asked after looking what is there: a message is open before it has a folder, so that another
    poller's newest is not taken for a leftover.
    """
    found = list(root(settings).glob("*"))
    kept = {_folder_name(one) for one in open_ids()}
    for folder in found:
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of one message, which need not be there yet."""

    folder: Path

    @classmethod
    def of(cls, settings: Settings, message: Message) -> Place:
        """Return the folder of a message."""
        return cls(root(settings) / _folder_name(message.message_id))

    @property
    def response(self) -> Path:
        """Where the response is written."""
        return self.folder / "response"

    def make(self) -> None:
        """Make the folder.

        Raises:
            InputError: it cannot be made.
            Unavailable: the disk cannot take it.
        """
        with named(self.folder):
            for folder in (self.folder.parent, self.folder):
                folder.mkdir(mode=_PRIVATE, exist_ok=True, parents=True)

    def take_in(self, blocks: Iterable[bytes], file_name: str, seen_at: datetime, most: int) -> Path:
        """Write a message's content down, unpacked where it was packed, and return the file.

        The file is named by its reference where its sender named it so, or named it not at all. It bears the time
        when the message was first seen, to the second: the response to a file without a reference is named by that.

        Raises:
            InputError: it is longer than ``most`` bytes, or not whole; the cause is a `TraceFileRefused`.
            Unavailable: the disk cannot take it.
        """
        content = _bounded(unpacked(iter(blocks)), most)
        head = next(content, b"")
        path = self.folder / _working_name(file_name, head)
        second = int(seen_at.timestamp())
        with named(path):
            path.unlink(missing_ok=True)
            path.touch(_OWN)
            with path.open("wb") as written:
                written.writelines(chain([head], content))
            os.utime(path, (second, second))
        return path

    def chunk(self, number: int, size: int) -> bytes:
        """Return piece ``number`` of the response, from 1.

        Raises:
            InputError: the response cannot be read.
        """
        with named(self.response), self.response.open("rb") as opened:
            opened.seek((number - 1) * size)
            return opened.read(size)

    def response_size(self) -> int:
        """Return how many bytes the response has.

        Raises:
            InputError: the response cannot be read.
        """
        with named(self.response):
            return self.response.stat().st_size

    def response_hash(self) -> str:
        """Return the SHA-256 of the response in hexadecimal, or an empty text where there is none."""
        if not self.response.exists():
            return ""
        with named(self.response), self.response.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()

    def clear(self) -> None:
        """Remove the folder and what is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _folder_name(message_id: str) -> str:
    return hashlib.sha256(message_id.encode()).hexdigest()[:32]


def _working_name(given: str, head: bytes) -> str:
    """A name that says nothing of anybody; a file named otherwise than its reference keeps being so."""
    if given:
        return given if _NAMED.fullmatch(given) else _UNNAMED
    reference = _HEAD.match(head)
    return f"{reference[1].decode()}.csv" if reference else _UNNAMED


def unpacked(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield content as it was before gzip, which some senders use without saying so and others say without using it.

    Raises:
        InputError: it is packed and not whole; the cause is a `TraceFileRefused`.
    """
    head = next(blocks, b"")
    if not head.startswith(_GZIP):
        yield head
        yield from blocks
        return
    unpacker = zlib.decompressobj(wbits=31)
    for block in chain([head], blocks):
        rest = block
        while rest:
            if unpacker.eof:
                unpacker = zlib.decompressobj(wbits=31)
            try:
                yield unpacker.decompress(rest, _BLOCK)
            except zlib.error:
                refused = unfit(Code.PARSE_ERROR, "broken-gzip", "the file is packed, and cannot be unpacked")
                raise refused from refused.__cause__
            rest = unpacker.unconsumed_tail or unpacker.unused_data
    yield unpacker.flush()
    if not unpacker.eof:
        raise unfit(Code.PARSE_ERROR, "broken-gzip", "the file is packed, and its end is missing")


def _bounded(blocks: Iterable[bytes], most: int) -> Iterator[bytes]:
    length = 0
    for block in blocks:
        length += len(block)
        if length > most:
            raise unfit(Code.TOO_MANY_RECORDS, "file-too-large", f"the file is longer than {most} bytes")
        yield block


def unfit(code: Code, rule: str, message: str) -> InputError:
    """Return the refusal of a whole file, as `gateway.services.tracing.formats.opened` raises it."""
    fault = TraceFileRefused("request", code, rule, message)
    refused = InputError(str(fault), reason=rule, field="path")
    refused.__cause__ = fault
    return refused
