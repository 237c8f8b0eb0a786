"""The lines of a report of unmatched records, and what they add up to. A line holds no value of anybody."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from gateway.services.reports.reasons import WORDS, Cause
from linkage.explain import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from gateway.services.reports.reasons import Words
    from gateway.services.tracing.against import CheckedAgainst
    from gateway.storage.reporting import Tally

_T = TypeVar("_T")
_PLACE: Final = {cause: place for place, cause in enumerate(WORDS)}
_WITHOUT_A_FIELD: Final = "Check all the details with the person. If they are right, a reviewer decides."


@dataclass(frozen=True, slots=True)
class Line:
    """One record of the work list.

    ``reference`` is what its own system knows it by: the local id, the reference of a row, or the place of a row that
    could not be read. ``fields`` are `linkage.explain.LABELS`, or the column of a row that could not be read; ``rows``
    counts the rows that say the same of the same record. ``pays`` is from 0 to 1 (`gateway.services.reports.look`).
    """

    source: str
    organisation: str
    reference: str
    outcome: str
    cause: Cause
    fields: tuple[str, ...] = ()
    also: tuple[Cause, ...] = ()
    pays: float = 0.0
    rows: int = 1

    @property
    def words(self) -> Words:
        """The cause in words."""
        return WORDS[self.cause]

    @property
    def next_step(self) -> str:
        """What somebody does about it."""
        differs = self.cause in {Cause.ONE_FIELD, Cause.SEVERAL_FIELDS}
        return _WITHOUT_A_FIELD if differs and not self.fields else self.words.next_step

    @property
    def fields_to_fix(self) -> tuple[str, ...]:
        """The fields as pages name them."""
        return tuple(LABELS.get(name, name) for name in self.fields)


@dataclass(frozen=True, slots=True)
class Unmatched:
    """What did not match and why. ``lines`` are in the order of what pays most.

    ``settled`` counts records that would be found today, and await the next link run; ``unread`` rows set aside whose
    sender cannot be read; ``left`` records that were not looked at, because only so many were asked for. ``tallies``
    are empty for a file, of which ``records`` counts the rows.
    """

    made_at: datetime
    model: str
    against: CheckedAgainst
    lines: tuple[Line, ...]
    records: int
    tallies: tuple[Tally, ...] = ()
    settled: int = 0
    unread: int = 0
    left: int = 0

    @property
    def by_cause(self) -> Mapping[Cause, int]:
        """Records by cause, most first."""
        return _counted(line.cause for line in self.lines)

    @property
    def by_field(self) -> Mapping[str, int]:
        """Records by field to fix, each of a record's fields counted, most first."""
        return _counted(name for line in self.lines for name in line.fields_to_fix)

    @property
    def by_organisation(self) -> Mapping[str, int]:
        """Records by organisation, most first."""
        return _counted(line.organisation for line in self.lines)

    @property
    def organisations(self) -> tuple[str, ...]:
        """Whose records there are, by code."""
        return tuple(sorted({line.organisation for line in self.lines}))


def in_order(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Put a work list in the order of what pays most; of equals those of one cause stand together."""
    return tuple(sorted(lines, key=lambda one: (-round(one.pays, 4), _PLACE[one.cause], one.source, one.reference)))


def _counted(values: Iterable[_T]) -> dict[_T, int]:
    return dict(sorted(Counter(values).items(), key=lambda pair: (-pair[1], str(pair[0]))))
