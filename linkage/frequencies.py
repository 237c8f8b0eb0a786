"""How common names are in an index: the u side of term-frequency weights."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from linkage.person import Person

COUNTED: Final = ("family", "given")
"""The fields whose values are counted: a surname without its spaces, a first forename as it is folded."""


class Frequencies:
    """Counts of each family and given name among ``total`` people. Immutable once made."""

    __slots__ = ("_counts", "total")

    def __init__(self, counts: Mapping[str, Mapping[str, int]], total: int) -> None:
        self._counts = {field: dict(counts.get(field, {})) for field in COUNTED}
        self.total = total

    @classmethod
    def of(cls, people: Iterable[Person]) -> Frequencies:
        """Count a population in one pass."""
        family: Counter[str] = Counter()
        given: Counter[str] = Counter()
        total = 0
        for person in people:
            total += 1
            family[person.family.replace(" ", "")] += 1
            given[person.given] += 1
        # an unknown name is not a name
        family.pop("", None)
        given.pop("", None)
        return cls({"family": family, "given": given}, total)

    def as_counts(self) -> dict[str, dict[str, int]]:
        """The counts by field and value, for storage beside the index they describe."""
        return {field: dict(values) for field, values in self._counts.items()}

    def count(self, field: str, value: str) -> int:
        """How many people of the index carry ``value``; 0 for a value nobody carries."""
        return self._counts[field].get(value, 0)
