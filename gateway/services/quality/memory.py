"""An index in memory that the engine for one person can stand on: the slow, plain way to ask a small population."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, cast

from adapters.feed import Feed
from gateway.engine import Engine
from gateway.ids import person_id
from gateway.services.files import binary
from gateway.services.quality.files import index_people
from gateway.services.quality.prepare import stored_under
from linkage.decide import Candidate, Death, Matcher
from linkage.nhs_number import NhsNumber
from linkage.normalise import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from gateway.storage.index import PersonIndex
    from gateway.storage.permit import Permit
    from linkage.frequencies import Frequencies
    from linkage.model import Model


class MemoryIndex:
    """The reads that `gateway.engine.Engine` makes of its index, over people who are in no store.

    There is no permit: nobody real is in a population folder.
    """

    def __init__(self, path: Path) -> None:
        self.people: dict[NhsNumber, Candidate] = {}
        self._keys: defaultdict[int, list[Candidate]] = defaultdict(list)
        for row in index_people(Feed(path.name, lambda: binary(path))):
            number = NhsNumber.parse(row.demographics.nhs_number)
            successor = NhsNumber.parse(row.superseded_by) if row.superseded_by else None
            one = normalise(row.demographics)
            held = Candidate(person_id(number), one, row.sensitivity, successor, Death(row.death.value))
            self.people[number] = held
            for key in stored_under(one, row.sensitivity):
                self._keys[key].append(held)

    def by_number(self, _: object, number: NhsNumber) -> Candidate | None:
        """Return the person of a number, or None when the index does not know it."""
        return self.people.get(number)

    def by_numbers(self, _: object, numbers: Iterable[NhsNumber]) -> dict[NhsNumber, Candidate]:
        """Return the people of those numbers that the index knows."""
        return {number: self.people[number] for number in numbers if number in self.people}

    def sealed(self, _permit: object, _number: NhsNumber) -> frozenset[str]:
        """Return whom a former number must never lead to: nobody here was given a new identity."""
        return frozenset()

    def largest(self, _: object, keys: Sequence[int]) -> int:
        """Return which of the keys most people share, the lowest of equals."""
        return min(keys, key=lambda one: (-len(self._keys.get(one, ())), one))

    def candidates(self, _: object, keys: Sequence[int], cap: int = 2000) -> tuple[list[Candidate], int]:
        """Return whoever shares a key, most shared keys first, and how many more than ``cap`` were left out."""
        shared = Counter(held.person_id for key in dict.fromkeys(keys) for held in self._keys.get(key, ()))
        by_id = {held.person_id: held for key in keys for held in self._keys.get(key, ())}
        found = sorted(by_id.values(), key=lambda held: (-shared[held.person_id], _row(held)))
        return found[:cap], max(0, len(found) - cap)


def engine_over(index: MemoryIndex, model: Model, frequencies: Frequencies) -> Engine:
    """Return the engine of the house over an index in memory."""
    matcher = Matcher(model, frequencies, len(index.people))
    return Engine(cast("PersonIndex", index), matcher, model.label, model.hash)


def nobodys_permit() -> Permit:
    """Return what stands where a permit would: an index in memory looks at none."""
    return cast("Permit", None)


def _row(held: Candidate) -> int:
    number = held.person.nhs_number
    return int(number.digits[:9]) if number else 0
