"""One person as a row of columns, for engines that compare in SQL.

Whatever can be read off one person alone is worked out here, once, when the row is made: name groups, sounds, words,
first letters, and flags that say whether a list has anything in it. SQL then compares and never normalises. Unknown is
the empty text or 0, never NULL. A list is one text, its values parted by `SEPARATOR`: engines read a column of lists
many times slower than one of texts, and seldom look into it.
"""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa

from linkage.compare import INWARD, WHOLE_POSTCODE
from linkage.customs import (
    RELIGIOUS,
    called,
    family_groups,
    family_root,
    given_groups,
    given_parts,
    given_root,
    sound,
    telling_words,
)
from linkage.findings import Death
from linkage.person import Gender, Person, Security

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from linkage.nhs_number import NhsNumber
    from linkage.person import PartialDate

SEPARATOR: Final = "\x1f"
"""Stands between the values of a list. No folded text holds it, nor does any telephone number or e-mail address."""

_SEXES: Final = {Gender.MALE: 1, Gender.FEMALE: 2}
_REMEMBERED: Final = 262_144
_HEAD: Final = 3


def _several(name: str) -> dict[str, str]:
    """A list as three columns: its first value, whether there are more, and then all of them."""
    return {name: "VARCHAR", f"{name}_several": "BOOLEAN", f"{name}_all": "VARCHAR"}


def _forms(name: str) -> dict[str, str]:
    """What a name is compared by besides itself."""
    return {
        f"{name}_root": "VARCHAR",
        f"{name}_grouped": "BOOLEAN",
        f"{name}_groups": "VARCHAR",
        f"{name}_sound": "VARCHAR",
    }


COLUMNS: Final[Mapping[str, str]] = {
    "id": "INTEGER",
    "number": "VARCHAR",
    "number_valid": "BOOLEAN",
    "family": "VARCHAR",
    "family_written": "VARCHAR",
    "family_compact": "VARCHAR",
    "family_first": "VARCHAR",
    "family_several": "BOOLEAN",
    "family_words": "VARCHAR",
    "family_religious": "BOOLEAN",
    "religious_words": "VARCHAR",
    **_forms("family"),
    **_several("previous_family"),
    "given": "VARCHAR",
    "given_written": "VARCHAR",
    "given_first": "VARCHAR",
    **_forms("given"),
    "called": "VARCHAR",
    "called_apart": "BOOLEAN",
    **_forms("called"),
    "joined": "VARCHAR",
    "has_parts": "BOOLEAN",
    "given_parts": "VARCHAR",
    "has_other": "BOOLEAN",
    **_several("other_given"),
    **_several("telling"),
    "other_first": "VARCHAR",
    "other_initial": "BOOLEAN",
    "born": "INTEGER",
    "born_text": "VARCHAR",
    "born_year": "INTEGER",
    "born_month": "INTEGER",
    "born_day": "INTEGER",
    "sex": "INTEGER",
    "postcode": "VARCHAR",
    "postcode_whole": "BOOLEAN",
    "postcode_head": "VARCHAR",
    "postcode_tail": "VARCHAR",
    "postcode_sector": "VARCHAR",
    "postcode_outward": "VARCHAR",
    **_several("previous_postcode"),
    "house": "VARCHAR",
    **_several("street"),
    **_several("phone"),
    **_several("email"),
    "gp_practice": "VARCHAR",
    "died": "INTEGER",
    "hides_location": "BOOLEAN",
    "security": "VARCHAR",
    "superseded_by": "VARCHAR",
    "death": "VARCHAR",
}
"""Column → SQL type of a table of people. ``id`` is a row's number in its table, from 0; ``number`` the ten digits,
valid or not; ``born`` and ``died`` a date as yyyymmdd; ``superseded_by`` the number that took this row's place."""

_ARROW: Final = {
    "VARCHAR": pa.string(),
    "INTEGER": pa.int32(),
    "BOOLEAN": pa.bool_(),
}
SCHEMA: Final = pa.schema([(name, _ARROW[kind]) for name, kind in COLUMNS.items()])
"""The same columns for Arrow and Parquet."""
KEY_SCHEMA: Final = pa.schema([("hash", pa.int64()), ("person", pa.int32())])
"""A table of keys: the hash of a key, and the row of a table of people that has it."""


class _Forms(NamedTuple):
    root: str
    grouped: bool
    groups: str
    sound: str


_NO_FORMS: Final = _Forms("", grouped=False, groups="", sound="")


class Placed(NamedTuple):
    """A person at a row of a table of people, ``id`` from 0, and what an index says of them besides."""

    id: int
    person: Person
    security: Security = Security.UNRESTRICTED
    superseded_by: NhsNumber | None = None
    death: Death = Death.NONE


def row(
    record_id: int,
    person: Person,
    security: Security = Security.UNRESTRICTED,
    *,
    superseded_by: NhsNumber | None = None,
    death: Death = Death.NONE,
) -> tuple[object, ...]:
    """One person as a row of `COLUMNS`."""
    placed = Placed(record_id, person, security, superseded_by, death)
    return (record_id, *(cell for part in _PARTS for cell in part.cells(part.of(placed))))


