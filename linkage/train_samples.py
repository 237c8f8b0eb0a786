"""What training looks at: pairs of strangers, pairs that agree on something, and how many people share a value.

The index is read once, one person after another, and only what a pair needs is kept. Pairs are made in four blocks:
those that carry one NHS number, and three that agree on other fields whole. A block tells nothing of the fields it
was made by; together they tell of every field. Somebody asked about who meets too many people in a block is left out
of that block, and counted: a common name says little and would outnumber the rest.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from linkage.compare import WHOLE_POSTCODE, compare
from linkage.person import PartialDate

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping

    from linkage.nhs_number import NhsNumber
    from linkage.person import Person

NUMBER: Final = "number"
BLOCKS: Final[Mapping[str, tuple[str, ...]]] = {
    NUMBER: ("nhs_number",),
    "names": ("family", "given"),
    "birth-given": ("birth_date", "given"),
    "birth-family": ("birth_date", "family"),
}
"""Block → the fields that its pairs agree on."""

MOST_IN_A_BLOCK: Final = 50
_KEPT_STRANGERS: Final = 50_000
_ENOUGH_ASKED: Final = 1_000
_NEW_YEAR: Final = 101

Vector = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Samples:
    """Level vectors and how often they occur. ``people`` is the size of the index, ``asked`` that of the other side.

    ``strangers`` are random pairs of different people; ``blocks`` holds the pairs of each of `BLOCKS`; ``chances``
    how likely two different people of the index share a level's value, for what can be counted; ``crowded`` how many
    people asked about met too many in a block.
    """

    people: int
    asked: int
    strangers: Mapping[Vector, int]
    blocks: Mapping[str, Mapping[Vector, int]]
    chances: Mapping[tuple[str, str], float] = field(default_factory=dict)
    crowded: Mapping[str, int] = field(default_factory=dict)


class Gathering:
    """Samples in the making: told whom to ask about, then shown every person of the index with `see`."""

    def __init__(self, asked: Iterable[Person], *, seed: int) -> None:
        self._asked = tuple(asked)
        self._draw = random.Random(seed)  # noqa: S311 - a sample that can be drawn again, not a secret
        self._people = 0
        self._shared = _Shared()
        self._strangers: list[Person] = []
        self._wanted: dict[str, dict[Hashable, list[int]]] = {block: {} for block in BLOCKS}
        self._met: dict[str, defaultdict[int, list[Person]]] = {block: defaultdict(list) for block in BLOCKS}
        for place, person in enumerate(self._asked):
            for block, value in _values(person):
                self._wanted[block].setdefault(value, []).append(place)

    def see(self, held: Person) -> None:
        """Take note of one person of the index."""
        self._people += 1
        self._shared.count(held)
        # each person of the index is as likely as any other to be among those kept (reservoir sampling)
        if len(self._strangers) < _KEPT_STRANGERS:
            self._strangers.append(held)
        elif (place := self._draw.randrange(self._people)) < _KEPT_STRANGERS:
            self._strangers[place] = held
        for block, value in _values(held):
            for place in self._wanted[block].get(value, ()):
                if len(self._met[block][place]) <= MOST_IN_A_BLOCK:
                    self._met[block][place].append(held)

    def numbers(self) -> set[NhsNumber]:
        """The numbers of everybody who is in a pair or may be: of whom to ask whether their location is hidden."""
        met = (held for block in self._met.values() for people in block.values() for held in people)
        return {held.nhs_number for held in (*met, *self._strangers) if held.nhs_number is not None}

    def samples(self, random_pairs: int, hidden: Collection[NhsNumber] = frozenset()) -> Samples:
        """Compare. People of the index who are ``hidden``, whose location must not be looked at, are left out."""
        crowded = {
            block: sum(len(people) > MOST_IN_A_BLOCK for people in met.values()) for block, met in self._met.items()
        }
        return Samples(
            self._people,
            len(self._asked),
            Counter(compare(one, other) for one, other in self._random(random_pairs, hidden)),
            {block: Counter(compare(*pair) for pair in self._pairs(block, hidden)) for block in BLOCKS},
            self._shared.chances(self._people),
            crowded,
        )

    def _pairs(self, block: str, hidden: Collection[NhsNumber]) -> Iterator[tuple[Person, Person]]:
        for place, people in sorted(self._met[block].items()):
            if len(people) <= MOST_IN_A_BLOCK:
                yield from ((self._asked[place], held) for held in people if held.nhs_number not in hidden)

    def _random(self, count: int, hidden: Collection[NhsNumber]) -> Iterator[tuple[Person, Person]]:
        """Random pairs of different people: asked about and in the index where both are many, else in the index."""
        held = [person for person in self._strangers if person.nhs_number not in hidden]
        if len(held) < 2:  # noqa: PLR2004 - a pair has two sides
            return
        others = self._asked if len(self._asked) >= _ENOUGH_ASKED else held
        for _ in range(count):
            one, other = self._draw.choice(others), self._draw.choice(held)
            if one is not other and (one.nhs_number is None or one.nhs_number != other.nhs_number):
                yield one, other


def _values(person: Person) -> Iterator[tuple[str, Hashable]]:
    """The blocks a person belongs to, each with the value that its pairs share."""
    if person.nhs_number is not None:
        yield NUMBER, person.nhs_number.digits
    born = person.birth_date.as_number if person.birth_date is not None and person.birth_date.is_whole else 0
    if person.family and person.given:
        yield "names", (person.family, person.given)
    if born and person.given:
        yield "birth-given", (born, person.given)
    if born and person.family:
        yield "birth-family", (born, person.family)


class _Shared:
    """How many people of the index carry each value of what few people share. Values are kept as hashes only."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, Counter[Hashable]] = defaultdict(Counter)

    def count(self, person: Person) -> None:
        """Count one person's values."""
        for name in ("phone", "email"):
            values = getattr(person, name)
            self._counts[name].update(map(hash, values))
            self._counts[f"{name} known"][True] += bool(values)
        if person.birth_date is not None and person.birth_date.is_whole:
            self._counts["birth_date"][person.birth_date.as_number] += 1
        if person.death_date is not None:
            self._counts["death_date"][person.death_date.as_number] += 1
        if len(person.postcode) >= WHOLE_POSTCODE:
            code = hash(person.postcode)
            self._counts["postcode"][code] += 1
            if person.house:
                self._counts["housed"][code] += 1
                self._counts["house"][hash((person.postcode, person.house))] += 1
        self._counts["previous"].update(map(hash, person.previous_postcode))

    def chances(self, people: int) -> dict[tuple[str, str], float]:
        """(field, level) → the chance that two different people who are both known share it; only what occurs."""
        counts = self._counts
        dates = counts["birth_date"]
        new_years = Counter({date: count for date, count in dates.items() if _is_new_year(date)})
        living = counts["postcode"]
        full, housed, anywhere = _pairs(counts["house"]), _pairs(counts["housed"]), _pairs(living)
        moved = 2 * sum(count * living[code] for code, count in counts["previous"].items())
        found = {
            # nobody shares a number: it is there by mistake, and then it is anybody's
            ("nhs_number", "equal"): (1.0, people),
            ("birth_date", "exact"): (_pairs(dates) - _pairs(new_years), _square(dates.total())),
            ("birth_date", "first-january"): (_pairs(new_years), _square(dates.total())),
            ("birth_date", "swapped"): (_swapped(dates), _square(dates.total())),
            ("death_date", "equal"): (_pairs(counts["death_date"]), _square(counts["death_date"].total())),
            ("address", "full"): (full, _square(living.total())),
            ("address", "other-house"): (housed - full, _square(living.total())),
            ("address", "postcode"): (anywhere - housed, _square(living.total())),
            ("address", "previous"): (moved, _square(living.total())),
            **{(n, "equal"): (_pairs(counts[n]), _square(counts[f"{n} known"][True])) for n in ("phone", "email")},
        }
        return {level: min(shared / of, 0.5) for level, (shared, of) in found.items() if shared > 0 < of}


def _pairs(counts: Counter[Hashable]) -> float:
    """Ordered pairs of different people who share a value."""
    return float(sum(count * (count - 1) for count in counts.values()))


def _square(people: int) -> float:
    return float(people * (people - 1))


def _is_new_year(date: Hashable) -> bool:
    return isinstance(date, int) and date % 10_000 == _NEW_YEAR


def _swapped(dates: Counter[Hashable]) -> float:
    """Ordered pairs of people whose day and month are exchanged."""
    found = 0
    for number, count in dates.items():
        assert isinstance(number, int)  # as `count` counts them
        year, rest = divmod(number, 10_000)
        other = PartialDate(year, *divmod(rest, 100)).swapped()
        found += count * dates[other.as_number] if other is not None else 0
    return float(found)
