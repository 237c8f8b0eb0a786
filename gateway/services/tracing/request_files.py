"""A file that asks about people, whatever its format: its rows as they come apart, as questions, and as answers.

Reading a row and writing its answer need the row alone. What does both is a `Form`, which can be handed to another
process; where a file's rows come from, in which order and between which lines their answers stand is its `Exchange`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from gateway.errors import InputError
from gateway.services.files import binary
from gateway.services.tracing.asked import asked_person

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from linkage.person import Demographics, Person

    Cells = dict[str, str]

Raw = TypeVar("Raw")
"""A row as it comes apart: cells that nobody has looked at."""
Taken_contra = TypeVar("Taken_contra", contravariant=True)
"""The same, where it is only taken."""
R = TypeVar("R")
"""A row as its format has it, once it was looked at."""


@dataclass(frozen=True, slots=True)
class Asked(Generic[R]):
    """One row of a request: the row as its format has it, what it says, and whom it asks about or why nobody."""

    row: R
    said: Demographics
    person: Person | InputError

    @classmethod
    def of(cls, row: R, said: Demographics, *, number_will_do: bool = False) -> Asked[R]:
        """Make comparable what a row says; ``number_will_do`` as `asked_person` takes it."""
        try:
            return cls(row, said, asked_person(said, number_will_do=number_will_do))
        except InputError as refused:
            return cls(row, said, refused)


class Form(Protocol[Taken_contra, R]):
    """How rows of one file are read and answered. It pickles, and says of itself all that its bytes depend on."""

    def asked(self, raw: Taken_contra) -> Asked[R]:
        """Return whom a row asks about."""

    def line(self, row: R, cells: Cells) -> bytes:
        """Return the line that answers a row.

        Raises:
            InputError: the row cannot be written back in the file's charset.
        """


class Exchange(Protocol[Raw, R]):
    """A request file, and the response it gets; ``count`` is the number of its rows, where known."""

    @property
    def source(self) -> Path:
        """Where the file is."""

    @property
    def count(self) -> int | None:
        """How many rows there are."""

    @property
    def form(self) -> Form[Raw, R]:
        """How its rows are read and answered."""

    def rows(self) -> Iterator[Raw]:
        """Yield every row in order as it comes apart.

        Raises:
            InputError: the file cannot be read to its end, or is another than when it was opened.
        """

    def head(self) -> bytes:
        """Return what stands before the answers."""

    def tail(self) -> bytes:
        """Return what stands behind them."""


def digest_of(source: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal.

    Raises:
        InputError: it cannot be read.
    """
    with binary(source) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