def table(people: Sequence[Placed]) -> pa.Table:
    """Many people as an Arrow table of `COLUMNS`, the same cells as `row` gives.

    Names, dates and postcodes recur, so each part of a row is worked out once for each of its values and then taken
    as often as it occurs: a fifth of the work of making every row by itself.
    """
    arrays = [pa.array([one.id for one in people], pa.int32())]
    for part in _PARTS:
        arrays += part.arrays(people)
    return pa.table(arrays, schema=SCHEMA)


def as_arrow(rows: Iterable[Sequence[object]]) -> pa.Table:
    """Rows of `row` as an Arrow table."""
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    arrays = [pa.array(values, type=kind) for values, kind in zip(columns, SCHEMA.types, strict=True)]
    return pa.table(arrays, schema=SCHEMA)


def _list(values: Sequence[str]) -> tuple[str, bool, str]:
    if len(values) > 1:
        return values[0], True, SEPARATOR.join(values)
    return (values[0], False, "") if values else ("", False, "")


@lru_cache(maxsize=_REMEMBERED)
def _family_forms(name: str) -> _Forms:
    return _forms_of(family_root(name), family_groups(name), sound(name))


@lru_cache(maxsize=_REMEMBERED)
def _given_forms(name: str) -> _Forms:
    return _forms_of(given_root(name), given_groups(name), sound(name))


def _forms_of(root: str, groups: Iterable[int], heard: str) -> _Forms:
    numbers = SEPARATOR.join(map(str, sorted(groups)))
    return _Forms(root, bool(numbers), numbers, heard)


def _number(said: tuple[NhsNumber | None, str]) -> tuple[object, ...]:
    number, near = said
    return (near, False) if number is None else (number.digits, True)


def _family(said: tuple[str, str]) -> tuple[object, ...]:
    name, written = said
    words = name.split()
    return (
        name,
        written,
        name.replace(" ", ""),
        name[:1],
        len(words) > 1,
        SEPARATOR.join(sorted(telling_words(name))),
        name in RELIGIOUS,
        SEPARATOR.join(word for word in words if word in RELIGIOUS),
        *_family_forms(name),
    )


def _given(said: tuple[str, str, tuple[str, ...]]) -> tuple[object, ...]:
    name, written, others = said
    known_as = called(name, others)
    parts = given_parts(written)
    return (
        name,
        written,
        name[:1],
        *_given_forms(name),
        known_as,
        known_as != name,
        *(_given_forms(known_as) if known_as != name else _NO_FORMS),
        name + others[0] if others else "",
        bool(parts),
        SEPARATOR.join(parts),
        bool(others),
        *_list(others),
        *_list([other for other in others if other not in RELIGIOUS]),
        others[0][:1] if others else "",
        bool(others) and len(others[0]) == 1,
    )


def _birth(born: PartialDate | None) -> tuple[object, ...]:
    if born is None:
        return 0, "", 0, 0, 0
    return born.as_number, str(born.as_number), born.year, born.month, born.day


def _postcode(code: str) -> tuple[object, ...]:
    whole = len(code) >= WHOLE_POSTCODE
    return (
        code,
        whole,
        code[:_HEAD],
        code[-1:],
        code[:-2] if whole else "",
        code[:-INWARD] if whole else code,
    )


class _Part:
    """Some neighbouring columns: what of a person they are made of, and how.

    ``width`` columns from ``first`` on are made of the attributes ``said``.
    """

    def __init__(self, first: int, cells: Callable[[Any], tuple[object, ...]], *said: str) -> None:
        self.cells = cells
        self.of: Callable[[Placed], Any] = attrgetter(*said)
        self.types = SCHEMA.types[first : first + len(cells(self.of(Placed(0, Person()))))]

    def arrays(self, people: Iterable[Placed]) -> Iterator[pa.Array]:
        """The columns of many people, each distinct value worked out once."""
        known: dict[object, int] = {}
        places = pa.array([known.setdefault(said, len(known)) for said in map(self.of, people)], pa.int32())
        columns = zip(*map(self.cells, known), strict=True) if known else ((),) * len(self.types)
        for values, kind in zip(columns, self.types, strict=True):
            yield pa.array(values, type=kind).take(places)


def _parts(*made: tuple[Callable[[Any], tuple[object, ...]], *tuple[str, ...]]) -> tuple[_Part, ...]:
    """The parts of a row in the order of `COLUMNS`, behind the id."""
    parts: list[_Part] = []
    first = 1
    for cells, *said in made:
        parts.append(_Part(first, cells, *said))
        first += len(parts[-1].types)
    return tuple(parts)


_PARTS: Final = _parts(
    (_number, "person.nhs_number", "person.near_number"),
    (_family, "person.family", "person.family_written"),
    (_list, "person.previous_family"),
    (_given, "person.given", "person.given_written", "person.other_given"),
    (_birth, "person.birth_date"),
    (lambda gender: (_SEXES.get(gender, 0),), "person.gender"),
    (_postcode, "person.postcode"),
    (_list, "person.previous_postcode"),
    (lambda house: (house,), "person.house"),
    (_list, "person.street"),
    (_list, "person.phone"),
    (_list, "person.email"),
    (lambda practice: (practice,), "person.gp_practice"),
    (lambda died: (died.as_number if died else 0,), "person.death_date"),
    (lambda security: (security.hides_location, security.value), "security"),
    (lambda number: (number.digits if number is not None else "",), "superseded_by"),
    (lambda death: (death.value,), "death"),
)
