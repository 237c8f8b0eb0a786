"""The cursor of the feed: which feed, and up to which place a reader has read. Nobody else looks into it."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from gateway.errors import InputError, NotFound

if TYPE_CHECKING:
    from gateway.storage.differences import FeedHead

_FORM: Final = re.compile(r"([0-9a-f]{32})\.([0-9]{1,18})", re.ASCII)
_LONGEST: Final = 128


class CursorExpired(NotFound):
    """A cursor from which nobody can go on: the feed has forgotten that place, or is another feed (HTTP 410)."""

    status = 410
    fhir_code = "deleted"
    exit_code = 2
    staff_sentence = "This cursor has expired. Ask without one, and take the answer for everything there is."


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a feed; ``epoch`` names the feed, so that a place in another is never taken for one in this."""

    epoch: str
    place: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Read back what :meth:`__str__` wrote.

        Raises:
            InputError: it is not a cursor of ours.
        """
        try:
            found = _FORM.fullmatch(base64.urlsafe_b64decode(text[:_LONGEST].encode("ascii")).decode("ascii"))
        except (ValueError, binascii.Error):
            found = None
        if found is None or len(text) > _LONGEST:
            raise InputError("_since: not a cursor of this feed", reason="cursor", field="_since")
        return cls(found[1], int(found[2]))

    def check(self, head: FeedHead | None) -> None:
        """Hold a cursor to the feed as it is.

        Raises:
            CursorExpired: the feed was made anew or put back to an earlier day, or has forgotten what came after.
        """
        if head is None or self.epoch != head.epoch or self.place > head.last or self.place < head.horizon:
            raise CursorExpired(reason="cursor-expired")

    def __str__(self) -> str:
        """The cursor as it is handed out: letters, digits and what an address can hold."""
        return base64.urlsafe_b64encode(f"{self.epoch}.{self.place}".encode()).decode()
